/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/newfile.h"
#include "layers/memo.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT 50

static void fill(struct memo *m)
{
    uint64_t offset = 10;

    m->diff_id = digest_of("diff", 4);
    m->blob = digest_of("blob", 4);
    for (unsigned i = 0; i < COUNT; i++) {
        struct digest d = digest_of(&i, sizeof i);
        struct memo_chunk c = {
            .offset = offset, .len = 512 * (i + 1), .packed_len = 100 + i, .crc = i * 77777};
        if (i % 7 != 3)
            memcpy(c.key, d.bytes, sizeof c.key);
        memcpy(c.digest, d.bytes, sizeof c.digest);
        for (unsigned k = 0; k < 8; k++)
            c.word[k] = i << 24 | k;
        offset += c.packed_len + 3;
        MEM_PUSH(m->chunk, m->count, m->room, c);
    }
    m->size = offset;
}

static void equal(const struct memo *a, const struct memo *b)
{
    assert_true(digest_equal(&a->diff_id, &b->diff_id));
    assert_true(digest_equal(&a->blob, &b->blob));
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_memory_equal(a->chunk[i].key, b->chunk[i].key, sizeof a->chunk[i].key);
        assert_memory_equal(a->chunk[i].word, b->chunk[i].word, sizeof a->chunk[i].word);
        assert_memory_equal(a->chunk[i].digest, b->chunk[i].digest, sizeof a->chunk[i].digest);
        assert_int_equal(a->chunk[i].offset, b->chunk[i].offset);
        assert_int_equal(a->chunk[i].len, b->chunk[i].len);
        assert_int_equal(a->chunk[i].packed_len, b->chunk[i].packed_len);
        assert_int_equal(a->chunk[i].crc, b->chunk[i].crc);
    }
}

static void what_is_written_is_read(void **state)
{
    AUTO_VALUE(memo_wipe) struct memo m = {0}, back = {0};
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);

    (void)state;
    fill(&m);
    memo_encode(&m, "x", &out);
    check_ok(memo_decode(&back, "x", out.data, out.len));
    equal(&m, &back);
}

static void chunks_are_found_by_key(void **state)
{
    AUTO_VALUE(memo_wipe) struct memo m = {0}, empty = {0};
    uint8_t other[CHUNKPLAN_KEY] = {1};

    (void)state;
    fill(&m);
    for (size_t i = 0; i < m.count; i++)
        if (memo_has_key(&m.chunk[i]))
            assert_ptr_equal(memo_find(&m, m.chunk[i].key), &m.chunk[i]);
        else
            assert_int_equal(i % 7, 3);
    assert_null(memo_find(&m, other));
    assert_null(memo_find(&empty, other));
}

static void damage_is_found(void **state)
{
    AUTO_VALUE(memo_wipe) struct memo m = {0}, back = {0};
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);

    (void)state;
    fill(&m);
    memo_encode(&m, "x", &out);
    for (size_t i = 0; i < out.len; i += 13) {
        out.data[i] ^= 0x10;
        check_error(memo_decode(&back, "x", out.data, out.len), ERR_INPUT, "memo");
        out.data[i] ^= 0x10;
    }
    for (size_t len = 0; len < out.len; len += len < 400 ? 1 : 57)
        check_error(memo_decode(&back, "x", out.data, len), ERR_INPUT, "memo");
    buf_byte(&out, 0);
    check_error(memo_decode(&back, "x", out.data, out.len), ERR_INPUT, "memo");
    out.len--;
    check_error(memo_decode(&back, "y", out.data, out.len), ERR_INPUT, "another");
    check_ok(memo_decode(&back, "x", out.data, out.len));
}

/* The checksum is right, but somebody else wrote the file. */
static void chunks_that_cannot_be(void **state)
{
    static const struct memo_chunk bad[] = {
        {.offset = 10, .len = 0, .packed_len = 5},
        {.offset = 10, .len = 100, .packed_len = 5},
        {.offset = 10, .len = CHUNK_MAX + 512, .packed_len = 5},
        {.offset = 10, .len = 512, .packed_len = 0},
        {.offset = 10, .len = 512, .packed_len = 91},
        {.offset = 101, .len = 512, .packed_len = 1},
        {.offset = UINT64_MAX, .len = 512, .packed_len = 5},
        {.offset = 10, .len = 512, .packed_len = UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
        struct memo_chunk chunk[2] = {{.offset = 10, .len = 512, .packed_len = 5}};
        struct memo m = {.size = 100, .chunk = chunk, .count = 2};
        AUTO_VALUE(memo_wipe) struct memo back = {0};
        AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
        if (i < ARRAY_LEN(bad)) {
            chunk[0] = bad[i];
            chunk[1] = bad[i];
        } else {
            chunk[1] = chunk[0]; /* two in the same place */
        }
        memo_encode(&m, "x", &out);
        check_error(memo_decode(&back, "x", out.data, out.len), ERR_INPUT, "cannot be");
    }
    struct memo none = {.size = 100};
    AUTO_VALUE(memo_wipe) struct memo back = {0};
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    memo_encode(&none, "x", &out);
    check_error(memo_decode(&back, "x", out.data, out.len), ERR_INPUT, "cannot be");
}

static char *only_file(const struct check_dir *dir)
{
    AUTO(mem_free) char *path = mem_printf("%s/" MEMO_FOLDER, dir->path);
    DIR *d = opendir(path);
    struct dirent *entry;
    char *found = NULL;

    assert_non_null(d);
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.') {
            assert_null(found);
            found = mem_printf("%s/%s", MEMO_FOLDER, entry->d_name);
        }
    closedir(d);
    return found;
}

static void the_cache_keeps_them(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(memo_wipe) struct memo m = {0}, back = {0}, other = {0};
    bool found = true;

    memo_load(&back, dir->fd, "x", &found);
    assert_false(found);
    fill(&m);
    memo_save(&m, dir->fd, "x");
    memo_load(&back, dir->fd, "x", &found);
    assert_true(found);
    equal(&m, &back);
    memo_load(&other, dir->fd, "y", &found);
    assert_false(found);

    /* Damaged ones go. */
    AUTO(mem_free) char *name = only_file(dir);
    check_ok(newfile_write(dir->fd, name, 0600, "lade memo 1\n", 12, false));
    memo_load(&other, dir->fd, "x", &found);
    assert_false(found);
    assert_null(only_file(dir));
    memo_remove(dir->fd, "x");
}

static void a_cache_that_cannot_be_written_is_no_error(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(memo_wipe) struct memo m = {0}, back = {0};
    bool found = true;

    check_ok(newfile_write(dir->fd, MEMO_FOLDER, 0600, "in the way", 10, false));
    fill(&m);
    memo_save(&m, dir->fd, "x");
    memo_load(&back, dir->fd, "x", &found);
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read), cmocka_unit_test(chunks_are_found_by_key),
        cmocka_unit_test(damage_is_found),         cmocka_unit_test(chunks_that_cannot_be),
        check_with_dir(the_cache_keeps_them),      check_with_dir(a_cache_that_cannot_be_written_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
