/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "base/pool.h"
#include "image/copy.h"
#include "image/layout.h"
#include "registry/origin.h"

/* A repository as a store, against the real docker-registry. */

#define BIG (5u << 20)
#define ALICE "alice:$2y$04$aGW23MUu9Egcr8F3AEbKGuprY08nrUMhhJ5RUb8uzPcB6tZo6Q9M6\n" /* secret */

static char *big_data(void)
{
    char *data = mem_alloc(BIG);
    uint32_t x = 1;
    for (size_t i = 0; i < BIG; i++) {
        x = x * 1103515245 + 12345;
        data[i] = (char)(x >> 16);
    }
    return data;
}

static struct registry *registry_with(const struct registry_options *o)
{
    struct registry_options options = *o;
    struct registry *r = NULL;
    options.tries = options.tries ? options.tries : 2;
    options.budget_ms = 20000;
    check_ok(registry_new(&r, &options));
    return r;
}

static void blobs_manifests_tags(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    struct server server = start_registry(dir->path, "", "");
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
    AUTO(store_free) struct store *s = repository(r, &server, "team/app");
    AUTO(mem_free) char *data = big_data();
    AUTO_VALUE(desc_wipe) struct desc manifest = {0};
    AUTO_VALUE(desc_wipe) struct desc found_desc = {0};
    AUTO_VALUE(desc_wipe) struct desc layer = desc_for(MEDIATYPE_OCI_LAYER, data, BIG);
    AUTO_VALUE(desc_wipe) struct desc empty = {0};
    AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
    bool yes;

    check_ok(store_has(s, &layer, &yes));
    assert_false(yes);
    check_ok(store_resolve(s, "1", &found_desc, &yes));
    assert_false(yes);
    check_ok(put_image(s, data, BIG, &manifest));
    check_ok(store_write(s, MEDIATYPE_OCI_LAYER, "", 0, &empty));
    check_ok(store_has(s, &layer, &yes));
    assert_true(yes);
    check_ok(store_has(s, &manifest, &yes));
    assert_true(yes);

    check_ok(store_tag(s, "1", &manifest));
    check_ok(store_resolve(s, "1", &found_desc, &yes));
    assert_true(yes);
    assert_true(digest_equal(&found_desc.digest, &manifest.digest));
    assert_string_equal(found_desc.media_type, MEDIATYPE_OCI_MANIFEST);
    assert_int_equal(found_desc.size, manifest.size);

    check_ok(store_read(s, &layer, &back));
    assert_memory_equal(buf_text(&back), data, BIG);
    buf_clear(&back);
    check_ok(store_read(s, &empty, &back));
    check_ok(store_read(s, &manifest, &back));

    AUTO(source_free) struct source *body = NULL;
    check_ok(store_get(s, &layer, &body));
    char rest[16];
    size_t got;
    check_ok(source_read(body, rest, sizeof rest, &got));
    assert_memory_equal(rest, data, sizeof rest);
    struct registry_counts counts = registry_counts(r);
    assert_true(counts.bytes_up >= BIG && counts.bytes_down >= BIG && counts.retries == 0);

    AUTO(source_free) struct source *none = NULL;
    AUTO_VALUE(desc_wipe) struct desc absent = desc_for(MEDIATYPE_OCI_LAYER, "absent", 6);
    check_error(store_get(s, &absent, &none), ERR_NOT_FOUND, "BLOB_UNKNOWN");
    /* What is sent must be what was promised. */
    AUTO(source_free) struct source *lie = source_mem("other!", 6);
    check_error(store_put(s, &absent, lie), ERR_INTEGRITY, "DIGEST_INVALID");
    stop_server(&server);
}

