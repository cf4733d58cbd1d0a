/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_SIGNALNAME_H
#define LADE_BUILDER_SIGNALNAME_H

#include <stdbool.h>

/* Is it a signal as STOPSIGNAL takes it: a number from 1 to 64, or a Linux name with or without SIG, in
 * either case ("SIGRTMIN+3")? */
bool signalname_valid(const char *text);

#endif
