/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_UPLOAD_RANGE_H
#define LADE_REGISTRY_UPLOAD_RANGE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The Range header with which a registry says how much of an upload it has (distribution-spec v1.1, "Pushing
 * a blob in chunks"). It is spelled in many ways, so it is a hint. Pure.
 *
 *     0-0            nothing (or one byte, which nobody sends)
 *     0-99           100 bytes
 *     bytes=0--1     nothing (Quay, in answer to POST)
 *     bytes=0-100    100 bytes (Quay, in answer to GET: the end is one too many)
 */

/* *bytes is at most `sent`. False when nothing is said that could be right; `value` may be NULL. */
MUST_USE bool upload_range_parse(const char *value, uint64_t sent, uint64_t *bytes);

#endif