static void mounts(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    struct server server = start_registry(dir->path, "", "");
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
    AUTO(store_free) struct store *a = repository(r, &server, "a");
    AUTO(store_free) struct store *b = repository(r, &server, "b");
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    AUTO_VALUE(desc_wipe) struct desc absent = desc_for(MEDIATYPE_OCI_LAYER, "absent", 6);
    bool done;
    check_ok(store_write(a, MEDIATYPE_OCI_LAYER, "layer", 5, &blob));
    AUTO(mem_free) char *origin = store_origin(a, &blob);
    check_ok(store_mount(b, &blob, origin, &done));
    assert_true(done);
    check_ok(store_has(b, &blob, &done));
    assert_true(done);
    check_ok(store_mount(b, &blob, "elsewhere.example/a", &done));
    assert_false(done);
    /* The upload that the registry opened instead is used. */
    check_ok(store_mount(b, &absent, origin, &done));
    assert_false(done);
    uint64_t before = registry_counts(r).requests;
    AUTO(source_free) struct source *from = source_mem("absent", 6);
    check_ok(store_put(b, &absent, from));
    assert_int_equal(registry_counts(r).requests - before, 2);
    stop_server(&server);
}

static void tls_with_own_authority(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    make_certificates(dir->path);
    AUTO(mem_free)
    char *http = mem_printf("  tls: {certificate: %s/tls.crt, key: %s/tls.key}\n", dir->path, dir->path);
    struct server server = start_registry(dir->path, http, "");
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found;
    {
        AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        AUTO(err_free) struct err *e = store_resolve(s, "1", &d, &found);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), ERR_DENIED);
        assert_non_null(strstr(err_message(e), "certificate is not trusted"));
        assert_non_null(strstr(err_hint_of(e), "/etc/containers/certs.d/127.0.0.1:"));
        assert_int_equal(registry_counts(r).retries, 0);
    }
    {
        AUTO(mem_free) char *certs = mem_printf("%s/certs", dir->path);
        AUTO(mem_free) char *script = mem_printf("mkdir %s && cp %s/ca.crt %s/", certs, dir->path, certs);
        assert_int_equal(system(script), 0);
        AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){.cert_dir = certs});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        check_ok(put_image(s, "layer", 5, &d));
    }
    {
        AUTO(mem_free)
        char *script = mem_printf("mkdir -p %s/.config/containers/certs.d/127.0.0.1:%u && cp %s/ca.crt "
                                  "%s/.config/containers/certs.d/127.0.0.1:%u/my.crt",
                                  dir->path, server.port, dir->path, dir->path, server.port);
        assert_int_equal(system(script), 0);
        AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        check_ok(store_has(s, &d, &found));
        assert_true(found);
    }
    {
        AUTO(registry_free)
        struct registry *r = registry_with(&(struct registry_options){.insecure_skip_verify = true});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        check_ok(store_has(s, &d, &found));
    }
    {
        AUTO(registry_free)
        struct registry *r = registry_with(&(struct registry_options){.plain_http = true});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        AUTO(err_free) struct err *e = store_has(s, &d, &found);
        assert_int_equal(err_kind_of(e), ERR_USAGE);
        assert_non_null(strstr(err_hint_of(e), "speaks HTTPS"));
        assert_int_equal(registry_counts(r).requests, 1);
    }
    stop_server(&server);
}

static void basic(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    AUTO(mem_free) char *users = mem_printf("%s/htpasswd", dir->path);
    write_text(users, ALICE);
    AUTO(mem_free) char *extra = mem_printf("auth: {htpasswd: {realm: tests, path: %s}}\n", users);
    struct server server = start_registry(dir->path, "", extra);
    AUTO(mem_free) char *host = mem_printf("127.0.0.1:%u", server.port);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    {
        AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        AUTO(err_free) struct err *e = put_image(s, "layer", 5, &d);
        assert_int_equal(err_kind_of(e), ERR_DENIED);
        assert_int_equal(err_exit_code(e), 5);
        assert_non_null(strstr(err_hint_of(e), "lade login 127.0.0.1"));
    }
    {
        AUTO(registry_free)
        struct registry *r =
            registry_with(&(struct registry_options){.username = "alice", .password = "wrong-word"});
        AUTO(err_free) struct err *e = registry_check_login(r, host);
        assert_int_equal(err_kind_of(e), ERR_DENIED);
        assert_non_null(strstr(err_hint_of(e), "the command line"));
        assert_null(strstr(err_message(e), "wrong-word"));
    }
    {
        AUTO(registry_free)
        struct registry *r =
            registry_with(&(struct registry_options){.username = "alice", .password = "secret"});
        AUTO(store_free) struct store *s = repository(r, &server, "app");
        check_ok(registry_check_login(r, host));
        check_ok(put_image(s, "layer", 5, &d));
    }
    stop_server(&server);
}

