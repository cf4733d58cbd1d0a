/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_UPLOAD_H
#define LADE_REGISTRY_UPLOAD_H

#include "base/attr.h"
#include "base/err.h"
#include "image/desc.h"
#include "registry/blob.h"
#include "registry/client.h"
#include "registry/journal.h"
#include "registry/lessons.h"
#include "registry/quirks.h"
#include "registry/retry.h"
#include "registry/upload_body.h"
#include "registry/url.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * One blob on its way to a registry (distribution-spec v1.1, "Pushing blobs"). blob_put.c tries until it is
 * there: upload_session.c opens, asks and forgets sessions, upload_send.c sends, upload_recover.c says how to
 * go on after a failure.
 */

/* What a failure leaves unknown, and so what must come next. */
enum upload_fault {
    UPLOAD_FINAL,     /* nothing: it stays as it is */
    UPLOAD_CUT,       /* how much the session has */
    UPLOAD_ENDING,    /* whether the blob is stored */
    UPLOAD_LOST,      /* nothing: the session is gone */
    UPLOAD_REFUSED,   /* nothing: the registry does not take it in this form */
    UPLOAD_TOO_LARGE, /* whether the session lives: something refused a body of this size */
    UPLOAD_RANGE,     /* where to go on: not here, or not with so much (416) */
    UPLOAD_DIFFERS,   /* nothing: what arrived is not what was sent */
};

struct upload {
    const struct repo *repo;
    const struct desc *desc;
    const struct quirks *quirks;
    struct upload_plan plan;
    struct upload_body body;
    struct journal *journal; /* or NULL */

    struct url session;  /* empty: none is open */
    uint64_t at;         /* bytes that the session has, as far as is known */
    uint64_t believed;   /* what it should have, when it says less */
    uint64_t chunk_min;  /* bytes of a piece, but for the last */
    bool trusted;        /* in `believed`, not in what the session says */
    bool stepped, ended; /* one byte on was tried; so was the end */
    bool done;           /* it is there */

    struct retry_policy policy;
    struct retry retry;
    uint64_t mark;     /* `at` when `retry` began */
    unsigned sessions; /* opened, but for those that only taught something */
    unsigned lessons;  /* the others */
    unsigned cuts, lost, moves, differing;
    unsigned tried; /* a bit for each form that was refused */
    bool doubtful;  /* it may have been stored although that was not told */
    enum upload_fault fault;
};

/* Give up a blob after so many changes of the way that it goes up. */
#define UPLOAD_LESSONS_MAX 16

void upload_begin(struct upload *u, const struct repo *r, const struct desc *d, struct source *from);
void upload_end(struct upload *u);

/* upload_session.c */

/* Begin a session; `done` when the registry had the blob elsewhere, and took it from there. */
MUST_USE struct err *upload_open(struct upload *u);
/* Go on in the session that an earlier process has left, when it lives still. */
MUST_USE struct err *upload_take_up(struct upload *u);
/* From now on the session is where the reply's Location says; without one it stays where it is. */
MUST_USE struct err *upload_move(struct upload *u, const struct client_reply *reply);
/* Ask the session how much it has. False: it does not tell, or lives no more. */
MUST_USE bool upload_ask(struct upload *u);
/* Forget the session. */
void upload_drop(struct upload *u);

/* upload_send.c: from `at` on. An error sets `fault`. */
MUST_USE struct err *upload_send(struct upload *u);
MUST_USE struct err *upload_finish(struct upload *u);

/* After a failure: can it be tried again? Then *e is freed, what can be known is known, and the wait is over.
 * False also when there is no error, or turns out to be none. */
MUST_USE bool upload_recover(struct upload *u, struct err **e);

#endif
