/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "emulated.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct stat st;

static void want_owner(const char *path, unsigned uid, unsigned gid)
{
    want_int(lstat(path, &st), 0);
    if (st.st_uid != uid || st.st_gid != gid)
        (void)fprintf(stderr, "%s: %u:%u\n", path, st.st_uid, st.st_gid);
    want_int(st.st_uid, uid);
    want_int(st.st_gid, gid);
}

static void make_lower(void)
{
    touch("tmp/one");
    touch("tmp/two");
    (void)link("tmp/two", "tmp/two-again");
    (void)mkdir("tmp/dir", 0755);
    touch("tmp/dir/file");
    (void)symlink("one", "tmp/link");
}

static void set_owner(struct owner_list *list, const char *path, uint32_t uid, uint32_t gid)
{
    struct owner *owner = owner_list_add(list, path);

    owner->uid = uid;
    owner->gid = gid;
}

static void use_lower(void)
{
    FILE *file;

    want_int(chdir("/tmp"), 0);
    want_owner("one", 5, 6);
    want_owner("two", 7, 8);
    want_owner("two-again", 7, 8);
    want_owner("dir", 9, 10);
    want_owner("dir/file", 11, 12);
    want_owner("link", 13, 14);
    want_owner("/dev", 0, 0);
    /* Copied up by being written to, by its mode, by its owner. */
    file = fopen("one", "a");
    want(file && fputs("more", file) >= 0 && fclose(file) == 0);
    want_owner("one", 5, 6);
    want_int(chmod("dir/file", 0600), 0);
    want_owner("dir/file", 11, 12);
    want_int(chown("dir", 9, 99), 0);
    want_owner("dir", 9, 99);
    want_int(lchown("link", (uid_t)-1, 15), 0);
    want_owner("link", 13, 15);
    want_int(rename("one", "renamed"), 0);
    want_owner("renamed", 5, 6);
    /* A new file of the same name is root's. */
    touch("one");
    want_owner("one", 0, 0);
    want_int(chown("two", 70, (gid_t)-1), 0);
    want_owner("two", 70, 8);
    want_int(unlink("renamed"), 0);
    touch("renamed");
    want_owner("renamed", 0, 0);
}

static bool see_lower(struct emulate *e)
{
    bool recorded;

    return emulate_stat(e, AT_FDCWD, "/tmp/dir/file", &st, &recorded) == 0 && recorded && st.st_uid == 11 &&
           emulate_stat(e, AT_FDCWD, "/tmp/one", &st, &recorded) == 0 && !recorded && st.st_uid == 0;
}

static void test_lower(void **state)
{
    AUTO_VALUE(owner_list_wipe) struct owner_list owners = {0};

    (void)state;
    set_owner(&owners, "tmp/one", 5, 6);
    set_owner(&owners, "tmp/two", 7, 8);
    set_owner(&owners, "tmp/two-again", 7, 8);
    set_owner(&owners, "tmp/dir", 9, 10);
    set_owner(&owners, "tmp/dir/file", 11, 12);
    set_owner(&owners, "tmp/link", 13, 14);
    set_owner(&owners, "tmp/gone", 1, 1);
    set_owner(&owners, "tmp/one/gone", 1, 1);
    run_emulated({.overlay = true,
                  .prepare = make_lower,
                  .owners = &owners,
                  .command = use_lower,
                  .after = see_lower});
    run_emulated({.prepare = make_lower, .owners = &owners, .command = use_lower});
}

/* Numbers of inodes are given again at once on some file systems. */
static void reuse(void)
{
    char name[32];

    want_int(chdir("/tmp"), 0);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "file%d", i % 3);
        touch(name);
        want_owner(name, 0, 0);
        want_int(chown(name, 5, 5), 0);
        want_owner(name, 5, 5);
        want_int(unlink(name), 0);
    }
}

static void hard_links(void)
{
    want_int(chdir("/tmp"), 0);
    touch("a");
    want_int(link("a", "b"), 0);
    want_int(chown("a", 3, 4), 0);
    want_owner("b", 3, 4);
    want_int(unlink("a"), 0);
    want_owner("b", 3, 4);
    want_int(st.st_nlink, 1);
    want_int(rename("b", "c"), 0);
    want_owner("c", 3, 4);
    want_int(link("c", "d"), 0);
    want_int(chown("d", 0, 0), 0);
    want_owner("c", 0, 0);
    want_output("mkdir /tmp/t; cd /tmp/t; mkdir -p x/y; touch x/y/z; chown -R 8:9 x; cp -a x w; mv x v; "
                "find . -mindepth 1 -printf '%p %U:%G\\n' | sort; tar cf - v | tar tvf - --numeric-owner | "
                "cut -c 1-14",
                "./v 8:9\n./v/y 8:9\n./v/y/z 8:9\n./w 8:9\n./w/y 8:9\n./w/y/z 8:9\n"
                "drwxr-xr-x 8/9\ndrwxr-xr-x 8/9\n-rw-r--r-- 8/9\n");
    want_output(
        "cd /tmp/t; install -o 33 -g 44 -m 2750 /bin/true prog; install -d -o 5 dir; tar cf ../t.tar .; "
        "mkdir ../u; tar xf ../t.tar -C ../u --same-owner; cd ../u; stat -c '%n %u:%g %a' prog dir v/y/z",
        "prog 33:44 2750\ndir 5:0 755\nv/y/z 8:9 644\n");
    want_output("cd /tmp/u; find . -user 33 -o -gid 9 | sort; chown --from=33 34 prog; stat -c %u prog",
                "./prog\n./v\n./v/y\n./v/y/z\n./w\n./w/y\n./w/y/z\n34\n");
}

