/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/newfile.h"
#include "base/pool.h"
#include "base/proc.h"
#include "base/stop.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SH(script)               \
    (const char *const[])        \
    {                            \
        "sh", "-c", script, NULL \
    }

static struct proc_result result_of(size_t max)
{
    return (struct proc_result){.status = -1, .out = BUF(max), .err = BUF(max)};
}

static void runs(void **state)
{
    static const struct {
        const char *script, *input;
        int status;
        const char *out, *err;
    } rows[] = {
        {"echo out; echo err >&2; exit 3", NULL, 3, "out\n", "err\n"},
        {"cat", "text", 0, "text", ""},
        {"cat", "", 0, "", ""},
        {"cat", NULL, 0, "", ""}, /* /dev/null, not ours */
        {"exit 0", "not read", 0, "", ""},
        {"kill -TERM $$", NULL, 128 + SIGTERM, "", ""},
        {"kill -KILL $$", NULL, 128 + SIGKILL, "", ""},
        {"exec >&- 2>&-; sleep 0.05; exit 5", NULL, 5, "", ""},
        {"(sleep 60; echo late) & echo early", NULL, 0, "early\n", ""}, /* is not waited for */
        {"exit 255", NULL, 255, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(1 << 20);
        struct proc_spec spec = {.argv = SH(rows[i].script),
                                 .input = rows[i].input,
                                 .input_len = rows[i].input ? strlen(rows[i].input) : 0,
                                 .timeout_ms = 30000};
        check_ok(proc_run(&spec, &r));
        assert_int_equal(r.status, rows[i].status);
        assert_string_equal(buf_text(&r.out), rows[i].out);
        assert_string_equal(buf_text(&r.err), rows[i].err);
    }
}

/* More than pipes hold, both ways at once. */
static void moves_much(void **state)
{
    (void)state;
    size_t len = 3 * 1000 * 1000;
    AUTO(mem_free) char *input = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        input[i] = (char)(i % 253);
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(len);
    struct proc_spec spec = {.argv = SH("tee /dev/stderr"), .input = input, .input_len = len};
    check_ok(proc_run(&spec, &r));
    assert_int_equal(r.status, 0);
    assert_int_equal(r.out.len, len);
    assert_int_equal(r.err.len, len);
    assert_memory_equal(r.out.data, input, len);
    assert_memory_equal(r.err.data, input, len);
}

static void input_that_nobody_reads(void **state)
{
    (void)state;
    size_t len = 1 << 20;
    AUTO(mem_free) char *input = mem_zero(1, len);
    struct sigaction before = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &before, NULL);
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(100);
    struct proc_spec spec = {.argv = SH("exec <&-; sleep 0.1; echo done"), .input = input, .input_len = len};
    check_ok(proc_run(&spec, &r));
    assert_string_equal(buf_text(&r.out), "done\n");
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGPIPE));
}

