/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/wire.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Length of a text that is NULL. */
#define NO_TEXT UINT64_MAX

void wire_put_u64(struct buf *b, uint64_t value)
{
    buf_add(b, &value, sizeof value);
}

void wire_put_bytes(struct buf *b, const void *data, size_t len)
{
    wire_put_u64(b, len);
    if (len > 0)
        buf_add(b, data, len);
}

void wire_put_text(struct buf *b, const char *text)
{
    if (text)
        wire_put_bytes(b, text, strlen(text));
    else
        wire_put_u64(b, NO_TEXT);
}

uint64_t wire_get_u64(struct wire_in *in)
{
    uint64_t value = 0;

    if (in->left < sizeof value) {
        in->bad = true;
        in->left = 0;
        return 0;
    }
    memcpy(&value, in->at, sizeof value);
    in->at += sizeof value;
    in->left -= sizeof value;
    return value;
}

static char *get(struct wire_in *in, uint64_t want, size_t *len)
{
    *len = 0;
    if (want > in->left) {
        in->bad = true;
        in->left = 0;
        return NULL;
    }
    char *bytes = mem_alloc((size_t)want + 1);
    memcpy(bytes, in->at, (size_t)want);
    bytes[want] = '\0';
    in->at += want;
    in->left -= (size_t)want;
    *len = (size_t)want;
    return bytes;
}

char *wire_get_bytes(struct wire_in *in, size_t *len)
{
    return get(in, wire_get_u64(in), len);
}

char *wire_get_text(struct wire_in *in)
{
    uint64_t want = wire_get_u64(in);
    size_t len;

    return want == NO_TEXT ? NULL : get(in, want, &len);
}

size_t wire_get_count(struct wire_in *in)
{
    uint64_t count = wire_get_u64(in);

    if (count > in->left / sizeof count) {
        in->bad = true;
        in->left = 0;
        return 0;
    }
    return (size_t)count;
}

void wire_put_err(struct buf *b, const struct err *e)
{
    wire_put_u64(b, e != NULL);
    if (!e)
        return;
    wire_put_u64(b, err_kind_of(e));
    wire_put_text(b, err_message(e));
    wire_put_text(b, err_hint_of(e));
}

struct err *wire_get_err(struct wire_in *in)
{
    if (wire_get_u64(in) == 0)
        return NULL;
    enum err_kind kind = (enum err_kind)wire_get_u64(in);
    AUTO(mem_free) char *message = wire_get_text(in);
    AUTO(mem_free) char *hint = wire_get_text(in);
    struct err *e = err_new(kind, "%s", message ? message : "unknown");
    return hint ? err_hint(e, "%s", hint) : e;
}

struct err *wire_pair(int ends[2])
{
    AUTO(fd_close) int low0 = -1;
    AUTO(fd_close) int low1 = -1;
    int low[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
        return err_sys("create a pair of sockets");
    low0 = low[0];
    low1 = low[1];
    ends[0] = fcntl(low0, F_DUPFD_CLOEXEC, PROC_FD_MAX);
    ends[1] = fcntl(low1, F_DUPFD_CLOEXEC, PROC_FD_MAX);
    if (ends[0] >= 0 && ends[1] >= 0)
        return NULL;
    struct err *e = err_sys("create a pair of sockets");
    fd_close_auto(&ends[0]);
    fd_close_auto(&ends[1]);
    return e;
}

union one_fd {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno;
        data += sent;
        len -= (size_t)sent;
    }
    return 0;
}

/* The descriptor travels with the length. */
int wire_send(int fd, const struct buf *message, int passed)
{
    uint64_t len = message->len;
    struct iovec data = {.iov_base = &len, .iov_len = sizeof len};
    union one_fd control = {0};
    struct msghdr head = {.msg_iov = &data, .msg_iovlen = 1};
    ssize_t sent;

    if (passed >= 0) {
        head.msg_control = control.room;
        head.msg_controllen = sizeof control.room;
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(c), &passed, sizeof passed);
    }
    do
        sent = sendmsg(fd, &head, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno;
    int e = send_all(fd, (const char *)&len + sent, sizeof len - (size_t)sent);
    return e ? e : send_all(fd, message->data, message->len);
}

/* *got is less than `len` only when the other end is gone. */
static struct err *receive_all(int fd, char *data, size_t len, size_t *got)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = recv(fd, data + *got, len - *got, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ECONNRESET)
            return err_sys("receive from a process of the sandbox");
        if (n <= 0)
            return NULL;
        *got += (size_t)n;
    }
    return NULL;
}

static int passed_in(struct msghdr *head)
{
    int passed = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
            c->cmsg_len == CMSG_LEN(sizeof passed))
            memcpy(&passed, CMSG_DATA(c), sizeof passed);
    return passed;
}

static struct err *receive_head(int fd, uint64_t *len, int *passed, size_t *got)
{
    struct iovec data = {.iov_base = len, .iov_len = sizeof *len};
    union one_fd control = {0};
    struct msghdr head = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = control.room,
        .msg_controllen = sizeof control.room,
    };
    ssize_t n;

    do
        n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return err_sys("receive from a process of the sandbox");
    *passed = n > 0 ? passed_in(&head) : -1;
    *got = n > 0 ? (size_t)n : 0;
    if (n <= 0 || *got == sizeof *len)
        return NULL;
    size_t rest;
    TRY(receive_all(fd, (char *)len + *got, sizeof *len - *got, &rest));
    *got += rest;
    return NULL;
}

struct err *wire_receive(int fd, struct buf *out, int *passed, bool *ended)
{
    AUTO(fd_close) int came = -1;
    uint64_t len = 0;
    size_t got;

    *ended = true;
    if (passed)
        *passed = -1;
    TRY(receive_head(fd, &len, &came, &got));
    if (got < sizeof len)
        return NULL;
    buf_clear(out);
    char *room = len <= WIRE_MAX ? buf_reserve(out, (size_t)len) : NULL;
    if (!room)
        return err_new(ERR_RESOURCE, "a message of the sandbox is larger than %u bytes", WIRE_MAX);
    TRY(receive_all(fd, room, (size_t)len, &got));
    if (got < len)
        return NULL;
    out->len = got;
    *ended = false;
    if (passed)
        *passed = fd_take(&came);
    return NULL;
}
