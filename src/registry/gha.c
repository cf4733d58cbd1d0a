/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/gha.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/cloud_ask.h"
#include "registry/gha_ask.h"

#include <string.h>

static struct gha *self(struct keyed_place *p)
{
    return (struct gha *)p;
}

static char *blob_key(const struct desc *d)
{
    char text[DIGEST_TEXT];
    return mem_printf(GHA_BLOB "%s", digest_text(&d->digest, text));
}

static char *index_prefix(const char *name)
{
    return mem_printf(GHA_INDEX "%s#", name);
}

bool gha_index_digest(const char *key, const char *name, struct digest *out)
{
    AUTO(mem_free) char *prefix = index_prefix(name);
    const char *at = str_starts(key, prefix) ? key + strlen(prefix) : "";
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || at[digits] != '-')
        return false;
    struct err *e = digest_parse(out, at + digits + 1);
    bool good = !e;
    err_free(e);
    return good;
}

static struct err *gha_has(struct keyed_place *p, const struct desc *d, bool *yes)
{
    AUTO(cloud_wipe_text) char *url = NULL;
    AUTO(mem_free) char *key = blob_key(d);
    TRY(gha_ask_find(self(p), key, false, &url, NULL));
    *yes = url != NULL;
    return NULL;
}

struct entry {
    struct gha *gha;
    char *key, *what;
    char *url; /* of the last answer; NULL: it must be asked for */
};

static void entry_free(void *ctx)
{
    struct entry *n = ctx;
    cloud_wipe_text(n->url);
    mem_free(n->key);
    mem_free(n->what);
    mem_free(n);
}

/* URLs hold for some minutes: whoever begins again asks again. */
static struct err *entry_compose(void *ctx, struct transfer_parts *parts)
{
    struct entry *n = ctx;
    AUTO(cloud_wipe_text) char *url = TAKE(n->url);
    if (!url)
        TRY(gha_ask_find(n->gha, n->key, false, &url, NULL));
    if (!url)
        return err_new(ERR_NOT_FOUND, "the cache service has no entry %s", n->key);
    struct gha_storage at = {.url = url};
    return gha_storage_compose(&at, parts);
}

static struct err *entry_refusal(void *ctx, const struct transfer_reply *r)
{
    (void)ctx;
    struct err *e = gha_storage_refusal("GET", r);
    /* What was signed has expired. */
    return r->status == 403 ? err_as(e, ERR_NETWORK) : e;
}

static struct err *gha_get(struct keyed_place *p, const struct desc *d, struct source **out)
{
    struct entry *n = mem_zero(1, sizeof *n);
    n->gha = self(p);
    n->key = blob_key(d);
    n->what = mem_printf("entry %s of the cache service", n->key);
    struct transfer_download download = {.transfer = &n->gha->storage,
                                         .what = n->what,
                                         .compose = entry_compose,
                                         .ctx = n,
                                         .free = entry_free,
                                         .refusal = entry_refusal,
                                         .size = d->size};
    return transfer_get(&download, out);
}

static struct err *store(struct gha *g, const char *key, struct source *from, uint64_t size)
{
    AUTO(cloud_wipe_text) char *url = NULL;
    TRY(gha_ask_create(g, key, &url));
    if (!url) {
        log_debug("entry %s: it is there, or another job is making it", key);
        return NULL;
    }
    TRY(gha_upload(g, url, from, size));
    return gha_ask_finalize(g, key, size);
}

static struct err *gha_put(struct keyed_place *p, const struct desc *d, struct source *from)
{
    AUTO(mem_free) char *key = blob_key(d);
    return store(self(p), key, from, d->size);
}

static struct err *fetch(struct gha *g, const char *url, struct buf *out)
{
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct gha_storage at = {.url = url};
    struct transfer_request q = {.method = "GET",
                                 .what = "GET at the storage of the cache service",
                                 .compose = gha_storage_compose,
                                 .ctx = &at};
    TRY(transfer_send(&r, &g->storage, &q));
    if (r.status != 200)
        return gha_storage_refusal("GET", &r);
    buf_add(out, r.body.data, r.body.len);
    return buf_check(out, "its manifest");
}

