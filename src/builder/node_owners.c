/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/node_owners.h"

#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

static void add(struct owner_list *list, const struct node *n, size_t skip)
{
    AUTO(mem_free) char *path = node_path(n);
    const char *below = path + skip;
    struct owner *o = owner_list_add(list, *below == '/' ? below + 1 : below);
    o->uid = n->uid;
    o->gid = n->gid;
    if (n->type != NODE_CHAR && n->type != NODE_BLOCK)
        return;
    o->device_type = n->type == NODE_CHAR ? S_IFCHR : S_IFBLK;
    o->device_major = n->device_major;
    o->device_minor = n->device_minor;
}

static void find(struct owner_list *list, const struct node *n, size_t skip, bool devices_only)
{
    bool device = n->type == NODE_CHAR || n->type == NODE_BLOCK;
    if (device || (!devices_only && (n->uid || n->gid)))
        add(list, n, skip);
    for (uint32_t i = 0; i < n->child_count; i++)
        find(list, n->child[i], skip, devices_only);
}

void node_owners(struct owner_list *out, const struct node *top, bool devices_only)
{
    AUTO(mem_free) char *path = node_path(top);
    find(out, top, strlen(path), devices_only);
    owner_list_sort(out);
}
