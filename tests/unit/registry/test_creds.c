/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "registry/creds.h"
#include "registry/creds_kube.h"

/* "user:password", "identity:…", "bearer:…" or "none". */
static char *print(const struct creds *c)
{
    if (c->registry_token)
        return mem_printf("bearer:%s", c->registry_token);
    if (c->identity_token)
        return mem_printf("identity:%s", c->identity_token);
    return c->username ? mem_printf("%s:%s", c->username, c->password) : mem_strdup("none");
}

static void check_found(const struct creds_options *o, const char *host, const char *repository,
                        const char *want)
{
    AUTO_VALUE(creds_wipe) struct creds c = {0};
    check_ok(creds_find(&c, o, host, repository, NULL));
    AUTO(mem_free) char *got = print(&c);
    if (strcmp(got, want) != 0)
        fail_msg("%s/%s: %s instead of %s", host, repository ? repository : "", got, want);
}

static void write_in(const char *dir, const char *name, const char *text)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    check_ok(fs_mkdir_all(AT_FDCWD, path));
    *slash = '/';
    write_text(path, text);
}

static void reads_keys(void **state)
{
    struct check_dir *dir = *state;
    /* u:p is dTpw, u2:p2 is dTI6cDI= */
    static const struct {
        const char *auths, *host, *repository, *want;
    } rows[] = {
        {"\"a\":{\"auth\":\"dTpw\"}", "a", "x/y", "u:p"},
        {"\"a\":{\"auth\":\"dTpw\"}", "b", "x/y", "none"},
        {"\"a:5000\":{\"auth\":\"dTpw\"}", "a", NULL, "none"},
        {"\"a:5000\":{\"auth\":\"dTpw\"}", "a:5000", NULL, "u:p"},
        {"\"https://a\":{\"auth\":\"dTpw\"}", "a", NULL, "u:p"},
        {"\"http://a/\":{\"auth\":\"dTpw\"}", "a", NULL, "u:p"},
        {"\"https://a/v1/\":{\"auth\":\"dTpw\"}", "a", NULL, "u:p"},
        {"\"a/v2/\":{\"auth\":\"dTpw\"}", "a", NULL, "u:p"},
        {"\"https://a/x\":{\"auth\":\"dTpw\"}", "a", "y", "u:p"},
        {"\"a/x\":{\"auth\":\"dTpw\"}", "a", "y", "none"},
        {"\"a/x\":{\"auth\":\"dTpw\"}", "a", "xy", "none"},
        {"\"a/x\":{\"auth\":\"dTpw\"}", "a", NULL, "none"},
        {"\"a\":{\"auth\":\"dTpw\"},\"a/x\":{\"auth\":\"dTI6cDI=\"}", "a", "x/y/z", "u2:p2"},
        {"\"a/x/y\":{\"auth\":\"dTpw\"},\"a/x\":{\"auth\":\"dTI6cDI=\"}", "a", "x/y", "u:p"},
        {"\"a/x/y\":{\"auth\":\"dTpw\"},\"a/x\":{\"auth\":\"dTI6cDI=\"}", "a", "x/z", "u2:p2"},
        {"\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}", "docker.io", "library/alpine", "u:p"},
        {"\"docker.io\":{\"auth\":\"dTpw\"}", "docker.io", "library/alpine", "u:p"},
        {"\"index.docker.io\":{\"auth\":\"dTpw\"}", "docker.io", NULL, "u:p"},
        {"\"registry-1.docker.io\":{\"auth\":\"dTpw\"}", "docker.io", NULL, "u:p"},
        {"\"docker.io\":{\"auth\":\"dTpw\"}", "index.docker.io", NULL, "u:p"},
        {"\"docker.io/me\":{\"auth\":\"dTpw\"}", "docker.io", "me/app", "u:p"},
        {"\"evil-docker.io\":{\"auth\":\"dTpw\"}", "docker.io", NULL, "none"},
        {"\"a\":{\"username\":\"u\",\"password\":\"p\"}", "a", NULL, "u:p"},
        {"\"a\":{\"auth\":\"dTpwOnE=\"}", "a", NULL, "u:p:q"},
        {"\"a\":{\"auth\":\"dTpwAAA=\"}", "a", NULL, "u:p"}, /* padded with NUL */
        {"\"a\":{\"auth\":\"dTpw\",\"identitytoken\":\"t\"}", "a", NULL, "identity:t"},
        {"\"a\":{\"registrytoken\":\"t\"}", "a", NULL, "bearer:t"},
        {"\"a\":{}", "a", NULL, "none"},
        {"\"a:443\":{\"auth\":\"dTpw\"}", "a", NULL, "u:p"}, /* one origin */
        {"\"a\":{\"auth\":\"dTpw\"}", "a:443", NULL, "u:p"},
        {"\"A.Example\":{\"auth\":\"dTpw\"}", "a.example", NULL, "u:p"},
        {"\"a\":{},\"https://a\":{\"auth\":\"dTpw\"}", "a", NULL, "none"},
    };
    clean_environment(dir->path);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = mem_printf("{\"auths\":{%s}}", rows[i].auths);
        setenv("DOCKER_AUTH_CONFIG", text, 1);
        check_found(NULL, rows[i].host, rows[i].repository, rows[i].want);
    }
    unsetenv("DOCKER_AUTH_CONFIG");
}

