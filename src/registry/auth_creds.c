/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth_creds.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <string.h>

/* So often other credentials are tried for one repository. */
#define TRIES_MAX 8
/* What a cloud gave is asked for anew so long before it ends. */
#define MARGIN_MS 30000

struct auth_creds {
    struct host *host;
    struct known_creds **item; /* places do not move */
    size_t count, room;
    unsigned serial;
};

struct auth_creds *auth_creds_new(struct host *h)
{
    struct auth_creds *s = mem_zero(1, sizeof *s);
    s->host = h;
    return s;
}

void auth_creds_free(struct auth_creds *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++) {
        mem_free(s->item[i]->repository);
        creds_wipe(&s->item[i]->creds);
        creds_trace_wipe(&s->item[i]->trace);
        mem_free(s->item[i]);
    }
    mem_free(s->item);
    mem_free(s);
}

static bool has_ended(const struct creds *c)
{
    return c->end_ms != 0 && clock_ms() + MARGIN_MS >= c->end_ms;
}

/* A cloud gives the same for all repositories. */
static const struct creds *given_by_cloud(const struct auth_creds *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->item[i]->creds.from_cloud && !has_ended(&s->item[i]->creds))
            return &s->item[i]->creds;
    return NULL;
}

/* It is asked once: looking for metadata that is not there takes its time. */
static bool cloud_has_none(const struct auth_creds *s, const struct known_creds *but)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->item[i] != but && creds_empty(&s->item[i]->creds))
            return true;
    return false;
}

static struct err *look(struct auth_creds *s, struct known_creds *known, unsigned skip,
                        const struct creds *cloud)
{
    const struct registry_options *o = &s->host->config->options;
    struct creds_options options = {.authfile = o->authfile,
                                    .username = s->host->ns ? NULL : o->username,
                                    .password = s->host->ns ? NULL : o->password,
                                    .login_host = atomic_load(&s->host->stands_in) ? NULL : o->login_host,
                                    .counts = cloud_has_none(s, known) ? NULL : &s->host->config->counts,
                                    .cloud = cloud,
                                    .skip = skip};
    creds_trace_wipe(&known->trace);
    return creds_find(&known->creds, &options, s->host->name, *known->repository ? known->repository : NULL,
                      &known->trace);
}

static void known_free(struct known_creds *known)
{
    mem_free(known->repository);
    creds_trace_wipe(&known->trace);
    mem_free(known);
}
AUTO_DEFINE(struct known_creds *, known_free)

struct err *auth_creds_get(struct auth_creds *s, const char *repository, struct known_creds **out)
{
    const char *key = repository ? repository : "";
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->item[i]->repository, key)) {
            *out = s->item[i];
            if (!has_ended(&(*out)->creds))
                return NULL;
            (*out)->serial = ++s->serial;
            return look(s, *out, (*out)->skip, given_by_cloud(s));
        }
    AUTO(known_free) struct known_creds *known = mem_zero(1, sizeof *known);
    known->repository = mem_strdup(key);
    TRY(look(s, known, 0, given_by_cloud(s)));
    known->serial = ++s->serial;
    *out = known;
    MEM_PUSH(s->item, s->count, s->room, TAKE(known));
    return NULL;
}

bool auth_creds_again(struct auth_creds *s, struct known_creds *known)
{
    if (known->refused || creds_empty(&known->creds) || known->tries == TRIES_MAX)
        return false;
    AUTO_VALUE(creds_wipe) struct creds before = known->creds;
    unsigned skip = known->skip + (before.more ? 1 : 0);
    known->creds = (struct creds){0};
    known->tries++;
    struct err *e = look(s, known, skip, NULL);
    if (e)
        log_debug("credentials for %s, again: %s", s->host->name, err_message(e));
    bool other = !e && !creds_empty(&known->creds) && !creds_equal(&known->creds, &before);
    err_free(e);
    known->refused = !other;
    if (other) {
        known->skip = skip;
        known->serial = ++s->serial;
        log_debug("the credentials from %s were refused; trying those from %s", before.source,
                  known->creds.source);
        return true;
    }
    /* For the message: those that were refused. */
    creds_wipe(&known->creds);
    known->creds = before;
    before = (struct creds){0};
    return false;
}

void auth_creds_renew(struct known_creds *known, const char *identity_token)
{
    struct creds *c = &known->creds;
    if (!c->identity_token)
        return;
    mem_wipe(c->identity_token, strlen(c->identity_token));
    mem_free(c->identity_token);
    c->identity_token = mem_strdup(identity_token);
}
