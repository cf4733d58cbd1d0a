/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/expand.h"
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ERROR NULL

static void fill(struct strmap *map, const char *const (*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        strmap_set(map, pairs[i][0], pairs[i][1]);
}

/* NULL for an error. */
static char *run(const char *text, struct strmap *map, unsigned flags, struct expand_used *used)
{
    struct expand_env env = expand_env_map(map);
    char *out = NULL;
    AUTO(err_free) struct err *e = expand_word(&out, text, &env, '\\', flags, used);
    if (e)
        assert_int_equal(err_kind_of(e), ERR_INPUT);
    return e ? NULL : out;
}

static void check(const char *text, const char *want, struct strmap *map)
{
    AUTO(mem_free) char *got = run(text, map, 0, NULL);
    if ((!got && want) || (got && (!want || !str_eq(got, want))))
        fail_msg("%s: got %s, expected %s", text, got ? got : "an error", want ? want : "an error");
}

static const char *const words_env[][2] = {
    {"DIR", "/srv"}, {"TOOL", "make"}, {"GREEK", "λόγος"}, {"EMPTY", ""}};

/* Behind the letters "^", which are put there first: each row is one of BuildKit's cases for a word with a
 * prefix. */
static const char *const prefixed[][2] = {
    {"^llo", "^llo"},
    {"^'ll'o", "^llo"},
    {"^'llo", ERROR},
    {"^\\'llo", "^'llo"},
    {"^\\\\'llo", ERROR},
    {"^\\tdef", "^tdef"},
    {"\"^\\tdef\"", "^\\tdef"},
    {"\"^\\\\tdef\"", "^\\tdef"},
    {"'^\\tdef'", "^\\tdef"},
    {"'^\\tdef", ERROR},
    {"^\\", "^"},
    {"^\\\\", "^\\"},
    {"\"^", ERROR},
    {"\"^\\\"", ERROR},
    {"\"^'lo\"", "^'lo"},
    {"'^", ERROR},
    {"'^\\'", "^\\"},
    {"'^\\there'", "^\\there"},
    {"'^\\\\there'", "^\\\\there"},
    {"^\"''\"", "^''"},
    {"^$.", "^$."},
    {"^$1x", "^x"},
    {"^$.x", "^$.x"},
    {"^$dir.", "^."},
    {"^$DIR", "^/srv"},
    {"^\\$DIR", "^$DIR"},
    {"^\\\\$DIR", "^\\/srv"},
    {"\"^\\$DIR\"", "^$DIR"},
    {"\"^\\\\$DIR\"", "^\\/srv"},
    {"'^\\$DIR'", "^\\$DIR"},
    {"^\\${}", "^${}"},
    {"^\\${}yy", "^${}yy"},
    {"^${}", ERROR},
    {"^${}yy", ERROR},
    {"^${ho}", "^"},
    {"^${ho}yy", "^yy"},
    {"^${DIR}", "^/srv"},
    {"^${.}", ERROR},
    {"^${NO:-000}yy", "^000yy"},
    {"^${DIR:-000}yy", "^/srvyy"},
    {"^${NO:-$DIR}yy", "^/srvyy"},
    {"^${NO:-${DIR:-zzz}}yy", "^/srvyy"},
    {"^${NO:-${NOR:-zzz}}yy", "^zzzyy"},
    {"^${NO:NOR}", ERROR},
    {"^${NO?}", ERROR},
    {"^${NO:?}", ERROR},
    {"^${DIR?}", "^/srv"},
    {"^${DIR:?}", "^/srv"},
    {"^${EMPTY?}", "^"},
    {"^${EMPTY:?}", ERROR},
    {"^${NO:+${DIR}}yy", "^yy"},
    {"^${DIR:+${NO}}yy", "^yy"},
    {"^${DIR:+${TOOL}}yy", "^makeyy"},
    {"^${NO:+000}yy", "^yy"},
    {"^${DIR:+000}yy", "^000yy"},
    {"'^${NO}'", "^${NO}"},
    {"\"^${DIR}\"", "^/srv"},
    {"\"^'$DIR'\"", "^'/srv'"},
    {"^\"$DIR\"", "^/srv"},
    {"^'$DIR'", "^$DIR"},
    {"'\"^\"'", "\"^\""},
    {"^${DIR", ERROR},
    {"^${DIR:=000}yy", ERROR},
    {"^${DIR:+${DIR}:}yy", "^/srv:yy"},
    {"^${NO:-\\$DIR:}yy", "^$DIR:yy"},
    {"^${NO:-\\${DIR}z}yy", "^${DIRz}yy"},
    {"^$GREEK", "^λόγος"},
    {"^${{a}", ERROR},
    {"^${a}}", "^}"},
    {"^${a", ERROR},
    {"^${{a:-b}", ERROR},
    {"^${a:-b}}", "^b}"},
    {"^${a:-b", ERROR},
    {"^${a:-b}", "^b"},
    {"^${a:-${b:-c}}", "^c"},
    {"^${a:-b ${c}", ERROR},
    {"^${a:-b {c}", "^b {c"},
    {"^${:}", ERROR},
    {"^${:-b}", ERROR},
    {"^${:+b}", ERROR},
};

static char *with_prefix(const char *text, const char *prefix)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_str(&out, "");
    for (; *text; text++) {
        if (*text == '^')
            buf_str(&out, prefix);
        else
            buf_byte(&out, *text);
    }
    return buf_take(&out);
}

