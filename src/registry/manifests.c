/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/manifests.h"
#include "base/mem.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "registry/apierr.h"
#include "registry/client.h"
#include "registry/fallback.h"
#include "registry/http_head.h"

#include <string.h>

/* What was uploaded a moment ago is waited for: 1, 2 and 4 seconds. */
#define EARLY_TRIES 4
#define EARLY_WAIT_MS 1000u

static struct err *manifest_url(const struct repo *r, const char *reference, struct url *u)
{
    return host_url(r->host, u, "/v2/%s/manifests/%s", r->name, reference);
}

static struct err *send(const struct repo *r, const char *method, const char *reference,
                        struct client_reply *reply)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    TRY(manifest_url(r, reference, &u));
    strlist_add_take(&headers, mem_printf("Accept: %s", mediatype_accept()));
    struct client_request q = {.method = method,
                               .url = &u,
                               .want = {.repository = r->name, .push = r->push},
                               .headers = &headers,
                               .body_max = MANIFEST_SIZE_MAX,
                               .decode = true};
    TRY(client_send(reply, r->host, &q));
    bool fine =
        reply->status == 200 || reply->status == 404 || (reply->status == 405 && str_eq(method, "HEAD"));
    return fine ? NULL : client_unexpected(r->host, &q, reply);
}

/* All that a descriptor needs from the headers, or false. */
static bool from_headers(struct desc *out, const struct client_reply *reply)
{
    const char *text = strmap_get(&reply->headers, "docker-content-digest");
    AUTO(mem_free) char *type = http_head_type(&reply->headers);
    struct digest digest;
    uint64_t size;
    if (!text || !type || !mediatype_is_manifest(type) || !http_head_length(&reply->headers, &size) ||
        size == 0)
        return false;
    struct err *bad = digest_parse(&digest, text);
    err_free(bad);
    if (bad)
        return false;
    desc_set(out, type, &digest, size);
    return true;
}

/* The digest of the bytes in the algorithm that was asked for, and the type that they or the registry say. */
static struct err *from_body(struct desc *out, const struct client_reply *reply, const char *reference)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO(mem_free) char *type = http_head_type(&reply->headers);
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    AUTO(mem_free) char *what = mem_printf("GET %s", shown);
    struct digest want = {.alg = DIGEST_SHA256};
    if (strchr(reference, ':'))
        TRY(digest_parse(&want, reference));
    if (str_eq(type, "text/html"))
        return err_new(ERR_INPUT, "%s: the answer is a web page: is this a registry?", what);
    bool known = type && mediatype_is_manifest(type);
    TRY(manifest_parse(&m, buf_text(&reply->body), reply->body.len, known ? type : NULL, what));
    AUTO(hash_free) struct hash *h = hash_new(want.alg);
    hash_add(h, buf_text(&reply->body), reply->body.len);
    struct digest digest = hash_value(h);
    if (strchr(reference, ':') && !digest_equal(&digest, &want))
        return err_new(ERR_INTEGRITY, "%s: the content does not have the digest %s", what, reference);
    if (!m.media_type)
        return err_new(ERR_INPUT, "%s: neither the registry nor the manifest tells its media type", what);
    desc_set(out, m.media_type, &digest, reply->body.len);
    return NULL;
}

struct err *manifests_resolve(const struct repo *r, const char *reference, struct desc *out, bool *found)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply head = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply whole = {0};
    TRY(send(r, "HEAD", reference, &head));
    *found = head.status != 404;
    if (head.status == 404 || (head.status == 200 && from_headers(out, &head)))
        return NULL;
    TRY(send(r, "GET", reference, &whole));
    *found = whole.status == 200;
    return *found ? from_body(out, &whole, reference) : NULL;
}

struct err *manifests_fetch(const struct repo *r, const char *tag, struct buf *out, bool *found)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(send(r, "GET", tag, &reply));
    *found = reply.status == 200;
    if (*found)
        buf_add(out, buf_text(&reply.body), reply.body.len);
    return buf_check(out, "the manifest");
}

static struct err *get_once(const struct repo *r, const struct desc *d, const char *digest, struct buf *out)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(send(r, "GET", digest, &reply));
    if (reply.status == 404)
        return err_new(ERR_NOT_FOUND, "%s/%s has no manifest %s", r->host->name, r->name, digest);
    AUTO(source_free) struct source *body = source_mem(buf_text(&reply.body), reply.body.len);
    AUTO(mem_free) char *what = mem_printf("manifest %s of %s/%s", digest, r->host->name, r->name);
    AUTO(source_free) struct source *checked = source_verify(TAKE(body), &d->digest, d->size, what);
    buf_clear(out);
    return source_read_all(checked, out, what);
}

struct err *manifests_get(const struct repo *r, const struct desc *d, struct buf *out)
{
    char text[DIGEST_TEXT];
    struct err *e = get_once(r, d, digest_text(&d->digest, text), out);
    /* A proxy may have cut or mixed up one answer. */
    if (e && err_kind_of(e) == ERR_INTEGRITY) {
        err_free(e);
        e = get_once(r, d, text, out);
    }
    return e;
}

/* A tag that may not be moved, and names this already, is as it should be. */
static bool names_it(const struct repo *r, const struct desc *d, const char *tag)
{
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    bool found = false;
    err_free(manifests_resolve(r, tag, &now, &found));
    return found && digest_equal(&now.digest, &d->digest);
}

