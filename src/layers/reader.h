/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_READER_H
#define LADE_LAYERS_READER_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "layers/entries.h"
#include "layers/tarlimits.h"

#include <stdbool.h>

/*
 * Reads tars and compressed bytes of others in a process of its own, which decompresses (layers/compress.h),
 * checks (layers/tarstrict.h), and parses (layers/untar.h); it can do nothing but read and write its two
 * pipes (base/confine.h). Somebody who finds a fault in one of those libraries can make that process lie
 * about the very bytes that they wrote, and nothing else: what it says is checked here as if it came from the
 * network.
 *
 * Errors about the bytes are those of the files above. ERR_INTERNAL: the process was killed by a signal, or
 * broke the protocol. ERR_RESOURCE: it ran out of memory, was killed by SIGKILL, or did nothing for a minute.
 * Several may run at once. Whoever has a main calls reader_is_child before all else (base/proc.h,
 * proc_start_self).
 */
#define READER_MEMORY (UINT64_C(1) << 30) /* bytes of address space of the process */
#define READER_SILENCE_MS 60000

enum reader_packing {
    READER_PLAIN,
    READER_GZIP,
    READER_ZSTD,
    READER_LAYER, /* plain, gzip or zstd, told by its first bytes */
    READER_ANY,   /* also bzip2 and xz */
};
enum reader_data {
    READER_NO_DATA,
    READER_ACCOUNTS, /* of small files with "passwd" or "group" in their path only */
    READER_ALL_DATA,
};
#define READER_ACCOUNTS_MAX (1u << 20)

/* Of a layer, by its media type. */
enum reader_packing reader_packing_of(const char *media_type);

struct reader_options {
    enum reader_packing packing;
    enum reader_data data;
    enum digest_alg digest; /* of the plain bytes; DIGEST_NONE: not wanted */
    const struct tarlimits *limits;
    const char *mode;    /* NULL; another program's, for tests */
    unsigned silence_ms; /* 0: READER_SILENCE_MS */
};

struct reader;
/* `packed` is borrowed; it has been read to its end when the entries end. */
MUST_USE struct err *reader_open(struct reader **out, struct source *packed,
                                 const struct reader_options *options);
struct entries *reader_entries(struct reader *r); /* borrowed */
/* After the end of the entries. */
struct digest reader_digest(const struct reader *r);
void reader_free(struct reader *r);
AUTO_DEFINE(struct reader *, reader_free)

/* The plain bytes alone; does not reopen. `packed` has been read to its end before this ends. */
MUST_USE struct err *reader_plain(struct source **out, struct source *packed_take,
                                  enum reader_packing packing);

/* For main: are we such a process? Then reader_child does its work, and does not return. */
bool reader_is_child(const char *argv0);
_Noreturn void reader_child(void);

#endif
