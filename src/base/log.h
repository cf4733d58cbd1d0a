/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_LOG_H
#define LADE_BASE_LOG_H

#include "base/attr.h"

#include <stdbool.h>

/* Debug lines to standard error, one write a line, off unless asked for. What users should see goes through
 * events. */

void log_enable(bool debug);
bool log_enabled(void);
void log_debug(const char *format, ...) PRINTF(1, 2);

#endif
