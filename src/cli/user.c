/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/user.h"

#include "base/mem.h"
#include "cli/ask.h"
#include "cli/place.h"
#include "registry/authfile.h"

#include <string.h>

static void add(struct strlist *out, const char *registry)
{
    for (size_t i = 0; i < out->count; i++)
        if (authfile_same_host(out->item[i], registry))
            return;
    strlist_add(out, registry);
}

static struct err *add_ref(struct strlist *out, const char *text)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    TRY(place_parse_ref(&ref, text));
    add(out, ref.registry);
    return NULL;
}

struct err *user_registries_of_refs(const void *settings, const struct strlist *args, struct strlist *out)
{
    (void)settings;
    for (size_t i = 0; i < args->count; i++)
        TRY(add_ref(out, args->item[i]));
    return NULL;
}

/* "docker://REF", and "docker://HOST" as `lade ls` takes it. */
static struct err *registries_of_places(const struct strlist *args, struct strlist *out)
{
    for (size_t i = 0; i < args->count; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        if (!str_starts(args->item[i], "docker://"))
            continue;
        struct err *e = place_parse_repository(&ref, args->item[i]);
        if (!e)
            add(out, ref.registry);
        else
            TRY(add_ref(out, args->item[i]));
        err_free(e);
    }
    return NULL;
}

static struct err *several(const struct strlist *registries)
{
    AUTO(mem_free) char *joined = strlist_join(registries, ", ");
    AUTO(mem_free) char *safe = str_safe(joined);
    return err_hint(err_new(ERR_USAGE, "--username is for one registry, and these are several: %s", safe),
                    "\"lade login\" keeps credentials for each, and --authfile names a file of them");
}

struct err *user_check(const struct command *c, struct shared *shared, const struct strlist *args)
{
    AUTO_VALUE(strlist_wipe) struct strlist registries = {0};
    if (c == &cmd_login || (!shared->username && !shared->password_stdin))
        return NULL;
    if (!shared->username)
        return err_new(ERR_USAGE, "--password-stdin needs --username");
    if (!shared->password_stdin)
        return err_hint(err_new(ERR_USAGE, "--username needs --password-stdin"),
                        "a password on the command line could be read by every process on this machine");
    if (args->count && str_eq(args->item[0], "-"))
        return err_new(ERR_USAGE, "standard input cannot be both the password and \"-\"");
    if (c->registries)
        TRY(c->registries(shared, args, &registries));
    else
        TRY(registries_of_places(args, &registries));
    if (registries.count == 0)
        return err_new(ERR_USAGE, "--username: no registry is named that it could be for");
    if (registries.count > 1)
        return several(&registries);
    shared->login_host = mem_strdup(registries.item[0]);
    return NULL;
}

struct err *user_password(const struct shared *shared, char **out)
{
    *out = NULL;
    if (!shared->password_stdin)
        return NULL;
    TRY(ask_all(out));
    if (**out)
        return NULL;
    mem_free(TAKE(*out));
    return err_new(ERR_USAGE, "the password is empty");
}
