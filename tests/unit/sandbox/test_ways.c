/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include "base/proc.h"
#include "sandbox/probe_chain.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/xattr.h>

/* Which ways there are on a machine, and what is particular to one of them. */

static const struct sandbox_probe *find(const struct sandbox_report *r, enum probe_step step)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(r->item[i].name, probe_step_name(step)))
            return &r->item[i];
    return NULL;
}

static void finds_one_id(void **state)
{
    struct check_dir *dir = *state;
    AUTO_VALUE(sandbox_report_wipe) struct sandbox_report r = {0};

    check_ok(sandbox_find(&r, dir->path, SANDBOX_WANT_AUTO));
    assert_true(r.found);
    assert_int_equal(r.way.ids, SANDBOX_SINGLE);
    assert_true(r.way.overlay);
    assert_true(r.way.own_proc);
    assert_true(find(&r, STEP_SUPERVISOR)->works);
    assert_null(find(&r, STEP_NAMESPACES));
}

static void says_what_is_missing(void **state)
{
    struct check_dir *dir = *state;
    AUTO_VALUE(sandbox_report_wipe) struct sandbox_report r = {0};

    check_ok(sandbox_find(&r, dir->path, SANDBOX_WANT_RANGE));
    assert_false(r.found);
    check_error(sandbox_refusal(&r), ERR_UNSUPPORTED, "subordinate ids: ");
    sandbox_report_wipe(&r);
    check_ok(sandbox_find(&r, dir->path, SANDBOX_WANT_HOST));
    assert_false(r.found);
    check_error(sandbox_refusal(&r), ERR_UNSUPPORTED,
                "namespaces without a user namespace: create namespaces: Operation not permitted");
    sandbox_report_wipe(&r);
    check_error(sandbox_find(&r, "/proc/nowhere", SANDBOX_WANT_AUTO), ERR_NOT_FOUND, "/proc/nowhere");
}

static void finds_the_host(void **state)
{
    struct check_dir *dir = *state;
    AUTO_VALUE(sandbox_report_wipe) struct sandbox_report r = {0};

    check_ok(sandbox_find(&r, dir->path, SANDBOX_WANT_HOST));
    assert_true(r.found);
    assert_int_equal(r.way.ids, SANDBOX_HOST);
    assert_true(r.way.overlay && r.way.own_proc);
}

