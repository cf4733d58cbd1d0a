/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http.h"
#include "base/buf.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "registry/address.h"
#include "registry/http_head.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#define IDLE_MAX 8 /* connections kept in a pool */
#define CONNECT_MS 30000L
#define SLOW_BYTES 64L /* a second; slower is dead */
#define STALL_S 120u
#define ANSWER_S 900u
#define ERROR_S 5L              /* what is said of an error is not worth more */
#define BUFFER_SIZE (64L << 10) /* what curl reads at once */
#define SEND_SIZE (256L << 10)  /* what curl takes of a large body at once */
#define AHEAD_MAX (256u << 10)  /* what waits for the reader before the server must wait */
#define POLL_MS 1000
#define EXPECT_MIN (1u << 20) /* what is smaller is sent before the server has said that it may */

struct http_pool {
    struct lock *lock;
    struct conn *idle;
    unsigned idle_count;
    struct http_settings settings;
    atomic_bool public_only;
};

/* A connection, and the request that is on it. Also the source of the reply's body. */
struct conn {
    struct source source;
    struct http_pool *pool;
    struct conn *next;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    char *what; /* "GET https://…" */
    char reason[CURL_ERROR_SIZE];
    struct source *body; /* of the request */
    uint64_t left, size;
    bool taken;
    struct http_reply *reply; /* while headers arrive, else NULL */
    int status;
    size_t header_count, header_bytes;
    bool head_done, ended, paused, refused;
    bool expects, continued; /* the server is asked, and has said, that the body may come */
    CURLcode code;
    struct err *failure; /* of one of our callbacks */
    struct buf in;
    size_t at;
};

struct err *http_start(void)
{
    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    return code == CURLE_OK ? NULL : err_new(ERR_INTERNAL, "start libcurl: %s", curl_easy_strerror(code));
}

void http_end(void)
{
    curl_global_cleanup();
}

struct http_pool *http_pool_new(const struct http_settings *settings)
{
    struct http_pool *p = mem_zero(1, sizeof *p);
    p->lock = lock_new();
    p->settings = *settings;
    return p;
}

void http_pool_public_only(struct http_pool *p)
{
    atomic_store(&p->public_only, true);
}

static void conn_free(struct conn *c)
{
    curl_easy_cleanup(c->easy);
    curl_multi_cleanup(c->multi);
    buf_wipe(&c->in);
    mem_free(c);
}

void http_pool_free(struct http_pool *p)
{
    if (!p)
        return;
    while (p->idle) {
        struct conn *c = p->idle;
        p->idle = c->next;
        conn_free(c);
    }
    lock_free(p->lock);
    mem_free(p);
}

static const struct source_ops body_ops;

static struct conn *conn_take(struct http_pool *p)
{
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    struct conn *c = p->idle;
    if (c) {
        p->idle = c->next;
        p->idle_count--;
        c->next = NULL;
        return c;
    }
    c = mem_zero(1, sizeof *c);
    c->source.ops = &body_ops;
    c->pool = p;
    c->multi = curl_multi_init();
    c->easy = curl_easy_init();
    if (!c->multi || !c->easy)
        mem_exhausted();
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 2L);
    return c;
}

/* The request is over, one way or the other. An unread rest costs the connection (curl closes it). */
static void conn_give(struct conn *c)
{
    curl_multi_remove_handle(c->multi, c->easy);
    curl_easy_reset(c->easy);
    curl_slist_free_all(c->headers);
    mem_free(c->what);
    err_free(c->failure);
    buf_clear(&c->in);
    struct http_pool *p = c->pool;
    *c = (struct conn){.source = c->source, .pool = p, .multi = c->multi, .easy = c->easy, .in = c->in};
    AUTO(lock_release) struct lock *held = lock_hold(p->lock);
    if (p->idle_count == IDLE_MAX) {
        conn_free(c);
        return;
    }
    p->idle_count++;
    c->next = p->idle;
    p->idle = c;
}

