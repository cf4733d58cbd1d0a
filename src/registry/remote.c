/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/remote.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "registry/blob.h"
#include "registry/manifests.h"
#include "registry/quirks.h"

#include <string.h>

/* Manifests just put, for the tags that follow. */
#define KEPT_MAX 16
#define KEPT_SIZE_MAX (256u << 10)
#define SESSIONS_MAX 64

struct kept {
    struct digest digest;
    char *data;
    size_t len;
};
struct session {
    struct digest digest;
    struct url url;
};

struct remote {
    struct store store;
    struct repo repo;
    char *repository;
    char *name;
    struct lock *lock; /* for what follows */
    struct kept kept[KEPT_MAX];
    size_t next;
    struct session sessions[SESSIONS_MAX]; /* uploads that a mount opened instead */
    size_t session_count;
};

static struct remote *self(struct store *s)
{
    return (struct remote *)s;
}

static bool is_manifest(const struct desc *d)
{
    return d->media_type && mediatype_is_manifest(d->media_type);
}

static void keep(struct remote *r, const struct desc *d, const void *data, size_t len)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    struct kept *k = &r->kept[r->next];
    if (len > KEPT_SIZE_MAX)
        return;
    mem_free(k->data);
    *k = (struct kept){.digest = d->digest, .data = mem_dup(data, len), .len = len};
    r->next = (r->next + 1) % KEPT_MAX;
}

static bool recall(struct remote *r, const struct desc *d, struct buf *out)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    for (size_t i = 0; i < KEPT_MAX; i++)
        if (r->kept[i].data && digest_equal(&r->kept[i].digest, &d->digest)) {
            buf_add(out, r->kept[i].data, r->kept[i].len);
            return true;
        }
    return false;
}

static void keep_session(struct remote *r, const struct desc *d, struct url *session)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    if (!session->text || r->session_count == SESSIONS_MAX)
        return;
    r->sessions[r->session_count++] = (struct session){.digest = d->digest, .url = *session};
    *session = (struct url){0};
}

static void take_session(struct remote *r, const struct desc *d, struct url *session)
{
    AUTO(lock_release) struct lock *held = lock_hold(r->lock);
    for (size_t i = 0; i < r->session_count; i++)
        if (digest_equal(&r->sessions[i].digest, &d->digest)) {
            *session = r->sessions[i].url;
            r->sessions[i] = r->sessions[--r->session_count];
            return;
        }
}

static struct err *remote_has(struct store *s, const struct desc *d, bool *yes)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(desc_wipe) struct desc there = {0};
    if (!is_manifest(d))
        return blob_has(&self(s)->repo, d, yes);
    TRY(manifests_resolve(&self(s)->repo, digest_text(&d->digest, text), &there, yes));
    *yes = *yes && digest_equal(&there.digest, &d->digest);
    return NULL;
}

static struct err *remote_get(struct store *s, const struct desc *d, struct source **out)
{
    char text[DIGEST_SHORT];
    struct remote *r = self(s);
    if (is_manifest(d)) {
        AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
        TRY(manifests_get(&r->repo, d, &data));
        *out = source_mem(buf_text(&data), data.len);
        return NULL;
    }
    AUTO(source_free) struct source *body = NULL;
    AUTO(mem_free) char *what = mem_printf("%s from %s", digest_short(&d->digest, text), r->name);
    TRY(blob_get(&r->repo, d, &body));
    *out = source_verify(TAKE(body), &d->digest, d->size, what);
    return NULL;
}

static struct err *put_manifest(struct remote *r, const struct desc *d, const char *tag, struct source *from)
{
    char text[DIGEST_SHORT];
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
    AUTO(mem_free) char *what = mem_printf("manifest %s", digest_short(&d->digest, text));
    TRY(source_read_all(from, &data, what));
    if (data.len != d->size)
        return err_new(ERR_INTEGRITY, "%s has %zu bytes, expected %llu", what, data.len,
                       (unsigned long long)d->size);
    TRY(manifests_put(&r->repo, d, tag, buf_text(&data), data.len));
    keep(r, d, buf_text(&data), data.len);
    return NULL;
}

static struct err *remote_put(struct store *s, const struct desc *d, struct source *from)
{
    struct remote *r = self(s);
    if (is_manifest(d))
        return put_manifest(r, d, NULL, from);
    AUTO_VALUE(url_wipe) struct url session = {0};
    take_session(r, d, &session);
    return blob_put(&r->repo, d, from, &session);
}

static struct err *remote_put_tagged(struct store *s, const struct desc *d, const char *tag,
                                     struct source *from)
{
    return put_manifest(self(s), d, tag, from);
}

static struct err *remote_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    if (!tag)
        return err_new(ERR_USAGE, "%s: a tag or a digest is needed", self(s)->name);
    return manifests_resolve(&self(s)->repo, tag, out, found);
}

static struct err *remote_tag(struct store *s, const char *tag, const struct desc *d)
{
    struct remote *r = self(s);
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MANIFEST_SIZE_MAX);
    if (!recall(r, d, &data))
        TRY(manifests_get(&r->repo, d, &data));
    return manifests_put(&r->repo, d, tag, buf_text(&data), data.len);
}

static char *remote_origin(struct store *s, const struct desc *d)
{
    (void)d;
    return mem_strdup(self(s)->name);
}

static struct err *remote_mount(struct store *s, const struct desc *d, const char *origin, bool *done)
{
    struct remote *r = self(s);
    AUTO_VALUE(url_wipe) struct url session = {0};
    const char *slash = strchr(origin, '/');
    *done = false;
    if (!slash || is_manifest(d))
        return NULL;
    AUTO(mem_free) char *host = mem_strndup(origin, (size_t)(slash - origin));
    if (!str_eq_nocase(host, r->repo.host->name) || str_eq(slash + 1, r->repository))
        return NULL;
    TRY(blob_mount(&r->repo, d, slash + 1, done, &session));
    keep_session(r, d, &session);
    return NULL;
}

static struct err *remote_fits(struct store *s, const struct desc *d)
{
    char text[DIGEST_SHORT];
    return quirks_check_size(quirks_of(self(s)->repo.host->name), digest_short(&d->digest, text), d->size);
}

static const char *remote_name(const struct store *s)
{
    return ((const struct remote *)s)->name;
}

static void remote_free(struct store *s)
{
    struct remote *r = self(s);
    for (size_t i = 0; i < KEPT_MAX; i++)
        mem_free(r->kept[i].data);
    for (size_t i = 0; i < r->session_count; i++)
        url_wipe(&r->sessions[i].url);
    lock_free(r->lock);
    mem_free(r->repository);
    mem_free(r->name);
    mem_free(r);
}

static const struct store_ops remote_ops = {.has = remote_has,
                                            .get = remote_get,
                                            .put = remote_put,
                                            .put_tagged = remote_put_tagged,
                                            .resolve = remote_resolve,
                                            .tag = remote_tag,
                                            .origin = remote_origin,
                                            .mount = remote_mount,
                                            .fits = remote_fits,
                                            .name = remote_name,
                                            .free = remote_free};

struct store *remote_new(struct host *host, const char *repository, bool push)
{
    struct remote *r = mem_zero(1, sizeof *r);
    r->store.ops = &remote_ops;
    r->repository = mem_strdup(repository);
    r->name = mem_printf("%s/%s", host->name, repository);
    r->repo = (struct repo){.host = host, .name = r->repository, .push = push};
    r->lock = lock_new();
    return &r->store;
}
