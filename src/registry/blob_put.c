/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/apierr.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/http_head.h"

static struct err *session_url(struct url *session, const struct client_reply *reply, const char *method)
{
    const char *location = strmap_get(&reply->headers, "location");
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    if (!location)
        return err_new(ERR_INPUT, "%s %s: HTTP %d without Location: is this a registry?", method, shown,
                       reply->status);
    return err_wrap(url_resolve(session, &reply->url, location), "%s %s: Location", method, shown);
}

static struct err *open_session(const struct repo *r, struct url *session)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(host_url(r->host, &u, "/v2/%s/blobs/uploads/", r->name));
    struct client_request q = {
        .method = "POST", .url = &u, .want = {.repository = r->name, .push = true}, .sends = true};
    TRY(client_send(&reply, r->host, &q));
    if (reply.status < 200 || reply.status > 202)
        return client_unexpected(r->host, &q, &reply);
    return session_url(session, &reply, q.method);
}

/* A session that the registry has lost, or never knew, is a fault that passes: another one may live. */
static struct err *judge(const struct repo *r, const struct client_request *q,
                         const struct client_reply *reply)
{
    const char *body = buf_text(&reply->body);
    bool lost = reply->status == 404 || apierr_has(body, reply->body.len, "BLOB_UPLOAD_INVALID") ||
                apierr_has(body, reply->body.len, "BLOB_UPLOAD_UNKNOWN");
    bool differs = apierr_has(body, reply->body.len, "DIGEST_INVALID");
    struct err *e = client_unexpected(r->host, q, reply);
    return lost ? err_as(e, ERR_NETWORK) : differs ? err_as(e, ERR_INTEGRITY) : e;
}

static struct err *send_data(const struct repo *r, const struct desc *d, struct source *from,
                             struct url *session)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    if (d->size == 0)
        return NULL;
    /* No Content-Range: some registries take that for a chunk, and limit chunks. */
    strlist_add(&headers, "Content-Type: application/octet-stream");
    struct client_request q = {.method = "PATCH",
                               .url = session,
                               .want = {.repository = r->name, .push = true},
                               .headers = &headers,
                               .body = from,
                               .body_size = d->size,
                               .sends = true,
                               .once = true};
    TRY(client_send(&reply, r->host, &q));
    if (reply.status < 200 || reply.status > 204)
        return judge(r, &q, &reply);
    /* Each answer has a new place; some registries leave it out when it stays the same. */
    return strmap_get(&reply.headers, "location") ? session_url(session, &reply, q.method) : NULL;
}

/* Without a body: whatever fails here costs no second sending. */
static struct err *commit(const struct repo *r, const struct desc *d, const struct url *session)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    url_copy(&u, session);
    url_add_query(&u, "digest", digest_text(&d->digest, text));
    struct client_request q = {.method = "PUT",
                               .url = &u,
                               .want = {.repository = r->name, .push = true},
                               .sends = true,
                               .once = true};
    TRY(client_send(&reply, r->host, &q));
    return reply.status >= 200 && reply.status <= 204 ? NULL : judge(r, &q, &reply);
}

/* *opened false: no session came about, and nothing of `from` was read. */
static struct err *one_session(const struct repo *r, const struct desc *d, struct source *from,
                               const struct url *open, bool *opened)
{
    AUTO_VALUE(url_wipe) struct url session = {0};
    *opened = false;
    if (open && open->text)
        url_copy(&session, open);
    else
        TRY(open_session(r, &session));
    *opened = true;
    TRY(send_data(r, d, from, &session));
    return commit(r, d, &session);
}

/* After a failure: is it there all the same? Registries finish slow commits behind a timeout. */
static bool arrived(const struct repo *r, const struct desc *d, const struct err *failure)
{
    bool there = false;
    if (retry_is_worth(failure))
        err_free(blob_has(r, d, &there));
    return there;
}

struct err *blob_put(const struct repo *r, const struct desc *d, struct source *from,
                     const struct url *session)
{
    struct retry tries;
    struct err *e;
    retry_begin(&tries, &r->host->retry);
    do {
        bool opened;
        if (tries.tried > 0)
            TRY(source_reopen(from, 0));
        e = one_session(r, d, from, tries.tried == 0 ? session : NULL, &opened);
        if (e && opened && arrived(r, d, e)) {
            err_free(e);
            return NULL;
        }
        if (!opened || !source_can_reopen(from))
            return e;
    } while (client_retry(r->host, &tries, &e, 0));
    return e;
}