static void reads_places_in_order(void **state)
{
    struct check_dir *dir = *state;
    clean_environment(dir->path);
    AUTO(mem_free) char *registry_auth = mem_printf("%s/registry.json", dir->path);
    AUTO(mem_free) char *authfile = mem_printf("%s/given.json", dir->path);
    AUTO(mem_free) char *docker = mem_printf("%s/elsewhere", dir->path);
    struct creds_options given = {.authfile = authfile};
    struct creds_options words = {.authfile = authfile, .username = "me", .password = "mine"};
    check_found(NULL, "a", "r", "none");
    write_in(dir->path, ".docker/config.json", "{\"auths\":{\"a\":{\"auth\":\"dTE6cA==\"}}}");
    check_found(NULL, "a", "r", "u1:p");
    write_in(dir->path, "elsewhere/config.json", "{\"auths\":{\"a\":{\"auth\":\"dTI6cA==\"}}}");
    setenv("DOCKER_CONFIG", docker, 1);
    check_found(NULL, "a", "r", "u2:p");
    write_in(dir->path, ".config/containers/auth.json", "{\"auths\":{\"a\":{\"auth\":\"dTM6cA==\"}}}");
    check_found(NULL, "a", "r", "u3:p");
    write_in(dir->path, "containers/auth.json", "{\"auths\":{\"a\":{\"auth\":\"dTQ6cA==\"}}}");
    check_found(NULL, "a", "r", "u4:p");
    write_in(dir->path, "registry.json", "{\"auths\":{\"a\":{\"auth\":\"dTU6cA==\"}}}");
    setenv("REGISTRY_AUTH_FILE", registry_auth, 1);
    check_found(NULL, "a", "r", "u5:p");
    setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"a\":{\"auth\":\"dTY6cA==\"}}}", 1);
    check_found(NULL, "a", "r", "u6:p");
    write_in(dir->path, "given.json", "{\"auths\":{\"a\":{\"auth\":\"dTc6cA==\"}}}");
    check_found(&given, "a", "r", "u7:p");
    check_found(&words, "a", "r", "me:mine");
    /* A place without the host is passed over. */
    write_in(dir->path, "given.json", "{\"auths\":{\"b\":{\"auth\":\"dTc6cA==\"}}}");
    check_found(&given, "a", "r", "u6:p");
    clean_environment(dir->path);
}

