/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/descend.h"

#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STAT_ROOM 512
/* What is being killed needs a moment. */
#define PAUSE_US 1000

struct process {
    pid_t pid, parent;
    bool ours, stopped;
};
struct processes {
    struct process *item;
    size_t count, room;
};

static void processes_wipe(struct processes *p)
{
    free(p->item);
}

/* "pid (name) state parent …"; the name may hold anything. */
static bool read_process(int proc, const char *name, struct process *out)
{
    AUTO(mem_free) char *path = mem_printf("%s/stat", name);
    AUTO(fd_close) int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    char text[STAT_ROOM + 1];
    uint64_t pid, parent;

    ssize_t len = fd < 0 ? -1 : read(fd, text, STAT_ROOM);
    if (len <= 0 || !num_parse(name, INT32_MAX, &pid))
        return false;
    text[len] = '\0';
    char *at = strrchr(text, ')');
    if (!at || strlen(at) < 5 || at[2] == 'Z')
        return false;
    at += 4;
    at[strcspn(at, " ")] = '\0';
    if (!num_parse(at, INT32_MAX, &parent))
        return false;
    *out = (struct process){.pid = (pid_t)pid, .parent = (pid_t)parent};
    return true;
}

static void read_all(int proc, struct processes *out)
{
    int copy = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(closedir) DIR *dir = dir_take(copy);
    struct dirent *entry;
    struct process p;

    while (dir && (entry = readdir(dir)))
        if (str_is_digit(entry->d_name[0]) && read_process(proc, entry->d_name, &p))
            MEM_PUSH(out->item, out->count, out->room, p);
}

/* Descendants may come in any order. */
static size_t mark(struct processes *p)
{
    pid_t self = getpid();
    size_t found = 0, before;

    do {
        before = found;
        for (size_t i = 0; i < p->count; i++) {
            struct process *child = &p->item[i];
            bool ours = child->parent == self;
            for (size_t k = 0; k < p->count && !ours; k++)
                ours = p->item[k].ours && p->item[k].pid == child->parent;
            if (ours && !child->ours) {
                child->ours = true;
                found++;
            }
        }
    } while (found > before);
    return found;
}

/* What is stopped starts no others: only when all of them are does killing come to an end. */
static size_t signal_all(int proc, int number)
{
    AUTO_VALUE(processes_wipe) struct processes p = {0};

    read_all(proc, &p);
    size_t found = mark(&p);
    for (size_t i = 0; i < p.count; i++)
        if (p.item[i].ours)
            (void)kill(p.item[i].pid, number);
    return found;
}

static bool reap(void)
{
    pid_t pid;

    do
        pid = waitpid(-1, NULL, WNOHANG | __WALL);
    while (pid > 0 || (pid < 0 && errno == EINTR));
    return pid == 0;
}

void descend_kill(int proc)
{
    while (reap()) {
        if (proc < 0)
            return;
        size_t before = 0, found = signal_all(proc, SIGSTOP);
        while (found > before) {
            before = found;
            found = signal_all(proc, SIGSTOP);
        }
        (void)signal_all(proc, SIGKILL);
        (void)usleep(PAUSE_US);
    }
}
