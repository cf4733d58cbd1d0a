/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/program.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What Docker takes when an image says nothing. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char **vector(const struct strlist *list)
{
    char **v = mem_zero(list->count + 1, sizeof *v);

    for (size_t i = 0; i < list->count; i++)
        v[i] = list->item[i];
    return v;
}

static const char *search_path(const struct strlist *env)
{
    const char *path = DEFAULT_PATH;

    for (size_t i = 0; i < env->count; i++)
        if (str_starts(env->item[i], "PATH="))
            path = env->item[i] + strlen("PATH=");
    return path;
}

static struct err *failed(const char *name, int e, int *status)
{
    AUTO(mem_free) char *safe = str_safe(name);
    bool there = e == ENOENT && strchr(name, '/') && access(name, F_OK) == 0;

    *status = e == ENOENT || e == ENOTDIR ? 127 : 126;
    if (there)
        return err_hint(
            err_new(ERR_STEP, "run %s: its interpreter or loader is not in the image (ENOENT)", safe),
            "a script's first line, or the C library that a program is linked with");
    if (e == ENOEXEC)
        return err_hint(err_new(ERR_STEP, "run %s: not a program for this machine (ENOEXEC)", safe),
                        "it may be for another architecture, or a script without a first line #!");
    if (e == ENOENT && !strchr(name, '/'))
        return err_new(ERR_STEP, "run %s: there is no such program in PATH", safe);
    const char *symbol = strerrorname_np(e);
    errno = e;
    return err_as(err_sys("run %s (%s)", safe, symbol ? symbol : "unknown"), ERR_STEP);
}

struct err *program_start(const struct strlist *argv, const struct strlist *env, int *status)
{
    AUTO(mem_free) char **args = vector(argv);
    AUTO(mem_free) char **environment = vector(env);
    const char *name = argv->item[0], *at = search_path(env);
    int seen = ENOENT;

    if (strchr(name, '/')) {
        (void)execve(name, args, environment);
        return failed(name, errno, status);
    }
    while (at && *name) {
        size_t len = strcspn(at, ":");
        AUTO(mem_free) char *path = mem_printf("%.*s/%s", len > 0 ? (int)len : 1, len > 0 ? at : ".", name);
        (void)execve(path, args, environment);
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            return failed(path, errno, status);
        if (errno == ENOENT && access(path, F_OK) == 0)
            return failed(path, errno, status);
        if (errno == EACCES)
            seen = EACCES;
        at = at[len] ? at + len + 1 : NULL;
    }
    return failed(name, seen, status);
}
