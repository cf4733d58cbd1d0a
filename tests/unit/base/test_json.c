/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static json_t *parsed(const char *text)
{
    json_t *j = NULL;
    assert_null(json_parse(&j, text, strlen(text), "document"));
    return j;
}

static void refuses(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *part;
    } rows[] = {
        {"", 0, "document: line 1, column 0: "},
        {"{", 1, "document: line 1, column 1: "},
        {"{\"a\":1,\n \"b\":}", 13, "document: line 2, column "},
        {"{\"a\":1,\"a\":2}", 13, "duplicate object key"},
        {"{}x", 3, "line 1, column 3"},
        {"{\"a\":\"\\u0000\"}", 14, "a NUL character"},
        {"{\"a\":\"\xff\"}", 9, "line 1"},
        {"{\"a\":\0}", 7, "line 1"},
        {"1", 1, "line 1"},
        {"[99999999999999999999]", 22, "line 1"},
        {"\xef\xbb\xbf{}", 5, "line 1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *j = NULL;
        AUTO(err_free) struct err *e = json_parse(&j, rows[i].text, rows[i].len, "document");
        assert_non_null(e);
        assert_null(j);
        assert_int_equal(err_kind_of(e), ERR_INPUT);
        assert_non_null(strstr(err_message(e), rows[i].part));
    }
}

static void depth_is_limited(void **state)
{
    static const struct {
        size_t depth;
        bool ok;
    } rows[] = {{1, true}, {64, true}, {65, false}, {2000, false}, {100000, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
        for (size_t d = 0; d < rows[i].depth; d++)
            buf_str(&text, d % 2 ? "{\"a\":" : "[");
        if (rows[i].depth % 2 == 0)
            buf_str(&text, "1");
        for (size_t d = rows[i].depth; d > 0; d--)
            buf_str(&text, (d - 1) % 2 ? "}" : "]");
        AUTO(json_decref) json_t *j = NULL;
        AUTO(err_free) struct err *e = json_parse(&j, text.data, text.len, "document");
        assert_int_equal(e == NULL, rows[i].ok);
        if (e)
            assert_int_equal(err_kind_of(e), ERR_INPUT);
    }
}

static void texts(void **state)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        "{\"z\":1,\"a\":[true,false,null,-5,\"x\"],\"m\":{\"b\":{},\"a\":\"\"}}",
        "{\"u\":\"\xc3\xa4\xe2\x82\xac/<>&\"}",
        "[\"\\\"\\\\\\n\\u0001\x7f\"]",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json_decref) json_t *j = parsed(rows[i]);
        AUTO(mem_free) char *text = json_text(j);
        assert_string_equal(text, rows[i]);
    }
    AUTO(json_decref) json_t *j = parsed("{\"b\":[1],\"a\":2}");
    AUTO(mem_free) char *pretty = json_text_pretty(j);
    assert_string_equal(pretty, "{\n  \"b\": [\n    1\n  ],\n  \"a\": 2\n}\n");
    AUTO(json_decref) json_t *single = json_new_str("x");
    AUTO(mem_free) char *text = json_text(single);
    assert_string_equal(text, "\"x\"");
}

#define EVERYTHING                                                                                        \
    "{\"s\":\"text\",\"t\":true,\"f\":false,\"n\":null,\"i\":7,\"neg\":-7,\"r\":1.5,\"o\":{\"k\":\"v\"}," \
    "\"a\":[\"x\",\"y\"],\"big\":9223372036854775807,\"mixed\":[\"x\",1],\"om\":{\"k\\n\":1}}"

static void getters(void **state)
{
    const char *text = "";
    const json_t *inner = NULL;
    bool yes = false;
    bool found = false;
    uint64_t size = 9;
    int64_t number = 9;
    (void)state;
    AUTO(json_decref) json_t *j = parsed(EVERYTHING);
    assert_null(json_get_str(j, "s", "d", &text));
    assert_string_equal(text, "text");
    assert_null(json_get_bool(j, "t", "d", &yes));
    assert_true(yes);
    assert_null(json_get_bool(j, "f", "d", &yes));
    assert_false(yes);
    assert_null(json_get_u64(j, "big", "d", &found, &size));
    assert_true(found && size == INT64_MAX);
    assert_null(json_get_i64(j, "neg", "d", NULL, &number));
    assert_int_equal(number, -7);
    assert_null(json_get_object(j, "o", "d", &inner));
    assert_null(json_get_str(inner, "k", "d", &text));
    assert_string_equal(text, "v");
    assert_null(json_get_array(j, "a", "d", &inner));
    assert_int_equal(json_array_size(inner), 2);
}

