/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "base/clock.h"

/* A repository as a store, with a proxy between us and docker-registry that does one thing wrong. */

#define BIG (3u << 20)

struct bench {
    struct server registry, proxy, other;
    char *log, *other_log;
    struct registry *r;
    struct store *s;
    char *data;
};

static struct server start_proxy(const char *dir, unsigned target, const char *log, const char *const *rules)
{
    AUTO(mem_free) char *to = mem_printf("127.0.0.1:%u", target);
    const char *argv[16] = {"python3", LADE_TEST_DATA "/faultreg/faultreg.py", to, "--log", log};
    for (size_t i = 0; rules[i]; i++)
        argv[5 + i] = rules[i];
    return start_helper(dir, argv);
}

static void begin(struct bench *b, const char *dir, const char *const *rules)
{
    *b = (struct bench){.log = mem_printf("%s/proxy.log", dir), .other_log = mem_printf("%s/other.log", dir)};
    clean_environment(dir);
    b->registry = start_registry(dir, "  relativeurls: true\n", "");
    b->proxy = start_proxy(dir, b->registry.port, b->log, rules);
    check_ok(registry_new(&b->r, &(struct registry_options){.tries = 4, .budget_ms = 30000}));
    b->s = repository(b->r, &b->proxy, "app");
    b->data = mem_alloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        b->data[i] = (char)(i * 2654435761u >> 24);
}

static void end(struct bench *b)
{
    store_free(b->s);
    registry_free(b->r);
    stop_server(&b->proxy);
    stop_server(&b->other);
    stop_server(&b->registry);
    unlink(b->log);
    mem_free(b->log);
    mem_free(b->other_log);
    mem_free(b->data);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

static void push_survives(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *rule;
        const char *line; /* in the log, so often */
        unsigned times;
    } rows[] = {
        {"GET ^/v2/$ 2 status=503 retry=0", "GET /v2/ ", 3},
        {"POST uploads 1 status=500", "POST /v2/app/blobs/uploads/", 3},
        {"POST uploads 1 drop", "POST /v2/app/blobs/uploads/", 3},
        {"PATCH . 1 status=502", "POST /v2/app/blobs/uploads/", 2},
        {"PATCH . 1 early status=503", "POST /v2/app/blobs/uploads/", 2},
        {"PATCH . 1 status=404", "POST /v2/app/blobs/uploads/", 3},
        {"PATCH . 1 lose", "POST /v2/app/blobs/uploads/", 3},
        {"PUT uploads 1 status=500", "POST /v2/app/blobs/uploads/", 2},
        {"PUT uploads 1 lose", "POST /v2/app/blobs/uploads/", 2}, /* done, the answer lost: not sent again */
        {"PUT manifests 1 status=429 retry=1", "PUT /v2/app/manifests/sha256", 2},
        {"PUT manifests 1 lose", "PUT /v2/app/manifests/sha256", 2},
        {"PUT manifests 1 header=Docker-Content-Digest:", "HEAD /v2/app/manifests/", 1},
        {"HEAD . 1 status=500", "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        begin(&b, dir->path, (const char *const[]){rows[i].rule, NULL});
        struct err *e = put_image(b.s, b.data, BIG, &d);
        if (e)
            print_error("rule %s\n", rows[i].rule);
        check_ok(e);
        check_ok(store_tag(b.s, "1", &d));
        AUTO(mem_free) char *log = read_text(b.log);
        if (rows[i].times && count(log, rows[i].line) != rows[i].times)
            fail_msg("rule %s: %u times %s in\n%s", rows[i].rule, count(log, rows[i].line), rows[i].line,
                     log);
        assert_null(strstr(log, "content-range"));
        end(&b);
    }
}

static void push_fails(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *rule;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"POST uploads 99 status=500", ERR_NETWORK, "gave up after 4 tries: POST http://127.0.0.1:"},
        {"PUT manifests 99 status=413", ERR_RESOURCE, "HTTP 413 FAULT: as the script wants"},
        {"PUT manifests 99 status=409", ERR_CONFLICT, "HTTP 409 FAULT"},
        {"PUT manifests 99 status=400", ERR_INPUT, "HTTP 400 FAULT"},
        {"PUT manifests 99 header=Docker-Content-Digest:"
         "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
         ERR_INTEGRITY, "the registry stored sha256:44136fa355b3"},
        {"POST uploads 99 header=Location:", ERR_INPUT, "without Location"},
        {"POST uploads 99 header=Location:file:///etc/passwd", ERR_INPUT, "not a URL of http or https"},
        {"POST uploads 99 status=403", ERR_DENIED, "HTTP 403 DENIED"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        begin(&b, dir->path, (const char *const[]){rows[i].rule, NULL});
        check_error(put_image(b.s, "layer", 5, &d), rows[i].kind, rows[i].part);
        end(&b);
    }
}

static void pull_survives(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *rule, *line;
    } rows[] = {
        {"GET blobs 1 status=500", "GET /v2/app/blobs/"},
        {"GET blobs 1 cut=0", "GET /v2/app/blobs/"},
        {"GET blobs 2 cut=100000", "range=bytes=200000-"},
        {"GET blobs 1 cut=3145727", "range=bytes=3145727-"},
        {"GET blobs 1 drop", "GET /v2/app/blobs/"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
        begin(&b, dir->path, (const char *const[]){rows[i].rule, NULL});
        check_ok(store_write(b.s, MEDIATYPE_OCI_LAYER, b.data, BIG, &d));
        struct err *e = store_read(b.s, &d, &back);
        if (e)
            print_error("rule %s\n", rows[i].rule);
        check_ok(e);
        assert_memory_equal(buf_text(&back), b.data, BIG);
        AUTO(mem_free) char *log = read_text(b.log);
        if (!strstr(log, rows[i].line))
            fail_msg("rule %s: no %s in\n%s", rows[i].rule, rows[i].line, log);
        end(&b);
    }
}

