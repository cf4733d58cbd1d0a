/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/stop.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* A source that gives a few bytes at a time and, when told, cannot be reopened: what no real one does on
 * purpose. */
struct drip {
    struct source source;
    const char *text;
    size_t at, step;
    bool *freed;
};

static struct err *drip_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct drip *d = (struct drip *)s;
    size_t left = strlen(d->text) - d->at;
    *data = (const uint8_t *)d->text + d->at;
    *len = left < d->step ? left : d->step;
    return NULL;
}

static void drip_advance(struct source *s, size_t len)
{
    ((struct drip *)s)->at += len;
}

static struct err *drip_reopen(struct source *s, uint64_t offset)
{
    ((struct drip *)s)->at = (size_t)offset;
    return NULL;
}

static void drip_free(struct source *s)
{
    if (((struct drip *)s)->freed)
        *((struct drip *)s)->freed = true;
    free(s);
}

static const struct source_ops drip_ops = {drip_peek, drip_advance, drip_reopen, drip_free};
static const struct source_ops drip_once_ops = {drip_peek, drip_advance, NULL, drip_free};

static struct source *drip(const char *text, size_t step, bool reopens, bool *freed)
{
    struct drip *d = mem_zero(1, sizeof *d);
    d->source.ops = reopens ? &drip_ops : &drip_once_ops;
    d->text = text;
    d->step = step;
    d->freed = freed;
    return &d->source;
}

static int file_of(const struct check_dir *dir, const char *data, size_t len)
{
    int fd = -1;
    check_ok(fs_temp(&fd, dir->fd));
    assert_int_equal(pwrite(fd, data, len, 0), len);
    return fd;
}

static char *text_of(struct source *s)
{
    AUTO_VALUE(buf_wipe) struct buf all = BUF(1 << 24);
    check_ok(source_read_all(s, &all, "text"));
    return buf_take(&all);
}

static void check_text(struct source *s, const char *want)
{
    AUTO(mem_free) char *text = text_of(s);
    assert_string_equal(text ? text : "", want);
}

static void reads_and_reopens(void **state)
{
    struct check_dir *dir = *state;
    int seeked = file_of(dir, "--0123456789", 12);
    assert_int_equal(lseek(seeked, 2, SEEK_SET), 2);
    struct source *sources[] = {
        source_fd(file_of(dir, "0123456789", 10)),
        source_fd(seeked),
        source_fd_range(file_of(dir, "ab0123456789cd", 14), 2, 10),
        source_mem("0123456789", 10),
        source_mem_take(mem_strdup("0123456789"), 10),
        source_verify(source_mem("0123456789", 10), NULL, 10, "it"),
        source_limit(source_mem("0123456789", 10), 10, "it"),
        source_limit(drip("0123456789", 3, true, NULL), UINT64_MAX, "it"),
    };
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        AUTO(source_free) struct source *s = sources[i];
        char piece[8] = "";
        size_t got;
        check_ok(source_read(s, piece, 4, &got));
        assert_int_equal(got, 4);
        assert_string_equal(piece, "0123");
        check_text(s, "456789");
        check_ok(source_read(s, piece, 4, &got));
        assert_int_equal(got, 0);
        assert_true(source_can_reopen(s));
        for (uint64_t offset = 0; offset <= 10; offset++) {
            check_ok(source_reopen(s, offset));
            check_text(s, &"0123456789"[offset]);
        }
    }
}

static void reads_nothing(void **state)
{
    struct check_dir *dir = *state;
    struct source *sources[] = {
        source_fd(file_of(dir, "", 0)),
        source_fd_range(file_of(dir, "abc", 3), 3, 0),
        source_fd_range(file_of(dir, "", 0), 100, 0),
        source_mem(NULL, 0),
        source_mem_take(NULL, 0),
        source_verify(source_mem("", 0), NULL, 0, "it"),
        source_limit(source_mem("", 0), 0, "it"),
    };
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        AUTO(source_free) struct source *s = sources[i];
        check_text(s, "");
        check_ok(source_drain(s));
    }
}