static struct err *check_stored(const struct repo *r, const struct desc *d, const char *reference,
                                const struct client_reply *reply)
{
    const char *text = strmap_get(&reply->headers, "docker-content-digest");
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    struct digest said;
    struct err *bad = text ? digest_parse(&said, text) : NULL;
    bool told = text && !bad;
    err_free(bad);
    /* A web server that says yes to everything tells no digest. */
    if (!told && !names_it(r, d, reference))
        return err_new(ERR_INTEGRITY, "PUT %s: HTTP %d, but it is not there: is this a registry?", shown,
                       reply->status);
    if (told && said.alg == d->digest.alg && !digest_equal(&said, &d->digest)) {
        char stored[DIGEST_SHORT], ours[DIGEST_SHORT];
        return err_new(ERR_INTEGRITY, "PUT %s: the registry stored %s instead of %s", shown,
                       digest_short(&said, stored), digest_short(&d->digest, ours));
    }
    return NULL;
}

static bool is_tag(const char *reference)
{
    return !strchr(reference, ':');
}

static bool is_immutable(const struct client_reply *reply)
{
    const char *text = buf_text(&reply->body);
    return reply->status == 409 || reply->status == 412 || apierr_has(text, reply->body.len, "TAG_INVALID") ||
           (reply->status == 400 && strcasestr(text, "immutable"));
}

/* What became of a PUT. */
struct outcome {
    bool early; /* what was uploaded a moment ago may not be seen everywhere yet */
    bool noted; /* the registry keeps what refers to what (OCI-Subject) */
};

/* Faults of the transport have had their tries. */
static struct err *put_once(const struct repo *r, const struct desc *d, const char *reference,
                            struct source *body, struct outcome *o)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    *o = (struct outcome){0};
    TRY(manifest_url(r, reference, &u));
    strlist_add_take(&headers, mem_printf("Content-Type: %s", d->media_type));
    struct client_request q = {.method = "PUT",
                               .url = &u,
                               .want = {.repository = r->name, .push = true},
                               .headers = &headers,
                               .body = body,
                               .body_size = d->size,
                               .sends = true};
    struct err *e = client_send(&reply, r->host, &q);
    /* The answer may be lost, or the tag one that may not be moved. */
    bool lost = e && err_kind_of(e) == ERR_NETWORK;
    if ((lost || (e && err_http_status(e) == 403 && is_tag(reference))) && names_it(r, d, reference)) {
        err_free(e);
        return NULL;
    }
    if (e)
        return e;
    o->noted = strmap_get(&reply.headers, "oci-subject") != NULL;
    if (reply.status >= 200 && reply.status <= 202)
        return check_stored(r, d, reference, &reply);
    const char *text = buf_text(&reply.body);
    e = client_unexpected(r->host, &q, &reply);
    o->early = apierr_has(text, reply.body.len, "MANIFEST_BLOB_UNKNOWN") ||
               apierr_has(text, reply.body.len, "BLOB_UNKNOWN");
    if (o->early)
        return err_as(e, ERR_NETWORK);
    /* Registries tell in many ways that a tag may not be moved. */
    if (is_tag(reference) && reply.status < 500 && reply.status != 413 && names_it(r, d, reference)) {
        err_free(e);
        return NULL;
    }
    if (is_immutable(&reply))
        return err_hint(err_as(e, ERR_CONFLICT),
                        "the registry does not let this tag be moved: choose another");
    return e;
}

/* A registry took it, so what lade cannot read in it is no error here. */
static struct err *note_subject(const struct repo *r, const struct desc *d, const void *data, size_t len)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO_VALUE(desc_wipe) struct desc entry = {0};
    struct err *bad = manifest_parse(&m, data, len, d->media_type, "manifest");
    err_free(bad);
    if (bad || !m.subject.media_type)
        return NULL;
    fallback_describe(&entry, d, &m);
    return fallback_add(r, &m.subject.digest, &entry);
}

struct err *manifests_put(const struct repo *r, const struct desc *d, const char *tag, const void *data,
                          size_t len)
{
    char text[DIGEST_TEXT];
    struct retry tries;
    struct err *e;
    struct outcome o;
    const char *reference = tag ? tag : digest_text(&d->digest, text);
    if (len > MANIFEST_SIZE_MAX)
        return err_new(ERR_RESOURCE, "manifest %s is larger than the %u bytes that registries take",
                       reference, MANIFEST_SIZE_MAX);
    AUTO(source_free) struct source *body = source_mem(data, len);
    struct retry_policy policy = r->host->retry;
    if (policy.tries > EARLY_TRIES)
        policy.tries = EARLY_TRIES;
    retry_begin(&tries, &policy);
    do {
        TRY(source_reopen(body, 0));
        e = put_once(r, d, reference, body, &o);
    } while (o.early && retry_again(&tries, &e, EARLY_WAIT_MS << tries.tried));
    return e || o.noted ? e : note_subject(r, d, data, len);
}

struct err *manifests_delete(const struct repo *r, const struct digest *digest)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    AUTO(mem_free) char *scope = mem_printf("repository:%s:pull,delete", r->name);
    TRY(manifest_url(r, digest_text(digest, text), &u));
    struct client_request q = {
        .method = "DELETE", .url = &u, .want = {.repository = r->name, .scope = scope}};
    TRY(client_send(&reply, r->host, &q));
    if ((reply.status >= 200 && reply.status < 300) || reply.status == 404)
        return NULL;
    struct err *e = client_unexpected(r->host, &q, &reply);
    bool never = reply.status == 405 || reply.status == 501 ||
                 apierr_has(buf_text(&reply.body), reply.body.len, "UNSUPPORTED");
    return never
               ? err_hint(err_as(e, ERR_UNSUPPORTED),
                          "%s lets no client delete images; whoever runs it may allow it (registry:2 and 3: "
                          "storage.delete.enabled), or has another way to delete them",
                          r->host->name)
               : e;
}
