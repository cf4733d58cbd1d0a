/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/build_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* One command line; what is empty is not said. */
struct line {
    const char *tag, *build_arg, *label, *annotation, *output, *platform, *epoch, *compression, *level;
    bool push, estargz;
};

static void add(struct strlist *list, const char *text)
{
    if (text)
        strlist_add(list, text);
}

static struct err *make(struct build_request *r, const struct line *l)
{
    struct build_settings s = {.epoch = l->epoch,
                               .compression = l->compression,
                               .compression_level = l->level,
                               .push = l->push,
                               .estargz = l->estargz};
    add(&s.tags, l->tag);
    add(&s.build_args, l->build_arg);
    add(&s.labels, l->label);
    add(&s.annotations, l->annotation);
    add(&s.outputs, l->output);
    add(&s.platforms, l->platform);
    struct err *e = build_request_make(r, &s, ".");
    strlist_wipe(&s.tags);
    strlist_wipe(&s.build_args);
    strlist_wipe(&s.labels);
    strlist_wipe(&s.annotations);
    strlist_wipe(&s.outputs);
    strlist_wipe(&s.platforms);
    return e;
}

static void mistakes_are_found_before_anything_is_done(void **state)
{
    (void)state;
    static const struct {
        struct line line;
        enum err_kind kind;
    } cases[] = {
        {{.tag = "App"}, ERR_INPUT},
        {{.tag = ""}, ERR_INPUT},
        {{.tag = "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}, ERR_USAGE},
        {{.build_arg = "=x"}, ERR_USAGE},
        {{.build_arg = ""}, ERR_USAGE},
        {{.label = "=x"}, ERR_USAGE},
        {{.annotation = "novalue"}, ERR_USAGE},
        {{.annotation = "index:a=b"}, ERR_UNSUPPORTED},
        {{.annotation = "manifest,index:a=b"}, ERR_UNSUPPORTED},
        {{.annotation = "manifest[linux/amd64]:a=b"}, ERR_UNSUPPORTED},
        {{.annotation = "manifest-descriptor:a=b"}, ERR_UNSUPPORTED},
        {{.annotation = "layer:a=b"}, ERR_USAGE},
        {{.annotation = ":a=b"}, ERR_USAGE},
        {{.platform = "linux/amd64,linux/arm64"}, ERR_UNSUPPORTED},
        {{.platform = "a/b/c/d/e"}, ERR_USAGE},
        {{.epoch = "x"}, ERR_USAGE},
        {{.epoch = "-1"}, ERR_USAGE},
        {{.epoch = "253402300800"}, ERR_USAGE},
        {{.build_arg = "SOURCE_DATE_EPOCH=x"}, ERR_USAGE},
        {{.compression = "rar"}, ERR_USAGE},
        {{.level = "10"}, ERR_USAGE},
        {{.level = "fastest"}, ERR_USAGE},
        {{.level = "-1"}, ERR_USAGE},
        {{.compression = "zstd", .level = "20"}, ERR_USAGE},
        {{.compression = "gzip", .output = "type=oci,compression=uncompressed"}, ERR_UNSUPPORTED},
        {{.compression = "gzip", .output = "type=oci,compression=estargz"}, ERR_UNSUPPORTED},
        {{.compression = "zstd", .estargz = true}, ERR_USAGE},
        {{.compression = "uncompressed", .estargz = true}, ERR_USAGE},
        {{.estargz = true, .output = "type=oci,compression=zstd"}, ERR_UNSUPPORTED},
        {{.estargz = true, .level = "10"}, ERR_USAGE},
        {{.push = true}, ERR_USAGE},
        {{.output = "type=registry"}, ERR_USAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct build_request r = {0};
        struct err *e = make(&r, &cases[i].line);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), cases[i].kind);
        err_free(e);
    }
}

static void layers_are_compressed_as_asked(void **state)
{
    (void)state;
    static const struct {
        struct line line;
        enum mediatype_compression how;
        int level;
        bool estargz;
    } cases[] = {
        {{0}, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, false},
        {{.compression = "gzip", .level = "9"}, COMPRESSION_GZIP, 9, false},
        {{.level = "fast"}, COMPRESSION_GZIP, COMPRESS_FAST_LEVEL, false},
        {{.level = "default"}, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, false},
        {{.compression = "zstd", .level = "best"}, COMPRESSION_ZSTD, COMPRESS_BEST_LEVEL, false},
        {{.compression = "zstd", .level = "19"}, COMPRESSION_ZSTD, 19, false},
        {{.output = "type=oci,compression=zstd,compression-level=7"}, COMPRESSION_ZSTD, 7, false},
        {{.compression = "uncompressed"}, COMPRESSION_NONE, COMPRESS_DEFAULT_LEVEL, false},
        {{.estargz = true}, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, true},
        {{.estargz = true, .compression = "gzip"}, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, true},
        {{.compression = "estargz", .level = "best"}, COMPRESSION_GZIP, COMPRESS_BEST_LEVEL, true},
        {{.output = "type=oci,compression=estargz"}, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct build_request r = {0};
        assert_null(make(&r, &cases[i].line));
        assert_int_equal(r.options.layer.compression, cases[i].how);
        assert_int_equal(r.options.layer.level, cases[i].level);
        assert_int_equal(r.options.layer.estargz, cases[i].estargz);
        build_request_wipe(&r);
    }
}

static void names_come_from_tags_and_outputs(void **state)
{
    (void)state;
    struct build_request r = {0};
    const struct line line = {.tag = "app:1", .output = "type=registry,\"name=docker.io/library/app:1,x/y\""};
    assert_null(make(&r, &line));
    assert_int_equal(r.tag_count, 2);
    char *first = ref_text(&r.tags[0]);
    char *second = ref_text(&r.tags[1]);
    assert_string_equal(first, "docker.io/library/app:1");
    assert_string_equal(second, "docker.io/x/y:latest");
    assert_true(r.push);
    assert_false(r.stdout_taken);
    free(first);
    free(second);
    build_request_wipe(&r);
}

static void arguments_come_from_the_environment(void **state)
{
    (void)state;
    struct build_request r = {0};
    setenv("LADE_TEST_ARG", "from outside", 1);
    unsetenv("LADE_TEST_NONE");
    assert_null(make(&r, &(struct line){.build_arg = "LADE_TEST_ARG"}));
    assert_string_equal(strmap_get(&r.options.build_args, "LADE_TEST_ARG"), "from outside");
    build_request_wipe(&r);
    assert_null(make(&r, &(struct line){.build_arg = "LADE_TEST_NONE"}));
    assert_null(strmap_get(&r.options.build_args, "LADE_TEST_NONE"));
    build_request_wipe(&r);
    assert_null(
        make(&r, &(struct line){.build_arg = "A=b=c", .label = "only", .annotation = "manifest:k=v"}));
    assert_string_equal(strmap_get(&r.options.build_args, "A"), "b=c");
    assert_string_equal(strmap_get(&r.options.labels, "only"), "");
    assert_string_equal(strmap_get(&r.options.annotations, "k"), "v");
    build_request_wipe(&r);
}

static void the_time_is_chosen(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *build_arg, *option;
        enum build_time time;
        int64_t epoch;
    } cases[] = {
        {NULL, NULL, NULL, BUILD_TIME_EPOCH, BUILD_EPOCH_DEFAULT},
        {"", NULL, NULL, BUILD_TIME_EPOCH, BUILD_EPOCH_DEFAULT},
        {"5", NULL, NULL, BUILD_TIME_EPOCH, 5},
        {"5", "SOURCE_DATE_EPOCH=6", NULL, BUILD_TIME_EPOCH, 6},
        {"5", "SOURCE_DATE_EPOCH=", NULL, BUILD_TIME_EPOCH, 5},
        {"5", "SOURCE_DATE_EPOCH=6", "7", BUILD_TIME_EPOCH, 7},
        {NULL, NULL, "0", BUILD_TIME_EPOCH, 0},
        {"x", NULL, "7", BUILD_TIME_EPOCH, 7},
        {"5", "SOURCE_DATE_EPOCH", NULL, BUILD_TIME_EPOCH, 5},
        {"5", NULL, "none", BUILD_TIME_REAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct build_request r = {0};
        const struct line line = {.build_arg = cases[i].build_arg, .epoch = cases[i].option};
        if (cases[i].environment)
            setenv("SOURCE_DATE_EPOCH", cases[i].environment, 1);
        else
            unsetenv("SOURCE_DATE_EPOCH");
        assert_null(make(&r, &line));
        assert_int_equal(r.options.time, cases[i].time);
        if (cases[i].time == BUILD_TIME_EPOCH)
            assert_int_equal(r.options.epoch, cases[i].epoch);
        build_request_wipe(&r);
    }
    unsetenv("SOURCE_DATE_EPOCH");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_found_before_anything_is_done),
        cmocka_unit_test(layers_are_compressed_as_asked),
        cmocka_unit_test(names_come_from_tags_and_outputs),
        cmocka_unit_test(arguments_come_from_the_environment),
        cmocka_unit_test(the_time_is_chosen),
    };
    unsetenv("SOURCE_DATE_EPOCH");
    unsetenv("DOCKER_DEFAULT_PLATFORM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
