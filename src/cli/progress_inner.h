/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_PROGRESS_INNER_H
#define LADE_CLI_PROGRESS_INNER_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/lock.h"
#include "base/str.h"
#include "cli/progress.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What progress.c keeps and the views show. Everything is touched only under `lock`. */

/* A step of a build, or all blobs that go to one place. */
struct progress_item {
    bool transfer;
    unsigned id;     /* steps: as in the events */
    unsigned number; /* as it is shown, from 1 */
    char *name;      /* escaped */
    char *key;       /* transfers: the name as it came */
    uint64_t begin_ms, end_ms;
    bool ended, shown;
    char *result;        /* steps: "", "CACHED" or an error, escaped */
    size_t blobs, moved; /* transfers: that ended; of these not there already */
    uint64_t bytes;      /* transfers: of blobs that moved */
    struct strlist tail; /* steps: the last lines of output, escaped */
};

/* A blob that moves. */
struct progress_blob {
    struct digest digest;
    size_t item; /* its place in the list */
    uint64_t begin_ms, told_ms;
    uint64_t done, total;
};

struct progress;
struct progress_view {
    /* After the model has changed. `item` and `blob` may be NULL; `text` is the event's, escaped. */
    void (*event)(struct progress *p, const struct event *e, struct progress_item *item,
                  struct progress_blob *blob, const char *text);
    /* A transfer has ended, or a step that will not go on. */
    void (*ended)(struct progress *p, struct progress_item *item);
    void (*end)(struct progress *p); /* all have ended */
};

struct progress {
    struct lock *lock;
    const struct progress_view *view;
    int fd;
    uint64_t begin_ms;
    uint64_t (*clock)(void);
    struct progress_item *item;
    size_t item_count, item_room;
    struct progress_blob *blob;
    size_t blob_count, blob_room;
    struct buf out; /* what the view is about to write */
    /* The live view. */
    bool colour, stopping, ticking;
    pthread_t ticker;
    size_t *live_width; /* columns of each line that is on the screen and will be replaced */
    size_t live_count, live_room;
};

#define PROGRESS_TAIL 6

extern const struct progress_view progress_plain_view;
extern const struct progress_view progress_tty_view;
extern const struct progress_view progress_json_view;
void progress_tty_begin(struct progress *p); /* starts the thread that redraws */

void progress_write(struct progress *p);             /* out → fd; `out` is empty after */
void progress_seconds(struct buf *out, uint64_t ms); /* "0.1s" */
const char *progress_short(const struct progress_blob *b, char text[DIGEST_SHORT]);

#endif
