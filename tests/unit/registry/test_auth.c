/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "registry/auth_scope.h"

/* What lade does with challenges, tokens and refusals, request by request, against a server that writes them
 * down. Many cases have the names of tests of other clients: go-containerregistry (bearer_test), containerd
 * (pusher_test, resolver_test), regclient (reghttp, auth_test). */

#define RULES_MAX 10
#define BEARER "challenge=Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"s\""
#define ASKED "&scope=repository%3Aapp%3Apull&service=s"

struct row {
    const char *name;
    const char *rules[RULES_MAX];
    const char *creds; /* the entry of the host in "auths"; NULL: none */
    unsigned times;    /* the manifest is asked for so often; 0: once */
    enum err_kind kind;
    const char *part; /* of the error; NULL: success */
    const char *hint; /* of its hint, or NULL */
    const char *log;  /* all requests after the first contact */
};

/* dTpw: u:p */
static const struct row rows[] = {
    {"nothing is asked", {"open-ping"}, NULL, 1, 0, NULL, NULL, "HEAD /v2/app/manifests/1 nobody\n"},
    {"Basic",
     {"accept=Basic dTpw", "challenge=Basic realm=\"x\""},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "HEAD /v2/app/manifests/1 Basic u:p\n"},
    {"Negotiate comes first, and a comma in a value",
     {"accept=Basic dTpw", "challenge=Negotiate, Basic realm=\"a, b\\\"c\", Digest realm=\"x\""},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "HEAD /v2/app/manifests/1 Basic u:p\n"},
    {"Basic refused is not sent again",
     {"accept=Basic eDp5", "challenge=Basic realm=\"x\""},
     "\"auth\":\"dTpw\"",
     1,
     ERR_DENIED,
     "HTTP 401",
     "are refused, or do not give this right",
     "HEAD /v2/app/manifests/1 Basic u:p\n"},
    {"Basic without credentials",
     {"accept=Basic eDp5", "challenge=Basic realm=\"x\""},
     NULL,
     1,
     ERR_DENIED,
     "HTTP 401",
     "no credentials found for 127.0.0.1:",
     "HEAD /v2/app/manifests/1 nobody\n"},
    {"BearerRefresh: token",
     {"accept=Bearer t1", BEARER, "get=200 {\"token\":\"t1\"}"},
     "\"auth\":\"dTpw\"",
     2,
     0,
     NULL,
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\n"
     "HEAD /v2/app/manifests/1 Bearer t1\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"BearerRefresh: access_token, and nobody asks",
     {"accept=Bearer t1", BEARER, "get=200 {\"access_token\":\"t1\"}"},
     NULL,
     1,
     0,
     NULL,
     NULL,
     "GET /token?client_id=lade" ASKED " nobody\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"BearerRefresh: tolkien",
     {"accept=Bearer t1", BEARER, "get=200 {\"tolkien\":\"t1\"}"},
     NULL,
     1,
     ERR_INPUT,
     "holds no token",
     NULL,
     "GET /token?client_id=lade" ASKED " nobody\n"},
    {"TokenRefresh: it ends in the middle",
     {"once=Bearer t1", "accept=Bearer t2", BEARER ",error=\"invalid_token\"", "get=200 {\"token\":\"t1\"}",
      "get=200 {\"token\":\"t2\"}"},
     "\"auth\":\"dTpw\"",
     2,
     0,
     NULL,
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\nHEAD /v2/app/manifests/1 Bearer t1\n"
     "HEAD /v2/app/manifests/1 Bearer t1\nGET /token?account=u&client_id=lade" ASKED " Basic u:p\n"
     "HEAD /v2/app/manifests/1 Bearer t2\n"},
    {"InvalidAuthorization: two in a row end it",
     {"accept=Bearer t9", BEARER ",error=\"invalid_token\"", "get=200 {\"token\":\"t1\"}",
      "get=200 {\"token\":\"t2\"}"},
     "\"auth\":\"dTpw\"",
     1,
     ERR_DENIED,
     "HTTP 401",
     "does not exist",
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\nHEAD /v2/app/manifests/1 Bearer t1\n"
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\nHEAD /v2/app/manifests/1 Bearer t2\n"},
    {"InsufficientScope: the scope that is asked for, and at once the next time",
     {"accept=Bearer t2", BEARER ",scope=\"aws\",error=\"insufficient_scope\"", "get=200 {\"token\":\"t1\"}",
      "get=200 {\"token\":\"t2\"}"},
     NULL,
     2,
     0,
     NULL,
     NULL,
     "GET /token?client_id=lade" ASKED " nobody\nHEAD /v2/app/manifests/1 Bearer t1\n"
     "GET /token?client_id=lade&scope=aws&service=s nobody\nHEAD /v2/app/manifests/1 Bearer t2\n"
     "HEAD /v2/app/manifests/1 Bearer t2\n"},
    {"the ping is open, the repository is not",
     {"open-ping", "accept=Bearer t1", BEARER ",scope=\"repository:app:pull\"", "get=200 {\"token\":\"t1\"}"},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "HEAD /v2/app/manifests/1 nobody\nGET /token?account=u&client_id=lade" ASKED " Basic u:p\n"
     "HEAD /v2/app/manifests/1 Bearer t1\n"},
    {"gcr.io: 401 without a challenge, but for the ping",
     {"once=Bearer t1", "accept=Bearer t2", "ping=Bearer realm=\"/token\",service=\"s\"",
      "get=200 {\"token\":\"t1\"}", "get=200 {\"token\":\"t2\"}"},
     NULL,
     2,
     0,
     NULL,
     NULL,
     "GET /token?client_id=lade" ASKED " nobody\nHEAD /v2/app/manifests/1 Bearer t1\n"
     "HEAD /v2/app/manifests/1 Bearer t1\nGET /token?client_id=lade" ASKED " nobody\n"
     "HEAD /v2/app/manifests/1 Bearer t2\n"},
    {"the realm is relative and has a query",
     {"accept=Bearer t1", "challenge=Bearer realm=\"/token?a=b%20c\",service=\"s\"",
      "get=200 {\"token\":\"t1\"}"},
     NULL,
     1,
     0,
     NULL,
     NULL,
     "GET /token?a=b%20c&client_id=lade" ASKED " nobody\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"two headers, bearer is better",
     {"accept=Bearer t1", "challenge=Basic realm=\"x\"", BEARER, "get=200 {\"token\":\"t1\"}"},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"OauthRefresh: and the identity token that came with it is the next one",
     {"once=Bearer t1", "accept=Bearer t2", BEARER,
      "post=200 {\"access_token\":\"t1\",\"refresh_token\":\"r2\"}", "post=200 {\"access_token\":\"t2\"}"},
     "\"identitytoken\":\"r1\"",
     2,
     0,
     NULL,
     NULL,
     "POST /token nobody grant_type=refresh_token&service=s&client_id=lade&scope=repository%3Aapp%3Apull&"
     "refresh_token=r1\nHEAD /v2/app/manifests/1 Bearer t1\nHEAD /v2/app/manifests/1 Bearer t1\n"
     "POST /token nobody grant_type=refresh_token&service=s&client_id=lade&scope=repository%3Aapp%3Apull&"
     "refresh_token=r2\nHEAD /v2/app/manifests/1 Bearer t2\n"},
    {"Oauth404Fallback",
     {"accept=Bearer t1", BEARER, "post=404 no", "get=200 {\"access_token\":\"t1\"}"},
     "\"auth\":\"dTpw\",\"identitytoken\":\"r\"",
     1,
     0,
     NULL,
     NULL,
     "POST /token nobody grant_type=refresh_token&service=s&client_id=lade&scope=repository%3Aapp%3Apull&"
     "refresh_token=r\nGET /token?account=u&client_id=lade" ASKED " Basic u:p\n"
     "HEAD /v2/app/manifests/1 Bearer t1\n"},
    {"PostBasicAuth: a server without GET",
     {"accept=Bearer t1", BEARER, "get=405 no", "post=200 {\"access_token\":\"t1\"}"},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\n"
     "POST /token nobody grant_type=password&service=s&client_id=lade&scope=repository%3Aapp%3Apull&"
     "username=u&password=p\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"BadTokenResolver: wrong password",
     {"accept=Bearer t1", BEARER, "get=401 {\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"wrong\"}]}"},
     "\"auth\":\"dTpw\"",
     1,
     ERR_DENIED,
     "HTTP 401 UNAUTHORIZED: wrong",
     "config.json",
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\n"},
    {"a token server that is busy",
     {"accept=Bearer t1", BEARER, "get=503 no", "get=429 no", "get=200 {\"token\":\"t1\"}"},
     NULL,
     1,
     0,
     NULL,
     NULL,
     "GET /token?client_id=lade" ASKED " nobody\nGET /token?client_id=lade" ASKED " nobody\n"
     "GET /token?client_id=lade" ASKED " nobody\nHEAD /v2/app/manifests/1 Bearer t1\n"},
    {"a token server that leads on to itself",
     {"accept=Bearer t1", BEARER, "get=307 /token2?x=y", "get=200 {\"token\":\"t1\"}"},
     "\"auth\":\"dTpw\"",
     1,
     0,
     NULL,
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\nGET /token2?x=y Basic u:p\n"
     "HEAD /v2/app/manifests/1 Bearer t1\n"},
    {"TokenServerRedirectSSRF",
     {"accept=Bearer t1", BEARER, "get=307 http://169.254.169.254/latest/meta-data"},
     "\"auth\":\"dTpw\"",
     1,
     ERR_DENIED,
     "leads elsewhere",
     NULL,
     "GET /token?account=u&client_id=lade" ASKED " Basic u:p\n"},
    {"a realm of the inner network",
     {"accept=Bearer t1", "challenge=Bearer realm=\"http://169.254.169.254/token\",service=\"s\""},
     NULL,
     1,
     ERR_DENIED,
     "asks to send a request to http://169.254.169.254/token: refused",
     "LADE_TOKEN_SERVERS=169.254.169.254",
     ""},
    {"credentials for another site",
     {"accept=Bearer t1", "challenge=Bearer realm=\"https://tokens.example/token\",service=\"s\""},
     "\"auth\":\"dTpw\"",
     1,
     ERR_DENIED,
     "asks to send its credentials to https://tokens.example/token: refused",
     "LADE_TOKEN_SERVERS",
     ""},
    {"a realm that is no URL",
     {"accept=Bearer t1", "challenge=Bearer realm=\"file:///etc/passwd\",service=\"s\""},
     NULL,
     1,
     ERR_DENIED,
     "names a token server that cannot be used",
     NULL,
     ""},
    {"a registry token is sent as it is",
     {"accept=Bearer rt", BEARER},
     "\"registrytoken\":\"rt\"",
     1,
     0,
     NULL,
     NULL,
     "HEAD /v2/app/manifests/1 Bearer rt\n"},
};

struct bench {
    struct server server;
    char *log;
    struct registry *r;
    struct store *s;
};

static void begin(struct bench *b, const char *dir, const char *const *rules, const char *creds)
{
    const char *argv[RULES_MAX + 5] = {"python3", LADE_TEST_DATA "/support/authd.py", "--log"};
    *b = (struct bench){.log = mem_printf("%s/auth-%p.log", dir, (void *)b)};
    unlink(b->log);
    argv[3] = b->log;
    for (size_t i = 0; i < RULES_MAX && rules[i]; i++)
        argv[4 + i] = rules[i];
    clean_environment(dir);
    b->server = start_helper(dir, argv);
    AUTO(mem_free) char *docker = mem_printf("%s/.docker", dir);
    AUTO(mem_free) char *config = mem_printf("%s/config.json", docker);
    AUTO(mem_free)
    char *text =
        creds ? mem_printf("{\"auths\":{\"127.0.0.1:%u\":{%s}}}", b->server.port, creds) : mem_strdup("{}");
    check_ok(fs_mkdir_all(AT_FDCWD, docker));
    write_text(config, text);
    check_ok(registry_new(&b->r, &(struct registry_options){.tries = 4, .budget_ms = 30000}));
}

static void end(struct bench *b)
{
    store_free(b->s);
    registry_free(b->r);
    stop_server(&b->server);
    mem_free(b->log);
}

static struct err *resolve(struct bench *b)
{
    AUTO_VALUE(desc_wipe) struct desc found = {0};
    struct ref ref = {.registry = mem_printf("127.0.0.1:%u", b->server.port),
                      .repository = mem_strdup("app"),
                      .tag = mem_strdup("1")};
    struct err *e = registry_resolve(b->r, &ref, &found);
    ref_wipe(&ref);
    return e;
}

/* Without the ports, and without the first contact. */
static char *read_log(const struct bench *b)
{
    AUTO(mem_free) char *text = read_text(b->log);
    const char *first = "GET /v2/ nobody\n";
    return mem_strdup(str_starts(text, first) ? text + strlen(first) : text);
}

static void check_row(const struct row *row, const char *dir)
{
    struct bench b;
    struct err *e = NULL;
    begin(&b, dir, row->rules, row->creds);
    for (unsigned i = 0; !e && i < row->times; i++)
        e = resolve(&b);
    AUTO(mem_free) char *log = read_log(&b);
    if (!row->part && e)
        fail_msg("%s: %s\n%s", row->name, err_message(e), log);
    if (row->part && (!e || err_kind_of(e) != row->kind || !strstr(err_message(e), row->part)))
        fail_msg("%s: %s instead of %s", row->name, e ? err_message(e) : "success", row->part);
    if (row->hint && (!err_hint_of(e) || !strstr(err_hint_of(e), row->hint)))
        fail_msg("%s: hint %s", row->name, err_hint_of(e) ? err_hint_of(e) : "none");
    if (strcmp(log, row->log) != 0)
        fail_msg("%s:\n%s\ninstead of\n%s", row->name, log, row->log);
    err_free(e);
    end(&b);
}

static void answers_challenges(void **state)
{
    struct check_dir *dir = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_row(&rows[i], dir->path);
}

/* A helper whose secret is another one each time: "p1", "p2", … */
static void add_helper(const char *dir, char **old_path)
{
    AUTO(mem_free) char *bin = mem_printf("%s/bin", dir);
    AUTO(mem_free) char *program = mem_printf("%s/docker-credential-turns", bin);
    AUTO(mem_free)
    char *script = mem_printf("#!/bin/sh\ncd %s\necho x >>turns\necho "
                              "\"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"p$(wc -l <turns)\\\"}\"\n",
                              dir);
    *old_path = mem_strdup(getenv("PATH"));
    AUTO(mem_free) char *path = mem_printf("%s:%s", bin, *old_path);
    check_ok(fs_mkdir_all(AT_FDCWD, bin));
    write_text(program, script);
    assert_int_equal(chmod(program, 0755), 0);
    setenv("PATH", path, 1);
}

/* The same file as something else than auths. */
static void write_config(const char *dir, const char *name, const char *text)
{
    AUTO(mem_free) char *path = mem_printf("%s/.docker/%s", dir, name);
    write_text(path, text);
}

static void check_log(const struct bench *b, const char *want)
{
    AUTO(mem_free) char *log = read_log(b);
    assert_string_equal(log, want);
}

/* u:p2 is dTpwMg== */
static void asks_helpers_again(void **state)
{
    struct check_dir *dir = *state;
    struct bench b;
    char *old_path;
    add_helper(dir->path, &old_path);
    const char *const basic[] = {"accept=Basic dTpwMg==", "challenge=Basic realm=\"x\"", NULL};
    begin(&b, dir->path, basic, NULL);
    write_config(dir->path, "config.json", "{\"credsStore\":\"turns\"}");
    check_ok(resolve(&b));
    check_ok(resolve(&b));
    check_log(&b, "HEAD /v2/app/manifests/1 Basic u:p1\nHEAD /v2/app/manifests/1 Basic u:p2\n"
                  "HEAD /v2/app/manifests/1 Basic u:p2\n");
    end(&b);

    const char *const bearer[] = {"accept=Bearer t", BEARER, "get=401 no", "get=200 {\"token\":\"t\"}", NULL};
    begin(&b, dir->path, bearer, NULL);
    write_config(dir->path, "config.json", "{\"credsStore\":\"turns\"}");
    check_ok(resolve(&b));
    check_log(&b,
              "GET /token?account=u&client_id=lade" ASKED " Basic u:p3\n"
              "GET /token?account=u&client_id=lade" ASKED " Basic u:p4\nHEAD /v2/app/manifests/1 Bearer t\n");
    end(&b);

    /* And not for ever. */
    const char *const never[] = {"accept=Bearer t", BEARER, "get=401 no", NULL};
    begin(&b, dir->path, never, NULL);
    write_config(dir->path, "config.json", "{\"credsStore\":\"turns\"}");
    check_error(resolve(&b), ERR_DENIED, "HTTP 401");
    check_log(&b, "GET /token?account=u&client_id=lade" ASKED " Basic u:p5\n"
                  "GET /token?account=u&client_id=lade" ASKED " Basic u:p6\n");
    end(&b);
    setenv("PATH", old_path, 1);
    mem_free(old_path);
}

/* A secret of Kubernetes with several entries that fit: YTph is a:a, Yjpi b:b, dTpw u:p. */
static void tries_all_of_a_secret(void **state)
{
    struct check_dir *dir = *state;
    const char *const rules[] = {"accept=Basic dTpw", "challenge=Basic realm=\"x\"", NULL};
    struct bench b;
    begin(&b, dir->path, rules, NULL);
    AUTO(mem_free)
    char *text = mem_printf("{\"auths\":{\"127.0.0.*:%u\":{\"auth\":\"dTpw\"},\"127.0.0.1:%u/app\":{\"auth\":"
                            "\"YTph\"},\"http://127.0.0.1:%u/v2/\":{\"auth\":\"Yjpi\"},\"127.0.0.1:%u/ap\":{"
                            "\"auth\":\"bm86bm8=\"}}}",
                            b.server.port, b.server.port, b.server.port, b.server.port);
    write_config(dir->path, ".dockerconfigjson", text);
    check_ok(resolve(&b));
    check_log(&b, "HEAD /v2/app/manifests/1 Basic a:a\nHEAD /v2/app/manifests/1 Basic b:b\n"
                  "HEAD /v2/app/manifests/1 Basic u:p\n");
    end(&b);
    write_config(dir->path, ".dockerconfigjson", "{}");
}

static struct err *get_blob(struct registry *r, const struct server *server)
{
    AUTO(store_free) struct store *s = repository(r, server, "app");
    AUTO_VALUE(desc_wipe) struct desc blob = desc_for(MEDIATYPE_OCI_CONFIG, "{}", 2);
    AUTO_VALUE(buf_wipe) struct buf back = BUF(100);
    return store_read(s, &blob, &back);
}

/* TokenNotLeakedOnCrossHostChallenge: where we are led to gets a token that everybody gets there, once. */
static void gives_others_an_anonymous_token(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *rules[RULES_MAX];
        const char *log;
        bool good;
    } others[] = {
        {{"accept=Bearer anonymous", "challenge=Bearer realm=\"/token\",service=\"blobs\"",
          "get=200 {\"token\":\"anonymous\"}"},
         "GET /there nobody\nGET /token?client_id=lade&service=blobs nobody\nGET /there Bearer anonymous\n",
         true},
        {{"accept=Bearer secret", "challenge=Basic realm=\"x\""}, "GET /there nobody\n", false},
        {{"accept=Bearer secret", "challenge=Bearer realm=\"/token\"", "get=200 {\"token\":\"anonymous\"}"},
         "GET /there nobody\nGET /token?client_id=lade nobody\nGET /there Bearer anonymous\n",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct bench there, here;
        begin(&there, dir->path, others[i].rules, NULL);
        AUTO(mem_free) char *lead = mem_printf("lead=http://127.0.0.1:%u/there", there.server.port);
        const char *const rules[] = {"accept=Basic dTpw", "challenge=Basic realm=\"x\"", lead, NULL};
        begin(&here, dir->path, rules, "\"auth\":\"dTpw\"");
        struct err *e = get_blob(here.r, &here.server);
        assert_true(others[i].good == !e);
        AUTO(mem_free) char *log = read_text(there.log);
        assert_non_null(strstr(log, others[i].log));
        assert_null(strstr(log, "GET /there Basic"));
        err_free(e);
        end(&here);
        end(&there);
    }
}

static void lists_scopes(void **state)
{
    static const struct {
        struct auth_want want;
        const char *text;
    } lists[] = {
        {{.repository = NULL}, ""},
        {{.repository = "a/b"}, "repository:a/b:pull"},
        {{.repository = "a/b", .push = true}, "repository:a/b:pull,push"},
        {{.repository = "a/b", .push = true, .from = "c"}, "repository:a/b:pull,push repository:c:pull"},
        {{.repository = "a/b", .push = true, .from = "a/b"}, "repository:a/b:pull,push"},
        {{.repository = "a/b", .scope = "registry:catalog:*"}, "registry:catalog:*"},
    };
    static const struct {
        const char *ours, *asked;
        bool covered;
    } covers[] = {
        {"repository:a:pull,push", "repository:a:pull", true},
        {"repository:a:pull,push", "repository:a:push,pull", true},
        {"repository:a:pull", "repository:a:pull,push", false},
        {"repository:a:pull,push repository:b:pull", "repository:b:pull repository:a:pull,push", true},
        {"repository:a:pull", "repository:b:pull", false},
        {"repository:a:*", "repository:a:delete", true},
        {"repository:localhost:5000/a:pull", "repository:localhost:5000/a:pull", true},
        {"repository:a:pull", "aws", false},
        {"aws", "aws", true},
        {"repository:a:pull", "", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist got = {0};
        auth_scope_list(&got, &lists[i].want);
        AUTO(mem_free) char *text = strlist_join(&got, " ");
        assert_string_equal(text, lists[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(covers); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist ours = {0};
        strlist_split(&ours, covers[i].ours, ' ');
        if (auth_scope_covers(&ours, covers[i].asked) != covers[i].covered)
            fail_msg("%s, %s", covers[i].ours, covers[i].asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(answers_challenges),    check_with_dir(asks_helpers_again),
        check_with_dir(tries_all_of_a_secret), check_with_dir(gives_others_an_anonymous_token),
        cmocka_unit_test(lists_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
