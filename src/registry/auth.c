/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/auth_creds.h"
#include "registry/auth_scope.h"
#include "registry/challenge.h"
#include "registry/client.h"
#include "registry/token.h"

#include <string.h>

#define WAIT_MS 500
#define MARGIN_MS 30000
#define FETCHES_MAX 2

enum auth_kind { AUTH_NONE, AUTH_BASIC, AUTH_BEARER };

/* What the registry asks for: in general, or for one repository. */
struct known_ask {
    char *repository; /* "" for the host itself */
    enum auth_kind kind;
    char *realm, *service;
    char *realm_fault; /* why the realm cannot be used, instead of it */
    char *scope[2];    /* that it wants instead of ours: to pull, to push; or NULL */
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
    struct auth_creds *creds;
    struct known_ask **asks; /* places do not move */
    size_t ask_count, ask_room;
    struct known_token **tokens;
    size_t token_count, token_room;
};

struct auth *auth_new(struct host *h)
{
    struct auth *a = mem_zero(1, sizeof *a);
    a->host = h;
    a->lock = lock_new();
    a->creds = auth_creds_new(h);
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->ask_count; i++) {
        struct known_ask *k = a->asks[i];
        char *const texts[] = {k->repository, k->realm, k->service, k->realm_fault, k->scope[0], k->scope[1]};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            mem_free(texts[t]);
        mem_free(k);
    }
    for (size_t i = 0; i < a->token_count; i++) {
        mem_free(a->tokens[i]->key);
        token_wipe(&a->tokens[i]->token);
        mem_free(a->tokens[i]);
    }
    mem_free(a->asks);
    mem_free(a->tokens);
    auth_creds_free(a->creds);
    lock_free(a->lock);
    mem_free(a);
}

static void take_text(char **place, const char *text)
{
    char *old = *place;
    *place = mem_strdup(text);
    mem_free(old);
}

static struct known_ask *find_ask(const struct auth *a, const char *repository)
{
    for (size_t i = 0; i < a->ask_count; i++)
        if (str_eq(a->asks[i]->repository, repository))
            return a->asks[i];
    return NULL;
}

/* The place to note what is asked for `repository`. */
static struct known_ask *ask_place(struct auth *a, const char *repository)
{
    struct known_ask *known = find_ask(a, repository);
    if (known)
        return known;
    known = mem_zero(1, sizeof *known);
    known->repository = mem_strdup(repository);
    MEM_PUSH(a->asks, a->ask_count, a->ask_room, known);
    return known;
}

/* What is asked for `repository` (may be NULL), as far as is known: NULL, nothing. */
static const struct known_ask *ask_of(const struct auth *a, const char *repository)
{
    const struct known_ask *own = repository ? find_ask(a, repository) : NULL;
    return own ? own : find_ask(a, "");
}

static void parse_headers(struct challenges *list, const struct strmap *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        if (str_eq(headers->key[i], "www-authenticate"))
            challenge_parse(list, headers->value[i]);
}

/* A scope that asks for no more than we do tells nothing: a token that ended is refused like that. */
static void learn_scope(struct known_ask *k, const struct auth_want *want, const char *scope)
{
    AUTO_VALUE(strlist_wipe) struct strlist ours = {0};
    if (!want || want->scope || str_empty(scope))
        return;
    auth_scope_list(&ours, want);
    if (!auth_scope_covers(&ours, scope))
        take_text(&k->scope[want->push], scope);
}

static void learn_bearer(struct known_ask *k, const struct challenge *c, const struct url *base)
{
    AUTO_VALUE(url_wipe) struct url realm = {0};
    struct err *bad = url_resolve(&realm, base, strmap_get(&c->params, "realm"));
    k->kind = AUTH_BEARER;
    take_text(&k->realm, bad ? NULL : realm.text);
    take_text(&k->realm_fault, bad ? err_message(bad) : NULL);
    take_text(&k->service, strmap_get(&c->params, "service"));
    err_free(bad);
}

