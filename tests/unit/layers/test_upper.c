/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "layers/unpacked.h"
#include "layers/upper.h"
#include "treelist.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SOMEBODY 12345
#define EPOCH 315532800

static struct tree *list(struct buf *out, struct tree *t)
{
    check_ok(treelist(out, t));
    return t;
}

static bool write_all(const char *path, const char *text)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t len = (ssize_t)strlen(text);

    return fd >= 0 && write(fd, text, strlen(text)) == len;
}

/* A namespace in which we are root, as a command of RUN has. */
static bool become_root(void)
{
    char uid[32], gid[32];

    snprintf(uid, sizeof uid, "0 %u 1", geteuid());
    snprintf(gid, sizeof gid, "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_all("/proc/self/setgroups", "deny") &&
           write_all("/proc/self/uid_map", uid) && write_all("/proc/self/gid_map", gid);
}

enum { NO_OVERLAY = 77 };

/* In a process of its own: mount, run, and write down what the merged directory holds. */
static int run_on_overlay(const char *lower, const struct unpacking *u, const char *script,
                          const char *listing)
{
    AUTO(mem_free)
    char *options = mem_printf("userxattr,volatile,lowerdir=%s,upperdir=%s,workdir=%s", lower,
                               unpacking_upper(u), unpacking_work(u));
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 24);
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(fd_close) int out = open(listing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    AUTO(err_free) struct err *e = NULL;

    if (!become_root() || mount("overlay", unpacking_root(u), "overlay", 0, options) != 0)
        return NO_OVERLAY;
    if (chdir(unpacking_root(u)) != 0 || system(script) != 0)
        return 1;
    e = tree_open_dir(&t, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL);
    if (!e)
        e = treelist(&text, t);
    if (!e)
        e = fd_write(out, buf_text(&text), text.len, listing);
    if (e)
        print_error("%s\n", err_message(e));
    return e ? 1 : 0;
}

static void plant_lower(struct tree *t)
{
    plant(t, "etc", NODE_DIR, 0755);
    plant_file(t, "etc/conf", 0644, "conf");
    plant_file(t, "etc/other", 0600, "other");
    plant(t, "dir", NODE_DIR, 0755);
    plant_file(t, "dir/a", 0644, "a");
    plant_file(t, "dir/b", 0644, "b");
    plant(t, "dir/sub", NODE_DIR, 0700);
    plant_file(t, "dir/sub/deep", 0644, "deep");
    plant(t, "gone", NODE_DIR, 0755);
    plant_file(t, "gone/x", 0644, "x");
    plant(t, "again", NODE_DIR, 0755);
    plant_file(t, "again/old", 0644, "old");
    plant(t, "empty", NODE_DIR, 0755);
    plant(t, "tmp", NODE_DIR, 01777);
    plant_file(t, "tofile/x", 0644, "x");
    plant_file(t, "todir", 0644, "x");
    plant_link(t, "link", "etc");
    plant_file(t, "su", 04755, "su");
    plant(t, "fifo", NODE_FIFO, 0644);
    plant(t, "quiet", NODE_DIR, 0755);
    plant_file(t, "quiet/still", 0644, "still");
    struct node *one = plant_file(t, "one", 0644, "linked");
    one->link_group = tree_new_link_group(t);
    struct node *two = plant(t, "two", NODE_FILE, 0644);
    node_copy_meta(t, two, one);
    two->link_group = one->link_group;
    tree_root(t)->implicit = false;
    tree_root(t)->mtime = EPOCH;
}

/* Strip what cannot be seen in a mount. */
static void forget_marks(struct node *n)
{
    n->implicit = n->opaque = false;
    for (uint32_t i = 0; i < n->child_count; i++)
        forget_marks(n->child[i]);
}

struct run {
    struct unpacked *lower;
    struct unpacking *u;
    struct tree *below; /* merged */
    struct tree *layer;
};
static void run_wipe(struct run *r)
{
    tree_free(r->layer);
    tree_free(r->below);
    unpacking_free(r->u);
    unpacked_close(r->lower);
}

static struct digest name_of(struct tree *t)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 24);

    list(&text, t);
    return digest_of(text.data, text.len);
}

