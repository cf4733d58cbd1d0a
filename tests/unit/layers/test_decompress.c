/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "layers/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gzipmake.h"

#include <stdlib.h>
#include <string.h>

#define TEXT "hello, hello, hello\n"

static const uint8_t gz[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                             0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa2,
                             0xb8, 0x00, 0xe7, 0x42, 0x6e, 0x52, 0x14, 0x00, 0x00, 0x00};
static const uint8_t bz[] = {0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, 0xcb, 0x52, 0xe5,
                             0x67, 0x00, 0x00, 0x05, 0x51, 0x00, 0x00, 0x10, 0x40, 0x04, 0x02, 0x44, 0xa0,
                             0x00, 0x21, 0x24, 0x31, 0x08, 0x60, 0x2f, 0x18, 0x44, 0xc7, 0x15, 0x17, 0x8b,
                             0xb9, 0x22, 0x9c, 0x28, 0x48, 0x65, 0xa9, 0x72, 0xb3, 0x80};
static const uint8_t xz[] = {0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02,
                             0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0xe0, 0x00,
                             0x13, 0x00, 0x0e, 0x5d, 0x00, 0x34, 0x19, 0x49, 0xee, 0x8d, 0xef, 0x8c, 0x87,
                             0x31, 0xf5, 0x2f, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0xb0, 0x48, 0x85, 0x59,
                             0xd7, 0xa9, 0xae, 0x4b, 0x00, 0x01, 0x2a, 0x14, 0x7e, 0xad, 0x37, 0x55, 0x1f,
                             0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a};
static const uint8_t zst[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x75, 0x00, 0x00,
                              0x40, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c, 0x20, 0x0a,
                              0x01, 0x00, 0xe2, 0x8a, 0x11, 0x21, 0x69, 0x9d, 0x87};

/* A source that gives one byte at a time. */
struct drip {
    struct source source;
    const uint8_t *data;
    size_t left;
};

static struct err *drip_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct drip *d = (struct drip *)s;
    *data = d->data;
    *len = d->left ? 1 : 0;
    return NULL;
}

static void drip_advance(struct source *s, size_t len)
{
    struct drip *d = (struct drip *)s;
    d->data += len;
    d->left -= len;
}

static void drip_free(struct source *s)
{
    mem_free(s);
}

static struct source *drip(const void *data, size_t len)
{
    static const struct source_ops ops = {.peek = drip_peek, .advance = drip_advance, .free = drip_free};
    struct drip *d = mem_zero(1, sizeof *d);
    d->source.ops = &ops;
    d->data = data;
    d->left = len;
    return &d->source;
}

static struct err *read_source(struct source *from, int how, struct buf *out)
{
    AUTO(source_free) struct source *s = NULL;
    if (how < 0)
        TRY(decompress_any_source(&s, from, "x"));
    else
        TRY(decompress_source(&s, from, (enum mediatype_compression)how, "x"));
    return source_read_all(s, out, "x");
}

static void gives(const void *data, size_t len, int how, const char *text)
{
    for (int dripping = 0; dripping < 2; dripping++) {
        AUTO_VALUE(buf_wipe) struct buf out = BUF(1 << 20);
        struct err *e = read_source(dripping ? drip(data, len) : source_mem(data, len), how, &out);
        if (e)
            print_error("%s\n", err_message(e));
        assert_null(e);
        assert_string_equal(buf_text(&out), text);
    }
}

static void fails(const void *data, size_t len, int how, enum err_kind kind, const char *part)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(1 << 20);
    AUTO(err_free) struct err *e = read_source(source_mem(data, len), how, &out);
    assert_non_null(e);
    if (err_kind_of(e) != kind || !strstr(err_message(e), part))
        print_error("%s\n", err_message(e));
    assert_int_equal(err_kind_of(e), kind);
    assert_non_null(strstr(err_message(e), part));
}

static void all_kinds(void **state)
{
    (void)state;
    gives(gz, sizeof gz, COMPRESSION_GZIP, TEXT);
    gives(gz, sizeof gz, COMPRESSION_UNKNOWN, TEXT);
    gives(gz, sizeof gz, -1, TEXT);
    gives(zst, sizeof zst, COMPRESSION_ZSTD, TEXT);
    gives(zst, sizeof zst, COMPRESSION_UNKNOWN, TEXT);
    gives(zst, sizeof zst, -1, TEXT);
    gives(bz, sizeof bz, -1, TEXT);
    gives(xz, sizeof xz, -1, TEXT);
    gives(TEXT, strlen(TEXT), COMPRESSION_UNKNOWN, TEXT);
    gives(TEXT, strlen(TEXT), COMPRESSION_NONE, TEXT);
    gives("", 0, COMPRESSION_UNKNOWN, "");
    gives("x", 1, -1, "x");
}

