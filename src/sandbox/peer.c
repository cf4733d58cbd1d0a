/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/peer.h"

#include "base/fs.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is read stands in the first half of it; lists of groups and processors may be long. */
#define STATUS_MAX 8192U

/* The text of field `index` in the line that begins with `name`; cut out of `status`, which stays. */
static bool field(const char *status, const char *name, size_t index, char out[24])
{
    const char *at = strstr(status, name);
    size_t len;

    if (!at)
        return false;
    at += strlen(name);
    for (size_t i = 0;; i++) {
        at += strspn(at, " \t");
        len = strcspn(at, " \t\n");
        if (len == 0 || len >= 24)
            return false;
        if (i == index)
            break;
        at += len;
    }
    memcpy(out, at, len);
    out[len] = '\0';
    return true;
}

static bool read_hex(const char *text, uint64_t *value)
{
    *value = 0;
    for (; *text != '\0'; text++) {
        char c = str_lower(*text);

        if (str_is_digit(c))
            *value = *value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

static int read_status(char status[STATUS_MAX], int proc, pid_t thread)
{
    __attribute__((cleanup(fd_close_auto))) int fd = -1;
    char name[32];
    ssize_t len;

    (void)snprintf(name, sizeof name, "%d/status", (int)thread);
    fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    len = read(fd, status, STATUS_MAX - 1);
    if (len < 0)
        return errno;
    status[len] = '\0';
    return 0;
}

int peer_read(struct peer *out, int proc, pid_t thread)
{
    char status[STATUS_MAX], text[24];
    uint64_t umask, uid, gid;
    int error = read_status(status, proc, thread);

    if (error != 0)
        return error;
    /* The name of the program comes first, and may be anything; a newline in it is escaped. */
    if (!field(status, "\nUmask:", 0, text) || !num_parse_octal(text, 0777, &umask) ||
        !field(status, "\nUid:", 3, text) || !num_parse(text, UINT32_MAX, &uid) ||
        !field(status, "\nGid:", 3, text) || !num_parse(text, UINT32_MAX, &gid) ||
        !field(status, "\nCapEff:", 0, text) || !read_hex(text, &out->capabilities))
        return EIO;
    out->umask = (mode_t)umask;
    out->fsuid = (uint32_t)uid;
    out->fsgid = (uint32_t)gid;
    return 0;
}

bool peer_is_self(int proc, pid_t thread, pid_t number)
{
    char status[STATUS_MAX], text[24];
    uint64_t own = 0;

    if (read_status(status, proc, thread) != 0)
        return false;
    /* From the outermost namespace to its own. */
    for (size_t i = 0; field(status, "\nNSpid:", i, text) && num_parse(text, INT32_MAX, &own); i++)
        ;
    return own == (uint64_t)number;
}
