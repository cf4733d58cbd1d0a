/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_STOP_H
#define LADE_BASE_STOP_H

#include "base/attr.h"
#include "base/err.h"

/*
 * SIGINT, SIGTERM and SIGHUP set one flag that all long work looks at; a second signal ends the process at
 * once. Nothing else in lade handles signals.
 */

/* Once, in main, before threads. SIGINT and SIGHUP that are ignored at the start (nohup, background jobs)
 * stay so. Also ignores SIGPIPE and SIGXFSZ, whose errors come through errno, and gives SIGCHLD its default,
 * which proc.h needs. */
void stop_install(void);
int stop_signal(void); /* 0 while nobody asked */
/* A descriptor to poll: readable from when somebody asked. -1 before stop_install. Not to be read or closed.
 */
int stop_fd(void);
/* ERR_STOPPED when somebody did. Cheap; call it between blocks. */
MUST_USE struct err *stop_check(void);
/* Sleep, but wake and return ERR_STOPPED when asked to stop. */
MUST_USE struct err *stop_sleep_ms(unsigned ms);

/* Other work in this process has failed, or its time is over, so that all work is in vain: what is between
 * these two stops as if somebody had asked, but stop_signal stays 0. A signal counts all the same, as the
 * first one. The second call comes when nobody works any more. */
void stop_cancel(void);
void stop_cancel_end(void);

/* From now on there is so much time: then it is as if somebody asked to stop (SIGALRM), with a message that
 * says `what` is used up, and the exit code of ERR_NETWORK. `what` is borrowed for ever. Once, after
 * stop_install. */
void stop_after_ms(unsigned ms, const char *what);

#endif
