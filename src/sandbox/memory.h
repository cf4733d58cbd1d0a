/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_MEMORY_H
#define LADE_SANDBOX_MEMORY_H

#include "base/attr.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Another process's memory, at addresses that it gave. All return 0 or errno (EFAULT). */
MUST_USE int memory_read(pid_t process, uint64_t address, void *data, size_t size);
MUST_USE int memory_write(pid_t process, uint64_t address, const void *data, size_t size);
/* A path: NUL-terminated; ENAMETOOLONG when it does not fit. */
MUST_USE int memory_read_path(pid_t process, uint64_t address, char path[PATH_MAX]);

#endif
