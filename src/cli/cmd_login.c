/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "registry/creds.h"

#include <stdio.h>
#include <string.h>

#define REGISTRY_DEFAULT "docker.io"

struct login_settings {
    struct shared shared;
};

static const struct opt login_options[] = {
    /* Every process on the machine can read what stands on a command line. */
    {"password", 'p', OPT_MISSING, "PASSWORD", NULL, 0, 0, NULL},
};

static const struct opt_group login_groups[] = {
    {"Options", login_options, ARRAY_LEN(login_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_GENERAL,
};

static const struct opt logout_options[] = {
    {"authfile", 0, OPT_TEXT, "FILE", "a file of credentials that comes before all others",
     offsetof(struct shared, authfile), 0, NULL},
};

static const struct opt_group logout_groups[] = {
    {"Options", logout_options, ARRAY_LEN(logout_options)},
    SHARED_GENERAL,
};

/* The registry's host out of "https://host/v1/" and the like. New string. */
static struct err *parse_host(const struct strlist *args, char **out)
{
    const char *text = args->count ? args->item[0] : REGISTRY_DEFAULT;
    const char *scheme = strstr(text, "://");
    if (scheme)
        text = scheme + strlen("://");
    size_t len = strcspn(text, "/");
    if (len == 0 || memchr(text, '@', len)) {
        AUTO(mem_free) char *safe = str_safe(args->item[0]);
        return err_new(ERR_USAGE, "%s is no registry", safe);
    }
    *out = mem_strndup(text, len);
    return NULL;
}

static struct err *get_username(const struct login_settings *l, char **out)
{
    if (!str_empty(l->shared.username)) {
        *out = mem_strdup(l->shared.username);
        return NULL;
    }
    if (l->shared.password_stdin)
        return err_new(ERR_USAGE, "--password-stdin needs --username");
    return ask_line("Username: ", true, out);
}

static struct err *get_password(const struct login_settings *l, char **out)
{
    TRY(l->shared.password_stdin ? ask_all(out) : ask_line("Password: ", false, out));
    return **out ? NULL : err_new(ERR_USAGE, "the password is empty");
}

static struct err *check(const struct login_settings *l, const char *host, const char *username,
                         const char *password)
{
    AUTO(registry_free) struct registry *registry = NULL;
    const struct registry_options options = {
        .username = username,
        .password = password,
        .login_host = host,
        .cert_dir = l->shared.cert_dir,
        .plain_http = l->shared.plain_http,
        .insecure_skip_verify = l->shared.insecure_skip_verify,
        .tries = (unsigned)l->shared.tries,
        .config = l->shared.config,
    };
    TRY(registry_new(&registry, &options));
    return registry_check_login(registry, host);
}

static void secret_free(char **text)
{
    if (*text)
        mem_wipe(*text, strlen(*text));
    free(*text);
}

static struct err *login(void *settings, const struct strlist *args)
{
    const struct login_settings *l = settings;
    AUTO(mem_free) char *host = NULL;
    AUTO(mem_free) char *username = NULL;
    AUTO(mem_free) char *where = NULL;
    AUTO_VALUE(secret_free) char *password = NULL;
    TRY(session_timeout(&l->shared));
    TRY(parse_host(args, &host));
    AUTO(mem_free) char *safe = str_safe(host);
    TRY(get_username(l, &username));
    TRY(get_password(l, &password));
    TRY(err_wrap(check(l, host, username, password), "login to %s", safe));
    TRY(err_wrap(creds_store(l->shared.authfile, host, username, password, &where), "login to %s", safe));
    fprintf(stderr, "logged in to %s; the password is in %s\n", safe, where);
    return NULL;
}

static struct err *logout(void *settings, const struct strlist *args)
{
    const struct shared *shared = settings;
    AUTO(mem_free) char *host = NULL;
    AUTO(mem_free) char *where = NULL;
    bool found = false;
    TRY(parse_host(args, &host));
    AUTO(mem_free) char *safe = str_safe(host);
    TRY(err_wrap(creds_erase(shared->authfile, host, &found, &where), "logout from %s", safe));
    if (found)
        fprintf(stderr, "removed the credentials for %s from %s\n", safe, where ? where : "the store");
    else
        fprintf(stderr, "there were no credentials for %s\n", safe);
    return NULL;
}

const struct command cmd_login = {
    .name = "login",
    .arguments = "[REGISTRY]",
    .summary = "Keep the credentials for a registry",
    .groups = login_groups,
    .group_count = ARRAY_LEN(login_groups),
    .settings_size = sizeof(struct login_settings),
    .args_min = 0,
    .args_max = 1,
    .run = login,
};

const struct command cmd_logout = {
    .name = "logout",
    .arguments = "[REGISTRY]",
    .summary = "Forget the credentials for a registry",
    .groups = logout_groups,
    .group_count = ARRAY_LEN(logout_groups),
    .settings_size = sizeof(struct shared),
    .args_min = 0,
    .args_max = 1,
    .run = logout,
};