void auth_learn(struct auth *a, const struct auth_want *want, const struct strmap *headers,
                const struct url *base)
{
    AUTO_VALUE(challenges_wipe) struct challenges list = {0};
    parse_headers(&list, headers);
    const struct challenge *bearer = challenge_find(&list, "bearer");
    const struct challenge *basic = challenge_find(&list, "basic");
    const char *repository = want && want->repository ? want->repository : "";
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    if (bearer && strmap_get(&bearer->params, "realm")) {
        struct known_ask *k = ask_place(a, repository);
        learn_bearer(k, bearer, base);
        learn_scope(k, want, strmap_get(&bearer->params, "scope"));
        if (k->realm_fault && basic)
            k->kind = AUTH_BASIC;
    } else if (basic) {
        ask_place(a, repository)->kind = AUTH_BASIC;
    }
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

/* A commit must not fail because the token ended while it was on its way. */
static bool is_fresh(const struct known_token *t, const char *stale)
{
    if (!t->token.value || (stale && str_starts(stale, "Bearer ") && str_eq(stale + 7, t->token.value)))
        return false;
    uint64_t margin = t->token.life_ms / 10 > MARGIN_MS ? t->token.life_ms / 10 : MARGIN_MS;
    return clock_ms() + margin < t->end_ms;
}

/* Lock held; given up while the request is on its way, so that nothing borrowed may change. */
static struct err *fetch(struct auth *a, struct known_token *t, const struct known_ask *k,
                         const struct strlist *scopes, const struct creds *from)
{
    AUTO(mem_free) char *realm = mem_strdup(k->realm);
    AUTO(mem_free) char *service = mem_strdup(k->service);
    AUTO_VALUE(creds_wipe) struct creds creds = {0};
    AUTO_VALUE(token_wipe) struct token got = {0};
    struct token_request q = {.realm = realm, .service = service, .scopes = scopes, .creds = &creds};
    creds_copy(&creds, from);
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

static struct known_token *token_for(struct auth *a, const struct known_ask *k, const struct strlist *scopes,
                                     const struct known_creds *known)
{
    AUTO(mem_free) char *joined = strlist_join(scopes, " ");
    AUTO(mem_free)
    char *key = mem_printf("%s\n%s\n%s\n%u", k->realm, k->service ? k->service : "", joined, known->serial);
    return token_place(a, key);
}

/* The server refused who we are, not what we want. */
static bool is_refusal(const struct err *e)
{
    int status = err_http_status(e);
    return status == 400 || status == 401 || status == 403;
}

/* A fresh token for `scopes`, with the credentials that there are, or with others when those are refused. */
static struct err *token_now(struct auth *a, const struct known_ask *k, const struct strlist *scopes,
                             struct known_creds *known, const char *stale, const char **value)
{
    for (unsigned fetches = 0;;) {
        struct known_token *t = token_for(a, k, scopes, known);
        while (t->fetching)
            lock_wait(a->lock, WAIT_MS);
        *value = t->token.value;
        if (is_fresh(t, stale))
            return NULL;
        unsigned serial = known->serial;
        struct err *e = fetch(a, t, k, scopes, &known->creds);
        fetches++;
        if (!e) {
            if (t->token.refresh && known->serial == serial)
                auth_creds_renew(known, t->token.refresh);
            *value = t->token.value;
            return NULL;
        }
        if (fetches == FETCHES_MAX || !is_refusal(e) ||
            (known->serial == serial && !auth_creds_again(a->creds, known)))
            return e;
        err_free(e);
    }
}

static struct err *bearer(struct auth *a, const struct known_ask *k, const struct auth_want *want,
                          struct known_creds *known, const char *stale, char **out)
{
    AUTO_VALUE(strlist_wipe) struct strlist scopes = {0};
    struct auth_want asked = *want;
    const char *value;
    if (k->realm_fault)
        return err_new(ERR_DENIED, "%s names a token server that cannot be used: %s", a->host->name,
                       k->realm_fault);
    if (!asked.scope)
        asked.scope = k->scope[want->push];
    auth_scope_list(&scopes, &asked);
    TRY(token_now(a, k, &scopes, known, stale, &value));
    *out = mem_printf("Bearer %s", value);
    return NULL;
}

struct err *auth_value(struct auth *a, const struct auth_want *want, const char *stale, char **out)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    struct known_creds *known;
    const struct known_ask *k = ask_of(a, want->repository);
    *out = NULL;
    if (!k)
        return NULL;
    TRY(auth_creds_get(a->creds, want->repository, &known));
    const struct creds *c = &known->creds;
    if (c->registry_token)
        *out = mem_printf("Bearer %s", c->registry_token);
    else if (k->kind == AUTH_BEARER)
        return bearer(a, k, want, known, stale, out);
    else if (c->username && c->password)
        *out = client_basic(c->username, c->password);
    return NULL;
}

/* What is sent without asking a token server, or NULL. New string. */
static char *plain_value(const struct known_ask *k, const struct creds *c)
{
    if (c->registry_token)
        return mem_printf("Bearer %s", c->registry_token);
    return k->kind == AUTH_BASIC && c->username && c->password ? client_basic(c->username, c->password)
                                                               : NULL;
}

bool auth_can_replay(struct auth *a, const struct auth_want *want, const char *value)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    const struct known_ask *k = ask_of(a, want->repository);
    struct known_creds *known = NULL;
    if (!k)
        return false;
    struct err *e = auth_creds_get(a->creds, want->repository, &known);
    if (e || !known) {
        err_free(e);
        return true; /* The replay tells of it. */
    }
    char *now = plain_value(k, &known->creds);
    bool same = now && str_eq(now, value);
    if (now)
        mem_wipe(now, strlen(now));
    mem_free(now);
    if (same)
        return auth_creds_again(a->creds, known);
    return now || k->kind == AUTH_BEARER;
}