/* The server gives the whole blob again where a part was asked for. */
static void pull_without_ranges(void **state)
{
    struct check_dir *dir = *state;
    struct bench b;
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
    begin(&b, dir->path, (const char *const[]){"GET blobs 1 cut=1000000", "GET blobs 1 without=Range", NULL});
    check_ok(store_write(b.s, MEDIATYPE_OCI_LAYER, b.data, BIG, &d));
    check_ok(store_read(b.s, &d, &back));
    assert_memory_equal(buf_text(&back), b.data, BIG);
    end(&b);
}

static void pull_fails(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *rule;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"GET blobs 99 flip=0", ERR_INTEGRITY, "sha256:"},
        {"GET blobs 99 cut=0", ERR_NETWORK, "gave up after 4 tries"},
        {"GET blobs 99 redirect=307:http://127.0.0.1:1", ERR_NETWORK, "Connection refused"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench b;
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
        begin(&b, dir->path, (const char *const[]){rows[i].rule, NULL});
        check_ok(store_write(b.s, MEDIATYPE_OCI_LAYER, "some layer, long enough", 23, &d));
        check_error(store_read(b.s, &d, &back), rows[i].kind, rows[i].part);
        end(&b);
    }
}

/* Credentials stay with the registry: what it redirects to sees none. */
static void redirects_without_credentials(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    AUTO(mem_free) char *users = mem_printf("%s/htpasswd", dir->path);
    write_text(users, "alice:$2y$04$aGW23MUu9Egcr8F3AEbKGuprY08nrUMhhJ5RUb8uzPcB6tZo6Q9M6\n");
    AUTO(mem_free) char *extra = mem_printf("auth: {htpasswd: {realm: tests, path: %s}}\n", users);
    struct server closed = start_registry(dir->path, "  relativeurls: true\n", extra);
    struct server open = start_registry(dir->path, "  relativeurls: true\n", "");
    AUTO(mem_free) char *log = mem_printf("%s/own.log", dir->path);
    AUTO(mem_free) char *other_log = mem_printf("%s/other.log", dir->path);
    struct server other = start_proxy(dir->path, open.port, other_log, (const char *const[]){NULL});
    AUTO(mem_free) char *rule = mem_printf("* blobs/sha256 99 redirect=307:http://127.0.0.1:%u", other.port);
    struct server own = start_proxy(dir->path, closed.port, log, (const char *const[]){rule, NULL});
    AUTO(registry_free) struct registry *r = NULL;
    check_ok(
        registry_new(&r, &(struct registry_options){.username = "alice", .password = "secret", .tries = 2}));
    AUTO(store_free) struct store *there = repository(r, &open, "app");
    AUTO(store_free) struct store *s = repository(r, &own, "app");
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
    bool yes;
    check_ok(store_write(there, MEDIATYPE_OCI_LAYER, "layer", 5, &d));
    check_ok(store_read(s, &d, &back));
    assert_string_equal(buf_text(&back), "layer");
    check_ok(store_has(s, &d, &yes));
    assert_true(yes);
    AUTO(mem_free) char *seen = read_text(log);
    AUTO(mem_free) char *other_seen = read_text(other_log);
    assert_non_null(strstr(seen, "auth=yes"));
    assert_int_equal(count(other_seen, "auth=no"), 2);
    assert_null(strstr(other_seen, "auth=yes"));
    stop_server(&own);
    stop_server(&other);
    stop_server(&open);
    stop_server(&closed);
}

static void redirects_end(void **state)
{
    struct check_dir *dir = *state;
    struct bench b;
    bool yes;
    AUTO_VALUE(desc_wipe) struct desc d = desc_for(MEDIATYPE_OCI_LAYER, "x", 1);
    /* Relative to itself: for ever. */
    begin(&b, dir->path, (const char *const[]){"HEAD blobs 99 redirect=307:loop", NULL});
    check_error(store_has(b.s, &d, &yes), ERR_INPUT, "more than 5 redirects");
    end(&b);
}

/* A wait that the server asks for counts for everybody, and is kept. */
static void waits_as_asked(void **state)
{
    struct check_dir *dir = *state;
    struct bench b;
    bool yes;
    AUTO_VALUE(desc_wipe) struct desc d = desc_for(MEDIATYPE_OCI_LAYER, "x", 1);
    begin(&b, dir->path, (const char *const[]){"HEAD blobs 1 status=429 retry=2", NULL});
    uint64_t from = clock_ms();
    check_ok(store_has(b.s, &d, &yes));
    assert_true(clock_ms() - from >= 1900);
    end(&b);
    begin(&b, dir->path, (const char *const[]){"HEAD blobs 1 status=429 retry=1000000000", NULL});
    check_error(store_has(b.s, &d, &yes), ERR_NETWORK, "longer than the time allowed");
    end(&b);
}

int main(void)
{
    if (access(DOCKER_REGISTRY, X_OK) != 0) {
        print_error("%s is missing: nothing is tested here\n", DOCKER_REGISTRY);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        check_with_dir(push_survives), check_with_dir(push_fails),
        check_with_dir(pull_survives), check_with_dir(pull_without_ranges),
        check_with_dir(pull_fails),    check_with_dir(redirects_without_credentials),
        check_with_dir(redirects_end), check_with_dir(waits_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
