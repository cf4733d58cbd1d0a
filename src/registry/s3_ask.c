/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/s3_ask.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/aws_call.h"
#include "registry/aws_xml.h"
#include "registry/cloud_ask.h"
#include "registry/retry.h"
#include "registry/sigv4.h"
#include "registry/url.h"

#include <string.h>

#define KEYS_FRESH_MS 60000
#define BUCKET_MAX 255

static struct err *check_bucket(const char *bucket)
{
    bool good = *bucket && strlen(bucket) <= BUCKET_MAX && *bucket != '.';
    for (const char *c = bucket; *c && good; c++)
        good = str_is_alnum(*c) || *c == '.' || *c == '-' || *c == '_';
    if (good)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(bucket);
    return err_new(ERR_USAGE, "bucket: expected the name of a bucket, found \"%s\"", safe);
}

static struct err *find_region(struct s3 *s, const struct s3_options *o, bool others)
{
    const char *region = o->region                         ? o->region
                         : cloud_env("AWS_REGION")         ? cloud_env("AWS_REGION")
                         : cloud_env("AWS_DEFAULT_REGION") ? cloud_env("AWS_DEFAULT_REGION")
                         : others                          ? "us-east-1"
                                                           : NULL;
    if (!region)
        return err_hint(err_new(ERR_USAGE, "region is missing"), "give region=NAME, or set AWS_REGION");
    if (!aws_region_valid(region)) {
        AUTO(mem_free) char *safe = str_safe(region);
        return err_new(ERR_USAGE, "region: expected a region as eu-west-1, found \"%s\"", safe);
    }
    s->region = mem_strdup(region);
    return NULL;
}

struct err *s3_ask_base(struct s3 *s, const struct s3_options *o)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    bool others = o->endpoint || cloud_env("AWS_ENDPOINT_URL_S3") || cloud_env("AWS_ENDPOINT_URL");
    TRY(check_bucket(o->bucket));
    TRY(find_region(s, o, others));
    AUTO(mem_free) char *host = mem_printf("s3.%s.%s", s->region, aws_suffix(s->region));
    AUTO(mem_free) char *endpoint = o->endpoint ? mem_strdup(o->endpoint) : aws_endpoint("S3", host);
    TRY(err_wrap(url_parse(&u, endpoint), "endpoint_url"));
    const char *path = strstr(u.text, "://") + 3;
    path += strcspn(path, "/?");
    if (*path && !str_eq(path, "/"))
        return err_new(ERR_USAGE, "endpoint_url: expected no path behind the host");
    AUTO(mem_free) char *at = url_host_port(&u);
    /* Certificates are for one label before the host; addresses have no labels. */
    bool in_path = o->path_style || strchr(o->bucket, '.') || address_is_literal(u.host);
    s->bucket = mem_strdup(o->bucket);
    s->root = in_path ? mem_printf("/%s", o->bucket) : mem_strdup("");
    s->base =
        in_path ? mem_printf("%s://%s", u.scheme, at) : mem_printf("%s://%s.%s", u.scheme, o->bucket, at);
    return NULL;
}

/* Held: the lock. */
static struct err *need_keys(struct s3 *s)
{
    bool found = false;
    if (s->keys.id)
        return NULL;
    s->aws.cloud = &s->cloud;
    s->aws.region = s->region;
    TRY(aws_find(&s->keys, &s->aws, &found));
    if (!found)
        return err_hint(err_new(ERR_DENIED, "bucket %s: there are no keys of AWS", s->bucket),
                        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or have a profile");
    s->keys_ms = clock_ms();
    return NULL;
}

static char *encode_path(const char *path)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strlist_wipe) struct strlist parts = {0};
    strlist_split(&parts, path, '/');
    for (size_t i = 0; i < parts.count; i++) {
        AUTO(mem_free) char *encoded = url_encode(parts.item[i]);
        buf_printf(&out, "%s%s", i ? "/" : "", encoded);
    }
    return buf_take(&out);
}

static struct err *set_url(struct url *out, const struct s3_request *q, const char *path)
{
    AUTO(mem_free) char *encoded = encode_path(path);
    AUTO(mem_free) char *text = mem_printf("%s%s", q->s3->base, encoded);
    TRY(url_parse(out, text));
    for (size_t i = 0; q->query && i < q->query->count; i++)
        url_add_query(out, q->query->key[i], q->query->value[i]);
    return NULL;
}

static void sign(const struct s3_request *q, const char *path, const struct strmap *headers,
                 struct transfer_parts *parts)
{
    struct s3 *s = q->s3;
    char date[SIGV4_DATE];
    int64_t now = clock_unix() + s->aws.skew;
    AUTO(mem_free) char *host = url_host_port(&parts->url);
    struct sigv4_request request = {.method = q->method,
                                    .host = host,
                                    .path = path,
                                    .query = q->query,
                                    .headers = headers,
                                    .body_hash = strmap_get(headers, "X-Amz-Content-Sha256"),
                                    .path_as_is = true};
    struct sigv4_key key = {.id = s->keys.id,
                            .secret = s->keys.secret,
                            .token = s->keys.token,
                            .region = s->region,
                            .service = "s3"};
    parts->authorization = sigv4_sign(&request, &key, now);
    sigv4_date(now, date);
    strlist_add_take(&parts->headers, mem_printf("X-Amz-Date: %s", date));
    if (s->keys.token)
        strlist_add_take(&parts->headers, mem_printf("X-Amz-Security-Token: %s", s->keys.token));
    for (size_t i = 0; i < headers->count; i++)
        strlist_add_take(&parts->headers, mem_printf("%s: %s", headers->key[i], headers->value[i]));
}

