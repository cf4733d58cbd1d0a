/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_NAMESPACES_H
#define LADE_SANDBOX_NAMESPACES_H

#include "base/attr.h"
#include "base/err.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Leave lade's namespaces as the way says. The process namespace is that of the next child. Mounts made from
 * here on are seen by nobody else. */
MUST_USE struct err *namespaces_enter(const struct sandbox_spec *spec);

/* Become the only user of a new user namespace (with other CLONE_NEW… flags beside), with these ids. */
MUST_USE struct err *namespaces_enter_single(int flags, uint32_t uid, uint32_t gid);

/* fork, in a process with one thread. -1 and errno. The child ends with SIGKILL when this process does, if
 * `tied`. */
pid_t namespaces_fork(bool tied);

/* Is there a user namespace of its own in this way? */
static inline bool namespaces_has_user(const struct sandbox_spec *spec)
{
    return spec->way.ids == SANDBOX_SINGLE || spec->way.ids == SANDBOX_FAKE;
}

#endif
