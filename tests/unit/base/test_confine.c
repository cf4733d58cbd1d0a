/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/confine.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* This program again, in a mode: what it does after it has confined itself. */

static void copies(void)
{
    char text[64];
    ssize_t got = read(0, text, sizeof text);
    void *memory = mem_alloc(64 << 20);
    mem_wipe(memory, 64 << 20);
    mem_free(memory);
    _exit(got > 0 && write(1, text, (size_t)got) == got ? 0 : 1);
}

/* What the C library does at the start of a thread, which may come after the filter. */
static void starts_thread(void)
{
    static struct robust_list_head head = {.list = {&head.list}};
    sigset_t mask;
    if (syscall(SYS_set_robust_list, &head, sizeof head) != 0 || pthread_sigmask(SIG_BLOCK, NULL, &mask) != 0)
        _exit(1);
    (void)syscall(SYS_rseq, NULL, 0, 0, 0);
    copies();
}

static void takes_socket(void)
{
    (void)!socket(AF_UNIX, SOCK_STREAM, 0);
}

static void forks(void)
{
    (void)!syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

static void execs(void)
{
    char *const none[] = {NULL};
    (void)execve("/bin/true", none, none);
}

static void kills(void)
{
    (void)kill(getppid(), 0);
}

static void unlinks(void)
{
    (void)unlink("/tmp/lade-test-that-is-not-there");
}

static void sleeps(void)
{
    for (;;)
        pause();
}

static const struct {
    const char *mode;
    void (*act)(void);
    bool confined, killed;
} acts[] = {
    {"copies", copies, true, false},
    {"starts thread", starts_thread, true, false},
    {"takes socket", takes_socket, true, true},
    {"forks", forks, true, true},
    {"execs", execs, true, true},
    {"kills", kills, true, true},
    {"unlinks", unlinks, true, true},
    {"sleeps", sleeps, false, false},
};

/* Before cmocka: the mode is argv[0]. */
static void act(const char *mode)
{
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        if (!str_eq(acts[i].mode, mode))
            continue;
        if (acts[i].confined && !confine_to_pipes(UINT64_C(1) << 30))
            _exit(77);
        acts[i].act();
        _exit(0);
    }
}

static void what_is_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        int in = -1, to = -1, from = -1, out = -1, status = 0;
        struct proc_child child = {0};
        bool ended = false;
        char back[8] = {0};
        if (!acts[i].confined)
            continue;
        check_ok(proc_pipe(&in, &to));
        check_ok(proc_pipe(&from, &out));
        const struct proc_fd fds[] = {{in, 0}, {out, 1}};
        check_ok(proc_start_self(&child, acts[i].mode, fds, ARRAY_LEN(fds)));
        fd_close(in);
        fd_close(out);
        assert_int_equal(proc_write(to, "hello", 5), 5);
        fd_close(to);
        ssize_t got = read(from, back, sizeof back);
        fd_close(from);
        check_ok(proc_child_wait(&child, 30000, &ended, &status));
        assert_true(ended);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            skip();
        AUTO(mem_free) char *how = proc_status_text(status);
        if (acts[i].killed != WIFSIGNALED(status))
            print_error("%s: %s\n", acts[i].mode, how);
        assert_string_equal(how, acts[i].killed ? "signal 31 (Bad system call)" : "exit status 0");
        assert_int_equal(got, acts[i].killed ? 0 : 5);
        proc_child_end(&child); /* nothing is left to do */
    }
}

static void time_runs_out(void **state)
{
    struct proc_child child = {0};
    bool ended = true;
    int status;
    (void)state;
    check_ok(proc_start_self(&child, "sleeps", NULL, 0));
    check_ok(proc_child_wait(&child, 50, &ended, &status));
    assert_false(ended);
    pid_t pid = child.pid;
    proc_child_end(&child);
    assert_int_equal(child.pid, 0);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void nobody_reads(void **state)
{
    int from = -1, to = -1;
    (void)state;
    check_ok(proc_pipe(&from, &to));
    assert_true(from >= PROC_FD_MAX && to >= PROC_FD_MAX);
    fd_close(from);
    assert_int_equal(proc_write(to, "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    fd_close(to);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allowed),
        cmocka_unit_test(time_runs_out),
        cmocka_unit_test(nobody_reads),
    };
    if (argc > 0)
        act(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
