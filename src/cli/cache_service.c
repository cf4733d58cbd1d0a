/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cache_service.h"

#include "base/mem.h"
#include "base/num.h"
#include "registry/gha.h"
#include "registry/s3.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 64
#define SCOPE_MAX 256
#define NS_PER_MS 1000000
#define NS_PER_S INT64_C(1000000000)
#define NAME_DEFAULT "lade" /* BuildKit's own caches are of another form, and called "buildkit" */
#define GHA_TIMEOUT_MS 600000u

static const char *const s3_keys[] = {
    "bucket",       "region",           "endpoint_url",   "prefix",        "name",
    "blobs_prefix", "manifests_prefix", "use_path_style", "touch_refresh", "upload_parallelism",
};
static const char *const gha_keys[] = {"scope", "url", "url_v2", "version", "timeout", "repository"};
static const char *const secrets[] = {"access_key_id", "secret_access_key", "session_token", "token",
                                      "ghtoken"};

static bool is_one_of(const char *key, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(key, list[i]))
            return true;
    return false;
}

static struct err *check_key(const struct cache_place *p, const char *option, const char *key)
{
    bool s3 = p->kind == CACHE_S3;
    if (is_one_of(key, secrets, ARRAY_LEN(secrets)))
        return err_hint(err_new(ERR_USAGE, "%s: %s is not taken from the command line, which others can read",
                                option, key),
                        "%s",
                        s3 ? "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or have a "
                             "profile"
                           : "leave it out: it is in ACTIONS_RUNTIME_TOKEN");
    if (s3 ? is_one_of(key, s3_keys, ARRAY_LEN(s3_keys)) : is_one_of(key, gha_keys, ARRAY_LEN(gha_keys)))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(key);
    return err_new(ERR_USAGE, "%s: unknown key \"%s\" with type=%s", option, safe, s3 ? "s3" : "gha");
}

static const char *get(const struct cache_place *p, const char *key)
{
    const char *value = strmap_get(&p->service, key);
    return str_empty(value) ? NULL : value;
}

static bool is_true(const char *value)
{
    return str_eq(value, "true") || str_eq(value, "1");
}

static bool good_time(const char *text)
{
    int64_t ns = 0;
    return num_parse_duration(text, &ns) && ns >= 0 && ns / NS_PER_MS <= (int64_t)INT_MAX;
}

static bool good_value(const char *key, const char *value, const char **expected)
{
    uint64_t number = 0;
    if (str_eq(key, "use_path_style")) {
        *expected = "true or false";
        return is_true(value) || str_eq(value, "false") || str_eq(value, "0");
    }
    if (str_eq(key, "upload_parallelism")) {
        *expected = "a number from 1 to 64";
        return num_parse(value, JOBS_MAX, &number) && number > 0;
    }
    if (str_eq(key, "touch_refresh") || str_eq(key, "timeout")) {
        *expected = "a time as 24h or 10m";
        return good_time(value);
    }
    if (str_eq(key, "scope")) {
        *expected = "at most 256 bytes without commas";
        return strlen(value) <= SCOPE_MAX && !strchr(value, ',');
    }
    if (str_eq(key, "version")) {
        *expected = "2: the first version of the service is no more";
        return str_eq(value, "2");
    }
    return true;
}

struct err *cache_service_check(const struct cache_place *p, const char *option)
{
    for (size_t i = 0; i < p->service.count; i++) {
        const char *key = p->service.key[i], *value = p->service.value[i], *expected = NULL;
        TRY(check_key(p, option, key));
        if (str_empty(value) || good_value(key, value, &expected))
            continue;
        AUTO(mem_free) char *safe = str_safe(value);
        return err_new(ERR_USAGE, "%s: %s: expected %s, found \"%s\"", option, key, expected, safe);
    }
    if (p->kind == CACHE_S3 && !get(p, "bucket") && str_empty(getenv("AWS_BUCKET")))
        return err_new(ERR_USAGE, "%s: bucket is missing", option);
    return NULL;
}