static void reads_large_files(void **state)
{
    struct check_dir *dir = *state;
    size_t len = 300 * 1000 + 7;
    AUTO(mem_free) char *data = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(i * 31 % 251);
    for (int way = 0; way < 2; way++) {
        int fd = file_of(dir, data, len);
        AUTO(source_free) struct source *s = way ? source_fd(fd) : source_fd_range(fd, 0, len);
        AUTO_VALUE(buf_wipe) struct buf all = BUF(len);
        check_ok(source_read_all(s, &all, "it"));
        assert_int_equal(all.len, len);
        assert_memory_equal(all.data, data, len);
    }
}

static void a_file_that_is_too_short(void **state)
{
    struct check_dir *dir = *state;
    AUTO(source_free) struct source *s = source_fd_range(file_of(dir, "01234", 5), 2, 10);
    check_error(source_drain(s), ERR_INTEGRITY, "ends 7 bytes too early");
    AUTO(source_free) struct source *far = source_fd_range(file_of(dir, "01234", 5), UINT64_MAX - 4, 10);
    check_error(source_drain(far), ERR_INTERNAL, "no file is so long");
    check_error(source_reopen(far, 11), ERR_INTERNAL, "byte 11 of 10");
    AUTO(source_free) struct source *m = source_mem("abc", 3);
    check_error(source_reopen(m, 4), ERR_INTERNAL, "byte 4 of 3");
    AUTO(source_free) struct source *f = source_fd(file_of(dir, "01234", 5));
    check_error(source_reopen(f, UINT64_MAX), ERR_INTERNAL, "no file is so long");
    AUTO(source_free) struct source *d = source_fd(fcntl(dir->fd, F_DUPFD_CLOEXEC, 3));
    check_error(source_drain(d), ERR_INPUT, "read: ");
}

static void pipes_cannot_reopen(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    AUTO(source_free)
    struct source *s = source_watch(
        source_limit(source_verify(source_fd(ends[0]), NULL, UINT64_MAX, "it"), 100, "it"), NULL, NULL);
    assert_false(source_can_reopen(s));
    close(ends[1]);
}

static void read_all_has_a_limit(void **state)
{
    (void)state;
    AUTO(source_free) struct source *s = drip("0123456789", 4, true, NULL);
    AUTO_VALUE(buf_wipe) struct buf exact = BUF(10);
    check_ok(source_read_all(s, &exact, "the list"));
    assert_string_equal(buf_text(&exact), "0123456789");
    check_ok(source_reopen(s, 0));
    AUTO_VALUE(buf_wipe) struct buf small = BUF(9);
    check_error(source_read_all(s, &small, "the list"), ERR_RESOURCE, "the list is larger than 9 bytes");
}

static void verifies(void **state)
{
    struct digest right = digest_of("0123456789", 10), wrong = digest_of("0123456780", 10);
    struct digest none = {0}, sha512;
    (void)state;
    check_ok(digest_parse(&sha512,
                          "sha512:bb96c2fc40d2d54617d6f276febe571f623a8dadf0b734855299b0e107fda32cf6b69f2da3"
                          "2b36445d73690b93cbd0f7bfc20e0f7f28553d2a4428f23b716e90"));
    const struct {
        const struct digest *want;
        uint64_t size;
        const char *error; /* NULL: none */
    } rows[] = {
        {&right, 10, NULL},
        {&right, UINT64_MAX, NULL},
        {&sha512, 10, NULL},
        {&none, UINT64_MAX, NULL},
        {NULL, 10, NULL},
        {&wrong, 10, "layer: the digest is sha256:"},
        {&wrong, UINT64_MAX, "expected sha256:"},
        {&right, 9, "layer: "}, /* too long, or the first 9 have another digest */
        {NULL, 9, "layer: has more than the expected 9 bytes"},
        {&right, 0, "layer: has more than the expected 0 bytes"},
        {&right, 11, "layer: ends after 10 bytes, expected 11"},
        {NULL, 11, "layer: ends after 10 bytes, expected 11"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t step = 1; step <= 11; step++) {
            AUTO(source_free)
            struct source *s =
                source_verify(drip("0123456789", step, true, NULL), rows[i].want, rows[i].size, "layer");
            for (int again = 0; again < 2; again++) {
                AUTO_VALUE(buf_wipe) struct buf all = BUF(100);
                struct err *e = source_read_all(s, &all, "it");
                if (rows[i].error)
                    check_error(e, ERR_INTEGRITY, rows[i].error);
                else
                    check_ok(e);
                /* With a size, nobody gets the last bytes of what is wrong. */
                if (rows[i].error && rows[i].size <= 10)
                    assert_true(all.len < 10);
                if (rows[i].error)
                    check_error(source_drain(s), ERR_INTEGRITY, "layer: ");
                check_ok(source_reopen(s, 0));
            }
        }
    }
}

