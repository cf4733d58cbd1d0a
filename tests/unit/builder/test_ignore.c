/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "builder/ignore.h"

#define TEXT(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct ignore *list(const char *const *patterns)
{
    AUTO_VALUE(strlist_wipe) struct strlist items = {0};
    struct ignore *i = NULL;
    for (size_t at = 0; patterns[at]; at++)
        strlist_add(&items, patterns[at]);
    check_ok(ignore_from_list(&i, &items, "--exclude"));
    return i;
}

/* The answer of a walk that hands each directory's result down. */
static bool walk(const struct ignore *i, const char *path)
{
    AUTO(mem_free) struct ignore_state *parent = NULL;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        AUTO(mem_free) char *dir = mem_strndup(path, (size_t)(slash - path));
        struct ignore_state *state = NULL;
        (void)ignore_matches_below(i, dir, parent, &state);
        mem_free(parent);
        parent = state;
    }
    return ignore_matches_below(i, path, parent, NULL);
}

/* All ways to ask must agree. */
static void check(const char *const *patterns, const char *path, bool want)
{
    AUTO(ignore_free) struct ignore *i = list(patterns);
    bool enter = false;
    size_t line = 7;
    bool by_path = ignore_matches(i, path);
    bool by_walk = walk(i, path);
    bool by_skip = ignore_skip(i, path, false, &enter);
    bool by_reason = ignore_reason(i, path, &line) != NULL;
    if (by_path != want || by_walk != want || by_skip != want || by_reason != want)
        fail_msg("%s … on %s: path %d, walk %d, skip %d, reason %d", patterns[0], path, by_path, by_walk,
                 by_skip, by_reason);
}

