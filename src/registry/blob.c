/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/blob.h"
#include "base/mem.h"
#include "registry/client.h"
#include "registry/http_head.h"

#include <string.h>

static struct err *blob_url(const struct repo *r, const struct desc *d, struct url *u)
{
    char text[DIGEST_TEXT];
    return host_url(r->host, u, "/v2/%s/blobs/%s", r->name, digest_text(&d->digest, text));
}

/* Stores behind a redirect often sign for GET alone, and refuse HEAD. One byte by GET tells as much. */
static struct err *look_by_get(const struct repo *r, const struct url *u, bool *yes)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    strlist_add(&headers, "Range: bytes=0-0");
    struct client_request q = {.method = "GET",
                               .url = u,
                               .want = {.repository = r->name, .push = r->push},
                               .headers = &headers,
                               .stream = true};
    TRY(client_send(&reply, r->host, &q));
    *yes = reply.status == 200 || reply.status == 206;
    return NULL;
}

struct err *blob_has(const struct repo *r, const struct desc *d, bool *yes)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(blob_url(r, d, &u));
    struct client_request q = {.method = "HEAD", .url = &u, .want = {.repository = r->name, .push = r->push}};
    struct err *e = client_send(&reply, r->host, &q);
    bool elsewhere = reply.url.text && !url_same_origin(&reply.url, &r->host->base);
    if (e)
        return e;
    uint64_t size = d->size;
    bool told = http_head_length(&reply.headers, &size);
    if (reply.status == 200) {
        *yes = !told || size == d->size;
        return NULL;
    }
    if (reply.status == 404) {
        *yes = false;
        return NULL;
    }
    if (elsewhere || reply.status == 405)
        return look_by_get(r, &u, yes);
    return client_unexpected(r->host, &q, &reply);
}

bool blob_is_mounted(const struct desc *d, const struct client_reply *reply)
{
    char hex[DIGEST_TEXT];
    const char *location = strmap_get(&reply->headers, "location");
    return reply->status == 201 && (!location || strstr(location, digest_hex(&d->digest, hex)));
}

struct err *blob_mount(const struct repo *r, const struct desc *d, const char *from, bool *done,
                       struct url *session)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    *done = false;
    TRY(host_url(r->host, &u, "/v2/%s/blobs/uploads/", r->name));
    url_add_query(&u, "mount", digest_text(&d->digest, text));
    url_add_query(&u, "from", from);
    struct client_request q = {.method = "POST",
                               .url = &u,
                               .want = {.repository = r->name, .push = true, .from = from},
                               .sends = true,
                               .once = true};
    struct err *e = client_send(&reply, r->host, &q);
    if (e && err_kind_of(e) == ERR_STOPPED)
        return e;
    /* Registries refuse a mount in many ways; an upload will show whether something is really wrong. */
    err_free(e);
    const char *location = strmap_get(&reply.headers, "location");
    *done = !e && blob_is_mounted(d, &reply);
    if (!e && !*done && (reply.status == 201 || reply.status == 202) && location)
        err_free(url_resolve(session, &reply.url, location));
    return NULL;
}
