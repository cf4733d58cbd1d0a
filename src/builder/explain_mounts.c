/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "builder/explain_inner.h"
#include "builder/listings.h"
#include "layers/listing.h"

#include <stdlib.h>
#include <string.h>

/* "mount N …" of a record. */
struct mount {
    size_t number;
    const char *options, *target, *id, *env;
    const struct step_input *files;
    bool paired;
};
struct mounts {
    struct mount *item;
    size_t count, room;
};

static void mounts_wipe(struct mounts *m)
{
    free(m->item);
}

static const struct step_input *input_of(const struct step_record *r, size_t number, const char *rest)
{
    AUTO(mem_free) char *name = mem_printf("mount %zu%s", number, rest);
    return steprecord_input(r, name);
}

static const char *text_of(const struct step_record *r, size_t number, const char *rest)
{
    const struct step_input *in = input_of(r, number, rest);
    return in ? in->value : NULL;
}

static void read_mounts(struct mounts *out, const struct step_record *r)
{
    for (size_t i = 0; text_of(r, i, ""); i++)
        MEM_PUSH(out->item, out->count, out->room,
                 (struct mount){.number = i,
                                .options = text_of(r, i, ""),
                                .target = text_of(r, i, " target"),
                                .id = text_of(r, i, " id"),
                                .env = text_of(r, i, " env"),
                                .files = input_of(r, i, " files")});
}

/* What people know it by. */
static const char *name_of(const struct mount *m)
{
    return m->target ? m->target : m->env ? m->env : m->id ? m->id : "";
}

static char *kind_of(const struct mount *m)
{
    AUTO(mem_free) char *kind = mem_strndup(m->options, strcspn(m->options, " "));
    return str_safe(kind);
}

static struct mount *find_pair(struct mounts *in, const struct mount *of)
{
    for (size_t i = 0; i < in->count; i++)
        if (!in->item[i].paired && str_eq(name_of(&in->item[i]), name_of(of)))
            return &in->item[i];
    return NULL;
}

/* The same but for its place. */
static struct mount *find_moved(struct mounts *in, const struct mounts *all, const struct mount *of)
{
    for (size_t i = 0; i < in->count; i++)
        if (!in->item[i].paired && !find_pair(&(struct mounts){all->item, all->count, 0}, &in->item[i]) &&
            str_eq(in->item[i].options, of->options) && explain_same(in->item[i].files, of->files))
            return &in->item[i];
    return NULL;
}

static void tell(const struct comparison *c, const struct mount *m, const char *what, const char *old,
                 const char *now)
{
    AUTO(mem_free) char *name = str_safe(name_of(m));
    AUTO(mem_free) char *before = str_safe(old);
    AUTO(mem_free) char *after = str_safe(now);
    told_add(c->told,
             (struct cause){.kind = "mount", .name = name, .what = what, .old = before, .now = after},
             mem_printf("mount %s: %s%s%s, was %s", name, str_eq(what, "access") ? "" : what,
                        str_eq(what, "access") ? "" : " ", after, before));
}

/* "sharing=1": in the words of the flag. */
static const char *value_of(const char *what, const char *value)
{
    static const char *const sharing[] = {"shared", "private", "locked"};
    uint64_t number = 0;
    if (str_eq(what, "ro"))
        return str_eq(value, "1") ? "read-only" : "read-write";
    if (str_eq(what, "sharing") && num_parse(value, ARRAY_LEN(sharing) - 1, &number))
        return sharing[number];
    return value;
}

/* Both are "KIND name=value name=value …". */
static void compare_options(const struct comparison *c, const struct mount *now, const struct mount *old)
{
    AUTO_VALUE(strlist_wipe) struct strlist after = {0};
    AUTO_VALUE(strlist_wipe) struct strlist before = {0};
    strlist_split(&after, now->options, ' ');
    strlist_split(&before, old->options, ' ');
    for (size_t i = 0; i < after.count && i < before.count; i++) {
        const char *is = strchr(after.item[i], '='), *was = strchr(before.item[i], '=');
        if (str_eq(after.item[i], before.item[i]))
            continue;
        if (!is || !was) { /* of another kind all else differs too */
            tell(c, now, "type", before.item[i], after.item[i]);
            return;
        }
        AUTO(mem_free) char *name = mem_strndup(after.item[i], (size_t)(is - after.item[i]));
        tell(c, now, str_eq(name, "ro") ? "access" : name, value_of(name, was + 1), value_of(name, is + 1));
    }
}

