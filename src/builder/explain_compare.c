/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "builder/explain_inner.h"
#include "builder/listings.h"
#include "builder/run_select.h"
#include "layers/listing.h"

#include <stdlib.h>
#include <string.h>

#define FILES_TOLD 10
#define VALUE_SHOWN 64
#define NONE "(none)"

bool explain_same(const struct step_input *a, const struct step_input *b)
{
    return a && b && a->digested == b->digested && a->len == b->len &&
           memcmp(a->value, b->value, a->len) == 0;
}

bool explain_differs(const struct comparison *c, const char *name)
{
    const struct step_input *now = steprecord_input(c->now, name), *old = steprecord_input(c->old, name);
    return (now || old) && !explain_same(now, old);
}

const struct step_input *explain_layer(const struct step_record *r, const char *prefix, size_t number)
{
    AUTO(mem_free) char *name = mem_printf("%slayer %zu", prefix, number);
    return steprecord_input(r, name);
}

/* Where it is within a mount: "" for the mount itself. */
static const char *path_in_mount(const char *path)
{
    static const char top[] = RUN_SELECT_NAME;
    if (!str_starts(path, top))
        return path;
    const char *rest = path + sizeof top - 1;
    return *rest == '/' ? rest + 1 : rest;
}

static void tell_change(struct told *told, const struct listing_change *change, const char *mount)
{
    bool digests = change->what == LISTING_CONTENT || change->what == LISTING_TARGET;
    const char *path = mount ? path_in_mount(change->path) : change->path;
    AUTO(mem_free) char *text = listing_change_text(change);
    AUTO(mem_free) char *safe = mount ? str_safe(mount) : NULL;
    AUTO(mem_free) char *old = change->old ? mem_printf("%s%s", digests ? "sha256:" : "", change->old) : NULL;
    AUTO(mem_free) char *now = change->now ? mem_printf("%s%s", digests ? "sha256:" : "", change->now) : NULL;
    told_add(told,
             (struct cause){.kind = "file",
                            .name = path,
                            .what = listing_what_name(change->what),
                            .old = old,
                            .now = now,
                            .mount = safe},
             mem_printf("%s%s%s%s%s%s", safe ? "mount " : "", safe ? safe : "", safe ? ": " : "", path,
                        *path ? ": " : "", text));
}

bool explain_listings(struct told *told, const char *old, const char *now, const char *mount)
{
    AUTO_VALUE(listing_changes_wipe) struct listing_changes changes = {0};
    listing_compare(&changes, old, now);
    for (size_t i = 0; i < changes.count && i < FILES_TOLD; i++)
        tell_change(told, &changes.item[i], mount);
    if (changes.count > FILES_TOLD)
        told_add(told, (struct cause){.kind = "more"},
                 mem_printf("and %zu more", changes.count - (size_t)FILES_TOLD));
    return changes.count > 0;
}

bool explain_part(struct builder *b, const struct part *part, const char *old_id, struct told *told)
{
    AUTO_VALUE(buf_wipe) struct buf old = BUF(LISTING_MAX);
    AUTO_VALUE(buf_wipe) struct buf now = BUF(LISTING_MAX);
    struct digest diff_id = {0};
    bool found = false;
    struct err *e = digest_parse(&diff_id, old_id);
    if (!e)
        e = listings_find(b, &diff_id, &old, &found);
    if (!e && found)
        e = listings_of_part(b, part, &now, &found);
    if (e)
        log_debug("explain: %s", err_message(e));
    found = found && !e;
    err_free(e);
    return found && explain_listings(told, buf_text(&old), buf_text(&now), NULL);
}

/* Layers above the base that the other side does not have. */
struct gap {
    size_t *item;
    size_t count, room;
};

static void gap_wipe(struct gap *g)
{
    free(g->item);
}

static bool is_among(const struct step_record *r, size_t first, const struct step_input *layer)
{
    const struct step_input *other;
    for (size_t i = first; (other = explain_layer(r, "", i)); i++)
        if (explain_same(other, layer))
            return true;
    return false;
}

static void find_gap(struct gap *out, const struct step_record *r, size_t first,
                     const struct step_record *other, size_t other_first)
{
    const struct step_input *layer;
    for (size_t i = first; (layer = explain_layer(r, "", i)); i++)
        if (!is_among(other, other_first, layer))
            MEM_PUSH(out->item, out->count, out->room, i);
}

static void tell_steps(const struct comparison *c, char *text_take)
{
    told_add(c->told, (struct cause){.kind = "steps"}, text_take);
}

/* What a COPY is called, or NULL. */
static char *words_of(const struct part *part)
{
    return part->about ? str_safe(strrchr(part->about, '\n') + 1) : NULL;
}