static void gzip_members(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(1 << 20);
    buf_add(&b, gz, sizeof gz);
    buf_add(&b, gz, sizeof gz);
    gives(b.data, b.len, COMPRESSION_GZIP, TEXT TEXT);
    for (int i = 0; i < 600; i++)
        buf_byte(&b, 0);
    gives(b.data, b.len, COMPRESSION_GZIP, TEXT TEXT);
    buf_byte(&b, 'x');
    fails(b.data, b.len, COMPRESSION_GZIP, ERR_INPUT, "other bytes after its end");

    static const uint8_t none[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    AUTO_VALUE(buf_wipe) struct buf many = BUF(BUF_NO_LIMIT);
    for (int i = 0; i < 100001; i++)
        buf_add(&many, none, sizeof none);
    fails(many.data, many.len, COMPRESSION_GZIP, ERR_RESOURCE, "members");
    gives(many.data, 2000 * sizeof none, COMPRESSION_GZIP, "");
}

static void gzip_that_is_broken(void **state)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } changes[] = {
        {2, 7},              /* method */
        {3, 0xe0},           /* reserved flags */
        {sizeof gz - 8, 0},  /* CRC */
        {sizeof gz - 4, 21}, /* length */
        {12, 0xff},          /* data */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        uint8_t bad[sizeof gz];
        memcpy(bad, gz, sizeof gz);
        bad[changes[i].at] = changes[i].byte;
        fails(bad, sizeof bad, COMPRESSION_GZIP, ERR_INPUT, "gzip data is damaged");
    }
    for (size_t len = 1; len < sizeof gz; len++)
        fails(gz, len, COMPRESSION_GZIP, ERR_INPUT, "cut off");
    fails("", 0, COMPRESSION_GZIP, ERR_INPUT, "not gzip data");
    fails(TEXT, strlen(TEXT), COMPRESSION_GZIP, ERR_INPUT, "not gzip data");
    AUTO_VALUE(buf_wipe) struct buf b = BUF(1 << 20);
    buf_add(&b, gz, sizeof gz);
    buf_str(&b, "\x1f\x8bjunk");
    fails(b.data, b.len, COMPRESSION_GZIP, ERR_INPUT, "damaged");
    buf_clear(&b);
    buf_add(&b, gz, sizeof gz);
    buf_add(&b, TEXT, strlen(TEXT));
    fails(b.data, b.len, COMPRESSION_GZIP, ERR_INPUT, "after its end");
}

/* Whoever looks at the beginning of a short stream sees what it was to be, though its end is wrong. */
static void data_comes_before_the_damage(void **state)
{
    (void)state;
    uint8_t bad[sizeof gz];
    memcpy(bad, gz, sizeof gz);
    bad[sizeof gz - 8] ^= 1;
    AUTO(source_free) struct source *s = NULL;
    char begin[5] = "";
    size_t got = 0;
    assert_null(decompress_source(&s, source_mem(bad, sizeof bad), COMPRESSION_GZIP, "x"));
    assert_null(source_read(s, begin, 4, &got));
    assert_string_equal(begin, "hell");
    AUTO_VALUE(buf_wipe) struct buf rest = BUF(1 << 20);
    AUTO(err_free) struct err *e = source_read_all(s, &rest, "x");
    assert_non_null(e);
}

static void others_that_are_broken(void **state)
{
    static const struct {
        const uint8_t *data;
        size_t len;
    } rows[] = {{bz, sizeof bz}, {xz, sizeof xz}, {zst, sizeof zst}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t len = 8; len < rows[i].len; len++)
            fails(rows[i].data, len, -1, ERR_INPUT, "damaged");
        AUTO(mem_free) uint8_t *bad = mem_dup(rows[i].data, rows[i].len);
        bad[rows[i].len / 2] ^= 0x55;
        fails(bad, rows[i].len, -1, ERR_INPUT, "damaged");
    }
    fails(gz, sizeof gz, COMPRESSION_ZSTD, ERR_INPUT, "damaged");
    fails(TEXT, strlen(TEXT), COMPRESSION_ZSTD, ERR_INPUT, "damaged");
    AUTO_VALUE(buf_wipe) struct buf b = BUF(1 << 20);
    buf_add(&b, zst, sizeof zst);
    buf_str(&b, "junk behind it");
    fails(b.data, b.len, COMPRESSION_ZSTD, ERR_INPUT, "damaged");
}

/* What is written is read. */
static void there_and_back(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(BUF_NO_LIMIT);
    for (unsigned i = 0; i < 300000; i++)
        buf_printf(&plain, "%u,", i * 2654435761u);
    AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
    gzip_make(&packed, plain.data, plain.len);
    AUTO_VALUE(buf_wipe) struct buf again = BUF(BUF_NO_LIMIT);
    assert_null(read_source(source_mem(packed.data, packed.len), COMPRESSION_UNKNOWN, &again));
    assert_int_equal(again.len, plain.len);
    assert_memory_equal(again.data, plain.data, plain.len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds),
        cmocka_unit_test(gzip_members),
        cmocka_unit_test(gzip_that_is_broken),
        cmocka_unit_test(data_comes_before_the_damage),
        cmocka_unit_test(others_that_are_broken),
        cmocka_unit_test(there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