/* Run a test in a process of its own that first gives something up. */
static void in_child(bool (*give_up)(void), void (*test)(const char *dir), const char *dir)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (!give_up())
            _exit(77);
        test(dir);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool write_file(const char *path, const char *text)
{
    AUTO(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* In a user namespace whose owner may set it. */
static bool without_user_namespaces(void)
{
    unsigned uid = geteuid(), gid = getegid();
    AUTO(mem_free) char *user = mem_printf("%u %u 1", uid, uid);
    AUTO(mem_free) char *group = mem_printf("%u %u 1", gid, gid);

    return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", user) && write_file("/proc/self/gid_map", group) &&
           write_file("/proc/sys/user/max_user_namespaces", "0") &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

#define CHILD(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                               \
        }                                                                           \
    } while (0)

static void nothing_works(const char *dir)
{
    struct sandbox_report r;

    CHILD(!sandbox_find(&r, dir, SANDBOX_WANT_SINGLE));
    CHILD(!r.found && !find(&r, STEP_USER)->works);
    struct err *e = sandbox_refusal(&r);
    CHILD(err_kind_of(e) == ERR_UNSUPPORTED && strstr(err_hint_of(e), "max_user_namespaces"));
    err_free(e);
    sandbox_report_wipe(&r);
}

static void needs_user_namespaces(void **state)
{
    struct check_dir *dir = *state;
    in_child(without_user_namespaces, nothing_works, dir->path);
}

/* As a container whose runtime hides parts of /proc. */
static bool with_masked_proc(void)
{
    unsigned uid = geteuid(), gid = getegid();
    AUTO(mem_free) char *user = mem_printf("%u %u 1", uid, uid);
    AUTO(mem_free) char *group = mem_printf("%u %u 1", gid, gid);

    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_file("/proc/self/setgroups", "deny") &&
           write_file("/proc/self/uid_map", user) && write_file("/proc/self/gid_map", group) &&
           mount("none", "/proc/sys", "tmpfs", MS_RDONLY, NULL) == 0;
}

static void binds_proc(const char *dir)
{
    struct sandbox_report r;

    CHILD(!sandbox_find(&r, dir, SANDBOX_WANT_AUTO));
    CHILD(r.found && r.way.ids == SANDBOX_SINGLE && r.way.overlay && !r.way.own_proc);
    CHILD(!find(&r, STEP_PROC)->works);
    const struct sandbox_way way = r.way;
    sandbox_report_wipe(&r);
    AUTO(box_free) struct box *b = box_make(SANDBOX_SINGLE);
    b->spec.way = way;
    struct err *e = box_try(b, "test -d /proc/$$; chown 5:6 /tmp; stat -c %u:%g /tmp");
    if (e || b->result.status != 0)
        fprintf(stderr, "%s\n", e ? err_message(e) : buf_text(&b->output));
    CHILD(!e && b->result.status == 0 && str_eq(buf_text(&b->output), "5:6\n"));
}

static void works_with_masked_proc(void **state)
{
    struct check_dir *dir = *state;
    in_child(with_masked_proc, binds_proc, dir->path);
}

static void reports_owners(void **state)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_SINGLE);
    struct owner *known = owner_list_add(&b->spec.owners, "etc/hosts");

    (void)state;
    known->uid = 9;
    known->gid = 10;
    box_check(
        b,
        "stat -c %u:%g /etc/hosts; echo x >>/etc/hosts; touch /a /b /c; chown 5:6 /a; chown 7 /b; chown 0:0 "
        "/b;"
        " mknod /dev-x c 1 3; mkdir /d; chown 1:1 /d; touch /d/f; chown 3:3 /d/f; mv /d /e; rm /bin/yes",
        0, "9:10\n");
    const struct owner want[] = {
        {.path = (char[]){"a"}, .uid = 5, .gid = 6},
        {.path = (char[]){"dev-x"}, .device_type = S_IFCHR, .device_major = 1, .device_minor = 3},
        {.path = (char[]){"e"}, .uid = 1, .gid = 1},
        {.path = (char[]){"e/f"}, .uid = 3, .gid = 3},
        {.path = (char[]){"etc/hosts"}, .uid = 9, .gid = 10},
    };
    assert_int_equal(b->result.owners.count, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct owner *o = &b->result.owners.item[i];
        assert_string_equal(o->path, want[i].path);
        assert_int_equal(o->uid, want[i].uid);
        assert_int_equal(o->gid, want[i].gid);
        assert_int_equal(o->device_type, want[i].device_type);
        assert_int_equal(o->device_major, want[i].device_major);
        assert_int_equal(o->device_minor, want[i].device_minor);
    }
    /* A next command on the same root finds them. */
    owner_list_wipe(&b->spec.owners);
    b->spec.owners = b->result.owners;
    b->result.owners = (struct owner_list){0};
    box_check(b, "stat -c '%u:%g %F' /a /dev-x /e/f", 0,
              "5:6 regular empty file\n0:0 character special file\n3:3 regular empty file\n");
    owner_list_wipe(&b->spec.owners);
}

static void owns_what_is_mounted(void **state)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_SINGLE);
    char secret[] = "/run/secrets/key", temporary[] = "/mnt", bytes[] = "hidden\n";
    struct sandbox_mount m[] = {
        {.kind = SANDBOX_DATA,
         .target = secret,
         .data = bytes,
         .data_len = 7,
         .mode = 0400,
         .uid = 5,
         .gid = 6,
         .secret = true},
        {.kind = SANDBOX_TMPFS, .target = temporary, .uid = 7, .gid = 8, .mode = 0700},
    };

    (void)state;
    b->spec.mount = m;
    b->spec.mount_count = ARRAY_LEN(m);
    box_check(b, "stat -c '%u:%g %a' /run/secrets/key /mnt; cat /run/secrets/key", 0,
              "5:6 400\n7:8 700\nhidden\n");
}

/* With an "emulator" that is there on every machine: it says that it has no applet of the program's name. */
static void runs_foreign_programs(void **state)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_SINGLE);

    (void)state;
    box_write(b, "lower/bin/foreign", "LADEPROGRAM", 0755);
    b->spec.emulator = BUSYBOX;
    b->spec.binfmt = ":lade:M::LADEPROGRAM::" BUSYBOX ":FOC";
    strlist_add(&b->spec.argv, "foreign");
    struct err *e = box_try(b, NULL);
    if (e && err_kind_of(e) == ERR_UNSUPPORTED) {
        err_free(e);
        skip();
    }
    check_ok(e);
    assert_non_null(strstr(buf_text(&b->output), "applet not found"));
}

