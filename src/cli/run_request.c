/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_request.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/num.h"
#include "cli/csv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define NS_PER_MS INT64_C(1000000)

static struct err *unexpected(const char *option, const char *expected, const char *found)
{
    AUTO(mem_free) char *safe = str_safe(found);
    return err_new(ERR_USAGE, "%s: expected %s, found \"%s\"", option, expected, safe);
}

/* "key=value" of one field; the value is NULL without "=". */
static char *split_field(const char *field, const char **value)
{
    const char *equals = strchr(field, '=');
    *value = equals ? equals + 1 : NULL;
    return equals ? mem_strndup(field, (size_t)(equals - field)) : mem_strdup(field);
}

struct err *run_request_userns(enum sandbox_wanted *out, const char *text)
{
    static const struct {
        const char *name;
        enum sandbox_wanted wanted;
    } names[] = {{"auto", SANDBOX_WANT_AUTO},
                 {"single", SANDBOX_WANT_SINGLE},
                 {"subuid", SANDBOX_WANT_RANGE},
                 {"host", SANDBOX_WANT_HOST}};
    *out = SANDBOX_WANT_AUTO;
    if (!text)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(text, names[i].name)) {
            *out = names[i].wanted;
            return NULL;
        }
    return unexpected("--userns", "auto, single, subuid or host", text);
}

static struct err *set_network(struct run_options *o, const char *text)
{
    if (!text || str_eq(text, "default") || str_eq(text, "host"))
        o->network = SANDBOX_NETWORK_HOST;
    else if (str_eq(text, "none"))
        o->network = SANDBOX_NETWORK_NONE;
    else
        return unexpected("--network", "default, none or host", text);
    return NULL;
}

static struct err *allow(struct run_options *o, const char *what)
{
    if (str_eq(what, "security.insecure"))
        o->allow_insecure = true;
    else if (str_eq(what, "network.host"))
        o->allow_host_network = true;
    else
        return unexpected("--allow", "network.host or security.insecure", what);
    return NULL;
}

/* "name:address" or "name=address"; the address may be of version 6, and in brackets. */
static struct err *add_host(struct run_options *o, const char *text)
{
    size_t len = strcspn(text, "=:");
    AUTO(mem_free) char *name = mem_strndup(text, len);
    const char *address = text[len] ? text + len + 1 : "";
    size_t address_len = strlen(address);
    AUTO(mem_free)
    char *bare = address_len > 2 && address[0] == '[' && address[address_len - 1] == ']'
                     ? mem_strndup(address + 1, address_len - 2)
                     : mem_strdup(address);
    unsigned char binary[sizeof(struct in6_addr)];
    bool good = len > 0 && !strpbrk(name, " \t\n\r#") &&
                (inet_pton(AF_INET, bare, binary) == 1 || inet_pton(AF_INET6, bare, binary) == 1);
    if (str_eq(bare, "host-gateway"))
        return err_new(ERR_UNSUPPORTED, "--add-host: there is no gateway: commands share the host's network");
    if (!good)
        return unexpected("--add-host", "NAME:ADDRESS", text);
    strmap_set(&o->hosts, name, bare);
    return NULL;
}

/* The forms of buildx; without a source it is the environment's variable of that name, else the file. */
static struct err *read_secret(struct run_secret *secret, const char *type, const char *path, const char *env)
{
    const char *value = NULL;
    if (str_eq(type, "env") && !env) {
        env = path;
        path = NULL;
    }
    if (!env && !path && getenv(secret->id))
        env = secret->id;
    if (env)
        value = getenv(env);
    if (env && !value) {
        AUTO(mem_free) char *safe = str_safe(env);
        return err_new(ERR_NOT_FOUND, "--secret: the environment has no variable %s", safe);
    }
    AUTO_VALUE(buf_wipe) struct buf data = BUF(RUN_SECRET_MAX);
    if (value)
        buf_str(&data, value);
    else
        TRY(err_wrap(fs_read_file(&data, AT_FDCWD, path ? path : secret->id, NULL), "--secret id=%s",
                     secret->id));
    TRY(buf_check(&data, "a secret"));
    secret->data = mem_alloc(data.len + 1);
    memcpy(secret->data, buf_text(&data), data.len + 1);
    secret->data_len = data.len;
    explicit_bzero(data.data, data.len);
    return NULL;
}