/* False: this machine has no overlay for us. */
static bool run(struct run *r, const struct check_dir *dir, const char *script, bool keep_times)
{
    AUTO(tree_free) struct tree *planted = tree_new();
    AUTO(mem_free) char *listing = mem_printf("%s/listing", dir->path);
    int status = 0;

    plant_lower(planted);
    struct digest name = name_of(planted);
    check_ok(unpacked_from_tree(&r->lower, dir->fd, UNPACKED_OURS, planted, &name));
    check_ok(unpacking_begin(&r->u, dir->fd, UNPACKED_OURS));
    r->below = tree_new();
    check_ok(tree_apply(r->below, unpacked_tree(r->lower), 0));
    const struct timespec times[2] = {{.tv_sec = EPOCH}, {.tv_sec = EPOCH}};
    assert_int_equal(futimens(unpacking_dir(r->u), times), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(run_on_overlay(unpacked_path(r->lower), r->u, script, listing));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_OVERLAY)
        return false;
    assert_int_equal(status, 0);
    struct owner_list none = {0};
    const struct upper_options options = {
        .lower = r->below, .owners = &none, .keep_times = keep_times, .epoch = EPOCH};
    check_ok(upper_tree(&r->layer, unpacking_dir(r->u), &options));
    return true;
}

/* Below and the layer together are what the command saw when it ended. */
static void overlays_become_layers(void **state)
{
    static const char *const scripts[] = {
        "true",
        "echo new > etc/conf; echo x > etc/added; chmod 711 etc; chmod 640 etc/other",
        "mv dir moved; mv moved/a moved/c; rm moved/b",
        "rm -r gone; rmdir empty; rm link; rm su; rm fifo",
        "rm -r again; mkdir again; echo n > again/new",
        "rm -r again; mkdir again",
        "rmdir empty; mkdir empty; rm -r gone; echo f > gone",
        "rm -r tofile; echo f > tofile; rm todir; mkdir todir; echo x > todir/x",
        "rm -r tofile; ln -s etc tofile; rm link; mkdir -p link/a/b/c; echo x > link/a/b/c/d",
        "ln etc/conf etc/hard; ln dir/a x; echo more >> x",
        "ln one three; echo more >> one",
        "echo more >> two",
        "echo a > n1; ln n1 n2; ln n1 tmp/n3; echo b > m1; ln m1 m2; rm m1",
        "touch tmp/x; rm tmp/x; touch etc/conf",
        "mkdir -p a/b/c/d; mkfifo a/b/c/p; ln -s /nowhere a/l; chmod 1777 a/b; chmod 2755 a/b/c",
        "echo s > shut; chmod 0 shut; mkdir locked; echo k > locked/k; chmod 0 locked/k locked; chmod 4711 "
        "su",
        "rm -r dir; mkdir dir; mkdir dir/sub; echo new > dir/sub/deep; chmod 700 dir/sub",
        "cp -a quiet/still q; rm quiet/still; cp -a q quiet/still; rm q",
        "mv dir d2; mv d2 dir",
    };

    bool possible = true;

    for (size_t i = 0; i < ARRAY_LEN(scripts) && possible; i++) {
        AUTO_VALUE(run_wipe) struct run r = {0};
        AUTO_VALUE(buf_wipe) struct buf found = BUF(1 << 24);
        AUTO_VALUE(buf_wipe) struct buf wanted = BUF(1 << 24);
        const struct check_dir *dir = *state;
        possible = run(&r, dir, scripts[i], true);
        if (!possible)
            continue;
        check_ok(tree_apply(r.below, r.layer, 1));
        forget_marks(tree_root(r.below));
        list(&found, r.below);
        check_ok(fs_read_file(&wanted, dir->fd, "listing", NULL));
        if (strcmp(buf_text(&found), buf_text(&wanted)) != 0)
            print_error("after: %s\nthe layer makes of it:\n%s\nbut it is:\n%s\n", scripts[i],
                        buf_text(&found), buf_text(&wanted));
        assert_string_equal(buf_text(&found), buf_text(&wanted));
    }
    if (!possible)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(overlays_become_layers),
    };
    pid_t pid = geteuid() == 0 ? fork() : -1;
    int status = 0;

    /* A change of user closes our own files in /proc to us. */
    if (pid == 0 && (setgid(SOMEBODY) != 0 || setuid(SOMEBODY) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (pid > 0)
        waitpid(pid, &status, 0);
    return failed || status;
}
