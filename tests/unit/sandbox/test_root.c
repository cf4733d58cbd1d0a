/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <sys/sysmacros.h>

/* What the command sees around it, and what of it stays. */
static enum sandbox_ids ids;

static char *times(const struct box *b, const char *name)
{
    AUTO(mem_free) char *path = box_path(b, name);
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return mem_printf("%lld.%09ld", (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void remove_lower(const struct box *b, const char *name)
{
    AUTO(mem_free) char *path = box_path(b, name);
    check_ok(fs_remove_tree(AT_FDCWD, path));
}

static struct sandbox_mount data(const char *target, const char *text)
{
    return (struct sandbox_mount){.kind = SANDBOX_DATA,
                                  .target = mem_strdup(target),
                                  .data = mem_strdup(text),
                                  .data_len = strlen(text),
                                  .mode = 0644};
}

static void mounts_wipe(struct sandbox_mount *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(m[i].source);
        free(m[i].target);
        free(m[i].data);
    }
}

static void places_vanish(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    struct sandbox_mount m[] = {data("/etc/resolv.conf", "nameserver 1\n"), data("/etc/hosts", "new\n"),
                                data("/run/secrets/key", "hidden-4711\n")};

    (void)state;
    remove_lower(b, "lower/proc");
    remove_lower(b, "lower/sys");
    remove_lower(b, "lower/dev");
    box_link(b, "../run/systemd/resolv.conf", "lower/etc/resolv.conf");
    AUTO(mem_free) char *etc = times(b, "lower/etc");
    AUTO(mem_free) char *top = times(b, "upper");
    b->spec.mount = m;
    b->spec.mount_count = ARRAY_LEN(m);
    box_check(b, "cat /etc/resolv.conf /etc/hosts /run/secrets/key; ls /dev/null /proc/1/comm", 0,
              "nameserver 1\nnew\nhidden-4711\n/dev/null\n/proc/1/comm\n");
    assert_false(box_has(b, "upper/run"));
    assert_false(box_has(b, "upper/proc"));
    assert_false(box_has(b, "upper/dev"));
    assert_false(box_has(b, "upper/sys"));
    assert_false(box_has(b, "upper/etc/hosts"));
    AUTO(mem_free) char *after = times(b, "upper");
    assert_string_equal(top, after);
    if (box_has(b, "upper/etc")) {
        AUTO(mem_free) char *copied = times(b, "upper/etc");
        assert_string_equal(etc, copied);
    }
    /* What the command made beside them stays. */
    box_check(b, "echo x >/run/mine; echo y >/etc/mine", 0, "");
    assert_true(box_has(b, "upper/run/mine"));
    assert_true(box_has(b, "upper/etc/mine"));
    assert_false(box_has(b, "upper/run/secrets"));
    assert_false(box_has(b, "upper/run/systemd"));
    mounts_wipe(m, ARRAY_LEN(m));
}

static void mounts_what_is_given(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    struct sandbox_mount m[] = {
        {.kind = SANDBOX_BIND, .source = box_path(b, "shared"), .target = mem_strdup("/mnt/shared")},
        {.kind = SANDBOX_BIND,
         .source = box_path(b, "shared"),
         .target = mem_strdup("/ro"),
         .read_only = true},
        {.kind = SANDBOX_BIND, .source = box_path(b, "shared/f"), .target = mem_strdup("/file")},
        {.kind = SANDBOX_TMPFS, .target = mem_strdup("/tmp"), .size = 64 << 10},
    };

    (void)state;
    box_mkdir(b, "shared");
    box_write(b, "shared/f", "F\n", 0644);
    b->spec.mount = m;
    b->spec.mount_count = ARRAY_LEN(m);
    box_check(b, "cat /file /ro/f; echo new >/mnt/shared/new; touch /ro/x 2>/dev/null; echo $?; echo >/tmp/x",
              0, "F\nF\n1\n");
    assert_true(box_has(b, "shared/new"));
    assert_false(box_has(b, "upper/mnt"));
    assert_false(box_has(b, "upper/tmp"));
    box_check(b, "dd if=/dev/zero of=/tmp/big bs=1k count=100 2>/dev/null", 1, "");
    mounts_wipe(m, ARRAY_LEN(m));
}

/* Images that want us to mount elsewhere, with a tree outside that must stay as it is. */
static void stays_in_the_root(void **state)
{
    static const struct {
        const char *name, *link, *target, *why;
    } cases[] = {
        {"lower/dev", "/", "/x", "/dev is not a directory"},
        {"lower/proc", "etc", "/x", "/proc is not a directory"},
        {"lower/sys", "/canary", "/x", "/sys is not a directory"},
        {"lower/a", "../../../../../../canary", "/a/b", NULL},
        {"lower/a", "/../../canary", "/a/b", NULL},
        {"lower/a", "a", "/a/b", "too many links"},
        {"lower/a", "/proc/self/root", "/a/b", "it is in /proc"},
        {"lower/a", "/", "/a", "that is the root itself"},
        {"lower/a", "x", "/bin", "it is a directory"},
        {"lower/a", "x", "/etc/hosts/x", "it is not a directory"},
        {"lower/a", "x", "/../../x/../../y", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(box_free) struct box *b = box_make(ids);
        struct sandbox_mount m = data(cases[i].target, "data\n");
        box_mkdir(b, "canary");
        remove_lower(b, cases[i].name);
        box_link(b, cases[i].link, cases[i].name);
        AUTO(mem_free) char *before = times(b, "canary");
        b->spec.mount = &m;
        b->spec.mount_count = 1;
        if (cases[i].why)
            check_error(box_try(b, "true"), ERR_INPUT, cases[i].why);
        else
            box_check(b, "true", 0, "");
        AUTO(mem_free) char *after = times(b, "canary");
        assert_string_equal(before, after);
        assert_false(box_has(b, "upper/canary"));
        mounts_wipe(&m, 1);
    }
}

static void hides_the_machine(void **state)
{
    static const char *const writes[] = {"/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
                                         "/proc/sys/kernel/core_pattern", "/sys/kernel/x", "/proc/irq/x"};
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    box_check(b,
              "cat /proc/keys /proc/timer_list /proc/kcore 2>/dev/null; ls /sys/firmware /proc/scsi "
              "/proc/acpi 2>/dev/null"
              " | grep -v :$ | grep .",
              1, "");
    for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
        AUTO(mem_free) char *script = mem_printf("{ echo x >%s; } 2>/dev/null && echo written", writes[i]);
        box_check(b, script, 1, "");
    }
    box_check(b, "mount -t tmpfs x /tmp 2>/dev/null || umount /proc/keys 2>/dev/null", 1, "");
    box_check(b, "cat /proc/mounts", 0, NULL);
    assert_null(strstr(buf_text(&b->output), "/tmp/lade-test"));
    box_check(
        b, "ls /dev", 0,
        "core\nfd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n");
    box_check(b, "echo x >/dev/null; head -c 4 /dev/zero | wc -c; echo x >/dev/shm/x; cat /dev/shm/x", 0,
              "4\nx\n");
    b->spec.hostname = "buildkitsandbox";
    box_check(b, "hostname", 0, "buildkitsandbox\n");
}

static void has_no_network(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    b->spec.network = SANDBOX_NETWORK_NONE;
    box_check(b,
              "cat /proc/net/dev | grep -v lo: | grep : | grep -v -E '(tunl|sit|gre|erspan|ip_vti|ip6|teql)'",
              1, "");
    box_check(b, "ip link show lo | grep -q UP,LOWER_UP || ip link show lo", 0, "");
}

static void works_on_a_plain_directory(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);
    struct sandbox_mount m[] = {data("/run/secrets/key", "hidden\n")};

    (void)state;
    AUTO(mem_free) char *lower = box_path(b, "lower");
    b->spec.way.overlay = false;
    b->spec.root = lower;
    b->spec.mount = m;
    b->spec.mount_count = ARRAY_LEN(m);
    box_check(b, "cat /run/secrets/key; echo x >/new; chown 5:6 /new 2>/dev/null; ls /proc/1/comm", 0,
              "hidden\n/proc/1/comm\n");
    assert_true(box_has(b, "lower/new"));
    assert_false(box_has(b, "lower/run"));
    mounts_wipe(m, ARRAY_LEN(m));
}

static void works_with_the_hosts_proc(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    b->spec.way.own_proc = false;
    box_check(b, "setsid sh -c 'sleep 2468 & sleep 2468' & test -d /proc/$$ && echo found", 0, "found\n");
    assert_int_equal(box_count("2468"), 0);
    b->spec.timeout_ms = 300;
    box_check(b, "setsid sh -c 'sleep 2468 & sleep 2468' & sleep 2468", 137, "");
    assert_int_equal(box_count("2468"), 0);
}

static void stacks_many_layers(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    for (int i = 0; i < 300; i++) {
        AUTO(mem_free) char *name = mem_printf("layer %d:,\\", i);
        AUTO(mem_free) char *file = mem_printf("%s/f", name);
        AUTO(mem_free) char *text = mem_printf("%d\n", i);
        box_mkdir(b, name);
        box_write(b, file, text, 0644);
        strlist_add_take(&b->spec.lower, box_path(b, name));
    }
    box_check(b, "cat /f", 0, "299\n");
}

static void closed_directories_do_not_hinder(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    box_check(b, "mkdir -p /closed/in; echo x >/closed/in/f; chmod 0 /closed/in/f /closed/in /closed", 0, "");
    assert_false(box_has(b, "work/work"));
    box_check(b, "cat /closed/in/f", 0, "x\n");
}

static void reaps_with_an_init(void **state)
{
    AUTO(box_free) struct box *b = box_make(ids);

    (void)state;
    b->spec.init = true;
    box_check(b, "echo $$; kill -9 $$", 137, "2\n");
    box_check(b, "cat /proc/1/exe >/dev/null 2>&1; ls /proc/1/fd 2>/dev/null; exit 4", 4, "");
}

static int run(enum sandbox_ids with)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_vanish),
        cmocka_unit_test(mounts_what_is_given),
        cmocka_unit_test(stays_in_the_root),
        cmocka_unit_test(hides_the_machine),
        cmocka_unit_test(has_no_network),
        cmocka_unit_test(works_on_a_plain_directory),
        cmocka_unit_test(works_with_the_hosts_proc),
        cmocka_unit_test(stacks_many_layers),
        cmocka_unit_test(closed_directories_do_not_hinder),
        cmocka_unit_test(reaps_with_an_init),
    };

    ids = with;
    return _cmocka_run_group_tests(sandbox_ids_name(with), tests, ARRAY_LEN(tests), NULL, NULL);
}

static int plain(void)
{
    return run(SANDBOX_SINGLE) + run(SANDBOX_FAKE);
}

static int root(void)
{
    return run(SANDBOX_HOST) + run(SANDBOX_SINGLE);
}

int main(int argc, char **argv)
{
    return box_main(argc, argv, plain, root);
}