struct err *auth_denied(struct auth *a, const char *repository, struct err *cause)
{
    AUTO(lock_release) struct lock *held = lock_hold(a->lock);
    struct known_creds *known = NULL;
    const char *host = a->host->name;
    const char *doubt =
        repository ? "; a repository that does not exist is refused like one without access" : "";
    err_free(auth_creds_get(a->creds, repository, &known));
    if (known && !creds_empty(&known->creds))
        return err_hint(
            cause,
            "the credentials from %s are refused, or do not give this right: \"lade login %s\" stores "
            "others%s",
            known->creds.source, host, doubt);
    AUTO(mem_free) char *looked = known ? creds_trace_sources(&known->trace) : mem_strdup("");
    return err_hint(cause, "no credentials found for %s%s%s: run \"lade login %s\"%s", host,
                    *looked ? " in " : "", looked, host, doubt);
}

struct err *auth_anonymous(struct host *h, const struct strmap *headers, const struct url *base, char **out)
{
    AUTO_VALUE(challenges_wipe) struct challenges list = {0};
    AUTO_VALUE(url_wipe) struct url realm = {0};
    AUTO_VALUE(strlist_wipe) struct strlist scopes = {0};
    AUTO_VALUE(token_wipe) struct token got = {0};
    const struct creds nobody = {0};
    *out = NULL;
    parse_headers(&list, headers);
    const struct challenge *c = challenge_find(&list, "bearer");
    const char *where = c ? strmap_get(&c->params, "realm") : NULL;
    if (!where)
        return NULL;
    TRY(url_resolve(&realm, base, where));
    const char *scope = strmap_get(&c->params, "scope");
    strlist_split(&scopes, scope ? scope : "", ' ');
    struct token_request q = {.realm = realm.text,
                              .service = strmap_get(&c->params, "service"),
                              .scopes = &scopes,
                              .creds = &nobody};
    TRY(token_fetch(&got, h, &q));
    *out = mem_printf("Bearer %s", got.value);
    return NULL;
}
