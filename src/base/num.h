/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_NUM_H
#define LADE_BASE_NUM_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checked arithmetic and strict parsing: no sign, no spaces, no trailing text, a range. True on success. */

MUST_USE bool num_add(uint64_t a, uint64_t b, uint64_t *sum);
MUST_USE bool num_mul(uint64_t a, uint64_t b, uint64_t *product);
MUST_USE bool num_round_up(uint64_t value, uint64_t multiple, uint64_t *rounded);

MUST_USE bool num_parse(const char *text, uint64_t max, uint64_t *value);
MUST_USE bool num_parse_octal(const char *text, uint64_t max, uint64_t *value);
/* With an optional minus. */
MUST_USE bool num_parse_signed(const char *text, int64_t min, int64_t max, int64_t *value);
/* A size in bytes: digits, then nothing or one of b, k, m, g, t (powers of 1024, either case, optional "b" or
 * "ib"). */
MUST_USE bool num_parse_size(const char *text, uint64_t max, uint64_t *bytes);
/* A Go duration ("1h30m", "1.5s", "300ms", "0") in nanoseconds. */
MUST_USE bool num_parse_duration(const char *text, int64_t *ns);

/* Print a size for people: "12.3 MB" (powers of 1000). */
#define NUM_SIZE_TEXT 24
const char *num_size_text(uint64_t bytes, char text[NUM_SIZE_TEXT]);

#endif