static struct err *add_secret(struct run_options *o, const char *text)
{
    AUTO_VALUE(strlist_wipe) struct strlist fields = {0};
    const char *id = NULL, *type = NULL, *path = NULL, *env = NULL;
    TRY(csv_split(&fields, text, "--secret"));
    for (size_t i = 0; i < fields.count; i++) {
        const char *value = NULL;
        AUTO(mem_free) char *key = split_field(fields.item[i], &value);
        if (!value)
            return unexpected("--secret", "id=NAME[,src=FILE|,env=VARIABLE]", text);
        if (str_eq(key, "id"))
            id = value;
        else if (str_eq(key, "src") || str_eq(key, "source"))
            path = value;
        else if (str_eq(key, "env"))
            env = value;
        else if (str_eq(key, "type") && (str_eq(value, "file") || str_eq(value, "env")))
            type = value;
        else
            return unexpected("--secret", "id=NAME[,src=FILE|,env=VARIABLE]", text);
    }
    if (str_empty(id))
        return unexpected("--secret", "id=NAME[,src=FILE|,env=VARIABLE]", text);
    struct run_secret secret = {.id = mem_strdup(id)};
    MEM_PUSH(o->secret, o->secret_count, o->secret_room, secret);
    return read_secret(&o->secret[o->secret_count - 1], type, path, env);
}

static struct err *check_socket(const char *id, const char *path)
{
    struct stat st;
    AUTO(mem_free) char *safe = str_safe(path);
    if (stat(path, &st) != 0)
        return err_sys("--ssh %s: %s", id, safe);
    if (S_ISSOCK(st.st_mode))
        return NULL;
    return err_hint(err_new(ERR_UNSUPPORTED, "--ssh %s: %s is no socket of an agent", id, safe),
                    "give the key to an ssh-agent: ssh-add %s", safe);
}

/* "default", "id", "id=socket". */
static struct err *add_agent(struct run_options *o, const char *text)
{
    const char *path = NULL;
    AUTO(mem_free) char *id = split_field(text, &path);
    AUTO(mem_free) char *safe = str_safe(id);
    if (!path)
        path = getenv("SSH_AUTH_SOCK");
    if (str_empty(id))
        return unexpected("--ssh", "default or ID[=SOCKET]", text);
    if (!path || !*path)
        return err_hint(err_new(ERR_NOT_FOUND, "--ssh %s: SSH_AUTH_SOCK is not set", safe),
                        "start an ssh-agent, or name its socket: --ssh %s=SOCKET", safe);
    TRY(check_socket(safe, path));
    struct run_agent agent = {.id = mem_strdup(id), .socket = realpath(path, NULL)};
    if (!agent.socket)
        agent.socket = mem_strdup(path);
    MEM_PUSH(o->agent, o->agent_count, o->agent_room, agent);
    return NULL;
}

static bool parse_limit(const char *text, uint64_t *value)
{
    if (str_eq(text, "-1") || str_eq(text, "unlimited")) {
        *value = RLIM_INFINITY;
        return true;
    }
    return num_parse(text, UINT64_MAX - 1, value);
}

