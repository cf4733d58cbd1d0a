/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/challenge.h"
#include "registry/client.h"
#include "registry/token.h"

#include <string.h>

#define WAIT_MS 500
#define MARGIN_MS 30000

enum auth_kind { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

/* Credentials may differ from repository to repository (path-scoped keys). */
struct known_creds {
    char *repository; /* "" for the host itself */
    struct creds creds;
};
struct known_token {
    char *key;
    struct token token;
    uint64_t end_ms;
    bool fetching;
};

struct auth {
    struct host *host;
    struct lock *lock; /* for all that follows */
    enum auth_kind kind;
    char *realm, *service;
    struct known_creds **creds; /* places do not move */
    size_t creds_count, creds_room;
    struct known_token **tokens;
    size_t token_count, token_room;
};

struct auth *auth_new(struct host *h)
{
    struct auth *a = mem_zero(1, sizeof *a);
    a->host = h;
    a->lock = lock_new();
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->creds_count; i++) {
        mem_free(a->creds[i]->repository);
        creds_wipe(&a->creds[i]->creds);
        mem_free(a->creds[i]);
    }
    for (size_t i = 0; i < a->token_count; i++) {
        mem_free(a->tokens[i]->key);
        token_wipe(&a->tokens[i]->token);
        mem_free(a->tokens[i]);
    }
    mem_free(a->creds);
    mem_free(a->tokens);
    mem_free(a->realm);
    mem_free(a->service);
    lock_free(a->lock);
    mem_free(a);
}

static void take_text(char **place, const char *text)
{
    mem_free(*place);
    *place = mem_strdup(text);
}

void auth_learn(struct auth *a, const struct strmap *headers, const struct url *base, char **scope)
{
    AUTO_VALUE(challenges_wipe) struct challenges list = {0};
    AUTO_VALUE(url_wipe) struct url realm = {0};
    for (size_t i = 0; i < headers->count; i++)
        if (str_eq(headers->key[i], "www-authenticate"))
            challenge_parse(&list, headers->value[i]);
    const struct challenge *bearer = challenge_find(&list, "bearer");
    const char *where = bearer ? strmap_get(&bearer->params, "realm") : NULL;
    if (scope)
        *scope = bearer ? mem_strdup(strmap_get(&bearer->params, "scope")) : NULL;
    struct err *bad = where ? url_resolve(&realm, base, where) : NULL;
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    if (where && !bad) {
        a->kind = AUTH_BEARER;
        take_text(&a->realm, realm.text);
        take_text(&a->service, strmap_get(&bearer->params, "service"));
    } else if (challenge_find(&list, "basic")) {
        a->kind = AUTH_BASIC;
    }
    err_free(bad);
}

/* Looked for once. A helper may take its time, and whoever comes meanwhile needs the same. Lock held. */
static struct err *creds_for(struct auth *a, const char *repository, const struct creds **out)
{
    const struct registry_options *o = &a->host->config->options;
    const char *key = repository ? repository : "";
    for (size_t i = 0; i < a->creds_count; i++)
        if (str_eq(a->creds[i]->repository, key)) {
            *out = &a->creds[i]->creds;
            return NULL;
        }
    struct creds_options options = {
        .authfile = o->authfile, .username = o->username, .password = o->password};
    AUTO_VALUE(creds_wipe) struct creds found = {0};
    TRY(creds_find(&found, &options, a->host->name, repository, NULL));
    struct known_creds *known = mem_zero(1, sizeof *known);
    known->repository = mem_strdup(key);
    known->creds = found;
    found = (struct creds){0};
    MEM_PUSH(a->creds, a->creds_count, a->creds_room, known);
    *out = &known->creds;
    return NULL;
}

/* The right to push first: some registries look at the first scope only. */
static void list_scopes(struct strlist *scopes, const struct auth_want *want)
{
    if (want->scope)
        strlist_split(scopes, want->scope, ' ');
    if (want->scope || !want->repository)
        return;
    strlist_add_take(scopes,
                     mem_printf("repository:%s:%s", want->repository, want->push ? "pull,push" : "pull"));
    if (want->from && !str_eq(want->from, want->repository))
        strlist_add_take(scopes, mem_printf("repository:%s:pull", want->from));
}

