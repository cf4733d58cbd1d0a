/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_PROC_H
#define LADE_BASE_PROC_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Start another program: no shell, only the descriptors that it is given, default signals, bounded output, a
 * time limit. Or start this program again, for work that needs a process of its own: forking a process with
 * threads, or changing what it may do, breaks it.
 */

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

/* This program again, as a process whose main sees `mode` as argv[0] and nothing else, and must act on it
 * before it does anything else. It has an empty environment, a process group of its own, and of our
 * descriptors those that are given to it; 0, 1 and 2 are /dev/null if they are not given. */
struct proc_fd {
    int ours;   /* stays open here */
    int theirs; /* below PROC_FD_MAX */
};
#define PROC_FD_MAX 16
struct proc_child {
    pid_t pid; /* 0: none, or it was waited for */
    int pid_fd;
};
/* Found by /proc/self/exe, or without /proc by the name that this program was started with. ERR_UNSUPPORTED
 * when neither can be started. */
MUST_USE struct err *proc_start_self(struct proc_child *out, const char *mode, const struct proc_fd *fds,
                                     size_t count);
/* Wait for its end; *ended is false when that does not come in time. *status as of waitpid(2). */
MUST_USE struct err *proc_child_wait(struct proc_child *c, unsigned timeout_ms, bool *ended, int *status);
/* Kill it if it is there, with all that it started; nothing is left behind. */
void proc_child_end(struct proc_child *c);
/* "signal 31 (Bad system call)", "exit status 3". New string. */
char *proc_status_text(int status);

/* A pipe whose ends are neither of 0 … PROC_FD_MAX - 1, close-on-exec, with room for 1 MiB where the system
 * allows it. */
MUST_USE struct err *proc_pipe(int *read_end, int *write_end);
/* write(2) that says EPIPE without a signal, whatever the caller does with SIGPIPE. */
ssize_t proc_write(int fd, const void *data, size_t len);

#endif
