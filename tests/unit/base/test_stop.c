/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/pool.h"
#include "base/stop.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Everything happens in a child, because the flag is for good. */
static int status_of(int (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int ended_by_stop(struct err *e, int signal_number, const char *part)
{
    bool right = e && err_kind_of(e) == ERR_STOPPED && err_exit_code(e) == 128 + signal_number &&
                 strstr(err_message(e), part);
    err_free(e);
    return right ? 42 : 1;
}

static int interrupted(void)
{
    stop_install();
    if (stop_signal() != 0 || stop_check())
        return 1;
    raise(SIGINT);
    return stop_signal() == SIGINT ? ended_by_stop(stop_check(), SIGINT, "interrupted") : 1;
}

static int terminated(void)
{
    stop_install();
    raise(SIGTERM);
    return ended_by_stop(stop_check(), SIGTERM, "SIGTERM");
}

static int hung_up(void)
{
    stop_install();
    raise(SIGHUP);
    return ended_by_stop(stop_sleep_ms(100000), SIGHUP, "SIGHUP");
}

static int hung_up_under_nohup(void)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    stop_install();
    raise(SIGHUP);
    raise(SIGINT);
    if (stop_signal() != 0)
        return 1;
    raise(SIGTERM);
    return stop_signal() == SIGTERM ? 42 : 1;
}

static int blocked_at_the_start(void)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    stop_install();
    raise(SIGTERM);
    return stop_signal() == SIGTERM ? 42 : 1;
}

static int other_signals(void)
{
    struct sigaction child;
    signal(SIGCHLD, SIG_IGN);
    stop_install();
    raise(SIGPIPE);
    raise(SIGXFSZ);
    sigaction(SIGCHLD, NULL, &child);
    return stop_signal() == 0 && child.sa_handler == SIG_DFL ? 42 : 1;
}

static int wakes_sleepers(void)
{
    stop_install();
    pid_t parent = getpid();
    if (fork() == 0) {
        usleep(50000);
        kill(parent, SIGTERM);
        _exit(0);
    }
    return ended_by_stop(stop_sleep_ms(100000), SIGTERM, "SIGTERM");
}

static struct err *sleep_long(void *ctx, size_t i)
{
    (void)ctx, (void)i;
    return stop_sleep_ms(100000);
}

static int wakes_sleeping_threads(void)
{
    stop_install();
    pid_t parent = getpid();
    if (fork() == 0) {
        usleep(50000);
        kill(parent, SIGINT);
        _exit(0);
    }
    return ended_by_stop(pool_each(4, 4, sleep_long, NULL), SIGINT, "interrupted");
}

static int is_seen_by_poll(void)
{
    if (stop_fd() != -1)
        return 1;
    stop_install();
    struct pollfd wake = {.fd = stop_fd(), .events = POLLIN};
    if (poll(&wake, 1, 0) != 0)
        return 1;
    raise(SIGINT);
    return poll(&wake, 1, 100000) == 1 && poll(&wake, 1, 0) == 1 ? 42 : 1;
}

/* Work that is cancelled stops, and what comes after it does not. */
static int cancelled(void)
{
    stop_install();
    struct pollfd wake = {.fd = stop_fd(), .events = POLLIN};
    for (int i = 0; i < 2; i++) {
        stop_cancel();
        struct err *e = stop_sleep_ms(100000);
        bool stopped = e && err_kind_of(e) == ERR_STOPPED && poll(&wake, 1, 0) == 1 && stop_signal() == 0;
        err_free(e);
        stop_cancel_end();
        stop_cancel_end();
        if (!stopped || stop_check() || poll(&wake, 1, 0) != 0)
            return 1;
    }
    return 42;
}

static int interrupted_while_cancelled(void)
{
    stop_install();
    struct pollfd wake = {.fd = stop_fd(), .events = POLLIN};
    stop_cancel();
    raise(SIGINT);
    stop_cancel();
    stop_cancel_end();
    return poll(&wake, 1, 0) == 1 ? ended_by_stop(stop_check(), SIGINT, "interrupted") : 1;
}

static void the_first_signal_asks(void **state)
{
    static int (*const bodies[])(void) = {
        interrupted,
        terminated,
        hung_up,
        hung_up_under_nohup,
        blocked_at_the_start,
        other_signals,
        wakes_sleepers,
        wakes_sleeping_threads,
        is_seen_by_poll,
        cancelled,
        interrupted_while_cancelled,
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        int status = status_of(bodies[i]);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
            fail_msg("case %zu: status %#x", i, (unsigned)status);
    }
}

static int twice_the_same(void)
{
    stop_install();
    raise(SIGINT);
    raise(SIGINT);
    return 1;
}

static int two_different(void)
{
    stop_install();
    raise(SIGINT);
    raise(SIGTERM);
    return 1;
}

static void the_second_signal_ends(void **state)
{
    (void)state;
    int status = status_of(twice_the_same);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    status = status_of(two_different);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void sleeps_as_long_as_asked(void **state)
{
    struct timespec start, end;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &start);
    check_ok(stop_sleep_ms(60));
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    assert_true(ms >= 58);
    check_ok(stop_sleep_ms(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_signal_asks),
        cmocka_unit_test(the_second_signal_ends),
        cmocka_unit_test(sleeps_as_long_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
