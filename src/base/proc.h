/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_PROC_H
#define LADE_BASE_PROC_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/* Start another program: no shell, only the descriptors that it is given, default signals, bounded output, a
 * time limit. */

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH when it has no slash, in
                              * absolute directories only */
    const char *const *env;  /* NULL: ours */
    const char *input;       /* to its standard input, may be NULL */
    size_t input_len;
    unsigned timeout_ms; /* 0: none */
};
struct proc_result {
    int status;     /* exit status, or 128 + signal */
    struct buf out; /* standard output; its max is set by the caller before */
    struct buf err; /* standard error, likewise */
};

/* Run to the end. ERR_NOT_FOUND when there is no such program; ERR_RESOURCE after the time limit or when the
 * output is larger than the buffers' maxima (the process is killed). A status other than 0 is no error. */
MUST_USE struct err *proc_run(const struct proc_spec *spec, struct proc_result *result);
void proc_result_wipe(struct proc_result *result);

#endif
