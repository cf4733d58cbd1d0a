/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/mem.h"
#include "base/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#define EXIT_SIGNAL 128

struct err {
    enum err_kind kind;
    int sys_errno;
    int http_status;
    char *message;
    char *hint;
};

static const int exit_codes[] = {
    [ERR_INTERNAL] = 1, [ERR_USAGE] = 2,     [ERR_INPUT] = 3,        [ERR_NOT_FOUND] = 4,
    [ERR_DENIED] = 5,   [ERR_CONFLICT] = 6,  [ERR_NETWORK] = 7,      [ERR_INTEGRITY] = 8,
    [ERR_STEP] = 9,     [ERR_RESOURCE] = 10, [ERR_UNSUPPORTED] = 11, [ERR_STOPPED] = EXIT_SIGNAL,
};

static struct err *make(enum err_kind kind, char *message_take)
{
    struct err *e = mem_zero(1, sizeof *e);
    e->kind = kind;
    e->message = message_take;
    return e;
}

static enum err_kind kind_of_errno(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_CONFLICT;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ERR_RESOURCE;
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
    case EILSEQ:
    case EISDIR:
        return ERR_INPUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENETRESET:
    case EADDRNOTAVAIL:
        return ERR_NETWORK;
    case ENOSYS:
    case EOPNOTSUPP:
        return ERR_UNSUPPORTED;
    default:
        return ERR_INTERNAL;
    }
}

static enum err_kind kind_of_status(int status)
{
    switch (status) {
    case 404:
        return ERR_NOT_FOUND;
    case 401:
    case 403:
        return ERR_DENIED;
    case 409:
    case 412:
        return ERR_CONFLICT;
    case 405:
    case 501:
        return ERR_UNSUPPORTED;
    case 408:
    case 425:
    case 429:
    case 499:
        return ERR_NETWORK;
    default:
        return status >= 500 && status <= 599 ? ERR_NETWORK : ERR_INPUT;
    }
}

struct err *(err_new)(enum err_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = mem_vprintf(format, args);
    va_end(args);
    return make(kind, message);
}

struct err *(err_sys)(const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *what = mem_vprintf(format, args);
    va_end(args);
    char room[128];
    struct err *e =
        make(kind_of_errno(code), mem_printf("%s: %s", what, strerror_r(code, room, sizeof room)));
    e->sys_errno = code;
    return e;
}

struct err *(err_http)(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message = mem_vprintf(format, args);
    va_end(args);
    struct err *e = make(kind_of_status(status), message);
    e->http_status = status;
    return e;
}

struct err *err_wrap(struct err *cause, const char *format, ...)
{
    if (!cause)
        return NULL;
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *what = mem_vprintf(format, args);
    va_end(args);
    char *message = mem_printf("%s: %s", what, cause->message);
    mem_free(cause->message);
    cause->message = message;
    return cause;
}

struct err *err_as(struct err *cause, enum err_kind kind)
{
    if (cause)
        cause->kind = kind;
    return cause;
}

struct err *err_hint(struct err *cause, const char *format, ...)
{
    if (!cause || cause->hint)
        return cause;
    va_list args;
    va_start(args, format);
    cause->hint = mem_vprintf(format, args);
    va_end(args);
    return cause;
}

enum err_kind err_kind_of(const struct err *e)
{
    return e->kind;
}

int err_errno(const struct err *e)
{
    return e->sys_errno;
}

int err_http_status(const struct err *e)
{
    return e->http_status;
}

const char *err_message(const struct err *e)
{
    return e->message;
}

const char *err_hint_of(const struct err *e)
{
    return e->hint;
}

int err_exit_code(const struct err *e)
{
    if (!e)
        return 0;
    if (e->kind != ERR_STOPPED)
        return exit_codes[e->kind];
    return stop_signal() == SIGALRM ? exit_codes[ERR_NETWORK] : EXIT_SIGNAL + stop_signal();
}

void err_free(struct err *e)
{
    if (!e)
        return;
    mem_free(e->message);
    mem_free(e->hint);
    mem_free(e);
}
