/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ask.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Some bytes, 0 at the end; a signal ends the wait. */
static struct err *read_some(char *data, size_t room, size_t *got)
{
    for (;;) {
        struct pollfd wait[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
        TRY(stop_check());
        if (poll(wait, ARRAY_LEN(wait), -1) < 0 && errno != EINTR)
            return err_sys("standard input");
        if (!wait[0].revents)
            continue;
        ssize_t n = read(STDIN_FILENO, data, room);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            return err_sys("standard input");
        *got = (size_t)n;
        return NULL;
    }
}

static void wipe_text(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->room);
    buf_wipe(b);
}

static struct err *read_text(bool one_line, char **out)
{
    AUTO_VALUE(wipe_text) struct buf text = BUF(ASK_MAX);
    char part[512];
    size_t got = 0;
    do {
        TRY(read_some(part, sizeof part, &got));
        buf_add(&text, part, got);
        TRY(buf_check(&text, "standard input"));
    } while (got && !(one_line && memchr(part, '\n', got)));
    mem_wipe(part, sizeof part);
    size_t len = text.len;
    if (len && text.data[len - 1] == '\n')
        len--;
    if (len && text.data[len - 1] == '\r')
        len--;
    if (len && memchr(text.data, '\0', len))
        return err_new(ERR_INPUT, "standard input holds a NUL byte");
    *out = mem_strndup(buf_text(&text), len);
    return NULL;
}

struct err *ask_all(char **out)
{
    return read_text(false, out);
}

struct err *ask_line(const char *prompt, bool visible, char **out)
{
    struct termios before, now;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_hint(err_new(ERR_USAGE, "standard input is no terminal to ask on"),
                        "use --username and --password-stdin");
    now = before;
    if (!visible)
        now.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    struct err *e = read_text(true, out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (!visible)
        fputc('\n', stderr);
    return e;
}
