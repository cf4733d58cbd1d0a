/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"
#include "base/lock.h"
#include "base/mem.h"
#include "registry/auth.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/host.h"
#include "registry/manifests.h"
#include "registry/remote.h"

#include <string.h>

struct registry {
    struct host_config config;
    char *authfile, *username, *password, *cert_dir, *login_host, *file, *cache_dir;
    struct lock *lock; /* for the hosts */
    struct host **hosts;
    size_t host_count, host_room;
};

struct err *registry_new(struct registry **out, const struct registry_options *options)
{
    TRY(http_start());
    struct registry *r = mem_zero(1, sizeof *r);
    r->config.options = *options;
    r->config.options.authfile = r->authfile = mem_strdup(options->authfile);
    r->config.options.username = r->username = mem_strdup(options->username);
    r->config.options.password = r->password = mem_strdup(options->password);
    r->config.options.cert_dir = r->cert_dir = mem_strdup(options->cert_dir);
    r->config.options.login_host = r->login_host = mem_strdup(options->login_host);
    r->config.options.config = r->file = mem_strdup(options->config);
    r->config.options.cache_dir = r->cache_dir = mem_strdup(options->cache_dir);
    if (!options->blob_sessions)
        r->config.options.blob_sessions = RETRY_SESSIONS;
    r->config.retry =
        (struct retry_policy){.tries = options->tries ? options->tries : RETRY_TRIES,
                              .budget_ms = options->budget_ms ? options->budget_ms : RETRY_BUDGET_MS,
                              .events = options->events};
    r->lock = lock_new();
    *out = r;
    return NULL;
}

void registry_free(struct registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->host_count; i++)
        host_free(r->hosts[i]);
    mem_free(r->hosts);
    lock_free(r->lock);
    if (r->password)
        mem_wipe(r->password, strlen(r->password));
    mem_free(r->authfile);
    mem_free(r->username);
    mem_free(r->password);
    mem_free(r->cert_dir);
    mem_free(r->login_host);
    mem_free(r->file);
    mem_free(r->cache_dir);
    mem_free(r);
    http_end();
}

struct err *registry_host(struct registry *r, const char *name, struct host **out)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    for (size_t i = 0; i < r->host_count; i++)
        if (str_eq_nocase(r->hosts[i]->name, name)) {
            *out = r->hosts[i];
            return NULL;
        }
    TRY(host_new(out, &r->config, name));
    MEM_PUSH(r->hosts, r->host_count, r->host_room, *out);
    return NULL;
}

struct err *registry_repository(struct registry *r, const struct ref *ref, bool push, struct store **out)
{
    struct host *h;
    TRY(registry_host(r, ref->registry, &h));
    *out = remote_new(h, ref->repository, push);
    return NULL;
}

struct err *registry_repo(struct registry *r, const struct ref *ref, bool push, struct repo *out)
{
    *out = (struct repo){.name = ref->repository, .push = push};
    return registry_host(r, ref->registry, &out->host);
}

struct err *registry_resolve(struct registry *r, const struct ref *ref, struct desc *out)
{
    char digest[DIGEST_TEXT];
    AUTO(store_free) struct store *repository = NULL;
    AUTO(mem_free) char *name = ref_familiar(ref);
    bool found;
    TRY(registry_repository(r, ref, false, &repository));
    /* With both, the digest says what and the tag is for people. */
    const char *what = digest_is_set(&ref->digest) ? digest_text(&ref->digest, digest) : ref->tag;
    TRY(err_wrap(store_resolve(repository, what, out, &found), "look for %s", name));
    return found ? NULL : err_new(ERR_NOT_FOUND, "%s has no image %s", ref->registry, name);
}

struct err *registry_check_login(struct registry *r, const char *host)
{
    struct host *h;
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(registry_host(r, host, &h));
    TRY(host_url(h, &u, "/v2/"));
    struct client_request q = {.method = "GET", .url = &u};
    TRY(client_send(&reply, h, &q));
    return reply.status == 200 ? NULL : client_unexpected(h, &q, &reply);
}

struct registry_counts registry_counts(const struct registry *r)
{
    const struct http_counts *c = &r->config.counts;
    return (struct registry_counts){.requests = atomic_load(&c->requests),
                                    .retries = atomic_load(&c->retries),
                                    .bytes_up = atomic_load(&c->bytes_up),
                                    .bytes_down = atomic_load(&c->bytes_down)};
}
