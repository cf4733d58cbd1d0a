/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What two lines write to standard error, with debugging on or off. */
static void logged(bool debug, char text[200])
{
    int ends[2];
    int before = dup(STDERR_FILENO);
    memset(text, 0, 200);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_enable(debug);
    errno = ENOENT;
    log_debug("one %d", 1);
    log_debug("two");
    int kept = errno;
    log_enable(false);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    ssize_t got = read(ends[0], text, 199);
    close(ends[0]);
    assert_true(got >= 0);
    assert_int_equal(kept, ENOENT);
}

static void is_off_unless_asked_for(void **state)
{
    char text[200];
    (void)state;
    assert_false(log_enabled());
    logged(false, text);
    assert_string_equal(text, "");
    logged(true, text);
    assert_string_equal(text, "debug: one 1\ndebug: two\n");
    log_enable(true);
    assert_true(log_enabled());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_off_unless_asked_for)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