static void a_word(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    fill(&map, words_env, ARRAY_LEN(words_env));
    static const char *const prefixes[] = {"", "be", "日本"};
    for (size_t i = 0; i < ARRAY_LEN(prefixed); i++) {
        for (size_t j = 0; j < ARRAY_LEN(prefixes); j++) {
            AUTO(mem_free) char *text = with_prefix(prefixed[i][0], prefixes[j]);
            AUTO(mem_free) char *want = prefixed[i][1] ? with_prefix(prefixed[i][1], prefixes[j]) : NULL;
            check(text, want, &map);
        }
    }
}

/* Parameters of a shell are never set in a Dockerfile. */
static void parameters(void **state)
{
    (void)state;
    static const char *const names[] = {"0",   "1",   "2", "3", "4", "5", "6", "7", "8", "9",
                                        "999", "001", "@", "*", "#", "?", "-", "$", "!"};
    static const char *const forms[][2] = {
        {"$%s", ""},          {"${%s}", ""},       {"${%s:+set}", ""},       {"${%s:-not}", "not"},
        {"$%sabc", "abc"},    {"${%s}abc", "abc"}, {"${%s:+set}abc", "abc"}, {"${%s:-not}abc", "notabc"},
        {"\"$%s\"abc", "abc"}};
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (size_t j = 0; j < ARRAY_LEN(forms); j++) {
            AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
            const char *hole = strstr(forms[j][0], "%s");
            buf_add(&text, forms[j][0], (size_t)(hole - forms[j][0]));
            buf_str(&text, names[i]);
            buf_str(&text, hole + 2);
            check(buf_text(&text), forms[j][1], &map);
        }
    }
    check("$@@@", "@@", &map);
}

/* Words that come out of splitting, joined by "|". */
static void check_words(const char *text, const char *want, struct strmap *map, unsigned flags)
{
    struct expand_env env = expand_env_map(map);
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO(err_free) struct err *e = expand_words(&list, text, &env, '\\', flags, NULL);
    AUTO(mem_free) char *got = e ? mem_strdup("error") : strlist_join(&list, "|");
    if (!str_eq(got, want))
        fail_msg("%s: got %s, expected %s", text, got, want);
}