static const char *bucket(const struct cache_place *p)
{
    return get(p, "bucket") ? get(p, "bucket") : getenv("AWS_BUCKET");
}

char *cache_service_shown(const struct cache_place *p)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    cache_service_names(p, &names);
    AUTO(mem_free) char *all = strlist_join(&names, ";");
    const char *prefix = get(p, "prefix");
    AUTO(mem_free)
    char *text = p->kind == CACHE_S3 ? mem_printf("s3://%s/%s%s", bucket(p), prefix ? prefix : "", all)
                                     : mem_printf("gha:%s", all);
    return str_safe(text);
}

void cache_service_names(const struct cache_place *p, struct strlist *out)
{
    AUTO_VALUE(strlist_wipe) struct strlist all = {0};
    const char *name = get(p, p->kind == CACHE_S3 ? "name" : "scope");
    strlist_split(&all, name ? name : NAME_DEFAULT, p->kind == CACHE_S3 ? ';' : '\n');
    for (size_t i = 0; i < all.count; i++)
        if (*all.item[i])
            strlist_add(out, all.item[i]);
    if (out->count == 0)
        strlist_add(out, NAME_DEFAULT);
}

unsigned cache_service_jobs(const struct cache_place *p, unsigned jobs)
{
    uint64_t number = 0;
    const char *text = get(p, "upload_parallelism");
    return text && num_parse(text, JOBS_MAX, &number) ? (unsigned)number : jobs;
}

static struct transfer_options transfer_of(struct session *s)
{
    int64_t ns = 0;
    struct transfer_options out = {.tries = (unsigned)s->shared->tries, .events = &s->events};
    if (s->shared->retry_budget && num_parse_duration(s->shared->retry_budget, &ns) && ns > 0 &&
        ns / NS_PER_MS <= (int64_t)INT_MAX)
        out.budget_ms = (unsigned)(ns / NS_PER_MS);
    return out;
}

static struct err *open_s3(struct store **out, struct session *s, const struct cache_place *p)
{
    const char *prefix = get(p, "prefix") ? get(p, "prefix") : "";
    const char *blobs = get(p, "blobs_prefix"), *manifests = get(p, "manifests_prefix");
    const char *refresh = get(p, "touch_refresh");
    int64_t ns = (int64_t)S3_REFRESH_S * NS_PER_S;
    AUTO(mem_free) char *all_blobs = mem_printf("%s%s", prefix, blobs ? blobs : "blobs/");
    AUTO(mem_free) char *all_manifests = mem_printf("%s%s", prefix, manifests ? manifests : "manifests/");
    if (refresh && !num_parse_duration(refresh, &ns))
        return err_new(ERR_INTERNAL, "touch_refresh was not checked");
    struct s3_options options = {.bucket = bucket(p),
                                 .region = get(p, "region"),
                                 .endpoint = get(p, "endpoint_url"),
                                 .blobs = all_blobs,
                                 .manifests = all_manifests,
                                 .path_style = is_true(get(p, "use_path_style")),
                                 .refresh_s = (unsigned)(ns / NS_PER_S),
                                 .transfer = transfer_of(s)};
    return s3_open(out, &options);
}

static struct err *open_gha(struct store **out, struct session *s, const struct cache_place *p)
{
    const char *timeout = get(p, "timeout");
    int64_t ns = (int64_t)GHA_TIMEOUT_MS * NS_PER_MS;
    struct gha_options options = {.url = get(p, "url_v2"), .transfer = transfer_of(s)};
    if (timeout && !num_parse_duration(timeout, &ns))
        return err_new(ERR_INTERNAL, "timeout was not checked");
    options.transfer.budget_ms = (unsigned)(ns / NS_PER_MS);
    return gha_open(out, &options);
}

struct err *cache_service_open(struct store **out, struct session *s, const struct cache_place *p)
{
    return p->kind == CACHE_S3 ? open_s3(out, s, p) : open_gha(out, s, p);
}
