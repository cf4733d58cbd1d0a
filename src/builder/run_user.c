/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_user.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "builder/account.h"

#include <string.h>

/* An entry of passwd or group. */
#define FIELDS 7
struct entry {
    struct strlist field;
    uint32_t id; /* the third field */
    bool has_id;
};

static void entry_wipe(struct entry *e)
{
    strlist_wipe(&e->field);
}

struct lines {
    const char *at;
    size_t len;
};

static const char *field(const struct entry *e, size_t i)
{
    return i < e->field.count ? e->field.item[i] : "";
}

static bool parse_id(const char *text, uint32_t *out)
{
    uint64_t value = 0;
    if (!num_parse(text, INT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* The next line that is not empty, split at colons; false at the end. */
static bool next_entry(struct lines *rest, struct entry *e)
{
    while (rest->len > 0) {
        const char *end = memchr(rest->at, '\n', rest->len);
        size_t len = end ? (size_t)(end - rest->at) : rest->len;
        AUTO(mem_free) char *copy = mem_strndup(rest->at, len);
        AUTO(mem_free) char *line = str_trim(copy);
        rest->at += end ? len + 1 : len;
        rest->len -= end ? len + 1 : len;
        if (!*line)
            continue;
        strlist_split(&e->field, line, ':');
        e->has_id = parse_id(field(e, 2), &e->id);
        return true;
    }
    return false;
}

static void add_group(struct run_user *u, uint32_t gid)
{
    for (size_t i = 0; i < u->group_count; i++)
        if (u->groups[i] == gid)
            return;
    if (u->group_count < RUN_USER_GROUPS_MAX)
        MEM_PUSH(u->groups, u->group_count, u->group_room, gid);
}

/* The first entry of that name or number; "" is number 0. *name gets its name, NULL when there is none. */
static void find_user(struct run_user *u, const char *who, struct lines passwd, char **name)
{
    uint32_t number = 0;
    bool is_number = !*who || parse_id(who, &number);
    AUTO_VALUE(entry_wipe) struct entry e = {0};
    while (next_entry(&passwd, &e)) {
        bool same = *who && str_eq(field(&e, 0), who);
        if (!e.has_id || (!same && !(is_number && e.id == number)))
            continue;
        u->uid = e.id;
        if (!parse_id(field(&e, 3), &u->gid))
            u->gid = 0;
        *name = mem_strdup(field(&e, 0));
        return;
    }
}

static bool lists(const struct entry *e, const char *name)
{
    AUTO_VALUE(strlist_wipe) struct strlist members = {0};
    strlist_split(&members, field(e, 3), ',');
    return strlist_has(&members, name);
}

static struct err *out_of_range(const char *what)
{
    AUTO(mem_free) char *safe = str_safe(what);
    return err_new(ERR_INPUT, "uids and gids must be in range 0-%d: %s", INT32_MAX, safe);
}

static struct err *no_entry(const char *kind, const char *file, const char *name)
{
    AUTO(mem_free) char *safe = str_safe(name);
    return err_new(ERR_INPUT, "unable to find %s %s: no matching entries in %s file", kind, safe, file);
}

static bool is_digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static struct err *find_group(struct run_user *u, const char *who, struct lines group)
{
    uint32_t number = 0;
    bool is_number = parse_id(who, &number);
    AUTO_VALUE(entry_wipe) struct entry e = {0};
    while (next_entry(&group, &e)) {
        if (!e.has_id || (!str_eq(field(&e, 0), who) && !(is_number && e.id == number)))
            continue;
        u->gid = e.id;
        return NULL;
    }
    if (!is_number)
        return is_digits(who) ? out_of_range(who) : no_entry("group", "group", who);
    u->gid = number;
    return NULL;
}

static void find_home(struct run_user *u, struct lines passwd)
{
    AUTO_VALUE(entry_wipe) struct entry e = {0};
    free(u->home);
    u->home = NULL;
    while (!u->home && next_entry(&passwd, &e))
        if (e.has_id && e.id == u->uid)
            u->home = mem_strdup(field(&e, 5));
    if (str_empty(u->home)) {
        free(u->home);
        u->home = mem_strdup("/");
    }
}

/* "1000:1000", "root:root": needs no file. */
static bool both_numbers(struct run_user *u, const char *who, const char *group)
{
    return (str_eq(who, "root") || parse_id(who, &u->uid)) &&
           (str_eq(group, "root") || parse_id(group, &u->gid));
}

static struct err *find(struct run_user *u, const char *user, struct lines passwd, struct lines group)
{
    AUTO(mem_free) char *name = NULL;
    const char *colon = strchr(user, ':');
    AUTO(mem_free) char *who = colon ? mem_strndup(user, (size_t)(colon - user)) : mem_strdup(user);
    const char *group_name = colon ? colon + 1 : "";
    if (both_numbers(u, who, group_name)) {
        find_home(u, passwd);
        add_group(u, u->gid);
        return NULL;
    }
    u->uid = u->gid = 0;
    find_user(u, who, passwd, &name);
    if (!name && *who && !parse_id(who, &u->uid))
        return is_digits(who) ? out_of_range(who) : no_entry("user", "passwd", who);
    if (*group_name)
        TRY(find_group(u, group_name, group));
    find_home(u, passwd);
    add_group(u, u->gid);
    AUTO_VALUE(entry_wipe) struct entry e = {0};
    while (name && !*group_name && next_entry(&group, &e))
        if (e.has_id && lists(&e, name))
            add_group(u, e.id);
    return NULL;
}

struct err *run_user_parse(struct run_user *out, const char *user, const char *passwd, size_t passwd_len,
                           const char *group, size_t group_len)
{
    AUTO_VALUE(run_user_wipe) struct run_user u = {0};
    TRY(find(&u, user, (struct lines){passwd, passwd ? passwd_len : 0},
             (struct lines){group, group ? group_len : 0}));
    *out = u;
    u = (struct run_user){0};
    return NULL;
}

struct err *run_user_find(struct run_user *out, struct tree *files, const char *user)
{
    AUTO_VALUE(buf_wipe) struct buf passwd = BUF(ACCOUNT_FILE_MAX);
    AUTO_VALUE(buf_wipe) struct buf group = BUF(ACCOUNT_FILE_MAX);
    bool found = false;
    struct err *e = account_read_file(files, "etc/passwd", &passwd, &found);
    if (!e)
        e = account_read_file(files, "etc/group", &group, &found);
    /* Root needs neither. */
    if (e && *user)
        return e;
    err_free(e);
    return run_user_parse(out, user, passwd.data, passwd.len, group.data, group.len);
}

void run_user_wipe(struct run_user *user)
{
    free(user->groups);
    free(user->home);
    *user = (struct run_user){0};
}
