/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_LOG_H
#define LADE_BASE_LOG_H

#include "base/attr.h"

#include <stdbool.h>

/* Debug lines to standard error, one write a line, off unless asked for. What users should see goes through
 * events, but for warnings that belong to no work of theirs. */

void log_enable(bool debug);
bool log_enabled(void);
void log_debug(const char *format, ...) PRINTF(1, 2);

/* What the user should know about this machine, whatever is going on: one line, once a process. The same
 * `said` must stand for the same warning. */
enum log_warning { LOG_NO_FILTER };
void log_warn_once(enum log_warning said, const char *text);

#endif