/* The table of the reference matcher. */
static void reference_table(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"**", "file", true},
        {"**", "file/", true},
        {"**/", "file", true},
        {"**/", "file/", true},
        {"**", "/", true},
        {"**/", "/", true},
        {"**", "dir/file", true},
        {"**/", "dir/file", true},
        {"**", "dir/file/", true},
        {"**/", "dir/file/", true},
        {"**/**", "dir/file", true},
        {"**/**", "dir/file/", true},
        {"dir/**", "dir/file", true},
        {"dir/**", "dir/file/", true},
        {"dir/**", "dir/dir2/file", true},
        {"dir/**", "dir/dir2/file/", true},
        {"**/dir", "dir", true},
        {"**/dir", "dir/file", true},
        {"**/dir2/*", "dir/dir2/file", true},
        {"**/dir2/*", "dir/dir2/file/", true},
        {"**/dir2/**", "dir/dir2/dir3/file", true},
        {"**/dir2/**", "dir/dir2/dir3/file/", true},
        {"**file", "file", true},
        {"**file", "dir/file", true},
        {"**/file", "dir/file", true},
        {"**file", "dir/dir/file", true},
        {"**/file", "dir/dir/file", true},
        {"**/file*", "dir/dir/file", true},
        {"**/file*", "dir/dir/file.txt", true},
        {"**/file*txt", "dir/dir/file.txt", true},
        {"**/file*.txt", "dir/dir/file.txt", true},
        {"**/file*.txt*", "dir/dir/file.txt", true},
        {"**/**/*.txt", "dir/dir/file.txt", true},
        {"**/**/*.txt2", "dir/dir/file.txt", false},
        {"**/*.txt", "file.txt", true},
        {"**/**/*.txt", "file.txt", true},
        {"a**/*.txt", "a/file.txt", true},
        {"a**/*.txt", "a/dir/file.txt", true},
        {"a**/*.txt", "a/dir/dir/file.txt", true},
        {"a/*.txt", "a/dir/file.txt", false},
        {"a/*.txt", "a/file.txt", true},
        {"a/*.txt**", "a/file.txt", true},
        {"a[b-d]e", "ae", false},
        {"a[b-d]e", "ace", true},
        {"a[b-d]e", "aae", false},
        {"a[^b-d]e", "aze", true},
        {".*", ".foo", true},
        {".*", "foo", false},
        {"abc.def", "abcdef", false},
        {"abc.def", "abc.def", true},
        {"abc.def", "abcZdef", false},
        {"abc?def", "abcZdef", true},
        {"abc?def", "abcdef", false},
        {"a\\\\", "a\\", true},
        {"**/foo/bar", "foo/bar", true},
        {"**/foo/bar", "dir/foo/bar", true},
        {"**/foo/bar", "dir/dir2/foo/bar", true},
        {"abc/**", "abc", false},
        {"abc/**", "abc/def", true},
        {"abc/**", "abc/def/ghi", true},
        {"**/.foo", ".foo", true},
        {"**/.foo", "bar.foo", false},
        {"a(b)c/def", "a(b)c/def", true},
        {"a(b)c/def", "a(b)c/xyz", false},
        {"a.|)$(}+{bc", "a.|)$(}+{bc", true},
        {"dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
         "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true},
        {"dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true},
        {"a\\*b", "a*b", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(TEXT(rows[i].pattern), rows[i].path, rows[i].match);
}

static void reference_exceptions(void **state)
{
    static const char wheel[] = "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl";
    (void)state;
    check(TEXT("**", "!util/docker/web"), "util/docker/web/foo", false);
    check(TEXT("**", "!util/docker/web", "util/docker/web/foo"), "util/docker/web/foo", true);
    check(TEXT("**", "!dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"), wheel, false);
    check(TEXT("**", "!dist/*.whl"), wheel, false);
    check(TEXT("*"), "fileutils.go", true);
    check(TEXT("*.go"), "fileutils.go", true);
    check(TEXT("!fileutils.go", "*.go"), "fileutils.go", true);
    check(TEXT("docs", "!docs/README.md"), "docs/README.md", false);
    check(TEXT("docs/", "!docs/README.md"), "docs/README.md", false);
    check(TEXT("docs/*", "!docs/README.md"), "docs/README.md", false);
    check(TEXT("*.go", "!fileutils.go"), "fileutils.go", false);
    check(TEXT(""), "any/path/there", false);
}

/* The reference matcher's version of Go's table for Match: here a match of a parent counts. */
static void reference_match_table(void **state)
{
    static const struct {
        const char *pattern, *path;
        int match; /* -1: not valid */
    } rows[] = {
        {"abc", "abc", 1},
        {"*", "abc", 1},
        {"*c", "abc", 1},
        {"a*", "a", 1},
        {"a*", "abc", 1},
        {"a*", "ab/c", 1},
        {"a*/b", "abc/b", 1},
        {"a*/b", "a/c/b", 0},
        {"a*b*c*d*e*/f", "axbxcxdxe/f", 1},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/f", 1},
        {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", 0},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", 0},
        {"a*b?c*x", "abxbbxdbxebxczzx", 1},
        {"a*b?c*x", "abxbbxdbxebxczzy", 0},
        {"ab[c]", "abc", 1},
        {"ab[b-d]", "abc", 1},
        {"ab[e-g]", "abc", 0},
        {"ab[^c]", "abc", 0},
        {"ab[^b-d]", "abc", 0},
        {"ab[^e-g]", "abc", 1},
        {"a\\*b", "a*b", 1},
        {"a\\*b", "ab", 0},
        {"a?b",
         "a\xe2\x98\xba"
         "b",
         1},
        {"a[^a]b",
         "a\xe2\x98\xba"
         "b",
         1},
        {"a???b",
         "a\xe2\x98\xba"
         "b",
         0},
        {"a[^a][^a][^a]b",
         "a\xe2\x98\xba"
         "b",
         0},
        {"[a-\xce\xb6]*", "\xce\xb1", 1},
        {"*[a-\xce\xb6]", "A", 0},
        {"a?b", "a/b", 0},
        {"a*b", "a/b", 0},
        {"[\\]a]", "]", 1},
        {"[\\-]", "-", 1},
        {"[x\\-]", "x", 1},
        {"[x\\-]", "-", 1},
        {"[x\\-]", "z", 0},
        {"[\\-x]", "x", 1},
        {"[\\-x]", "-", 1},
        {"[\\-x]", "a", 0},
        {"[]a]", "]", -1},
        {"[-]", "-", -1},
        {"[x-]", "x", -1},
        {"[x-]", "-", -1},
        {"[x-]", "z", -1},
        {"[-x]", "x", -1},
        {"[-x]", "-", -1},
        {"[-x]", "a", -1},
        {"\\", "a", -1},
        {"[a-b-c]", "a", -1},
        {"[", "a", -1},
        {"[^", "a", -1},
        {"[^bc", "a", -1},
        {"a[", "a", -1},
        {"a[", "ab", -1},
        {"*x", "xxx", 1},
        {"!", "fileutils.go", -1},
        {"[Local-Only]/", "x", -1}, /* a range that goes backwards */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist items = {0};
        AUTO(ignore_free) struct ignore *ignore = NULL;
        strlist_add(&items, rows[i].pattern);
        if (rows[i].match < 0)
            check_error(ignore_from_list(&ignore, &items, "--exclude"), ERR_INPUT, "is not valid");
        else
            check(TEXT(rows[i].pattern), rows[i].path, rows[i].match == 1);
    }
}

/* What the reference's table of compiled patterns says, by answers. */
static void forms(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        /* "**text" is a plain suffix, but with another wildcard it begins a component */
        {"**file", "dir/xfile", true},
        {"**file*", "dir/xfile", false},
        {"**file*", "dir/file1", true},
        {"abc**", "abcdef/x", true},
        {"a**b", "a/x/b", true},
        {"a**b", "axb", false},
        {"a**b", "ax/b", true},
        {"a**b", "ab", true},
        {"**/**", "a", true},
        {"**/dir2/**", "dir2", false},
        {"a]*", "a]b", true},
        {"a[]*", "a", false},
        /* a wildcard inside [] is translated too */
        {"[*]", "*", false},
        {"[?]", "^]", true},
        {"[*]", "[/]", true},
        {"a^b", "a^b", true},
        {"a^b*", "a^bc", false},
        {"^a*", "ab", true},
        {"\\d", "7", true},
        {"\\d", "d", false},
        {"\\D\\w\\W\\s\\S", "a_- x", true},
        {"[\\d]x[\\Da]", "1xb", true},
        {"\\t\\n", "\t\n", true},
        {"[[:alpha:]]x*", "bx", true},
        {"[[:^alpha:]]x*", "bx", false},
        {"[[:word:]-]*", "-", true},
        {"\\\xc3\xa9", "x", false},
        {"**/x?", "a\nb/x1", false}, /* any text stops at a newline */
        {"?", "\xff", true},
        {"\xff?",
         "\xfe"
         "a",
         true},
        {"\xff", "\xfe", false},
        /* "|" is not made ordinary, and parts all that is before it from all behind */
        {"a|b*", "ax/y", true},
        {"a|b*", "xb1", true},
        {"a|b*", "xb1/y", true},
        {"a|b*", "xc", false},
        {"a|b", "a", false},
        {"a*|", "x", true},
        {"{a,b}*", "{a,b}1", true},
        {"a{,2}*", "a{,2}", true},
        {"a{2}", "a{2}", true},
        {"a\\{1}*", "a{1}2", true},
        /* what no star led to is not checked as Go does it */
        {"f*[x-]", "f1-", true},
        {"f*[]x]", "f1]", true},
        {"/a", "a", false}, /* only the reader of files takes the slash away */
        {"../a", "a", false},
        {"a/../b", "b", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(strlist_wipe) struct strlist items = {0};
        AUTO(ignore_free) struct ignore *ignore = NULL;
        strlist_add(&items, rows[i].pattern);
        struct err *e = ignore_from_list(&ignore, &items, "--exclude");
        if (e && !rows[i].match) {
            err_free(e);
            continue;
        }
        check_ok(e);
        if (ignore_matches(ignore, rows[i].path) != rows[i].match)
            fail_msg("%s on %s", rows[i].pattern, rows[i].path);
    }
}

/* The lines of a file become patterns as the reference's reader makes them. */
static void file_lines(void **state)
{
    static const char text[] = "\xef\xbb\xbftest1\r\n"
                               "/test2\n"
                               "/a/file/here\n"
                               "\n"
                               "lastfile\n"
                               "# this is a comment\n"
                               " #spaced\n"
                               "! /inverted/abs/path\n"
                               "\xc2\xa0 wide \xe3\x80\x80\n"
                               "x//y/./z/\n"
                               "inverted\n"
                               "!inverted/abs/path/again";
    AUTO(ignore_free) struct ignore *i = NULL;
    size_t line = 0;
    (void)state;
    check_ok(ignore_parse(&i, text, strlen(text), "app/.dockerignore"));
    assert_int_equal(ignore_count(i), 10);
    assert_true(ignore_has_exceptions(i));
    assert_string_equal(ignore_name(i), "app/.dockerignore");
    assert_true(ignore_matches(i, "test1"));
    assert_true(ignore_matches(i, "test2"));
    assert_true(ignore_matches(i, "a/file/here/too"));
    assert_false(ignore_matches(i, "b/a/file/here"));
    assert_true(ignore_matches(i, "#spaced"));
    assert_true(ignore_matches(i, "wide"));
    assert_true(ignore_matches(i, "x/y/z"));
    assert_true(ignore_matches(i, "inverted/abs/path"));
    assert_false(ignore_matches(i, "inverted/abs/path/again"));
    assert_string_equal(ignore_reason(i, "x/y/z/1", &line), "x/y/z");
    assert_int_equal(line, 10);
    assert_null(ignore_reason(i, "other", &line));
}

static void file_errors(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *part;
    } rows[] = {
        {"a\nb[\n", 0, "d/.dockerignore:2: pattern \"b[\" is not valid: the [ is not closed"},
        {"a\\", 0, "d/.dockerignore:1: pattern \"a\\\" is not valid: the \\ at its end"},
        {"\n\n!\n", 0, ":3: pattern \"!\" is not valid"},
        {"! \n", 0, ":1: pattern \"!\" is not valid"},
        {"!/\n", 0, ":1: pattern \"!\" is not valid"},
        {"x[]\n", 0, ":1: pattern"},
        {"[z-a]\n", 0, "goes backwards"},
        {"[[:nix:]]\n", 0, "is not known"},
        {"\\b\n", 0, "has no meaning"},
        {"a{2,}*\n", 0, "a count in {}"},
        {"a\0b\n", 4, "NUL"},
    };
    (void)state;
    for (size_t at = 0; at < ARRAY_LEN(rows); at++) {
        AUTO(ignore_free) struct ignore *i = NULL;
        size_t len = rows[at].len ? rows[at].len : strlen(rows[at].text);
        check_error(ignore_parse(&i, rows[at].text, len, "d/.dockerignore"), ERR_INPUT, rows[at].part);
    }
}

static void limits(void **state)
{
    AUTO(ignore_free) struct ignore *i = NULL;
    AUTO(mem_free) char *text = mem_alloc(IGNORE_MAX_BYTES + 1);
    (void)state;
    memset(text, '\n', IGNORE_MAX_BYTES + 1);
    check_error(ignore_parse(&i, text, IGNORE_MAX_BYTES + 1, "f"), ERR_RESOURCE, "larger than");
    check_ok(ignore_parse(&i, text, IGNORE_MAX_BYTES, "f"));
    ignore_free(TAKE(i));
    memset(text, 'a', IGNORE_MAX_LINE + 1);
    check_error(ignore_parse(&i, text, IGNORE_MAX_LINE + 1, "f"), ERR_RESOURCE, "f:1: the line");
    check_ok(ignore_parse(&i, text, IGNORE_MAX_LINE, "f"));
    ignore_free(TAKE(i));
    for (size_t at = 0; at <= IGNORE_MAX_PATTERNS; at++)
        memcpy(text + 2 * at, "a\n", 2);
    check_error(ignore_parse(&i, text, 2 * (IGNORE_MAX_PATTERNS + 1), "f"), ERR_RESOURCE, "patterns");
    check_ok(ignore_parse(&i, text, (size_t)2 * IGNORE_MAX_PATTERNS, "f"));
}

static void empty(void **state)
{
    AUTO(ignore_free) struct ignore *i = NULL;
    size_t line = 0;
    (void)state;
    assert_false(ignore_matches(NULL, "a"));
    assert_int_equal(ignore_count(NULL), 0);
    assert_false(ignore_has_exceptions(NULL));
    assert_null(ignore_reason(NULL, "a", &line));
    check_ok(ignore_parse(&i, "", 0, "f"));
    assert_false(ignore_matches(i, "a"));
}

/* What a walk of a context leaves out and where it still looks inside. */
static void walks(void **state)
{
    static const struct {
        const char *path;
        bool dir, skip, enter;
    } rows[] = {
        {"docs", true, true, true},
        {"docs/a.txt", false, true, false},
        {"docs/README.md", false, false, false},
        {"docs/deep", true, true, false},
        {"src", true, false, false},
        {"src/a.o", false, true, false},
        {"src/sub", true, false, false},
        {"src/sub/b.o", false, true, false},
        {"src/z", true, false, false},
        {"vendor", true, true, false},
    };
    AUTO(ignore_free) struct ignore *i = list(TEXT("docs", "**/*.o", "vendor/", "!docs/README.md"));
    (void)state;
    for (size_t at = 0; at < ARRAY_LEN(rows); at++) {
        bool enter = false;
        bool skip = ignore_skip(i, rows[at].path, rows[at].dir, &enter);
        if (skip != rows[at].skip || enter != rows[at].enter)
            fail_msg("%s: skip %d, enter %d", rows[at].path, skip, enter);
    }
}

static void reenters(void **state)
{
    AUTO(ignore_free) struct ignore *plain = list(TEXT("*", "!a/b/**", "!c/*"));
    AUTO(ignore_free) struct ignore *wild = list(TEXT("*", "!**/x"));
    AUTO(ignore_free) struct ignore *select = list(TEXT("a/b/c", "!z"));
    (void)state;
    assert_true(ignore_may_reenter(plain, "a"));
    assert_true(ignore_may_reenter(plain, "a/b"));
    assert_false(ignore_may_reenter(plain, "a/c"));
    assert_false(ignore_may_reenter(plain, "a/bc"));
    assert_true(ignore_may_reenter(plain, "c"));
    assert_false(ignore_may_reenter(plain, "z"));
    assert_true(ignore_may_reenter(wild, "anything"));
    assert_true(ignore_may_match_below(select, "a/b"));
    assert_false(ignore_may_match_below(select, "b"));
    assert_false(ignore_may_match_below(select, "z"));
}

/* An exception that was not tried for a directory is not remembered as a match of it: the reference's walk
 * has this mark. */
static void order_of_rules(void **state)
{
    (void)state;
    check(TEXT("**/x", "!d"), "d/x", true);
    check(TEXT("d", "!d/a", "d/a/b"), "d/a/b", true);
    check(TEXT("d", "!d/a", "d/a/b"), "d/a/c", false);
    check(TEXT("*", "!a", "!b/*"), "b/x/y", false);
    check(TEXT("foo*", "!foo/bar2"), "foo/bar2", false);
    check(TEXT("foo*", "!foo/bar2"), "foo2", true);
}

/* The pattern has thousands of stars; the time must stay that of pattern times path. */
static void stays_fast(void **state)
{
    char pattern[4001], path[2001];
    (void)state;
    for (size_t at = 0; at < 1000; at++)
        memcpy(pattern + 4 * at, at % 2 ? "*a*a" : "**/a", 4);
    pattern[4000] = '\0';
    memset(path, 'a', 2000);
    path[1999] = 'b';
    path[2000] = '\0';
    check(TEXT(pattern), path, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_table),
        cmocka_unit_test(reference_exceptions),
        cmocka_unit_test(reference_match_table),
        cmocka_unit_test(forms),
        cmocka_unit_test(file_lines),
        cmocka_unit_test(file_errors),
        cmocka_unit_test(limits),
        cmocka_unit_test(empty),
        cmocka_unit_test(walks),
        cmocka_unit_test(reenters),
        cmocka_unit_test(order_of_rules),
        cmocka_unit_test(stays_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
