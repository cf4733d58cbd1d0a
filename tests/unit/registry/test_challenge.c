/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/challenge.h"

/* A list as "scheme k=v k=v; scheme …". */
static char *print(const struct challenges *list)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < list->count; i++) {
        const struct challenge *c = &list->item[i];
        buf_printf(&out, "%s%s", i ? "; " : "", c->scheme);
        for (size_t k = 0; k < c->params.count; k++)
            buf_printf(&out, " %s=<%s>", c->params.key[k], c->params.value[k]);
    }
    return buf_take(&out);
}

static void parses(void **state)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"", ""},
        {"Basic", "basic"},
        {"Basic realm=\"a b, c\"", "basic realm=<a b, c>"},
        {"Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\"",
         "bearer realm=<https://a/t> service=<s> scope=<repository:a/b:pull,push>"},
        {"Bearer realm=\"u\",service=\"s\",scope=\"repository:c/d:pull,push repository:a/b:pull\","
         "error=\"insufficient_scope\"",
         "bearer realm=<u> service=<s> scope=<repository:c/d:pull,push repository:a/b:pull> "
         "error=<insufficient_scope>"},
        {"BEARER REALM=\"u\"", "bearer realm=<u>"},
        {"Negotiate, Basic realm=\"x\", Bearer realm=\"u\" , service=s",
         "negotiate; basic realm=<x>; bearer realm=<u> "
         "service=<s>"},
        {"Basic realm=openshift,error=\"access denied\"", "basic realm=<openshift> error=<access denied>"},
        {"Bearer realm=https://a/t?x=y,service=s", "bearer realm=<https://a/t?x=y> service=<s>"},
        {"Bearer realm=\"a\\\"b\\\\c\"", "bearer realm=<a\"b\\c>"},
        {"Bearer  realm = \"u\" ,, service=\"\"", "bearer realm=<u> service=<>"},
        {"Negotiate YIIabc==", "negotiate"},
        {"Negotiate YIIa/bc==, Bearer realm=\"u\"", "negotiate; bearer realm=<u>"},
        {"Bearer realm=\"u\", Basic abc, Digest", "bearer realm=<u>; basic; digest"},
        {"Bearer realm=\"never closed", "bearer"},
        {"Bearer realm=\"u\",service=\"never closed", "bearer realm=<u>"},
        {"realm=\"no scheme\"", ""},
        {"=,=", ""},
        {"\"quoted\"", ""},
        {"Bearer realm=\"a\",realm=\"b\"", "bearer realm=<a>"},
        {",,, Bearer realm=\"u\",,,", "bearer realm=<u>"},
        {"Bearer \x01", "bearer"},
        /* RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 7617 section 2.1 */
        {"Basic realm=\"simple\", Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\"",
         "basic realm=<simple>; newauth realm=<apps> type=<1> title=<Login to \"apps\">"},
        {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
         "newauth realm=<apps> type=<1> title=<Login to \"apps\">; basic realm=<simple>"},
        {"Bearer realm=\"example\", error=\"invalid_token\", error_description=\"The access token expired\"",
         "bearer realm=<example> error=<invalid_token> error_description=<The access token expired>"},
        {"Basic realm=\"foo\", charset=\"UTF-8\"", "basic realm=<foo> charset=<UTF-8>"},
        /* regclient's auth_test, containerd's parse_test */
        {"Basic realm=\"GitHub Package Registry\"", "basic realm=<GitHub Package Registry>"},
        {"BaSiC ReAlM=\"Case insensitive key\"", "basic realm=<Case insensitive key>"},
        {"Basic realm=/", "basic realm=</>"},
        {"Basic realm=\"GitHub Package Registry\\", "basic"},
        {"Bearer realm=\"https://auth.example.io/token\",empty=\"\",service=\"registry.example.io\","
         "scope=\"repository:library/hello-world:pull,push\"",
         "bearer realm=<https://auth.example.io/token> empty=<> service=<registry.example.io> "
         "scope=<repository:library/hello-world:pull,push>"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(challenges_wipe) struct challenges list = {0};
        challenge_parse(&list, rows[i].value);
        AUTO(mem_free) char *got = print(&list);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s: %s instead of %s", rows[i].value, got, rows[i].want);
    }
}

static void finds_over_headers(void **state)
{
    AUTO_VALUE(challenges_wipe) struct challenges list = {0};
    (void)state;
    challenge_parse(&list, "Basic realm=\"x\"");
    challenge_parse(&list, "Bearer realm=\"y\"");
    assert_string_equal(strmap_get(&challenge_find(&list, "bearer")->params, "realm"), "y");
    assert_non_null(challenge_find(&list, "basic"));
    assert_null(challenge_find(&list, "digest"));
}

static void is_bounded(void **state)
{
    AUTO_VALUE(challenges_wipe) struct challenges list = {0};
    AUTO_VALUE(buf_wipe) struct buf many = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf long_one = BUF(BUF_NO_LIMIT);
    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_printf(&many, "Basic realm=\"%d\",", i);
    challenge_parse(&list, buf_text(&many));
    assert_int_equal(list.count, CHALLENGES_MAX);
    challenges_wipe(&list);
    buf_str(&long_one, "Bearer ");
    for (int i = 0; i < 1000; i++)
        buf_printf(&long_one, "k%d=v,", i);
    challenge_parse(&list, buf_text(&long_one));
    assert_int_equal(list.item[0].params.count, CHALLENGE_PARAMS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(finds_over_headers),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
