/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/azure.h"
#include "base/mem.h"
#include "registry/address.h"
#include "registry/url.h"

#include <string.h>

#define MACHINE "http://169.254.169.254"
#define MACHINE_TAG "7783-7084-3265-9085-8269-3286-77" /* of every virtual machine in Azure */
#define ASSERTION "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

void azure_token_wipe(struct azure_token *t)
{
    cloud_wipe_text(t->value);
    mem_free(t->source);
    *t = (struct azure_token){0};
}

static struct err *take_token(struct azure_token *out, const json_t *answer, const char *what,
                              const char *source)
{
    const char *token = NULL;
    TRY(json_get_str(answer, "access_token", what, &token));
    if (!cloud_fits_header(token))
        return err_new(ERR_INPUT, "%s: the answer holds no token", what);
    out->value = mem_strdup(token);
    out->source = mem_strdup(source);
    return NULL;
}

/* Letters, digits, hyphens and dots: an id or a domain. It becomes a part of a path. */
static bool is_tenant(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!str_is_alnum(*c) && *c != '-' && *c != '.')
            return false;
    return true;
}

static struct err *token_url(char **out, const char *authority, const char *tenant)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    const char *given = cloud_env("AZURE_AUTHORITY_HOST");
    AUTO(mem_free) char *base = mem_strdup(given ? given : authority);
    TRY(err_wrap(url_parse(&u, base), "AZURE_AUTHORITY_HOST"));
    if (!str_eq(u.scheme, "https") && !address_is_loopback_host(u.host))
        return err_new(ERR_DENIED, "AZURE_AUTHORITY_HOST does not begin with https://");
    if (!is_tenant(tenant))
        return err_new(ERR_USAGE, "AZURE_TENANT_ID is neither an id nor a domain");
    while (str_ends(base, "/"))
        base[strlen(base) - 1] = '\0';
    *out = mem_printf("%s/%s/oauth2/v2.0/token", base, tenant);
    return NULL;
}

/* As a client of the tenant, by a secret or by a token of another issuer. */
static struct err *ask_entra(struct azure_token *out, const struct cloud *c, const char *authority,
                             const char *secret, const char *assertion, const char *source)
{
    const char *tenant = cloud_env("AZURE_TENANT_ID");
    const char *client = cloud_env("AZURE_CLIENT_ID");
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    AUTO(mem_free) char *url = NULL;
    if (!tenant || !client)
        return err_new(ERR_USAGE, "%s is set, but %s is not", source + 1,
                       tenant ? "AZURE_CLIENT_ID" : "AZURE_TENANT_ID");
    TRY(token_url(&url, authority, tenant));
    cloud_form(&form, "grant_type", "client_credentials");
    cloud_form(&form, "client_id", client);
    cloud_form(&form, "scope", AZURE_AUDIENCE "/.default");
    if (secret) {
        cloud_form(&form, "client_secret", secret);
    } else {
        cloud_form(&form, "client_assertion_type", ASSERTION);
        cloud_form(&form, "client_assertion", assertion);
    }
    strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    struct cloud_request q = {
        .method = "POST", .url = url, .headers = &headers, .body = form.data, .body_len = form.len};
    AUTO(mem_free) char *what = cloud_what(&q);
    TRY(err_wrap(cloud_ask_json(&answer, c, &q), "%s", source));
    return take_token(out, answer, what, source);
}

static struct err *from_principal(struct azure_token *out, const struct cloud *c, const char *authority,
                                  bool *found)
{
    static const char source[] = "$AZURE_CLIENT_SECRET";
    const char *secret = cloud_env("AZURE_CLIENT_SECRET");
    if (!secret) {
        creds_trace_skip(c->trace, source, "not set");
        return NULL;
    }
    *found = true;
    return ask_entra(out, c, authority, secret, NULL, source);
}

