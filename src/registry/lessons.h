/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_LESSONS_H
#define LADE_REGISTRY_LESSONS_H

#include "base/attr.h"
#include "registry/quirks.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What the answers of one registry have taught in this run, so that no upload has to find it out again. Safe
 * for several threads.
 */
struct lessons;
struct lessons *lessons_new(void);
void lessons_free(struct lessons *l);
AUTO_DEFINE(struct lessons *, lessons_free)

/* How the bytes of a blob go up (distribution-spec v1.1, "Pushing blobs"). */
enum upload_form {
    UPLOAD_PATCH,  /* one PATCH, then a PUT without a body */
    UPLOAD_PUT,    /* one PUT with the body */
    UPLOAD_CHUNKS, /* several PATCHes with Content-Range, then a PUT */
};
#define UPLOAD_CHUNK (UINT64_C(16) << 20)      /* of a registry that nothing is known of */
#define UPLOAD_CHUNK_LEAST (UINT64_C(1) << 20) /* smaller ones are not tried */

struct upload_plan {
    enum upload_form form;
    uint64_t chunk;   /* bytes of a piece, should it come to pieces */
    bool chunks;      /* pieces may be tried */
    bool last_in_put; /* the last piece goes with the PUT */
};
/* For a blob of `size` bytes. `chunk_size` is what the user wants, or 0. */
void lessons_plan(struct lessons *l, const struct quirks *q, uint64_t chunk_size, uint64_t size,
                  struct upload_plan *out);

/* This form works, after another one did not. */
void lessons_form(struct lessons *l, enum upload_form form);
/* Bodies larger than this are refused. */
void lessons_chunk(struct lessons *l, uint64_t most);
/* Pieces are refused. */
void lessons_no_chunks(struct lessons *l);

/* May a mount be tried whose source is not named? True for one caller, until it has told what came of it;
 * then for all or for nobody. */
MUST_USE bool lessons_may_mount(struct lessons *l);
void lessons_mounted(struct lessons *l, bool done);

/* Ask before a large body is sent ("Expect: 100-continue")? Not where that is refused, nor where two waits
 * for the answer were in vain; but again once a connection broke while a body was sent without asking:
 * perhaps there was an answer that was not read. */
bool lessons_expect(struct lessons *l);
void lessons_expect_refused(struct lessons *l);
void lessons_expect_ignored(struct lessons *l);
void lessons_expect_missed(struct lessons *l);

#endif
