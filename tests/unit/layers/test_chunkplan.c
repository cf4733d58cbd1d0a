/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "golden_trees.h"
#include "layers/chunkplan.h"

#define S INT64_C(1000000000)
#define NOW (1000 * S)

static struct node *plant_dir_file(struct tree *t, const char *path, int64_t ctime_ns)
{
    struct node *n = plant(t, path, NODE_FILE, 0644);

    n->size = 1000;
    n->mtime = 900;
    n->mtime_ns = 5;
    n->content = (struct content){
        .kind = CONTENT_DIR, .dir = t, .dir_node = n, .offset = (uint64_t)ctime_ns, .inode = 77};
    return n;
}

static bool key_of(const struct node *n, uint64_t offset, size_t len, const char *header, int64_t now,
                   uint8_t key[CHUNKPLAN_KEY])
{
    AUTO_VALUE(chunkplan_wipe) struct chunkplan p = {0};

    chunkplan_add(&p, header, strlen(header));
    chunkplan_add_content(&p, n, offset, len);
    return chunkplan_key(&p, now, key);
}

static void keys_follow_what_the_chunk_is_made_of(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    struct node *n = plant_dir_file(t, "f", 900 * S + 1);
    uint8_t first[CHUNKPLAN_KEY], key[CHUNKPLAN_KEY];
    const struct node before = *n;

    (void)state;
    assert_true(key_of(n, 0, 1000, "head", NOW, first));
    assert_true(key_of(n, 0, 1000, "head", NOW + S, key));
    assert_memory_equal(key, first, sizeof key);

    for (unsigned i = 0; i < 8; i++) {
        uint64_t offset = 0;
        size_t len = 1000;
        const char *header = "head";
        *n = before;
        switch (i) {
        case 0:
            n->mtime++;
            break;
        case 1:
            n->mtime_ns++;
            break;
        case 2:
            n->size = len = 1001;
            break;
        case 3:
            n->content.inode++;
            break;
        case 4:
            n->content.offset++;
            break;
        case 5:
            header = "heae";
            break;
        case 6:
            header = "hea";
            break;
        default:
            offset = len = 500;
        }
        assert_true(key_of(n, offset, len, header, NOW, key));
        assert_memory_not_equal(key, first, sizeof key);
    }
}

static void contents_in_memory_count_themselves(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    uint8_t first[CHUNKPLAN_KEY], key[CHUNKPLAN_KEY];

    (void)state;
    assert_true(key_of(plant_file(t, "a", 0644, "hello"), 0, 5, "head", NOW, first));
    assert_true(key_of(plant_file(t, "b", 0644, "hello"), 0, 5, "head", NOW, key));
    assert_memory_equal(key, first, sizeof key);
    assert_true(key_of(plant_file(t, "c", 0644, "hellp"), 0, 5, "head", NOW, key));
    assert_memory_not_equal(key, first, sizeof key);
}

/* As git has it: a file that was changed in the present tick of the clock may be changed once more in it. */
static void fresh_files_have_no_key(void **state)
{
    static const struct {
        int64_t changed;
        bool has_key;
    } cases[] = {
        {NOW - 100 * S, true}, {NOW - S - 1, true}, {NOW - S / 10 - 1, true}, {NOW - S / 1000 - 1, false},
        {NOW - 1, false},      {NOW, false},        {NOW + S + 1, false},     {NOW - 4 * S, true},
        {NOW - 3 * S, false},  {NOW - S, false}, /* full seconds: a clock that knows no parts of them */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO(tree_free) struct tree *t = tree_new();
        uint8_t key[CHUNKPLAN_KEY];
        assert_int_equal(key_of(plant_dir_file(t, "f", cases[i].changed), 0, 1000, "head", NOW, key),
                         cases[i].has_key);
    }
}

static void files_that_cannot_tell_have_no_key(void **state)
{
    AUTO(tree_free) struct tree *t = tree_new();
    struct node *n = plant_dir_file(t, "f", 900 * S + 1);
    uint8_t key[CHUNKPLAN_KEY];

    (void)state;
    n->content.inode = 0;
    assert_false(key_of(n, 0, 1000, "head", NOW, key));
    n->content = (struct content){.kind = CONTENT_SPOOL};
    assert_false(key_of(n, 0, 1000, "head", NOW, key));
}

/* Zeros are not looked at one by one, but each of them counts. */
static void each_byte_of_headers_counts(void **state)
{
    static const size_t places[] = {0, 1, 15, 16, 17, 31, 100, 495, 496, 511, 512, 513, 1023, 1024, 1030};
    uint8_t keys[ARRAY_LEN(places)][CHUNKPLAN_KEY];
    static uint8_t headers[1031];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        AUTO_VALUE(chunkplan_wipe) struct chunkplan p = {0};
        headers[places[i]] = 1;
        chunkplan_add(&p, headers, sizeof headers);
        headers[places[i]] = 0;
        assert_true(chunkplan_key(&p, NOW, keys[i]));
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], CHUNKPLAN_KEY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_what_the_chunk_is_made_of),
        cmocka_unit_test(contents_in_memory_count_themselves),
        cmocka_unit_test(fresh_files_have_no_key),
        cmocka_unit_test(files_that_cannot_tell_have_no_key),
        cmocka_unit_test(each_byte_of_headers_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
