/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "registry/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One request to a server that is a child process and does as it is told, byte by byte. */

#define BIG (8u << 20)

typedef void act(int fd);

struct peer {
    pid_t pid;
    struct url url;
};

static struct peer begin_peer(act *what)
{
    struct peer p = {0};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    assert_int_equal(listen(fd, 4), 0);
    p.pid = fork();
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int one = accept(fd, NULL, NULL);
            what(one);
            close(one);
        }
    }
    close(fd);
    AUTO(mem_free) char *text = mem_printf("http://127.0.0.1:%u/", ntohs(a.sin_port));
    check_ok(url_parse(&p.url, text));
    return p;
}

static void end_peer(struct peer *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    url_wipe(&p->url);
}

static void say(int fd, const char *text)
{
    ssize_t done = write(fd, text, strlen(text));
    (void)done;
}

/* To the end of the head. */
static void read_head(int fd, char head[4096])
{
    size_t len = 0;
    while (len < 4095 && read(fd, head + len, 1) == 1) {
        head[++len] = '\0';
        if (str_ends(head, "\r\n\r\n"))
            return;
    }
}

static void read_body(int fd, size_t left)
{
    static char piece[65536];
    while (left > 0) {
        ssize_t got = read(fd, piece, left < sizeof piece ? left : sizeof piece);
        if (got <= 0)
            return;
        left -= (size_t)got;
    }
}

#define CREATED "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"

static void ignores_expect(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    read_body(fd, BIG);
    say(fd, CREATED);
}

static void refuses_expect(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    if (strcasestr(head, "Expect:")) {
        say(fd, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
        read_head(fd, head);
    }
    read_body(fd, BIG);
    say(fd, CREATED);
}

static void knows_expect(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    if (strcasestr(head, "Expect:"))
        say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    read_body(fd, BIG);
    say(fd, CREATED);
}

static void stops_reading(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    read_body(fd, 1000);
    sleep(60);
}

static void never_answers(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    read_body(fd, BIG);
    sleep(60);
}

/* What arrives unread makes the kernel reset the connection. */
static void refuses_early(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    say(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
    usleep(200000);
}

static void lies_of_an_error(int fd)
{
    char head[4096] = "";
    read_head(fd, head);
    say(fd, "HTTP/1.1 416 Range\r\nContent-Length: 500\r\n\r\nno such range");
    sleep(60);
}

static void has_no_end(int fd)
{
    char head[4096] = "";
    AUTO(mem_free) char *line = mem_alloc((2u << 20) + 1);
    read_head(fd, head);
    memset(line, 'x', 2u << 20);
    line[2u << 20] = '\0';
    say(fd, "HTTP/1.1 200 OK\r\nX-Long: ");
    say(fd, line);
}

static void encodes(int fd)
{
    static const char gz[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6"
                             "\x10\x36\x05\x00\x00\x00";
    char head[4096] = "";
    read_head(fd, head);
    say(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
    ssize_t done = write(fd, gz, 25);
    (void)done;
}

struct exchange {
    struct http_counts counts;
    struct tls tls;
    struct http_pool *pool;
    struct http_reply reply;
    uint64_t took_ms;
};

static struct err *put_big(struct exchange *x, const struct peer *p, bool no_expect)
{
    AUTO(source_free) struct source *body = source_mem_take(mem_zero(1, BIG), BIG);
    struct http_request q = {.method = "PUT",
                             .url = &p->url,
                             .body = body,
                             .body_size = BIG,
                             .sends = true,
                             .no_expect = no_expect};
    uint64_t from = clock_ms();
    struct err *e = http_send(&x->reply, x->pool, &q);
    x->took_ms = clock_ms() - from;
    return e;
}

static void begin(struct exchange *x)
{
    *x = (struct exchange){0};
    x->pool = http_pool_new(&(struct http_settings){
        .tls = &x->tls, .direct = true, .stall_s = 2, .answer_s = 4, .counts = &x->counts});
}

static void end(struct exchange *x)
{
    http_reply_wipe(&x->reply);
    http_pool_free(x->pool);
}

static void expectations(void **state)
{
    (void)state;
    static const struct {
        act *act;
        bool no_expect, refused, ignored;
        unsigned least_ms;
    } rows[] = {
        {ignores_expect, false, false, true, 900}, {ignores_expect, true, false, false, 0},
        {refuses_expect, false, true, false, 0},   {refuses_expect, true, false, false, 0},
        {knows_expect, false, false, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct exchange x;
        struct peer p = begin_peer(rows[i].act);
        begin(&x);
        check_ok(put_big(&x, &p, rows[i].no_expect));
        assert_int_equal(x.reply.status, 201);
        assert_int_equal(x.reply.expect_refused, rows[i].refused);
        assert_int_equal(x.reply.expect_ignored, rows[i].ignored);
        assert_true(x.took_ms >= rows[i].least_ms);
        end(&x);
        end_peer(&p);
    }
}

/* Not for ever: neither while it is sent, nor for the answer, which has more time. */
static void patience(void **state)
{
    (void)state;
    struct exchange x;
    struct peer p = begin_peer(stops_reading);
    begin(&x);
    check_error(put_big(&x, &p, true), ERR_NETWORK, "timed out");
    assert_true(x.took_ms < 20000);
    end(&x);
    end_peer(&p);
    p = begin_peer(never_answers);
    begin(&x);
    check_error(put_big(&x, &p, true), ERR_NETWORK, "timed out");
    assert_true(x.took_ms >= 3000 && x.took_ms < 20000);
    end(&x);
    end_peer(&p);
}

/* An answer that comes before all is sent is read, although the sending fails then. */
static void early_answers(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct exchange x;
        struct peer p = begin_peer(refuses_early);
        begin(&x);
        check_ok(put_big(&x, &p, i == 0));
        assert_int_equal(x.reply.status, 413);
        end(&x);
        end_peer(&p);
    }
}

static struct err *get(struct exchange *x, const struct peer *p, bool decode, struct buf *body)
{
    struct http_request q = {.method = "GET", .url = &p->url, .decode = decode};
    TRY(http_send(&x->reply, x->pool, &q));
    return source_read_all(x->reply.body, body, "body");
}

static void odd_answers(void **state)
{
    (void)state;
    struct exchange x;
    AUTO_VALUE(buf_wipe) struct buf body = BUF(4096);
    uint64_t from = clock_ms();
    struct peer p = begin_peer(lies_of_an_error);
    begin(&x);
    check_error(get(&x, &p, false, &body), ERR_NETWORK, "timed out");
    assert_int_equal(x.reply.status, 416);
    assert_true(clock_ms() - from < 20000);
    end(&x);
    end_peer(&p);
    p = begin_peer(has_no_end);
    begin(&x);
    check_error(get(&x, &p, false, &body), ERR_RESOURCE, "headers");
    end(&x);
    end_peer(&p);
}

static void encodings(void **state)
{
    (void)state;
    for (int decode = 0; decode < 2; decode++) {
        struct exchange x;
        AUTO_VALUE(buf_wipe) struct buf body = BUF(4096);
        struct peer p = begin_peer(encodes);
        begin(&x);
        check_ok(get(&x, &p, decode, &body));
        assert_int_equal(body.len, decode ? 5 : 25);
        if (decode)
            assert_string_equal(buf_text(&body), "hello");
        end(&x);
        end_peer(&p);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    struct err *e = http_start();
    if (e)
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(expectations), cmocka_unit_test(patience),
                                       cmocka_unit_test(early_answers), cmocka_unit_test(odd_answers),
                                       cmocka_unit_test(encodings)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_end();
    return failed;
}
