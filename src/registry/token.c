/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/apierr.h"
#include "registry/client.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CLIENT_ID "lade"
#define LIFE_MAX_S (24.0 * 3600)

struct pair {
    const char *registry, *server;
};

/* Registries whose token server lives under another domain. */
static const struct pair pairs[] = {{".scw.cloud", "api.scaleway.com"}};

/* What countries sell names below, and what belongs to nobody therefore: "co.uk", "com.au". */
static const char *const shared[] = {"ac",  "co", "com", "edu", "go",  "gob", "gov", "gub", "gouv", "info",
                                     "ltd", "me", "mil", "ne",  "net", "nom", "or",  "org", "plc",  "sch"};

static bool is_shared(const char *domain)
{
    const char *dot = strchr(domain, '.');
    if (!dot || strlen(dot + 1) != 2)
        return false;
    AUTO(mem_free) char *label = mem_strndup(domain, (size_t)(dot - domain));
    for (size_t i = 0; i < ARRAY_LEN(shared); i++)
        if (str_eq_nocase(label, shared[i]))
            return true;
    return false;
}

/* The parent domain, when it can belong to one owner: "example.com" of "auth.example.com". */
static const char *parent(const char *host)
{
    const char *dot = strchr(host, '.');
    return dot && strchr(dot + 1, '.') && !is_shared(dot + 1) ? dot + 1 : NULL;
}

static bool named_by_user(const char *server)
{
    const char *names = getenv("LADE_TOKEN_SERVERS");
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    if (names)
        strlist_split(&list, names, ',');
    return strlist_has(&list, server);
}

bool token_server_is_trusted(const char *registry, const char *server)
{
    if (str_eq_nocase(registry, server) || named_by_user(server))
        return true;
    if (address_is_loopback_host(registry) && address_is_loopback_host(server))
        return true;
    if (address_is_literal(registry) || address_is_literal(server))
        return false;
    if (!strchr(registry, '.') && !strchr(server, '.'))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (str_ends(registry, pairs[i].registry) && str_eq(server, pairs[i].server))
            return true;
    const char *above = parent(registry);
    const char *beside = parent(server);
    return (above && (str_eq(above, server) || str_eq(above, beside))) ||
           (beside && str_eq(beside, registry));
}

static bool fits_a_header(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c >= 0x7f)
            return false;
    return *text != '\0';
}

static double life_of(const json_t *answer)
{
    double life = json_number_value(json_object_get(answer, "expires_in"));
    if (!(life >= TOKEN_LIFE_MIN_S))
        return TOKEN_LIFE_MIN_S;
    return life < LIFE_MAX_S ? life : LIFE_MAX_S;
}

