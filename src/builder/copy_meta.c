/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/copy_inner.h"

#include <string.h>

void copy_time(const struct copy_run *run, struct node *n, const struct node *from, bool unpacked)
{
    int64_t epoch = run->step->epoch;
    bool later = from->mtime > epoch || (from->mtime == epoch && from->mtime_ns > 0);
    n->mtime = from->mtime;
    n->mtime_ns = from->mtime_ns;
    if (run->step->keep_times || (!later && !(run->step->from_context && !unpacked)))
        return;
    n->mtime = epoch;
    n->mtime_ns = 0;
}

static void set_owner(const struct copy_run *run, struct node *n, const struct node *from, bool unpacked)
{
    struct account owner = {from->uid, from->gid};
    if (run->step->from_context && !unpacked)
        owner = (struct account){0};
    if (run->owner)
        owner = *run->owner;
    n->uid = owner.uid;
    n->gid = owner.gid;
}

static void set_mode(const struct copy_run *run, struct node *n, const struct node *from, bool unpacked)
{
    n->mode = from->mode;
    if (from->type == NODE_SYMLINK)
        n->mode = 0777;
    else if (run->has_mode && !unpacked)
        n->mode = mode_apply(&run->mode, from->mode, from->type == NODE_DIR);
}

static void set_link_group(struct copy_run *run, struct node *n, const struct node *from)
{
    uint32_t group = from->link_group;
    if (group == 0 || from->type != NODE_FILE)
        return;
    if (group >= run->group_count) {
        size_t count = (size_t)group * 2;
        run->group = mem_grow(run->group, count, sizeof *run->group);
        memset(run->group + run->group_count, 0, (count - run->group_count) * sizeof *run->group);
        run->group_count = count;
    }
    if (!run->group[group])
        run->group[group] = tree_new_link_group(run->layer);
    n->link_group = run->group[group];
}

void copy_meta(struct copy_run *run, struct node *n, const struct node *from, bool unpacked)
{
    node_copy_meta(run->layer, n, from);
    n->implicit = false;
    set_owner(run, n, from, unpacked);
    set_mode(run, n, from, unpacked);
    copy_time(run, n, from, unpacked);
    set_link_group(run, n, from);
}

void copy_meta_merge(struct copy_run *run, struct node *n, const struct node *from, bool unpacked)
{
    set_owner(run, n, from, unpacked);
    set_mode(run, n, from, unpacked);
    copy_time(run, n, from, unpacked);
    for (uint32_t i = 0; i < from->xattr_count; i++)
        node_set_xattr(run->layer, n, from->xattr[i].name, from->xattr[i].value, from->xattr[i].value_len);
}

void copy_forget_links(struct copy_run *run)
{
    mem_free(run->group);
    run->group = NULL;
    run->group_count = 0;
}
