/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static void denied(void)
{
    static const struct {
        long number;
        int error;
    } calls[] = {
        {SYS_mount, EPERM},
        {SYS_umount2, EPERM},
        {SYS_pivot_root, EPERM},
        {SYS_setns, EPERM},
        {SYS_unshare, EPERM},
        {SYS_add_key, EPERM},
        {SYS_keyctl, EPERM},
        {SYS_request_key, EPERM},
        {SYS_bpf, EPERM},
        {SYS_perf_event_open, EPERM},
        {SYS_userfaultfd, EPERM},
        {SYS_kexec_load, EPERM},
        {SYS_init_module, EPERM},
        {SYS_finit_module, EPERM},
        {SYS_delete_module, EPERM},
        {SYS_open_by_handle_at, EPERM},
        {SYS_reboot, EPERM},
        {SYS_swapon, EPERM},
        {425, ENOSYS},
        {426, ENOSYS},
        {427, ENOSYS},
        {428, EPERM},
        {429, EPERM},
        {430, EPERM},
        {442, EPERM},
        {SYS_clone3, ENOSYS},
        {467, EPERM},
        {470, ENOSYS},
        {5000, ENOSYS},
        {0x40000000L + 39, ENOSYS},
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        errno = 0;
        if (syscall(calls[i].number, 0, 0, 0, 0, 0, 0) != -1 || errno != calls[i].error) {
            (void)fprintf(stderr, "call %ld: errno %d\n", calls[i].number, errno);
            _exit(1);
        }
    }
    want_error(syscall(SYS_clone, CLONE_NEWUSER, 0, 0, 0, 0), EPERM);
    want_error(syscall(SYS_clone, CLONE_NEWNS | 17, 0, 0, 0, 0), EPERM);
    want_error(ioctl(0, TIOCSTI, "x"), EPERM);
    /* The kernel looks at 32 bits of it. */
    want_error(syscall(SYS_ioctl, 0, (1UL << 32) | TIOCSTI, "x"), EPERM);
    want_error(socket(40, SOCK_STREAM, 0), EPERM);
    want_error(socket(38, SOCK_SEQPACKET, 0), EPERM);
    want_error(personality(0x0800000), EPERM);
    want_int(personality(0xffffffff), personality(0xffffffff));
    want(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

static void nobody_listens_twice(void)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};

    denied();
    want_int(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &program), 0);
    want_error(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
               EBUSY);
}

static void test_denied(void **state)
{
    (void)state;
    run_emulated({.command = nobody_listens_twice});
    run_emulated({.emulation = FILTER_FAKE, .command = denied});
    run_emulated({.emulation = FILTER_DEVICES, .command = denied});
}

static void insecure(void)
{
    struct stat st;

    want_error(syscall(SYS_clone3, 0, 0), EINVAL);
    want_error(syscall(SYS_bpf, 0, 0, 0), EINVAL);
    want_error(syscall(425, 0, 0), ENOSYS);
    want_int(mkdir("/tmp/on", 0755), 0);
    want_int(mount("x", "/tmp/on", "tmpfs", 0, NULL), 0);
    touch("/tmp/on/file");
    want_int(chown("/tmp/on/file", 3, 4), 0);
    want_int(unshare(CLONE_NEWNS), 0);
    want_int(mkdir("/tmp/on/inner", 0755), 0);
    want_int(mount("x", "/tmp/on/inner", "tmpfs", 0, NULL), 0);
    touch("/tmp/on/inner/file");
    want_int(chown("/tmp/on/inner/file", 5, 6), 0);
    want_int(stat("/tmp/on/inner/file", &st), 0);
    want_int(st.st_uid, 5);
    want_int(stat("/tmp/on/file", &st), 0);
    want_int(st.st_uid, 3);
}

static void test_insecure(void **state)
{
    (void)state;
    run_emulated({.insecure = true, .command = insecure});
}

static void fake(void)
{
    struct stat st;

    touch("/tmp/a");
    want_int(chown("/tmp/a", 5, 6), 0);
    want_int(stat("/tmp/a", &st), 0);
    want_int(st.st_uid, 0);
    want_int(mknod("/tmp/device", S_IFCHR, makedev(1, 3)), 0);
    want_error(stat("/tmp/device", &st), ENOENT);
    want_int(mkfifo("/tmp/fifo", 0600), 0);
    want_int(setgroups(0, NULL), 0);
    want_int(setresuid(5, 5, 5), 0);
    want_int(geteuid(), 0);
}

static void test_fake(void **state)
{
    (void)state;
    run_emulated({.emulation = FILTER_FAKE, .command = fake});
}

/* Every jump of the program lands in it, and it ends by returning. */
static void test_program(void **state)
{
    (void)state;
    for (int emulation = FILTER_NONE; emulation <= FILTER_FAKE; emulation++) {
        for (int open = 0; open < 2; open++) {
            struct filter f;
            const struct sock_filter *code;

            check_ok(filter_make(&f, (enum filter_emulation)emulation, open, open));
            code = f.program;
            assert_int_equal(f.listens, emulation == FILTER_NOTIFY || emulation == FILTER_DEVICES);
            if (emulation == FILTER_NONE && open) {
                assert_int_equal(f.count, 0);
                continue;
            }
            assert_true(f.count > 10 && f.count < 2048);
            for (size_t i = 0; i < f.count; i++) {
                if (BPF_CLASS(code[i].code) != BPF_JMP)
                    continue;
                if (BPF_OP(code[i].code) == BPF_JA)
                    assert_true(i + 1 + code[i].k < f.count);
                else
                    assert_true(i + 1 + code[i].jt < f.count && i + 1 + code[i].jf < f.count);
            }
            assert_int_equal(BPF_CLASS(code[f.count - 1].code), BPF_RET);
            filter_wipe(&f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_insecure),
        cmocka_unit_test(test_fake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
