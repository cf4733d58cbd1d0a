/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_SPLITTER_H
#define LADE_BUILDER_SPLITTER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Collects the words of an expansion. Functions that add do nothing when the splitter is NULL. */
struct splitter {
    struct strlist *list; /* gets the words */
    struct buf pending;
    bool in_word;
};

/* Text that belongs to a word even if it is white space. */
void splitter_add(struct splitter *w, const char *text, size_t len);
/* Text that is split where it has white space. */
void splitter_text(struct splitter *w, const char *text, size_t len);
/* The word that is pending, if any, is complete. */
void splitter_flush(struct splitter *w);
void splitter_wipe(struct splitter *w);

#endif
