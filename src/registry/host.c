/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/host.h"
#include "base/mem.h"
#include "base/str.h"
#include "registry/address.h"
#include "registry/apierr.h"
#include "registry/auth.h"
#include "registry/client.h"

#include <stdarg.h>
#include <string.h>

#define WAIT_MS 500

/* "localhost" of "localhost:5000", "[::1]" of "[::1]:5000". */
static char *host_without_port(const char *name)
{
    const char *bracket = strrchr(name, ']');
    const char *colon = strrchr(bracket ? bracket : name, ':');
    return colon ? mem_strndup(name, (size_t)(colon - name)) : mem_strdup(name);
}

static bool has_port(const char *name)
{
    AUTO(mem_free) char *bare = host_without_port(name);
    return !str_eq(bare, name);
}

/* A registry on this machine mostly speaks plain HTTP, and an attempt at TLS costs reading all authorities.
 * Who keeps certificates for it, or names the port of HTTPS or none, means TLS. */
static bool is_asked_plainly(const struct host *h)
{
    bool certificates = h->tls.ca || h->tls.cert;
    return h->loopback && !certificates && has_port(h->api) && !str_ends(h->api, ":443");
}

/* The command line is before the file. */
static void take_settings(struct host *h, const struct host_settings *told)
{
    const struct registry_options *o = &h->config->options;
    struct host_settings *own = &h->settings;
    host_settings_copy(own, told);
    own->plain_http = own->plain_http || o->plain_http;
    own->insecure_skip_verify = own->insecure_skip_verify || o->insecure_skip_verify;
    h->retry = h->config->retry;
    if (!o->tries && (own->tries || h->ns))
        h->retry.tries = own->tries ? own->tries : HOST_MIRROR_TRIES;
    if (!o->budget_ms && own->budget_ms)
        h->retry.budget_ms = own->budget_ms;
    h->pace =
        pace_new(own->rate, own->reads ? own->reads : PACE_READS, own->writes ? own->writes : PACE_WRITES);
}

struct err *host_new(struct host **out, struct host_config *config, const char *name, const char *ns,
                     const struct host_settings *told)
{
    AUTO(host_free) struct host *h = mem_zero(1, sizeof *h);
    h->config = config;
    h->name = mem_strdup(name);
    h->ns = mem_strdup(ns);
    take_settings(h, told);
    h->api = mem_strdup(str_eq(name, "docker.io") || str_eq(name, "index.docker.io") ? "registry-1.docker.io"
                                                                                     : name);
    AUTO(mem_free) char *bare = host_without_port(name);
    h->loopback = address_is_loopback_host(bare);
    h->lessons = lessons_new();
    h->referrers = lock_new();
    h->lock = lock_new();
    TRY(tls_find_for(&h->tls, name, config->options.cert_dir, told));
    struct http_settings settings = {.tls = &h->tls,
                                     .skip_verify = h->settings.insecure_skip_verify,
                                     .with_cert = true,
                                     .direct = h->loopback,
                                     .counts = &config->counts};
    h->own = http_pool_new(&settings);
    settings.with_cert = false;
    h->foreign = http_pool_new(&settings);
    h->auth = auth_new(h);
    *out = TAKE(h);
    return NULL;
}

void host_free(struct host *h)
{
    if (!h)
        return;
    auth_free(h->auth);
    http_pool_free(h->own);
    http_pool_free(h->foreign);
    url_wipe(&h->base);
    tls_wipe(&h->tls);
    lessons_free(h->lessons);
    lock_free(h->referrers);
    lock_free(h->lock);
    notices_wipe(&h->notices);
    host_settings_wipe(&h->settings);
    pace_free(h->pace);
    mem_free(h->name);
    mem_free(h->api);
    mem_free(h->ns);
    mem_free(h);
}

/* What the first contact by one scheme came to. */
struct contact {
    struct url base;
    enum http_fault fault;
    bool says_https;
    unsigned asked_ms;
};

static void contact_wipe(struct contact *c)
{
    url_wipe(&c->base);
}

/* GET /v2/ without credentials. Any answer but "try again" says how to go on. */
static struct err *ask(struct contact *c, struct host *h, bool plain)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(http_reply_wipe) struct http_reply r = {0};
    AUTO_VALUE(buf_wipe) struct buf body = BUF(APIERR_BODY_MAX);
    AUTO(mem_free) char *text = mem_printf("%s://%s/", plain ? "http" : "https", h->api);
    TRY(url_parse(&c->base, text));
    TRY(url_resolve(&u, &c->base, "/v2/"));
    struct http_request q = {.method = "GET", .url = &u};
    TRY(host_wait(h));
    struct err *e = http_send(&r, h->own, &q);
    c->fault = r.fault;
    if (e)
        return host_explain(h, e, r.fault);
    client_read_some(&r, &body);
    if (client_status_passes(r.status)) {
        c->asked_ms = client_asked_ms(&r.headers);
        return client_refusal(h, &u, "GET", r.status, &body);
    }
    c->says_https = plain && r.status == 400 && client_says_https(&body);
    if (c->says_https)
        return client_refusal(h, &u, "GET", r.status, &body);
    host_seen(h, &r);
    auth_learn(h->auth, NULL, &r.headers, &c->base);
    return NULL;
}

