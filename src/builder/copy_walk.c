/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/stop.h"
#include "builder/copy_inner.h"

#include <string.h>

/* A directory of the source on the way down. With --parents it may match nothing itself; then it is made when
 * something in it does. */
struct level {
    const struct node *from;
    struct copy_place at;
    bool ready;
    struct ignore_state *include, *exclude;
};

struct walk {
    struct copy_run *run;
    const struct ignore *includes;
    struct level *level;
    size_t count, room;
    struct buf path; /* from where the source begins */
    uint64_t included;
};

/* What the patterns say of an entry. */
struct verdict {
    bool include, exclude;
    struct ignore_state *include_state, *exclude_state; /* of directories */
};

static void verdict_wipe(struct verdict *v)
{
    mem_free(v->include_state);
    mem_free(v->exclude_state);
}

static void pop_level(struct walk *w)
{
    struct level *last = &w->level[--w->count];
    mem_free(last->include);
    mem_free(last->exclude);
}

static void walk_wipe(struct walk *w)
{
    while (w->count > 0)
        pop_level(w);
    mem_free(w->level);
    buf_wipe(&w->path);
}

struct err *copy_file(struct copy_run *run, const struct node *from, const struct copy_place *dir,
                      const char *name)
{
    struct copy_place there = {0};
    TRY(copy_child(&there, run, dir, name));
    const struct node *old = copy_visible(&there);
    if (old && old->type == NODE_DIR) {
        AUTO(mem_free) char *shown = copy_shown(dir->added, name);
        return err_new(ERR_INPUT, "%s is a directory and cannot be replaced with a file", shown);
    }
    copy_meta(run, copy_fill(run, dir, name, &there, from->type), from, false);
    return NULL;
}

/* Make or find the directory for one of the source. `matched`: it was selected itself, so its metadata
 * counts; else only its mode does, as for BuildKit. */
static struct err *place_dir(struct copy_run *run, const struct node *from, const struct copy_place *dir,
                             bool matched, struct copy_place *out)
{
    struct copy_place there = {0};
    TRY(copy_child(&there, run, dir, from->name));
    const struct node *old = copy_visible(&there);
    if (old && old->type != NODE_DIR) {
        AUTO(mem_free) char *shown = copy_shown(dir->added, from->name);
        return err_new(ERR_INPUT, "%s is not a directory and cannot be replaced with one", shown);
    }
    if (!old) {
        copy_meta(run, copy_fill(run, dir, from->name, &there, NODE_DIR), from, false);
    } else {
        copy_enter(run, dir, from->name, &there);
        struct node *n = copy_touch(run, &there);
        if (matched)
            copy_meta_merge(run, n, from, false);
        else
            n->mode = from->mode;
        copy_settle(&there);
    }
    *out = there;
    return NULL;
}

/* Make the directories above something that matched. */
static struct err *make_ready(struct walk *w)
{
    for (size_t i = 1; i < w->count; i++) {
        struct level *l = &w->level[i];
        if (!l->ready)
            TRY(place_dir(w->run, l->from, &w->level[i - 1].at, false, &l->at));
        l->ready = true;
    }
    return NULL;
}

static void judge(struct walk *w, const struct node *n, struct verdict *v)
{
    const struct level *dir = &w->level[w->count - 1];
    const char *path = buf_text(&w->path);
    bool is_dir = n->type == NODE_DIR;
    v->include = true;
    if (w->includes)
        v->include = ignore_matches_below(w->includes, path, dir->include, is_dir ? &v->include_state : NULL);
    v->exclude =
        ignore_matches_below(w->run->excludes, path, dir->exclude, is_dir ? &v->exclude_state : NULL);
    v->include = v->include && !v->exclude;
}

/* Could anything below a directory that is not selected be? */
static bool may_hold_some(const struct walk *w, const struct verdict *v)
{
    if (v->exclude)
        return ignore_has_exceptions(w->run->excludes);
    return v->include || ignore_may_match_below(w->includes, buf_text(&w->path));
}

static struct err *walk_children(struct walk *w, struct node *from);

static struct err *walk_dir(struct walk *w, struct node *from, struct verdict *v)
{
    struct level next = {.from = from, .ready = v->include};
    if (w->count > COPY_MAX_DEPTH)
        return err_new(ERR_RESOURCE, "the source has more than %u directories below each other",
                       COPY_MAX_DEPTH);
    if (v->include)
        TRY(place_dir(w->run, from, &w->level[w->count - 1].at, true, &next.at));
    if (!may_hold_some(w, v))
        return NULL;
    next.include = TAKE(v->include_state);
    next.exclude = TAKE(v->exclude_state);
    MEM_PUSH(w->level, w->count, w->room, next);
    TRY(walk_children(w, from));
    pop_level(w);
    return NULL;
}

static struct err *walk_entry(struct walk *w, struct node *n)
{
    AUTO_VALUE(verdict_wipe) struct verdict v = {0};
    judge(w, n, &v);
    if (v.include) {
        w->included++;
        TRY(make_ready(w));
    }
    if (n->type == NODE_DIR)
        return walk_dir(w, n, &v);
    return v.include ? copy_file(w->run, n, &w->level[w->count - 1].at, n->name) : NULL;
}

static struct err *walk_children(struct walk *w, struct node *from)
{
    struct tree *tree = w->run->step->from;
    struct node **child = NULL;
    size_t count = 0;
    size_t before = w->path.len;
    TRY(stop_check());
    TRY(tree_children(tree, from, &child, &count));
    for (size_t i = 0; i < count; i++) {
        if (before > 0)
            buf_byte(&w->path, '/');
        buf_str(&w->path, child[i]->name);
        TRY(walk_entry(w, child[i]));
        w->path.len = before;
    }
    return NULL;
}

struct err *copy_contents(struct copy_run *run, struct node *from, const struct copy_place *dir,
                          const struct ignore *includes, uint64_t *included)
{
    AUTO_VALUE(walk_wipe) struct walk w = {.run = run, .includes = includes, .path = BUF(BUF_NO_LIMIT)};
    MEM_PUSH(w.level, w.count, w.room, (struct level){.from = from, .at = *dir, .ready = true});
    if (!includes && ignore_count(run->excludes) == 0)
        tree_read_ahead(run->step->from, from);
    TRY(walk_children(&w, from));
    /* A destination that the step made has the time of what is in it. */
    if (!dir->added->implicit && dir->added->parent)
        copy_time(run, dir->added, from, false);
    *included += w.included;
    return NULL;
}
