/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_CONFINE_H
#define LADE_BASE_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a child process does to itself before it looks at foreign bytes, and cannot undo. The door to
 * libseccomp.
 */

/* From here on this process can compute, take memory, and read and write the descriptors 0, 1 and 2, which
 * are all that it keeps. Any other system call kills it at once (SIGSYS). No new privileges, no core file, no
 * file that grows, no further descriptor or process, at most `memory` bytes of address space. All
 * threads; everything that is wanted later must be opened or loaded before. False: this machine does not let
 * us set the filter; all the rest holds. Builds with sanitizers allow what those need, and have no limit of
 * memory. */
bool confine_to_pipes(uint64_t memory);

#endif