struct err *s3_ask_compose(void *ctx, struct transfer_parts *parts)
{
    struct s3_request *q = ctx;
    char hex[DIGEST_TEXT];
    struct digest nothing = digest_of("", 0);
    AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
    AUTO(lock_release) struct lock *held = lock_hold(q->s3->lock);
    AUTO(mem_free) char *path = mem_printf("%s/%s", q->s3->root, q->key);
    TRY(need_keys(q->s3));
    q->skew = q->s3->aws.skew;
    q->keys_ms = q->s3->keys_ms;
    TRY(set_url(&parts->url, q, path));
    strmap_add(&headers, "X-Amz-Content-Sha256", q->body_hash ? q->body_hash : digest_hex(&nothing, hex));
    if (q->copy_from) {
        AUTO(mem_free) char *encoded = encode_path(q->copy_from);
        strmap_add(&headers, "X-Amz-Copy-Source", encoded);
        strmap_add(&headers, "X-Amz-Metadata-Directive", "REPLACE");
    }
    sign(q, path, &headers, parts);
    return NULL;
}

bool s3_ask_learn(const struct s3_request *q, int status, const struct strmap *headers)
{
    struct s3 *s = q->s3;
    AUTO(lock_release) struct lock *held = lock_hold(s->lock);
    if (status != 400 && status != 403)
        return false;
    /* Another request has learned it meanwhile. */
    if (q->skew != s->aws.skew || q->keys_ms != s->keys_ms)
        return true;
    if (aws_call_clock(&s->aws, status, headers))
        return true;
    if (!s->keys.token || clock_ms() - s->keys_ms <= KEYS_FRESH_MS)
        return false;
    aws_keys_wipe(&s->keys);
    return true;
}

char *s3_ask_what(const struct s3_request *q)
{
    AUTO(mem_free) char *safe = str_safe(q->key);
    return mem_printf("%s %s%s/%s", q->method, q->s3->base, q->s3->root, safe);
}

struct err *s3_ask_send(struct transfer_reply *out, const struct s3_request *q)
{
    AUTO(mem_free) char *what = s3_ask_what(q);
    struct s3_request copy = *q;
    struct transfer_request request = {.method = q->method,
                                       .what = what,
                                       .compose = s3_ask_compose,
                                       .ctx = &copy,
                                       .body = q->body,
                                       .body_begin = q->body_begin,
                                       .body_size = q->body_size,
                                       .sends = q->sends};
    TRY(transfer_send(out, &q->s3->transfer, &request));
    bool again = !q->body || source_can_reopen(q->body);
    if (!again || !s3_ask_learn(&copy, out->status, &out->headers))
        return NULL;
    transfer_reply_wipe(out);
    if (q->body)
        TRY(source_reopen(q->body, q->body_begin));
    return transfer_send(out, &q->s3->transfer, &request);
}

/* Amazon says it in a header, others in the document. New string, or NULL. */
static char *right_region(const struct s3_request *q, const struct transfer_reply *r)
{
    const char *header = strmap_get(&r->headers, "x-amz-bucket-region");
    AUTO(mem_free) char *region = header ? mem_strdup(header) : NULL;
    bool said = region || (aws_xml_text(&region, buf_text(&r->body), r->body.len, "Error/Region") && region);
    bool other = said && !str_eq(region, q->s3->region) && aws_region_valid(region);
    return other ? TAKE(region) : NULL;
}

static struct err *hinted(struct err *e, const struct s3_request *q, const struct transfer_reply *r,
                          const char *code)
{
    AUTO(mem_free) char *region = right_region(q, r);
    if (region)
        return err_hint(err_as(e, ERR_INPUT), "the bucket is in another region: region=%s", region);
    if (r->status == 404 && str_eq(code, "NoSuchBucket"))
        return err_hint(err_as(e, ERR_INPUT), "make the bucket first");
    if (r->status == 403 && (str_eq(code, "SignatureDoesNotMatch") || str_eq(code, "InvalidAccessKeyId")))
        return err_hint(e, "the keys are from %s: is the secret the one that belongs to the key?",
                        q->s3->keys.source);
    if (r->status == 403)
        return err_hint(e,
                        "the keys are from %s; they need s3:GetObject, s3:PutObject, s3:AbortMultipartUpload "
                        "and s3:ListBucket",
                        q->s3->keys.source);
    return e;
}

struct err *s3_ask_refusal(const struct s3_request *q, const struct transfer_reply *r)
{
    AUTO(mem_free) char *code = NULL;
    AUTO(mem_free) char *message = NULL;
    AUTO(mem_free) char *what = s3_ask_what(q);
    if (!aws_xml_text(&code, buf_text(&r->body), r->body.len, "Error/Code") ||
        !aws_xml_text(&message, buf_text(&r->body), r->body.len, "Error/Message")) {
        mem_free(TAKE(code)); /* not what it should be */
    }
    return hinted(transfer_refusal(what, r->status, code, message), q, r, code);
}
