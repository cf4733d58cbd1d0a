/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_TARFIELD_H
#define LADE_LAYERS_TARFIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the fields of a tar header that somebody else wrote say. */

#define TARFIELD_BLOCK 512

/* A number: octal with spaces or NULs around it (nothing else is 0), or as GNU writes large ones, big-endian
 * binary with the first bit set. False when it is neither, or does not fit. */
bool tarfield_number(const uint8_t *field, size_t len, int64_t *value);
/* Is the header's checksum right? */
bool tarfield_checksum(const uint8_t block[TARFIELD_BLOCK]);

#endif
