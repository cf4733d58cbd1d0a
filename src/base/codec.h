/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_CODEC_H
#define LADE_BASE_CODEC_H

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hex and base64 (RFC 4648). */

void codec_hex(const void *data, size_t len, char *text); /* 2 * len + 1 bytes, lower case */
/* Lower-case hex of exactly `len` bytes; false otherwise. */
MUST_USE bool codec_unhex(const char *text, size_t text_len, uint8_t *data, size_t len);

char *codec_base64(const void *data, size_t len); /* new string, padded */
/* Standard or URL alphabet, padding optional, no white space; false when it is not valid. Appends to `out`.
 */
MUST_USE bool codec_unbase64(const char *text, size_t len, struct buf *out);

#endif
