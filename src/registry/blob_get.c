/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/http_head.h"
#include "registry/resume.h"

/* A blob on its way. */
struct download {
    struct resume resume;
    struct repo repo;
    struct desc desc;
    bool once;   /* whoever reads tries again */
    bool whole;  /* ask for all of it, and skip: its ranges are not what was asked for */
    bool decode; /* something on the way encodes it, whatever was asked for */
    bool odd;    /* its length was not what it should be, once */
};

/* A proxy may encode what it passes on. Some stores say so of compressed layers that are as they should be:
 * then the length is right. *again: it has to be asked for in another way. */
static struct err *check_encoding(struct download *g, const struct client_reply *reply, const char *shown,
                                  bool *again)
{
    const char *encoding = strmap_get(&reply->headers, "content-encoding");
    uint64_t len = 0;
    *again = false;
    if (str_empty(encoding) || str_eq_nocase(encoding, "identity"))
        return NULL;
    if (!g->decode && reply->status == 200 && http_head_length(&reply->headers, &len) && len == g->desc.size)
        return NULL;
    if (g->decode && reply->status == 200)
        return NULL;
    if (g->decode) {
        AUTO(mem_free) char *safe = str_safe(encoding);
        return err_new(ERR_UNSUPPORTED, "GET %s: something on the way encodes parts of it (%s)", shown, safe);
    }
    g->decode = g->whole = *again = true;
    return NULL;
}

/* A proxy may have cut one answer; a second one like it is the registry's. */
static struct err *wrong_length(struct download *g, const char *shown, uint64_t bytes)
{
    bool again = g->odd;
    g->odd = true;
    return err_new(again ? ERR_INTEGRITY : ERR_NETWORK, "GET %s: the registry has %llu bytes, expected %llu",
                   shown, (unsigned long long)bytes, (unsigned long long)g->desc.size);
}

/* The reply to a request from `at` on: is this what was asked for? */
static struct err *check_reply(struct download *g, const struct client_request *q,
                               const struct client_reply *reply, const char *shown, uint64_t *begins)
{
    uint64_t at = g->resume.at, value = 0;
    *begins = reply->status == 200 ? 0 : at;
    if (reply->status == 200) {
        bool told = !g->decode && http_head_length(&reply->headers, &value);
        return told && value != g->desc.size ? wrong_length(g, shown, value) : NULL;
    }
    if (reply->status == 416 && at > 0 && !g->whole) {
        g->whole = true;
        return err_as(client_unexpected(g->repo.host, q, reply), ERR_NETWORK);
    }
    if (reply->status != 206 || at == 0)
        return client_unexpected(g->repo.host, q, reply);
    if (http_head_range_start(&reply->headers, &value) && value == at)
        return NULL;
    g->whole = true;
    return err_new(ERR_NETWORK, "GET %s: the reply begins at another place than asked for", shown);
}

/* No body, and no error: it has to be asked for in another way. */
static struct err *ask_in_one_way(struct download *g, struct source **body, uint64_t *begins)
{
    char text[DIGEST_TEXT];
    bool again;
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply reply = {0};
    TRY(host_url(g->repo.host, &u, "/v2/%s/blobs/%s", g->repo.name, digest_text(&g->desc.digest, text)));
    if (g->resume.at > 0 && !g->whole)
        strlist_add_take(&headers, resume_range(&g->resume));
    struct client_request q = {.method = "GET",
                               .url = &u,
                               .want = {.repository = g->repo.name, .push = g->repo.push},
                               .headers = &headers,
                               .once = g->once,
                               .decode = g->decode,
                               .stream = true};
    TRY(client_send(&reply, g->repo.host, &q));
    AUTO(mem_free) char *shown = url_shown(&reply.url);
    TRY(check_encoding(g, &reply, shown, &again));
    if (again)
        return NULL;
    TRY(check_reply(g, &q, &reply, shown, begins));
    *body = TAKE(reply.http.body);
    return NULL;
}

/* The pause that is asked for is the host's (client_send). */
static struct err *download_ask(struct resume *r, struct source **body, uint64_t *begins, unsigned *asked_ms)
{
    struct download *g = (struct download *)r;
    (void)asked_ms;
    TRY(ask_in_one_way(g, body, begins));
    return *body ? NULL : ask_in_one_way(g, body, begins);
}

static void download_free(struct resume *r)
{
    struct download *g = (struct download *)r;
    desc_wipe(&g->desc);
    mem_free(g);
}

struct err *blob_get(const struct repo *r, const struct desc *d, struct source **out)
{
    struct download *g = mem_zero(1, sizeof *g);
    AUTO(source_free) struct source *made = &g->resume.source;
    g->repo = *r;
    desc_copy(&g->desc, d);
    g->resume = (struct resume){.ask = download_ask,
                                .free = download_free,
                                .what = "the data",
                                .policy = &r->host->retry,
                                .pace = r->host->pace,
                                .size = d->size};
    TRY(resume_init(&g->resume));
    unsigned asked_ms;
    struct err *e = resume_ask(&g->resume, &asked_ms);
    /* The first answer was odd: a second one is asked for. */
    if (e && g->odd && retry_is_worth(e)) {
        err_free(e);
        e = resume_ask(&g->resume, &asked_ms);
    }
    g->once = true;
    if (!e)
        *out = TAKE(made);
    return e;
}