static struct server start_tokens(const char *dir, const char *const *more)
{
    const char *argv[16] = {"python3", LADE_TEST_DATA "/support/tokend.py", "serve", dir};
    for (size_t i = 0; more[i]; i++)
        argv[4 + i] = more[i];
    return start_helper(dir, argv);
}

static struct server start_registry_with_tokens(const char *dir, const struct server *tokens)
{
    AUTO(mem_free)
    char *extra =
        mem_printf("auth: {token: {realm: \"http://127.0.0.1:%u/token\", service: registry, issuer: tests, "
                   "rootcertbundle: %s/token.crt}}\n",
                   tokens->port, dir);
    return start_registry(dir, "", extra);
}

static void make_token_keys(const char *dir)
{
    AUTO(mem_free) char *script = mem_printf("python3 %s/support/tokend.py keys %s", LADE_TEST_DATA, dir);
    assert_int_equal(system(script), 0);
}

static void bearer(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    make_token_keys(dir->path);
    AUTO(mem_free) char *log = mem_printf("%s/tokens.log", dir->path);
    /* The first answer is 429, and the tokens last three seconds. */
    struct server tokens = start_tokens(dir->path, (const char *const[]){"--log", log, "--fail", "1", "--ttl",
                                                                         "-57", "--say-ttl", "300", NULL});
    struct server server = start_registry_with_tokens(dir->path, &tokens);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(desc_wipe) struct desc again = {0};
    bool found;
    {
        AUTO(registry_free)
        struct registry *r =
            registry_with(&(struct registry_options){.username = "alice", .password = "secret"});
        AUTO(store_free) struct store *s = repository(r, &server, "public/app");
        check_ok(put_image(s, "layer", 5, &d));
        check_ok(store_tag(s, "1", &d));
        AUTO(mem_free) char *said = read_text(log);
        assert_non_null(
            strstr(said, "GET scope=repository:public/app:pull,push account=alice auth=basic 200"));
        assert_non_null(strstr(said, " 429"));
        /* A token that ended before it should have: a new one, once. */
        sleep(5);
        check_ok(put_image(s, "second", 6, &d));
        AUTO(store_free) struct store *b = repository(r, &server, "b");
        AUTO_VALUE(desc_wipe) struct desc layer = desc_for(MEDIATYPE_OCI_LAYER, "second", 6);
        check_ok(store_mount(b, &layer, store_name(s), &found));
        assert_true(found);
    }
    {
        AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
        AUTO(store_free) struct store *s = repository(r, &server, "public/app");
        check_ok(store_resolve(s, "1", &again, &found));
        assert_true(found);
        AUTO(err_free) struct err *e = put_image(s, "third", 5, &again);
        assert_int_equal(err_kind_of(e), ERR_DENIED);
        assert_non_null(strstr(err_hint_of(e), "lade login"));
    }
    {
        AUTO(registry_free)
        struct registry *r =
            registry_with(&(struct registry_options){.username = "alice", .password = "wrong-word"});
        AUTO(store_free) struct store *s = repository(r, &server, "public/app");
        AUTO(err_free) struct err *e = store_resolve(s, "1", &again, &found);
        assert_int_equal(err_kind_of(e), ERR_DENIED);
        assert_non_null(strstr(err_message(e), "UNAUTHORIZED"));
        assert_null(strstr(err_message(e), "wrong-word"));
    }
    stop_server(&server);
    stop_server(&tokens);
}

