/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_ERR_H
#define LADE_BASE_ERR_H

#include "base/attr.h"

#include <stdio.h>

/*
 * Errors are values. A function that can fail returns `struct err *`; NULL is success; results leave through
 * out-parameters that come first and are written only on success. A message says what this level was doing,
 * lower case, no full stop, naming the object; err_wrap puts it before the cause:
 *
 *     push ghcr.io/o/a:1: upload sha256:ab12…: PUT https://…: HTTP 503 UNAVAILABLE
 *
 * Wrap only when it adds an object or an intention. Expected outcomes (a blob is absent, the data ends) are
 * values, not errors. A programming mistake is asserted. Text from outside is escaped (str_escape) before it
 * enters a message. An error may be handed to another thread; it belongs to one owner at a time.
 */

/* The kind decides the exit code (err_exit_code) and whether a request is worth another try. */
enum err_kind {
    ERR_INTERNAL,    /* exit 1: a broken invariant, an errno that nobody expected */
    ERR_USAGE,       /* 2: options and arguments */
    ERR_INPUT,       /* 3: Dockerfile, ignore file, JSON, tar, manifest, reference not valid */
    ERR_NOT_FOUND,   /* 4 */
    ERR_DENIED,      /* 5: EACCES, EPERM, EROFS; 401 after login, 403; TLS not trusted */
    ERR_CONFLICT,    /* 6: EEXIST, 409, 412, an immutable tag, a lock that is held */
    ERR_NETWORK,     /* 7: after the retries */
    ERR_INTEGRITY,   /* 8: digest or size is not what was promised */
    ERR_STEP,        /* 9: a RUN command failed */
    ERR_RESOURCE,    /* 10: disk full, a named limit reached */
    ERR_UNSUPPORTED, /* 11: not supported here */
    ERR_STOPPED,     /* 128 + signal; 7 when the time is used up (stop_after_ms) */
};

struct err;

/* Make an error that lade found itself. */
MUST_USE struct err *err_new(enum err_kind kind, const char *format, ...) PRINTF(2, 3);

/* Make an error from errno, which is read first; its text is added after ": ". The kind follows errno:
 * ENOENT, ENOTDIR: NOT_FOUND. EACCES, EPERM, EROFS: DENIED. EEXIST, ENOTEMPTY: CONFLICT. ENOSPC, EDQUOT,
 * EFBIG, EMFILE, ENFILE, ENOMEM: RESOURCE. ELOOP, EXDEV, ENAMETOOLONG, EILSEQ, EISDIR: INPUT. connection
 * errors: NETWORK. ENOSYS, EOPNOTSUPP: UNSUPPORTED. Others: INTERNAL. */
MUST_USE struct err *err_sys(const char *format, ...) PRINTF(1, 2);

/* Make an error from an HTTP status. 404: NOT_FOUND. 401, 403: DENIED. 409, 412: CONFLICT. 408, 425, 429,
 * 499, 5xx: NETWORK. 405, 501: UNSUPPORTED. Others: INPUT. */
MUST_USE struct err *err_http(int status, const char *format, ...) PRINTF(2, 3);

/* Put "message: " before `cause`, which is taken over. NULL in, NULL out. Kind, errno and status stay. */
MUST_USE struct err *err_wrap(struct err *cause, const char *format, ...) PRINTF(2, 3);

/* Take over `cause` and give it another kind; for boundaries that know more. NULL in, NULL out. */
MUST_USE struct err *err_as(struct err *cause, enum err_kind kind);

/* Add a line that says what the user can do; printed after the message as "hint: …". The innermost hint wins.
 * Takes over and returns `cause`; NULL in, NULL out. */
MUST_USE struct err *err_hint(struct err *cause, const char *format, ...) PRINTF(2, 3);

#ifdef __clang_analyzer__ /* It cannot see that these never return NULL. */
static inline struct err *err_some(struct err *e)
{
    if (!e)
        __builtin_unreachable();
    return e;
}
#define err_new(...) err_some(err_new(__VA_ARGS__))
#define err_sys(...) err_some(err_sys(__VA_ARGS__))
#define err_http(...) err_some(err_http(__VA_ARGS__))
#endif

enum err_kind err_kind_of(const struct err *e);
int err_errno(const struct err *e);       /* 0 if it has none */
int err_http_status(const struct err *e); /* 0 if it has none */

/* The whole message, all levels joined. Borrowed, valid as long as `e`. */
const char *err_message(const struct err *e);
/* The hint or NULL. Borrowed. */
const char *err_hint_of(const struct err *e);

/* The exit code of design section "Errors"; 0 for NULL. ERR_STOPPED gives 128 + stop_signal(). */
int err_exit_code(const struct err *e);

void err_free(struct err *e);
AUTO_DEFINE(struct err *, err_free)

#endif