static size_t on_header(char *data, size_t one, size_t len, void *ctx)
{
    struct conn *c = ctx;
    (void)one;
    if (c->head_done)
        return len; /* trailers */
    c->header_bytes += len;
    if (++c->header_count > HTTP_HEADERS_MAX || c->header_bytes > HTTP_HEADER_BYTES_MAX) {
        c->failure = err_new(ERR_RESOURCE, "%s: the reply has more than %d headers or %u bytes of them",
                             c->what, HTTP_HEADERS_MAX, HTTP_HEADER_BYTES_MAX);
        return 0;
    }
    switch (http_head_line(&c->reply->headers, data, len)) {
    case HTTP_HEAD_BEGIN: /* an interim reply may have come before */
        strmap_wipe(&c->reply->headers);
        break;
    case HTTP_HEAD_END:;
        long status = 0;
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        c->status = (int)status;
        c->continued = c->continued || status == 100;
        c->reply->expect_refused = c->reply->expect_refused || (status == 417 && c->expects);
        /* 417 to our "Expect" makes curl send again. */
        c->head_done = status >= 200 && !(status == 417 && c->expects);
        break;
    case HTTP_HEAD_LINE:
        break;
    }
    return len;
}

static size_t on_data(char *data, size_t one, size_t len, void *ctx)
{
    struct conn *c = ctx;
    (void)one;
    if (c->in.len - c->at >= AHEAD_MAX) {
        c->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    atomic_fetch_add(&c->pool->settings.counts->bytes_down, len);
    buf_add(&c->in, data, len);
    return len;
}

/* A connection on which nothing moves is dead; but the answer may take its time once all is sent. */
static void set_patience(const struct conn *c, bool sending)
{
    const struct http_settings *s = &c->pool->settings;
    unsigned asked = sending ? s->stall_s : s->answer_s;
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
    curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)(asked ? asked : sending ? STALL_S : ANSWER_S));
}

static size_t on_send(char *data, size_t one, size_t len, void *ctx)
{
    struct conn *c = ctx;
    size_t want = one * len;
    if (want > c->left)
        want = (size_t)c->left;
    if (want == 0 || !c->body)
        return 0;
    size_t got = 0;
    if (!c->taken && c->expects && !c->continued && c->reply && !c->reply->expect_refused)
        c->reply->expect_ignored = true;
    c->taken = true;
    c->failure = source_read(c->body, data, want, &got);
    if (!c->failure && got == 0)
        c->failure = err_new(ERR_INTEGRITY, "%s: the data ends %llu bytes early", c->what,
                             (unsigned long long)c->left);
    if (c->failure)
        return CURL_READFUNC_ABORT;
    c->left -= got;
    if (c->left == 0)
        set_patience(c, false);
    atomic_fetch_add(&c->pool->settings.counts->bytes_up, got);
    return got;
}

/* curl sends a body again when a kept connection turns out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct conn *c = ctx;
    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_FAIL;
    if (offset == 0 && !c->taken)
        return CURL_SEEKFUNC_OK;
    if (!c->body || !source_can_reopen(c->body))
        return CURL_SEEKFUNC_FAIL;
    c->failure = source_reopen(c->body, (uint64_t)offset);
    c->left = c->size - (uint64_t)offset;
    set_patience(c, c->left > 0);
    return c->failure ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct conn *c = ctx;
    (void)purpose;
    if (atomic_load(&c->pool->public_only) && !address_is_public(&address->addr)) {
        c->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_tls(CURL *h, const struct http_settings *settings)
{
    const struct tls *tls = settings->tls;
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (tls->ca) {
        struct curl_blob blob = {.data = tls->ca, .len = strlen(tls->ca), .flags = CURL_BLOB_NOCOPY};
        curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &blob);
    } else if (tls->ca_file) {
        curl_easy_setopt(h, CURLOPT_CAINFO, tls->ca_file);
    }
    if (tls->ca_dir)
        curl_easy_setopt(h, CURLOPT_CAPATH, tls->ca_dir);
    if (tls->cert && settings->with_cert) {
        curl_easy_setopt(h, CURLOPT_SSLCERT, tls->cert);
        curl_easy_setopt(h, CURLOPT_SSLKEY, tls->key);
    }
    if (settings->skip_verify) {
        curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void add_header(struct conn *c, const char *line)
{
    struct curl_slist *longer = curl_slist_append(c->headers, line);
    if (!longer)
        mem_exhausted();
    c->headers = longer;
}

static void set_request(struct conn *c, const struct http_request *q)
{
    CURL *h = c->easy;
    bool head = str_eq(q->method, "HEAD");
    curl_easy_setopt(h, CURLOPT_URL, q->url->text);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, q->url->scheme);
    if (head)
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    else if (q->sends)
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
    if (!head)
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
    if (q->sends) {
        curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_size);
        curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, q->body_size < EXPECT_MIN ? BUFFER_SIZE : SEND_SIZE);
    }
    for (size_t i = 0; q->headers && i < q->headers->count; i++)
        add_header(c, q->headers->item[i]);
    c->expects = q->body_size >= EXPECT_MIN && !q->no_expect;
    if (!c->expects)
        add_header(c, "Expect:"); /* curl's own is left out */
    /* curl then undoes what it has not asked for. */
    if (q->decode)
        curl_easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "identity");
    if (q->authorization) {
        AUTO(mem_free) char *line = mem_printf("Authorization: %s", q->authorization);
        add_header(c, line);
        mem_wipe(line, strlen(line));
    }
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->headers);
    set_patience(c, !q->sends || q->body_size > 0);
}