static void programs_that_do_not_start(void **state)
{
    struct check_dir *dir = *state;
    check_ok(fs_mkdir_all(dir->fd, "dir"));
    AUTO(fd_close) int fd = openat(dir->fd, "plain", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    const struct {
        const char *program;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"lade-credential-helper-that-is-absent", ERR_NOT_FOUND,
         "run lade-credential-helper-that-is-absent: "},
        {"/absent/program", ERR_NOT_FOUND, "run /absent/program: "},
        {"plain", ERR_DENIED, "plain: "},
        {"dir", ERR_DENIED, "dir: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *path = path_join(dir->path, rows[i].program);
        const char *program = i < 2 ? rows[i].program : path;
        AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(100);
        struct proc_spec spec = {.argv = (const char *const[]){program, NULL}, .input = "x", .input_len = 1};
        check_error(proc_run(&spec, &r), rows[i].kind, rows[i].part);
        assert_int_equal(r.status, -1);
    }
}

static void looks_in_path(void **state)
{
    struct check_dir *dir = *state;
    static const char script[] = "#!/bin/sh\necho found $0 $1\n";
    static const struct {
        const char *name;
        mode_t mode;
    } files[] = {{"a/tool", 0644}, {"b/tool", 0755}, {"c/tool", 0755}, {"a/plain", 0644}};
    check_ok(fs_mkdir_all(dir->fd, "a/dir"));
    check_ok(fs_mkdir_all(dir->fd, "b"));
    check_ok(fs_mkdir_all(dir->fd, "c"));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        check_ok(newfile_write(dir->fd, files[i].name, files[i].mode, script, sizeof script - 1, false));
    AUTO(mem_free) char *before = mem_strdup(getenv("PATH"));
    AUTO(mem_free) char *path = mem_printf("/absent:%s/a:::.:c:%s/b:%s/c", dir->path, dir->path, dir->path);
    AUTO(mem_free) char *want = mem_printf("found %s/b/tool arg\n", dir->path);
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(1000);
    struct proc_spec spec = {.argv = (const char *const[]){"tool", "arg", NULL}};
    setenv("PATH", path, 1);
    AUTO(fd_close) int home = open(".", O_PATH | O_CLOEXEC);
    assert_int_equal(fchdir(dir->fd), 0);
    struct err *found = proc_run(&spec, &r);
    spec.argv = (const char *const[]){"plain", NULL};
    struct err *plain = proc_run(&spec, &r);
    spec.argv = (const char *const[]){"dir", NULL};
    struct err *folder = proc_run(&spec, &r);
    spec.argv = (const char *const[]){"", NULL};
    struct err *empty = proc_run(&spec, &r);
    unsetenv("PATH");
    struct err *none = proc_run(&spec, &r);
    setenv("PATH", before, 1);
    assert_int_equal(fchdir(home), 0);
    check_ok(found);
    assert_string_equal(buf_text(&r.out), want);
    check_error(plain, ERR_DENIED, "run plain: ");
    check_error(folder, ERR_DENIED, "run dir: ");
    check_error(empty, ERR_NOT_FOUND, "run : there is no such program in PATH");
    check_error(none, ERR_NOT_FOUND, "no such program in PATH");
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool lives(const char *pid_text)
{
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", strtol(pid_text, NULL, 10));
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, stat, sizeof stat - 1) <= 0)
        return false;
    const char *after = strrchr(stat, ')');
    return after && after[2] != 'Z' && after[2] != 'X';
}

static void check_dies(const char *pid_text)
{
    for (int i = 0; i < 500 && lives(pid_text); i++)
        usleep(10000);
    assert_false(lives(pid_text));
}