static bool of_layers_differ(const struct comparison *c, const struct mount *now, const struct mount *old)
{
    for (size_t i = 0;; i++) {
        AUTO(mem_free) char *after = mem_printf("mount %zu ", now->number);
        AUTO(mem_free) char *before = mem_printf("mount %zu ", old->number);
        const struct step_input *is = explain_layer(c->now, after, i),
                                *was = explain_layer(c->old, before, i);
        if (!is && !was)
            return false;
        if (!explain_same(is, was))
            return true;
    }
}

/* What it shows now is at hand. False: nothing is known of what it was. */
static bool tell_files(const struct comparison *c, const struct mount *now, const struct mount *old)
{
    AUTO_VALUE(buf_wipe) struct buf before = BUF(LISTING_MAX);
    AUTO_VALUE(buf_wipe) struct buf after = BUF(LISTING_MAX);
    struct digest was;
    bool found = false;
    const struct run_plan *plan = c->step->plan;
    if (!plan || now->number >= plan->mount_count || !listings_mount_digest(old->files, &was))
        return false;
    struct err *e = listings_find(c->b, &was, &before, &found);
    if (!e && found)
        e = listings_of_mount(c->b, &plan->mount[now->number], &after, &found);
    if (e)
        log_debug("explain: %s", err_message(e));
    found = found && !e;
    err_free(e);
    return found && explain_listings(c->told, buf_text(&before), buf_text(&after), name_of(now));
}

static void compare_files(const struct comparison *c, const struct mount *now, const struct mount *old)
{
    AUTO(mem_free) char *name = str_safe(name_of(now));
    struct digest shown;
    bool same_time = !explain_differs(c, "epoch");
    if (!now->files || !old->files)
        return;
    if (explain_same(now->files, old->files) && !of_layers_differ(c, now, old))
        return;
    if (tell_files(c, now, old) || !same_time) /* the build's time is that of the files too */
        return;
    /* By content here and by layers there: nothing can be said, unless there is nothing else. */
    if (listings_mount_digest(now->files, &shown) != listings_mount_digest(old->files, &shown) &&
        c->told->causes.count > 0)
        return;
    told_add(c->told, (struct cause){.kind = "mount", .name = name, .what = "files"},
             mem_printf("what mount %s shows is not what it was", name));
}

/* Ids of caches begin with the name of the group of caches that they are in, which is empty mostly. */
static const char *plain_id(const char *id)
{
    return *id == '/' ? id + 1 : id;
}

static void compare(const struct comparison *c, struct mount *now, struct mount *old)
{
    now->paired = old->paired = true;
    if (!str_eq(now->target, old->target))
        tell(c, now, "target", old->target ? old->target : "(none)", now->target ? now->target : "(none)");
    compare_options(c, now, old);
    if (!str_eq(now->id, old->id) && now->id && old->id)
        tell(c, now, "id", plain_id(old->id), plain_id(now->id));
    if (!str_eq(now->env, old->env))
        tell(c, now, "env", old->env ? old->env : "(none)", now->env ? now->env : "(none)");
    compare_files(c, now, old);
}

static void tell_alone(const struct comparison *c, const struct mount *m, const char *what)
{
    AUTO(mem_free) char *name = str_safe(name_of(m));
    AUTO(mem_free) char *kind = kind_of(m);
    told_add(c->told, (struct cause){.kind = "mount", .name = name, .what = what},
             mem_printf("mount %s (type=%s) is %s", name, kind, what));
}

void explain_mounts(const struct comparison *c)
{
    AUTO_VALUE(mounts_wipe) struct mounts now = {0};
    AUTO_VALUE(mounts_wipe) struct mounts old = {0};
    read_mounts(&now, c->now);
    read_mounts(&old, c->old);
    for (size_t i = 0; i < now.count; i++) {
        struct mount *m = &now.item[i], *pair = find_pair(&old, m);
        if (!pair)
            pair = find_moved(&old, &now, m);
        if (pair)
            compare(c, m, pair);
        else
            tell_alone(c, m, "new");
    }
    for (size_t i = 0; i < old.count; i++)
        if (!old.item[i].paired)
            tell_alone(c, &old.item[i], "gone");
}
