/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/cloud_ask.h"
#include "base/fs.h"
#include "base/io.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/client.h"
#include "registry/retry.h"
#include "registry/tls.h"
#include "registry/url.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 4
#define BUDGET_MS 60000
#define SERVICE_MS 30000 /* for one try with a service */
#define SECRET_MAX (64u << 10)
#define MESSAGE_MAX 300

char *cloud_what(const struct cloud_request *q)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    err_free(url_parse(&u, q->url));
    AUTO(mem_free) char *shown = u.text ? url_shown(&u) : mem_strdup("(not a URL)");
    return mem_printf("%s %s", q->method, shown);
}

static struct http_settings pool_settings(const struct cloud *c, const struct cloud_request *q,
                                          const struct url *u, const struct tls *tls)
{
    return (struct http_settings){.tls = tls,
                                  .direct = q->metadata || address_is_loopback_host(u->host),
                                  .connect_ms = q->metadata ? CLOUD_CONNECT_MS : 0,
                                  .total_ms = q->metadata ? CLOUD_METADATA_MS : SERVICE_MS,
                                  .counts = c->counts};
}

/* *answered: somebody is there. */
static struct err *ask_once(struct cloud_reply *out, struct http_pool *pool, const struct cloud_request *q,
                            const struct url *u, bool *answered, unsigned *asked_ms)
{
    AUTO_VALUE(http_reply_wipe) struct http_reply r = {0};
    AUTO(source_free) struct source *body = q->body ? source_mem(q->body, q->body_len) : NULL;
    struct http_request one = {.method = q->method,
                               .url = u,
                               .headers = q->headers,
                               .authorization = q->authorization,
                               .body = body,
                               .body_size = q->body_len,
                               .sends = body || str_eq(q->method, "PUT")};
    cloud_reply_wipe(out);
    out->body = BUF(CLOUD_BODY_MAX);
    *asked_ms = 0;
    *answered = false;
    TRY(http_send(&r, pool, &one));
    *answered = true;
    out->status = r.status;
    strmap_copy(&out->headers, &r.headers);
    if (!client_status_passes(r.status))
        return source_read_all(r.body, &out->body, "the answer");
    *asked_ms = client_asked_ms(&r.headers);
    AUTO(mem_free) char *what = cloud_what(q);
    return err_http(r.status, "%s: HTTP %d", what, r.status);
}

struct err *cloud_ask(struct cloud_reply *out, const struct cloud *c, const struct cloud_request *q)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(tls_wipe) struct tls tls = {0};
    TRY(url_parse(&u, q->url));
    AUTO(mem_free) char *host = url_host_port(&u);
    TRY(tls_find(&tls, host, NULL));
    struct http_settings settings = pool_settings(c, q, &u, &tls);
    AUTO(http_pool_free) struct http_pool *pool = http_pool_new(&settings);
    struct retry_policy policy = {.tries = TRIES, .budget_ms = BUDGET_MS};
    struct retry retry;
    struct err *e;
    bool answered;
    unsigned asked_ms;
    retry_begin(&retry, &policy);
    do
        e = ask_once(out, pool, q, &u, &answered, &asked_ms);
    while ((answered || !q->metadata) && retry_again(&retry, &e, asked_ms));
    return e;
}

json_t *cloud_object(const char *text, size_t len)
{
    json_t *j = NULL;
    err_free(json_parse(&j, text, len, "the answer"));
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

struct err *cloud_ask_json(json_t **out, const struct cloud *c, const struct cloud_request *q)
{
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    TRY(cloud_ask(&r, c, q));
    if (r.status != 200)
        return cloud_refusal_json(q, &r);
    *out = cloud_object(buf_text(&r.body), r.body.len);
    if (*out)
        return NULL;
    AUTO(mem_free) char *what = cloud_what(q);
    return err_new(ERR_INPUT, "%s: the answer is not a JSON object", what);
}

struct err *cloud_refusal(const struct cloud_request *q, int status, const char *code, const char *message)
{
    AUTO(mem_free) char *what = cloud_what(q);
    AUTO(mem_free) char *first = mem_strndup(message ? message : "", message ? strcspn(message, "\r\n") : 0);
    AUTO(mem_free) char *said = str_escape(first, strlen(first), MESSAGE_MAX);
    AUTO(mem_free) char *shown_code = str_safe(code ? code : "");
    bool denied = status == 400 || status == 401 || status == 403;
    struct err *e = err_http(status, "%s: HTTP %d%s%s%s%s", what, status, *shown_code ? " " : "", shown_code,
                             *said ? ": " : "", said);
    return denied ? err_as(e, ERR_DENIED) : e;
}

static const char *text_of(const json_t *object, const char *const *keys)
{
    const char *text = NULL;
    for (; *keys && str_empty(text); keys++)
        text = json_string_value(json_object_get(object, *keys));
    return text;
}

struct err *cloud_refusal_json(const struct cloud_request *q, const struct cloud_reply *r)
{
    static const char *const codes[] = {"__type", "error", "code", "Code", "status", NULL};
    static const char *const messages[] = {"message", "Message", "error_description", NULL};
    AUTO(json_decref) json_t *answer = cloud_object(buf_text(&r->body), r->body.len);
    const json_t *inner = answer ? json_object_get(answer, "error") : NULL;
    const json_t *from = json_is_object(inner) ? inner : answer;
    const char *code = from ? text_of(from, codes) : NULL;
    /* "com.amazonaws.ecr#AccessDeniedException" */
    const char *hash = code ? strchr(code, '#') : NULL;
    return cloud_refusal(q, r->status, hash ? hash + 1 : code, from ? text_of(from, messages) : NULL);
}

void cloud_form(struct buf *form, const char *key, const char *value)
{
    AUTO(cloud_wipe_text) char *encoded = url_encode(value);
    buf_printf(form, "%s%s=", form->len ? "&" : "", key);
    buf_str(form, encoded);
}

bool cloud_fits_header(const char *text)
{
    for (const char *c = text; c && *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return false;
    return !str_empty(text);
}

void cloud_wipe_text(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    mem_free(text);
}

void cloud_wipe_buf(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->len);
    buf_wipe(b);
}

void cloud_wipe_list(struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_wipe(list->item[i], strlen(list->item[i]));
    strlist_wipe(list);
}

void cloud_reply_wipe(struct cloud_reply *r)
{
    strmap_wipe(&r->headers);
    cloud_wipe_buf(&r->body);
    *r = (struct cloud_reply){0};
}

struct err *cloud_read_secret(char **out, const char *path)
{
    AUTO_VALUE(cloud_wipe_buf) struct buf text = BUF(SECRET_MAX);
    TRY(fs_read_file(&text, AT_FDCWD, path, NULL));
    AUTO(cloud_wipe_text) char *trimmed = str_trim(buf_text(&text));
    if (!*trimmed)
        return err_new(ERR_INPUT, "%s is empty", path);
    *out = TAKE(trimmed);
    return NULL;
}

const char *cloud_env(const char *name)
{
    const char *value = getenv(name);
    return str_empty(value) ? NULL : value;
}

bool cloud_machine_may_be(const char *word)
{
    static const char *const files[] = {"sys_vendor",  "product_name", "product_version",
                                        "bios_vendor", "bios_version", "chassis_asset_tag"};
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(4096);
        AUTO(mem_free) char *path = mem_printf("/sys/class/dmi/id/%s", files[i]);
        bool found = false;
        struct err *e = fs_read_file(&text, AT_FDCWD, path, &found);
        any = any || (!e && found && text.len > 1);
        err_free(e);
        if (strcasestr(buf_text(&text), word))
            return true;
    }
    return !any;
}
