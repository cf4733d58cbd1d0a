/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "registry/upload.h"
#include "registry/upload_range.h"

/* A blob that is sent in less time than this takes needs no journal. */
#define JOURNAL_MIN (UINT64_C(4) << 20)

/* What leads elsewhere may be signed: that is not for a file. */
static void note(struct upload *u)
{
    bool own = u->session.text && url_same_origin(&u->session, &u->repo->host->base);
    journal_write(u->journal, own ? &u->session : NULL);
}

static struct err *set_session(struct upload *u, const struct client_reply *reply, const char *location)
{
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    AUTO_VALUE(url_wipe) struct url next = {0};
    TRY(err_wrap(url_resolve(&next, &reply->url, location), "%s: Location", shown));
    url_copy(&u->session, &next);
    note(u);
    return NULL;
}

struct err *upload_move(struct upload *u, const struct client_reply *reply)
{
    /* Each answer has a new place; some registries leave it out when it stays the same. */
    const char *location = strmap_get(&reply->headers, "location");
    return location ? set_session(u, reply, location) : NULL;
}

/* How small pieces may be, when it comes to pieces. */
static void learn_least(struct upload *u, const struct client_reply *reply)
{
    uint64_t least = 0;
    const char *value = strmap_get(&reply->headers, "oci-chunk-min-length");
    u->chunk_min = u->quirks->chunk_min;
    if (value && num_parse(value, INT64_MAX, &least) && least > u->chunk_min)
        u->chunk_min = least;
}

static struct err *take_session(struct upload *u, const struct client_reply *reply)
{
    const char *location = strmap_get(&reply->headers, "location");
    AUTO(mem_free) char *shown = url_shown(&reply->url);
    if (!location)
        return err_new(ERR_INPUT, "POST %s: HTTP %d without Location: is this a registry?", shown,
                       reply->status);
    learn_least(u, reply);
    u->at = u->believed = u->mark = 0;
    u->trusted = u->stepped = u->ended = false;
    return set_session(u, reply, location);
}

/* A mount that names no source: some registries look for the blob in all that they have. Whatever comes of
 * it, a session is the least; and nobody is asked twice who cannot do it. */
static struct err *mount_from_anywhere(struct upload *u)
{
    char text[DIGEST_TEXT];
    struct host *h = u->repo->host;
    AUTO_VALUE(url_wipe) struct url url = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    if (!lessons_may_mount(h->lessons))
        return NULL;
    TRY(host_url(h, &url, "/v2/%s/blobs/uploads/", u->repo->name));
    url_add_query(&url, "mount", digest_text(&u->desc->digest, text));
    struct client_request q = {.method = "POST",
                               .url = &url,
                               .want = {.repository = u->repo->name, .push = true},
                               .sends = true,
                               .once = true};
    struct err *e = client_send(&reply, h, &q);
    u->done = !e && blob_is_mounted(u->desc, &reply);
    lessons_mounted(h->lessons, u->done);
    if (e && err_kind_of(e) == ERR_STOPPED)
        return e;
    bool opened = reply.status == 201 || reply.status == 202;
    if (!e && !u->done && opened && strmap_get(&reply.headers, "location"))
        e = take_session(u, &reply);
    /* An upload will show whether something is really wrong. */
    err_free(e);
    return NULL;
}

static struct err *explain(const struct upload *u, struct err *e)
{
    if (e && u->quirks->repository_first && err_kind_of(e) == ERR_NETWORK && !err_http_status(e))
        return err_hint(e, "%s closes the connection when there is no repository %s: make it first",
                        u->quirks->name, u->repo->name);
    return e;
}

struct err *upload_open(struct upload *u)
{
    struct host *h = u->repo->host;
    AUTO_VALUE(url_wipe) struct url url = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    u->fault = UPLOAD_FINAL;
    if (u->sessions++ == 0) {
        TRY(mount_from_anywhere(u));
        if (u->done || u->session.text)
            return NULL;
    }
    TRY(host_url(h, &url, "/v2/%s/blobs/uploads/", u->repo->name));
    struct client_request q = {
        .method = "POST", .url = &url, .want = {.repository = u->repo->name, .push = true}, .sends = true};
    TRY(explain(u, client_send(&reply, h, &q)));
    if (reply.status < 200 || reply.status > 202)
        return client_unexpected(h, &q, &reply);
    return take_session(u, &reply);
}

bool upload_ask(struct upload *u)
{
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    uint64_t has = 0;
    if (!u->session.text)
        return false;
    struct client_request q = {
        .method = "GET", .url = &u->session, .want = {.repository = u->repo->name, .push = true}};
    struct err *e = client_send(&reply, u->repo->host, &q);
    bool alive = !e && (reply.status == 204 || reply.status == 200);
    err_free(e);
    if (!alive || !upload_range_parse(strmap_get(&reply.headers, "range"), u->desc->size, &has))
        return false;
    err_free(upload_move(u, &reply));
    /* Where it is known not to tell the truth, what was answered is better. */
    if (u->quirks->range_sticks)
        return u->at > 0;
    if (u->trusted && has < u->at)
        return true;
    u->believed = u->at;
    u->at = has;
    return true;
}

struct err *upload_take_up(struct upload *u)
{
    struct host *h = u->repo->host;
    AUTO_VALUE(url_wipe) struct url session = {0};
    if (u->desc->size < JOURNAL_MIN || !u->plan.chunks)
        return NULL;
    TRY(host_prepare(h));
    u->journal = journal_open(h->config->options.cache_dir, h->name, u->repo->name, &u->desc->digest);
    if (!u->journal || !journal_read(u->journal, &session) || !url_same_origin(&session, &h->base))
        return NULL;
    url_copy(&u->session, &session);
    u->chunk_min = u->quirks->chunk_min;
    if (!upload_ask(u) || u->at == 0 || !upload_body_can(&u->body, u->at)) {
        upload_drop(u);
        /* Perhaps the session is gone because the registry has just ended what the other process asked for.
         */
        u->doubtful = true;
    }
    u->mark = u->at;
    return NULL;
}

void upload_drop(struct upload *u)
{
    url_wipe(&u->session);
    u->at = 0;
    note(u);
}
