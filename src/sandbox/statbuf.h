/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_STATBUF_H
#define LADE_SANDBOX_STATBUF_H

#include "sandbox/calls.h"

#include <stddef.h>
#include <sys/stat.h>

/* What the kernel writes for stat(2) and its relatives: one layout for 64-bit programs, two for others. */
#define STATBUF_MAX 256
/* The number of bytes in `out`. */
size_t statbuf_make(unsigned char out[STATBUF_MAX], enum calls_arch arch, enum calls_form form,
                    const struct statx *st);

#endif
