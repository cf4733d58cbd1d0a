/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_IO_H
#define LADE_BASE_IO_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Streams. A source is read by peek and advance, so that no level copies; a sink is written and then
 * committed, and what was not committed leaves no trace where the sink can help it. Neither is thread safe.
 *
 *     const uint8_t *data; size_t len;
 *     for (;;) {
 *         TRY(source_peek(s, &data, &len));
 *         if (len == 0) break;                  end of data
 *         …use data[0 .. len)…
 *         source_advance(s, len);
 *     }
 */

struct source;
struct source_ops {
    /* At least one byte, or len 0 at the end. Valid until the next call on this source. */
    struct err *(*peek)(struct source *s, const uint8_t **data, size_t *len);
    void (*advance)(struct source *s, size_t len); /* at most what peek gave */
    /* Start again at `offset` bytes from the beginning; NULL where that cannot be done. */
    struct err *(*reopen)(struct source *s, uint64_t offset);
    void (*free)(struct source *s);
};
struct source {
    const struct source_ops *ops;
};

MUST_USE struct err *source_peek(struct source *s, const uint8_t **data, size_t *len);
void source_advance(struct source *s, size_t len);
bool source_can_reopen(const struct source *s);
MUST_USE struct err *source_reopen(struct source *s, uint64_t offset);
void source_free(struct source *s);
AUTO_DEFINE(struct source *, source_free)

/* Fill `data` with up to `len` bytes; *got is less only at the end. */
MUST_USE struct err *source_read(struct source *s, void *data, size_t len, size_t *got);
/* All that is left, appended to `out`; ERR_RESOURCE naming `what` when it is more than the buffer's maximum.
 */
MUST_USE struct err *source_read_all(struct source *s, struct buf *out, const char *what);
/* Read to the end and drop it. */
MUST_USE struct err *source_drain(struct source *s);

/* Sources. Those that take another one own it. */
struct source *source_fd(int fd_take); /* reopens when the file can seek */
struct source *source_fd_range(int fd_take, uint64_t start, uint64_t len); /* by pread; reopens.
                                               ERR_INTEGRITY when the file is shorter */
struct source *source_mem(const void *data, size_t len);                   /* copies; reopens */
struct source *source_mem_take(char *data_take, size_t len);               /* frees; reopens */
/* Exactly `size` bytes with this digest, else ERR_INTEGRITY naming `what`, reported at the latest instead of
 * the end. A digest that is not set, or size UINT64_MAX, is not checked. With a size, the last piece is given
 * out only after the check. Reopens when the inner one does; what stands before the offset is read and
 * digested again. */
struct source *source_verify(struct source *inner_take, const struct digest *want, uint64_t size,
                             const char *what);
/* ERR_RESOURCE naming `what` once more than `max` bytes were read. Reopens when the inner one does. */
struct source *source_limit(struct source *inner_take, uint64_t max, const char *what);
/* Calls `seen` with each piece that is consumed, in order; for progress and tees. Reopens when the inner
 * one does: pieces are then seen again. */
struct source *source_watch(struct source *inner_take,
                            void (*seen)(void *ctx, const uint8_t *data, size_t len), void *ctx);

/* Passes `inner` through without owning it, where something that takes a source is to leave it alive. */
struct source *source_borrow(struct source *inner);

struct sink;
struct sink_ops {
    struct err *(*write)(struct sink *s, const void *data, size_t len); /* all of it, or an error */
    struct err *(*commit)(struct sink *s);                              /* once, last */
    void (*free)(struct sink *s);                                       /* without commit: undone */
};
struct sink {
    const struct sink_ops *ops;
};

MUST_USE struct err *sink_write(struct sink *s, const void *data, size_t len);
MUST_USE struct err *sink_commit(struct sink *s);
void sink_free(struct sink *s);
AUTO_DEFINE(struct sink *, sink_free)

struct sink *sink_fd(int fd_take);      /* commit closes and reports the error of close */
struct sink *sink_buf(struct buf *out); /* borrowed; buf_check at commit */
struct sink *sink_discard(void);
/* Passes everything to `inner` (NULL: nowhere) and counts and digests it (SHA-256) on the way. The values at
 * *digest and *size (may be NULL) are set by commit, just before the inner one is committed. `inner` is
 * owned. */
struct sink *sink_digest(struct sink *inner_take, struct digest *digest, uint64_t *size);

/* All of `from` into `to` (NULL: nowhere), no commit. *count may be NULL. Looks at the stop flag
 * (base/stop.h). */
MUST_USE struct err *io_copy(struct sink *to, struct source *from, uint64_t *count);

#endif