static struct known_token *token_place(struct auth *a, const char *key)
{
    for (size_t i = 0; i < a->token_count; i++)
        if (str_eq(a->tokens[i]->key, key))
            return a->tokens[i];
    struct known_token *t = mem_zero(1, sizeof *t);
    t->key = mem_strdup(key);
    MEM_PUSH(a->tokens, a->token_count, a->token_room, t);
    return t;
}

static bool is_fresh(const struct known_token *t, const char *stale)
{
    if (!t->token.value || (stale && str_starts(stale, "Bearer ") && str_eq(stale + 7, t->token.value)))
        return false;
    uint64_t margin = t->token.life_ms / 10 > MARGIN_MS ? t->token.life_ms / 10 : MARGIN_MS;
    return clock_ms() + margin < t->end_ms;
}

/* Lock held; given up while the request is on its way. */
static struct err *fetch(struct auth *a, struct known_token *t, const struct strlist *scopes,
                         const struct creds *creds)
{
    AUTO(mem_free) char *realm = mem_strdup(a->realm);
    AUTO(mem_free) char *service = mem_strdup(a->service);
    struct token_request q = {.realm = realm, .service = service, .scopes = scopes, .creds = creds};
    AUTO_VALUE(token_wipe) struct token got = {0};
    t->fetching = true;
    lock_release(a->lock);
    struct err *e = token_fetch(&got, a->host, &q);
    lock_hold(a->lock);
    t->fetching = false;
    if (!e) {
        token_wipe(&t->token);
        t->token = got;
        t->end_ms = clock_ms() + got.life_ms;
        got = (struct token){0};
    }
    lock_wake(a->lock);
    return e;
}

static struct err *bearer(struct auth *a, const struct auth_want *want, const struct creds *creds,
                          const char *stale, char **out)
{
    AUTO_VALUE(strlist_wipe) struct strlist scopes = {0};
    list_scopes(&scopes, want);
    AUTO(mem_free) char *joined = strlist_join(&scopes, " ");
    AUTO(mem_free)
    char *key = mem_printf("%s\n%s\n%s\n%s", a->realm, a->service ? a->service : "", joined,
                           creds->username ? creds->username
                           : creds->source ? creds->source
                                           : "");
    struct known_token *t = token_place(a, key);
    while (t->fetching)
        lock_wait(a->lock, WAIT_MS);
    if (!is_fresh(t, stale))
        TRY(fetch(a, t, &scopes, creds));
    *out = mem_printf("Bearer %s", t->token.value);
    return NULL;
}

struct err *auth_value(struct auth *a, const struct auth_want *want, const char *stale, char **out)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    const struct creds *creds;
    *out = NULL;
    if (a->kind == AUTH_NONE)
        return NULL;
    TRY(creds_for(a, want->repository, &creds));
    if (creds->registry_token)
        *out = mem_printf("Bearer %s", creds->registry_token);
    else if (a->kind == AUTH_BEARER)
        return bearer(a, want, creds, stale, out);
    else if (creds->username && creds->password)
        *out = client_basic(creds->username, creds->password);
    return NULL;
}

bool auth_can_replay(struct auth *a, const char *value)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    if (a->kind == AUTH_BASIC)
        return !value || !str_starts(value, "Basic ");
    return a->kind == AUTH_BEARER;
}

struct err *auth_denied(struct auth *a, const char *repository, struct err *cause)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    const struct creds *creds = NULL;
    err_free(creds_for(a, repository, &creds));
    const char *host = a->host->name;
    if (creds && !creds_empty(creds))
        return err_hint(
            cause, "the credentials from %s do not give this right; \"lade login %s\" stores others%s",
            creds->source, host, repository ? ", and a repository that does not exist is refused too" : "");
    return err_hint(cause, "there are no credentials for %s: run \"lade login %s\"%s", host, host,
                    repository ? "; a repository that does not exist may be refused like this too" : "");
}
