/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_mounts.h"

#include "base/fs.h"
#include "base/mem.h"
#include "builder/node_owners.h"
#include "builder/rootfs.h"
#include "builder/run_cache_owners.h"
#include "builder/run_caches.h"
#include "builder/run_command.h"
#include "builder/run_files.h"
#include "builder/run_show.h"

#include <string.h>

static struct sandbox_mount *add(struct run_mounts *m, enum sandbox_mount_kind kind, const char *target)
{
    MEM_PUSH(m->item, m->count, m->room, (struct sandbox_mount){.kind = kind, .target = mem_strdup(target)});
    return &m->item[m->count - 1];
}

static void add_data(struct run_mounts *m, const char *target, const char *data, size_t len, uint32_t mode)
{
    struct sandbox_mount *item = add(m, SANDBOX_DATA, target);
    item->data = mem_dup(len > 0 ? data : "", len > 0 ? len : 1);
    item->data_len = len;
    item->mode = mode;
    item->read_only = true;
}

/* What every command gets. A mount of the step at the same place comes later and hides it. */
static struct err *add_usual(struct run_mounts *m, const struct run_plan *plan)
{
    AUTO(mem_free) char *resolv = NULL;
    TRY(run_files_resolv(&resolv));
    add_data(m, "/etc/resolv.conf", resolv, strlen(resolv), 0644);
    add_data(m, "/etc/hosts", plan->hosts, strlen(plan->hosts), 0644);
    if (!plan->script)
        return NULL;
    AUTO(mem_free) char *target = mem_printf(RUN_SCRIPT_FOLDER "/%s", plan->script_name);
    add_data(m, target, plan->script, strlen(plan->script), 0755);
    return NULL;
}

static struct err *add_bind(struct run_mounts *m, struct builder *b, const struct run_mount *mount)
{
    struct run_shown shown = {0};
    TRY(run_show(&shown, b, mount));
    if (shown.unpacked)
        MEM_PUSH(m->shown, m->shown_count, m->shown_room, shown.unpacked);
    if (shown.copy)
        MEM_PUSH(m->copy, m->copy_count, m->copy_room, shown.copy);
    struct sandbox_mount *item = add(m, SANDBOX_BIND, mount->target);
    item->source = shown.path;
    item->read_only = mount->read_only;
    if (mount->from)
        node_owners(&item->owners, mount->node, false);
    return NULL;
}

struct wait {
    char *name;
    size_t mount; /* its number */
};
/* The caches of a step, in the order in which they are waited for. */
struct waits {
    struct wait *item;
    size_t count, room;
};

static void waits_wipe(struct waits *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->item[i].name);
    free(w->item);
}

static int by_name(const void *a, const void *b)
{
    const struct wait *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->mount > right->mount) - (left->mount < right->mount);
}

static struct err *take_cache(struct run_mounts *m, struct builder *b, const struct run_mount *mount,
                              struct strlist *held, char **path)
{
    int lock = -1;
    TRY(run_cache_take(path, &lock, b, mount, held));
    if (lock >= 0)
        MEM_PUSH(m->lock, m->lock_count, m->lock_room, lock);
    strlist_add(held, *path);
    return NULL;
}

static struct err *take_caches(struct run_mounts *m, struct builder *b, const struct run_plan *plan)
{
    AUTO_VALUE(waits_wipe) struct waits waits = {0};
    AUTO_VALUE(strlist_wipe) struct strlist held = {0};
    m->cache = mem_zero(plan->mount_count + 1, sizeof *m->cache);
    m->cache_count = plan->mount_count;
    for (size_t i = 0; i < plan->mount_count; i++) {
        struct wait wait = {.mount = i};
        if (plan->mount[i].kind != RUN_CACHE)
            continue;
        TRY(err_wrap(run_cache_name(&wait.name, b, &plan->mount[i]), "mount %s", plan->mount[i].target));
        MEM_PUSH(waits.item, waits.count, waits.room, wait);
    }
    if (waits.count > 0)
        qsort(waits.item, waits.count, sizeof *waits.item, by_name);
    for (size_t i = 0; i < waits.count; i++) {
        const struct run_mount *mount = &plan->mount[waits.item[i].mount];
        TRY(err_wrap(take_cache(m, b, mount, &held, &m->cache[waits.item[i].mount]), "mount %s",
                     mount->target));
    }
    return NULL;
}