/* GitHub's and GitLab's variables, for their own registries in their own jobs. */
static void reads_variables_of_ci(void **state)
{
    struct check_dir *dir = *state;
    static const char *const names[] = {"GITHUB_ACTIONS",
                                        "GITHUB_ACTOR",
                                        "GITHUB_TOKEN",
                                        "GITLAB_CI",
                                        "CI_REGISTRY",
                                        "CI_REGISTRY_USER",
                                        "CI_REGISTRY_PASSWORD",
                                        "CI_JOB_TOKEN",
                                        "CI_DEPLOY_USER",
                                        "CI_DEPLOY_PASSWORD",
                                        "CI_DEPENDENCY_PROXY_SERVER",
                                        "CI_DEPENDENCY_PROXY_USER",
                                        "CI_DEPENDENCY_PROXY_PASSWORD"};
    static const struct {
        const char *variables; /* NAME=VALUE, with spaces between */
        const char *host, *want;
        unsigned skip;
    } rows[] = {
        {"GITHUB_ACTIONS=true GITHUB_TOKEN=g GITHUB_ACTOR=octocat", "ghcr.io", "octocat:g", 0},
        {"GITHUB_ACTIONS=true GITHUB_TOKEN=g", "ghcr.io", "github-actions:g", 0},
        {"GITHUB_ACTIONS=true GITHUB_TOKEN=g GITHUB_ACTOR=octocat", "docker.io", "none", 0},
        {"GITHUB_ACTIONS=true GITHUB_TOKEN=g GITHUB_ACTOR=octocat", "evil.ghcr.io", "none", 0},
        {"GITHUB_TOKEN=g GITHUB_ACTOR=octocat", "ghcr.io", "none", 0},
        {"GITHUB_ACTIONS=false GITHUB_TOKEN=g GITHUB_ACTOR=octocat", "ghcr.io", "none", 0},
        {"GITLAB_CI=true CI_REGISTRY=r.example:5050 CI_REGISTRY_USER=u CI_REGISTRY_PASSWORD=p",
         "r.example:5050", "u:p", 0},
        {"GITLAB_CI=true CI_REGISTRY=r.example:5050 CI_REGISTRY_USER=u CI_REGISTRY_PASSWORD=p", "r.example",
         "none", 0},
        {"GITLAB_CI=true CI_REGISTRY=r.example CI_JOB_TOKEN=j", "r.example", "gitlab-ci-token:j", 0},
        {"GITLAB_CI=true CI_REGISTRY=r.example CI_DEPLOY_USER=d CI_DEPLOY_PASSWORD=p", "r.example", "d:p", 0},
        {"GITLAB_CI=true CI_REGISTRY=r.example CI_JOB_TOKEN=j CI_DEPLOY_USER=d CI_DEPLOY_PASSWORD=p",
         "r.example", "d:p", 1},
        {"GITLAB_CI=true CI_REGISTRY=r.example CI_JOB_TOKEN=j", "r.example", "none", 1},
        {"GITLAB_CI=true CI_JOB_TOKEN=j", "r.example", "none", 0},
        {"CI_REGISTRY=r.example CI_JOB_TOKEN=j", "r.example", "none", 0},
        {"GITLAB_CI=true CI_DEPENDENCY_PROXY_SERVER=gitlab.com:443 CI_DEPENDENCY_PROXY_USER=u "
         "CI_DEPENDENCY_PROXY_PASSWORD=p",
         "gitlab.com", "u:p", 0},
    };
    clean_environment(dir->path);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist variables = {0};
        for (size_t k = 0; k < ARRAY_LEN(names); k++)
            unsetenv(names[k]);
        strlist_split(&variables, rows[i].variables, ' ');
        for (size_t k = 0; k < variables.count; k++) {
            char *equals = strchr(variables.item[k], '=');
            *equals = '\0';
            setenv(variables.item[k], equals + 1, 1);
        }
        check_found(&(struct creds_options){.skip = rows[i].skip}, rows[i].host, "a/b", rows[i].want);
    }
    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        unsetenv(names[k]);
}

