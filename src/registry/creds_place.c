/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds_place.h"
#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return str_empty(value) ? NULL : value;
}

/* A file in the directory of Docker's configuration, or NULL. */
static char *docker_file(const char *name)
{
    if (env("DOCKER_CONFIG"))
        return path_join(env("DOCKER_CONFIG"), name);
    AUTO(mem_free) char *dir = env("HOME") ? path_join(env("HOME"), ".docker") : NULL;
    return dir ? path_join(dir, name) : NULL;
}

/* That of containers for as long as the machine runs. */
static char *runtime_file(void)
{
    return env("XDG_RUNTIME_DIR") ? path_join(env("XDG_RUNTIME_DIR"), "containers/auth.json")
                                  : mem_printf("/run/containers/%u/auth.json", (unsigned)getuid());
}

bool creds_place_is_closed(const char *path)
{
    AUTO(mem_free) char *runtime = runtime_file();
    return str_eq(path, runtime) && access(path, F_OK) != 0 && errno == EACCES;
}

static void add_take(struct strlist *out, char *path)
{
    if (path && !strlist_has(out, path))
        strlist_add_take(out, path);
    else
        mem_free(path);
}

void creds_place_all(struct strlist *out)
{
    strlist_wipe(out);
    if (env("REGISTRY_AUTH_FILE"))
        strlist_add(out, env("REGISTRY_AUTH_FILE"));
    strlist_add_take(out, runtime_file());
    if (env("XDG_CONFIG_HOME"))
        strlist_add_take(out, path_join(env("XDG_CONFIG_HOME"), "containers/auth.json"));
    else if (env("HOME"))
        strlist_add_take(out, path_join(env("HOME"), ".config/containers/auth.json"));
    add_take(out, docker_file("config.json"));
    add_take(out, env("HOME") ? path_join(env("HOME"), ".dockercfg") : NULL);
    add_take(out, docker_file(".dockerconfigjson"));
    add_take(out, docker_file(".dockercfg"));
}

char *creds_place_login(const char *authfile)
{
    if (!authfile)
        authfile = env("REGISTRY_AUTH_FILE");
    return authfile ? mem_strdup(authfile) : docker_file("config.json");
}