/* How old the token is when we get it; 0 when that cannot be, because the clocks differ. */
static double age_of(const char *issued_at, int64_t now_unix, double life)
{
    struct tm when;
    memset(&when, 0, sizeof when);
    const char *end = issued_at ? strptime(issued_at, "%Y-%m-%dT%H:%M:%S", &when) : NULL;
    if (end && *end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    if (!str_eq(end, "Z"))
        return 0;
    double age = (double)(now_unix - (int64_t)timegm(&when));
    return age > 0 && life - age >= TOKEN_LIFE_MIN_S ? age : 0;
}

struct err *token_parse(struct token *out, const char *body, size_t len, const char *what, int64_t now_unix)
{
    AUTO(json_decref) json_t *answer = NULL;
    const char *token = NULL;
    /* The parser's own message may show a part of the text. */
    struct err *e = json_parse(&answer, body, len, what);
    if (e || !json_is_object(answer)) {
        err_free(e);
        return err_new(ERR_INPUT, "%s: the answer is not a JSON object: is this a token server?", what);
    }
    TRY(json_get_str(answer, "token", what, &token));
    if (str_empty(token))
        TRY(json_get_str(answer, "access_token", what, &token));
    if (str_empty(token) || !fits_a_header(token))
        return err_new(ERR_INPUT, "%s: the answer holds no token", what);
    const char *refresh = json_string_value(json_object_get(answer, "refresh_token"));
    const char *issued_at = json_string_value(json_object_get(answer, "issued_at"));
    double life = life_of(answer);
    *out = (struct token){.value = mem_strdup(token),
                          .refresh = str_empty(refresh) ? NULL : mem_strdup(refresh),
                          .life_ms = (uint64_t)((life - age_of(issued_at, now_unix, life)) * 1000)};
    return NULL;
}

static void add_field(struct buf *form, const char *key, const char *value)
{
    AUTO(mem_free) char *encoded = url_encode(value);
    buf_printf(form, "%s%s=", form->len ? "&" : "", key);
    buf_str(form, encoded);
    mem_wipe(encoded, strlen(encoded));
}

static void wipe_form(struct buf *form)
{
    if (form->data)
        mem_wipe(form->data, form->len);
    buf_wipe(form);
}

static inline void wipe_text_auto(char **text)
{
    if (*text)
        mem_wipe(*text, strlen(*text));
    mem_free(*text);
}

/* A redirect on the same server keeps what is sent; *next is where to. Other servers get nothing from us. */
static struct err *redirect(struct url *next, const struct http_reply *r, const struct http_request *q,
                            const char *what)
{
    const char *location = strmap_get(&r->headers, "location");
    if (location)
        TRY(err_wrap(url_resolve(next, q->url, location), "%s: redirect", what));
    if (location && url_same_origin(next, q->url))
        return NULL;
    return err_new(ERR_DENIED, "%s: HTTP %d: a token server that leads elsewhere is not followed", what,
                   r->status);
}

/* One request and its answer. A refusal is ERR_DENIED; *status tells which one. *next is set when the answer
 * is a redirect to be followed. */
static struct err *ask(struct token *out, struct host *h, const struct http_request *q, int *status,
                       unsigned *asked_ms, struct url *next)
{
    AUTO_VALUE(http_reply_wipe) struct http_reply r = {0};
    AUTO_VALUE(wipe_form) struct buf body = BUF(TOKEN_BODY_MAX);
    AUTO(mem_free) char *shown = url_shown(q->url);
    AUTO(mem_free) char *what = mem_printf("%s %s", q->method, shown);
    *asked_ms = 0;
    *status = 0;
    struct err *e = http_send(&r, host_pool(h, q->url), q);
    if (e)
        return host_explain(h, e, r.fault);
    *status = r.status;
    if (r.status == 200) {
        TRY(source_read_all(r.body, &body, "the answer of the token server"));
        return token_parse(out, buf_text(&body), body.len, what, clock_unix());
    }
    if (r.status >= 300 && r.status < 400)
        return redirect(next, &r, q, what);
    client_read_some(&r, &body);
    *asked_ms = client_asked_ms(&r.headers);
    e = apierr_new(r.status, q->method, shown, buf_text(&body), body.len);
    return r.status == 400 || r.status == 404 || r.status == 405 ? err_as(e, ERR_DENIED) : e;
}

static struct err *ask_again(struct token *out, struct host *h, struct http_request *q, int *status,
                             struct url *next)
{
    struct retry r;
    struct err *e;
    unsigned asked_ms;
    retry_begin(&r, &h->config->retry);
    do {
        if (q->body)
            TRY(source_reopen(q->body, 0));
        e = ask(out, h, q, status, &asked_ms, next);
    } while (retry_again(&r, &e, asked_ms));
    return e;
}

/* To where the server itself leads. */
static struct err *ask_there(struct token *out, struct host *h, const struct http_request *q, int *status)
{
    struct http_request one = *q;
    AUTO_VALUE(url_wipe) struct url at = {0};
    url_copy(&at, q->url);
    one.url = &at;
    for (unsigned hops = 0; hops <= CLIENT_REDIRECTS_MAX; hops++) {
        AUTO_VALUE(url_wipe) struct url next = {0};
        TRY(ask_again(out, h, &one, status, &next));
        if (out->value)
            return NULL;
        url_copy(&at, &next);
    }
    AUTO(mem_free) char *shown = url_shown(&at);
    return err_new(ERR_DENIED, "%s %s: more than %d redirects", q->method, shown, CLIENT_REDIRECTS_MAX);
}

static struct err *by_get(struct token *out, struct host *h, const struct token_request *t,
                          const struct url *realm, int *status)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO(wipe_text) char *authorization = NULL;
    url_copy(&u, realm);
    if (t->creds->username)
        url_add_query(&u, "account", t->creds->username);
    url_add_query(&u, "client_id", CLIENT_ID);
    for (size_t i = 0; i < t->scopes->count; i++)
        url_add_query(&u, "scope", t->scopes->item[i]);
    if (t->service)
        url_add_query(&u, "service", t->service);
    if (t->creds->username && t->creds->password)
        authorization = client_basic(t->creds->username, t->creds->password);
    struct http_request q = {.method = "GET", .url = &u, .authorization = authorization};
    return ask_there(out, h, &q, status);
}

