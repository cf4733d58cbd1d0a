/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_USAGE_H
#define LADE_BUILDER_USAGE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * What stands in the cache and in the local store, entry by entry: how much it takes, when it was used last,
 * whether somebody uses it now; which of it should go, and removing that. Of doc/cache.md, "On one machine".
 */
enum usage_kind {
    USAGE_INDEX,
    USAGE_LAYERS,
    USAGE_STEPS,
    USAGE_LISTINGS,
    USAGE_UNPACKED,
    USAGE_MOUNTS,
    USAGE_BASES, /* one entry for all of them */
    USAGE_UPLOADS,
    USAGE_BLOBS, /* of the local store, which is no cache */
};
#define USAGE_KINDS ((size_t)USAGE_BLOBS + 1)
const char *usage_kind_name(enum usage_kind kind); /* "index": the folder, or "blobs" */
const char *usage_kind_type(enum usage_kind kind); /* what BuildKit calls records of that sort: "regular" */

struct usage_entry {
    enum usage_kind kind;
    char *id; /* "KIND/NAME", NAME being that of the file or directory; of blobs "sha256:…" */
    uint64_t bytes;
    struct timespec used; /* last; of blobs when they were written */
    bool in_use;          /* now, by some process, or an image with a name needs it: it stays */
    bool shared;          /* of the cache: its layer is one of an image with a name here; of blobs: several
                             names need it */
    bool useless;         /* nothing will ever take it */
    bool unfinished;      /* of USAGE_MOUNTS: something in it is, which goes in any case */
    char *layer;          /* the diff ID of the layer that it is, or of steps that it made; may be NULL */
    struct strlist blobs; /* of steps: ids of blobs in the store that the layer can be had from */
    char *about;          /* what a step does; may be NULL */
    bool picked;          /* may go: set by who asks */
    bool chosen;          /* goes: usage_choose */
};
struct usage {
    struct usage_entry *item;
    size_t count, room;
};

/* `cache` is the path of $LADE_CACHE; NULL: leave the cache out. `layout` has the images, NULL: there are
 * none. With `blobs` its blobs are entries too, and what is shared is found out, for which documents are
 * read.
 */
MUST_USE struct err *usage_read(struct usage *out, const char *cache, struct store *layout, bool blobs);
void usage_wipe(struct usage *u);
/* Append one. The strings are taken over. */
struct usage_entry *usage_add(struct usage *u, enum usage_kind kind, char *id_take);
/* Bytes of the cache, without the store. */
uint64_t usage_cache_bytes(const struct usage *u);

/* What may stay. */
struct usage_policy {
    uint64_t keep;        /* bytes of the cache, without blobs */
    bool mounts_apart;    /* caches of RUN do not count in `keep` but in this: */
    uint64_t keep_mounts; /* bytes */
};
/* Choose among those that are picked and not in use: the ones used longest ago, until the rest takes no more
 * than it may; what is useless; all blobs. Small files (all but unpacked layers and caches of RUN) are worth
 * more by the byte: a quarter is theirs. Steps go with the last layer or blob that they can be had from. */
void usage_choose(struct usage *u, const struct usage_policy *policy);

/* Remove what is chosen. `layout` NULL: no blobs; else it is open to remove. *freed: bytes. One that cannot
 * go, and one that somebody has begun to use, does not keep the others; the first error is returned. */
MUST_USE struct err *usage_remove(const struct usage *u, const char *cache, struct store *layout,
                                  uint64_t *freed);

/* What caches of RUN may take before pruning removes some, when nobody says otherwise. */
#define USAGE_MOUNTS_MAX (UINT64_C(10) << 30)

/* After a build: keep the cache below its limit (layers/cachelimit.h). Looks how much there is at most once
 * an hour, or when the disk has got fuller by what was left; else it costs two system calls. What goes wrong
 * is told to the log only. */
void usage_limit(const char *cache, struct store *layout);

/* Is the kind's folder there? One that is a symbolic link leads to what is not the cache's: left alone. */
bool usage_has_folder(int cache, enum usage_kind kind);

/* The parts of usage_read: plain files, what stands in those that are records of steps, and the store. */
MUST_USE struct err *usage_read_files(struct usage *u, int cache);
MUST_USE struct err *usage_read_steps(struct usage *u, int cache, struct store *layout);
MUST_USE struct err *usage_read_blobs(struct usage *u, struct store *layout);

#endif