static void add_cache(struct run_mounts *m, const struct run_mount *mount, char *path_take)
{
    struct sandbox_mount *item = add(m, SANDBOX_BIND, mount->target);
    item->source = path_take;
    item->read_only = mount->read_only;
    item->keeps_owners = !strlist_has(&m->shown_caches, path_take);
    if (item->keeps_owners)
        run_cache_owners_read(&item->owners, path_take, mount->uid, mount->gid);
    strlist_add(&m->shown_caches, path_take);
    item->uid = mount->uid;
    item->gid = mount->gid;
}

static void add_secret(struct run_mounts *m, const struct run_mount *mount)
{
    if (!mount->secret || !mount->target)
        return;
    add_data(m, mount->target, mount->secret->data, mount->secret->data_len, mount->mode & 0777);
    struct sandbox_mount *item = &m->item[m->count - 1];
    item->secret = true;
    item->uid = mount->uid;
    item->gid = mount->gid;
}

static struct err *add_mount(struct run_mounts *m, struct builder *b, const struct run_mount *mount,
                             char **cache)
{
    struct sandbox_mount *item = NULL;
    switch (mount->kind) {
    case RUN_BIND:
        return add_bind(m, b, mount);
    case RUN_CACHE:
        add_cache(m, mount, TAKE(*cache));
        return NULL;
    case RUN_TMPFS:
        item = add(m, SANDBOX_TMPFS, mount->target);
        item->size = mount->size;
        item->read_only = mount->read_only;
        return NULL;
    case RUN_SECRET:
        add_secret(m, mount);
        return NULL;
    case RUN_SSH:
        if (mount->agent) {
            item = add(m, SANDBOX_BIND, mount->target);
            item->source = mem_strdup(mount->agent->socket);
        }
        return NULL;
    }
    return NULL;
}

struct err *run_mounts_make(struct run_mounts *out, struct builder *b, const struct run_plan *plan)
{
    TRY(add_usual(out, plan));
    TRY(take_caches(out, b, plan));
    for (size_t i = 0; i < plan->mount_count; i++) {
        const struct run_mount *mount = &plan->mount[i];
        TRY(err_wrap(add_mount(out, b, mount, &out->cache[i]), "mount %s",
                     mount->target ? mount->target : run_mount_kind_name(mount->kind)));
    }
    return NULL;
}

void run_mounts_keep(const struct run_mounts *m, const struct events *events,
                     const struct sandbox_result *result)
{
    for (size_t i = 0; i < result->mount_count && i < m->count; i++) {
        const struct sandbox_mount *item = &m->item[i];
        if (!item->keeps_owners)
            continue;
        AUTO(mem_free) char *target = str_safe(item->target);
        AUTO(err_free)
        struct err *e =
            run_cache_owners_merge(item->source, &item->owners, &result->mount[i], item->uid, item->gid);
        if (e)
            event_warn(events, "owners in the cache mount %s are not kept: %s", target, err_message(e));
    }
}

void run_mounts_wipe(struct run_mounts *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct sandbox_mount *item = &m->item[i];
        free(item->source);
        free(item->target);
        if (item->data)
            mem_wipe(item->data, item->data_len);
        free(item->data);
        owner_list_wipe(&item->owners);
    }
    free(m->item);
    for (size_t i = 0; i < m->lock_count; i++)
        fd_close(m->lock[i]);
    free(m->lock);
    for (size_t i = 0; i < m->cache_count; i++)
        free(m->cache[i]);
    free(m->cache);
    strlist_wipe(&m->shown_caches);
    for (size_t i = 0; i < m->shown_count; i++)
        unpacked_close(m->shown[i]);
    free(m->shown);
    for (size_t i = 0; i < m->copy_count; i++)
        unpacking_free(m->copy[i]);
    free(m->copy);
    *m = (struct run_mounts){0};
}