static void gives_capabilities(void **state)
{
    static const uint8_t ping[20] = {1, 0, 0, 2, 0, 0x20};
    struct check_dir *dir = *state;
    const struct sandbox_capability item = {.path = "f", .value = ping, .value_len = sizeof ping};
    uint8_t got[24];
    int fd = openat(dir->fd, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0755);

    check_ok(sandbox_set_capabilities(dir->fd, &item, 1));
    assert_int_equal(fgetxattr(fd, "security.capability", got, sizeof got), 24);
    assert_int_equal(got[3], 3);
    assert_memory_equal(got + 4, ping + 4, 16);
    close(fd);
    const struct sandbox_capability absent = {.path = "g", .value = ping, .value_len = sizeof ping};
    check_error(sandbox_set_capabilities(dir->fd, &absent, 1), ERR_NOT_FOUND, "open g");
}

/* The processes of a sandbox, found by their parents. */
static pid_t child_of(pid_t parent)
{
    AUTO(mem_free) char *path = mem_printf("/proc/%d/task/%d/children", (int)parent, (int)parent);
    AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[64] = "";
    pid_t pid = 0;

    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
        return 0;
    for (const char *c = text; str_is_digit(*c); c++)
        pid = pid * 10 + (*c - '0');
    return pid;
}

static void run_until_killed(struct box *b)
{
    AUTO(err_free) struct err *e = box_try(b, "setsid sleep 13579 & sleep 13579 | sleep 13579");
    _exit(e ? 7 : b->result.status == 137 ? 8 : 9);
}

/* 0: lade itself, 1: its child, … */
static void kill_one(bool own_proc, int which, int expected)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_SINGLE);
    int status;

    b->spec.way.own_proc = own_proc;
    pid_t pid = fork();
    if (pid == 0)
        run_until_killed(b);
    for (int i = 0; i < 1000 && box_count("13579") < 3; i++)
        usleep(5000);
    pid_t victim = pid;
    for (int i = 0; i < which; i++)
        victim = child_of(victim);
    assert_true(victim > 1);
    assert_int_equal(kill(victim, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (which > 0) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), expected);
        assert_int_equal(box_count("13579"), 0);
    }
    for (int i = 0; i < 1000 && box_count("13579") > 0; i++)
        usleep(5000);
    assert_int_equal(box_count("13579"), 0);
}

static void dies_with_each_of_its_processes(void **state)
{
    (void)state;
    for (int own = 1; own >= 0; own--) {
        kill_one(own, 0, 0);
        kill_one(own, 1, 7);
        kill_one(own, 2, 7);
        kill_one(own, 3, 8);
    }
}

static void says_that_the_disk_is_full(void **state)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_HOST);

    (void)state;
    AUTO(mem_free) char *disk = box_path(b, "disk");
    AUTO(mem_free) char *upper = mem_printf("%s/upper", disk);
    AUTO(mem_free) char *work = mem_printf("%s/work", disk);
    box_mkdir(b, "disk");
    assert_int_equal(mount("none", disk, "tmpfs", 0, "size=256k"), 0);
    assert_int_equal(mkdir(upper, 0755) | mkdir(work, 0755), 0);
    b->spec.upper = upper;
    b->spec.work = work;
    struct err *e = box_try(b, "dd if=/dev/zero of=/big bs=4k count=100 2>/dev/null");
    assert_int_equal(umount2(disk, MNT_DETACH), 0);
    check_error(e, ERR_RESOURCE, upper);
}