static void verify_reads_again_what_it_skips(void **state)
{
    struct digest right = digest_of("0123456789", 10), wrong = digest_of("0123456780", 10);
    (void)state;
    AUTO(source_free)
    struct source *s = source_verify(drip("0123456789", 4, true, NULL), &right, 10, "layer");
    check_ok(source_reopen(s, 7));
    check_text(s, "789");
    check_error(source_reopen(s, 11), ERR_INTERNAL, "byte 11 of 10");
    AUTO(source_free)
    struct source *bad = source_verify(drip("0123456789", 4, true, NULL), &wrong, 10, "layer");
    check_ok(source_reopen(bad, 7));
    check_error(source_drain(bad), ERR_INTEGRITY, "the digest is");
    AUTO(source_free) struct source *once = source_verify(drip("0", 4, false, NULL), &right, 10, "layer");
    assert_false(source_can_reopen(once));
}

static void limits(void **state)
{
    (void)state;
    for (uint64_t max = 0; max < 12; max++) {
        for (size_t step = 1; step < 12; step++) {
            AUTO(source_free)
            struct source *s = source_limit(drip("0123456789", step, true, NULL), max, "the file");
            AUTO_VALUE(buf_wipe) struct buf all = BUF(100);
            struct err *e = source_read_all(s, &all, "it");
            assert_int_equal(all.len, max < 10 ? max : 10);
            if (max >= 10) {
                check_ok(e);
                continue;
            }
            char text[64];
            snprintf(text, sizeof text, "the file is larger than %" PRIu64 " bytes", max);
            check_error(e, ERR_RESOURCE, text);
            check_ok(source_reopen(s, max));
            check_error(source_drain(s), ERR_RESOURCE, text);
            check_error(source_reopen(s, max + 1), ERR_RESOURCE, text);
        }
    }
}

static void note(void *ctx, const uint8_t *data, size_t len)
{
    buf_add(ctx, data, len);
}

static void watches_what_is_consumed(void **state)
{
    bool freed = false;
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf seen = BUF(100);
    {
        AUTO(source_free) struct source *s = source_watch(drip("0123456789", 6, true, &freed), note, &seen);
        const uint8_t *data;
        size_t len;
        check_ok(source_peek(s, &data, &len));
        assert_int_equal(seen.len, 0);
        source_advance(s, 2);
        source_advance(s, 0);
        source_advance(s, 3);
        assert_string_equal(buf_text(&seen), "01234");
        check_text(s, "56789");
        check_ok(source_reopen(s, 8));
        check_ok(source_drain(s));
        assert_string_equal(buf_text(&seen), "012345678989");
    }
    assert_true(freed);
}