static void test_reuse(void **state)
{
    (void)state;
    run_emulated({.command = reuse});
    run_emulated({.overlay = true, .command = reuse});
}

static void test_links(void **state)
{
    (void)state;
    run_emulated({.command = hard_links});
    run_emulated({.overlay = true, .command = hard_links});
}

#define MANY 100000
static void many(void)
{
    char name[32];

    want_int(chdir("/tmp"), 0);
    for (int i = 0; i < MANY / 1000; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        want_int(mkdir(name, 0755), 0);
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "%d/%d", i / 1000, i % 1000);
        want_int(mknod(name, S_IFREG | 0644, 0), 0);
        want_int(chown(name, (uid_t)i + 1, 7), 0);
    }
    for (int i = 0; i < MANY; i += 97) {
        (void)snprintf(name, sizeof name, "%d/%d", i / 1000, i % 1000);
        want_owner(name, (unsigned)i + 1, 7);
    }
}

static void test_many(void **state)
{
    (void)state;
    run_emulated({.command = many});
}

static volatile sig_atomic_t alarms;
static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void storm(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 50}, {0, 50}};
    int fd, first = open("/tmp", O_RDONLY | O_CLOEXEC);

    want_int(close(first), 0);
    want_int(chdir("/tmp"), 0);
    want_int(setgid(9), 0);
    want_int(seteuid(9), 0);
    want_int(sigaction(SIGALRM, &action, NULL), 0);
    want_int(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 3000; i++) {
        /* Done twice, these would say that it is there or that the descriptor is another. */
        fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        want_int(fd, first);
        want_int(close(fd), 0);
        want_owner("new", 9, 9);
        want_int(mkdir("dir", 0755), 0);
        want_int(rmdir("dir"), 0);
        want_int(unlink("new"), 0);
    }
    often = (struct itimerval){0};
    want_int(setitimer(ITIMER_REAL, &often, NULL), 0);
    want(alarms > 0);
}

static void test_storm(void **state)
{
    (void)state;
    run_emulated({.command = storm});
}

static void *thread_loop(void *number)
{
    unsigned id = *(unsigned *)number;
    char name[32];
    struct stat own;

    (void)snprintf(name, sizeof name, "thread%u", id);
    for (unsigned i = 1; i < 500; i++) {
        int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        want(fd >= 0);
        want_int(fchown(fd, id, i), 0);
        want_int(fstat(fd, &own), 0);
        want_int(own.st_uid, id);
        want_int(own.st_gid, i);
        (void)close(fd);
        want_int(unlink(name), 0);
    }
    return NULL;
}

static void threads(void)
{
    unsigned id[4] = {11, 12, 13, 14};
    pthread_t thread[4];

    want_int(chdir("/tmp"), 0);
    for (size_t i = 0; i < 4; i++)
        want_int(pthread_create(&thread[i], NULL, thread_loop, &id[i]), 0);
    for (size_t i = 0; i < 4; i++)
        want_int(pthread_join(thread[i], NULL), 0);
}

static void test_threads(void **state)
{
    (void)state;
    run_emulated({.command = threads});
}

/* A process that dies in a call, and those that it leaves. */
static void killed(void)
{
    want_int(chdir("/tmp"), 0);
    touch("a");
    for (int i = 0; i < 200; i++) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            for (;;)
                (void)chown("a", 5, 5);
        }
        (void)usleep(200);
        want_int(kill(child, SIGKILL), 0);
        want_int(waitpid(child, &status, 0), child);
    }
    want_int(chown("a", 6, 6), 0);
    want_owner("a", 6, 6);
}

static void test_killed(void **state)
{
    (void)state;
    run_emulated({.command = killed});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lower),  cmocka_unit_test(test_reuse), cmocka_unit_test(test_links),
        cmocka_unit_test(test_many),   cmocka_unit_test(test_storm), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
