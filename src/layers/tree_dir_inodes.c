/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "layers/tree_dir.h"

#define FIRST_SIZE 64

static struct inode_group *find(struct inode_group *slot, size_t size, dev_t device, ino_t inode)
{
    uint64_t hash = ((uint64_t)inode ^ ((uint64_t)device << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 32) & (size - 1);

    while (slot[at].group && (slot[at].device != device || slot[at].inode != inode))
        at = (at + 1) & (size - 1);
    return &slot[at];
}

static void grow(struct inodes *inodes)
{
    size_t size = inodes->size ? inodes->size * 2 : FIRST_SIZE;
    struct inode_group *slot = mem_zero(size, sizeof *slot);

    for (size_t i = 0; i < inodes->size; i++) {
        const struct inode_group *old = &inodes->slot[i];
        if (old->group)
            *find(slot, size, old->device, old->inode) = *old;
    }
    mem_free(inodes->slot);
    inodes->slot = slot;
    inodes->size = size;
}

uint32_t inodes_group(struct inodes *inodes, struct tree *t, dev_t device, ino_t inode)
{
    if (inodes->count >= inodes->size / 2)
        grow(inodes);
    struct inode_group *place = find(inodes->slot, inodes->size, device, inode);
    if (!place->group) {
        *place = (struct inode_group){device, inode, tree_new_link_group(t)};
        inodes->count++;
    }
    return place->group;
}

void inodes_wipe(struct inodes *inodes)
{
    mem_free(inodes->slot);
    *inodes = (struct inodes){0};
}
