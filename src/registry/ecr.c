/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/ecr.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "registry/aws.h"
#include "registry/aws_call.h"

#include <string.h>

#define TYPE "application/x-amz-json-1.1"
#define PRIVATE_TARGET "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
#define OPEN_TARGET "SpencerFrontendService.GetAuthorizationToken"

void ecr_host_wipe(struct ecr_host *h)
{
    mem_free(h->region);
    mem_free(h->api);
    *h = (struct ecr_host){0};
}

static bool skip_account(const char **at)
{
    const char *c = *at;
    while (str_is_digit(*c))
        c++;
    bool good = c - *at == 12;
    *at = c;
    return good;
}

static bool skip(const char **at, const char *text)
{
    bool there = str_starts(*at, text);
    *at += there ? strlen(text) : 0;
    return there;
}

/* The name of the service that goes with what stands behind the region. */
static char *api_of(const char *region, const char *suffix, bool fips)
{
    static const struct {
        const char *registry, *api;
    } dual[] = {{"on.aws", "api.aws"}, {"on.amazonwebservices.com.cn", "api.amazonwebservices.com.cn"}};
    static const char *const single[] = {"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu",  "c2s.ic.gov",
                                         "sc2s.sgov.gov", "csp.hci.ic.gov",   "cloud.adc-e.uk"};
    for (size_t i = 0; i < ARRAY_LEN(dual); i++)
        if (str_eq(suffix, dual[i].registry))
            return mem_printf("ecr%s.%s.%s", fips ? "-fips" : "", region, dual[i].api);
    for (size_t i = 0; i < ARRAY_LEN(single); i++)
        if (str_eq(suffix, single[i]))
            return fips ? mem_printf("ecr-fips.%s.%s", region, suffix)
                        : mem_printf("api.ecr.%s.%s", region, suffix);
    return NULL;
}

bool ecr_host_parse(struct ecr_host *out, const char *host)
{
    const char *at = host;
    *out = (struct ecr_host){0};
    if (str_eq(host, "public.ecr.aws")) {
        *out = (struct ecr_host){.region = mem_strdup("us-east-1"),
                                 .api = mem_strdup("api.ecr-public.us-east-1.amazonaws.com"),
                                 .open = true};
        return true;
    }
    if (!skip_account(&at) || (!skip(&at, ".dkr.ecr") && !skip(&at, ".dkr-ecr")))
        return false;
    bool fips = skip(&at, "-fips");
    if (!skip(&at, "."))
        return false;
    AUTO(mem_free) char *region = mem_strndup(at, strcspn(at, "."));
    at += strlen(region);
    char *api = skip(&at, ".") && aws_region_valid(region) ? api_of(region, at, fips) : NULL;
    if (api)
        *out = (struct ecr_host){.region = TAKE(region), .api = api};
    return api != NULL;
}

struct err *ecr_parse(struct creds *out, int64_t *end_unix, const json_t *answer, const char *what)
{
    /* A list in the private registries' answer, a single one in the public one's. */
    const json_t *data = json_object_get(answer, "authorizationData");
    const json_t *one = json_is_array(data) ? json_array_get(data, 0) : data;
    const char *token = NULL;
    AUTO_VALUE(cloud_wipe_buf) struct buf plain = BUF(CLOUD_BODY_MAX);
    if (json_is_object(one))
        TRY(json_get_str(one, "authorizationToken", what, &token));
    bool good = token && *token && codec_unbase64(token, strlen(token), &plain);
    const char *colon = good ? strchr(buf_text(&plain), ':') : NULL;
    if (!colon || colon == buf_text(&plain) || !colon[1] || strlen(buf_text(&plain)) != plain.len)
        return err_new(ERR_INPUT, "%s: the answer holds no authorization token", what);
    out->username = mem_strndup(buf_text(&plain), (size_t)(colon - buf_text(&plain)));
    out->password = mem_strdup(colon + 1);
    double end = json_number_value(json_object_get(one, "expiresAt"));
    *end_unix = end > 0 && end < 1e12 ? (int64_t)end : 0;
    return NULL;
}

static struct err *ask(struct creds *out, struct aws *a, const struct aws_keys *keys,
                       const struct ecr_host *h)
{
    AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    AUTO(json_decref) json_t *answer = NULL;
    AUTO(mem_free) char *base = aws_endpoint(h->open ? "ECR_PUBLIC" : "ECR", h->api);
    AUTO(mem_free) char *url = str_ends(base, "/") ? mem_strdup(base) : mem_printf("%s/", base);
    int64_t end_unix = 0;
    strmap_add(&headers, "Content-Type", TYPE);
    strmap_add(&headers, "X-Amz-Target", h->open ? OPEN_TARGET : PRIVATE_TARGET);
    struct aws_call call = {.url = url,
                            .region = h->region,
                            .service = h->open ? "ecr-public" : "ecr",
                            .headers = &headers,
                            .body = "{}",
                            .body_len = 2};
    struct cloud_request shown = {.method = "POST", .url = url};
    TRY(aws_call_send(&r, a, keys, &call));
    if (r.status != 200)
        return cloud_refusal_json(&shown, &r);
    AUTO(mem_free) char *what = cloud_what(&shown);
    answer = cloud_object(buf_text(&r.body), r.body.len);
    if (!answer)
        return err_new(ERR_INPUT, "%s: the answer is not a JSON object", what);
    TRY(ecr_parse(out, &end_unix, answer, what));
    int64_t left = end_unix - (clock_unix() + a->skew);
    out->end_ms = end_unix ? clock_ms() + (left > 0 ? (uint64_t)left * 1000 : 0) : 0;
    out->source = mem_printf("Amazon ECR (%s)", keys->source);
    return NULL;
}

struct err *ecr_find(struct creds *out, const struct cloud *c, const struct ecr_host *h, bool *found)
{
    AUTO_VALUE(aws_keys_wipe) struct aws_keys keys = {0};
    struct aws a = {.cloud = c, .region = h->region};
    TRY(aws_find(&keys, &a, found));
    if (!*found)
        return NULL;
    *found = false;
    struct err *e = ask(out, &a, &keys, h);
    if (e)
        return err_hint(e, "the keys are from %s; they must be allowed %s:GetAuthorizationToken", keys.source,
                        h->open ? "ecr-public" : "ecr");
    *found = true;
    return NULL;
}