static void several_words(void **state)
{
    (void)state;
    static const char *const env[][2] = {
        {"mid", "re"}, {"gap", "one  two"}, {"front", "  one t"}, {"back", "one t   "}};
    static const char *const rows[][2] = {
        {"word", "word"},
        {"pre${none}post", "prepost"},
        {"pre${mid}post", "prerepost"},
        {"pre${gap}post", "preone|twopost"},
        {"pre\"${gap}\"post", "preone  twopost"},
        {"pre \"${gap}\"post", "pre|one  twopost"},
        {"pre${front}post", "pre|one|tpost"},
        {"pre\"${front}\" post", "pre  one t|post"},
        {"pre\"${front}\"", "pre  one t"},
        {"pre${front}", "pre|one|t"},
        {"pre${back}", "preone|t"},
        {"pre${back}d", "preone|t|d"},
        {"pre\"${back}\"d", "preone t   d"},
        {"pr\"e${back}\"", "preone t   "},
        {"pre\" two  \"", "pre two  "},
        {"pre two", "pre|two"},
        {"pre\\ two", "pre two"},
        {"pre\" two", "error"},
        {"pre\\\" two", "pre\"|two"},
        {"pre\"\\\\two\"", "pre\\two"},
        {"pre\"\\two\"", "pre\\two"},
        {"pre'\\\\two'", "pre\\\\two"},
        {"pre'\\two'", "pre\\two"},
        {"pre'$two'", "pre$two"},
        {"", ""},
        {"\"\" a", "a"},
        {"80${none:-80}", "8080"},
        {"a${none:-b c}d", "ab|cd"},
        {"<<  EOF x", "<<  EOF|x"},
        {"a\xe3\x80\x80"
         "b",
         "a|b"},
    };
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    fill(&map, env, ARRAY_LEN(env));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check_words(rows[i][0], rows[i][1], &map, 0);
    check_words("a 'b c' \"d $none\" ${mid:-x} $none", "a|'b c'|\"d $none\"|re|$none", &map,
                EXPAND_RAW_QUOTES | EXPAND_KEEP_UNSET);
    check_words("a\\ b \"c\\\"d\"", "a\\ b|\"c\\\"d\"", &map, EXPAND_RAW_QUOTES | EXPAND_RAW_ESCAPES);
}

static void mandatory(void **state)
{
    (void)state;
    static const struct {
        const char *text, *value, *want;
    } rows[] = {
        {"${V:?say so $WHO}", "there", "there"},
        {"${V:?say so $WHO}", "", ERROR},
        {"${V:?say so $WHO}", NULL, ERROR},
        {"${V?say so $WHO}", "there", "there"},
        {"${V?say so $WHO}", "", ""},
        {"${V?say so $WHO}", NULL, ERROR},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strmap_wipe) struct strmap map = {0};
        strmap_set(&map, "WHO", "me");
        if (rows[i].value)
            strmap_set(&map, "V", rows[i].value);
        check(rows[i].text, rows[i].want, &map);
        struct expand_env env = expand_env_map(&map);
        char *out = NULL;
        AUTO(err_free) struct err *e = expand_word(&out, rows[i].text, &env, '\\', 0, NULL);
        if (e)
            assert_string_equal(err_message(e), "V: say so me");
        mem_free(out);
    }
}

struct used_row {
    const char *text;
    const char *env; /* NAME=value;… */
    const char *want;
    const char *set;
    const char *unset;
};

