/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/reader_pipe.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/stop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a process that closed its output may take to end. */
#define LAST_MS 10000
/* What base/mem.h exits with. */
#define STATUS_NO_MEMORY 10

struct reader_pipe {
    struct proc_child child;
    int to, from; /* our ends; `to` is -1 when all was sent */
    struct source *source;
    bool all_sent;
    unsigned silence_ms;
    uint8_t *data;
    size_t start, end; /* what of it is there and not used */
};

struct err *reader_pipe_open(struct reader_pipe **out, struct source *from, const char *mode,
                             unsigned silence_ms)
{
    AUTO(reader_pipe_free) struct reader_pipe *p = mem_zero(1, sizeof *p);
    AUTO(fd_close) int in = -1;
    AUTO(fd_close) int output = -1;

    p->to = p->from = -1;
    p->source = from;
    p->silence_ms = silence_ms;
    p->data = mem_alloc(READER_PIPE_ROOM);
    TRY(proc_pipe(&in, &p->to));
    TRY(proc_pipe(&p->from, &output));
    if (fcntl(p->to, F_SETFL, O_NONBLOCK) != 0 || fcntl(p->from, F_SETFL, O_NONBLOCK) != 0)
        return err_sys("prepare a pipe");
    const struct proc_fd fds[] = {{in, STDIN_FILENO}, {output, STDOUT_FILENO}};
    TRY(proc_start_self(&p->child, mode, fds, ARRAY_LEN(fds)));
    *out = TAKE(p);
    return NULL;
}

/* It is full of room still; where the process is gone already, the end of its output says so. */
struct err *reader_pipe_say(struct reader_pipe *p, const void *data, size_t len)
{
    ssize_t wrote = proc_write(p->to, data, len);
    return wrote < 0 && errno != EPIPE ? err_sys("write to the process that reads") : NULL;
}

static void all_sent(struct reader_pipe *p, bool really)
{
    fd_close(fd_take(&p->to));
    p->all_sent = really;
}

/* Send what there is room for; *some when anything changed. */
static struct err *feed(struct reader_pipe *p, bool *some)
{
    while (p->to >= 0) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(p->source, &data, &len));
        if (len == 0) {
            all_sent(p, true);
            *some = true;
            break;
        }
        ssize_t wrote = proc_write(p->to, data, len);
        if (wrote < 0 && errno == EAGAIN)
            break;
        if (wrote < 0 && errno != EINTR && errno != EPIPE)
            return err_sys("write to the process that reads");
        if (wrote < 0 && errno == EPIPE)
            all_sent(p, false);
        if (wrote > 0)
            source_advance(p->source, (size_t)wrote);
        *some = true;
    }
    return NULL;
}

/* Its output ended too early: say why. */
static struct err *gone(struct reader_pipe *p)
{
    bool ended;
    int status;

    TRY(proc_child_wait(&p->child, LAST_MS, &ended, &status));
    if (!ended)
        return err_new(ERR_INTERNAL, "the process that reads it closed its output and went on");
    AUTO(mem_free) char *how = proc_status_text(status);
    if (WIFSIGNALED(status)) {
        bool from_outside = WTERMSIG(status) == SIGKILL;
        struct err *e = err_new(from_outside ? ERR_RESOURCE : ERR_INTERNAL,
                                "the process that reads it was killed by %s", how);
        return from_outside
                   ? err_hint(e, "when memory runs out, the kernel kills a process")
                   : err_hint(e,
                              "the data may be made to attack its readers: please report it, with the data");
    }
    if (WEXITSTATUS(status) == STATUS_NO_MEMORY)
        return err_new(ERR_RESOURCE, "the process that reads it ran out of memory");
    return err_new(ERR_INTERNAL, "the process that reads it ended too early: %s", how);
}

static struct err *wait_for_it(struct reader_pipe *p)
{
    struct pollfd fds[] = {{.fd = p->from, .events = POLLIN},
                           {.fd = p->to, .events = POLLOUT},
                           {.fd = stop_fd(), .events = POLLIN}};
    int ready = poll(fds, ARRAY_LEN(fds), (int)p->silence_ms);

    if (ready < 0 && errno != EINTR)
        return err_sys("wait for the process that reads");
    if (ready == 0)
        return err_new(ERR_RESOURCE, "the process that reads it did nothing for %u ms", p->silence_ms);
    return stop_check();
}

/* At least one byte more. */
static struct err *fill(struct reader_pipe *p)
{
    for (;;) {
        TRY(stop_check());
        ssize_t got = read(p->from, p->data + p->end, READER_PIPE_ROOM - p->end);
        if (got > 0) {
            p->end += (size_t)got;
            return NULL;
        }
        if (got == 0)
            return gone(p);
        if (errno != EAGAIN && errno != EINTR)
            return err_sys("read from the process that reads");
        bool some = false;
        TRY(feed(p, &some));
        if (!some)
            TRY(wait_for_it(p));
    }
}

struct err *reader_pipe_need(struct reader_pipe *p, size_t len, const uint8_t **data)
{
    assert(len <= READER_PIPE_ROOM);
    if (p->start == p->end)
        p->start = p->end = 0;
    if (READER_PIPE_ROOM - p->start < len) {
        memmove(p->data, p->data + p->start, p->end - p->start);
        p->end -= p->start;
        p->start = 0;
    }
    while (p->end - p->start < len)
        TRY(fill(p));
    *data = p->data + p->start;
    return NULL;
}

size_t reader_pipe_there(const struct reader_pipe *p)
{
    return p->end - p->start;
}

void reader_pipe_used(struct reader_pipe *p, size_t len)
{
    assert(len <= p->end - p->start);
    p->start += len;
}

bool reader_pipe_all_sent(const struct reader_pipe *p)
{
    return p->all_sent;
}

void reader_pipe_free(struct reader_pipe *p)
{
    if (!p)
        return;
    proc_child_end(&p->child);
    fd_close_auto(&p->to);
    fd_close_auto(&p->from);
    mem_free(p->data);
    mem_free(p);
}
