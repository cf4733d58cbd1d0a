/* SPDX-License-Identifier: Apache-2.0 */
#include "emulated.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PLAIN_USER 12345
#define IMPOSSIBLE 77

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "emulated: %s: %s\n", what, strerrordesc_np(errno));
    _exit(1);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT, 0644);

    must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
    (void)close(fd);
}

void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_CREAT, 0644);

    must(fd >= 0, path);
    (void)close(fd);
}

void want_output(const char *line, const char *expected)
{
    char got[4096];
    FILE *pipe = popen(line, "r");
    size_t len;

    want(pipe != NULL);
    len = fread(got, 1, sizeof got - 1, pipe);
    got[len] = '\0';
    (void)pclose(pipe);
    if (strcmp(got, expected) != 0) {
        (void)fprintf(stderr, "%s\n  gave: %s  not:  %s", line, got, expected);
        _exit(1);
    }
}

static void become_root_of_namespace(void)
{
    char line[64];
    unsigned uid, gid;

    if (geteuid() == 0) {
        must(setgroups(0, NULL) == 0 && setgid(PLAIN_USER) == 0 && setuid(PLAIN_USER) == 0, "become a user");
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
    uid = geteuid();
    gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        _exit(IMPOSSIBLE);
    write_file("/proc/self/setgroups", "deny");
    (void)snprintf(line, sizeof line, "0 %u 1", uid);
    write_file("/proc/self/uid_map", line);
    (void)snprintf(line, sizeof line, "0 %u 1", gid);
    write_file("/proc/self/gid_map", line);
}

static void bind_host(const char *name)
{
    char from[64], to[64], link[64];
    struct stat st;
    ssize_t len;

    (void)snprintf(from, sizeof from, "/%s", name);
    (void)snprintf(to, sizeof to, "root/%s", name);
    if (lstat(from, &st) != 0)
        return;
    if (S_ISLNK(st.st_mode)) {
        len = readlink(from, link, sizeof link - 1);
        must(len > 0, from);
        link[len] = '\0';
        must(symlink(link, to) == 0, to);
        return;
    }
    must(mkdir(to, 0755) == 0 && mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0, to);
}

static void make_root(const struct emulated *setup)
{
    static const char *const host[] = {"usr", "bin", "sbin", "lib", "lib64"};

    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
    must(mount("lade", "/mnt", "tmpfs", 0, NULL) == 0 && chdir("/mnt") == 0, "tmpfs");
    must(mkdir("lower", 0755) == 0 && mkdir("upper", 0755) == 0 && mkdir("work", 0755) == 0 &&
             mkdir("root", 0755) == 0,
         "directories");
    must(chdir(setup->overlay ? "lower" : "root") == 0, "lower");
    must(mkdir("tmp", 01777) == 0 && mkdir("proc", 0755) == 0 && mkdir("dev", 0755) == 0, "directories");
    touch("dev/null");
    if (setup->prepare)
        setup->prepare();
    must(chdir("/mnt") == 0, "/mnt");
    if (setup->overlay)
        must(mount("lade", "root", "overlay", 0, "userxattr,lowerdir=lower,upperdir=upper,workdir=work") == 0,
             "overlay");
    for (size_t i = 0; i < sizeof host / sizeof host[0]; i++)
        bind_host(host[i]);
    must(mount("proc", "root/proc", "proc", 0, NULL) == 0, "proc");
    must(mount("/dev/null", "root/dev/null", NULL, MS_BIND, NULL) == 0, "/dev/null");
}

static void send_fd(int to, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof fd)];
    } control = {0};
    char byte = 0;
    struct iovec one = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    must(sendmsg(to, &message, 0) == 1, "send the listener");
}

static int receive_fd(int from)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte;
    struct iovec one = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &one, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    int fd;

    must(recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen > 0, "the listener");
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
    return fd;
}

static _Noreturn void be_command(const struct emulated *setup, const struct emulate_options *options,
                                 const struct filter *filter, int to)
{
    int listener, error;

    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    errno = emulate_begin_process(options);
    must(errno == 0, "token");
    error = filter_load(filter, &listener);
    errno = error;
    must(error == 0, "filter");
    if (listener >= 0) {
        send_fd(to, listener);
        (void)close(listener);
    }
    (void)close(to);
    setup->command();
    (void)fflush(NULL);
    _exit(0);
}

static void serve(struct emulate *e, int listener)
{
    bool ended = false;

    while (!ended) {
        struct pollfd waiting = {listener, POLLIN, 0};
        struct err *error;

        if (poll(&waiting, 1, -1) != 1)
            continue;
        error = emulate_serve(e, listener, &ended);
        if (error)
            (void)fprintf(stderr, "%s\n", err_message(error));
        must(!error, "serve");
    }
}

static _Noreturn void be_supervisor(const struct emulated *setup, enum filter_emulation emulation)
{
    struct emulate_options options = {.owners = setup->owners,
                                      .upper = open(setup->overlay ? "upper" : "root", O_PATH | O_CLOEXEC),
                                      .uid = setup->uid,
                                      .gid = setup->gid,
                                      .groups = setup->groups,
                                      .group_count = setup->group_count,
                                      .devices_only = emulation == FILTER_DEVICES};
    struct emulate *e = NULL;
    struct filter filter;
    struct err *error;
    int pair[2], status, listener;
    pid_t command;

    must(chroot("root") == 0 && chdir("/") == 0, "chroot");
    options.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    options.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    error = filter_make(&filter, emulation, setup->copies, setup->insecure);
    must(!error, "filter_make");
    command = fork();
    must(command >= 0, "fork");
    if (command == 0)
        be_command(setup, &options, &filter, pair[1]);
    (void)close(pair[1]);
    error = emulate_new(&e, &options);
    if (error)
        (void)fprintf(stderr, "%s\n", err_message(error));
    must(!error, "emulate_new");
    if (filter.listens) {
        listener = receive_fd(pair[0]);
        serve(e, listener);
        (void)close(listener);
    }
    while (waitpid(command, &status, 0) != command)
        ;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "the command died of signal %d\n", WTERMSIG(status));
    if (status == 0 && setup->after && !setup->after(e))
        status = 1;
    emulate_free(e);
    filter_wipe(&filter);
    _exit(status == 0 ? 0 : 1);
}

/* Also what is left of the command dies with the first process of its namespace. */
static _Noreturn void be_child(const struct emulated *setup)
{
    enum filter_emulation emulation = setup->emulation == FILTER_NONE ? FILTER_NOTIFY : setup->emulation;
    int status;
    pid_t child;

    become_root_of_namespace();
    child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        make_root(setup);
        be_supervisor(setup, emulation);
    }
    while (waitpid(child, &status, 0) != child)
        ;
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

enum emulated_result emulated_run(const struct emulated *setup)
{
    int status;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        be_child(setup);
    }
    while (waitpid(child, &status, 0) != child)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == IMPOSSIBLE)
        return EMULATED_IMPOSSIBLE;
    return status == 0 ? EMULATED_GOOD : EMULATED_BAD;
}
