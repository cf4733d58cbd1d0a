/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/proc.h"
#include "registry/aws.h"
#include "registry/aws_profile.h"
#include "registry/aws_sts.h"

#include <string.h>

#define DEPTH_MAX 8 /* of profiles that lead to profiles */
#define PROCESS_MS 60000
#define PROCESS_OUTPUT_MAX (64u << 10)
#define PROCESS_ERROR_MAX (4u << 10)

static struct err *from_profile(struct aws_keys *out, struct aws *a, const char *name, unsigned depth,
                                bool *found);

/* The words of a command as AWS's tools split them: by blanks, with double quotes around words; no shell. */
static bool split_command(struct strlist *words, const char *command)
{
    AUTO_VALUE(buf_wipe) struct buf word = BUF(BUF_NO_LIMIT);
    bool quoted = false;
    bool open = false;
    for (const char *c = command; *c; c++) {
        if (*c == '"') {
            quoted = !quoted;
            open = true;
        } else if (str_is_space(*c) && !quoted) {
            if (open)
                strlist_add(words, buf_text(&word));
            buf_clear(&word);
            open = false;
        } else {
            buf_byte(&word, *c);
            open = true;
        }
        buf_str(&word, "");
    }
    if (open)
        strlist_add(words, buf_text(&word));
    return !quoted && words->count > 0;
}

static void wipe_result(struct proc_result *r)
{
    if (r->out.data)
        mem_wipe(r->out.data, r->out.len);
    proc_result_wipe(r);
}

static struct err *from_process(struct aws_keys *out, const char *command)
{
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    AUTO_VALUE(wipe_result)
    struct proc_result r = {.out = BUF(PROCESS_OUTPUT_MAX), .err = BUF(PROCESS_ERROR_MAX)};
    AUTO(json_decref) json_t *answer = NULL;
    if (!split_command(&words, command))
        return err_new(ERR_INPUT, "credential_process is not a command");
    AUTO(mem_free) char *program = str_safe(words.item[0]);
    const char **argv = mem_zero(words.count + 1, sizeof *argv);
    for (size_t i = 0; i < words.count; i++)
        argv[i] = words.item[i];
    struct proc_spec spec = {.argv = argv, .timeout_ms = PROCESS_MS};
    struct err *e = proc_run(&spec, &r);
    mem_free(argv);
    TRY(err_wrap(e, "credential_process"));
    if (r.status != 0)
        return err_new(ERR_DENIED, "credential_process %s ended with exit status %d", program, r.status);
    answer = cloud_object(buf_text(&r.out), r.out.len);
    if (!answer)
        return err_new(ERR_INPUT, "credential_process %s wrote no JSON object", program);
    return aws_keys_parse(out, answer, "SessionToken", "credential_process");
}

static struct err *static_keys(struct aws_keys *out, const struct strmap *settings, bool *found)
{
    const char *id = strmap_get(settings, "aws_access_key_id");
    const char *secret = strmap_get(settings, "aws_secret_access_key");
    const char *token = strmap_get(settings, "aws_session_token");
    if (!id && !secret)
        return NULL;
    if (!cloud_fits_header(id) || !secret || (token && !cloud_fits_header(token)))
        return err_new(ERR_INPUT, "it has no aws_access_key_id and aws_secret_access_key that go together");
    out->id = mem_strdup(id);
    out->secret = mem_strdup(secret);
    out->token = mem_strdup(token);
    *found = true;
    return NULL;
}

/* "credential_source" of a role: what gives the keys to take it with. */
static struct err *from_source(struct aws_keys *out, struct aws *a, const char *source, bool *found)
{
    if (str_eq(source, "Ec2InstanceMetadata"))
        return aws_from_instance(out, a, found);
    if (str_eq(source, "EcsContainer"))
        return aws_from_container(out, a, found);
    if (!str_eq(source, "Environment"))
        return err_new(ERR_INPUT, "its credential_source is none of Environment, Ec2InstanceMetadata and "
                                  "EcsContainer");
    return err_new(ERR_UNSUPPORTED, "its credential_source Environment needs AWS_ACCESS_KEY_ID");
}

