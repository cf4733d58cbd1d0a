/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/address.h"
#include "registry/aws.h"
#include "registry/url.h"

#include <string.h>

#define CONTAINER "http://169.254.170.2"
#define INSTANCE "http://169.254.169.254"
#define INSTANCE_V6 "http://[fd00:ec2::254]"
#define TOKEN_LIFE "21600"

/* Where plain HTTP may carry keys: this machine, and the agents of ECS and EKS. */
static bool is_local(const struct url *u)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    for (size_t i = 0; i < ARRAY_LEN(agents); i++)
        if (str_eq(u->host, agents[i]))
            return true;
    return address_is_loopback_host(u->host);
}

static struct err *container_url(char **out, const char **source)
{
    const char *path = cloud_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = cloud_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    *out = NULL;
    *source =
        path || !full ? "$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" : "$AWS_CONTAINER_CREDENTIALS_FULL_URI";
    if (path && *path != '/')
        return err_new(ERR_USAGE, "%s does not begin with \"/\"", *source + 1);
    if (path)
        *out = mem_printf("%s%s", CONTAINER, path);
    else if (full) {
        AUTO_VALUE(url_wipe) struct url u = {0};
        TRY(err_wrap(url_parse(&u, full), "%s", *source));
        if (str_eq(u.scheme, "http") && !is_local(&u))
            return err_new(ERR_DENIED, "%s: %s is not this machine, and not asked without TLS", *source,
                           u.host);
        *out = mem_strdup(full);
    }
    return NULL;
}

static struct err *container_token(char **out)
{
    const char *file = cloud_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *given = cloud_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (file)
        TRY(err_wrap(cloud_read_secret(out, file), "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    else
        *out = mem_strdup(given);
    for (const char *c = *out; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_new(ERR_INPUT, "the token for AWS's container metadata holds a control character");
    return NULL;
}

struct err *aws_from_container(struct aws_keys *out, const struct aws *a, bool *found)
{
    AUTO(mem_free) char *url = NULL;
    AUTO(cloud_wipe_text) char *token = NULL;
    AUTO(json_decref) json_t *answer = NULL;
    const char *source;
    TRY(container_url(&url, &source));
    if (!url) {
        creds_trace_skip(a->cloud->trace, source, "not set");
        return NULL;
    }
    TRY(container_token(&token));
    struct cloud_request q = {.method = "GET", .url = url, .authorization = token, .metadata = true};
    AUTO(mem_free) char *what = cloud_what(&q);
    TRY(err_wrap(cloud_ask_json(&answer, a->cloud, &q), "%s", source));
    TRY(aws_keys_parse(out, answer, "Token", what));
    out->source = mem_strdup(source);
    *found = true;
    return NULL;
}

/* One GET of the instance's metadata with the token of IMDSv2. */
static struct err *instance_get(struct cloud_reply *out, const struct aws *a, const char *base,
                                const char *token, const char *role)
{
    AUTO_VALUE(cloud_wipe_list) struct strlist headers = {0};
    AUTO(mem_free) char *url = mem_printf("%s/latest/meta-data/iam/security-credentials/%s", base, role);
    strlist_add_take(&headers, mem_printf("X-aws-ec2-metadata-token: %s", token));
    struct cloud_request q = {.method = "GET", .url = url, .headers = &headers, .metadata = true};
    return cloud_ask(out, a->cloud, &q);
}

static bool is_role(const char *name)
{
    static const char others[] = "+=,.@-_";
    for (const char *c = name; *c; c++)
        if (!str_is_alnum(*c) && !strchr(others, *c))
            return false;
    return *name != '\0' && strlen(name) <= 64;
}

/* The token of the session; NULL when nobody is there who gives one. */
static struct err *instance_token(char **out, const struct aws *a, const char *base)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    AUTO(mem_free) char *url = mem_printf("%s/latest/api/token", base);
    strlist_add(&headers, "X-aws-ec2-metadata-token-ttl-seconds: " TOKEN_LIFE);
    struct cloud_request q = {.method = "PUT", .url = url, .headers = &headers, .metadata = true};
    TRY(cloud_ask(&r, a->cloud, &q));
    if (r.status == 200 && cloud_fits_header(buf_text(&r.body)))
        *out = mem_strdup(buf_text(&r.body));
    return NULL;
}

static struct err *ask_instance(struct aws_keys *out, const struct aws *a, const char *base, bool *found,
                                const char **why)
{
    AUTO(cloud_wipe_text) char *token = NULL;
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply names = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply keys = {0};
    AUTO(json_decref) json_t *answer = NULL;
    const char *what = "the instance's metadata";
    *why = "gives no token";
    TRY(instance_token(&token, a, base));
    if (!token)
        return NULL;
    TRY(instance_get(&names, a, base, token, ""));
    AUTO(mem_free) char *role = mem_strndup(buf_text(&names.body), strcspn(buf_text(&names.body), "\r\n"));
    *why = "the instance has no role";
    if (names.status != 200 || !is_role(role))
        return NULL;
    TRY(instance_get(&keys, a, base, token, role));
    *why = "gives no keys of its role";
    if (keys.status != 200)
        return NULL;
    answer = cloud_object(buf_text(&keys.body), keys.body.len);
    if (!answer)
        return err_new(ERR_INPUT, "%s: the answer is not a JSON object", what);
    TRY(aws_keys_parse(out, answer, "Token", what));
    *found = true;
    return NULL;
}

struct err *aws_from_instance(struct aws_keys *out, const struct aws *a, bool *found)
{
    static const char source[] = "the EC2 instance's metadata";
    struct creds_trace *trace = a->cloud->trace;
    const char *given = cloud_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *off = cloud_env("AWS_EC2_METADATA_DISABLED");
    const char *mode = cloud_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    const char *why = NULL;
    if (off && str_eq_nocase(off, "true")) {
        creds_trace_skip(trace, source, "not asked: AWS_EC2_METADATA_DISABLED is set");
        return NULL;
    }
    if (!given && !cloud_machine_may_be("amazon")) {
        creds_trace_skip(trace, source, "not asked: this machine is not Amazon's");
        return NULL;
    }
    const char *standard = mode && str_eq_nocase(mode, "IPv6") ? INSTANCE_V6 : INSTANCE;
    AUTO(mem_free) char *base = mem_strdup(given ? given : standard);
    while (str_ends(base, "/"))
        base[strlen(base) - 1] = '\0';
    struct err *e = ask_instance(out, a, base, found, &why);
    if (e && err_kind_of(e) == ERR_NETWORK) {
        creds_trace_add(trace, source, "no answer: %s", err_message(e));
        err_free(e);
        return NULL;
    }
    if (!e && !*found)
        creds_trace_add(trace, source, "%s", why);
    if (*found)
        out->source = mem_strdup(source);
    return e;
}