static void set_common(struct conn *c)
{
    CURL *h = c->easy;
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->reason);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "lade/" LADE_VERSION);
    const struct http_settings *s = &c->pool->settings;
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, s->connect_ms ? (long)s->connect_ms : CONNECT_MS);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)s->total_ms);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(h, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(h, CURLOPT_READDATA, c);
    curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(h, CURLOPT_SEEKDATA, c);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
    if (c->pool->settings.direct)
        curl_easy_setopt(h, CURLOPT_PROXY, "");
    set_tls(h, &c->pool->settings);
}

static struct err *pump(struct conn *c)
{
    int running = 0;
    TRY(stop_check());
    if (curl_multi_perform(c->multi, &running) != CURLM_OK)
        return err_new(ERR_INTERNAL, "%s: libcurl cannot go on", c->what);
    int left;
    for (CURLMsg *m = curl_multi_info_read(c->multi, &left); m; m = curl_multi_info_read(c->multi, &left))
        if (m->msg == CURLMSG_DONE) {
            c->ended = true;
            c->code = m->data.result;
        }
    return NULL;
}

static void wait_for_more(struct conn *c)
{
    struct curl_waitfd stop = {.fd = stop_fd(), .events = CURL_WAIT_POLLIN};
    curl_multi_poll(c->multi, &stop, stop.fd >= 0 ? 1 : 0, POLL_MS, NULL);
}

static enum http_fault fault_kind(CURLcode code)
{
    static const enum http_fault table[CURL_LAST] = {
        [CURLE_COULDNT_RESOLVE_HOST] = HTTP_FAULT_RESOLVE,
        [CURLE_COULDNT_RESOLVE_PROXY] = HTTP_FAULT_PROXY,
        [CURLE_COULDNT_CONNECT] = HTTP_FAULT_CONNECT,
        [CURLE_OPERATION_TIMEDOUT] = HTTP_FAULT_TIME,
        [CURLE_SSL_CONNECT_ERROR] = HTTP_FAULT_TLS,
        [CURLE_PEER_FAILED_VERIFICATION] = HTTP_FAULT_TRUST,
        [CURLE_SSL_ISSUER_ERROR] = HTTP_FAULT_TRUST,
        [CURLE_SSL_CACERT_BADFILE] = HTTP_FAULT_AUTHORITIES,
        [CURLE_SSL_CERTPROBLEM] = HTTP_FAULT_CLIENT_CERT,
        [CURLE_GOT_NOTHING] = HTTP_FAULT_NOTHING,
        [CURLE_RECV_ERROR] = HTTP_FAULT_READ,
        [CURLE_SEND_ERROR] = HTTP_FAULT_SEND,
        [CURLE_SEND_FAIL_REWIND] = HTTP_FAULT_SEND,
        [CURLE_PARTIAL_FILE] = HTTP_FAULT_CUT,
        [CURLE_WEIRD_SERVER_REPLY] = HTTP_FAULT_NOT_HTTP,
        [CURLE_UNSUPPORTED_PROTOCOL] = HTTP_FAULT_NOT_HTTP,
        [CURLE_OUT_OF_MEMORY] = HTTP_FAULT_LARGE, /* so it calls a line without end */
    };
    return code < CURL_LAST && table[code] ? table[code] : HTTP_FAULT_OTHER;
}

