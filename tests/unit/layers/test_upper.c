/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "golden_trees.h"
#include "layers/unpacked.h"
#include "layers/upper.h"
#include "overlay.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EPOCH 315532800

static struct tree *list(struct buf *out, struct tree *t)
{
    check_ok(treelist(out, t));
    return t;
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

    plant_lower(planted);
    struct digest name = name_of(planted);
    check_ok(unpacked_from_tree(&r->lower, dir->fd, UNPACKED_OURS, planted, &name));
    check_ok(unpacking_begin(&r->u, dir->fd, UNPACKED_OURS));
    r->below = tree_new();
    check_ok(tree_apply(r->below, unpacked_tree(r->lower), 0));
    check_ok(unpacking_like(r->u, tree_root(r->below)));
    if (!overlay_run(unpacked_path(r->lower), r->u, script, listing))
        return false;
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
        overlay_forget_marks(tree_root(r.below));
        list(&found, r.below);
        check_ok(fs_read_file(&wanted, dir->fd, "listing", NULL));
        treelist_check(scripts[i], &found, &wanted);
    }
    if (!possible)
        skip();
}

/* The lines of the layer itself, times that are not the epoch's as "…". */
static void layers_hold_only_changes(void **state)
{
    static const struct {
        const char *script, *layer;
    } cases[] = {
        {"true", "dI  755 0:0 E\n"},
        {"echo new > etc/conf", "dI  755 0:0 E\ndI etc 755 0:0 E\nf etc/conf 644 0:0 E 4\n"},
        {"touch etc/other; chmod 600 etc/other", "dI  755 0:0 E\n"},
        {"cp -p etc/conf c; rm etc/conf; cp -p c etc/conf; rm c", "dI  755 0:0 E\n"},
        {"echo x > tmp/x", "dI  755 0:0 E\nd tmp 1777 0:0 E\nf tmp/x 644 0:0 E 2\n"},
        {"chmod 1777 tmp; touch tmp/y; rm tmp/y", "dI  755 0:0 E\n"},
        {"rm -r again; mkdir again", "dI  755 0:0 E\ndO again 755 0:0 E\n"},
        {"rmdir empty; mkdir empty", "dI  755 0:0 E\n"},
        {"rm -r gone; rm etc/conf", "dI  755 0:0 E\ndI etc 755 0:0 E\nW etc/conf 0 0:0 -\nW gone 0 0:0 -\n"},
        {"mkdir new; mkdir new/sub; echo x > new/f; rm new/f; ln -s x new/l",
         "dI  755 0:0 E\nd new 755 0:0 E\nl new/l 777 0:0 E -> x\nd new/sub 755 0:0 E\n"},
        {"ln one three", "dI  755 0:0 E\nf one 644 0:0 E 6\nf three 644 0:0 E = one 6\n"},
        {"touch a; ln a b; rm a", "dI  755 0:0 E\nf b 644 0:0 E 0\n"},
        {"touch -d @5 old; touch -d @315532800.5 half; chmod 700 .",
         "d  700 0:0 E\nf half 644 0:0 E 0\nf old 644 0:0 5.000000000 0\n"},
        {"perl -e 'use Socket; socket(S,AF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un(\"s\"))'",
         "dI  755 0:0 E\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(run_wipe) struct run r = {0};
        AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 24);
        AUTO_VALUE(buf_wipe) struct buf found = BUF(1 << 24);
        AUTO_VALUE(buf_wipe) struct buf disk = BUF(1 << 24);
        AUTO(unpacked_close) struct unpacked *kept = NULL;
        AUTO(mem_free) char *script = mem_printf("umask 022; %s", cases[i].script);
        if (!run(&r, *state, script, false))
            return;
        list(&text, r.layer);
        for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
            char *sum = strstr(line, " sha256:"), *time = strstr(line, " 315532800.000000000");
            char *none = line[0] == 'W' ? strstr(line, " 0.000000000") : NULL;
            if (sum)
                *sum = '\0';
            if (time || none)
                *(time ? time : none) = '\0';
            buf_printf(&found, "%s%s%s\n", line,
                       time   ? " E"
                       : none ? " -"
                              : "",
                       time ? time + strlen(" 315532800.000000000") : "");
        }
        if (strcmp(buf_text(&found), cases[i].layer) != 0)
            print_error("after: %s\n", cases[i].script);
        assert_string_equal(buf_text(&found), cases[i].layer);
        /* What stays on disk is that layer, and can be taken for it. */
        struct digest name = name_of(r.layer);
        buf_clear(&text);
        list(&text, r.layer);
        check_ok(unpacking_commit(&kept, TAKE(r.u), TAKE(r.layer), &name));
        list(&disk, unpacked_tree(kept));
        assert_string_equal(buf_text(&disk), buf_text(&text));
        AUTO(tree_free) struct tree *there = NULL;
        check_ok(tree_open_dir(&there, fcntl(unpacked_dir(kept), F_DUPFD_CLOEXEC, 0), NULL));
        buf_clear(&disk);
        list(&disk, there);
        size_t lines = 0, wanted = 0;
        for (size_t at = 0; at < disk.len; at++)
            lines += disk.data[at] == '\n';
        for (size_t at = 0; at < text.len; at++)
            wanted += text.data[at] == '\n';
        assert_int_equal(lines, wanted);
    }
}

