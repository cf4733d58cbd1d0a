/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/aws.h"
#include "base/mem.h"
#include "registry/aws_sts.h"

#include <string.h>

void aws_keys_wipe(struct aws_keys *k)
{
    mem_free(k->id);
    cloud_wipe_text(k->secret);
    cloud_wipe_text(k->token);
    mem_free(k->source);
    *k = (struct aws_keys){0};
}

bool aws_region_valid(const char *region)
{
    for (const char *c = region; *c; c++)
        if (!str_is_alnum(*c) && *c != '-')
            return false;
    return *region != '\0' && strlen(region) < 64;
}

const char *aws_suffix(const char *region)
{
    static const struct {
        const char *prefix, *suffix;
    } partitions[] = {{"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
                      {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
                      {"us-isof-", "csp.hci.ic.gov"}, {"eu-isoe-", "cloud.adc-e.uk"}};
    for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
        if (str_starts(region, partitions[i].prefix))
            return partitions[i].suffix;
    return "amazonaws.com";
}

char *aws_endpoint(const char *name, const char *host)
{
    AUTO(mem_free) char *own = mem_printf("AWS_ENDPOINT_URL_%s", name);
    const char *given = cloud_env(own) ? cloud_env(own) : cloud_env("AWS_ENDPOINT_URL");
    return given ? mem_strdup(given) : mem_printf("https://%s", host);
}

struct err *aws_keys_parse(struct aws_keys *out, const json_t *answer, const char *token_key,
                           const char *what)
{
    const char *id = NULL;
    const char *secret = NULL;
    const char *token = NULL;
    TRY(json_get_str(answer, "AccessKeyId", what, &id));
    TRY(json_get_str(answer, "SecretAccessKey", what, &secret));
    TRY(json_get_str(answer, token_key, what, &token));
    if (!cloud_fits_header(id) || str_empty(secret) || (token && !cloud_fits_header(token)))
        return err_new(ERR_INPUT, "%s: the answer holds no keys", what);
    out->id = mem_strdup(id);
    out->secret = mem_strdup(secret);
    out->token = mem_strdup(token);
    return NULL;
}

static struct err *from_environment(struct aws_keys *out, const struct aws *a, bool *found)
{
    static const char source[] = "$AWS_ACCESS_KEY_ID";
    const char *id = cloud_env("AWS_ACCESS_KEY_ID");
    const char *secret = cloud_env("AWS_SECRET_ACCESS_KEY");
    const char *token = cloud_env("AWS_SESSION_TOKEN");
    if (!id && !secret) {
        creds_trace_skip(a->cloud->trace, source, "not set");
        return NULL;
    }
    if (!id || !secret)
        return err_new(ERR_USAGE, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only %s is set",
                       id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    if (!cloud_fits_header(id) || (token && !cloud_fits_header(token)))
        return err_new(ERR_USAGE, "%s holds a character that no key has",
                       cloud_fits_header(id) ? "AWS_SESSION_TOKEN" : "AWS_ACCESS_KEY_ID");
    out->id = mem_strdup(id);
    out->secret = mem_strdup(secret);
    out->token = mem_strdup(token);
    out->source = mem_strdup(source);
    *found = true;
    return NULL;
}

static struct err *from_web_identity(struct aws_keys *out, struct aws *a, bool *found)
{
    static const char source[] = "$AWS_WEB_IDENTITY_TOKEN_FILE";
    const char *file = cloud_env("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!file) {
        creds_trace_skip(a->cloud->trace, source, "not set");
        return NULL;
    }
    struct aws_role role = {.arn = cloud_env("AWS_ROLE_ARN"), .session = cloud_env("AWS_ROLE_SESSION_NAME")};
    if (!role.arn)
        return err_new(ERR_USAGE, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    TRY(err_wrap(aws_assume_by_token(out, a, &role, file), "%s", source));
    out->source = mem_strdup(source);
    *found = true;
    return NULL;
}

struct err *aws_find(struct aws_keys *out, struct aws *a, bool *found)
{
    *found = false;
    TRY(from_environment(out, a, found));
    if (!*found)
        TRY(aws_from_profile(out, a, found));
    if (!*found)
        TRY(from_web_identity(out, a, found));
    if (!*found)
        TRY(aws_from_container(out, a, found));
    if (!*found)
        TRY(aws_from_instance(out, a, found));
    return NULL;
}
