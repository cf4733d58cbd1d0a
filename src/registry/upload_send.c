/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "registry/apierr.h"
#include "registry/upload.h"
#include "registry/upload_range.h"

static bool says(const struct client_reply *reply, const char *code)
{
    return apierr_has(buf_text(&reply->body), reply->body.len, code);
}

/* A session that the registry has lost, or never knew, is a fault that passes: another one may live. */
static struct err *judge(struct upload *u, const struct client_request *q, const struct client_reply *reply)
{
    struct err *e = client_unexpected(u->repo->host, q, reply);
    int status = reply->status;
    u->fault = UPLOAD_FINAL;
    if (status == 413)
        u->fault = UPLOAD_TOO_LARGE;
    else if (status == 416 || says(reply, "RANGE_INVALID"))
        u->fault = UPLOAD_RANGE;
    else if (says(reply, "DIGEST_INVALID") || says(reply, "SIZE_INVALID"))
        u->fault = UPLOAD_DIFFERS;
    else if (status == 404 || status == 409 || status == 410 || says(reply, "BLOB_UPLOAD_INVALID") ||
             says(reply, "BLOB_UPLOAD_UNKNOWN"))
        u->fault = UPLOAD_LOST;
    else if (status == 400 || status == 405 || status == 411 || status == 415 || status == 501)
        u->fault = UPLOAD_REFUSED;
    if (u->fault == UPLOAD_LOST || u->fault == UPLOAD_RANGE)
        return err_as(e, ERR_NETWORK);
    return u->fault == UPLOAD_DIFFERS ? err_as(e, ERR_INTEGRITY) : e;
}

/* `fault`: what a break of the connection, or a status that may pass, means for this request. */
static struct err *request(struct upload *u, struct client_reply *reply, const char *method,
                           const struct url *url, uint64_t len, bool ranged, enum upload_fault fault)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    struct client_request q = {.method = method,
                               .url = url,
                               .want = {.repository = u->repo->name, .push = true},
                               .headers = &headers,
                               .body = len ? &u->body.source : NULL,
                               .body_size = len,
                               .sends = true,
                               .once = true};
    u->fault = UPLOAD_FINAL;
    if (len) {
        strlist_add(&headers, "Content-Type: application/octet-stream");
        TRY(upload_body_set(&u->body, u->at));
    }
    /* Only when it is a piece: some registries take whatever has this for one, and limit pieces. Without a
     * unit and a total, unlike elsewhere in HTTP. */
    if (ranged)
        strlist_add_take(&headers, mem_printf("Content-Range: %llu-%llu", (unsigned long long)u->at,
                                              (unsigned long long)(u->at + len - 1)));
    struct err *e = client_send(reply, u->repo->host, &q);
    if (e) {
        u->fault = retry_is_worth(e) && !u->body.failed ? fault : UPLOAD_FINAL;
        return e;
    }
    return reply->status >= 200 && reply->status <= 204 ? NULL : judge(u, &q, reply);
}

static struct err *send_whole(struct upload *u)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(request(u, &reply, "PATCH", &u->session, u->desc->size, false, UPLOAD_CUT));
    u->at = u->desc->size;
    return upload_move(u, &reply);
}

/* A registry that has taken a piece and says that it has less: it may be so, or it does not count well. It is
 * asked; then what it says it lacks is sent again, and if it does not want that, we count ourselves. */
static void check_range(struct upload *u, const struct client_reply *reply)
{
    uint64_t has = 0;
    bool told = upload_range_parse(strmap_get(&reply->headers, "range"), u->at, &has);
    /* When it does not answer, what it has accepted counts. */
    if (told && has < u->at && !u->quirks->range_sticks && !u->trusted)
        u->trusted = !upload_ask(u);
}

static struct err *send_piece(struct upload *u, uint64_t len)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(request(u, &reply, "PATCH", &u->session, len, true, UPLOAD_CUT));
    u->at += len;
    TRY(upload_move(u, &reply));
    check_range(u, &reply);
    return NULL;
}

/* The next piece; all that is left when that would leave less than one that may be. */
static uint64_t piece_length(const struct upload *u)
{
    uint64_t chunk = u->plan.chunk > u->chunk_min ? u->plan.chunk : u->chunk_min;
    uint64_t left = u->desc->size - u->at;
    return left < chunk ? left : chunk;
}

static bool goes_with_the_end(const struct upload *u)
{
    return u->plan.last_in_put && piece_length(u) == u->desc->size - u->at;
}

struct err *upload_send(struct upload *u)
{
    uint64_t size = u->desc->size;
    if (u->at == 0 && u->plan.form == UPLOAD_PUT)
        return NULL;
    if (u->at == 0 && u->plan.form == UPLOAD_PATCH)
        return size > 0 ? send_whole(u) : NULL;
    while (u->at < size && !goes_with_the_end(u))
        TRY(send_piece(u, piece_length(u)));
    return NULL;
}

/* Without a body where that can be: then whatever fails here costs no second sending. */
struct err *upload_finish(struct upload *u)
{
    char text[DIGEST_TEXT];
    AUTO_VALUE(url_wipe) struct url url = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    uint64_t left = u->desc->size - u->at;
    bool whole = left == u->desc->size;
    url_copy(&url, &u->session);
    url_add_query(&url, "digest", digest_text(&u->desc->digest, text));
    struct err *e = request(u, &reply, "PUT", &url, left, left > 0 && !whole, UPLOAD_ENDING);
    u->done = !e;
    if (!e)
        return NULL;
    u->doubtful = true;
    /* Without a body there is no other form to try. */
    bool other_form = u->fault == UPLOAD_REFUSED || u->fault == UPLOAD_TOO_LARGE;
    if (u->fault == UPLOAD_LOST || u->fault == UPLOAD_RANGE || (left == 0 && other_form))
        u->fault = UPLOAD_ENDING;
    return e;
}