/* Owners and devices come from the list. */
static void owners_are_those_of_the_list(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(unpacking_free) struct unpacking *u = NULL;
    AUTO(tree_free) struct tree *below = tree_new();
    AUTO(tree_free) struct tree *layer = NULL;
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};
    static const unsigned char version3[24] = {1, 0, 0, 3, 0, 0x20, 0, 0, [20] = 0x39, 0x30};

    check_ok(unpacking_begin(&u, dir->fd, UNPACKED_OURS));
    int fd = unpacking_dir(u);
    assert_int_equal(mkdirat(fd, "home", 0700), 0);
    AUTO(fd_close) int file = openat(fd, "home/f", O_WRONLY | O_CREAT, 0640);
    AUTO(fd_close) int device = openat(fd, "null", O_WRONLY | O_CREAT, 0666);
    AUTO(fd_close) int tool = openat(fd, "tool", O_WRONLY | O_CREAT, 0755);
    assert_true(file >= 0 && device >= 0 && tool >= 0);
    fchmod(device, 0666);
    owner_list_add(&owners, "home")->uid = 1000;
    owner_list_add(&owners, "home/f")->gid = 7;
    struct owner *null = owner_list_add(&owners, "null");
    null->device_type = S_IFCHR;
    null->device_major = 1;
    null->device_minor = 3;
    owner_list_sort(&owners);
    bool capable = fsetxattr(tool, "security.capability", version3, sizeof version3, 0) == 0;
    fsetxattr(file, "user.overlay.origin", "x", 1, 0);
    fsetxattr(file, "user.mine", "y", 1, 0);
    fchmod(file, 0);
    const struct upper_options options = {.lower = below, .owners = &owners, .epoch = EPOCH};
    check_ok(upper_tree(&layer, fd, &options));
    list(&text, layer);
    assert_non_null(strstr(buf_text(&text), "d home 700 1000:0 315532800.0"));
    assert_non_null(strstr(buf_text(&text), "f home/f 0 0:7 315532800.000000000 user.mine=y 0 "));
    assert_non_null(strstr(buf_text(&text), "c null 666 0:0 315532800.000000000 1,3\n"));
    struct node *n = NULL;
    check_ok(tree_lookup(layer, "tool", false, &n));
    assert_int_equal(n->xattr_count, capable);
    if (capable) {
        assert_int_equal(n->xattr[0].value_len, 20);
        assert_int_equal(n->xattr[0].value[3], 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(overlays_become_layers),
        check_with_dir(layers_hold_only_changes),
        check_with_dir(owners_are_those_of_the_list),
    };

    return run_as_both(tests);
}
