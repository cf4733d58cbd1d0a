/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_OUTPUT_H
#define LADE_BUILDER_RUN_OUTPUT_H

#include "base/buf.h"
#include "base/str.h"
#include "image/event.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a command writes, as lines: each becomes an EVENT_LINE of the step. A carriage return ends a line too,
 * so that progress bars show; lines longer than RUN_OUTPUT_LINE_MAX are cut into several. After
 * RUN_OUTPUT_MAX bytes the rest is dropped, which is said once. The last lines are kept for the error, also
 * those that were dropped.
 */
#define RUN_OUTPUT_MAX (2u << 20)
#define RUN_OUTPUT_LINE_MAX (16u * 1024)
#define RUN_OUTPUT_TAIL 20

struct run_output {
    const struct events *events;
    unsigned id;
    struct buf line;
    bool returned; /* the last byte was a carriage return: a newline behind it is no line */
    uint64_t shown;
    bool clipped;
    struct strlist tail;
};
void run_output_begin(struct run_output *o, const struct events *events, unsigned id);
/* As sandbox_spec.output wants it; `ctx` is the struct. */
void run_output_add(void *ctx, const char *data, size_t len);
/* The last line, when it has no newline. */
void run_output_end(struct run_output *o);
void run_output_wipe(struct run_output *o);

#endif
