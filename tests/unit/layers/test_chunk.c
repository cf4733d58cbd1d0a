/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/attr.h"
#include "layers/chunk.h"

#define KIB 1024u

/* Frozen with chunk/1: which names end a chunk of 256 KiB or more. */
static void names_end_large_chunks(void **state)
{
    static const struct {
        const char *name;
        bool ends;
    } cases[] = {
        {"", false},       {"a", false},       {"usr/", false},    {"usr/bin/", false},
        {"file-9", false}, {"file-10", false}, {"file-11", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(chunk_ends_before(256 * KIB, 512, cases[i].name), cases[i].ends);
        assert_false(chunk_ends_before(256 * KIB - 1, 512, cases[i].name));
    }
}

static void one_name_of_32_ends_a_chunk(void **state)
{
    unsigned count = 0;
    char name[32];

    (void)state;
    for (unsigned i = 0; i < 32000; i++) {
        snprintf(name, sizeof name, "app/file-%u.js", i);
        count += chunk_ends_before(300 * KIB, 512, name);
    }
    assert_in_range(count, 900, 1100);
}

static void chunks_have_a_limit(void **state)
{
    (void)state;
    assert_false(chunk_ends_before(0, CHUNK_MAX, "a"));
    assert_false(chunk_ends_before(1024, CHUNK_MAX - 1024, "a"));
    assert_true(chunk_ends_before(1024, CHUNK_MAX - 1023, "a"));
    assert_true(chunk_ends_before(CHUNK_MAX, 512, "a"));
    assert_true(chunk_ends_before(512, UINT64_MAX, "a"));
}

static void entries_fit_or_are_cut(void **state)
{
    (void)state;
    assert_true(chunk_holds_entry(512, 0));
    assert_true(chunk_holds_entry(512, CHUNK_MAX - 512));
    assert_false(chunk_holds_entry(512, CHUNK_MAX - 511));
    assert_false(chunk_holds_entry(1024, CHUNK_MAX));
    assert_false(chunk_holds_entry(CHUNK_MAX + 1, 0));
    assert_false(chunk_holds_entry(512, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_end_large_chunks),
        cmocka_unit_test(one_name_of_32_ends_a_chunk),
        cmocka_unit_test(chunks_have_a_limit),
        cmocka_unit_test(entries_fit_or_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
