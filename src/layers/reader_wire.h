/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_READER_WIRE_H
#define LADE_LAYERS_READER_WIRE_H

#include "layers/entries.h"
#include "layers/reader.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What lade and the process that reads for it say to each other: one request and the packed bytes there,
 * frames back. Both are the same program, so numbers are as this machine has them; but lade trusts no frame.
 *
 * READY ( ENTRY XATTR* DATA* )* END      or READY DATA* END; TICK anywhere; ERROR in place of any frame
 */
#define WIRE_PAYLOAD_MAX (256u << 10) /* of a frame */
#define WIRE_TEXT_MAX 4096u           /* of an error; of the name of an attribute (one more says: longer) */
#define WIRE_TICK_BYTES (UINT64_C(64) << 20) /* plain bytes after which the child says that it is alive */
#define WIRE_BUFFER ((size_t)WIRE_PAYLOAD_MAX + 64)
#define READER_MODE "lade-reader" /* its argv[0] */

struct wire_request {
    uint32_t plain; /* 1: no entries, only the plain bytes */
    uint32_t packing, data, digest;
    uint64_t entries, bytes, memory, header, xattr, path, component; /* struct tarlimits */
    uint32_t records, xattrs, sparse, unused;
};

enum wire_kind { WIRE_READY = 1, WIRE_ENTRY, WIRE_XATTR, WIRE_DATA, WIRE_TICK, WIRE_END, WIRE_ERROR };

struct wire_frame {
    uint32_t kind, len; /* of what follows */
};

struct wire_ready {
    uint32_t confined;
};

/* Path and target stand behind it, without NUL, cut to one byte more than the limit of names. */
struct wire_entry {
    uint64_t size;
    int64_t mtime;
    uint32_t type, mode, uid, gid, device_major, device_minor, mtime_ns;
    uint32_t path_len, target_len, unused;
};

/* Name and value behind it; a value that is too long is cut to one byte more than the limit. */
struct wire_xattr {
    uint32_t name_len, value_len;
};

struct wire_end {
    uint64_t entries;
    uint32_t alg, unused;
    uint8_t digest[64];
};

/* The message behind it, without NUL. */
struct wire_error {
    uint32_t kind;
};

struct tarlimits wire_limits(const struct wire_request *request);
void wire_set_limits(struct wire_request *request, const struct tarlimits *limits);
/* Does the child send the entry's data? Both sides decide by this. */
bool wire_sends_data(enum reader_data mode, const struct entry *e);

#endif
