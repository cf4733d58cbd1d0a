/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include "base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

/* mmap stands apart: only for memory, never for files or code. */
static const int allowed[] = {
    SCMP_SYS(read),          SCMP_SYS(write),           SCMP_SYS(brk),       SCMP_SYS(munmap),
    SCMP_SYS(mremap),        SCMP_SYS(madvise),         SCMP_SYS(futex),     SCMP_SYS(futex_time64),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(getrandom), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigreturn),     SCMP_SYS(restart_syscall), SCMP_SYS(exit),      SCMP_SYS(exit_group),
};

/* A thread that was made before the filter may still be in its first steps. */
static const int thread_start[] = {SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(rt_sigprocmask)};

/* What the sanitizers need to watch and to report: their maps of memory, the names in this program. */
static const int sanitizer_allowed[] = {
    SCMP_SYS(mprotect),     SCMP_SYS(gettimeofday),    SCMP_SYS(mmap),
    SCMP_SYS(sigaltstack),  SCMP_SYS(rt_sigprocmask),  SCMP_SYS(getpid),
    SCMP_SYS(rt_sigaction), SCMP_SYS(gettid),          SCMP_SYS(tgkill),
    SCMP_SYS(sched_yield),  SCMP_SYS(prctl),           SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),   SCMP_SYS(openat),          SCMP_SYS(open),
    SCMP_SYS(close),        SCMP_SYS(lseek),           SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),   SCMP_SYS(uname),           SCMP_SYS(ioctl),
    SCMP_SYS(nanosleep),    SCMP_SYS(clock_nanosleep), SCMP_SYS(sched_getaffinity),
};

static void set_limit(__rlimit_resource_t what, rlim_t value)
{
    struct rlimit limit = {value, value};
    struct rlimit now;

    if (getrlimit(what, &now) == 0 && now.rlim_max < value)
        limit.rlim_cur = limit.rlim_max = now.rlim_max;
    (void)setrlimit(what, &limit);
}

static bool allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        /* A call that this processor's table does not have. */
        if (status != 0 && status != -EDOM && status != -EINVAL)
            return false;
    }
    return true;
}

static bool allow_memory(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2)};

    /* The C library's heaps of threads grow by this. */
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
        return false;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        int status =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                             SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
        if (status != 0 && status != -EDOM && status != -EINVAL)
            return false;
    }
    return true;
}

static bool load_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool good = filter && seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
                seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                allow(filter, allowed, ARRAY_LEN(allowed)) &&
                allow(filter, thread_start, ARRAY_LEN(thread_start));

    if (SANITIZER)
        good = good && allow(filter, sanitizer_allowed, ARRAY_LEN(sanitizer_allowed));
    else
        good = good && allow_memory(filter);
    good = good && seccomp_load(filter) == 0;
    if (filter)
        seccomp_release(filter);
    return good;
}

static void close_others(void)
{
    struct rlimit files;

    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > 65536)
        files.rlim_cur = 65536;
    for (int fd = 3; fd < (int)files.rlim_cur; fd++)
        (void)close(fd);
}

bool confine_to_pipes(uint64_t memory)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    set_limit(RLIMIT_CORE, 0);
    if (!SANITIZER) {
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        close_others();
        set_limit(RLIMIT_FSIZE, 0);
        set_limit(RLIMIT_NOFILE, 0);
        set_limit(RLIMIT_NPROC, 0);
        set_limit(RLIMIT_AS, (rlim_t)memory);
    }
    return load_filter();
}
