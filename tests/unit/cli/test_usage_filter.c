/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/usage_filter.h"

static void which_match(void **state)
{
    static const struct {
        const char *filter;
        enum usage_kind kind;
        bool in_use, shared;
        int age;
        bool wanted;
    } cases[] = {
        {"type=regular", USAGE_STEPS, false, false, 0, true},
        {"type=regular", USAGE_MOUNTS, false, false, 0, false},
        {"type!=regular", USAGE_MOUNTS, false, false, 0, true},
        {"type=exec.cachemount", USAGE_MOUNTS, false, false, 0, true},
        {"type=mounts", USAGE_MOUNTS, false, false, 0, true},
        {"type=source.local", USAGE_LAYERS, false, false, 0, true},
        {"type=frontend", USAGE_LAYERS, false, false, 0, false},
        {"type~=^exec", USAGE_MOUNTS, false, false, 0, true},
        {"until=1h", USAGE_STEPS, false, false, 3700, true},
        {"until=1h", USAGE_STEPS, false, false, 3500, false},
        {"until=0s", USAGE_STEPS, false, false, 1, true},
        {"id=bcd", USAGE_STEPS, false, false, 0, true},
        {"id!=bcd", USAGE_STEPS, false, false, 0, false},
        {"id=x", USAGE_STEPS, false, false, 0, false},
        {"id~=^steps/a.*f$", USAGE_STEPS, false, false, 0, true},
        {"description~=make", USAGE_STEPS, false, false, 0, true},
        {"description=make", USAGE_STEPS, false, false, 0, false},
        {"description=make all", USAGE_STEPS, false, false, 0, true},
        {"inuse", USAGE_STEPS, true, false, 0, true},
        {"inuse", USAGE_STEPS, false, false, 0, false},
        {"inuse=false", USAGE_STEPS, false, false, 0, true},
        {"inuse!=true", USAGE_STEPS, true, false, 0, false},
        {"shared", USAGE_STEPS, false, true, 0, true},
        {"private", USAGE_STEPS, false, true, 0, false},
        {"mutable", USAGE_MOUNTS, false, false, 0, true},
        {"immutable", USAGE_MOUNTS, false, false, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(usage_filters_wipe) struct usage_filters filters = {0};
        AUTO_VALUE(strlist_wipe) struct strlist texts = {0};
        AUTO_VALUE(usage_wipe) struct usage u = {0};
        struct usage_entry *e = usage_add(&u, cases[i].kind, mem_strdup("steps/abcdef"));
        e->in_use = cases[i].in_use;
        e->shared = cases[i].shared;
        e->used.tv_sec = clock_unix() - cases[i].age;
        e->about = mem_strdup("make all");
        strlist_add(&texts, cases[i].filter);
        check_ok(usage_filters_parse(&filters, &texts));
        if (usage_filters_match(&filters, e) != cases[i].wanted)
            fail_msg("%s: %d", cases[i].filter, cases[i].wanted);
        /* All must match. */
        strlist_add(&texts, "id~=nothing");
        usage_filters_wipe(&filters);
        filters = (struct usage_filters){0};
        check_ok(usage_filters_parse(&filters, &texts));
        assert_false(usage_filters_match(&filters, e));
    }
}

static void what_cannot_be(void **state)
{
    static const char *const cases[][2] = {
        {"what=1", "unknown key \"what\""},
        {"parents=1", "unknown key"},
        {"", "unknown key \"\""},
        {"type=regulr", "there is no \"regulr\""},
        {"type", "expected type=VALUE"},
        {"type!", "expected type=VALUE"},
        {"until=soon", "expected until=TIME"},
        {"until!=1h", "expected until=TIME"},
        {"until=-1h", "expected until=TIME"},
        {"inuse=maybe", "expected true or false"},
        {"id~=(", "no regular expression"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(usage_filters_wipe) struct usage_filters filters = {0};
        AUTO_VALUE(strlist_wipe) struct strlist texts = {0};
        strlist_add(&texts, cases[i][0]);
        check_error(usage_filters_parse(&filters, &texts), ERR_USAGE, cases[i][1]);
    }
    AUTO_VALUE(usage_filters_wipe) struct usage_filters filters = {0};
    AUTO_VALUE(strlist_wipe) struct strlist texts = {0};
    strlist_add(&texts, "type=steps");
    strlist_add(&texts, "type=mounts");
    check_error(usage_filters_parse(&filters, &texts), ERR_USAGE, "twice");
    assert_true(usage_filters_name(&filters, USAGE_STEPS));
    assert_false(usage_filters_name(&filters, USAGE_MOUNTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_match),
        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
