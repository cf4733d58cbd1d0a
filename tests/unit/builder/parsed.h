/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_PARSED_H
#define LADE_TESTS_PARSED_H

/* A Dockerfile and what is wrong in it, for tests. */

#include "base/diag.h"
#include "builder/dockerfile.h"

#include <string.h>

struct parsed {
    struct diag diag;
    struct dockerfile file;
};

static inline void parse(struct parsed *p, const char *text)
{
    diag_init(&p->diag, "Dockerfile", text, strlen(text));
    dockerfile_parse(&p->file, text, strlen(text), &p->diag);
}

static inline void parsed_wipe(struct parsed *p)
{
    dockerfile_wipe(&p->file);
    diag_wipe(&p->diag);
}

#endif