static const struct used_row used_rows[] = {
    {"plain", "OTHER=o", "plain", "", ""},
    {"a ${GONE}", "OTHER=o", "a ", "", "GONE"},
    {"a ${A}", "A=b", "a b", "A", ""},
    {"${A-1} ${B-2} ${C-3}", "A=full;B=", "full  3", "A B", "C"},
    {"${A:-1} ${B:-2} ${C:-3}", "A=full;B=", "full 2 3", "A B", "C"},
    {"${A:-}", "A=full;B=", "full", "A", ""},
    {"${A:-}", "", "", "", "A"},
    {"${A+1} ${B+2} ${C+3}", "A=full;B=", "1 2 ", "A B", "C"},
    {"${A:+1} ${B:+2} ${C:+3}", "A=full;B=", "1  ", "A B", "C"},
    {"${A?1}", "A=full;B=", "full", "A", ""},
    {"${B?2}", "A=full;B=", "", "B", ""},
    {"${C?3}", "A=full;B=", ERROR, "", "C"},
    {"${A:?1}", "A=full;B=", "full", "A", ""},
    {"${B:?2}", "A=full;B=", ERROR, "B", ""},
    {"${C:?3}", "A=full;B=", ERROR, "", "C"},
    {"${C:?}", "A=full;B=", ERROR, "", "C"},
    {"${A=1}", "A=full;B=", ERROR, "", ""},
    {"${A=:1}", "A=full;B=", ERROR, "", ""},
    {"${A=}", "", ERROR, "", ""},
    {"${A#[]{\\}()^$.\\*\\?|\\\\}", "A=[]{}()^$.*?|\\z", "z", "A", ""},
    {"${A%%\\**}", "A=kk**", "kk", "A", ""},
    {"${A#*k*m}", "A=kkmm", "m", "A", ""},
    {"${A#*}", "A=kkmm", "kkmm", "A", ""},
    {"${A#$B}", "A=kkmm;B=k", "kmm", "B A", ""},
    {"${A#$B}", "A=kkmm;B=", "kkmm", "B A", ""},
    {"${A#}", "A=kkmm", "kkmm", "A", ""},
    {"${A##*k}", "A=kkmm", "mm", "A", ""},
    {"${A##}", "A=kkmm", "kkmm", "A", ""},
    {"${A#?\\?}", "A=???m", "?m", "A", ""},
    {"${N:-!}${A%k}${N:-!}", "A=kkmm", "!kkmm!", "A", "N"},
    {"${A%%\\**\\*}", "A=b***mm*", "b", "A", ""},
    {"${A%}", "A=kkmm", "kkmm", "A", ""},
    {"${A%%$B}", "A=kkmm;B=", "kkmm", "B A", ""},
    {"${A:#}", "", ERROR, "", ""},
    {"${A:##}", "", ERROR, "", ""},
    {"${A:%}", "", ERROR, "", ""},
    {"${A:%%}", "", ERROR, "", ""},
    {"${A/$B/-} + ${A//$B/-}", "A=/one*/*/*.h;B=\\*/", "/one-*/*.h + /one--*.h", "B A", ""},
    {"${A/$B/} + ${A//$B/}", "A=/v/v/note.md;B=/v", "/v/note.md + /note.md", "B A", ""},
    {"${A/$B/$C} + ${A//$B/$C}", "A=/p/one/q/r.h;B=/?/;C=/", "/one/q/r.h + /one/r.h", "B C A", ""},
    {"${A/$B/$C}", "A=ftp://h.example;B=ftp://;C=sftp://", "sftp://h.example", "B C A", ""},
    {"${A//\\//\\/}", "A=/var/one.h", "\\/var\\/one.h", "A", ""},
    {"${A/$B/new}", "A=kkmm;B=", "newkkmm", "B A", ""},
    {"${A//new}", "A=kkmm", ERROR, "", ""},
    {"${A//}", "A=kkmm", ERROR, "", ""},
    {"${A///}", "A=kkmm", "kkmm", "A", ""},
    {"${A///}", "", "", "", "A"},
    {"tool-${V}.${OS}-${CPU}${VAR:+-${VAR}}.tgz", "V=2;OS=linux;CPU=arm;VAR=v7", "tool-2.linux-arm-v7.tgz",
     "V OS CPU VAR", ""},
    {"tool-${V}.${OS}-${CPU}${VAR:+-${VAR}}.tgz", "V=2;OS=linux;CPU=arm64;VAR=", "tool-2.linux-arm64.tgz",
     "V OS CPU VAR", ""},
    {"tool-${V}.${OS}-${CPU}${VAR:+-${VAR}}.tgz", "V=2;OS=linux;CPU=arm64", "tool-2.linux-arm64.tgz",
     "V OS CPU", "VAR"},
    /* The last of several values counts; no value is an empty one. */
    {"$A", "", "", "", "A"},
    {"$A", "A=", "", "A", ""},
    {"$A", "A=1", "1", "A", ""},
    {"$A$B", "A=1;B=2", "12", "A B", ""},
    {"$A$B", "A=1;B=2;B=3", "13", "A B", ""},
    {"$KÄSE|${A/o?o/0}", "KÄSE=gouda;A=oäoo", "gouda|0o", "KÄSE A", ""},
    /* Characters, not bytes; and no character but a newline stops a star. */
    {"${A%?}${A#??}", "A=λό", "λ", "A", ""},
    {"${A%é*}", "A=aéb", "a", "A", ""},
    {"${A#*n}|${A%n*}", "A=x\ny n", "x\ny n|x\ny ", "A", ""},
    {"${A//*/z}|${A//k/}", "A=kmk", "z|m", "A", ""},
};

