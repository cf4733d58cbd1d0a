/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "builder/cacheset.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct world {
    char *path;
    struct store *layout;
    struct strlist told;
    struct events events;
};

static void tell(void *ctx, const struct event *e)
{
    if (e->kind == EVENT_WARNING || e->kind == EVENT_NOTE)
        strlist_add(&((struct world *)ctx)->told, e->text);
}

static int begin(void **state)
{
    struct world *w = mem_zero(1, sizeof *w);
    const char *temp = getenv("TMPDIR");
    w->path = mem_printf("%s/lade-cacheset-XXXXXX", temp && *temp ? temp : "/tmp");
    assert_non_null(mkdtemp(w->path));
    assert_null(layout_open(&w->layout, w->path, LAYOUT_WRITE));
    w->events = (struct events){tell, w};
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    store_free(w->layout);
    assert_null(fs_remove_tree(AT_FDCWD, w->path));
    strlist_wipe(&w->told);
    free(w->path);
    free(w);
    return 0;
}

static void make_record(struct step_record *r, const char *value)
{
    steprecord_add_text(r, "word 0", value);
    r->has_layer = true;
    r->diff_id = digest_of(value, strlen(value));
}

/* A cache whose records are these bytes, tagged "cache". */
static void put_cache(struct world *w, const void *records, size_t len)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    assert_null(store_write(w->layout, CACHESET_RECORDS, records, len, &m.config));
    AUTO(mem_free) char *text = manifest_bytes(&m);
    assert_null(store_write(w->layout, MEDIATYPE_OCI_MANIFEST, text, strlen(text), &d));
    assert_null(store_tag(w->layout, "cache", &d));
}

static struct cacheset *open_cache(struct world *w, const char *tag)
{
    static struct cache_source source;
    struct cacheset *c;
    source = (struct cache_source){.name = "here", .store = w->layout, .tag = tag};
    c = cacheset_new(&source, 1, &w->events);
    assert_null(cacheset_read(c));
    return c;
}

static void encode(struct buf *out)
{
    struct step_record r[2] = {{0}, {0}};
    make_record(&r[0], "one");
    make_record(&r[1], "two");
    assert_null(cacheset_encode(r, 2, out));
    steprecord_wipe(&r[0]);
    steprecord_wipe(&r[1]);
}

static void test_found_again(void **state)
{
    struct world *w = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CACHESET_RECORDS_MAX);
    AUTO_VALUE(steprecord_wipe) struct step_record want = {0};
    AUTO_VALUE(steprecord_wipe) struct step_record other = {0};
    const struct cache_source *from = NULL;
    struct digest key;
    encode(&bytes);
    put_cache(w, bytes.data, bytes.len);
    AUTO(cacheset_free) struct cacheset *c = open_cache(w, "cache");
    make_record(&want, "two");
    assert_null(steprecord_key(&want, &key));
    const struct step_record *found = cacheset_find(c, &key, &from);
    assert_non_null(found);
    assert_true(digest_equal(&found->diff_id, &want.diff_id));
    assert_string_equal(from->name, "here");
    make_record(&other, "three");
    assert_null(steprecord_key(&other, &key));
    assert_null(cacheset_find(c, &key, &from));
    assert_null(cacheset_find(NULL, &key, &from));
    assert_null(cacheset_at(c, 2, &from));
    assert_int_equal(w->told.count, 0);
}

/* As many records as one may have, from each of two. */
static void test_many_records(void **state)
{
    enum { MOST = 10000 };
    struct world *w = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CACHESET_RECORDS_MAX);
    struct step_record *r = mem_zero(MOST + 1, sizeof *r);
    const struct cache_source *from = NULL;
    for (size_t i = 0; i <= MOST; i++) {
        AUTO(mem_free) char *word = mem_printf("%zu", i);
        make_record(&r[i], word);
    }
    assert_null(cacheset_encode(r, MOST, &bytes));
    put_cache(w, bytes.data, bytes.len);
    const struct cache_source sources[2] = {{.name = "one", .store = w->layout, .tag = "cache"},
                                            {.name = "two", .store = w->layout, .tag = "cache"}};
    AUTO(cacheset_free) struct cacheset *c = cacheset_new(sources, 2, &w->events);
    assert_non_null(cacheset_at(c, 2 * MOST - 1, &from));
    assert_int_equal(w->told.count, 0);
    bytes.len = 0;
    assert_null(cacheset_encode(r, MOST + 1, &bytes));
    put_cache(w, bytes.data, bytes.len);
    AUTO(cacheset_free) struct cacheset *more = open_cache(w, "cache");
    assert_null(cacheset_at(more, 0, &from));
    assert_int_equal(w->told.count, 1);
    for (size_t i = 0; i <= MOST; i++)
        steprecord_wipe(&r[i]);
    free(r);
}

/* Every cut and every byte that is changed: told of, and nothing taken. */
static void test_damaged(void **state)
{
    struct world *w = *state;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CACHESET_RECORDS_MAX);
    const struct cache_source *from = NULL;
    encode(&bytes);
    AUTO(mem_free) char *copy = mem_dup(bytes.data, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        copy[i] ^= 1;
        put_cache(w, copy, bytes.len);
        AUTO(cacheset_free) struct cacheset *c = open_cache(w, "cache");
        assert_null(cacheset_at(c, 0, &from));
        copy[i] ^= 1;
    }
    assert_int_equal(w->told.count, bytes.len);
    for (size_t len = 0; len < bytes.len; len += 7) {
        put_cache(w, copy, len);
        AUTO(cacheset_free) struct cacheset *c = open_cache(w, "cache");
        const struct step_record *first = cacheset_at(c, 0, &from);
        assert_true(!first || len > bytes.len / 3); /* a whole record before the cut */
    }
}

static void test_nothing_there(void **state)
{
    struct world *w = *state;
    const struct cache_source *from = NULL;
    AUTO(cacheset_free) struct cacheset *c = open_cache(w, "absent");
    assert_null(cacheset_at(c, 0, &from));
    assert_int_equal(w->told.count, 1);
    assert_non_null(strstr(w->told.item[0], "there is nothing yet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_records, begin, end),
        cmocka_unit_test_setup_teardown(test_found_again, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_there, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
