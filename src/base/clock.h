/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_CLOCK_H
#define LADE_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of a clock that never jumps, for time limits and life times; its zero means nothing. */
uint64_t clock_ms(void);
/* Seconds since 1970. Never goes into an image: what an image carries is decided by the build. */
int64_t clock_unix(void);
/* The same in nanoseconds, to compare file times with. */
int64_t clock_unix_ns(void);

#endif
