/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/auth.h"
#include "registry/authfile.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/host.h"
#include "registry/journal.h"
#include "registry/manifests.h"
#include "registry/mirror.h"
#include "registry/remote.h"
#include "registry/settings.h"

#include <string.h>

struct registry {
    struct host_config config;
    char *authfile, *username, *password, *cert_dir, *login_host, *file, *cache_dir;
    struct lock *lock; /* for what follows */
    bool settings_known;
    struct settings settings;
    struct strlist moved; /* names of repositories, whose places do not move */
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
                              .events = options->events,
                              .retries = &r->config.counts.retries};
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
    journal_sweep(r->cache_dir);
    mem_free(r->hosts);
    settings_wipe(&r->settings);
    strlist_wipe(&r->moved);
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

/* Read when the first registry is asked for: other work does without the file. Lock held. */
static struct err *read_settings(struct registry *r)
{
    if (!r->settings_known)
        TRY(settings_read(&r->settings, r->config.options.config));
    r->settings_known = true;
    return NULL;
}

/* `ns`: as a mirror of that host. Lock held. */
static struct err *find_host(struct registry *r, const char *name, const char *ns, struct host **out)
{
    for (size_t i = 0; i < r->host_count; i++)
        if (str_eq_nocase(r->hosts[i]->name, name) && str_eq(r->hosts[i]->ns, ns)) {
            *out = r->hosts[i];
            return NULL;
        }
    TRY(host_new(out, &r->config, name, ns, settings_of_host(&r->settings, name)));
    MEM_PUSH(r->hosts, r->host_count, r->host_room, *out);
    return NULL;
}

static struct err *check_blocked(const struct registry *r, const struct settings_entry *e, const char *name)
{
    if (!e || !e->blocked)
        return NULL;
    return err_hint(err_new(ERR_DENIED, "%s is blocked by the configuration", name),
                    "%s:%u: \"%s\" has \"blocked\": true", r->settings.file, e->line, e->shown);
}

struct err *registry_host(struct registry *r, const char *name, struct host **out)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    TRY(read_settings(r));
    TRY(check_blocked(r, settings_for(&r->settings, name, ""), name));
    return find_host(r, name, NULL, out);
}

/* A name that lives as long as the registry. Lock held. */
static const char *keep(struct registry *r, char *name_take)
{
    for (size_t i = 0; i < r->moved.count; i++)
        if (str_eq(r->moved.item[i], name_take)) {
            mem_free(name_take);
            return r->moved.item[i];
        }
    strlist_add_take(&r->moved, name_take);
    return name_take;
}

/* Where a reference leads. *entry (may be NULL) is what the file says of it. Lock held. */
static struct err *locate(struct registry *r, const struct ref *ref, struct repo *out,
                          const struct settings_entry **entry)
{
    AUTO(mem_free) char *name = ref_name(ref);
    TRY(read_settings(r));
    const struct settings_entry *e = settings_for(&r->settings, ref->registry, ref->repository);
    *entry = e;
    TRY(check_blocked(r, e, name));
    if (!e || !e->location.host) {
        out->name = ref->repository;
        return find_host(r, ref->registry, NULL, &out->host);
    }
    out->name = keep(r, settings_moved(e, &e->location, ref->repository));
    if (!*out->name)
        return err_new(ERR_INPUT, "%s: \"location\" of \"%s\" (%s:%u) leaves nothing of its name", name,
                       e->shown, r->settings.file, e->line);
    log_debug("%s is at %s/%s (%s:%u)", name, e->location.host, out->name, r->settings.file, e->line);
    TRY(find_host(r, e->location.host, NULL, &out->host));
    if (r->login_host && authfile_same_host(r->login_host, ref->registry))
        atomic_store(&out->host->stands_in, true);
    return NULL;
}

struct err *registry_repo(struct registry *r, const struct ref *ref, bool push, struct repo *out)
{
    const struct settings_entry *entry;
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    *out = (struct repo){.push = push};
    return locate(r, ref, out, &entry);
}

struct err *registry_repository(struct registry *r, const struct ref *ref, bool push, struct store **out)
{
    struct repo repo;
    TRY(registry_repo(r, ref, push, &repo));
    *out = remote_new(repo.host, repo.name, push);
    return NULL;
}

struct err *registry_source(struct registry *r, const struct ref *ref, struct store **out)
{
    const struct settings_entry *entry;
    struct repo repo = {0};
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    TRY(locate(r, ref, &repo, &entry));
    AUTO(store_free) struct store *made = remote_new(repo.host, repo.name, false);
    if (entry && entry->mirror_count)
        made = mirror_new(TAKE(made), r->config.options.events);
    for (size_t i = 0; entry && i < entry->mirror_count; i++) {
        const struct settings_mirror *m = &entry->mirror[i];
        AUTO(mem_free) char *name = settings_moved(entry, &m->place, ref->repository);
        struct host *host;
        TRY(find_host(r, m->place.host, ref->registry, &host));
        if (*name)
            mirror_add(made, host, name, m->digest_only);
    }
    *out = TAKE(made);
    return NULL;
}

/* With both, the digest says what and the tag is for people. */
static struct err *resolve_in(struct store *repository, const struct ref *ref, struct desc *out)
{
    char digest[DIGEST_TEXT];
    AUTO(mem_free) char *name = ref_familiar(ref);
    bool found;
    const char *what = digest_is_set(&ref->digest) ? digest_text(&ref->digest, digest) : ref->tag;
    TRY(err_wrap(store_resolve(repository, what, out, &found), "look for %s", name));
    return found ? NULL : err_new(ERR_NOT_FOUND, "%s has no image %s", ref->registry, name);
}

struct err *registry_open(struct registry *r, const struct ref *ref, struct store **out, struct desc *root)
{
    AUTO(store_free) struct store *made = NULL;
    TRY(registry_source(r, ref, &made));
    TRY(resolve_in(made, ref, root));
    *out = TAKE(made);
    return NULL;
}

struct err *registry_resolve(struct registry *r, const struct ref *ref, struct desc *out)
{
    AUTO(store_free) struct store *repository = NULL;
    TRY(registry_repository(r, ref, false, &repository));
    return resolve_in(repository, ref, out);
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
