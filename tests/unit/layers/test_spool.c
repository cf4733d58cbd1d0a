/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "layers/spool.h"

#include <dirent.h>
#include <unistd.h>

static char *pattern(size_t size, unsigned seed)
{
    char *text = mem_alloc(size + 1);

    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + (i * 31 + seed + i / 1000) % 26);
    text[size] = '\0';
    return text;
}

static void contents_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 131072, 131073, 300000, 7};
    const struct check_dir *dir = *state;
    AUTO(spool_free) struct spool *s = NULL;
    struct source *open[ARRAY_LEN(sizes)];
    uint64_t offset[ARRAY_LEN(sizes)];

    check_ok(spool_new(&s, dir->fd));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO(mem_free) char *text = pattern(sizes[i] + 10, (unsigned)i);
        AUTO(source_free) struct source *from = source_mem(text, sizes[i] + 10);
        const uint8_t *data;
        size_t len;
        check_ok(spool_add(s, from, sizes[i], &offset[i]));
        /* What is behind is left where it is. */
        check_ok(source_peek(from, &data, &len));
        assert_int_equal(len, 10);
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        open[i] = spool_open(s, offset[i], sizes[i]);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO(mem_free) char *text = pattern(sizes[i] + 10, (unsigned)i);
        AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);
        check_ok(source_read_all(open[i], &bytes, "spool"));
        assert_int_equal(bytes.len, sizes[i]);
        assert_memory_equal(buf_text(&bytes), text, sizes[i]);
        buf_clear(&bytes);
        check_ok(source_reopen(open[i], sizes[i] / 2));
        check_ok(source_read_all(open[i], &bytes, "spool"));
        assert_int_equal(bytes.len, sizes[i] - sizes[i] / 2);
        assert_memory_equal(buf_text(&bytes), text + sizes[i] / 2, bytes.len);
        source_free(open[i]);
    }
}

static void a_short_source_is_an_error(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(spool_free) struct spool *s = NULL;
    AUTO(source_free) struct source *from = source_mem("abc", 3);
    AUTO(source_free) struct source *good = source_mem("defg", 4);
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(BUF_NO_LIMIT);
    uint64_t offset = 99;

    check_ok(spool_new(&s, dir->fd));
    check_error(spool_add(s, from, 4, &offset), ERR_INPUT, "1 bytes too early");
    check_error(spool_add(s, from, UINT64_MAX, &offset), ERR_RESOURCE, "too large");
    assert_int_equal(offset, 99);
    check_ok(spool_add(s, good, 4, &offset));
    AUTO(source_free) struct source *back = spool_open(s, offset, 4);
    check_ok(source_read_all(back, &bytes, "spool"));
    assert_string_equal(buf_text(&bytes), "defg");
}

static void nothing_is_seen_on_disk(void **state)
{
    const struct check_dir *dir = *state;
    AUTO(spool_free) struct spool *s = NULL;
    AUTO(source_free) struct source *from = source_mem("abc", 3);
    uint64_t offset;
    int entries = 0;

    check_ok(spool_new(&s, dir->fd));
    check_ok(spool_add(s, from, 3, &offset));
    DIR *stream = opendir(dir->path);
    while (readdir(stream))
        entries++;
    closedir(stream);
    assert_int_equal(entries, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(contents_come_back),
        check_with_dir(a_short_source_is_an_error),
        check_with_dir(nothing_is_seen_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
