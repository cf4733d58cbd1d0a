/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_RUNES_H
#define LADE_BASE_RUNES_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text by code points, as Go's unicode package sorts them. A byte that is not UTF-8 is a
 * character of its own that belongs to no class. */

/* The bytes of the first character, at least 1 unless `len` is 0; its code goes to *code (RUNE_INVALID when
 * it is none). */
#define RUNE_INVALID 0xfffd
size_t rune_next(const char *text, size_t len, uint32_t *code);

bool rune_is_space(uint32_t code); /* White_Space */
bool rune_is_digit(uint32_t code); /* ASCII */
/* ASCII letters exactly; above that, everything that is not a known space, punctuation, symbol, mark or
 * private use. */
bool rune_is_letter(uint32_t code);
/* Takes two columns of a terminal. */
bool rune_is_wide(uint32_t code);

/* How many bytes of white space `text` begins with, or ends with. */
size_t rune_space_before(const char *text, size_t len);
size_t rune_space_after(const char *text, size_t len);

#endif
