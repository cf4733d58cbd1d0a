/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_EMULATED_H
#define LADE_TESTS_EMULATED_H

#include "base/owner.h"
#include "sandbox/emulate.h"
#include "sandbox/filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Run a function of the test as a command in a small sandbox: a user namespace of one id, an overlay or a
 * tmpfs as root with /tmp, /proc, and /usr and its relatives of this machine, a filter, and a supervisor.
 * Root becomes a plain user first.
 */
struct emulated {
    bool overlay;
    void (*prepare)(void); /* in the directory of the lower layer (tmpfs: of the root) */
    struct owner_list *owners;
    uint32_t uid, gid;
    const uint32_t *groups;
    size_t group_count;
    enum filter_emulation emulation;  /* FILTER_NONE is taken for FILTER_NOTIFY */
    bool copies, insecure;            /* of filter_make */
    void (*command)(void);            /* ends by returning, or by want() */
    bool (*after)(struct emulate *e); /* in the supervisor, when the command is gone; "/" is the root */
};

enum emulated_result { EMULATED_GOOD, EMULATED_BAD, EMULATED_IMPOSSIBLE };
enum emulated_result emulated_run(const struct emulated *setup);

/* In a test: run it, skip where the machine has no user namespaces. */
#define run_emulated(...)                                     \
    do {                                                      \
        struct emulated setup_ = __VA_ARGS__;                 \
        enum emulated_result result_ = emulated_run(&setup_); \
        if (result_ == EMULATED_IMPOSSIBLE)                   \
            skip();                                           \
        assert_int_equal(result_, EMULATED_GOOD);             \
    } while (0)

/* In the command. */
#define want(condition)                                                                             \
    do {                                                                                            \
        if (!(condition)) {                                                                         \
            (void)fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            _exit(1);                                                                               \
        }                                                                                           \
    } while (0)
#define want_int(got, expected)                                                                         \
    do {                                                                                                \
        long long got_ = (long long)(got), expected_ = (long long)(expected);                           \
        if (got_ != expected_) {                                                                        \
            (void)fprintf(stderr, "%s:%d: %s is %lld, not %lld (errno %d)\n", __FILE__, __LINE__, #got, \
                          got_, expected_, errno);                                                      \
            _exit(1);                                                                                   \
        }                                                                                               \
    } while (0)
#define want_error(call, number)         \
    do {                                 \
        errno = 0;                       \
        want_int((long long)(call), -1); \
        want_int(errno, number);         \
    } while (0)

/* Run a shell line in the command; what it writes must be this. */
void want_output(const char *line, const char *expected);
void touch(const char *path);

#endif