static void matches_keys_of_kubernetes(void **state)
{
    static const struct {
        const char *key, *host, *repository;
        bool fits;
    } rows[] = {
        {"registry.io", "registry.io", "a", true},
        {"registry.io", "registry.io", NULL, true},
        {"*.registry.io", "a.registry.io", "a", true},
        {"*.registry.io", "registry.io", "a", false},
        {"*.registry.io", "a.b.registry.io", "a", false},
        {"*.*.registry.io", "a.b.registry.io", "a", true},
        {"prefix.*.io", "prefix.registry.io", "a", true},
        {"*-good.registry.io", "prefix-good.registry.io", "a", true},
        {"*-good.registry.io", "prefix-bad.registry.io", "a", false},
        {"registry[0-9].io", "registry7.io", "a", true},
        {"registry.io/images", "registry.io", "images/app", true},
        {"registry.io/images", "registry.io", "images", true},
        {"registry.io/images", "registry.io", "images2", false},
        {"registry.io/images", "registry.io", NULL, false},
        {"*.registry.io/images/", "a.registry.io", "images/app", true},
        {"https://registry.io/v1/", "registry.io", "a", true},
        {"https://registry.io/team", "registry.io", "team/a", true},
        {"https://registry.io/team", "registry.io", "other/a", false},
        {"registry.io:5000", "registry.io", "a", false},
        {"registry.io", "registry.io:5000", "a", false},
        {"*.io:5000", "registry.io:5000", "a", true},
        {"https://index.docker.io/v1/", "docker.io", "library/alpine", true},
        {"*", "registry.io", "a", false},
        {"[::1]:5000", "[::1]:5000", "a", true},
        {"[::1]:5000", ":5000", "a", false},
        {"REGISTRY.io", "registry.IO", "a", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (creds_kube_fits(rows[i].key, rows[i].host, rows[i].repository) != rows[i].fits)
            fail_msg("%s, %s/%s", rows[i].key, rows[i].host, rows[i].repository);
}

static void reads_secrets_of_kubernetes(void **state)
{
    struct check_dir *dir = *state;
    struct creds_options options = {0};
    clean_environment(dir->path);
    write_in(dir->path, ".docker/.dockercfg", "{\"a\":{\"auth\":\"dTE6cA==\",\"email\":\"x\"}}");
    check_found(NULL, "a", "r", "u1:p");
    write_in(dir->path, ".docker/.dockerconfigjson",
             "{\"auths\":{\"*.example\":{\"auth\":\"dTI6cA==\"},\"a.example\":{\"auth\":\"dTM6cA==\"},"
             "\"https://a.example/team/app\":{\"auth\":\"dTQ6cA==\"}}}");
    static const char *const order[] = {"u4:p", "u3:p", "u2:p", "none"};
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        options.skip = i;
        check_found(&options, "a.example", "team/app", order[i]);
    }
    check_found(NULL, "b.example", "team/app", "u2:p");
    /* A pattern counts anywhere, after all that is plain. */
    write_in(dir->path, ".docker/config.json",
             "{\"auths\":{\"*.example\":{\"auth\":\"dTU6cA==\"},\"a.example\":{\"auth\":\"dTY6cA==\"}}}");
    check_found(NULL, "a.example", "team/app", "u6:p");
    check_found(NULL, "b.example", "team/app", "u5:p");
    /* The oldest file of Docker. */
    write_in(dir->path, ".dockercfg", "{\"https://index.docker.io/v1/\":{\"auth\":\"dTc6cA==\"}}");
    check_found(NULL, "docker.io", "library/alpine", "u7:p");
    AUTO(mem_free) char *empty = mem_printf("%s/.docker", dir->path);
    check_ok(fs_remove_tree(AT_FDCWD, empty));
    AUTO(mem_free) char *old = mem_printf("%s/.dockercfg", dir->path);
    unlink(old);
}

static void tells_where_it_looked(void **state)
{
    struct check_dir *dir = *state;
    AUTO_VALUE(creds_wipe) struct creds c = {0};
    AUTO_VALUE(creds_trace_wipe) struct creds_trace t = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    clean_environment(dir->path);
    setenv("DOCKER_AUTH_CONFIG", "{\"auths\":{\"b\":{\"auth\":\"dTpjYW5hcnk=\"}}}", 1);
    write_in(dir->path, ".docker/config.json", "{\"auths\":{\"a/x\":{\"auth\":\"dTpjYW5hcnk=\"}}}");
    check_ok(creds_find(&c, &(struct creds_options){.username = "m", .password = "canary", .login_host = "b"},
                        "a", "x/y", &t));
    for (size_t i = 0; i < t.count; i++)
        buf_printf(&text, "%s: %s\n", t.step[i].source, t.step[i].result);
    AUTO(mem_free)
    char *want =
        mem_printf("--username: given for b\n--authfile: not given\n$DOCKER_AUTH_CONFIG: no entry for a\n"
                   "$REGISTRY_AUTH_FILE: not set\n%s/containers/auth.json: no such file\n"
                   "%s/.config/containers/auth.json: no such file\n"
                   "%s/.docker/config.json: found: user \"u\" with a password\n",
                   dir->path, dir->path, dir->path);
    assert_string_equal(buf_text(&text), want);
    AUTO(mem_free) char *sources = creds_trace_sources(&t);
    AUTO(mem_free)
    char *joined =
        mem_printf("$DOCKER_AUTH_CONFIG, %s/containers/auth.json, %s/.config/containers/auth.json and "
                   "%s/.docker/config.json",
                   dir->path, dir->path, dir->path);
    assert_string_equal(sources, joined);
    AUTO(mem_free) char *source = mem_printf("%s/.docker/config.json (auths: a/x)", dir->path);
    assert_string_equal(c.source, source);
    unsetenv("DOCKER_AUTH_CONFIG");
}

static void refuses_broken_files(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"", "config.json"},
        {"{", "config.json"},
        {"[]", "expected a JSON object"},
        {"{\"auths\":[]}", "auths"},
        {"{\"auths\":{\"a\":3}}", "expected an object"},
        {"{\"auths\":{\"a\":{\"auth\":3}}}", "auth"},
        {"{\"auths\":{\"a\":{\"auth\":\"!!!\"}}}", "not base64"},
        {"{\"auths\":{\"a\":{\"auth\":\"c2VjcmV0\"}}}", "not user:password in base64"},
        {"{\"credsStore\":\"../../x\"}", "not the name of a credential helper"},
        {"{\"credHelpers\":{\"a\":\"a b\"}}", "not the name of a credential helper"},
    };
    clean_environment(dir->path);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(creds_wipe) struct creds c = {0};
        write_in(dir->path, ".docker/config.json", rows[i].text);
        struct err *e = creds_find(&c, NULL, "a", NULL, NULL);
        assert_non_null(e);
        assert_null(strstr(err_message(e), "secret"));
        check_error(e, ERR_INPUT, rows[i].part);
    }
    /* A FIFO does not hang. */
    AUTO(mem_free) char *path = mem_printf("%s/.docker/config.json", dir->path);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    AUTO_VALUE(creds_wipe) struct creds c = {0};
    check_error(creds_find(&c, NULL, "a", NULL, NULL), ERR_INPUT, "config.json");
    AUTO(mem_free) char *none = mem_printf("%s/none.json", dir->path);
    check_error(creds_find(&c, &(struct creds_options){.authfile = none}, "a", NULL, NULL), ERR_NOT_FOUND,
                "none.json");
}

