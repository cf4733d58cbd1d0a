/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_FILTER_RULES_H
#define LADE_SANDBOX_FILTER_RULES_H

#include "sandbox/calls.h"
#include "sandbox/filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a filter does to which calls, for one table of numbers. What no rule names is allowed. */

/* A rule holds only when the low 32 bits of an argument, masked, are one of the values (`inside`), or none of
 * them. No value: it always holds. The kernel takes no more bits of the arguments that are tested here. */
struct filter_test {
    unsigned arg;
    uint32_t mask;
    bool inside;
    const uint32_t *value;
    size_t count;
};
struct filter_rule {
    int number;
    uint32_t action; /* SECCOMP_RET_… */
    struct filter_test test;
};
struct filter_rules {
    struct filter_rule *item; /* by number, each number once */
    size_t count, room;
};
void filter_rules_make(struct filter_rules *out, enum calls_arch arch, enum filter_emulation emulation,
                       bool copies, bool insecure);
void filter_rules_wipe(struct filter_rules *rules);

/* socketcall(2) has its own arguments in memory, where no rule sees them. What its first argument means: */
#define FILTER_SOCKETCALL_SOCKET 1
#define FILTER_SOCKETCALL_BIND 2
/* Is there a rule against socket(2) of this family? */
bool filter_rules_denied_socket(uint32_t family);

#endif
