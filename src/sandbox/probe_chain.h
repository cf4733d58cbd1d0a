/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_PROBE_CHAIN_H
#define LADE_SANDBOX_PROBE_CHAIN_H

#include "base/attr.h"
#include "base/err.h"

/*
 * What is tried on this machine, by doing it, in a process that ends afterwards. Steps that build on each
 * other are one chain: it ends at the first one without which the rest makes no sense.
 */
enum probe_chain { PROBE_SINGLE, PROBE_HOST, PROBE_RANGE, PROBE_FAKE, PROBE_CHROOT };
enum probe_step {
    STEP_USER,       /* a user namespace, whose root may mount */
    STEP_PROC,       /* a new /proc */
    STEP_OVERLAY,    /* an overlay on the directory, with its marks */
    STEP_SUPERVISOR, /* a seccomp listener */
    STEP_FAKE,       /* a seccomp filter */
    STEP_NAMESPACES, /* namespaces and mounts without a user namespace */
    STEP_DEVICES,    /* device files */
    STEP_RANGE,      /* subordinate ids */
    STEP_OWNERS,     /* giving files and processes to others */
    STEP_CHROOT,     /* chroot(2) */
};
const char *probe_step_name(enum probe_step step);
/* The same text with a life that does not end. */
const char *probe_chain_name(const char *text);

/* Directories for the trials, beneath `dir`, which is made. */
MUST_USE struct err *probe_chain_prepare(const char *dir);
/* Say on `line` of each step its name and why it does not work (wire_put_err). */
_Noreturn void probe_chain_run(enum probe_chain chain, const char *dir, int line);

#endif
