/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/sigv4.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define EPOCH 1440938160 /* 2015-08-30T12:36:00Z */
#define FORM "application/x-www-form-urlencoded"
#define FORM_HASH "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN                                                                                                \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTf" \
    "lfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HF" \
    "vlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr" \
    "4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

struct pair {
    const char *key, *value;
};
struct vector {
    const char *name; /* in AWS's Signature Version 4 test suite */
    const char *method, *path;
    struct pair query[3], headers[5];
    const char *body, *token, *names, *signature;
};

static const struct vector vectors[] = {
    {.name = "get-vanilla", .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-header-key-duplicate",
     .headers = {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     .names = "host;my-header1;x-amz-date",
     .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {.name = "get-header-value-multiline",
     .headers = {{"My-Header1", "value1\n  value2\n     value3"}},
     .names = "host;my-header1;x-amz-date",
     .signature = "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {.name = "get-header-value-order",
     .headers = {{"My-Header1", "value4"},
                 {"My-Header1", "value1"},
                 {"My-Header1", "value3"},
                 {"My-Header1", "value2"}},
     .names = "host;my-header1;x-amz-date",
     .signature = "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {.name = "get-header-value-trim",
     .headers = {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     .names = "host;my-header1;my-header2;x-amz-date",
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {.name = "get-relative-normalized",
     .path = "/example/..",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-relative-relative-normalized",
     .path = "/example1/example2/../..",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash-dot-slash-normalized",
     .path = "/./",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash-normalized",
     .path = "//",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash-pointless-dot-normalized",
     .path = "/./example",
     .signature = "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {.name = "get-slashes-normalized",
     .path = "//example//",
     .signature = "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {.name = "get-space-normalized",
     .path = "/example space/",
     .signature = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {.name = "get-unreserved",
     .path = "/" UNRESERVED,
     .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {.name = "get-utf8",
     .path = "/\xe1\x88\xb4",
     .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {.name = "get-vanilla-empty-query-key",
     .query = {{"Param1", "value1"}},
     .signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {.name = "get-vanilla-query-order-encoded",
     .query = {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xe1\x88\xb4", "Value1"}},
     .signature = "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {.name = "get-vanilla-query-order-key-case",
     .query = {{"Param2", "value2"}, {"Param1", "value1"}},
     .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {.name = "get-vanilla-query-unreserved",
     .query = {{UNRESERVED, UNRESERVED}},
     .signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {.name = "get-vanilla-utf8-query",
     .query = {{"\xe1\x88\xb4", "bar"}},
     .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {.name = "get-vanilla-with-session-token",
     .token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
     .names = "host;x-amz-date;x-amz-security-token",
     .signature = "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"},
    {.name = "post-vanilla",
     .method = "POST",
     .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {.name = "post-header-key-sort",
     .method = "POST",
     .headers = {{"My-Header1", "value1"}},
     .names = "host;my-header1;x-amz-date",
     .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {.name = "post-header-value-case",
     .method = "POST",
     .headers = {{"My-Header1", "VALUE1"}},
     .names = "host;my-header1;x-amz-date",
     .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {.name = "post-sts-header-before",
     .method = "POST",
     .token = TOKEN,
     .names = "host;x-amz-date;x-amz-security-token",
     .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    {.name = "post-sts-header-after", /* the token is added after signing */
     .method = "POST",
     .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {.name = "post-vanilla-query",
     .method = "POST",
     .query = {{"Param1", "value1"}},
     .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {.name = "post-x-www-form-urlencoded",
     .method = "POST",
     .headers = {{"Content-Type", FORM}, {"Content-Length", "13"}, {"x-amz-content-sha256", FORM_HASH}},
     .body = "Param1=value1",
     .names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
     .signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b"},
    {.name = "post-x-www-form-urlencoded-parameters",
     .method = "POST",
     .headers = {{"Content-Type", FORM "; charset=utf-8"},
                 {"Content-Length", "13"},
                 {"x-amz-content-sha256", FORM_HASH}},
     .body = "Param1=value1",
     .names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
     .signature = "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422"},
};

static void agrees_with_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        AUTO_VALUE(strmap_wipe) struct strmap query = {0};
        AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
        for (size_t p = 0; p < ARRAY_LEN(v->query) && v->query[p].key; p++)
            strmap_add(&query, v->query[p].key, v->query[p].value);
        for (size_t h = 0; h < ARRAY_LEN(v->headers) && v->headers[h].key; h++)
            strmap_add(&headers, v->headers[h].key, v->headers[h].value);
        struct sigv4_request q = {.method = v->method ? v->method : "GET",
                                  .host = "example.amazonaws.com",
                                  .path = v->path ? v->path : "/",
                                  .query = &query,
                                  .headers = &headers,
                                  .body = v->body,
                                  .body_len = v->body ? strlen(v->body) : 0};
        struct sigv4_key key = {.id = "AKIDEXAMPLE",
                                .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                .token = v->token,
                                .region = "us-east-1",
                                .service = "service"};
        AUTO(mem_free) char *made = sigv4_sign(&q, &key, EPOCH);
        AUTO(mem_free)
        char *right = mem_printf("AWS4-HMAC-SHA256 "
                                 "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                                 "SignedHeaders=%s, Signature=%s",
                                 v->names ? v->names : "host;x-amz-date", v->signature);
        if (strcmp(made, right) != 0)
            print_error("%s\n", v->name);
        assert_string_equal(made, right);
    }
}

/* The request that libcurl sends when it signs by itself, as it arrives. */
static char *what_curl_sends(const char *region, const char *keys, const char *const *headers,
                             const char *body)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&address, &size), 0);

    CURLM *multi = curl_multi_init();
    CURL *easy = curl_easy_init();
    struct curl_slist *list = NULL;
    AUTO(mem_free) char *url = mem_printf("http://127.0.0.1:%u/", ntohs(address.sin_port));
    for (; *headers; headers++)
        list = curl_slist_append(list, *headers);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, region);
    curl_easy_setopt(easy, CURLOPT_USERPWD, keys);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_multi_add_handle(multi, easy);

    struct buf text = BUF(1 << 16);
    int connection = -1;
    int running = 1;
    while (!strstr(buf_text(&text), "\r\n\r\n")) {
        curl_multi_perform(multi, &running);
        if (connection < 0)
            connection = accept4(server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        char piece[4096];
        ssize_t got = read(connection, piece, sizeof piece);
        if (got > 0)
            buf_add(&text, piece, (size_t)got);
        curl_multi_poll(multi, NULL, 0, 10, NULL);
        assert_true(running);
    }
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(list);
    close(connection);
    close(server);
    return buf_take(&text);
}

static char *header_of(const char *request, const char *name)
{
    AUTO(mem_free) char *key = mem_printf("\n%s: ", name);
    const char *at = strstr(request, key);
    assert_non_null(at);
    at += strlen(key);
    return mem_strndup(at, strcspn(at, "\r"));
}

static int64_t time_of(const char *stamp)
{
    struct tm when = {0};
    assert_non_null(strptime(stamp, "%Y%m%dT%H%M%SZ", &when));
    return (int64_t)timegm(&when);
}

/* An implementation that is not ours, for the very request that the registry of a private ECR needs. */
static void agrees_with_libcurl(void **state)
{
    static const char *const tokens[] = {NULL, "FwoGZXIvYXdzEXAMPLE//+/token=="};
    (void)state;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        AUTO(mem_free)
        char *token = tokens[i] ? mem_printf("X-Amz-Security-Token: %s", tokens[i]) : NULL;
        const char *const lines[] = {
            "Host: api.ecr.eu-west-1.amazonaws.com", "Content-Type: application/x-amz-json-1.1",
            "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", token, NULL};
        AUTO(mem_free)
        char *sent = what_curl_sends("aws:amz:eu-west-1:ecr", "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
                                     lines, "{}");
        AUTO(mem_free) char *date = header_of(sent, "X-Amz-Date");
        AUTO(mem_free) char *theirs = header_of(sent, "Authorization");
        AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
        strmap_add(&headers, "Content-Type", "application/x-amz-json-1.1");
        strmap_add(&headers, "X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        struct sigv4_request q = {.method = "POST",
                                  .host = "api.ecr.eu-west-1.amazonaws.com",
                                  .path = "/",
                                  .headers = &headers,
                                  .body = "{}",
                                  .body_len = 2};
        struct sigv4_key key = {.id = "AKIDEXAMPLE",
                                .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
                                .token = tokens[i],
                                .region = "eu-west-1",
                                .service = "ecr"};
        AUTO(mem_free) char *ours = sigv4_sign(&q, &key, time_of(date));
        assert_string_equal(ours, theirs);
    }
    curl_global_cleanup();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_published_vectors),
        cmocka_unit_test(agrees_with_libcurl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