static struct err *add_ulimit(struct run_options *o, const char *text)
{
    static const struct {
        const char *name;
        int what;
    } names[] = {{"core", RLIMIT_CORE},
                 {"cpu", RLIMIT_CPU},
                 {"data", RLIMIT_DATA},
                 {"fsize", RLIMIT_FSIZE},
                 {"locks", RLIMIT_LOCKS},
                 {"memlock", RLIMIT_MEMLOCK},
                 {"msgqueue", RLIMIT_MSGQUEUE},
                 {"nice", RLIMIT_NICE},
                 {"nofile", RLIMIT_NOFILE},
                 {"nproc", RLIMIT_NPROC},
                 {"rss", RLIMIT_RSS},
                 {"rtprio", RLIMIT_RTPRIO},
                 {"sigpending", RLIMIT_SIGPENDING},
                 {"stack", RLIMIT_STACK}};
    static const char form[] = "NAME=SOFT[:HARD], with a name as nofile, nproc or fsize";
    const char *value = NULL;
    struct sandbox_limit limit = {.what = -1};
    AUTO(mem_free) char *name = split_field(text, &value);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, names[i].name))
            limit.what = (int)names[i].what;
    if (limit.what < 0 || str_empty(value))
        return unexpected("--ulimit", form, text);
    size_t len = strcspn(value, ":");
    AUTO(mem_free) char *soft = mem_strndup(value, len);
    const char *hard = value[len] ? value + len + 1 : soft;
    if (!parse_limit(soft, &limit.soft) || !parse_limit(hard, &limit.hard) || limit.soft > limit.hard)
        return unexpected("--ulimit", form, text);
    MEM_PUSH(o->limit, o->limit_count, o->limit_room, limit);
    return NULL;
}

static struct err *set_memory(struct run_options *o, const char *text)
{
    struct sandbox_limit limit = {.what = RLIMIT_DATA};
    if (!text)
        return NULL;
    if (!num_parse_size(text, UINT64_MAX - 1, &limit.soft) || limit.soft == 0)
        return unexpected("--memory", "a size as 500m or 2g", text);
    limit.hard = limit.soft;
    MEM_PUSH(o->limit, o->limit_count, o->limit_room, limit);
    return NULL;
}

static struct err *set_timeout(uint64_t *out, const char *option, const char *text)
{
    int64_t ns = 0;
    if (!text)
        return NULL;
    if (!num_parse_duration(text, &ns) || ns < NS_PER_MS)
        return unexpected(option, "a time as 90s or 1h30m", text);
    *out = (uint64_t)(ns / NS_PER_MS);
    return NULL;
}

static struct err *each(struct run_options *o, const struct strlist *texts,
                        struct err *(*add)(struct run_options *o, const char *text))
{
    for (size_t i = 0; i < texts->count; i++)
        TRY(add(o, texts->item[i]));
    return NULL;
}

struct err *run_request_make(struct run_options *out, const struct run_settings *settings)
{
    TRY(run_request_userns(&out->userns, settings->userns));
    TRY(set_network(out, settings->network));
    TRY(each(out, &settings->allow, allow));
    TRY(each(out, &settings->hosts, add_host));
    TRY(each(out, &settings->agents, add_agent));
    TRY(each(out, &settings->ulimits, add_ulimit));
    TRY(set_memory(out, settings->memory));
    if (settings->shm_size && !num_parse_size(settings->shm_size, INT64_MAX, &out->shm_size))
        return unexpected("--shm-size", "a size as 64m", settings->shm_size);
    TRY(set_timeout(&out->build_timeout_ms, "--timeout", settings->timeout));
    TRY(set_timeout(&out->step_timeout_ms, "--step-timeout", settings->step_timeout));
    strlist_copy(&out->no_cache_filter, &settings->no_cache_filters);
    return each(out, &settings->secrets, add_secret);
}

void run_request_wipe(struct run_options *o)
{
    for (size_t i = 0; i < o->secret_count; i++) {
        free(o->secret[i].id);
        if (o->secret[i].data)
            explicit_bzero(o->secret[i].data, o->secret[i].data_len);
        free(o->secret[i].data);
    }
    free(o->secret);
    for (size_t i = 0; i < o->agent_count; i++) {
        free(o->agent[i].id);
        free(o->agent[i].socket);
    }
    free(o->agent);
    strmap_wipe(&o->hosts);
    free(o->limit);
    strlist_wipe(&o->no_cache_filter);
    *o = (struct run_options){0};
}
