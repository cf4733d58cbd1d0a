/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/acr.h"
#include "base/mem.h"
#include "registry/azure.h"

#include <string.h>

/* The name of a user who is known by the refresh token only. */
#define NOBODY "00000000-0000-0000-0000-000000000000"

const char *acr_authority(const char *host)
{
    static const struct {
        const char *suffix, *authority;
    } clouds[] = {{".azurecr.io", "https://login.microsoftonline.com"},
                  {".azurecr.cn", "https://login.chinacloudapi.cn"},
                  {".azurecr.us", "https://login.microsoftonline.us"},
                  {".azurecr.de", "https://login.microsoftonline.de"}};
    for (size_t i = 0; i < ARRAY_LEN(clouds); i++)
        if (str_ends(host, clouds[i].suffix) && strlen(host) > strlen(clouds[i].suffix))
            return clouds[i].authority;
    return NULL;
}

static struct err *exchange(struct creds *out, const struct cloud *c, const char *host,
                            const struct azure_token *token)
{
    const char *tenant = cloud_env("AZURE_TENANT_ID");
    const char *refresh = NULL;
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    AUTO(mem_free) char *url = mem_printf("https://%s/oauth2/exchange", host);
    cloud_form(&form, "grant_type", "access_token");
    cloud_form(&form, "service", host);
    if (tenant)
        cloud_form(&form, "tenant", tenant);
    cloud_form(&form, "access_token", token->value);
    strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    struct cloud_request q = {
        .method = "POST", .url = url, .headers = &headers, .body = form.data, .body_len = form.len};
    AUTO(mem_free) char *what = cloud_what(&q);
    TRY(cloud_ask_json(&answer, c, &q));
    TRY(json_get_str(answer, "refresh_token", what, &refresh));
    if (!cloud_fits_header(refresh))
        return err_new(ERR_INPUT, "%s: the answer holds no refresh token", what);
    out->username = mem_strdup(NOBODY);
    out->identity_token = mem_strdup(refresh);
    out->source = mem_printf("Azure (%s)", token->source);
    return NULL;
}

struct err *acr_find(struct creds *out, const struct cloud *c, const char *host, bool *found)
{
    AUTO_VALUE(azure_token_wipe) struct azure_token token = {0};
    TRY(azure_find(&token, c, acr_authority(host), found));
    if (!*found)
        return NULL;
    *found = false;
    struct err *e = exchange(out, c, host, &token);
    if (e)
        return err_hint(e, "the identity is from %s; it needs the role AcrPush, or AcrPull, of the registry",
                        token.source);
    *found = true;
    return NULL;
}
