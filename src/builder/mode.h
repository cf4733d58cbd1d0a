/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_MODE_H
#define LADE_BUILDER_MODE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The value of --chmod: octal ("755", "04755") or symbolic as chmod(1) has it ("u=rwX,go=rX", "+x", "g=u-w"),
 * without a umask. "X" counts only after "+", and asks whether the file was executable before the whole
 * change or is a directory.
 */
struct mode_change;
struct mode_set {
    bool octal; /* then `bits` is the whole mode */
    uint32_t bits;
    struct mode_change *change;
    size_t count, room;
};

/* ERR_INPUT with the text. */
MUST_USE struct err *mode_parse(struct mode_set *out, const char *text);
/* The mode (07777) that a file of mode `mode` gets. */
uint32_t mode_apply(const struct mode_set *set, uint32_t mode, bool is_dir);
void mode_wipe(struct mode_set *set);

#endif
