/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "registry/pages.h"

static void finds_the_next_page(void **state)
{
    static const struct {
        const char *header, *next;
    } rows[] = {
        {"</v2/a/tags/list?last=x&n=2>; rel=\"next\"", "/v2/a/tags/list?last=x&n=2"},
        {"<https://a.example/v2/_catalog?last=a%2Fb>;rel=next", "https://a.example/v2/_catalog?last=a%2Fb"},
        {"<?last=x> ; REL = \"Next\"", "?last=x"},
        {"<a>; rel=\"prev\", <b>; rel=\"next\"", "b"},
        {"<a;,\">; title=\"x, <c>; rel=next\"; rel=\"last next\"", "a;,\""},
        {"<a>; title=\"\\\"\"; rel=next", "a"},
        {"<a>; rel=prev; rel=next", NULL},
        {"<a>; rel=nextpage", NULL},
        {"<a>", NULL},
        {"<a; rel=next", NULL},
        {"", NULL},
        {"<>; rel=next", ""},
        {"<a>; rel", NULL},
        {"<a>; rel=\"next", "a"},
        {"<a>;;; rel=next", "a"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
        strmap_add(&headers, "content-type", "<z>; rel=next");
        strmap_add(&headers, "link", rows[i].header);
        AUTO(mem_free) char *next = pages_link(&headers);
        if (!str_eq(next, rows[i].next))
            fail_msg("%s: %s instead of %s", rows[i].header, next ? next : "none",
                     rows[i].next ? rows[i].next : "none");
    }
}

static void looks_at_each_header(void **state)
{
    AUTO_VALUE(strmap_wipe) struct strmap headers = {0};
    (void)state;
    strmap_add(&headers, "link", "<a>; rel=first");
    strmap_add(&headers, "link", "<b>; rel=next");
    AUTO(mem_free) char *next = pages_link(&headers);
    assert_string_equal(next, "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_next_page),
        cmocka_unit_test(looks_at_each_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
