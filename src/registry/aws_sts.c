/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/aws_sts.h"
#include "base/mem.h"
#include "registry/aws_call.h"
#include "registry/aws_xml.h"

#include <string.h>

#define VERSION "2011-06-15"
#define FORM "application/x-www-form-urlencoded; charset=utf-8"

static char *key_at(const char *document, size_t len, const char *action, const char *name)
{
    AUTO(mem_free)
    char *path = mem_printf("%sResponse/%sResult/Credentials/%s", action, action, name);
    char *text;
    return aws_xml_text(&text, document, len, path) ? text : NULL;
}

struct err *aws_sts_parse(struct aws_keys *out, const char *document, size_t len, const char *action,
                          const char *what)
{
    AUTO_VALUE(aws_keys_wipe) struct aws_keys got = {.id = key_at(document, len, action, "AccessKeyId")};
    got.secret = key_at(document, len, action, "SecretAccessKey");
    got.token = key_at(document, len, action, "SessionToken");
    if (!cloud_fits_header(got.id) || str_empty(got.secret) || !cloud_fits_header(got.token))
        return err_new(ERR_INPUT, "%s: the answer holds no keys", what);
    *out = got;
    got = (struct aws_keys){0};
    return NULL;
}

static struct err *read_answer(struct aws_keys *out, const struct cloud_reply *r, const char *action,
                               const char *url)
{
    struct cloud_request q = {.method = "POST", .url = url};
    if (r->status != 200) {
        AUTO(cloud_wipe_text) char *code = NULL;
        AUTO(cloud_wipe_text) char *message = NULL;
        if (aws_xml_text(&code, buf_text(&r->body), r->body.len, "ErrorResponse/Error/Code") &&
            !aws_xml_text(&message, buf_text(&r->body), r->body.len, "ErrorResponse/Error/Message"))
            message = NULL;
        return cloud_refusal(&q, r->status, code, message);
    }
    AUTO(mem_free) char *what = cloud_what(&q);
    return aws_sts_parse(out, buf_text(&r->body), r->body.len, action, what);
}

static struct err *region_of(const char **out, const struct aws *a, const struct aws_role *role)
{
    *out = cloud_env("AWS_REGION");
    if (!*out)
        *out = cloud_env("AWS_DEFAULT_REGION");
    if (!*out)
        *out = role->region ? role->region : a->region;
    if (aws_region_valid(*out))
        return NULL;
    AUTO(mem_free) char *shown = str_safe(*out);
    return err_new(ERR_USAGE, "\"%s\" is not a region of AWS", shown);
}

static void begin_form(struct buf *form, const char *action, const struct aws_role *role)
{
    cloud_form(form, "Action", action);
    cloud_form(form, "Version", VERSION);
    cloud_form(form, "RoleArn", role->arn);
    cloud_form(form, "RoleSessionName", role->session ? role->session : "lade");
}

static char *url_of(const char *region)
{
    AUTO(mem_free) char *host = mem_printf("sts.%s.%s", region, aws_suffix(region));
    return aws_endpoint("STS", host);
}

struct err *aws_assume_by_token(struct aws_keys *out, struct aws *a, const struct aws_role *role,
                                const char *token_file)
{
    static const char action[] = "AssumeRoleWithWebIdentity";
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    AUTO(cloud_wipe_text) char *token = NULL;
    const char *region;
    TRY(region_of(&region, a, role));
    TRY(cloud_read_secret(&token, token_file));
    AUTO(mem_free) char *url = url_of(region);
    begin_form(&form, action, role);
    cloud_form(&form, "WebIdentityToken", token);
    strlist_add(&headers, "Content-Type: " FORM);
    struct cloud_request q = {
        .method = "POST", .url = url, .headers = &headers, .body = form.data, .body_len = form.len};
    TRY(cloud_ask(&r, a->cloud, &q));
    return read_answer(out, &r, action, url);
}

struct err *aws_assume_by_keys(struct aws_keys *out, struct aws *a, const struct aws_role *role,
                               const struct aws_keys *keys)
{
    static const char action[] = "AssumeRole";
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    const char *region;
    TRY(region_of(&region, a, role));
    AUTO(mem_free) char *url = url_of(region);
    begin_form(&form, action, role);
    if (role->external_id)
        cloud_form(&form, "ExternalId", role->external_id);
    strmap_add(&headers, "Content-Type", FORM);
    struct aws_call call = {.url = url,
                            .region = region,
                            .service = "sts",
                            .headers = &headers,
                            .body = form.data,
                            .body_len = form.len};
    TRY(aws_call_send(&r, a, keys, &call));
    return read_answer(out, &r, action, url);
}