static void used_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(used_rows); i++) {
        const struct used_row *row = &used_rows[i];
        AUTO_VALUE(strmap_wipe) struct strmap map = {0};
        AUTO_VALUE(strlist_wipe) struct strlist pairs = {0};
        strlist_split(&pairs, row->env, ';');
        for (size_t j = 0; j < pairs.count; j++) {
            char *equals = strchr(pairs.item[j], '=');
            *equals = '\0';
            strmap_set(&map, pairs.item[j], equals + 1);
        }
        AUTO_VALUE(expand_used_wipe) struct expand_used used = {0};
        AUTO(mem_free) char *got = run(row->text, &map, 0, &used);
        AUTO(mem_free) char *set = strlist_join(&used.set, " ");
        AUTO(mem_free) char *unset = strlist_join(&used.unset, " ");
        if (!str_eq(got, row->want) || (got && (!str_eq(set, row->set) || !str_eq(unset, row->unset))))
            fail_msg("%s: got %s, set %s, unset %s", row->text, got ? got : "an error", set, unset);
    }
}

/* A backslash in a pattern stands before a special character or is a mistake. */
static void pattern_escapes(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    static const char *const rows[][3] = {
        /* pattern, text, text without its beginning */
        {"*", "ab", ""},           {"?", "ab", "b"},
        {"\\*", "*b", "b"},        {"(()[]{\\}^$.\\*\\?|\\\\", "(()[]{}^$.*?|\\b", "b"},
        {"\\", "ab", ERROR},       {"\\x", "ab", ERROR},
        {"\\\\\\", "ab", ERROR},   {"a\\*c", "a*cd", "d"},
        {"\\\\\\ab", "ab", ERROR}, {"\\\\b", "\\bc", "c"},
        {"\\🚀", "🚀", ERROR},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strmap_set(&map, "P", rows[i][0]);
        strmap_set(&map, "T", rows[i][1]);
        check("${T##$P}", rows[i][2], &map);
    }
    static const char *const ends[][3] = {{"c\\*a", "xc*a", "x"},
                                          {"b", "54321b", "54321"},
                                          {"🖖", "👽🚀🖖", "👽🚀"},
                                          {"?\\*", "aé*", "a"}};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        strmap_set(&map, "P", ends[i][0]);
        strmap_set(&map, "T", ends[i][1]);
        check("${T%$P}", ends[i][2], &map);
    }
}