static void time_limit_kills_the_group(void **state)
{
    static const char *const scripts[] = {
        "sleep 100 & echo $!; wait",
        "trap '' TERM INT HUP; sleep 100 & echo $!; exec >&- 2>&-; sleep 100",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(100);
        struct proc_spec spec = {.argv = SH(scripts[i]), .timeout_ms = 300};
        double start = seconds();
        check_error(proc_run(&spec, &r), ERR_RESOURCE, "sh did not end within 300 ms");
        assert_true(seconds() - start < 20);
        assert_true(r.out.len > 1);
        check_dies(buf_text(&r.out));
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void output_has_a_limit(void **state)
{
    static const struct {
        const char *script;
        const char *part; /* NULL: fits */
    } rows[] = {
        {"printf 0123456789", NULL},
        {"printf 0123456789x", "the output of sh is larger than 10 bytes"},
        {"printf 0123456789x >&2", "the error output of sh is larger than 10 bytes"},
        {"yes", "the output of sh is larger than 10 bytes"},
        {"trap '' PIPE TERM; while :; do echo more; done", "the output of sh is larger than 10 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(10);
        struct proc_spec spec = {.argv = SH(rows[i].script)};
        struct err *e = proc_run(&spec, &r);
        if (rows[i].part)
            check_error(e, ERR_RESOURCE, rows[i].part);
        else
            check_ok(e);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void gives_a_clean_world(void **state)
{
    (void)state;
    /* A descriptor without close-on-exec, a blocked and an ignored signal: none may reach the child. */
    AUTO(fd_close) int leak = open("/dev/null", O_RDONLY);
    assert_true(leak > 2);
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &before);
    signal(SIGPIPE, SIG_IGN);
    const char *const env[] = {"ONLY=this", NULL};
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(10000);
    struct proc_spec spec = {
        .argv = (const char *const[]){"/bin/sh", "-c",
                                      "echo $ONLY; /bin/ls /proc/self/fd; "
                                      "/bin/grep -E '^Sig(Blk|Ign)' /proc/self/status |"
                                      /* 32 and 33 are the C library's own and stay as they came */
                                      "/bin/sed 's/000000018/000000000/'; "
                                      "read -r _ _ _ _ group _ </proc/self/stat; "
                                      "test $group = $$ && echo own group",
                                      NULL},
        .env = env};
    check_ok(proc_run(&spec, &r));
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* 3 is ls's own, for the directory. */
    assert_string_equal(buf_text(&r.out),
                        "this\n0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                        "own group\n");
}

/* Daemons and broken callers start programs with standard descriptors closed. */
static void works_without_standard_descriptors(void **state)
{
    int status;
    (void)state;
    for (int closed = 1; closed < 8; closed++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int fd = 0; fd < 3; fd++)
                if (closed & 1 << fd)
                    close(fd);
            struct proc_result r = result_of(100);
            struct proc_spec spec = {.argv = SH("cat; echo err >&2"), .input = "in", .input_len = 2};
            struct err *e = proc_run(&spec, &r);
            bool right = !e && strcmp(buf_text(&r.out), "in") == 0 && strcmp(buf_text(&r.err), "err\n") == 0;
            err_free(e);
            proc_result_wipe(&r);
            _exit(right ? 42 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 42);
    }
}

static struct err *run_in_thread(void *ctx, size_t i)
{
    char number[16];
    (void)ctx;
    snprintf(number, sizeof number, "%zu", i);
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(100);
    struct proc_spec spec = {.argv = SH("cat"), .input = number, .input_len = strlen(number)};
    TRY(proc_run(&spec, &r));
    return strcmp(buf_text(&r.out), number) == 0 ? NULL : err_new(ERR_INTERNAL, "wrong output");
}

static void runs_in_threads(void **state)
{
    (void)state;
    check_ok(pool_each(4, 60, run_in_thread, NULL));
}

static struct err *run_long(void *ctx, size_t i)
{
    int *report = ctx;
    (void)i;
    AUTO_VALUE(proc_result_wipe) struct proc_result r = result_of(100);
    struct proc_spec spec = {.argv = SH("sleep 100")};
    if (write(report[1], "r", 1) != 1)
        return err_new(ERR_INTERNAL, "no report");
    return proc_run(&spec, &r);
}

/* Also in threads, which get no signals. */
static void a_stop_kills_it(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads < 3; threads++) {
        int report[2], status;
        char ready;
        assert_int_equal(pipe(report), 0);
        pid_t pid = fork();
        if (pid == 0) {
            stop_install();
            struct err *e = pool_each(threads, threads, run_long, report);
            bool right = e && err_kind_of(e) == ERR_STOPPED && waitpid(-1, NULL, WNOHANG) < 0;
            err_free(e);
            _exit(right ? 42 : 1);
        }
        assert_int_equal(read(report[0], &ready, 1), 1);
        usleep(100000);
        kill(pid, SIGINT);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 42);
        close(report[0]);
        close(report[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs),
        cmocka_unit_test(moves_much),
        cmocka_unit_test(input_that_nobody_reads),
        check_with_dir(programs_that_do_not_start),
        check_with_dir(looks_in_path),
        cmocka_unit_test(time_limit_kills_the_group),
        cmocka_unit_test(output_has_a_limit),
        cmocka_unit_test(gives_a_clean_world),
        cmocka_unit_test(works_without_standard_descriptors),
        cmocka_unit_test(runs_in_threads),
        cmocka_unit_test(a_stop_kills_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