static struct err *by_post(struct token *out, struct host *h, const struct token_request *t,
                           const struct url *realm, int *status)
{
    AUTO_VALUE(wipe_form) struct buf form = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(mem_free) char *scope = strlist_join(t->scopes, " ");
    const char *identity = t->creds->identity_token;
    add_field(&form, "grant_type", identity ? "refresh_token" : "password");
    add_field(&form, "service", t->service ? t->service : "");
    add_field(&form, "client_id", CLIENT_ID);
    if (*scope)
        add_field(&form, "scope", scope);
    if (identity) {
        add_field(&form, "refresh_token", identity);
    } else {
        add_field(&form, "username", t->creds->username);
        add_field(&form, "password", t->creds->password);
    }
    strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    AUTO(source_free) struct source *body = source_mem(form.data, form.len);
    struct http_request q = {.method = "POST",
                             .url = realm,
                             .headers = &headers,
                             .body = body,
                             .body_size = form.len,
                             .sends = true};
    return ask_there(out, h, &q, status);
}

/* Both ways, the usual one first: servers know one or both, and say so by all kinds of statuses. */
static struct err *by_either(struct token *out, struct host *h, const struct token_request *t,
                             const struct url *realm)
{
    int status = 0;
    bool basic = t->creds->username && t->creds->password;
    if (t->creds->identity_token) {
        struct err *e = by_post(out, h, t, realm, &status);
        bool no_oauth = status == 400 || status == 401 || status == 404 || status == 405;
        if (!e || !no_oauth || !basic)
            return e;
        err_free(e);
        return by_get(out, h, t, realm, &status);
    }
    struct err *e = by_get(out, h, t, realm, &status);
    if (!e || !basic || (status != 404 && status != 405))
        return e;
    err_free(e);
    return by_post(out, h, t, realm, &status);
}

/* May we ask that server, with what we have? */
static struct err *check_server(const struct host *h, const struct token_request *t, const struct url *realm)
{
    bool knows = t->creds->password || t->creds->identity_token;
    bool inner = address_is_literal(realm->host) && !address_text_is_public(realm->host);
    /* The registry's own address; its name in references may be another (Docker Hub). */
    AUTO_VALUE(url_wipe) struct url api = {0};
    AUTO(mem_free) char *text = mem_printf("https://%s/", h->api);
    AUTO(mem_free) char *shown = url_shown(realm);
    TRY(url_parse(&api, text));
    if ((!knows && !inner) || token_server_is_trusted(api.host, realm->host))
        return NULL;
    return err_hint(err_new(ERR_DENIED, "%s asks to send %s to %s: refused", h->name,
                            knows ? "its credentials" : "a request", shown),
                    "if that is its token server, set LADE_TOKEN_SERVERS=%s", realm->host);
}

struct err *token_fetch(struct token *out, struct host *h, const struct token_request *t)
{
    AUTO_VALUE(url_wipe) struct url realm = {0};
    TRY(url_parse(&realm, t->realm));
    TRY(check_server(h, t, &realm));
    return by_either(out, h, t, &realm);
}

void token_wipe(struct token *t)
{
    wipe_text_auto(&t->value);
    wipe_text_auto(&t->refresh);
    *t = (struct token){0};
}
