/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_CHECK_H
#define LADE_TESTS_CHECK_H

/* What tests of functions that fail, and of functions that touch files, have in common. Include it before all
 * else. */

#include "base/err.h"
#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The call must succeed; else its message is shown. */
#define check_ok(call) check_ok_at((call), __FILE__, __LINE__)
static inline void check_ok_at(struct err *e, const char *file, int line)
{
    if (!e)
        return;
    print_error("%s:%d: unexpected error: %s\n", file, line, err_message(e));
    err_free(e);
    fail();
}

/* The call must fail with this kind and a message that contains `part`. */
#define check_error(call, kind, part) check_error_at((call), (kind), (part), __FILE__, __LINE__)
static inline void check_error_at(struct err *e, enum err_kind kind, const char *part, const char *file,
                                  int line)
{
    if (e && err_kind_of(e) == kind && strstr(err_message(e), part)) {
        err_free(e);
        return;
    }
    print_error("%s:%d: expected kind %d and \"%s\", found %d: %s\n", file, line, (int)kind, part,
                e ? (int)err_kind_of(e) : -1, e ? err_message(e) : "no error");
    err_free(e);
    fail();
}

/* A directory for one test, as cmocka's setup and teardown: *state points to its descriptor. */
struct check_dir {
    int fd;
    char path[64];
};

static inline int check_dir_make(void **state)
{
    static struct check_dir dir;
    snprintf(dir.path, sizeof dir.path, "/tmp/lade-test-XXXXXX");
    dir.fd = mkdtemp(dir.path) ? open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    *state = &dir;
    return dir.fd < 0;
}

static inline int check_dir_remove(void **state)
{
    struct check_dir *dir = *state;
    struct err *e = fs_remove_tree(AT_FDCWD, dir->path);
    int failed = e != NULL;
    err_free(e);
    fd_close(dir->fd);
    return failed;
}

#define check_with_dir(test) cmocka_unit_test_setup_teardown(test, check_dir_make, check_dir_remove)

#endif