/* A layer that stands in the place of another. What another cause may explain is not told. */
static void tell_layer(const struct comparison *c, const struct part *part, const char *old_id,
                       bool explained)
{
    AUTO(mem_free) char *words = words_of(part);
    if ((words && explain_part(c->b, part, old_id, c->told)) || explained || c->told->causes.count > 0)
        return;
    if (words)
        told_add(c->told, (struct cause){.kind = "layer", .name = words},
                 mem_printf("the files of %s are not what they were", words));
    else
        told_add(c->told, (struct cause){.kind = "layer"}, mem_strdup("a step before it made another layer"));
}

static bool order_differs(const struct comparison *c, size_t first, size_t old_first)
{
    for (size_t i = 0;; i++) {
        const struct step_input *now = explain_layer(c->now, "", first + i),
                                *old = explain_layer(c->old, "", old_first + i);
        if (!now && !old)
            return false;
        if (!explain_same(now, old))
            return true;
    }
}

/* COPY --link does not look at the layers below it: they are no input then. */
static bool has_layers(const struct comparison *c)
{
    bool now = explain_layer(c->now, "", 0) != NULL, old = explain_layer(c->old, "", 0) != NULL;
    return now == old ? now : !explain_differs(c, "flags");
}

static void tell_layers(const struct comparison *c, size_t first, size_t old_first, bool explained)
{
    bool moved = explain_differs(c, "directory"); /* WORKDIR made another directory */
    AUTO_VALUE(gap_wipe) struct gap now = {0};
    AUTO_VALUE(gap_wipe) struct gap old = {0};
    find_gap(&now, c->now, first, c->old, old_first);
    find_gap(&old, c->old, old_first, c->now, first);
    for (size_t i = 0; now.count == old.count && i < now.count; i++)
        tell_layer(c, c->s->parts.item[now.item[i]], explain_layer(c->old, "", old.item[i])->value,
                   explained || moved);
    if (explained || now.count == old.count) {
        if (now.count + old.count == 0 && order_differs(c, first, old_first))
            tell_steps(c, mem_strdup("the steps before it stand in another order"));
        return;
    }
    AUTO(mem_free) char *words = now.count ? words_of(c->s->parts.item[now.item[0]]) : NULL;
    if (old.count == 0)
        tell_steps(c, mem_printf("a step before it is new%s%s", words ? ": " : "", words ? words : ""));
    else if (now.count == 0)
        tell_steps(c, mem_strdup("a step before it is gone"));
    else
        tell_steps(c, mem_strdup("the steps before it are others"));
}

/* What COPY --from takes files from. */
static void tell_source(const struct comparison *c, bool explained)
{
    size_t now = 0, old = 0;
    bool other = false;
    if (!c->step->from || explain_base(c, c->step->from, "from ", &now, &old))
        return;
    for (size_t i = 0; !other; i++) {
        const struct step_input *is = explain_layer(c->now, "from ", i),
                                *was = explain_layer(c->old, "from ", i);
        if (!is && !was)
            break;
        other = !explain_same(is, was);
    }
    if (other && !explained)
        told_add(c->told, (struct cause){.kind = "stage"},
                 mem_strdup("a step of the stage that it takes files from made another layer"));
}

static char *shown_value(const struct step_input *in)
{
    return in && in->len ? str_escape(in->value, in->len, VALUE_SHOWN) : mem_strdup(NONE);
}

static void tell_value(const struct comparison *c, struct cause cause, const char *label,
                       const struct step_input *now, const struct step_input *old)
{
    AUTO(mem_free) char *after = shown_value(now);
    AUTO(mem_free) char *before = shown_value(old);
    cause.now = after;
    cause.old = before;
    told_add(c->told, cause, mem_printf("%s: %s, was %s", label, after, before));
}

/* Values of variables may be secrets that somebody gave as arguments: their names have to do. */
static void tell_variable(const struct comparison *c, const char *name, const struct step_input *now,
                          const struct step_input *old)
{
    AUTO(mem_free) char *safe = str_safe(name);
    const char *what = !old ? "set" : !now ? "gone" : "value";
    told_add(c->told, (struct cause){.kind = "variable", .name = safe, .what = what},
             mem_printf("%s %s", safe,
                        !old   ? "is set"
                        : !now ? "is no longer set"
                               : "has another value"));
}

/* "parents=0 link=1 add=0 unpack=0" */
static void tell_flags(const struct comparison *c, const struct step_input *now, const struct step_input *old)
{
    AUTO_VALUE(strlist_wipe) struct strlist after = {0};
    AUTO_VALUE(strlist_wipe) struct strlist before = {0};
    strlist_split(&after, now ? now->value : "", ' ');
    strlist_split(&before, old ? old->value : "", ' ');
    for (size_t i = 0; i < after.count; i++) {
        const char *equals = strchr(after.item[i], '=');
        if (!equals || (i < before.count && str_eq(after.item[i], before.item[i])))
            continue;
        AUTO(mem_free) char *name = mem_printf("--%.*s", (int)(equals - after.item[i]), after.item[i]);
        bool on = str_eq(equals, "=1");
        if (str_eq(name, "--add"))
            told_add(c->told, (struct cause){.kind = "command"}, mem_strdup("the command is another one"));
        else
            told_add(c->told,
                     (struct cause){
                         .kind = "flag", .name = name, .now = on ? "yes" : "no", .old = on ? "no" : "yes"},
                     mem_printf("%s: %s", name, on ? "yes, was no" : "no, was yes"));
    }
}

