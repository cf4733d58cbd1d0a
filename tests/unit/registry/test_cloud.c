/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/codec.h"
#include "base/mem.h"
#include "base/proc.h"
#include "registry/acr.h"
#include "registry/cloud.h"
#include "registry/gar.h"
#include "registry/google.h"

static void knows_whose_a_host_is(void **state)
{
    static const struct {
        const char *host, *authority;
        bool google;
    } rows[] = {
        {"x.azurecr.io", "https://login.microsoftonline.com", false},
        {"x.azurecr.cn", "https://login.chinacloudapi.cn", false},
        {"x.azurecr.us", "https://login.microsoftonline.us", false},
        {".azurecr.io", NULL, false},
        {"azurecr.io", NULL, false},
        {"x.azurecr.io.evil.org", NULL, false},
        {"x.azurecr.io:443", NULL, false},
        {"evil-azurecr.io", NULL, false},
        {"gcr.io", NULL, true},
        {"eu.gcr.io", NULL, true},
        {"europe-west1-docker.pkg.dev", NULL, true},
        {"evilgcr.io", NULL, false},
        {"gcr.io.evil.org", NULL, false},
        {"gcr.io:443", NULL, false},
        {"docker.io", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *authority = acr_authority(rows[i].host);
        assert_true(str_eq(authority, rows[i].authority));
        assert_int_equal(gar_has(rows[i].host), rows[i].google);
    }
}

/* No file is read and nothing is asked, whatever stands in the environment. */
static void leaves_others_alone(void **state)
{
    static const char *const hosts[] = {"docker.io", "ghcr.io", "localhost:5000", "evil.org",
                                        "x.azurecr.io.evil.org"};
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "half", 1);
    setenv("AZURE_CLIENT_SECRET", "half", 1);
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/none", 1);
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        AUTO_VALUE(creds_wipe) struct creds c = {0};
        struct http_counts counts = {0};
        bool found = true;
        check_ok(cloud_find(&c, &counts, hosts[i], NULL, &found));
        assert_false(found);
        assert_true(creds_empty(&c));
        assert_int_equal(atomic_load(&counts.requests), 0);
    }
}

static void sends_secrets_to_google_only(void **state)
{
    static const struct {
        const char *url;
        bool good;
    } rows[] = {
        {"https://oauth2.googleapis.com/token", true},
        {"https://accounts.google.com/o/oauth2/token", true},
        {"https://iamcredentials.googleapis.com/v1/x:generateAccessToken", true},
        {"http://oauth2.googleapis.com/token", false},
        {"https://oauth2.googleapis.com:8443/token", false},
        {"https://googleapis.com.evil.org/token", false},
        {"https://evilgoogleapis.com/token", false},
        {"https://evil.org/.googleapis.com", false},
        {"https://www.google.com/token", false},
        {"https://u@oauth2.googleapis.com/token", false},
        {"file:///etc/passwd", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err *e = google_check_url(rows[i].url);
        assert_int_equal(!e, rows[i].good);
        err_free(e);
    }
}

static char *make_key(void)
{
    static const char *const argv[] = {"openssl", "genrsa", "2048", NULL};
    struct proc_spec spec = {.argv = argv, .timeout_ms = 60000};
    struct proc_result r = {.out = BUF(1 << 16), .err = BUF(1 << 16)};
    check_ok(proc_run(&spec, &r));
    char *pem = mem_strdup(buf_text(&r.out));
    proc_result_wipe(&r);
    return pem;
}

/* The parts of a token as Google documents them ("Using OAuth 2.0 for Server to Server Applications"). */
static void makes_assertions(void **state)
{
    static const char *const parts[] = {
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"iss\":\"a@p.iam.gserviceaccount.com\","
        "\"scope\":\"https://www.googleapis.com/auth/cloud-platform\","
        "\"aud\":\"https://oauth2.googleapis.com/token\",\"iat\":1328550785,\"exp\":1328554385}"};
    AUTO(mem_free) char *pem = make_key();
    AUTO(mem_free) char *token = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist found = {0};
    (void)state;
    check_ok(google_assertion(&token, "a@p.iam.gserviceaccount.com", "k1", pem,
                              "https://oauth2.googleapis.com/token", 1328550785));
    assert_null(strpbrk(token, "+/="));
    strlist_split(&found, token, '.');
    assert_int_equal(found.count, 3);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        AUTO_VALUE(buf_wipe) struct buf plain = BUF(4096);
        assert_true(codec_unbase64(found.item[i], strlen(found.item[i]), &plain));
        assert_string_equal(buf_text(&plain), parts[i]);
    }
    AUTO_VALUE(buf_wipe) struct buf signature = BUF(4096);
    assert_true(codec_unbase64(found.item[2], strlen(found.item[2]), &signature));
    assert_int_equal(signature.len, 256);
    check_error(google_assertion(&token, "a", NULL, "no key", "https://x/", 0), ERR_INPUT, "cannot be read");
}

static void says_what_was_refused(void **state)
{
    static const struct {
        int status;
        const char *body, *says;
        enum err_kind kind;
    } rows[] = {
        {400, "{\"__type\":\"com.amazonaws.ecr#InvalidParameterException\",\"message\":\"bad\"}",
         "POST https://h/?…: HTTP 400 InvalidParameterException: bad", ERR_DENIED},
        {401, "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS1: no.\\r\\nTrace ID: 1\"}",
         "HTTP 401 invalid_client: AADSTS1: no.", ERR_DENIED},
        {403, "{\"error\":{\"code\":403,\"message\":\"m\",\"status\":\"PERMISSION_DENIED\"}}",
         "HTTP 403 PERMISSION_DENIED: m", ERR_DENIED},
        {404, "<html>", "HTTP 404", ERR_NOT_FOUND},
        {302, "", "HTTP 302", ERR_INPUT},
        {400, "{\"message\":\"a\\u001b[31mb\"}", "HTTP 400: a\\x1b[31mb", ERR_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cloud_request q = {.method = "POST", .url = "https://h/?secret=1"};
        AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {.status = rows[i].status, .body = BUF(4096)};
        buf_str(&r.body, rows[i].body);
        struct err *e = cloud_refusal_json(&q, &r);
        assert_null(strstr(err_message(e), "secret"));
        assert_null(strstr(err_message(e), "Trace"));
        check_error(e, rows[i].kind, rows[i].says);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_whose_a_host_is),        cmocka_unit_test(leaves_others_alone),
        cmocka_unit_test(sends_secrets_to_google_only), cmocka_unit_test(makes_assertions),
        cmocka_unit_test(says_what_was_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
