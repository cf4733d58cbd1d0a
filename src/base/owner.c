/* SPDX-License-Identifier: Apache-2.0 */
#include "base/owner.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct owner *owner_list_add(struct owner_list *list, const char *path)
{
    struct owner added = {.path = mem_strdup(path)};

    MEM_PUSH(list->item, list->count, list->room, added);
    return &list->item[list->count - 1];
}

static int compare(const void *a, const void *b)
{
    const struct owner *left = a, *right = b;

    return strcmp(left->path, right->path);
}

void owner_list_sort(struct owner_list *list)
{
    if (list->count > 1)
        qsort(list->item, list->count, sizeof *list->item, compare);
}

static int compare_path(const void *path, const void *item)
{
    const struct owner *owner = item;

    return strcmp(path, owner->path);
}

const struct owner *owner_list_find(const struct owner_list *list, const char *path)
{
    if (list->count == 0)
        return NULL;
    return bsearch(path, list->item, list->count, sizeof *list->item, compare_path);
}

void owner_list_wipe(struct owner_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i].path);
    free(list->item);
    *list = (struct owner_list){0};
}
