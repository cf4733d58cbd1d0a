/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_USAGE_SHOW_H
#define LADE_CLI_USAGE_SHOW_H

#include "builder/usage.h"

#include <stdbool.h>

/* On standard output: what of `u` is picked, or with `chosen` what is to go. */
struct usage_show {
    bool chosen;
    bool json;
    bool verbose; /* a line for each entry, not for each kind */
};
void usage_show(const struct usage *u, const struct usage_show *how);
/* The bytes of that. */
uint64_t usage_show_bytes(const struct usage *u, bool chosen);

#endif