static struct err *from_workload(struct azure_token *out, const struct cloud *c, const char *authority,
                                 bool *found)
{
    static const char source[] = "$AZURE_FEDERATED_TOKEN_FILE";
    const char *file = cloud_env("AZURE_FEDERATED_TOKEN_FILE");
    AUTO(cloud_wipe_text) char *assertion = NULL;
    if (!file) {
        creds_trace_skip(c->trace, source, "not set");
        return NULL;
    }
    *found = true;
    TRY(err_wrap(cloud_read_secret(&assertion, file), "%s", source));
    return ask_entra(out, c, authority, NULL, assertion, source);
}

/* `base` with the questions of a managed identity. New string. */
static char *identity_url(const char *base, const char *version)
{
    AUTO(mem_free) char *resource = url_encode(AZURE_AUDIENCE);
    const char *client = cloud_env("AZURE_CLIENT_ID");
    AUTO(mem_free) char *id = url_encode(client ? client : "");
    return mem_printf("%s%capi-version=%s&resource=%s%s%s", base, strchr(base, '?') ? '&' : '?', version,
                      resource, client ? "&client_id=" : "", id);
}

/* App Service, Functions, Container Apps, Automation. */
static struct err *from_app(struct azure_token *out, const struct cloud *c, bool *found)
{
    static const char source[] = "$IDENTITY_ENDPOINT";
    const char *endpoint = cloud_env("IDENTITY_ENDPOINT");
    const char *secret = cloud_env("IDENTITY_HEADER");
    AUTO_VALUE(cloud_wipe_list) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    if (!endpoint || !secret) {
        creds_trace_add(c->trace, source, endpoint ? "IDENTITY_HEADER is not set" : "not set");
        return NULL;
    }
    if (!cloud_fits_header(secret))
        return err_new(ERR_USAGE, "IDENTITY_HEADER holds a character that it cannot have");
    AUTO(mem_free) char *url = identity_url(endpoint, "2019-08-01");
    strlist_add_take(&headers, mem_printf("X-IDENTITY-HEADER: %s", secret));
    struct cloud_request q = {.method = "GET", .url = url, .headers = &headers, .metadata = true};
    AUTO(mem_free) char *what = cloud_what(&q);
    *found = true;
    TRY(err_wrap(cloud_ask_json(&answer, c, &q), "%s", source));
    return take_token(out, answer, what, source);
}

static struct err *from_machine(struct azure_token *out, const struct cloud *c, bool *found)
{
    static const char source[] = "the Azure machine's metadata";
    const char *given = cloud_env("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    if (!given && !cloud_machine_may_be(MACHINE_TAG)) {
        creds_trace_skip(c->trace, source, "not asked: this machine is not Azure's");
        return NULL;
    }
    AUTO(mem_free) char *base = mem_strdup(given ? given : MACHINE);
    while (str_ends(base, "/"))
        base[strlen(base) - 1] = '\0';
    AUTO(mem_free) char *place = mem_printf("%s/metadata/identity/oauth2/token", base);
    AUTO(mem_free) char *url = identity_url(place, "2018-02-01");
    strlist_add(&headers, "Metadata: true");
    struct cloud_request q = {.method = "GET", .url = url, .headers = &headers, .metadata = true};
    struct err *e = cloud_ask_json(&answer, c, &q);
    if (!e)
        e = take_token(out, answer, source, source);
    *found = !e;
    if (e && err_kind_of(e) != ERR_STOPPED) {
        creds_trace_add(c->trace, source, "%s", err_message(e));
        err_free(e);
        return NULL;
    }
    return e;
}

struct err *azure_find(struct azure_token *out, const struct cloud *c, const char *authority, bool *found)
{
    *found = false;
    TRY(from_principal(out, c, authority, found));
    if (!*found)
        TRY(from_workload(out, c, authority, found));
    if (!*found)
        TRY(from_app(out, c, found));
    if (!*found)
        TRY(from_machine(out, c, found));
    return NULL;
}