struct crowd {
    struct store *s;
    struct desc desc[16];
};

static struct err *put_one(void *ctx, size_t i)
{
    struct crowd *c = ctx;
    AUTO(mem_free) char *data = mem_zero(1, 100000 + i);
    TRY(store_write(c->s, MEDIATYPE_OCI_LAYER, data, 100000 + i, &c->desc[i]));
    AUTO_VALUE(buf_wipe) struct buf back = BUF(200000);
    return store_read(c->s, &c->desc[i], &back);
}

/* Many threads: one first contact, one token. */
static void in_parallel(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    make_token_keys(dir->path);
    AUTO(mem_free) char *log = mem_printf("%s/tokens.log", dir->path);
    struct server tokens = start_tokens(dir->path, (const char *const[]){"--log", log, NULL});
    struct server server = start_registry_with_tokens(dir->path, &tokens);
    AUTO(registry_free)
    struct registry *r = registry_with(&(struct registry_options){.username = "alice", .password = "secret"});
    AUTO(store_free) struct store *s = repository(r, &server, "app");
    struct crowd c = {.s = s};
    check_ok(pool_each(8, ARRAY_LEN(c.desc), put_one, &c));
    for (size_t i = 0; i < ARRAY_LEN(c.desc); i++)
        desc_wipe(&c.desc[i]);
    AUTO(mem_free) char *said = read_text(log);
    assert_string_equal(said, "GET scope=repository:app:pull,push account=alice auth=basic 200\n");
    /* /v2/, the token, and for each blob POST, PATCH, PUT, GET. */
    assert_int_equal(registry_counts(r).requests, 2 + 4 * ARRAY_LEN(c.desc));
    stop_server(&server);
    stop_server(&tokens);
}

/* What is read from one registry goes to another as it comes. */
static void between_registries(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    struct server one = start_registry(dir->path, "", "");
    struct server two = start_registry(dir->path, "", "");
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
    AUTO(store_free) struct store *from = repository(r, &one, "app");
    AUTO(store_free) struct store *to = repository(r, &two, "other/app");
    AUTO(mem_free) char *data = big_data();
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO_VALUE(desc_wipe) struct desc layer = desc_for(MEDIATYPE_OCI_LAYER, data, BIG);
    AUTO_VALUE(buf_wipe) struct buf back = BUF(BIG);
    struct copy_report report = {0};
    check_ok(put_image(from, data, BIG, &root));
    check_ok(copy_graph(to, from, &root, &(struct copy_options){.verb = "copy"}, &report));
    assert_int_equal(report.blobs_sent, 2);
    check_ok(store_read(to, &layer, &back));
    assert_memory_equal(buf_text(&back), data, BIG);
    report = (struct copy_report){0};
    check_ok(copy_graph(to, from, &root, &(struct copy_options){.verb = "copy"}, &report));
    assert_int_equal(report.blobs_sent, 0);
    stop_server(&one);
    stop_server(&two);
}

/* A layout that left a blob where it was. */
static void from_their_origin(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    struct server server = start_registry(dir->path, "", "");
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
    AUTO(store_free) struct store *there = repository(r, &server, "base");
    AUTO(mem_free) char *path = mem_printf("%s/layout", dir->path);
    AUTO(store_free) struct store *layout = NULL;
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    AUTO_VALUE(desc_wipe) struct desc gone = desc_for(MEDIATYPE_OCI_LAYER, "gone", 4);
    AUTO_VALUE(buf_wipe) struct buf back = BUF(100);
    bool here;
    check_ok(store_write(there, MEDIATYPE_OCI_LAYER, "layer", 5, &blob));
    check_ok(layout_open(&layout, path, LAYOUT_WRITE));
    check_ok(layout_set_origin(layout, &blob, store_name(there)));
    check_ok(layout_set_origin(layout, &gone, store_name(there)));
    AUTO(store_free) struct store *passing = origin_store(layout, r, false);
    AUTO(store_free) struct store *keeping = origin_store(layout, r, true);
    check_ok(store_read(passing, &blob, &back));
    assert_string_equal(buf_text(&back), "layer");
    check_ok(store_has(passing, &blob, &here));
    assert_false(here);
    check_error(store_read(passing, &gone, &back), ERR_NOT_FOUND, "was left at 127.0.0.1:");
    buf_clear(&back);
    check_ok(store_read(keeping, &blob, &back));
    assert_string_equal(buf_text(&back), "layer");
    check_ok(store_has(layout, &blob, &here));
    assert_true(here);
    stop_server(&server);
}

