/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "registry/upload_range.h"

/* What registries answer, by the request that it answers. */
static void spellings(void **state)
{
    (void)state;
    static const struct {
        const char *who, *value;
        uint64_t sent, bytes;
        bool told;
    } rows[] = {
        {"distribution, POST", "0-0", 0, 0, true},
        {"distribution, PATCH of 1000", "0-999", 1000, 1000, true},
        {"distribution, GET after a cut", "0-499", 1000, 500, true},
        {"distribution, GET of nothing", "0-0", 1000, 0, true},
        {"zot, PATCH", "0-1048575", 1 << 20, 1 << 20, true},
        {"zot, 416", NULL, 1000, 0, false},
        {"Quay, POST", "bytes=0--1", 0, 0, true},
        {"Quay, PATCH of 1000", "0-999", 1000, 1000, true},
        {"Quay, GET", "bytes=0-1000", 1000, 1000, true},
        {"Quay, GET after a cut", "bytes=0-500", 1000, 500, true},
        {"Quay, 416 (one too many)", "0-1000", 1000, 1000, true},
        {"ECR, second PATCH", "0-10485759", 20 << 20, 10 << 20, true},
        {"with a unit as in HTTP", "bytes 0-500", 1000, 500, true},
        {"with a total", "0-499/1000", 1000, 500, true},
        {"with space", " 0-499 ", 1000, 500, true},
        {"more than was sent", "0-4999", 1000, 1000, true},
        {"one byte counts as none", "0-0", 1, 0, true},
        {"not from the beginning", "5-499", 1000, 0, false},
        {"no range", "499", 1000, 0, false},
        {"nothing", "", 1000, 0, false},
        {"no end", "0-", 1000, 0, false},
        {"below nothing", "0--2", 1000, 0, false},
        {"beyond all numbers", "0-99999999999999999999999", 1000, 0, false},
        {"no number", "0-1e3", 1000, 0, false},
        {"largest", "0-9223372036854775806", UINT64_MAX, (uint64_t)INT64_MAX, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t bytes = 0;
        bool told = upload_range_parse(rows[i].value, rows[i].sent, &bytes);
        if (told != rows[i].told || bytes != rows[i].bytes)
            fail_msg("%s: \"%s\" gave %d, %llu", rows[i].who, rows[i].value ? rows[i].value : "", told,
                     (unsigned long long)bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spellings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
