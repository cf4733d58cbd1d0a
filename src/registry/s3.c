/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/s3.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/http_head.h"
#include "registry/retry.h"
#include "registry/s3_ask.h"
#include "registry/sigv4.h"
#include "registry/url.h"

static struct s3 *self(struct keyed_place *p)
{
    return (struct s3 *)p;
}

static char *blob_key(const struct s3 *s, const struct desc *d)
{
    char text[DIGEST_TEXT];
    return mem_printf("%s%s", s->blobs, digest_text(&d->digest, text));
}

/* Rules of buckets remove what is old; what is still wanted is made new by a copy onto itself. */
static void refresh(struct s3 *s, const char *key, const struct strmap *headers)
{
    const char *date = strmap_get(headers, "last-modified");
    int64_t when = 0;
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    if (s->refresh_s == 0 || !date || !retry_date(date, &when) || clock_unix() - when < (int64_t)s->refresh_s)
        return;
    AUTO(mem_free) char *from = mem_printf("/%s/%s", s->bucket, key);
    struct s3_request q = {.s3 = s, .method = "PUT", .key = key, .copy_from = from, .sends = true};
    struct err *e = s3_ask_send(&r, &q);
    if (!e && r.status != 200)
        e = s3_ask_refusal(&q, &r);
    if (e)
        log_debug("renew %s: %s", key, err_message(e));
    err_free(e);
}

/* A refusal of HEAD says nothing more; what is refused for all objects is said of one that is not there. */
static struct err *say_why(struct s3 *s, struct err *e)
{
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(mem_free) char *key = mem_printf("%snone", s->blobs);
    struct s3_request q = {.s3 = s, .method = "GET", .key = key};
    struct err *other = s3_ask_send(&r, &q);
    if (!other && r.status != 200 && r.status != 404)
        other = s3_ask_refusal(&q, &r);
    if (!other)
        return e;
    err_free(e);
    return other;
}

static struct err *s3_has(struct keyed_place *p, const struct desc *d, bool *yes)
{
    struct s3 *s = self(p);
    uint64_t size = 0;
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(mem_free) char *key = blob_key(s, d);
    struct s3_request q = {.s3 = s, .method = "HEAD", .key = key};
    *yes = false;
    TRY(s3_ask_send(&r, &q));
    if (r.status == 404)
        return NULL;
    if (r.status != 200)
        return say_why(s, s3_ask_refusal(&q, &r));
    *yes = http_head_length(&r.headers, &size) && size == d->size;
    if (*yes)
        refresh(s, key, &r.headers);
    return NULL;
}

struct object {
    struct s3_request ask;
    char *key, *what;
};

static void object_free(void *ctx)
{
    struct object *o = ctx;
    mem_free(o->key);
    mem_free(o->what);
    mem_free(o);
}

static struct err *object_compose(void *ctx, struct transfer_parts *parts)
{
    return s3_ask_compose(&((struct object *)ctx)->ask, parts);
}

static struct err *object_refusal(void *ctx, const struct transfer_reply *r)
{
    struct object *o = ctx;
    struct err *e = s3_ask_refusal(&o->ask, r);
    return s3_ask_learn(&o->ask, r->status, &r->headers) ? err_as(e, ERR_NETWORK) : e;
}

static struct err *s3_get(struct keyed_place *p, const struct desc *d, struct source **out)
{
    struct s3 *s = self(p);
    struct object *o = mem_zero(1, sizeof *o);
    o->key = blob_key(s, d);
    o->ask = (struct s3_request){.s3 = s, .method = "GET", .key = o->key};
    o->what = s3_ask_what(&o->ask);
    struct transfer_download download = {.transfer = &s->transfer,
                                         .what = o->what,
                                         .compose = object_compose,
                                         .ctx = o,
                                         .free = object_free,
                                         .refusal = object_refusal,
                                         .size = d->size};
    return transfer_get(&download, out);
}

