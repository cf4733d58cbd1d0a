/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/gha_ask.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/cloud_ask.h"

#include <string.h>

#define SERVICE "twirp/github.actions.results.api.v1.CacheService/"
/* Entries of one version are never mixed up with those of another: here what "cache/1" is. */
#define VERSION "lade cache 1"

struct call {
    struct gha *gha;
    const char *method;
};

static struct err *compose(void *ctx, struct transfer_parts *parts)
{
    const struct call *c = ctx;
    AUTO(mem_free) char *text = mem_printf("%s" SERVICE "%s", c->gha->base, c->method);
    TRY(url_parse(&parts->url, text));
    strlist_add(&parts->headers, "Content-Type: application/json");
    parts->authorization = mem_printf("Bearer %s", c->gha->token);
    return NULL;
}

static struct err *refusal(const char *what, const struct transfer_reply *r)
{
    AUTO(json_decref) json_t *answer = cloud_object(buf_text(&r->body), r->body.len);
    const char *code = json_string_value(json_object_get(answer, "code"));
    const char *message = json_string_value(json_object_get(answer, "msg"));
    struct err *e = transfer_refusal(what, r->status, code, message);
    if (r->status == 401 || r->status == 403)
        return err_hint(e, "the token of the job may have expired, or may not write to caches");
    return e;
}

static json_t *question(const char *key)
{
    char version[DIGEST_TEXT];
    struct digest digest = digest_of(VERSION, strlen(VERSION));
    json_t *q = json_object();
    json_put(q, "key", json_new_str(key));
    json_put(q, "version", json_new_str(digest_hex(&digest, version)));
    return q;
}

/* *answer NULL: it is a conflict, or nothing is there. */
static struct err *call(json_t **answer, struct gha *g, const char *method, json_t *question_take)
{
    AUTO(json_decref) json_t *owned = question_take;
    AUTO(mem_free) char *text = json_text(owned);
    AUTO(mem_free) char *what = mem_printf("POST %s" SERVICE "%s", g->base, method);
    AUTO(source_free) struct source *body = source_mem(text, strlen(text));
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct call ctx = {.gha = g, .method = method};
    struct transfer_request q = {.method = "POST",
                                 .what = what,
                                 .compose = compose,
                                 .ctx = &ctx,
                                 .body = body,
                                 .body_size = strlen(text),
                                 .sends = true};
    *answer = NULL;
    TRY(transfer_send(&r, &g->service, &q));
    if (r.status == 404 || r.status == 409)
        return NULL;
    if (r.status != 200)
        return refusal(what, &r);
    *answer = cloud_object(buf_text(&r.body), r.body.len);
    return *answer ? NULL : err_new(ERR_INPUT, "%s: the answer is not a JSON object", what);
}

static char *text_of(const json_t *answer, const char *key)
{
    const char *text = json_string_value(json_object_get(answer, key));
    return str_empty(text) ? NULL : mem_strdup(text);
}

static bool is_ok(const json_t *answer)
{
    return answer && json_is_true(json_object_get(answer, "ok"));
}

struct err *gha_ask_find(struct gha *g, const char *text, bool prefix, char **url, char **key)
{
    AUTO(json_decref) json_t *answer = NULL;
    json_t *q = question(text);
    json_t *begins = json_array();
    if (prefix)
        json_push(begins, json_new_str(text));
    json_put(q, "restore_keys", begins);
    *url = NULL;
    TRY(call(&answer, g, "GetCacheEntryDownloadURL", q));
    if (!is_ok(answer))
        return NULL;
    AUTO(mem_free) char *matched = text_of(answer, "matched_key");
    if (!matched || (prefix ? !str_starts(matched, text) : !str_eq(matched, text)))
        return NULL;
    *url = text_of(answer, "signed_download_url");
    if (*url && key)
        *key = TAKE(matched);
    return NULL;
}

struct err *gha_ask_create(struct gha *g, const char *key, char **url)
{
    AUTO(json_decref) json_t *answer = NULL;
    *url = NULL;
    TRY(call(&answer, g, "CreateCacheEntry", question(key)));
    if (is_ok(answer))
        *url = text_of(answer, "signed_upload_url");
    return NULL;
}

struct err *gha_ask_finalize(struct gha *g, const char *key, uint64_t size)
{
    AUTO(json_decref) json_t *answer = NULL;
    json_t *q = question(key);
    AUTO(mem_free) char *text = mem_printf("%llu", (unsigned long long)size);
    json_put(q, "size_bytes", json_new_str(text)); /* 64 bits are text in the JSON of protocol buffers */
    TRY(call(&answer, g, "FinalizeCacheEntryUpload", q));
    if (is_ok(answer))
        return NULL;
    return err_new(ERR_CONFLICT, "the cache service has not taken entry %s", key);
}
