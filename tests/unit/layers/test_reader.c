/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "layers/reader.h"
#include "layers/reader_wire.h"
#include "layers/tarread.h"
#include "tarmake.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The process that reads, taken over by an attacker: this program again, which says what a row says. Frames
 * are made in the table's own order of fields, so that a lie stands out.
 */

static void say(const void *data, size_t len)
{
    if (write(STDOUT_FILENO, data, len) != (ssize_t)len)
        _exit(1);
}

static void frame(uint32_t kind, const void *data, uint32_t len)
{
    const struct wire_frame f = {.kind = kind, .len = len};
    say(&f, sizeof f);
    say(data, len);
}

static void ready(void)
{
    frame(WIRE_READY, &(struct wire_ready){.confined = 1}, sizeof(struct wire_ready));
}

static void entry_of(struct wire_entry w, const char *path, const char *target)
{
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    if (w.path_len == 0)
        w.path_len = (uint32_t)strlen(path);
    if (w.target_len == 0)
        w.target_len = (uint32_t)strlen(target);
    buf_add(&b, &w, sizeof w);
    buf_str(&b, path);
    buf_str(&b, target);
    frame(WIRE_ENTRY, b.data, (uint32_t)b.len);
}

static void file_entry(uint64_t size)
{
    entry_of((struct wire_entry){.mode = 0644, .size = size}, "f", "");
}

static void drain(void)
{
    char piece[4096];
    while (read(STDIN_FILENO, piece, sizeof piece) > 0)
        continue;
}

static void finish(uint64_t entries)
{
    const struct wire_end e = {.entries = entries, .alg = DIGEST_SHA256};
    drain();
    frame(WIRE_END, &e, sizeof e);
}

static void says_nothing(void)
{
}
static void garbage(void)
{
    for (int i = 0; i < 1000; i++)
        say("\xff\xfe\x01garbage that is no frame", 25);
}
static void strange_kind(void)
{
    ready();
    frame(99, "", 0);
}
static void huge_frame(void)
{
    const struct wire_frame f = {.kind = WIRE_ENTRY, .len = UINT32_MAX};
    ready();
    say(&f, sizeof f);
}
static void cut_frame(void)
{
    const struct wire_frame f = {.kind = WIRE_ENTRY, .len = 100};
    ready();
    say(&f, sizeof f);
    say("cut", 3);
}
static void short_entry(void)
{
    ready();
    frame(WIRE_ENTRY, "short", 5);
}
static void long_path(void)
{
    char path[4098];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    ready();
    entry_of((struct wire_entry){.mode = 0644}, path, "");
}
static void lying_length(void)
{
    ready();
    entry_of((struct wire_entry){.mode = 0644, .path_len = 4000}, "f", "");
}
static void nul_in_path(void)
{
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    const struct wire_entry w = {.mode = 0644, .path_len = 3};
    buf_add(&b, &w, sizeof w);
    buf_add(&b, "a\0b", 3);
    ready();
    frame(WIRE_ENTRY, b.data, (uint32_t)b.len);
}
static void strange_type(void)
{
    ready();
    entry_of((struct wire_entry){.type = 200}, "f", "");
}
static void strange_mode(void)
{
    ready();
    entry_of((struct wire_entry){.mode = 0100644}, "f", "");
}
static void strange_owner(void)
{
    ready();
    entry_of((struct wire_entry){.uid = UINT32_MAX}, "f", "");
}
static void strange_time(void)
{
    ready();
    entry_of((struct wire_entry){.mtime_ns = 1000000000}, "f", "");
}
static void huge_file(void)
{
    ready();
    entry_of((struct wire_entry){.size = UINT64_MAX}, "f", "");
}
static void directory_with_data(void)
{
    ready();
    entry_of((struct wire_entry){.type = ENTRY_DIR, .size = 5}, "d", "");
}
static void leaves_the_root(void)
{
    ready();
    entry_of((struct wire_entry){.mode = 0644}, "../../etc/shadow", "");
}
static void too_much_data(void)
{
    ready();
    file_entry(3);
    frame(WIRE_DATA, "four", 4);
}
static void too_little_data(void)
{
    ready();
    file_entry(9);
    frame(WIRE_DATA, "four", 4);
    finish(1);
}
static void empty_data(void)
{
    ready();
    file_entry(9);
    frame(WIRE_DATA, "", 0);
}
static void data_without_file(void)
{
    ready();
    frame(WIRE_DATA, "four", 4);
}
static void no_ready(void)
{
    file_entry(0);
}
static void attribute_first(void)
{
    ready();
    frame(WIRE_XATTR, "\0\0\0\0\0\0\0\0", 8);
}
static void lying_attribute(void)
{
    const struct wire_xattr w = {.name_len = 4, .value_len = UINT32_MAX - 3};
    ready();
    file_entry(0);
    frame(WIRE_XATTR, &w, sizeof w);
}
static void other_count(void)
{
    ready();
    file_entry(0);
    finish(7);
}
static void ends_early(void)
{
    const struct wire_end e = {.alg = DIGEST_SHA256};
    ready();
    frame(WIRE_END, &e, sizeof e);
    drain();
}
static void other_digest(void)
{
    const struct wire_end e = {.alg = DIGEST_SHA512};
    ready();
    drain();
    frame(WIRE_END, &e, sizeof e);
}
static void ticks(void)
{
    ready();
    for (;;)
        frame(WIRE_TICK, "", 0);
}
static void error_with(uint32_t kind, const char *text)
{
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    buf_add(&b, &kind, sizeof kind);
    buf_str(&b, text);
    ready();
    frame(WIRE_ERROR, b.data, (uint32_t)b.len);
}
static void escapes(void)
{
    error_with(ERR_INPUT, "\x1b[31mred");
}
static void strange_error(void)
{
    error_with(4711, "what is this");
}
static void claims_integrity(void)
{
    error_with(ERR_STOPPED, "stopped");
}
static void killed(void)
{
    ready();
    raise(SIGKILL);
}
static void crashes(void)
{
    ready();
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}
static void forbidden(void)
{
    ready();
    signal(SIGSYS, SIG_DFL);
    raise(SIGSYS);
}
static void out_of_memory(void)
{
    ready();
    mem_exhausted();
}
static void hangs(void)
{
    ready();
    for (;;)
        pause();
}
static void hangs_at_the_end(void)
{
    ready();
    file_entry(0);
    drain();
    for (;;)
        pause();
}

