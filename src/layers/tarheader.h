/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARHEADER_H
#define LADE_LAYERS_TARHEADER_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "layers/tree.h"

#include <stdint.h>

/*
 * The header blocks of one entry in the form tar/1: a ustar header and, where a field does not fit into it,
 * one pax header before it. Every byte is described in doc/formats.md and never changes.
 */

#define TAR_BLOCK 512
/* Of names and link targets (PATH_MAX without its NUL). */
#define TAR_PATH_MAX 4095
/* Of the records of one pax header; more is refused by several readers. */
#define TAR_PAX_MAX (1 << 20)

enum tar_type {
    TAR_FILE = '0',
    TAR_HARD_LINK = '1',
    TAR_SYMLINK = '2',
    TAR_CHAR = '3',
    TAR_BLOCK_DEVICE = '4',
    TAR_DIR = '5',
    TAR_FIFO = '6',
};

/* All borrowed. */
struct tar_entry {
    enum tar_type type;
    const char *name; /* directories end in "/" */
    const char *link; /* of links, else NULL */
    uint32_t mode;
    uint32_t uid, gid;
    uint64_t size; /* of the data that follows */
    int64_t mtime;
    uint32_t device_major, device_minor;
    const struct xattr *xattr; /* sorted by name */
    size_t xattr_count;
};

/* Append the blocks. ERR_INPUT for what a tar cannot hold: names too long, device numbers too large, xattr
 * names with "=". */
MUST_USE struct err *tarheader_write(struct buf *out, const struct tar_entry *entry);

#endif
