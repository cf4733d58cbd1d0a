/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_READER_PIPE_H
#define LADE_LAYERS_READER_PIPE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Two pipes to a process of our own program (base/proc.h): a source goes in at its standard input while we
 * wait for what comes out. One thread, both processes at work. A fault of the source counts before all that
 * the process says; its death, its silence and the end of its output are errors, as layers/reader.h says.
 */
struct reader_pipe;
/* `from` is borrowed. */
MUST_USE struct err *reader_pipe_open(struct reader_pipe **out, struct source *from, const char *mode,
                                      unsigned silence_ms);
/* A few bytes before those of the source. */
MUST_USE struct err *reader_pipe_say(struct reader_pipe *p, const void *data, size_t len);
/* `len` bytes of output (at most READER_PIPE_ROOM), in one piece; borrowed until the next call. */
#define READER_PIPE_ROOM ((size_t)512 << 10)
MUST_USE struct err *reader_pipe_need(struct reader_pipe *p, size_t len, const uint8_t **data);
size_t reader_pipe_there(const struct reader_pipe *p); /* bytes that are in that piece */
void reader_pipe_used(struct reader_pipe *p, size_t len);
/* The source was read to its end, and the process took all of it. */
bool reader_pipe_all_sent(const struct reader_pipe *p);
void reader_pipe_free(struct reader_pipe *p); /* ends the process */
AUTO_DEFINE(struct reader_pipe *, reader_pipe_free)

#endif