static void absent_and_null_give_defaults(void **state)
{
    static const char *const keys[] = {"n", "absent"};
    (void)state;
    AUTO(json_decref) json_t *j = parsed(EVERYTHING);
    for (size_t i = 0; i < 2 * ARRAY_LEN(keys); i++) {
        const json_t *object = i < ARRAY_LEN(keys) ? j : NULL;
        const char *key = keys[i % ARRAY_LEN(keys)];
        const char *text = "old";
        const json_t *inner = j;
        bool yes = true;
        bool found = true;
        uint64_t size = 9;
        int64_t number = 9;
        AUTO_VALUE(strlist_wipe) struct strlist list = {0};
        AUTO_VALUE(strmap_wipe) struct strmap map = {0};
        strlist_add(&list, "old");
        strmap_set(&map, "old", "old");
        assert_null(json_get_str(object, key, "d", &text));
        assert_null(text);
        assert_null(json_get_bool(object, key, "d", &yes));
        assert_false(yes);
        assert_null(json_get_u64(object, key, "d", &found, &size));
        assert_true(!found && size == 0);
        found = true;
        assert_null(json_get_i64(object, key, "d", &found, &number));
        assert_true(!found && number == 0);
        assert_null(json_get_object(object, key, "d", &inner));
        assert_null(inner);
        inner = j;
        assert_null(json_get_array(object, key, "d", &inner));
        assert_null(inner);
        assert_null(json_get_strlist(object, key, "d", &list));
        assert_int_equal(list.count, 0);
        assert_null(json_get_strmap(object, key, "d", &map));
        assert_int_equal(map.count, 0);
    }
}

enum getter { STR, BOOL, U64, I64, OBJECT, ARRAY, LIST, MAP };

static struct err *get(enum getter which, const json_t *j, const char *key)
{
    const char *text;
    const json_t *inner;
    bool yes;
    uint64_t size;
    int64_t number;
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    switch (which) {
    case STR:
        return json_get_str(j, key, "d", &text);
    case BOOL:
        return json_get_bool(j, key, "d", &yes);
    case U64:
        return json_get_u64(j, key, "d", NULL, &size);
    case I64:
        return json_get_i64(j, key, "d", NULL, &number);
    case OBJECT:
        return json_get_object(j, key, "d", &inner);
    case ARRAY:
        return json_get_array(j, key, "d", &inner);
    case LIST:
        return json_get_strlist(j, key, "d", &list);
    case MAP:
    default:
        return json_get_strmap(j, key, "d", &map);
    }
}

static void wrong_types(void **state)
{
    static const struct {
        enum getter getter;
        const char *key, *message;
    } rows[] = {
        {STR, "i", "d: key i: expected a string, found a number"},
        {BOOL, "s", "d: key s: expected a boolean, found a string"},
        {U64, "s", "d: key s: expected a whole number, found a string"},
        {U64, "r", "d: key r: expected a whole number, found a number with a fraction or an exponent"},
        {U64, "neg", "d: key neg: expected a number that is not negative, found -7"},
        {I64, "t", "d: key t: expected a whole number, found a boolean"},
        {OBJECT, "a", "d: key a: expected an object, found an array"},
        {ARRAY, "o", "d: key o: expected an array, found an object"},
        {LIST, "o", "d: key o: expected an array, found an object"},
        {LIST, "mixed", "d: key mixed: item 1: expected a string, found a number"},
        {MAP, "s", "d: key s: expected an object, found a string"},
        {MAP, "om", "d: key om: key k\\x0a: expected a string, found a number"},
    };
    (void)state;
    AUTO(json_decref) json_t *j = parsed(EVERYTHING);
    AUTO(json_decref) json_t *array = parsed("[]");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(err_free) struct err *e = get(rows[i].getter, j, rows[i].key);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), ERR_INPUT);
        assert_string_equal(err_message(e), rows[i].message);
        AUTO(err_free) struct err *other = get(rows[i].getter, array, rows[i].key);
        assert_string_equal(err_message(other), "d: expected an object, found an array");
    }
}

static void lists_and_maps(void **state)
{
    static const char text[] = "{\"list\":[\"b\",\"a\",\"\"],\"map\":{\"z\":\"1\",\"a\":\"2\",\"m\":\"\"}}";
    (void)state;
    AUTO(json_decref) json_t *j = parsed(text);
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    assert_null(json_get_strlist(j, "list", "d", &list));
    assert_null(json_get_strmap(j, "map", "d", &map));
    assert_int_equal(list.count, 3);
    assert_int_equal(map.count, 3);
    assert_string_equal(map.key[0], "z");
    assert_string_equal(strmap_get(&map, "a"), "2");

    AUTO(json_decref) json_t *again = json_object();
    json_put(again, "list", json_new_strlist(&list));
    json_put(again, "map", json_new_strmap(&map));
    AUTO(mem_free) char *built = json_text(again);
    assert_string_equal(built, text);
}

static void builders_repair_text(void **state)
{
    static const char *const rows[][2] = {
        {"ok", "\"ok\""},
        {"", "\"\""},
        {"a\xff z", "\"a\xef\xbf\xbd z\""},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json_decref) json_t *j = json_new_str(rows[i][0]);
        AUTO(mem_free) char *text = json_text(j);
        assert_string_equal(text, rows[i][1]);
    }
    AUTO(json_decref) json_t *object = json_object();
    json_put(object, "k\xff", json_true());
    json_put(object, "a", json_integer(1));
    json_put(object, "a", json_integer(2));
    AUTO(mem_free) char *text = json_text(object);
    assert_string_equal(text, "{\"k\xef\xbf\xbd\":true,\"a\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(texts),          cmocka_unit_test(getters),
        cmocka_unit_test(wrong_types),    cmocka_unit_test(absent_and_null_give_defaults),
        cmocka_unit_test(lists_and_maps), cmocka_unit_test(builders_repair_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
