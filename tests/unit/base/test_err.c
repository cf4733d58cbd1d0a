/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/stop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>

static void kinds_have_exit_codes(void **state)
{
    static const struct {
        enum err_kind kind;
        int code;
    } rows[] = {
        {ERR_INTERNAL, 1}, {ERR_USAGE, 2},     {ERR_INPUT, 3},        {ERR_NOT_FOUND, 4},
        {ERR_DENIED, 5},   {ERR_CONFLICT, 6},  {ERR_NETWORK, 7},      {ERR_INTEGRITY, 8},
        {ERR_STEP, 9},     {ERR_RESOURCE, 10}, {ERR_UNSUPPORTED, 11},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(err_free) struct err *e = err_new(rows[i].kind, "x");
        assert_int_equal(err_exit_code(e), rows[i].code);
        assert_int_equal(err_kind_of(e), rows[i].kind);
    }
    assert_int_equal(err_exit_code(NULL), 0);
}

static void errno_gives_kind(void **state)
{
    static const struct {
        int code;
        enum err_kind kind;
    } rows[] = {
        {ENOENT, ERR_NOT_FOUND},     {ENOTDIR, ERR_NOT_FOUND},  {EACCES, ERR_DENIED},
        {EPERM, ERR_DENIED},         {EROFS, ERR_DENIED},       {EEXIST, ERR_CONFLICT},
        {ENOTEMPTY, ERR_CONFLICT},   {ENOSPC, ERR_RESOURCE},    {EDQUOT, ERR_RESOURCE},
        {EFBIG, ERR_RESOURCE},       {EMFILE, ERR_RESOURCE},    {ENFILE, ERR_RESOURCE},
        {ENOMEM, ERR_RESOURCE},      {ELOOP, ERR_INPUT},        {EXDEV, ERR_INPUT},
        {ENAMETOOLONG, ERR_INPUT},   {EILSEQ, ERR_INPUT},       {EISDIR, ERR_INPUT},
        {ECONNREFUSED, ERR_NETWORK}, {ECONNRESET, ERR_NETWORK}, {ETIMEDOUT, ERR_NETWORK},
        {EHOSTUNREACH, ERR_NETWORK}, {ENOSYS, ERR_UNSUPPORTED}, {EOPNOTSUPP, ERR_UNSUPPORTED},
        {EINVAL, ERR_INTERNAL},      {EIO, ERR_INTERNAL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        errno = rows[i].code;
        AUTO(err_free) struct err *e = err_sys("open %s", "f");
        assert_int_equal(err_kind_of(e), rows[i].kind);
        assert_int_equal(err_errno(e), rows[i].code);
        assert_int_equal(err_http_status(e), 0);
    }
    errno = ENOENT;
    AUTO(err_free) struct err *e = err_sys("open %s", "f");
    assert_string_equal(err_message(e), "open f: No such file or directory");
}

static void status_gives_kind(void **state)
{
    static const struct {
        int status;
        enum err_kind kind;
    } rows[] = {
        {400, ERR_INPUT},       {401, ERR_DENIED},      {403, ERR_DENIED},   {404, ERR_NOT_FOUND},
        {405, ERR_UNSUPPORTED}, {408, ERR_NETWORK},     {409, ERR_CONFLICT}, {412, ERR_CONFLICT},
        {413, ERR_INPUT},       {425, ERR_NETWORK},     {429, ERR_NETWORK},  {499, ERR_NETWORK},
        {500, ERR_NETWORK},     {501, ERR_UNSUPPORTED}, {503, ERR_NETWORK},  {599, ERR_NETWORK},
        {600, ERR_INPUT},       {302, ERR_INPUT},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(err_free) struct err *e = err_http(rows[i].status, "PUT x: HTTP %d", rows[i].status);
        assert_int_equal(err_kind_of(e), rows[i].kind);
        assert_int_equal(err_http_status(e), rows[i].status);
        assert_int_equal(err_errno(e), 0);
    }
}

static void wrap_keeps_the_cause(void **state)
{
    (void)state;
    errno = EACCES;
    AUTO(err_free) struct err *e = err_wrap(err_wrap(err_sys("open b"), "read %d", 7), "push");
    assert_string_equal(err_message(e), "push: read 7: open b: Permission denied");
    assert_int_equal(err_kind_of(e), ERR_DENIED);
    assert_int_equal(err_errno(e), EACCES);
    assert_null(err_hint_of(e));
    e = err_as(TAKE(e), ERR_INTEGRITY);
    assert_int_equal(err_exit_code(e), 8);
    assert_int_equal(err_errno(e), EACCES);
}

static void innermost_hint_wins(void **state)
{
    (void)state;
    AUTO(err_free) struct err *e = err_hint(err_new(ERR_USAGE, "no tag"), "use %s", "-t");
    e = err_hint(err_wrap(TAKE(e), "build"), "other");
    assert_string_equal(err_hint_of(e), "use -t");
    assert_string_equal(err_message(e), "build: no tag");
}

static void null_stays_null(void **state)
{
    (void)state;
    assert_null(err_wrap(NULL, "x"));
    assert_null(err_as(NULL, ERR_INPUT));
    assert_null(err_hint(NULL, "x"));
    err_free(NULL);
}

static void stopped_adds_the_signal(void **state)
{
    (void)state;
    AUTO(err_free) struct err *e = err_new(ERR_STOPPED, "stopped");
    assert_int_equal(err_exit_code(e), 128 + stop_signal());
    stop_install();
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(err_exit_code(e), 128 + SIGTERM);
}

static void long_messages_are_whole(void **state)
{
    char name[5000];
    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    AUTO(err_free) struct err *e = err_wrap(err_new(ERR_INPUT, "%s", name), "%s", name);
    assert_int_equal(strlen(err_message(e)), 2 * (sizeof name - 1) + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_exit_codes),   cmocka_unit_test(errno_gives_kind),
        cmocka_unit_test(status_gives_kind),       cmocka_unit_test(wrap_keeps_the_cause),
        cmocka_unit_test(innermost_hint_wins),     cmocka_unit_test(null_stays_null),
        cmocka_unit_test(long_messages_are_whole), cmocka_unit_test(stopped_adds_the_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
