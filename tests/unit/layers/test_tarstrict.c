/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "tarcheck.h"

static void numbers_that_are_none(void **state)
{
    static const struct {
        size_t field;
        size_t len;
        const char *bytes;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {124, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ERR_INPUT, "size"},
        {124, 12, "\x80\0\0\0\x80\0\0\0\0\0\0\0", ERR_INPUT, "size"},
        {124, 12, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", ERR_RESOURCE, "the limit is"},
        {124, 12, "\x80\1\0\0\0\0\0\0\0\0\0\0", ERR_INPUT, "size"},
        {124, 12, "-0000000001\0", ERR_INPUT, "size"},
        {124, 12, "12 4567    \0", ERR_INPUT, "size"},
        {124, 12, "0000000009\0\0", ERR_INPUT, "size"},
        {108, 8, "\x80\0\0\0\xff\xff\xff\xff", ERR_INPUT, "user id"},
        {108, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", ERR_INPUT, "user id"},
        {108, 8, "\x80\0\0\1\0\0\0\0", ERR_INPUT, "user id"},
        {116, 8, "00x0000", ERR_INPUT, "group id"},
        {100, 8, "rwxr-xr-", ERR_INPUT, "mode"},
        {136, 12, "tomorrow\0\0\0\0", ERR_INPUT, "time"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
        size_t h = tar_header(&b, "f", '0', 0, NULL);
        tar_patch(&b, h, rows[i].field, rows[i].bytes, rows[i].len);
        tar_end(&b);
        refused_with(&b, true, NULL, rows[i].kind, rows[i].part);
    }
}

static void pax_that_is_broken(void **state)
{
#define BODY(text) text, sizeof text - 1
    static const struct {
        const char *body;
        size_t len;
        const char *part;
    } rows[] = {
        {BODY("18 path=safe\0/etc\n"), "NUL"},
        {BODY("14 path=a\0b\n"), "length is wrong"},
        {BODY("21 linkpath=safe\0abc\n"), "NUL"},
        {BODY("9999 path=x\n"), "length is wrong"},
        {BODY("99999999999999999999999 path=x\n"), "length is wrong"},
        {BODY("5 path=x\n"), "length is wrong"},
        {BODY("path=x\n"), "length is wrong"},
        {BODY("0 path=x\n"), "length is wrong"},
        {BODY("10 path=xy"), "length is wrong"},
        {BODY("9 pathxx\n"), "no key"},
        {BODY("5 =x\n"), "no key"},
        {BODY("8 path=\n"), "empty"},
        {BODY("10 path=x\n10 path=y\n"), "twice"},
        {BODY("11 size=-1\n"), "no number"},
        {BODY("28 size=9223372036854775808\n"), "no number"},
        {BODY("18 uid=4294967295\n"), "no number"},
        {BODY("10 uid=-1\n"), "no number"},
        {BODY("14 mtime=soon\n"), "no time"},
        {BODY("14 mtime=1.2x\n"), "no time"},
        {BODY("21 SCHILY.xattr.=abc\n"), "attribute's name"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
        tar_extended(&b, 'x', rows[i].body, rows[i].len);
        tar_file(&b, "f", "x");
        tar_end(&b);
        refused(&b, rows[i].part);
    }
    static const char *const global[][2] = {{"path", "x"}, {"linkpath", "x"}, {"size", "12"}};
    for (size_t i = 0; i < ARRAY_LEN(global); i++) {
        AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
        AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
        tar_record(&body, global[i][0], global[i][1], strlen(global[i][1]));
        tar_extended(&b, 'g', body.data, body.len);
        tar_file(&b, "f", "x");
        tar_end(&b);
        refused(&b, "global");
    }
}

static void what_readers_do_not_agree_on(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf two = BUF(BUF_NO_LIMIT);
    tar_pax(&two, "path", "x1");
    tar_pax(&two, "path", "x2");
    tar_file(&two, "f", "x");
    tar_end(&two);
    refused(&two, "two extended headers");

    AUTO_VALUE(buf_wipe) struct buf both = BUF(BUF_NO_LIMIT);
    tar_extended(&both, 'L', "gnu", 4);
    tar_pax(&both, "path", "pax");
    tar_file(&both, "f", "x");
    tar_end(&both);
    refused(&both, "a GNU long name and a pax path");

    AUTO_VALUE(buf_wipe) struct buf names = BUF(BUF_NO_LIMIT);
    tar_extended(&names, 'L', "one", 4);
    tar_extended(&names, 'L', "two", 4);
    tar_file(&names, "f", "x");
    tar_end(&names);
    refused(&names, "two long names");

    static const char types[] = {'1', '2', '3', '4', '5', '6'};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        AUTO_VALUE(buf_wipe) struct buf data = BUF(BUF_NO_LIMIT);
        tar_file(&data, "f", "x");
        tar_header(&data, "e", types[i], 512, "f");
        tar_header(&data, "smuggled", '0', 0, NULL);
        tar_end(&data);
        refused(&data, "no file");
    }

    AUTO_VALUE(buf_wipe) struct buf sizes = BUF(BUF_NO_LIMIT);
    tar_pax(&sizes, "size", "1024");
    tar_file(&sizes, "f", "x");
    tar_end(&sizes);
    refused(&sizes, "two different sizes");

    AUTO_VALUE(buf_wipe) struct buf lone = BUF(BUF_NO_LIMIT);
    char zeros[512] = {0};
    tar_file(&lone, "f", "x");
    buf_add(&lone, zeros, sizeof zeros);
    tar_file(&lone, "g", "x");
    tar_end(&lone);
    refused(&lone, "lone zero block");

    AUTO_VALUE(buf_wipe) struct buf junk = BUF(BUF_NO_LIMIT);
    tar_file(&junk, "f", "x");
    tar_end(&junk);
    tar_file(&junk, "g", "x");
    refused(&junk, "after the end");

    AUTO_VALUE(buf_wipe) struct buf pending = BUF(BUF_NO_LIMIT);
    tar_pax(&pending, "path", "x");
    tar_end(&pending);
    refused(&pending, "after an extended header");

    AUTO_VALUE(buf_wipe) struct buf odd = BUF(BUF_NO_LIMIT);
    tar_header(&odd, "f", 'M', 0, NULL);
    tar_end(&odd);
    refused_with(&odd, true, NULL, ERR_UNSUPPORTED, "type 0x4d");
}

static void checksums(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf first = BUF(BUF_NO_LIMIT);
    tar_file(&first, "f", "x");
    tar_end(&first);
    first.data[0] ^= 1;
    refused(&first, "not a tar archive");
    AUTO_VALUE(buf_wipe) struct buf second = BUF(BUF_NO_LIMIT);
    tar_file(&second, "f", "x");
    size_t h = tar_header(&second, "g", '0', 0, NULL);
    tar_end(&second);
    second.data[h] ^= 1;
    refused(&second, "wrong checksum");
}

static void ends(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf none = BUF(BUF_NO_LIMIT);
    tar_file(&none, "f", "x");
    AUTO(tree_free) struct tree *t = good(&none, true);
    assert_non_null(at(t, "f"));

    AUTO_VALUE(buf_wipe) struct buf one = BUF(BUF_NO_LIMIT);
    char zeros[8192] = {0};
    tar_file(&one, "f", "x");
    buf_add(&one, zeros, 512);
    AUTO(tree_free) struct tree *t1 = good(&one, true);
    assert_non_null(at(t1, "f"));

    AUTO_VALUE(buf_wipe) struct buf padded = BUF(BUF_NO_LIMIT);
    tar_file(&padded, "f", "x");
    tar_end(&padded);
    buf_add(&padded, zeros, sizeof zeros);
    AUTO(tree_free) struct tree *t2 = good(&padded, true);
    assert_non_null(at(t2, "f"));

    AUTO_VALUE(buf_wipe) struct buf empty = BUF(BUF_NO_LIMIT);
    tar_end(&empty);
    AUTO(tree_free) struct tree *t3 = good(&empty, true);
    assert_int_equal(tree_node_count(t3), 1);

    AUTO_VALUE(buf_wipe) struct buf nothing = BUF(BUF_NO_LIMIT);
    refused(&nothing, "not a tar archive");
    buf_byte(&nothing, 'x');
    refused(&nothing, "not a tar archive");
    AUTO_VALUE(buf_wipe) struct buf zip = BUF(BUF_NO_LIMIT);
    buf_add(&zip, "PK\3\4", 4);
    buf_add(&zip, zeros, 4096);
    refused(&zip, "not a tar archive");
}

static void a_cut_archive(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    char text[1300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tar_pax(&b, "path", "long/name");
    tar_file(&b, "f", text);
    tar_file(&b, "g", "y");
    size_t whole = b.len;
    tar_end(&b);
    /* Where an entry ends, an archive without its end blocks ends too; the padding of the last file may be
     * missing. */
    const size_t fine[] = {2 * 512 + 512 + 3 * 512, whole - 256, whole, whole + 512, b.len};
    for (size_t len = 0; len <= b.len; len += 256) {
        struct buf cut = b;
        cut.len = len;
        bool is_fine = false;
        for (size_t i = 0; i < ARRAY_LEN(fine); i++)
            is_fine = is_fine || fine[i] == len;
        if (is_fine) {
            AUTO(tree_free) struct tree *t = good(&cut, true);
            assert_non_null(at(t, "long/name"));
        } else {
            refused(&cut, len < 512 ? "not a tar" : "cut off");
        }
    }
}

static void limits(void **state)
{
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf b = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
    tar_record(&body, "SCHILY.xattr.user.a", "12345678", 8);
    tar_record(&body, "SCHILY.xattr.user.b", "12345678", 8);
    tar_extended(&b, 'x', body.data, body.len);
    tar_file(&b, "f", "0123456789");
    tar_file(&b, "a/b/c", "0123456789");
    tar_end(&b);

    struct tarlimits at_limit = TARLIMITS;
    at_limit.entries = 2;
    at_limit.records = 2;
    at_limit.xattrs = 2;
    at_limit.xattr = 8;
    at_limit.header = body.len;
    at_limit.bytes = b.len;
    AUTO(tree_free) struct tree *t = NULL;
    struct err *e = read_tar(&t, &b, true, &at_limit);
    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);

    struct tarlimits over[7];
    for (size_t i = 0; i < ARRAY_LEN(over); i++)
        over[i] = at_limit;
    over[0].entries--;
    over[1].records--;
    over[2].xattrs--;
    over[3].xattr--;
    over[4].header--;
    over[5].bytes--;
    over[6].memory = 500;
    static const char *const parts[] = {
        "entries",      "records",     "extended attributes", "extended attribute",
        "the limit is", "larger than", "take more than"};
    for (size_t i = 0; i < ARRAY_LEN(over); i++)
        refused_with(&b, true, &over[i], ERR_RESOURCE, parts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_are_none),
        cmocka_unit_test(pax_that_is_broken),
        cmocka_unit_test(what_readers_do_not_agree_on),
        cmocka_unit_test(checksums),
        cmocka_unit_test(ends),
        cmocka_unit_test(a_cut_archive),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