static void refresh_tokens(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    make_token_keys(dir->path);
    AUTO(mem_free) char *log = mem_printf("%s/tokens.log", dir->path);
    struct server tokens =
        start_tokens(dir->path, (const char *const[]){"--log", log, "--refresh", "long-lived", "--field",
                                                      "access_token", NULL});
    struct server server = start_registry_with_tokens(dir->path, &tokens);
    AUTO(mem_free) char *authfile = mem_printf("%s/auth.json", dir->path);
    AUTO(mem_free)
    char *text = mem_printf("{\"auths\":{\"127.0.0.1:%u\":{\"identitytoken\":\"long-lived\"}}}", server.port);
    write_text(authfile, text);
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){.authfile = authfile});
    AUTO(store_free) struct store *s = repository(r, &server, "app");
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    check_ok(put_image(s, "layer", 5, &d));
    AUTO(mem_free) char *said = read_text(log);
    assert_string_equal(said, "POST scope=repository:app:pull,push account= auth=refresh 200\n");
    stop_server(&server);
    stop_server(&tokens);
}

/* A registry that names a token server of somebody else's gets no password sent there. */
static void keeps_passwords_from_strangers(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    make_token_keys(dir->path);
    AUTO(mem_free)
    char *extra = mem_printf(
        "auth: {token: {realm: \"http://stranger.invalid/token\", service: registry, issuer: tests, "
        "rootcertbundle: %s/token.crt}}\n",
        dir->path);
    struct server server = start_registry(dir->path, "", extra);
    AUTO(registry_free)
    struct registry *r = registry_with(&(struct registry_options){.username = "alice", .password = "secret"});
    AUTO(store_free) struct store *s = repository(r, &server, "app");
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found;
    check_error(store_resolve(s, "1", &d, &found), ERR_DENIED,
                "asks to send its credentials to http://stranger.invalid/token: refused");
    stop_server(&server);
}

static void nobody_there(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    struct server none = {.port = free_port()};
    AUTO(registry_free) struct registry *r = registry_with(&(struct registry_options){0});
    AUTO(store_free) struct store *s = repository(r, &none, "app");
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found;
    AUTO(err_free) struct err *e = store_resolve(s, "1", &d, &found);
    assert_int_equal(err_kind_of(e), ERR_NETWORK);
    assert_non_null(strstr(err_message(e), "gave up after 2 tries: GET http://127.0.0.1:"));
    assert_non_null(strstr(err_message(e), "Connection refused"));
    assert_int_equal(registry_counts(r).retries, 1);
}

int main(void)
{
    if (access(DOCKER_REGISTRY, X_OK) != 0) {
        print_error("%s is missing: nothing is tested here\n", DOCKER_REGISTRY);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        check_with_dir(blobs_manifests_tags),
        check_with_dir(mounts),
        check_with_dir(tls_with_own_authority),
        check_with_dir(basic),
        check_with_dir(bearer),
        check_with_dir(refresh_tokens),
        check_with_dir(nobody_there),
        check_with_dir(in_parallel),
        check_with_dir(keeps_passwords_from_strangers),
        check_with_dir(between_registries),
        check_with_dir(from_their_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
