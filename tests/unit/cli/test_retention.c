/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "cli/retention.h"

#define DAY INT64_C(86400)
#define YEAR_2024 INT64_C(1704067200)

static void compares_versions(void **state)
{
    /* Each is newer than the one before. */
    static const char *const rows[] = {
        "0.9",
        "1.2-alpha",
        "1.2-rc1",
        "v1.2-rc2",
        "1.2-rc10",
        "1.2",
        "1.2.0",
        "v1.2.1",
        "1.9",
        "1.10",
        "2",
        "10",
        "99999999999999999999998",
        "99999999999999999999999",
        "main",
        "nightly",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
            int order = retention_compare_versions(rows[i], rows[k]);
            if ((order > 0) - (order < 0) != (i > k) - (i < k))
                fail_msg("%s and %s: %d", rows[i], rows[k], order);
        }
    assert_int_equal(retention_compare_versions("v1", "1"), 0);
    assert_int_equal(retention_compare_versions("1.02", "1.2"), 0);
    assert_int_equal(retention_compare_versions("", ""), 0);
}

static void parses_ages(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } rows[] = {
        {"90d", 90 * DAY}, {"2w", 14 * DAY}, {"36h", 129600},     {"0d", 0},   {"1h30m", 5400},
        {"0", 0},          {"", -1},         {"d", -1},           {"-1d", -1}, {"-1h", -1},
        {"90", -1},        {"1.5d", -1},     {"9999999999d", -1}, {"1d ", -1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t seconds = -1;
        struct err *e = retention_parse_age(rows[i].text, "--older-than", &seconds);
        if (e && err_kind_of(e) != ERR_USAGE)
            fail_msg("%s: %s", rows[i].text, err_message(e));
        err_free(e);
        if (seconds != rows[i].seconds)
            fail_msg("%s: %lld", rows[i].text, (long long)seconds);
    }
}

/*
 * An image of the tables: its letter is its digest; "a=1,latest@5>bc" is an image a with these tags, made on
 * the fifth day, that needs b and c. Without @ it does not say when it was made; @- is a moment that says
 * nothing.
 */
static struct digest digest_for(char letter)
{
    struct digest d = {.alg = DIGEST_SHA256};
    for (size_t i = 0; i < 32; i++)
        d.bytes[i] = (uint8_t)letter;
    return d;
}

static void add_image(struct images *images, const char *text)
{
    struct digest digest = digest_for(text[0]);
    size_t tags = strcspn(text + 2, "@>");
    const char *rest = text + 2 + tags;
    AUTO(mem_free) char *list = mem_strndup(text + 2, tags);
    struct image image = {0};
    desc_set(&image.desc, "x/y", &digest, 1);
    strlist_split(&image.tags, list, ',');
    if (*rest == '@') {
        image.has_age = true;
        image.created = rest[1] == '-' ? RETENTION_REAL_TIME - 1 : YEAR_2024 + (rest[1] - '0') * DAY;
        rest += 2;
    }
    for (rest += *rest == '>'; *rest; rest++) {
        struct digest needed = digest_for(*rest);
        digestset_add(&image.needs, &needed, NULL);
    }
    MEM_PUSH(images->item, images->count, images->room, image);
}

#define HEX_OF_A "6161616161616161616161616161616161616161616161616161616161616161"
#define SIG_OF_A "sha256-" HEX_OF_A ".sig"
#define INDEX_OF_A "sha256-" HEX_OF_A