/* May the other scheme do better? */
static bool is_for_other(const struct host *h, const struct contact *c)
{
    return c->says_https || http_fault_may_be_other(c->fault) ||
           (c->fault == HTTP_FAULT_CONNECT && !has_port(h->api));
}

/* Docker tries both for a registry on this machine, where nobody listens between; for others plain HTTP must
 * be asked for. What answers over TLS is never left for plain HTTP, whatever is wrong with it. */
static struct err *ask_either(struct host *h, struct url *base, unsigned *asked_ms)
{
    AUTO_VALUE(contact_wipe) struct contact one = {0};
    AUTO_VALUE(contact_wipe) struct contact other = {0};
    bool asked = h->settings.plain_http;
    bool plain = asked || is_asked_plainly(h);
    struct contact *last = &one;
    struct err *e = ask(&one, h, plain);
    if (e && h->loopback && !asked && is_for_other(h, &one)) {
        struct err *second = ask(&other, h, !plain);
        bool neither =
            second && !one.says_https &&
            (other.says_https || http_fault_may_be_other(other.fault) || other.fault == HTTP_FAULT_CONNECT);
        err_free(neither ? second : e);
        e = neither ? e : second;
        last = neither ? &one : &other;
    }
    *asked_ms = last->asked_ms;
    if (!e)
        url_copy(base, &last->base);
    return e;
}

static struct err *probe(struct host *h, struct url *base)
{
    struct retry r;
    struct err *e;
    unsigned asked_ms = 0;
    retry_begin(&r, &h->retry);
    do
        e = ask_either(h, base, &asked_ms);
    while (retry_again(&r, &e, asked_ms));
    return e;
}

/* True when it falls to the caller to find out. */
static bool begin_probe(struct host *h)
{
    AUTO(lock_release) struct lock *held = lock_hold(h->lock);
    while (h->probing)
        lock_wait(held, WAIT_MS);
    h->probing = !h->ready;
    return h->probing;
}

struct err *host_prepare(struct host *h)
{
    if (!begin_probe(h))
        return NULL;
    AUTO_VALUE(url_wipe) struct url base = {0};
    struct err *e = probe(h, &base);
    AUTO(lock_release) struct lock *held = lock_hold(h->lock);
    h->probing = false;
    if (!e) {
        h->base = base;
        base = (struct url){0};
        h->ready = true;
    }
    lock_wake(held);
    return e;
}

struct err *host_url(struct host *h, struct url *out, const char *format, ...)
{
    TRY(host_prepare(h));
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *path = mem_vprintf(format, args);
    va_end(args);
    TRY(url_resolve(out, &h->base, path));
    if (h->ns)
        url_add_query(out, "ns", h->ns);
    return NULL;
}

void host_pause(struct host *h, unsigned ms)
{
    pace_pause(h->pace, ms);
}

struct err *host_wait(struct host *h)
{
    return pace_wait(h->pace);
}

struct http_pool *host_pool(const struct host *h, const struct url *u)
{
    return url_same_origin(u, &h->base) ? h->own : h->foreign;
}

void host_seen(struct host *h, const struct http_reply *r)
{
    if (!r->private_peer)
        http_pool_public_only(h->foreign);
    AUTO(lock_release) struct lock *held = lock_hold(h->lock);
    notices_take(&h->notices, h->config->options.events, h->name, &r->headers);
}

struct err *host_explain(const struct host *h, struct err *cause, enum http_fault fault)
{
    switch ((int)fault) {
    case HTTP_FAULT_TRUST:
        return err_hint(
            cause,
            "put the certificate of its authority into /etc/containers/certs.d/%s/ca.crt, or name a "
            "directory that holds it with --cert-dir",
            h->name);
    case HTTP_FAULT_TLS:
        return err_hint(
            cause,
            "if %s speaks plain HTTP only, and you trust the network up to it, use --plain-http or "
            "\"plain-http\" in the configuration file",
            h->name);
    case HTTP_FAULT_NOT_HTTP:
    case HTTP_FAULT_NOTHING:
    case HTTP_FAULT_READ:
        return h->settings.plain_http ? err_hint(cause, "if %s speaks HTTPS, leave --plain-http out", h->name)
                                      : cause;
    case HTTP_FAULT_CONNECT:
    case HTTP_FAULT_RESOLVE:
        return err_hint(cause, "is there a registry at %s, and is a proxy needed to get there?", h->name);
    default:
        return cause;
    }
}
