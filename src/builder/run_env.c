/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_env.h"

#include "base/mem.h"
#include "builder/base.h"

#include <inttypes.h>
#include <string.h>

static void add(struct strlist *list, const char *key, const char *value)
{
    strlist_add_take(list, mem_printf("%s=%s", key, value));
}

/* The value of the last, in the order of bytes, of the arguments with that name in any case; NULL or "":
 * none. */
static const char *find_proxy(const struct strmap *args, const char *name)
{
    const char *key = NULL, *value = NULL;
    for (size_t i = 0; i < args->count; i++) {
        if (!str_eq_nocase(args->key[i], name) || (key && strcmp(args->key[i], key) < 0))
            continue;
        key = args->key[i];
        value = args->value[i];
    }
    return value;
}

static void add_proxies(struct strlist *out, const struct strmap *args)
{
    static const char *const names[][2] = {{"HTTP_PROXY", "http_proxy"},
                                           {"HTTPS_PROXY", "https_proxy"},
                                           {"FTP_PROXY", "ftp_proxy"},
                                           {"NO_PROXY", "no_proxy"},
                                           {"ALL_PROXY", "all_proxy"}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = find_proxy(args, names[i][0]);
        if (str_empty(value))
            continue;
        add(out, names[i][0], value);
        add(out, names[i][1], value);
    }
}

void run_env_make(struct strlist *env, struct strlist *private_env, const struct run_env_options *options)
{
    for (size_t i = 0; i < options->stage->count; i++)
        add(env, options->stage->key[i], options->stage->value[i]);
    if (!strmap_get(options->stage, "PATH"))
        add(env, "PATH", BASE_PATH_ENV);
    if (options->has_epoch && !strmap_get(options->stage, "SOURCE_DATE_EPOCH"))
        strlist_add_take(env, mem_printf("SOURCE_DATE_EPOCH=%" PRIi64, options->epoch));
    if (str_empty(strmap_get(options->stage, "HOME")))
        add(env, "HOME", options->home);
    add_proxies(private_env, options->build_args);
}

/* One variable in the place of an earlier one of its name. */
static void put(struct strlist *out, const char *pair)
{
    size_t len = strcspn(pair, "=");
    for (size_t i = 0; i < out->count; i++) {
        if (strncmp(out->item[i], pair, len) != 0 || out->item[i][len] != '=')
            continue;
        free(out->item[i]);
        out->item[i] = mem_strdup(pair);
        return;
    }
    strlist_add(out, pair);
}

void run_env_join(struct strlist *out, const struct strlist *env, const struct strlist *private_env)
{
    for (size_t i = 0; i < env->count; i++)
        put(out, env->item[i]);
    for (size_t i = 0; i < private_env->count; i++)
        put(out, private_env->item[i]);
}
