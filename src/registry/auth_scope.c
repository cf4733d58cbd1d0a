/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/auth_scope.h"
#include "base/mem.h"

#include <string.h>

void auth_scope_list(struct strlist *scopes, const struct auth_want *want)
{
    if (want->scope) {
        strlist_split(scopes, want->scope, ' ');
        return;
    }
    if (!want->repository)
        return;
    strlist_add_take(scopes,
                     mem_printf("repository:%s:%s", want->repository, want->push ? "pull,push" : "pull"));
    if (want->from && !str_eq(want->from, want->repository))
        strlist_add_take(scopes, mem_printf("repository:%s:pull", want->from));
}

/* "repository:a/b" of "repository:a/b:pull,push"; the actions go to the list. */
static char *split(const char *scope, struct strlist *actions)
{
    const char *colon = strrchr(scope, ':');
    strlist_split(actions, colon ? colon + 1 : "", ',');
    return colon ? mem_strndup(scope, (size_t)(colon - scope)) : mem_strdup(scope);
}

static bool is_within(const char *one, const char *scope)
{
    AUTO_VALUE(strlist_wipe) struct strlist wanted = {0};
    AUTO_VALUE(strlist_wipe) struct strlist given = {0};
    AUTO(mem_free) char *what = split(one, &wanted);
    AUTO(mem_free) char *whose = split(scope, &given);
    if (!str_eq(what, whose))
        return false;
    for (size_t i = 0; i < wanted.count; i++)
        if (!strlist_has(&given, wanted.item[i]) && !strlist_has(&given, "*"))
            return false;
    return true;
}

bool auth_scope_covers(const struct strlist *scopes, const char *asked)
{
    AUTO_VALUE(strlist_wipe) struct strlist each = {0};
    strlist_split(&each, asked, ' ');
    for (size_t i = 0; i < each.count; i++) {
        bool within = !*each.item[i];
        for (size_t k = 0; k < scopes->count && !within; k++)
            within = is_within(each.item[i], scopes->item[k]);
        if (!within)
            return false;
    }
    return true;
}