static const struct {
    const char *mode;
    void (*act)(void);
    enum err_kind kind;
    const char *part;
} rows[] = {
    {"says nothing", says_nothing, ERR_INTERNAL, "ended too early: exit status 0"},
    {"garbage", garbage, ERR_INTERNAL, "protocol: a frame of a strange kind or size"},
    {"strange kind", strange_kind, ERR_INTERNAL, "protocol: a frame out of place"},
    {"huge frame", huge_frame, ERR_INTERNAL, "protocol: a frame of a strange kind or size"},
    {"cut frame", cut_frame, ERR_INTERNAL, "ended too early"},
    {"short entry", short_entry, ERR_INTERNAL, "protocol: a frame that is too short"},
    {"long path", long_path, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"lying length", lying_length, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"NUL in path", nul_in_path, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"strange type", strange_type, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"strange mode", strange_mode, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"strange owner", strange_owner, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"strange time", strange_time, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"huge file", huge_file, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"directory with data", directory_with_data, ERR_INTERNAL, "protocol: an entry that cannot be"},
    {"leaves the root", leaves_the_root, ERR_INPUT, "leaves the root"},
    {"too much data", too_much_data, ERR_INTERNAL, "protocol: data that does not fit"},
    {"too little data", too_little_data, ERR_INTERNAL, "protocol: data that does not fit"},
    {"empty data", empty_data, ERR_INTERNAL, "protocol: data that does not fit"},
    {"data without file", data_without_file, ERR_INTERNAL, "protocol: a frame out of place"},
    {"no ready", no_ready, ERR_INTERNAL, "protocol: it did not say that it is ready"},
    {"attribute first", attribute_first, ERR_INTERNAL, "protocol: a frame out of place"},
    {"lying attribute", lying_attribute, ERR_INTERNAL, "protocol: an attribute that cannot be"},
    {"other count", other_count, ERR_INTERNAL, "protocol: it counted other entries"},
    {"ends early", ends_early, ERR_INTERNAL, "protocol: it ended before it had read everything"},
    {"other digest", other_digest, ERR_INTERNAL, "protocol: a strange end"},
    {"ticks", ticks, ERR_INTERNAL, "protocol: too many signs of life"},
    {"escapes", escapes, ERR_INPUT, "\\x1b[31mred"},
    {"strange error", strange_error, ERR_INTERNAL, "what is this"},
    {"claims integrity", claims_integrity, ERR_INTERNAL, "stopped"},
    {"killed", killed, ERR_RESOURCE, "was killed by signal 9 (Killed)"},
    {"crashes", crashes, ERR_INTERNAL, "was killed by signal 11 (Segmentation fault)"},
    {"forbidden", forbidden, ERR_INTERNAL, "was killed by signal 31 (Bad system call)"},
    {"out of memory", out_of_memory, ERR_RESOURCE, "ran out of memory"},
    {"hangs", hangs, ERR_RESOURCE, "did nothing for 300 ms"},
    {"hangs at the end", hangs_at_the_end, ERR_RESOURCE, "did nothing for 300 ms"},
};