/* The service hashes what it gets and compares. */
static struct err *s3_put(struct keyed_place *p, const struct desc *d, struct source *from)
{
    struct s3 *s = self(p);
    char hex[DIGEST_TEXT];
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(mem_free) char *key = blob_key(s, d);
    if (d->size > S3_WHOLE_MAX)
        return s3_put_parts(s, key, d, from);
    bool known = d->digest.alg == DIGEST_SHA256;
    struct s3_request q = {.s3 = s,
                           .method = "PUT",
                           .key = key,
                           .body_hash = known ? digest_hex(&d->digest, hex) : SIGV4_UNSIGNED,
                           .body = from,
                           .body_size = d->size,
                           .sends = true};
    TRY(s3_ask_send(&r, &q));
    return r.status == 200 ? NULL : s3_ask_refusal(&q, &r);
}

static struct err *s3_read(struct keyed_place *p, const char *name, struct buf *out, bool *found)
{
    struct s3 *s = self(p);
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(mem_free) char *key = mem_printf("%s%s", s->manifests, name);
    struct s3_request q = {.s3 = s, .method = "GET", .key = key};
    TRY(s3_ask_send(&r, &q));
    *found = r.status == 200;
    if (*found) {
        buf_add(out, r.body.data, r.body.len);
        return buf_check(out, "its manifest");
    }
    struct err *e = s3_ask_refusal(&q, &r);
    if (err_kind_of(e) != ERR_NOT_FOUND)
        return e;
    err_free(e);
    return NULL;
}

static struct err *s3_write(struct keyed_place *p, const char *name, const struct digest *digest,
                            const void *data, size_t len)
{
    struct s3 *s = self(p);
    char hex[DIGEST_TEXT];
    struct digest own = digest_of(data, len);
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(source_free) struct source *body = source_mem(data, len);
    AUTO(mem_free) char *key = mem_printf("%s%s", s->manifests, name);
    struct s3_request q = {.s3 = s,
                           .method = "PUT",
                           .key = key,
                           .body_hash = digest_hex(&own, hex),
                           .body = body,
                           .body_size = len,
                           .sends = true};
    (void)digest;
    TRY(s3_ask_send(&r, &q));
    return r.status == 200 ? NULL : s3_ask_refusal(&q, &r);
}

static void s3_free(struct keyed_place *p)
{
    struct s3 *s = self(p);
    transfer_close(&s->transfer);
    aws_keys_wipe(&s->keys);
    lock_free(s->lock);
    mem_free(s->bucket);
    mem_free(s->region);
    mem_free(s->blobs);
    mem_free(s->manifests);
    mem_free(s->base);
    mem_free(s->root);
    mem_free(s);
}
static inline void s3_free_auto(struct s3 **place)
{
    if (*place)
        s3_free(&(*place)->place);
}

struct err *s3_open(struct store **out, const struct s3_options *options)
{
    static const struct keyed_ops ops = {
        .has = s3_has, .get = s3_get, .put = s3_put, .read = s3_read, .write = s3_write, .free = s3_free};
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO(s3_free) struct s3 *s = mem_zero(1, sizeof *s);
    s->place.ops = &ops;
    s->lock = lock_new();
    s->refresh_s = options->refresh_s;
    s->blobs = mem_strdup(options->blobs);
    s->manifests = mem_strdup(options->manifests);
    TRY(s3_ask_base(s, options));
    TRY(url_parse(&u, s->base));
    AUTO(mem_free) char *host = url_host_port(&u);
    TRY(transfer_open(&s->transfer, host, &options->transfer));
    s->cloud = (struct cloud){.counts = &s->transfer.counts};
    AUTO(mem_free) char *shown = mem_printf("s3://%s/%s", options->bucket, options->manifests);
    AUTO(mem_free) char *safe = str_safe(shown);
    *out = keyed_store(&TAKE(s)->place, safe);
    return NULL;
}