static void refuses_what_chroot_cannot(void **state)
{
    AUTO(box_free) struct box *b = box_make(SANDBOX_CHROOT);
    struct sandbox_mount m[] = {
        {.kind = SANDBOX_DATA,
         .target = mem_strdup("/etc/resolv.conf"),
         .data = mem_strdup("dns\n"),
         .data_len = 4,
         .mode = 0644},
        {.kind = SANDBOX_DATA,
         .target = mem_strdup("/etc/hosts"),
         .data = mem_strdup("new\n"),
         .data_len = 4,
         .mode = 0644},
    };

    (void)state;
    b->spec.mount = m;
    b->spec.mount_count = ARRAY_LEN(m);
    box_check(b, "cat /etc/resolv.conf /etc/hosts; echo x >/dev/null; ls /dev", 0,
              "dns\nnew\nfull\nnull\nrandom\ntty\nurandom\nzero\n");
    assert_false(box_has(b, "lower/etc/resolv.conf"));
    assert_false(box_has(b, "lower/dev/null"));
    b->spec.mount_count = 0;
    box_check(b, "cat /etc/hosts", 0, "old\n");
    b->spec.mount_count = 1;
    m[0].secret = true;
    check_error(box_try(b, "true"), ERR_UNSUPPORTED, "a secret");
    m[0].kind = SANDBOX_TMPFS;
    check_error(box_try(b, "true"), ERR_UNSUPPORTED, "a tmpfs");
    m[0].kind = SANDBOX_BIND;
    m[0].secret = false;
    m[0].source = mem_strdup("/");
    check_error(box_try(b, "true"), ERR_UNSUPPORTED, "no plain file");
    free(m[0].source);
    for (size_t i = 0; i < ARRAY_LEN(m); i++) {
        free(m[i].target);
        free(m[i].data);
    }
}

/* Root of a range of ids, as sandbox_enter_range makes it. */
static bool with_range(void)
{
    int ends[2], status;
    char byte;

    if (pipe(ends) != 0)
        return false;
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        AUTO(mem_free) char *user = mem_printf("/proc/%d/uid_map", (int)self);
        AUTO(mem_free) char *group = mem_printf("/proc/%d/gid_map", (int)self);
        _exit(read(ends[0], &byte, 1) == 1 && write_file(user, "0 100000 65536") &&
                      write_file(group, "0 100000 65536")
                  ? 0
                  : 1);
    }
    return unshare(CLONE_NEWUSER) == 0 && write(ends[1], "", 1) == 1 && waitpid(pid, &status, 0) == pid &&
           status == 0 && setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0 &&
           prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

static void uses_the_range(const char *dir)
{
    struct sandbox_report r;
    bool inside = false;

    CHILD(!sandbox_enter_range(0, NULL, &inside) && inside);
    AUTO(box_free) struct box *b = box_make(SANDBOX_RANGE);
    (void)dir;
    CHILD(!sandbox_find(&r, b->path, SANDBOX_WANT_RANGE));
    CHILD(r.found && r.way.ids == SANDBOX_RANGE && r.way.overlay && r.way.own_proc);
    sandbox_report_wipe(&r);
    b->spec.uid = 0;
    struct err *e = box_try(b, "touch /a; chown 5:6 /a; mknod /n c 1 3; stat -c '%u:%g %F' /a /n");
    if (e)
        fprintf(stderr, "%s\n", err_message(e));
    CHILD(!e && b->result.status == 0);
    CHILD(str_eq(buf_text(&b->output), "5:6 regular empty file\n0:0 character special file\n") ||
          str_eq(buf_text(&b->output), "5:6 regular empty file\n0:0 regular empty file\n"));
    CHILD(b->result.owners.count == 2);
    CHILD(b->result.owners.item[0].uid == 5 && b->result.owners.item[1].device_type == S_IFCHR);
}

static void works_in_a_range(void **state)
{
    struct check_dir *dir = *state;
    in_child(with_range, uses_the_range, dir->path);
}

static int plain(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(finds_one_id),
        check_with_dir(says_what_is_missing),
        check_with_dir(needs_user_namespaces),
        check_with_dir(works_with_masked_proc),
        check_with_dir(gives_capabilities),
        cmocka_unit_test(reports_owners),
        cmocka_unit_test(owns_what_is_mounted),
        cmocka_unit_test(runs_foreign_programs),
        cmocka_unit_test(dies_with_each_of_its_processes),
    };

    return _cmocka_run_group_tests("plain", tests, ARRAY_LEN(tests), NULL, NULL);
}

static int root(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(finds_one_id),
        check_with_dir(finds_the_host),
        check_with_dir(works_in_a_range),
        cmocka_unit_test(says_that_the_disk_is_full),
        cmocka_unit_test(refuses_what_chroot_cannot),
    };

    return _cmocka_run_group_tests("root", tests, ARRAY_LEN(tests), NULL, NULL);
}

int main(int argc, char **argv)
{
    return box_main(argc, argv, plain, root);
}