static void add_helper(const char *dir, const char *name, const char *script)
{
    AUTO(mem_free) char *path = mem_printf("%s/bin/docker-credential-%s", dir, name);
    AUTO(mem_free) char *bin = mem_printf("%s/bin", dir);
    AUTO(mem_free) char *text = mem_printf("#!/bin/sh\n%s\n", script);
    check_ok(fs_mkdir_all(AT_FDCWD, bin));
    write_text(path, text);
    assert_int_equal(chmod(path, 0755), 0);
}

static void asks_helpers(void **state)
{
    struct check_dir *dir = *state;
    static const struct {
        const char *script, *config, *host, *want;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"read s; echo '{\"ServerURL\":\"x\",\"Username\":\"h'$s'\",\"Secret\":\"p'$1'\"}'",
         "\"credsStore\":\"t\"", "a", "ha:pget", 0, NULL},
        {"read s; echo '{\"Username\":\"h'$s'\",\"Secret\":\"p\"}'", "\"credsStore\":\"t\"", "docker.io",
         "hhttps://index.docker.io/v1/:p", 0, NULL},
        {"echo '{\"Username\":\"<token>\",\"Secret\":\"long\"}'", "\"credHelpers\":{\"a\":\"t\"}", "a",
         "identity:long", 0, NULL},
        {"echo '{\"Username\":\"u\",\"Secret\":\"p\"}'", "\"credHelpers\":{\"b\":\"t\"}", "a", "none", 0,
         NULL},
        {"echo 'credentials not found in native keychain'; exit 1", "\"credsStore\":\"t\"", "a", "none", 0,
         NULL},
        {"echo 'credentials not found in native keychain'; exit 1",
         "\"credsStore\":\"t\",\"auths\":{\"a\":{\"auth\":\"dTpw\"}}", "a", "u:p", 0, NULL},
        {"echo '{\"Username\":\"h\",\"Secret\":\"p\"}'",
         "\"credsStore\":\"t\",\"auths\":{\"a\":{\"auth\":\"dTpw\"},\"a/r\":{\"auth\":\"dTI6cDI=\"}}", "a",
         "h:p", 0, NULL},
        {"echo 'no credentials server URL'; exit 1", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT,
         "docker-credential-t get: exit status 1: no credentials server URL"},
        {"echo 'no credentials username'; exit 1", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT,
         "no credentials username"},
        {"exit 3", "\"credsStore\":\"t\"", "a", NULL, ERR_DENIED, "exit status 3, and said nothing"},
        {"kill -9 $$", "\"credsStore\":\"t\"", "a", NULL, ERR_DENIED, "signal 9, and said nothing"},
        {"exit 0", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT, "is not valid JSON"},
        {"echo 'the keychain is locked'; exit 1", "\"credsStore\":\"t\"", "a", NULL, ERR_DENIED,
         "docker-credential-t get: exit status 1: the keychain is locked"},
        {"echo 'only here' >&2; exit 3", "\"credsStore\":\"t\"", "a", NULL, ERR_DENIED,
         "exit status 3: only here"},
        {"echo 'top-secret, no JSON'", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT, "is not valid JSON"},
        {"echo '[]'", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT, "is not valid JSON"},
        {"echo '{\"Username\":3,\"Secret\":\"top-secret\"}'", "\"credsStore\":\"t\"", "a", NULL, ERR_INPUT,
         "Username"},
        {"yes top-secret", "\"credsStore\":\"t\"", "a", NULL, ERR_RESOURCE, "larger than"},
        {"exit 0", "\"credsStore\":\"absent\"", "a", NULL, ERR_NOT_FOUND, "docker-credential-absent"},
    };
    clean_environment(dir->path);
    AUTO(mem_free) char *old = mem_strdup(getenv("PATH"));
    AUTO(mem_free) char *path = mem_printf("%s/bin:%s", dir->path, old);
    setenv("PATH", path, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *config = mem_printf("{%s}", rows[i].config);
        add_helper(dir->path, "t", rows[i].script);
        write_in(dir->path, ".docker/config.json", config);
        if (rows[i].want) {
            check_found(NULL, rows[i].host, NULL, rows[i].want);
            continue;
        }
        AUTO_VALUE(creds_wipe) struct creds c = {0};
        struct err *e = creds_find(&c, NULL, rows[i].host, NULL, NULL);
        assert_non_null(e);
        assert_null(strstr(err_message(e), "top-secret"));
        check_error(e, rows[i].kind, rows[i].part);
    }
    setenv("PATH", old, 1);
}

