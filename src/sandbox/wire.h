/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_WIRE_H
#define LADE_SANDBOX_WIRE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages between lade and the processes of the sandbox: numbers and byte strings one after the other, in
 * the order that both ends know. Both ends are the same program, so there are no versions; JSON could not
 * carry paths and secrets, which are any bytes.
 */
#define WIRE_MAX (512u << 20)

void wire_put_u64(struct buf *b, uint64_t value);
void wire_put_bytes(struct buf *b, const void *data, size_t len);
void wire_put_text(struct buf *b, const char *text); /* NULL arrives as NULL */

/* What is read beyond the end is 0 or NULL, and sets `bad`. */
struct wire_in {
    const char *at;
    size_t left;
    bool bad;
};
uint64_t wire_get_u64(struct wire_in *in);
/* New, with a NUL behind. */
char *wire_get_bytes(struct wire_in *in, size_t *len);
char *wire_get_text(struct wire_in *in);
/* A number of items that follow; bounded by what is there. */
size_t wire_get_count(struct wire_in *in);

/* An error as a value: its kind, message and hint; NULL too. */
void wire_put_err(struct buf *b, const struct err *e);
MUST_USE struct err *wire_get_err(struct wire_in *in);

/* A pair of connected sockets, neither of 0 … PROC_FD_MAX - 1, close-on-exec. */
MUST_USE struct err *wire_pair(int ends[2]);
/* Send a message, and a descriptor with it (-1: none). 0, or errno; EPIPE without a signal. */
int wire_send(int fd, const struct buf *message, int passed);
/* Receive one into `out`, whose max is set. *passed (may be NULL) is -1 when no descriptor came. *ended: the
 * other end is gone. */
MUST_USE struct err *wire_receive(int fd, struct buf *out, int *passed, bool *ended);

#endif
