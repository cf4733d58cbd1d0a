/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/google_federation.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/url.h"

#include <string.h>

#define EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define IMPERSONATE_END ":generateAccessToken"

/* The token within the text of its source: all of it, or a field of JSON. */
static struct err *pick(char **out, const json_t *source, const char *text, size_t len, const char *what)
{
    const json_t *format = NULL;
    const char *type = NULL;
    const char *field = NULL;
    const char *token = text;
    AUTO(json_decref) json_t *document = NULL;
    TRY(json_get_object(source, "format", what, &format));
    TRY(json_get_str(format, "type", what, &type));
    TRY(json_get_str(format, "subject_token_field_name", what, &field));
    if (type && str_eq(type, "json")) {
        document = cloud_object(text, len);
        token = document && field ? json_string_value(json_object_get(document, field)) : NULL;
    }
    AUTO(cloud_wipe_text) char *trimmed = str_trim(token ? token : "");
    if (!*trimmed)
        return err_new(ERR_INPUT, "%s: its credential_source holds no token", what);
    *out = TAKE(trimmed);
    return NULL;
}

/* Its headers hold secrets: not without TLS but on this machine. */
static struct err *token_by_url(char **out, const struct cloud *c, const json_t *source, const char *text,
                                const char *what)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(strmap_wipe) struct strmap given = {0};
    AUTO_VALUE(cloud_wipe_list) struct strlist headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    TRY(err_wrap(url_parse(&u, text), "%s: its credential_source", what));
    if (!str_eq(u.scheme, "https") && !address_is_loopback_host(u.host))
        return err_new(ERR_DENIED, "%s: its credential_source %s is not asked without TLS", what, u.host);
    TRY(json_get_strmap(source, "headers", what, &given));
    for (size_t i = 0; i < given.count; i++) {
        if (strpbrk(given.key[i], "\r\n:") || strpbrk(given.value[i], "\r\n"))
            return err_new(ERR_INPUT, "%s: a header of its credential_source is not valid", what);
        strlist_add_take(&headers, mem_printf("%s: %s", given.key[i], given.value[i]));
    }
    struct cloud_request q = {.method = "GET", .url = text, .headers = &headers};
    struct err *e = cloud_ask(&r, c, &q);
    if (!e && r.status != 200)
        e = cloud_refusal_json(&q, &r);
    for (size_t i = 0; i < given.count; i++)
        mem_wipe(given.value[i], strlen(given.value[i]));
    TRY(e);
    return pick(out, source, buf_text(&r.body), r.body.len, what);
}

static struct err *subject_token(char **out, const struct cloud *c, const json_t *file, const char *what)
{
    const json_t *source = NULL;
    const char *path = NULL;
    const char *url = NULL;
    AUTO(cloud_wipe_text) char *text = NULL;
    TRY(json_get_object(file, "credential_source", what, &source));
    TRY(json_get_str(source, "file", what, &path));
    TRY(json_get_str(source, "url", what, &url));
    if (url && !json_object_get(source, "environment_id"))
        return token_by_url(out, c, source, url, what);
    if (!path)
        return err_new(ERR_UNSUPPORTED, "%s: its credential_source is neither a file nor a URL", what);
    TRY(err_wrap(cloud_read_secret(&text, path), "%s: its credential_source", what));
    return pick(out, source, text, strlen(text), what);
}

/* Go on as a service account. */
static struct err *impersonate(struct google_token *out, const struct cloud *c, const char *url,
                               const char *federated, const char *what)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    const char *token = NULL;
    static const char body[] = "{\"scope\":[\"" GOOGLE_SCOPE "\"]}";
    TRY(err_wrap(google_check_url(url), "%s", what));
    if (!str_ends(url, IMPERSONATE_END))
        return err_new(ERR_INPUT, "%s: its service_account_impersonation_url is not one", what);
    AUTO(cloud_wipe_text) char *authorization = mem_printf("Bearer %s", federated);
    strlist_add(&headers, "Content-Type: application/json");
    struct cloud_request q = {.method = "POST",
                              .url = url,
                              .headers = &headers,
                              .authorization = authorization,
                              .body = body,
                              .body_len = sizeof body - 1};
    TRY(cloud_ask_json(&answer, c, &q));
    TRY(json_get_str(answer, "accessToken", what, &token));
    if (!cloud_fits_header(token))
        return err_new(ERR_INPUT, "%s: the answer holds no token", what);
    cloud_wipe_text(out->value);
    out->value = mem_strdup(token);
    out->end_ms = clock_ms() + 3600u * 1000;
    return NULL;
}

struct err *google_federation_token(struct google_token *out, const struct cloud *c, const json_t *file,
                                    const char *what)
{
    const char *audience = NULL;
    const char *type = NULL;
    const char *url = NULL;
    const char *account = NULL;
    AUTO(cloud_wipe_text) char *subject = NULL;
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    TRY(json_get_str(file, "audience", what, &audience));
    TRY(json_get_str(file, "subject_token_type", what, &type));
    TRY(json_get_str(file, "token_url", what, &url));
    TRY(json_get_str(file, "service_account_impersonation_url", what, &account));
    if (!audience || !type || !url)
        return err_new(ERR_INPUT,
                       "%s: one of the keys \"audience\", \"subject_token_type\" and "
                       "\"token_url\" is missing",
                       what);
    TRY(err_wrap(google_check_url(url), "%s", what));
    TRY(subject_token(&subject, c, file, what));
    cloud_form(&form, "grant_type", EXCHANGE);
    cloud_form(&form, "audience", audience);
    cloud_form(&form, "scope", GOOGLE_SCOPE);
    cloud_form(&form, "requested_token_type", ACCESS_TOKEN);
    cloud_form(&form, "subject_token_type", type);
    cloud_form(&form, "subject_token", subject);
    TRY(google_ask(out, c, url, &form));
    if (!account)
        return NULL;
    AUTO(cloud_wipe_text) char *federated = mem_strdup(out->value);
    return impersonate(out, c, account, federated, what);
}