static void act(const char *mode)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(rows[i].mode, mode)) {
            rows[i].act();
            _exit(0);
        }
}

static struct err *read_with(const char *mode, struct source *packed, unsigned silence_ms)
{
    const struct reader_options how = {
        .data = READER_ALL_DATA, .digest = DIGEST_SHA256, .mode = mode, .silence_ms = silence_ms};
    const struct tarread_options options = {.what = "x.tar"};
    AUTO(reader_free) struct reader *r = NULL;
    AUTO(tree_free) struct tree *tree = NULL;
    TRY(reader_open(&r, packed, &how));
    return tarread_entries(&tree, reader_entries(r), &options);
}

/* More than the pipe holds, so that somebody has to read it. */
#define PACKED (3 << 20)

static void attackers(void **state)
{
    AUTO(mem_free) char *bytes = mem_zero(1, PACKED);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(source_free) struct source *packed = source_mem(bytes, PACKED);
        unsigned silence_ms = str_starts(rows[i].mode, "hangs") ? 300 : 0;
        check_error(err_wrap(read_with(rows[i].mode, packed, silence_ms), "%s", rows[i].mode), rows[i].kind,
                    rows[i].part);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

/* A source that fails counts before whatever the process says about what it got. */
static void the_source_comes_first(void **state)
{
    AUTO(mem_free) char *bytes = mem_zero(1, PACKED);
    struct digest other = digest_of("other", 5);
    (void)state;
    AUTO(source_free)
    struct source *packed = source_verify(source_mem(bytes, PACKED), &other, PACKED, "the blob");
    check_error(read_with("hangs at the end", packed, 60000), ERR_INTEGRITY, "the blob");
}

static void one(struct buf *tar)
{
    tar_file(tar, "etc/passwd", "root:x:0:0::/:/bin/sh\n");
    tar_link(tar, "l", '2', "etc/passwd");
    tar_end(tar);
}

static struct err *read_one(void *ctx, size_t i)
{
    const struct buf *tar = ctx;
    const struct tarread_options options = {.what = "x.tar", .keep_accounts = true, .layer = true};
    AUTO(source_free) struct source *s = source_mem(tar->data, tar->len);
    AUTO(tree_free) struct tree *tree = NULL;
    struct node *n = NULL;
    (void)i;
    TRY(tarread_tree(&tree, s, &options));
    TRY(tree_lookup(tree, "l", true, &n));
    return n && n->content.kind == CONTENT_MEM ? NULL : err_new(ERR_INTERNAL, "the file is not there");
}

static void several_at_once(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    (void)state;
    one(&tar);
    check_ok(pool_each(4, 24, read_one, &tar));
}

static void plain_bytes(void **state)
{
    AUTO(mem_free) char *bytes = mem_zero(1, PACKED);
    AUTO(source_free) struct source *s = NULL;
    AUTO_VALUE(buf_wipe) struct buf all = BUF(2 * PACKED);
    (void)state;
    for (size_t i = 0; i < PACKED; i++)
        bytes[i] = (char)(i % 251);
    check_ok(reader_plain(&s, source_mem(bytes, PACKED), READER_ANY));
    check_ok(source_read_all(s, &all, "bytes"));
    assert_int_equal(all.len, PACKED);
    assert_memory_equal(all.data, bytes, PACKED);
    source_free(TAKE(s));
    check_ok(reader_plain(&s, source_mem("\x1f\x8b\x08 broken", 10), READER_ANY));
    all.len = 0;
    check_error(source_read_all(s, &all, "bytes"), ERR_INPUT, "gzip data is damaged");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attackers),
        cmocka_unit_test(the_source_comes_first),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(plain_bytes),
    };
    if (argc > 0)
        act(argv[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