static void decides(void **state)
{
    static const struct {
        const char *images, *match;
        uint64_t keep;
        bool by_version;
        int64_t day;       /* images after it are too new; 0: no matter */
        const char *fates; /* in the order in which they are decided: kept in lower case, removed ones in
                              capitals; those that do not match are left out */
    } rows[] = {
        /* By time; the order of listing makes no difference. */
        {"a=1@1 b=2@2 c=3@3", "", 2, false, 0, "cbA"},
        {"c=3@1 b=2@3 a=1@2", "", 1, false, 0, "bAC"},
        {"a=1@1 b=2@2", "", 0, false, 0, "BA"},
        {"a=1@1 b=2@2", "", 9, false, 0, "ba"},
        /* The same moment: by version. */
        {"a=1.9@1 b=1.10@1", "", 1, false, 0, "bA"},
        {"a=x@1 b=y@1", "", 1, false, 0, "bA"},
        /* Several tags are one image. */
        {"a=1,1.0,latest@1 b=2@2 c=3@3", "", 2, false, 0, "cbA"},
        {"c=3,3.0,3.0.0@3 b=2@2 a=1@1", "", 2, false, 0, "cbA"},
        /* A tag that does not match holds the image. */
        {"a=v1,prod@1 b=v2@2 c=v3@3", "v*", 1, false, 0, "cBa"},
        {"a=other@1 b=v2@2 c=v3@3", "v*", 1, false, 0, "cB"},
        {"a=v1@1 b=w1@2 c=x1@3", "v* w*", 0, false, 0, "BA"},
        {"a=v1@1 b=v2@2", "w*", 0, false, 0, ""},
        /* No time is no reason. */
        {"a=1 b=2@2 c=3@3", "", 1, false, 0, "cBa"},
        {"a=1@- b=2@-", "", 0, false, 0, "ba"},
        {"a=1@- b=2@- c=10", "", 1, true, 0, "cBA"},
        {"a=1@- b=2@2 c=3@3", "", 0, true, 2, "cBa"},
        /* Age beside the number. */
        {"a=1@1 b=2@2 c=3@3 d=4@4", "", 1, false, 2, "dcBA"},
        {"a=1@1 b=2@2", "", 0, false, 1, "bA"},
        /* What a staying index holds, with a tag of its own; an index that goes holds nothing. */
        {"a=v1-amd64@1 b=v1-arm64@1 i=v1@3>ab", "", 1, false, 0, "iba"},
        {"a=v1-amd64@1 i=latest>a", "v*", 0, false, 0, "a"},
        {"a=v1-amd64@1 b=v2@2 i=v1@1>a", "", 1, false, 0, "bIA"},
        /* Through several steps. */
        {"a=v1@1>b b=v2@2>c c=v3@3 d=keep>a", "v*", 0, false, 0, "cba"},
        /* What a staying artifact refers to. */
        {"a=v1@1 s=sbom>a", "v*", 0, false, 0, "a"},
        {"a=v1@1 s=v0@0>a", "v*", 0, false, 0, "AS"},
        /* Signatures go with their image, do not hold it, and do not go by themselves. */
        {"a=v1@1 b=v2@2 s=" SIG_OF_A "@9>a t=" INDEX_OF_A ">sa", "", 1, false, 0, "bAST"},
        {"a=v1@1 b=v2@2 s=" SIG_OF_A "@0", "", 2, false, 0, "ba"},
        {"b=v1@1 s=" SIG_OF_A "@0", "", 0, false, 0, "B"},
        {"a=v1@1 s=" SIG_OF_A ",mine", "v*", 0, false, 0, "A"},
        {"", "", 0, false, 0, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(images_wipe) struct images images = {0};
        AUTO_VALUE(strlist_wipe) struct strlist list = {0};
        AUTO_VALUE(strlist_wipe) struct strlist match = {0};
        AUTO_VALUE(buf_wipe) struct buf fates = BUF(100);
        strlist_split(&list, rows[i].images, ' ');
        strlist_split(&match, rows[i].match, ' ');
        for (size_t k = 0; k < list.count; k++)
            add_image(&images, list.item[k]);
        struct retention_rule rule = {.match = &match,
                                      .keep = rows[i].keep,
                                      .by_version = rows[i].by_version,
                                      .not_after_unix =
                                          rows[i].day ? YEAR_2024 + rows[i].day * DAY : INT64_MAX};
        retention_decide(&images, &rule);
        for (size_t k = 0; k < images.count; k++) {
            char letter = (char)images.item[k].desc.digest.bytes[0];
            if (images.item[k].fate == FATE_OTHER)
                continue;
            assert_non_null(images.item[k].why);
            buf_byte(&fates, images.item[k].fate == FATE_KEEP ? letter : (char)(letter - 'a' + 'A'));
        }
        if (!str_eq(buf_text(&fates), rows[i].fates))
            fail_msg("%s: %s instead of %s", rows[i].images, buf_text(&fates), rows[i].fates);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_versions),
        cmocka_unit_test(parses_ages),
        cmocka_unit_test(decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
