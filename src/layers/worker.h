/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_WORKER_H
#define LADE_LAYERS_WORKER_H

#include "base/attr.h"
#include "base/err.h"
#include "image/mediatype.h"
#include "layers/compress.h"
#include "layers/content.h"

/* What a thread needs to read contents and to compress them: lent to whichever thread works on a chunk, made
 * when all are out, so that there is one for each thread. */
struct worker {
    struct worker *next;
    struct content_reader *reader;
    struct compress *compress; /* NULL: no compression */
};

struct workers;
/* ERR_USAGE for a level that is none. */
MUST_USE struct err *workers_new(struct workers **out, enum mediatype_compression how, int level);
/* Of any thread. */
MUST_USE struct err *workers_take(struct workers *w, struct worker **out);
void workers_give_back(struct workers *w, struct worker *worker);
/* All have been given back. */
void workers_free(struct workers *w);
AUTO_DEFINE(struct workers *, workers_free)

#endif