/* What the newest index of a name says; *found false: there is none. */
static struct err *read_newest(struct gha *g, const char *name, struct buf *out, bool *found)
{
    AUTO(cloud_wipe_text) char *url = NULL;
    AUTO(mem_free) char *key = NULL;
    AUTO(mem_free) char *prefix = index_prefix(name);
    struct digest want;
    *found = false;
    TRY(gha_ask_find(g, prefix, true, &url, &key));
    if (!url || !gha_index_digest(key, name, &want))
        return NULL;
    TRY(fetch(g, url, out));
    struct digest is = digest_of(buf_text(out), out->len);
    if (!digest_equal(&is, &want)) {
        AUTO(mem_free) char *safe = str_safe(key);
        return err_new(ERR_INTEGRITY, "entry %s of the cache service has other bytes", safe);
    }
    *found = true;
    return NULL;
}

static struct err *gha_read(struct keyed_place *p, const char *name, struct buf *out, bool *found)
{
    struct err *e = read_newest(self(p), name, out, found);
    if (!e || err_http_status(e) != 403)
        return e;
    /* What was signed may have expired on the way. */
    err_free(e);
    buf_clear(out);
    return read_newest(self(p), name, out, found);
}

static struct err *gha_write(struct keyed_place *p, const char *name, const struct digest *digest,
                             const void *data, size_t len)
{
    char text[DIGEST_TEXT];
    struct digest last;
    AUTO(cloud_wipe_text) char *url = NULL;
    AUTO(mem_free) char *newest = NULL;
    AUTO(mem_free) char *prefix = index_prefix(name);
    AUTO(source_free) struct source *body = source_mem(data, len);
    TRY(gha_ask_find(self(p), prefix, true, &url, &newest));
    /* Entries count against a quota: the same is not written again. */
    if (newest && gha_index_digest(newest, name, &last) && digest_equal(&last, digest))
        return NULL;
    AUTO(mem_free)
    char *key =
        mem_printf("%s%lld-%s", prefix, (long long)(clock_unix_ns() / 1000000), digest_text(digest, text));
    return store(self(p), key, body, len);
}

static void gha_free(struct keyed_place *p)
{
    struct gha *g = self(p);
    transfer_close(&g->service);
    transfer_close(&g->storage);
    cloud_wipe_text(g->token);
    mem_free(g->base);
    mem_free(g);
}
static inline void gha_free_auto(struct gha **place)
{
    if (*place)
        gha_free(&(*place)->place);
}

static struct err *check_environment(const char *url, const char *token)
{
    if (url && token && cloud_fits_header(token))
        return NULL;
    return err_hint(err_new(ERR_DENIED, "%s is not set: this is no job of GitHub Actions, or it hides it",
                            url ? "ACTIONS_RUNTIME_TOKEN" : "ACTIONS_RESULTS_URL"),
                    "only actions see it: export it with crazy-max/ghaction-github-runtime");
}

struct err *gha_open(struct store **out, const struct gha_options *options)
{
    static const struct keyed_ops ops = {.has = gha_has,
                                         .get = gha_get,
                                         .put = gha_put,
                                         .read = gha_read,
                                         .write = gha_write,
                                         .free = gha_free};
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO(gha_free) struct gha *g = mem_zero(1, sizeof *g);
    const char *url = options->url ? options->url : cloud_env("ACTIONS_RESULTS_URL");
    const char *token = cloud_env("ACTIONS_RUNTIME_TOKEN");
    g->place.ops = &ops;
    TRY(check_environment(url, token));
    TRY(err_wrap(url_parse(&u, url), "ACTIONS_RESULTS_URL"));
    AUTO(mem_free) char *host = url_host_port(&u);
    g->base = mem_printf("%s%s", url, str_ends(url, "/") ? "" : "/");
    g->token = mem_strdup(token);
    TRY(transfer_open(&g->service, host, &options->transfer));
    TRY(transfer_open(&g->storage, host, &options->transfer));
    *out = keyed_store(&TAKE(g)->place, "the cache service of GitHub Actions");
    return NULL;
}