static void sinks(void **state)
{
    struct check_dir *dir = *state;
    struct digest d = {0}, want = digest_of("0123456789", 10);
    uint64_t size = 0, count = 0;
    int fd = file_of(dir, "", 0), copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    AUTO_VALUE(buf_wipe) struct buf out = BUF(10);
    struct sink *all[] = {sink_digest(sink_fd(fd), &d, &size), sink_digest(sink_buf(&out), &d, NULL),
                          sink_digest(NULL, &d, NULL), sink_digest(sink_discard(), NULL, &size)};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        AUTO(sink_free) struct sink *to = all[i];
        AUTO(source_free) struct source *from = drip("0123456789", 3, false, NULL);
        check_ok(io_copy(to, from, &count));
        assert_int_equal(count, 10);
        if (i == 0)
            assert_int_equal(size, 0);
        check_ok(sink_commit(to));
        assert_int_equal(size, 10);
        assert_true(digest_equal(&d, &want));
    }
    assert_string_equal(buf_text(&out), "0123456789");
    char piece[11] = "";
    assert_int_equal(pread(copy, piece, 10, 0), 10);
    assert_string_equal(piece, "0123456789");
    close(copy);
}

static void sinks_that_fail(void **state)
{
    int ends[2];
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf small = BUF(3);
    AUTO(sink_free) struct sink *to = sink_buf(&small);
    check_ok(sink_write(to, "abc", 3));
    check_error(sink_write(to, "d", 1), ERR_RESOURCE, "larger than 3 bytes");
    check_error(sink_commit(to), ERR_RESOURCE, "larger than 3 bytes");

    AUTO(sink_free) struct sink *full = sink_fd(open("/dev/full", O_WRONLY | O_CLOEXEC));
    check_error(sink_write(full, "a", 1), ERR_RESOURCE, "write output: ");

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    AUTO(sink_free) struct sink *gone = sink_fd(ends[1]);
    struct err *e = sink_write(gone, "a", 1);
    assert_int_equal(err_errno(e), EPIPE);
    err_free(e);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void an_interrupted_read_goes_on(void **state)
{
    int ends[2];
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 0; i < 5; i++) {
            usleep(20000);
            if (write(ends[1], "abc", 3) != 3)
                _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    AUTO(source_free) struct source *s = source_fd(ends[0]);
    check_text(s, "abcabcabcabcabc");
    setitimer(ITIMER_REAL, &never, NULL);
    while (waitpid(writer, NULL, 0) < 0)
        continue;
}

/* In a process of its own: the flag is for good. */
static void a_stopped_read_ends(void **state)
{
    int ends[2], status;
    char ready;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    int report[2];
    assert_int_equal(pipe(report), 0);
    pid_t reader = fork();
    if (reader == 0) {
        stop_install();
        struct source *s = source_fd(ends[0]);
        if (write(report[1], "r", 1) != 1)
            _exit(1);
        struct err *e = source_drain(s);
        bool right = e && err_kind_of(e) == ERR_STOPPED && err_exit_code(e) == 128 + SIGTERM;
        err_free(e);
        source_free(s);
        s = source_mem("a", 1);
        struct sink *to = sink_discard();
        e = io_copy(to, s, NULL);
        right = right && e && err_kind_of(e) == ERR_STOPPED;
        err_free(e);
        source_free(s);
        sink_free(to);
        _exit(right ? 42 : 1);
    }
    assert_int_equal(read(report[0], &ready, 1), 1);
    usleep(50000);
    kill(reader, SIGTERM);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(WEXITSTATUS(status), 42);
    close(ends[0]);
    close(ends[1]);
    close(report[0]);
    close(report[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(reads_and_reopens),
        check_with_dir(reads_nothing),
        check_with_dir(reads_large_files),
        check_with_dir(a_file_that_is_too_short),
        cmocka_unit_test(pipes_cannot_reopen),
        cmocka_unit_test(read_all_has_a_limit),
        cmocka_unit_test(verifies),
        cmocka_unit_test(verify_reads_again_what_it_skips),
        cmocka_unit_test(limits),
        cmocka_unit_test(watches_what_is_consumed),
        check_with_dir(sinks),
        cmocka_unit_test(sinks_that_fail),
        cmocka_unit_test(an_interrupted_read_goes_on),
        cmocka_unit_test(a_stopped_read_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
