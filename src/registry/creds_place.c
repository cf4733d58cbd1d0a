/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds_place.h"
#include "base/fs.h"
#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return str_empty(value) ? NULL : value;
}

static char *docker_file(void)
{
    if (env("DOCKER_CONFIG"))
        return path_join(env("DOCKER_CONFIG"), "config.json");
    return env("HOME") ? path_join(env("HOME"), ".docker/config.json") : NULL;
}

static void add_take(struct strlist *out, char *path)
{
    if (path)
        strlist_add_take(out, path);
}

void creds_place_all(struct strlist *out)
{
    strlist_wipe(out);
    if (env("REGISTRY_AUTH_FILE"))
        strlist_add(out, env("REGISTRY_AUTH_FILE"));
    if (env("XDG_RUNTIME_DIR"))
        strlist_add_take(out, path_join(env("XDG_RUNTIME_DIR"), "containers/auth.json"));
    else
        strlist_add_take(out, mem_printf("/run/containers/%u/auth.json", (unsigned)getuid()));
    if (env("XDG_CONFIG_HOME"))
        strlist_add_take(out, path_join(env("XDG_CONFIG_HOME"), "containers/auth.json"));
    else if (env("HOME"))
        strlist_add_take(out, path_join(env("HOME"), ".config/containers/auth.json"));
    add_take(out, docker_file());
}

char *creds_place_login(const char *authfile)
{
    if (!authfile)
        authfile = env("REGISTRY_AUTH_FILE");
    return authfile ? mem_strdup(authfile) : docker_file();
}
