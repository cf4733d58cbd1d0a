/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_PIPELINE_INNER_H
#define LADE_LAYERS_PIPELINE_INNER_H

#include "base/ring.h"
#include "layers/chunkplan.h"
#include "layers/gzip.h"
#include "layers/pipeline.h"
#include "layers/worker.h"

#include <stdatomic.h>

/* What the pipeline's files share: pipeline.c cuts the tar into chunks and says what is to be done for each,
 * pipeline_chunk.c does it. */

/* One chunk in flight. */
struct job {
    struct chunkplan plan;
    bool copied;                  /* its plain bytes are not needed: `old` says all; `plan` is nothing */
    const struct memo_chunk *old; /* where its packed bytes are already, or NULL */
    struct memo_chunk made;       /* key and len are set with the plan, all else on the way */
    uint8_t *packed;              /* made on first use */
    bool reused;                  /* `packed` is from the old blob */
};

struct pipeline {
    struct pipeline_options options;
    struct chunkplan plan; /* the chunk that is being planned */
    size_t matched;        /* chunks that are as they were, from the first on … */
    bool matching;         /* … and nothing else was found yet */
    struct ring *ring;
    struct job *job; /* as the ring's slots */
    size_t jobs;

    struct workers *workers;
    atomic_bool stale;

    /* Of the turns. */
    struct sink *to;
    struct hash *diff;
    struct gzip gzip;
    uint64_t size; /* written */
    size_t reused, done;
};

extern const struct ring_ops pipeline_ring_ops;
/* Write what is no chunk, in a turn or after all. */
MUST_USE struct err *pipeline_write(struct pipeline *p, const void *data, size_t len);

/* Nothing was handed to the workers yet: take the chunks that match into `made` as they are. */
void pipeline_keep_matched(struct pipeline *p);

#endif
