/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CRC_H
#define LADE_LAYERS_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CRC-32 (RFC 1952 section 8) by the processor's carry-less multiplication, about ten times as fast as by
 * tables. */

/* Blocks of this size, at least CRC_LEAST bytes in all. */
#define CRC_BLOCK 16
#define CRC_LEAST 64
/* Has this processor what it takes? */
bool crc_is_fast(void);
/* Go on from `crc`, which is 0 at the beginning. Only where crc_is_fast. */
uint32_t crc_add(uint32_t crc, const uint8_t *data, size_t len);

#endif
