/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/range.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/namespaces.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_MAX (64u * 1024)
#define FILE_MAX (1u << 20)
#define HELPER_TEXT_MAX (16u * 1024)
#define HELPER_MS 10000
#define NAMES_ROOM (16u * 1024)
/* Fewer would not hold the ids that distributions use: nobody is 65534. */
#define RANGE_MIN 65536u
#define ALL_IDS 4294967295u
/* PROC_USER_INIT_INO of the kernel */
#define FIRST_USER_NAMESPACE 0xEFFFFFFDu

struct range {
    uint64_t first, count;
};

/* Its map alone does not tell: a user namespace may have all ids too. */
static bool is_first_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/user", &st) != 0 || st.st_ino == FIRST_USER_NAMESPACE;
}

bool range_is_inside(void)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(MAP_MAX);
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    struct err *e = fs_read_file(&text, AT_FDCWD, "/proc/self/uid_map", NULL);
    uint64_t ids = 0;

    err_free(e);
    if (e || geteuid() != 0)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n')
            text.data[i] = ' ';
    strlist_split(&words, buf_text(&text), ' ');
    for (size_t i = 0, field = 0; i < words.count; i++) {
        uint64_t count;
        if (!*words.item[i])
            continue;
        if (field++ % 3 == 2 && num_parse(words.item[i], ALL_IDS, &count))
            ids += count;
    }
    return ids >= RANGE_MIN && !is_first_namespace();
}

/* "name:first:count" */
static bool read_line(const char *line, const char *name, const char *number, struct range *out)
{
    AUTO_VALUE(strlist_wipe) struct strlist field = {0};

    strlist_split(&field, line, ':');
    if (field.count != 3 || (!str_eq(field.item[0], name) && !str_eq(field.item[0], number)))
        return false;
    return num_parse(field.item[1], ALL_IDS, &out->first) && num_parse(field.item[2], ALL_IDS, &out->count) &&
           out->count >= RANGE_MIN;
}

static struct err *find_range(const char *file, struct range *out)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(FILE_MAX);
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    AUTO(mem_free) char *number = mem_printf("%u", (unsigned)geteuid());
    AUTO(mem_free) char *room = mem_alloc(NAMES_ROOM);
    struct passwd user, *found = NULL;
    bool there;

    (void)getpwuid_r(geteuid(), &user, room, NAMES_ROOM, &found);
    TRY(fs_read_file(&text, AT_FDCWD, file, &there));
    strlist_split(&lines, buf_text(&text), '\n');
    for (size_t i = 0; i < lines.count; i++)
        if (read_line(lines.item[i], found ? user.pw_name : number, number, out))
            return NULL;
    return err_hint(err_new(ERR_UNSUPPORTED, "%s has no range of %u ids for %s", file, RANGE_MIN,
                            found ? user.pw_name : number),
                    "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s",
                    found ? user.pw_name : number);
}

static struct err *map(const char *helper, const char *file, pid_t pid, unsigned own)
{
    struct range range = {0};

    TRY(find_range(file, &range));
    AUTO(mem_free) char *process = mem_printf("%d", (int)pid);
    AUTO(mem_free) char *self = mem_printf("%u", own);
    AUTO(mem_free) char *first = mem_printf("%llu", (unsigned long long)range.first);
    AUTO(mem_free) char *count = mem_printf("%llu", (unsigned long long)range.count);
    const char *const argv[] = {helper, process, "0", self, "1", "1", first, count, NULL};
    struct proc_spec spec = {.argv = argv, .timeout_ms = HELPER_MS};
    AUTO_VALUE(proc_result_wipe)
    struct proc_result r = {.out = BUF(HELPER_TEXT_MAX), .err = BUF(HELPER_TEXT_MAX)};
    TRY(err_as(proc_run(&spec, &r), ERR_UNSUPPORTED));
    if (r.status == 0)
        return NULL;
    AUTO(mem_free) char *said = str_safe(buf_text(&r.err));
    return err_new(ERR_UNSUPPORTED, "%s: %s", helper, said);
}

/* The other side of the maps: leave our ids, and wait until there are others. */
static void become_root(int go)
{
    char byte;
    bool ready = read(go, &byte, 1) == 1;

    fd_close(go);
    if (!ready || setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
        _exit(1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* A process that is root of such a namespace, and returns there as 0; *pid elsewhere. */
static struct err *start_inside(pid_t *out)
{
    AUTO(fd_close) int made_read = -1;
    AUTO(fd_close) int made_write = -1;
    AUTO(fd_close) int go_read = -1;
    AUTO(fd_close) int go_write = -1;
    int e = 0;

    TRY(proc_pipe(&made_read, &made_write));
    TRY(proc_pipe(&go_read, &go_write));
    pid_t pid = namespaces_fork(true);
    if (pid < 0)
        return err_sys("start a process");
    if (pid == 0) {
        e = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
        ssize_t said = write(made_write, &e, sizeof e);
        if (e || said != sizeof e)
            _exit(1);
        fd_close(fd_take(&go_write));
        become_root(fd_take(&go_read));
        *out = 0;
        return NULL;
    }
    *out = pid;
    fd_close(fd_take(&made_write));
    bool told = read(made_read, &e, sizeof e) == sizeof e;
    errno = told ? e : EPIPE;
    if (errno)
        return err_as(err_sys("create a user namespace"), ERR_UNSUPPORTED);
    TRY(map("newuidmap", "/etc/subuid", pid, geteuid()));
    TRY(map("newgidmap", "/etc/subgid", pid, getegid()));
    return write(go_write, "", 1) == 1 ? NULL : err_sys("start a process");
}

static int await(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct err *range_try(void)
{
    pid_t pid = -1;
    struct err *e = start_inside(&pid);

    if (pid == 0)
        _exit(0);
    if (pid > 0 && e)
        (void)kill(pid, SIGKILL);
    int status = pid > 0 ? await(pid) : 0;
    return e || status == 0 ? e : err_new(ERR_UNSUPPORTED, "become root of a range of ids: %d", status);
}

/* Signals that somebody sends to us are meant for the one that works. What a terminal sends goes to both. */
_Noreturn static void stand_for(pid_t pid)
{
    sigset_t set;
    siginfo_t info;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (;;) {
        int status;
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        int number = sigwaitinfo(&set, &info);
        if (number > 0 && number != SIGCHLD && info.si_code <= 0)
            (void)kill(pid, number);
    }
}

bool sandbox_in_range(void)
{
    return range_is_inside();
}

struct err *sandbox_enter_range(int argc, const char *const *argv, bool *inside)
{
    pid_t pid = -1;

    *inside = range_is_inside();
    if (*inside)
        return NULL;
    struct err *e = start_inside(&pid);
    if (pid == 0) {
        char **args = mem_zero((size_t)argc + 1, sizeof *args);
        for (int i = 0; i < argc; i++)
            args[i] = mem_strdup(argv[i]);
        (void)execve("/proc/self/exe", args, environ);
        _exit(126);
    }
    if (e) {
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
            (void)await(pid);
        }
        return e;
    }
    stand_for(pid);
}
