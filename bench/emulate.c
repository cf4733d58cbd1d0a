/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What system calls cost a command whose root is emulated: microseconds for each, without a filter, with the
 * deny list alone, and with a supervisor. And what a filter takes to make and to load.
 *
 *     build/bench/bench/bench_emulate [ROUNDS]
 */

#include "../tests/unit/sandbox/emulated.h"

#include "base/num.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct stat st;
static int file;

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void call_getppid(void)
{
    (void)syscall(SYS_getppid);
}
static void call_getuid(void)
{
    (void)syscall(SYS_getuid);
}
static void call_stat(void)
{
    (void)stat("/tmp/plain", &st);
}
static void call_stat_recorded(void)
{
    (void)stat("/tmp/owned", &st);
}
static void call_stat_relative(void)
{
    (void)stat("plain", &st);
}
static void call_stat_absent(void)
{
    (void)stat("/tmp/absent", &st);
}
static void call_fstat(void)
{
    (void)fstat(file, &st);
}
static void call_open(void)
{
    (void)close(open("/tmp/plain", O_RDONLY | O_CLOEXEC));
}
static void call_fchown(void)
{
    (void)fchown(file, 0, 0);
}
static void call_chown(void)
{
    (void)chown("/tmp/owned", 5, 6);
}
static void call_create(void)
{
    (void)close(open("/tmp/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    (void)unlink("/tmp/new");
}
static void call_execve(void)
{
    (void)syscall(SYS_execve, "/tmp/absent", NULL, NULL);
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"getppid", call_getppid},
    {"getuid", call_getuid},
    {"stat", call_stat},
    {"stat, relative", call_stat_relative},
    {"stat, recorded", call_stat_recorded},
    {"stat, absent", call_stat_absent},
    {"fstat", call_fstat},
    {"open + close", call_open},
    {"fchown 0:0, no record", call_fchown},
    {"chown, recorded", call_chown},
    {"create + close + unlink", call_create},
    {"execve, absent", call_execve},
};
enum { CALLS = sizeof calls / sizeof calls[0], WAYS = 4, SERIES = 5 };

/* Shared with the commands. */
static struct results {
    uint64_t rounds;
    int way;
    double us[WAYS][CALLS];
} * results;

static void measure(void)
{
    touch("/tmp/plain");
    touch("/tmp/owned");
    (void)chown("/tmp/owned", 5, 6);
    (void)chdir("/tmp");
    file = open("/tmp/plain", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < CALLS; i++) {
        double best = 1e9;

        for (int series = 0; series < SERIES; series++) {
            double start = now_us();

            for (uint64_t k = 0; k < results->rounds; k++)
                calls[i].call();
            if (now_us() - start < best)
                best = now_us() - start;
        }
        results->us[results->way][i] = best / (double)results->rounds;
    }
}

static void measure_as_user(void)
{
    if (setgid(100) != 0 || setuid(1000) != 0)
        return;
    measure();
}

static void measure_filters(void)
{
    static const char *const names[] = {"none", "notify", "devices", "fake"};

    for (int i = 0; i < 4; i++) {
        double make = 1e9, load = 1e9;
        unsigned count = 0;

        for (int series = 0; series < 20; series++) {
            double start = now_us(), made;
            double *loaded = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            struct filter f;
            pid_t child;

            if (filter_make(&f, (enum filter_emulation)i, false) || loaded == MAP_FAILED)
                return;
            made = now_us() - start;
            count = f.count;
            child = fork();
            if (child == 0) {
                int listener;

                (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                start = now_us();
                if (filter_load(&f, &listener) == 0)
                    *loaded = now_us() - start;
                _exit(0);
            }
            (void)waitpid(child, NULL, 0);
            make = made < make ? made : make;
            load = *loaded < load ? *loaded : load;
            filter_wipe(&f);
            (void)munmap(loaded, 4096);
        }
        (void)printf("filter %-8s %4u instructions, made in %5.0f us, loaded in %5.0f us\n", names[i], count,
                     make, load);
    }
}

int main(int argc, char **argv)
{
    static const struct emulated ways[WAYS] = {
        {.emulation = FILTER_FAKE, .insecure = true, .command = measure},
        {.emulation = FILTER_DEVICES, .command = measure},
        {.command = measure},
        {.command = measure_as_user},
    };

    results = mmap(NULL, sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (results == MAP_FAILED)
        return 1;
    if (argc < 2 || !num_parse(argv[1], 1000000, &results->rounds))
        results->rounds = 5000;
    measure_filters();
    for (results->way = 0; results->way < WAYS; results->way++) {
        if (emulated_run(&ways[results->way]) != EMULATED_GOOD)
            return 1;
    }
    (void)printf("%-26s %10s %10s %10s %10s\n", "us each", "few rules", "deny list", "emulated", "as user");
    for (size_t i = 0; i < CALLS; i++) {
        (void)printf("%-26s", calls[i].name);
        for (int way = 0; way < WAYS; way++)
            (void)printf(" %10.2f", results->us[way][i]);
        (void)printf("\n");
    }
    return 0;
}
