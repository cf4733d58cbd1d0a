/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/account.h"

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <string.h>

#define MAX_FIELDS 4

struct text {
    const char *at;
    size_t len;
};

static struct text trim(struct text t)
{
    while (t.len > 0 && str_is_space(*t.at)) {
        t.at++;
        t.len--;
    }
    while (t.len > 0 && str_is_space(t.at[t.len - 1]))
        t.len--;
    return t;
}

static struct text next_line(struct text *rest)
{
    const char *end = memchr(rest->at, '\n', rest->len);
    struct text line = {rest->at, end ? (size_t)(end - rest->at) : rest->len};
    size_t whole = end ? line.len + 1 : line.len;
    rest->at += whole;
    rest->len -= whole;
    return trim(line);
}

/* The first fields of a line of passwd or group. */
static void split(struct text line, struct text field[MAX_FIELDS])
{
    memset(field, 0, MAX_FIELDS * sizeof *field);
    for (size_t i = 0; i < MAX_FIELDS; i++) {
        const char *end = line.len ? memchr(line.at, ':', line.len) : NULL;
        field[i] = (struct text){line.at, end ? (size_t)(end - line.at) : line.len};
        if (!end)
            return;
        line.len -= field[i].len + 1;
        line.at = end + 1;
    }
}

static bool is_name(struct text t, const char *name)
{
    return t.len == strlen(name) && memcmp(t.at, name, t.len) == 0;
}

/* The line of `name`; false when there is none. */
static bool find_line(struct text file, const char *name, struct text field[MAX_FIELDS])
{
    while (file.len > 0) {
        struct text line = next_line(&file);
        if (line.len == 0)
            continue;
        split(line, field);
        if (is_name(field[0], name))
            return true;
    }
    return false;
}

static struct err *field_number(uint32_t *out, struct text field, const char *file, const char *name)
{
    AUTO(mem_free) char *copy = mem_strndup(field.len ? field.at : "", field.len);
    uint64_t value = 0;
    if (!num_parse(copy, UINT32_MAX - 1, &value)) {
        AUTO(mem_free) char *shown = str_safe(name);
        return err_new(ERR_INPUT, "the entry of \"%s\" in /etc/%s has no valid number", shown, file);
    }
    *out = (uint32_t)value;
    return NULL;
}

/* Is the part a number, "root" or empty? */
static struct err *parse_number(const char *part, uint32_t *out, bool *is_number)
{
    uint64_t value = 0;
    *is_number = true;
    *out = 0;
    if (!*part || str_eq(part, "root"))
        return NULL;
    const char *digits = part + (*part == '-' || *part == '+');
    *is_number = *digits && digits[strspn(digits, "0123456789")] == '\0';
    if (!*is_number)
        return NULL;
    if (*part == '-' || !num_parse(digits, INT32_MAX, &value)) {
        AUTO(mem_free) char *shown = str_safe(part);
        return err_new(ERR_INPUT, "the number %s is out of range: expected 0 to %d", shown, INT32_MAX);
    }
    *out = (uint32_t)value;
    return NULL;
}

struct err *account_parse(struct account *out, const char *owner, const char *passwd, size_t passwd_len,
                          const char *group, size_t group_len, const char **missing)
{
    const char *colon = strchr(owner, ':');
    AUTO(mem_free) char *user = colon ? mem_strndup(owner, (size_t)(colon - owner)) : mem_strdup(owner);
    struct account found = {0};
    struct text field[MAX_FIELDS];
    bool is_number = false;
    *missing = NULL;
    TRY(parse_number(user, &found.uid, &is_number));
    found.gid = found.uid;
    if (!is_number && passwd && find_line((struct text){passwd, passwd_len}, user, field)) {
        TRY(field_number(&found.uid, field[2], "passwd", user));
        TRY(field_number(&found.gid, field[3], "passwd", user));
    } else if (!is_number) {
        *missing = "user";
    }
    if (colon) {
        uint32_t gid = 0;
        TRY(parse_number(colon + 1, &gid, &is_number));
        if (!is_number && group && find_line((struct text){group, group_len}, colon + 1, field)) {
            TRY(field_number(&gid, field[2], "group", colon + 1));
        } else if (!is_number) {
            gid = found.gid;
            *missing = *missing ? *missing : "group";
        }
        found.gid = gid;
    }
    *out = found;
    return NULL;
}

struct err *account_read_file(struct tree *stage, const char *path, struct buf *out, bool *found)
{
    struct node *n = NULL;
    AUTO(source_free) struct source *bytes = NULL;
    *found = false;
    TRY(tree_lookup(stage, path, true, &n));
    if (!n)
        return NULL;
    if (n->type != NODE_FILE)
        return err_new(ERR_INPUT, "/%s of the image is not a regular file", path);
    *found = true;
    if (n->size == 0)
        return NULL;
    if (n->size > ACCOUNT_FILE_MAX)
        return err_new(ERR_RESOURCE, "/%s of the image is larger than %u bytes", path, ACCOUNT_FILE_MAX);
    if (n->content.kind == CONTENT_LAYER)
        return err_hint(
            err_new(ERR_UNSUPPORTED, "/%s of the image is a link to a file that is not read", path),
            "give the number instead of the name");
    TRY(node_open(n, &bytes));
    return source_read_all(bytes, out, path);
}

/* Does a name have to be looked up in passwd (the part before the colon) or group (behind it)? */
static bool asks(const char *part, size_t len)
{
    AUTO(mem_free) char *copy = mem_strndup(part, len);
    uint32_t number = 0;
    bool is_number = true;
    err_free(parse_number(copy, &number, &is_number));
    return !is_number;
}

struct err *account_look_up(struct account *out, struct tree *stage, const char *owner, const char **missing)
{
    AUTO_VALUE(buf_wipe) struct buf passwd = BUF(ACCOUNT_FILE_MAX);
    AUTO_VALUE(buf_wipe) struct buf group = BUF(ACCOUNT_FILE_MAX);
    bool has_passwd = false, has_group = false;
    size_t user_len = strcspn(owner, ":");
    if (stage && asks(owner, user_len))
        TRY(account_read_file(stage, "etc/passwd", &passwd, &has_passwd));
    if (stage && owner[user_len] && asks(owner + user_len + 1, strlen(owner + user_len + 1)))
        TRY(account_read_file(stage, "etc/group", &group, &has_group));
    return account_parse(out, owner, has_passwd ? buf_text(&passwd) : NULL, passwd.len,
                         has_group ? buf_text(&group) : NULL, group.len, missing);
}
