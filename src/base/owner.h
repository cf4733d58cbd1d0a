/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_OWNER_H
#define LADE_BASE_OWNER_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What a file is in an image where the file system cannot hold it: somebody's who is not we, or a device. A
 * plain user can create neither, so files on disk belong to that user, devices are empty regular files there,
 * and the truth stands in a list beside them.
 */
struct owner {
    char *path; /* from the root, no leading slash; "" is the root itself */
    uint32_t uid, gid;
    uint32_t device_type; /* S_IFCHR or S_IFBLK; 0: what the file system says */
    uint32_t device_major, device_minor;
};
struct owner_list {
    struct owner *item;
    size_t count, room;
};

/* Append; the path is copied. The values are the caller's to set. */
struct owner *owner_list_add(struct owner_list *list, const char *path);
/* By path, in the order of bytes. */
void owner_list_sort(struct owner_list *list);
/* In a sorted list; NULL when the path has no entry: it belongs to 0:0 and is what it seems. */
const struct owner *owner_list_find(const struct owner_list *list, const char *path);
void owner_list_wipe(struct owner_list *list);

#endif
