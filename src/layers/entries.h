/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ENTRIES_H
#define LADE_LAYERS_ENTRIES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The entries of a tar, one after another, as they stand there: names are not cleaned. Read in this process
 * (layers/entries_tar.h) or in one of their own (layers/reader.h).
 */
enum entry_type { ENTRY_FILE, ENTRY_DIR, ENTRY_SYMLINK, ENTRY_HARDLINK, ENTRY_CHAR, ENTRY_BLOCK, ENTRY_FIFO };

struct entry {
    enum entry_type type;
    const char *path;   /* as it stands in the archive */
    const char *target; /* of links; never NULL for them */
    uint64_t size;      /* of files, with their holes */
    uint32_t mode;      /* 07777 only */
    uint32_t uid, gid;
    uint32_t device_major, device_minor;
    int64_t mtime;
    uint32_t mtime_ns;
};

struct entries;
struct entries_ops {
    /* The next entry, borrowed until the call after; *more false at the end. What is left of the last one's
     * data is skipped. */
    struct err *(*next)(struct entries *s, struct entry *entry, bool *more);
    /* The extended attributes of the entry, before its data, one a call; *more false when there are no more.
     * Borrowed until the next call. */
    struct err *(*xattr)(struct entries *s, const char **name, const void **value, size_t *len, bool *more);
    /* The entry's data, holes as zeros: exactly its size, or nothing where that was asked for. Borrowed until
     * `next`. */
    struct source *(*data)(struct entries *s);
    /* After the last entry: the rest of the bytes is read, so that whatever checks them sees all. `count` is
     * how many entries came; ERR_INPUT when the archive can be read as having another number. */
    struct err *(*end)(struct entries *s, uint64_t count);
    void (*free)(struct entries *s);
};
struct entries {
    const struct entries_ops *ops;
};

static inline void entries_free(struct entries *s)
{
    if (s)
        s->ops->free(s);
}
AUTO_DEFINE(struct entries *, entries_free)

#endif
