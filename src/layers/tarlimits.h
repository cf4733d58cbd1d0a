/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARLIMITS_H
#define LADE_LAYERS_TARLIMITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What a tar of anybody may cost. Every number that such a tar names is checked against one of these before
 * it is used, and what is over it is ERR_RESOURCE naming the limit. doc/threats.md says why each is what it
 * is; tests set smaller ones.
 */
#define TARLIMITS_ENTRIES UINT64_C(10000000) /* headers of files, directories, links… */
#define TARLIMITS_BYTES \
    (UINT64_C(64) << 30) /* of the plain tar, and of the sum of its files with their holes */
#define TARLIMITS_MEMORY (UINT64_C(1) << 30) /* bytes that nodes, names, link targets and attributes take */
#define TARLIMITS_PATH 4095                  /* bytes of a name or link target: PATH_MAX without its NUL */
#define TARLIMITS_COMPONENT 255              /* bytes between two slashes: NAME_MAX */
#define TARLIMITS_HEADER (UINT64_C(1) << 20) /* bytes of one pax header, or of one GNU long name */
#define TARLIMITS_RECORDS 1000               /* of one pax header */
#define TARLIMITS_XATTRS 128                 /* of one entry */
#define TARLIMITS_XATTR (UINT64_C(64) << 10) /* bytes of one value */
#define TARLIMITS_SPARSE 65536               /* regions of one sparse file */

struct tarlimits {
    uint64_t entries, bytes, memory, header, xattr;
    size_t path, component;
    unsigned records, xattrs, sparse;
};

#define TARLIMITS                         \
    ((struct tarlimits){                  \
        .entries = TARLIMITS_ENTRIES,     \
        .bytes = TARLIMITS_BYTES,         \
        .memory = TARLIMITS_MEMORY,       \
        .header = TARLIMITS_HEADER,       \
        .xattr = TARLIMITS_XATTR,         \
        .path = TARLIMITS_PATH,           \
        .component = TARLIMITS_COMPONENT, \
        .records = TARLIMITS_RECORDS,     \
        .xattrs = TARLIMITS_XATTRS,       \
        .sparse = TARLIMITS_SPARSE,       \
    })

#endif