/* Further groups only where nothing else tells two apart. */
static void tell_user(const struct comparison *c, const struct step_input *now, const struct step_input *old)
{
    struct step_input after = *now, before = *old;
    size_t is = strcspn(now->value, ","), was = strcspn(old->value, ",");
    if (is != was || memcmp(now->value, old->value, is) != 0) {
        after.len = is;
        before.len = was;
    }
    tell_value(c, (struct cause){.kind = "user"}, "user", &after, &before);
}

/* Inputs whose names are not what people write, by name or, with a number behind, by its beginning. */
static const struct {
    const char *input, *kind, *label;
    bool numbered;
} inputs[] = {
    {"directory", "directory", "directory", false},
    {"platform", "platform", "platform", false},
    {"epoch", "epoch", "SOURCE_DATE_EPOCH", false},
    {"source ", "source", "source", true},
    {"destination", "destination", "destination", false},
    {"exclude ", "flag", "--exclude", true},
    {"chown", "flag", "--chown", false},
    {"chmod", "flag", "--chmod", false},
    {"network", "flag", "network", false},
    {"security", "flag", "security", false},
    {"hostname", "hosts", "hostname", false},
    {"ulimit ", "flag", "--ulimit", true},
    {"shm-size", "flag", "--shm-size", false},

    {"format", "version", "form of tar", false},
    {"root", "version", "emulation of root", false},
    {"copy", "version", "form of COPY", false},
};

static void tell_other(const struct comparison *c, const char *name, const struct step_input *now,
                       const struct step_input *old)
{
    AUTO(mem_free) char *safe = str_safe(name);
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
        if (inputs[i].numbered ? str_starts(name, inputs[i].input) : str_eq(name, inputs[i].input)) {
            bool flag = str_eq(inputs[i].kind, "flag");
            tell_value(c, (struct cause){.kind = inputs[i].kind, .name = flag ? inputs[i].label : NULL},
                       inputs[i].label, now, old);
            return;
        }
    tell_value(c, (struct cause){.kind = "other", .name = safe}, safe, now, old);
}

static bool is_told_elsewhere(const char *name)
{
    return str_starts(name, "layer ") || str_starts(name, "from layer ") || str_starts(name, "mount ");
}

/* Variables that follow from what is told by a name that the user wrote. */
static bool follows(const struct comparison *c, const char *variable)
{
    const char *from = str_eq(variable, "HOME")                ? "user"
                       : str_eq(variable, "SOURCE_DATE_EPOCH") ? "epoch"
                                                               : NULL;
    return from && explain_differs(c, from);
}

static void tell_input(const struct comparison *c, const char *name, const struct step_input *now,
                       const struct step_input *old)
{
    if (is_told_elsewhere(name))
        return;
    if (str_starts(name, "env ")) {
        if (!follows(c, name + strlen("env ")))
            tell_variable(c, name + strlen("env "), now, old);
    } else if (str_starts(name, "word ") || str_starts(name, "script")) {
        told_add(c->told, (struct cause){.kind = "command"}, mem_strdup("the command is another one"));
    } else if (str_starts(name, "document ")) {
        told_add(c->told, (struct cause){.kind = "command"}, mem_strdup("the here-document is another one"));
    } else if (str_eq(name, "hosts")) {
        told_add(c->told, (struct cause){.kind = "hosts"},
                 mem_strdup("the host names (--add-host) are not what they were"));
    } else if (str_eq(name, "form")) {
        told_add(c->told, (struct cause){.kind = "form"},
                 mem_printf("layers are %s to be in the form of estargz", now ? "now" : "no longer"));
    } else if (str_eq(name, "flags")) {
        tell_flags(c, now, old);
    } else if (str_eq(name, "user") && now && old) {
        tell_user(c, now, old);
    } else {
        tell_other(c, name, now, old);
    }
}

void explain_compare(const struct comparison *c)
{
    size_t now = 0, old = 0;
    /* With the build's time, or the form, all layers are others. */
    bool other_form = explain_differs(c, "epoch") || explain_differs(c, "form");
    if (has_layers(c)) {
        bool base = explain_base(c, c->s, "", &now, &old);
        tell_layers(c, now, old, base || other_form);
    }
    for (size_t i = 0; i < c->now->input_count; i++) {
        const struct step_input *in = &c->now->input[i], *before = steprecord_input(c->old, in->name);
        if (!explain_same(in, before))
            tell_input(c, in->name, in, before);
    }
    for (size_t i = 0; i < c->old->input_count; i++)
        if (!steprecord_input(c->now, c->old->input[i].name))
            tell_input(c, c->old->input[i].name, NULL, &c->old->input[i]);
    explain_mounts(c);
    tell_source(c, other_form);
}
