/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_PORT_H
#define LADE_BUILDER_PORT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Add what an EXPOSE word means, "80", "80/udp", "8000-8010", "127.0.0.1:8080:80/tcp", as "port/protocol".
 * ERR_INPUT. */
MUST_USE struct err *port_parse(struct strlist *out, const char *text);

#endif