static void stores_in_file(void **state)
{
    struct check_dir *dir = *state;
    struct stat st;
    bool found;
    clean_environment(dir->path);
    AUTO(mem_free) char *path = mem_printf("%s/.docker/config.json", dir->path);
    AUTO(mem_free) char *where = NULL;
    check_ok(creds_store(NULL, "a:5000", "u", "p:q", &where));
    assert_string_equal(where, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    check_found(NULL, "a:5000", NULL, "u:p:q");

    /* Other keys are kept, all spellings are one, a link stays a link. */
    AUTO(mem_free) char *real = mem_printf("%s/real.json", dir->path);
    write_text(
        real,
        "{\"HttpHeaders\":{\"X\":\"y\"},\"auths\":{\"docker.io\":{\"auth\":\"b2xkOm9sZA==\"},\"docker.io/"
        "me\":{\"auth\":\"dTpw\"}},\"psFormat\":\"table\"}");
    unlink(path);
    assert_int_equal(symlink(real, path), 0);
    mem_free(TAKE(where));
    check_ok(creds_store(NULL, "docker.io", "u", "p", &where));
    AUTO(mem_free) char *text = read_text(real);
    assert_string_equal(
        text, "{\n  \"HttpHeaders\": {\n    \"X\": \"y\"\n  },\n  \"auths\": {\n    \"docker.io/me\": {\n  "
              "    \"auth\": \"dTpw\"\n    },\n    \"https://index.docker.io/v1/\": {\n      \"auth\": "
              "\"dTpw\"\n    }\n  },\n  \"psFormat\": \"table\"\n}\n");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    check_found(NULL, "docker.io", "library/alpine", "u:p");

    mem_free(TAKE(where));
    check_ok(creds_erase(NULL, "index.docker.io", &found, &where));
    assert_true(found);
    check_found(NULL, "docker.io", "library/alpine", "none");
    mem_free(TAKE(where));
    check_ok(creds_erase(NULL, "docker.io", &found, &where));
    assert_false(found);

    AUTO(mem_free) char *authfile = mem_printf("%s/deep/er/auth.json", dir->path);
    mem_free(TAKE(where));
    check_ok(creds_store(authfile, "b", "u", "p", &where));
    assert_string_equal(where, authfile);
    check_found(&(struct creds_options){.authfile = authfile}, "b", NULL, "u:p");
    mem_free(TAKE(where));
    check_error(creds_store(NULL, "b", "u:v", "p", &where), ERR_USAGE, "colon");
}

static void stores_by_helper(void **state)
{
    struct check_dir *dir = *state;
    bool found;
    clean_environment(dir->path);
    AUTO(mem_free) char *old = mem_strdup(getenv("PATH"));
    AUTO(mem_free) char *path = mem_printf("%s/bin:%s", dir->path, old);
    AUTO(mem_free)
    char *script =
        mem_printf("cd %s\ncase $1 in store) cat >kept;; erase) rm kept;; get) test -e kept && cat kept || { "
                   "echo credentials not found in native keychain; exit 1; };; esac",
                   dir->path);
    AUTO(mem_free) char *kept = mem_printf("%s/kept", dir->path);
    AUTO(mem_free) char *where = NULL;
    setenv("PATH", path, 1);
    add_helper(dir->path, "t", script);
    write_in(dir->path, ".docker/config.json", "{\"credsStore\":\"t\"}");
    check_ok(creds_store(NULL, "a", "u\"", "p", &where));
    assert_string_equal(where, "docker-credential-t");
    AUTO(mem_free) char *text = read_text(kept);
    assert_string_equal(text, "{\"ServerURL\":\"a\",\"Username\":\"u\\\"\",\"Secret\":\"p\"}");
    AUTO(mem_free) char *config = mem_printf("%s/.docker/config.json", dir->path);
    AUTO(mem_free) char *file = read_text(config);
    assert_non_null(strstr(file, "\"a\": {}"));
    check_found(NULL, "a", NULL, "u\":p");
    mem_free(TAKE(where));
    check_ok(creds_erase(NULL, "a", &found, &where));
    assert_true(found);
    check_found(NULL, "a", NULL, "none");
    setenv("PATH", old, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(reads_keys),
        check_with_dir(reads_places_in_order),
        check_with_dir(refuses_broken_files),
        check_with_dir(asks_helpers),
        check_with_dir(reads_variables_of_ci),
        cmocka_unit_test(matches_keys_of_kubernetes),
        check_with_dir(reads_secrets_of_kubernetes),
        check_with_dir(tells_where_it_looked),
        check_with_dir(stores_in_file),
        check_with_dir(stores_by_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
