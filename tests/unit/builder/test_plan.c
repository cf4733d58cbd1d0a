/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "builder/plan.h"

#include <string.h>

/* A plan made of text, with what it stands on. */
struct made {
    struct diag diag;
    struct dockerfile file;
    struct plan plan;
};

static struct err *make(struct made *m, const char *text, const char *target, const struct strmap *args)
{
    static const struct strmap none;
    struct plan_options options = {.build_args = args ? args : &none, .target = target};
    check_ok(platform_parse(&options.platform, "linux/arm64"));
    diag_init(&m->diag, "Dockerfile", text, strlen(text));
    dockerfile_parse(&m->file, text, strlen(text), &m->diag);
    return plan_make(&m->plan, &m->file, &m->diag, &options);
}

static void made_wipe(struct made *m)
{
    plan_wipe(&m->plan);
    dockerfile_wipe(&m->file);
    diag_wipe(&m->diag);
}

static void stages_that_the_target_needs_are_marked(void **state)
{
    (void)state;
    static const char text[] = "FROM scratch AS a\n"
                               "FROM a AS b\n"
                               "FROM scratch AS unused\n"
                               "FROM scratch AS c\nCOPY --from=0 /x /y\n"
                               "FROM b\nCOPY --from=C /x /y\n";
    static const struct {
        const char *target, *needed;
    } cases[] = {{NULL, "11011"}, {"c", "10010"}, {"B", "11000"}, {"2", "00100"}, {"unused", "00100"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(made_wipe) struct made m = {0};
        check_ok(make(&m, text, cases[i].target, NULL));
        assert_int_equal(m.plan.count, 5);
        for (size_t k = 0; k < 5; k++)
            assert_int_equal(m.plan.stage[k].needed, cases[i].needed[k] == '1');
    }
}

static void arguments_before_from_have_their_values(void **state)
{
    (void)state;
    AUTO_VALUE(made_wipe) struct made m = {0};
    AUTO_VALUE(strmap_wipe) struct strmap args = {0};
    strmap_set(&args, "tag", "2");
    strmap_set(&args, "TARGETVARIANT", "v9");
    check_ok(make(&m,
                  "ARG name=app\nARG tag=1\nARG ref=${name}:${tag}\nFROM --platform=$BUILDPLATFORM $ref\n",
                  NULL, &args));
    assert_string_equal(m.plan.stage[0].base, "app:2");
    assert_string_equal(strmap_get(&m.plan.global_args, "TARGETPLATFORM"), "linux/arm64");
    assert_string_equal(strmap_get(&m.plan.global_args, "TARGETARCH"), "arm64");
    assert_string_equal(strmap_get(&m.plan.global_args, "TARGETVARIANT"), "v9");
    assert_string_equal(strmap_get(&m.plan.global_args, "TARGETSTAGE"), "default");
    struct platform host = platform_host();
    assert_true(platform_equal(&m.plan.stage[0].platform, &host));
}

static void mistakes_are_reported_together(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"FROM $nothing\n", "should not be blank"},
        {"FROM scratch\nCOPY --from=3 a b\n", "there is no stage 3"},
        {"FROM scratch\nCOPY --from=0 a b\n", "must come before"},
        {"FROM scratch AS x\nCOPY --from=y a b\nFROM scratch AS y\n", "must come before"},
        {"ARG v\nFROM scratch\nCOPY --from=$v a b\n", "not expanded in --from"},
        {"FROM team/UPPER\n", "Dockerfile:1"},
        {"FROM --platform=a/b/c/d/e scratch\n", "Dockerfile:1"},
        {"FROM scratch\nCOPY --from=Bad//ref a b\n", "Dockerfile:2"},
        {"ARG a=${b:?say b}\nFROM scratch\n", "say b"},
        {"FROM scratch\nNOPE\nCOPY --from=7 a b\n", "NOPE"},
        {"FROM scratch\nNOPE\nCOPY --from=7 a b\n", "there is no stage 7"},
        {"FROM scratch\nCOPY --chmod=9z a b\nNOPE\n", "--chmod=9z"},
        {"FROM scratch\nCOPY --chown=a:b:c a b\nNOPE\n", "a:b:c"},
        {"FROM scratch\nENV a=${b\nWORKDIR ${c:=d}\nNOPE\n", "Dockerfile:2"},
        {"FROM scratch\nENV a=${b\nWORKDIR ${c:=d}\nNOPE\n", "Dockerfile:3"},
        {"# nothing\n", "no instructions"},
        {"ARG a=1\n", "no stage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(made_wipe) struct made m = {0};
        check_error(make(&m, cases[i].text, NULL, NULL), ERR_INPUT, cases[i].part);
    }
}

static void an_unknown_target_lists_the_stages(void **state)
{
    (void)state;
    AUTO_VALUE(made_wipe) struct made m = {0};
    AUTO(err_free) struct err *e = make(&m, "FROM scratch AS one\nFROM scratch AS two\n", "three", NULL);
    assert_non_null(e);
    assert_int_equal(err_kind_of(e), ERR_NOT_FOUND);
    assert_non_null(strstr(err_hint_of(e), "one, two"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_that_the_target_needs_are_marked),
        cmocka_unit_test(arguments_before_from_have_their_values),
        cmocka_unit_test(mistakes_are_reported_together),
        cmocka_unit_test(an_unknown_target_lists_the_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