static void other_escape(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    strmap_set(&map, "DIR", "c:\\temp");
    struct expand_env env = expand_env_map(&map);
    static const char *const rows[][2] = {
        {"$DIR\\a", "c:\\temp\\a"}, {"`$DIR", "$DIR"}, {"\"`\"\\\"", "\"\\"}, {"a` b", "a b"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *out = NULL;
        assert_null(expand_word(&out, rows[i][0], &env, '`', 0, NULL));
        assert_string_equal(out, rows[i][1]);
    }
}

static void flags(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    strmap_set(&map, "A", "1");
    static const struct {
        const char *text;
        unsigned flags;
        const char *want;
    } rows[] = {
        {"'$A' \"$A\" it's", EXPAND_HEREDOC, "'1' \"1\" it's"},
        {"\\$A \\\\ a\\b\n", EXPAND_HEREDOC, "$A \\ ab\n"},
        {"'$A' \"$A\"", EXPAND_RAW_QUOTES, "'$A' \"1\""},
        {"a\\ b", EXPAND_RAW_ESCAPES, "a\\ b"},
        {"$A $B ${B} ${B:-x} ${A:-x} ${B#p} ${B/p/q}", EXPAND_KEEP_UNSET,
         "1 $B ${B} ${B:-x} 1 ${B#p} ${B/p/q}"},
        {"a<b <<c", 0, "a<b <<c"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *got = run(rows[i].text, &map, rows[i].flags, NULL);
        assert_string_equal(got, rows[i].want);
    }
}

static void limit(const char *text, struct strmap *map)
{
    struct expand_env env = expand_env_map(map);
    char *out = NULL;
    AUTO(err_free) struct err *e = expand_word(&out, text, &env, '\\', 0, NULL);
    assert_non_null(e);
    assert_int_equal(err_kind_of(e), ERR_RESOURCE);
}

static void limits(void **state)
{
    (void)state;
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    AUTO_VALUE(buf_wipe) struct buf deep = BUF(BUF_NO_LIMIT);
    for (int i = 0; i < 50000; i++)
        buf_str(&deep, "${a:-");
    limit(deep.data, &map);
    AUTO_VALUE(buf_wipe) struct buf big = BUF(BUF_NO_LIMIT);
    for (int i = 0; i < 30000; i++)
        buf_byte(&big, 'a');
    strmap_set(&map, "BIG", big.data);
    limit("$BIG$BIG$BIG", &map);
    strmap_set(&map, "STARS", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
    check("${BIG##$STARS}", big.data, &map);
    AUTO_VALUE(buf_wipe) struct buf wide = BUF(BUF_NO_LIMIT);
    for (int i = 0; i < 600; i++)
        buf_str(&wide, "?");
    strmap_set(&map, "WIDE", wide.data);
    limit("${BIG#$WIDE}", &map);
}

/* Whatever comes in, an answer or an error comes out. */
static void random_words(void **state)
{
    (void)state;
    static const char *const pieces[] = {"$",  "{",    "}",  "${A", ":-",   "+",  "?", "#",  "%%",
                                         "//", "/",    "\\", "'",   "\"",   "*",  "x", "<<", " ",
                                         "$A", "\xff", "é",  "\t",  "${B:", "$$", "~", "A"};
    AUTO_VALUE(strmap_wipe) struct strmap map = {0};
    strmap_set(&map, "A", "x/y x*\xff é");
    uint32_t random = 12345;
    clock_t end = clock() + CLOCKS_PER_SEC / 2;
    for (unsigned round = 0; round < 200000 && clock() < end; round++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
        buf_str(&text, "");
        unsigned count = 1;
        for (unsigned i = 0; i < count; i++) {
            random = random * 1664525 + 1013904223;
            if (i == 0)
                count = (random >> 20) % 14 + 1;
            else
                buf_str(&text, pieces[(random >> 16) % ARRAY_LEN(pieces)]);
        }
        AUTO(mem_free) char *out = run(text.data, &map, round % 16, NULL);
        struct expand_env env = expand_env_map(&map);
        AUTO_VALUE(strlist_wipe) struct strlist list = {0};
        AUTO(err_free)
        struct err *e = expand_words(&list, text.data, &env, round & 16 ? '`' : '\\', round % 16, NULL);
        assert_true(!e || list.count == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word),       cmocka_unit_test(parameters), cmocka_unit_test(several_words),
        cmocka_unit_test(mandatory),    cmocka_unit_test(used_names), cmocka_unit_test(pattern_escapes),
        cmocka_unit_test(other_escape), cmocka_unit_test(flags),      cmocka_unit_test(limits),
        cmocka_unit_test(random_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