static struct err *from_role(struct aws_keys *out, struct aws *a, const struct strmap *settings,
                             unsigned depth, const char *name)
{
    const char *file = strmap_get(settings, "web_identity_token_file");
    const char *source = strmap_get(settings, "credential_source");
    const char *other = strmap_get(settings, "source_profile");
    struct aws_role role = {.arn = strmap_get(settings, "role_arn"),
                            .session = strmap_get(settings, "role_session_name"),
                            .external_id = strmap_get(settings, "external_id"),
                            .region = strmap_get(settings, "region")};
    AUTO_VALUE(aws_keys_wipe) struct aws_keys keys = {0};
    bool found = false;
    if (strmap_get(settings, "mfa_serial"))
        return err_hint(err_new(ERR_UNSUPPORTED, "its role asks for a second factor"),
                        "run \"aws configure export-credentials --profile %s --format env\", and set what it "
                        "prints",
                        name);
    if (file)
        return aws_assume_by_token(out, a, &role, file);
    if (source)
        TRY(from_source(&keys, a, source, &found));
    else if (other && str_eq(other, name)) /* its own keys take its role */
        TRY(static_keys(&keys, settings, &found));
    else if (other)
        TRY(from_profile(&keys, a, other, depth + 1, &found));
    if (!found)
        return err_new(ERR_INPUT, "it has a role_arn, but nothing gives the keys to take it with");
    return aws_assume_by_keys(out, a, &role, &keys);
}

static struct err *from_settings(struct aws_keys *out, struct aws *a, const struct strmap *settings,
                                 unsigned depth, const char *name, bool *found)
{
    const char *command = strmap_get(settings, "credential_process");
    if (depth == DEPTH_MAX)
        return err_new(ERR_INPUT, "it is one of more than %d profiles that lead to each other", DEPTH_MAX);
    if (strmap_get(settings, "role_arn")) {
        TRY(from_role(out, a, settings, depth, name));
        *found = true;
        return NULL;
    }
    TRY(static_keys(out, settings, found));
    if (*found)
        return NULL;
    if (command) {
        TRY(from_process(out, command));
        *found = true;
        return NULL;
    }
    if (strmap_get(settings, "sso_session") || strmap_get(settings, "sso_start_url"))
        return err_hint(err_new(ERR_UNSUPPORTED, "it signs in by IAM Identity Center, which lade does not"),
                        "run \"aws configure export-credentials --profile %s --format env\", and set what it "
                        "prints; or let \"credential_process\" of a profile run it",
                        name);
    return NULL;
}

static struct err *from_profile(struct aws_keys *out, struct aws *a, const char *name, unsigned depth,
                                bool *found)
{
    AUTO_VALUE(aws_profile_wipe) struct strmap settings = {0};
    AUTO(mem_free) char *shown = str_safe(name);
    bool there;
    TRY(aws_profile_read(&settings, name, &there));
    if (!there)
        return depth == 0 ? NULL
                          : err_new(ERR_NOT_FOUND, "there is no profile \"%s\" in AWS's shared files", shown);
    return err_wrap(from_settings(out, a, &settings, depth, shown, found), "AWS profile \"%s\"", shown);
}

struct err *aws_from_profile(struct aws_keys *out, struct aws *a, bool *found)
{
    const char *given = cloud_env("AWS_PROFILE");
    if (!given)
        given = cloud_env("AWS_DEFAULT_PROFILE");
    const char *name = given ? given : "default";
    AUTO(mem_free) char *shown = str_safe(name);
    AUTO(mem_free) char *source = mem_printf("AWS profile \"%s\"", shown);
    AUTO_VALUE(aws_profile_wipe) struct strmap settings = {0};
    bool there = false;
    TRY(aws_profile_read(&settings, name, &there));
    if (!there && given)
        return err_hint(err_new(ERR_NOT_FOUND, "there is no profile \"%s\" in AWS's shared files", shown),
                        "AWS_PROFILE names it; they are ~/.aws/config and ~/.aws/credentials");
    TRY(from_profile(out, a, name, 0, found));
    if (*found) {
        mem_free(out->source);
        out->source = TAKE(source);
    } else if (there) {
        creds_trace_add(a->cloud->trace, source, "has no keys");
    } else {
        creds_trace_skip(a->cloud->trace, source, "there is none");
    }
    return NULL;
}
