/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_DESCEND_H
#define LADE_SANDBOX_DESCEND_H

/* Where there is no process namespace that the kernel would empty: kill all that descends from this process,
 * which must be a subreaper, and reap it. `proc`: a /proc that knows it, or -1: then only what was waited for
 * is gone. */
void descend_kill(int proc);

#endif
