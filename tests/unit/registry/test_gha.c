/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/gha.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_index(void **state)
{
    static const struct {
        const char *key, *name;
        bool good;
    } rows[] = {
        {GHA_INDEX "main#1700000000000-sha256:" HEX, "main", true},
        {GHA_INDEX "a#b#1-sha256:" HEX, "a#b", true},
        {GHA_INDEX "main#1700000000000-sha256:" HEX, "mai", false},
        {GHA_INDEX "main#-sha256:" HEX, "main", false},
        {GHA_INDEX "main#1sha256:" HEX, "main", false},
        {GHA_INDEX "main#1-sha256:12", "main", false},
        {GHA_INDEX "main#1-", "main", false},
        {GHA_INDEX "main#", "main", false},
        {GHA_BLOB "main#1-sha256:" HEX, "main", false},
        {"", "", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct digest d = {0};
        char text[DIGEST_TEXT];
        assert_int_equal(gha_index_digest(rows[i].key, rows[i].name, &d), rows[i].good);
        if (rows[i].good)
            assert_string_equal(digest_text(&d, text), "sha256:" HEX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