static struct err *fault_of(struct conn *c, enum http_fault *fault)
{
    if (c->failure) {
        *fault = HTTP_FAULT_BODY;
        return TAKE(c->failure);
    }
    long code = 0;
    curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &code);
    *fault = c->refused ? HTTP_FAULT_REFUSED : fault_kind(c->code);
    return http_fault_error(*fault, c->what, c->reason[0] ? c->reason : curl_easy_strerror(c->code),
                            (int)code);
}

/* More data, the end, or an error; a reader that has taken everything lets a waiting server go on. */
static struct err *body_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct conn *c = (struct conn *)s;
    while (c->at == c->in.len && !c->ended) {
        buf_clear(&c->in);
        c->at = 0;
        if (c->paused) {
            c->paused = false;
            curl_easy_pause(c->easy, CURLPAUSE_CONT);
        }
        TRY(pump(c));
        if (c->in.len == 0 && !c->ended)
            wait_for_more(c);
    }
    *len = c->in.len - c->at;
    *data = *len ? (const uint8_t *)c->in.data + c->at : NULL;
    enum http_fault fault;
    if (*len == 0 && c->code != CURLE_OK)
        return fault_of(c, &fault);
    return NULL;
}

static void body_advance(struct source *s, size_t len)
{
    ((struct conn *)s)->at += len;
}

static void body_free(struct source *s)
{
    conn_give((struct conn *)s);
}

static const struct source_ops body_ops = {.peek = body_peek, .advance = body_advance, .free = body_free};

static struct err *run_to_head(struct conn *c)
{
    for (;;) {
        TRY(pump(c));
        /* A body goes out to its end, or to where curl gives it up because the answer is there already. */
        if (c->ended || c->paused || (c->head_done && !c->body))
            return NULL;
        wait_for_more(c);
    }
}

static struct err *exchange(struct http_reply *out, struct conn *c)
{
    struct err *e = curl_multi_add_handle(c->multi, c->easy) == CURLM_OK
                        ? run_to_head(c)
                        : err_new(ERR_INTERNAL, "%s: libcurl cannot start", c->what);
    out->body_taken = c->taken;
    /* An early answer ends the sending of the body, and counts. */
    if (!e && (!c->head_done || c->failure))
        e = fault_of(c, &out->fault);
    return e;
}

struct err *http_send(struct http_reply *out, struct http_pool *p, const struct http_request *q)
{
    *out = (struct http_reply){0};
    struct conn *c = conn_take(p);
    AUTO(mem_free) char *shown = url_shown(q->url);
    c->what = mem_printf("%s %s", q->method, shown);
    c->in.max = BUF_NO_LIMIT;
    c->body = q->body_size ? q->body : NULL;
    c->left = c->size = q->body_size;
    c->reply = out;
    set_common(c);
    set_request(c, q);
    atomic_fetch_add(&p->settings.counts->requests, 1);
    struct err *e = exchange(out, c);
    c->reply = NULL;
    c->body = NULL;
    if (e) {
        log_debug("%s: %s", c->what, err_message(e));
        strmap_wipe(&out->headers);
        conn_give(c);
        return e;
    }
    const char *ip = NULL;
    curl_easy_getinfo(c->easy, CURLINFO_PRIMARY_IP, &ip);
    out->status = c->status;
    out->private_peer = !str_empty(ip) && !address_text_is_public(ip);
    out->body = &c->source;
    if (c->status >= 400)
        curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, ERROR_S);
    log_debug("%s: HTTP %d", c->what, c->status);
    return NULL;
}

void http_reply_wipe(struct http_reply *r)
{
    strmap_wipe(&r->headers);
    source_free(r->body);
    *r = (struct http_reply){0};
}
