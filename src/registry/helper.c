/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/helper.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 200

static bool name_is_valid(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!str_is_alnum(*c) && !strchr("._-", *c))
            return false;
    return *name != '\0';
}

static void secret_wipe(struct proc_result *r)
{
    if (r->out.data)
        mem_wipe(r->out.data, r->out.room);
    proc_result_wipe(r);
}

/* What stands for this program in the environment is not for others: a helper finds its own things there. */
static const char **environment(void)
{
    static const char hidden[] = "DOCKER_AUTH_CONFIG=";
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    const char **env = mem_zero(count + 1, sizeof *env);
    for (size_t i = 0; i < count; i++)
        if (!str_starts(environ[i], hidden))
            env[kept++] = environ[i];
    return env;
}

static struct err *run(const char *name, const char *verb, const char *input, struct proc_result *result)
{
    AUTO(mem_free) char *safe = str_safe(name);
    if (!name_is_valid(name))
        return err_new(ERR_INPUT, "\"%s\" is not the name of a credential helper", safe);
    AUTO(mem_free) char *program = mem_printf("docker-credential-%s", name);
    const char *const argv[] = {program, verb, NULL};
    AUTO(mem_free) const char **env = environment();
    struct proc_spec spec = {.argv = argv,
                             .env = env,
                             .input = input,
                             .input_len = strlen(input),
                             .timeout_ms = HELPER_TIMEOUT_MS};
    struct err *e = proc_run(&spec, result);
    if (e && err_kind_of(e) == ERR_NOT_FOUND)
        return err_hint(e, "install %s, or take it out of credsStore and credHelpers in Docker's config.json",
                        program);
    if (e && err_kind_of(e) == ERR_RESOURCE)
        return err_hint(e, "run \"%s %s\" by hand: does it wait for somebody to unlock something?", program,
                        verb);
    return e;
}

/* What helpers say when what they were asked with, or what they keep, is incomplete. */
static bool is_config_error(const char *said)
{
    return str_starts(said, "no credentials server URL") || str_starts(said, "no credentials username");
}

/* A helper says on standard output what is wrong; only then is that no secret. */
static struct err *failure(const char *name, const char *verb, const struct proc_result *r)
{
    const struct buf *said = r->out.len ? &r->out : &r->err;
    AUTO(mem_free) char *text = str_trim(buf_text(said));
    AUTO(mem_free) char *safe = str_escape(text, strlen(text), SHOWN_MAX);
    AUTO(mem_free)
    char *how =
        r->status > 128 ? mem_printf("signal %d", r->status - 128) : mem_printf("exit status %d", r->status);
    return err_new(is_config_error(text) ? ERR_INPUT : ERR_DENIED, "docker-credential-%s %s: %s%s%s", name,
                   verb, how, *safe ? ": " : ", and said nothing", safe);
}

static struct err *parse(const char *name, const struct buf *out, char **username, char **secret)
{
    AUTO(mem_free) char *what = mem_printf("the answer of docker-credential-%s", name);
    AUTO(json_decref) json_t *answer = NULL;
    /* The parser's own message may show a part of the text. */
    struct err *e = json_parse(&answer, buf_text(out), out->len, what);
    if (e || !json_is_object(answer)) {
        err_free(e);
        return err_new(ERR_INPUT, "%s is not valid JSON", what);
    }
    const char *user = NULL;
    const char *password = NULL;
    TRY(json_get_str(answer, "Username", what, &user));
    TRY(json_get_str(answer, "Secret", what, &password));
    if (str_empty(user) && str_empty(password))
        return NULL;
    *username = mem_strdup(user ? user : "");
    *secret = mem_strdup(password ? password : "");
    return NULL;
}

struct err *helper_get(const char *name, const char *server, char **username, char **secret)
{
    AUTO_VALUE(secret_wipe)
    struct proc_result r = {.out = BUF(HELPER_OUTPUT_MAX), .err = BUF(HELPER_OUTPUT_MAX)};
    *username = *secret = NULL;
    TRY(run(name, "get", server, &r));
    AUTO(mem_free) char *said = r.status ? str_trim(buf_text(&r.out)) : NULL;
    if (said && str_starts(said, "credentials not found in native keychain"))
        return NULL;
    if (r.status)
        return failure(name, "get", &r);
    return parse(name, &r.out, username, secret);
}

struct err *helper_store(const char *name, const char *server, const char *username, const char *secret)
{
    AUTO_VALUE(secret_wipe)
    struct proc_result r = {.out = BUF(HELPER_OUTPUT_MAX), .err = BUF(HELPER_OUTPUT_MAX)};
    AUTO(json_decref) json_t *request = json_object();
    json_put(request, "ServerURL", json_new_str(server));
    json_put(request, "Username", json_new_str(username));
    json_put(request, "Secret", json_new_str(secret));
    AUTO(mem_free) char *input = json_text(request);
    struct err *e = run(name, "store", input, &r);
    mem_wipe(input, strlen(input));
    TRY(e);
    return r.status ? failure(name, "store", &r) : NULL;
}

struct err *helper_erase(const char *name, const char *server)
{
    AUTO_VALUE(secret_wipe)
    struct proc_result r = {.out = BUF(HELPER_OUTPUT_MAX), .err = BUF(HELPER_OUTPUT_MAX)};
    TRY(run(name, "erase", server, &r));
    return r.status ? failure(name, "erase", &r) : NULL;
}
