/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_SANDBOX_BOX_H
#define LADE_TESTS_SANDBOX_BOX_H

#include "../check.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#include <dirent.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A root file system with nothing but busybox, and a command to run in it. */
#define BUSYBOX "/bin/busybox"
#define NOBODY 12345
#define OUTPUT_MAX (256u << 20)

struct box {
    char path[64]; /* with lower, upper, work, root in it */
    char *upper, *work, *root;
    struct sandbox_spec spec;
    struct sandbox_result result;
    struct buf output;
};

static inline char *box_path(const struct box *b, const char *name)
{
    return mem_printf("%s/%s", b->path, name);
}

static inline void box_mkdir(const struct box *b, const char *name)
{
    AUTO(mem_free) char *path = box_path(b, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static inline void box_write(const struct box *b, const char *name, const char *text, mode_t mode)
{
    AUTO(mem_free) char *path = box_path(b, name);
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
}

static inline void box_link(const struct box *b, const char *target, const char *name)
{
    AUTO(mem_free) char *path = box_path(b, name);
    assert_int_equal(symlink(target, path), 0);
}

static inline bool box_has(const struct box *b, const char *name)
{
    AUTO(mem_free) char *path = box_path(b, name);
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline void box_fill(const struct box *b)
{
    static const char *const folders[] = {"lower",     "upper",      "work",      "root",      "lower/bin",
                                          "lower/etc", "lower/proc", "lower/tmp", "lower/dev", "lower/sys"};
    static const char *const programs[] = {
        "sh",   "cat",   "ls",    "id",       "touch",    "mkdir", "rm",   "sleep", "stat", "env",   "ps",
        "head", "chown", "mount", "readlink", "hostname", "mknod", "wc",   "chmod", "yes",  "ln",    "mv",
        "find", "kill",  "ip",    "dd",       "setsid",   "echo",  "grep", "df",    "true", "umount"};
    struct buf bytes = BUF(OUTPUT_MAX);

    for (size_t i = 0; i < ARRAY_LEN(folders); i++)
        box_mkdir(b, folders[i]);
    check_ok(fs_read_file(&bytes, AT_FDCWD, BUSYBOX, NULL));
    AUTO(mem_free) char *path = box_path(b, "lower/bin/busybox");
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    assert_int_equal(write(fd, bytes.data, bytes.len), (ssize_t)bytes.len);
    assert_int_equal(fchmod(fd, 0755), 0);
    buf_wipe(&bytes);
    for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
        AUTO(mem_free) char *name = mem_printf("lower/bin/%s", programs[i]);
        box_link(b, "busybox", name);
    }
    box_write(b, "lower/etc/hosts", "old\n", 0644);
}

static inline void box_hear(void *ctx, const char *data, size_t len)
{
    buf_add(ctx, data, len);
}

static inline struct sandbox_way box_way(enum sandbox_ids ids)
{
    return (struct sandbox_way){
        .ids = ids, .overlay = ids != SANDBOX_CHROOT, .own_proc = ids != SANDBOX_CHROOT};
}

static inline struct box *box_make(enum sandbox_ids ids)
{
    struct box *b = mem_zero(1, sizeof *b);

    snprintf(b->path, sizeof b->path, "/tmp/lade-test-XXXXXX");
    assert_non_null(mkdtemp(b->path));
    assert_int_equal(chmod(b->path, 0755), 0);
    box_fill(b);
    b->upper = box_path(b, "upper");
    b->work = box_path(b, "work");
    b->root = box_path(b, ids == SANDBOX_CHROOT ? "lower" : "root");
    b->output = BUF(OUTPUT_MAX);
    b->spec = (struct sandbox_spec){
        .way = box_way(ids),
        .upper = b->upper,
        .work = b->work,
        .root = b->root,
        .cwd = "/",
        .cancel_fd = -1,
        .output = box_hear,
        .ctx = &b->output,
    };
    strlist_add_take(&b->spec.lower, box_path(b, "lower"));
    strlist_add(&b->spec.env, "PATH=/bin");
    return b;
}

static inline void box_command(struct box *b, const char *script)
{
    strlist_wipe(&b->spec.argv);
    strlist_add(&b->spec.argv, "sh");
    strlist_add(&b->spec.argv, "-c");
    strlist_add(&b->spec.argv, script);
}

static inline struct err *box_try(struct box *b, const char *script)
{
    if (script)
        box_command(b, script);
    buf_clear(&b->output);
    sandbox_result_wipe(&b->result);
    return sandbox_run(&b->result, &b->spec);
}

/* Run; the exit status and the output must be these. */
#define box_check(b, script, status, text) box_check_at((b), (script), (status), (text), __FILE__, __LINE__)
static inline void box_check_at(struct box *b, const char *script, int status, const char *text,
                                const char *file, int line)
{
    check_ok_at(box_try(b, script), file, line);
    if (b->result.status == status && (!text || str_eq(buf_text(&b->output), text)))
        return;
    print_error("%s:%d: status %d, output:\n%s\nexpected status %d, output:\n%s\n", file, line,
                b->result.status, buf_text(&b->output), status, text ? text : "");
    fail();
}

/* Processes of this machine that have this word in their command line. */
static inline int box_count(const char *word)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        AUTO(mem_free) char *path = mem_printf("/proc/%s/cmdline", entry->d_name);
        struct buf text = BUF(1 << 20);
        bool found = false;
        if (!str_is_digit(entry->d_name[0]))
            continue;
        err_free(fs_read_file(&text, AT_FDCWD, path, &found));
        if (text.len > 0 && memmem(text.data, text.len, word, strlen(word)))
            count++;
        buf_wipe(&text);
    }
    closedir(dir);
    return count;
}

static inline void box_free(struct box *b)
{
    check_ok(fs_remove_tree(AT_FDCWD, b->path));
    strlist_wipe(&b->spec.lower);
    strlist_wipe(&b->spec.argv);
    strlist_wipe(&b->spec.env);
    sandbox_result_wipe(&b->result);
    buf_wipe(&b->output);
    free(b->upper);
    free(b->work);
    free(b->root);
    free(b);
}
AUTO_DEFINE(struct box *, box_free)

/* Tests of what a plain user can do run as one, also when root runs them; then those of root. Arguments:
 * "root" or "plain" for one half, and a pattern of names. */
static inline int box_main(int argc, char **argv, int (*plain)(void), int (*root)(void))
{
    int status = 0;

    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    if (geteuid() != 0)
        return plain();
    if (argc > 1 && str_eq(argv[1], "root"))
        return root();
    pid_t pid = fork();
    if (pid == 0) {
        bool fell = setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        exit(fell ? plain() : 1);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    bool both = argc < 2 || !str_eq(argv[1], "plain");
    return (root && both ? root() : 0) + !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
