/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void outputs_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum output_kind kind;
        const char *dest, *names;
        bool push, directory;
    } cases[] = {
        {"-", OUTPUT_TAR, "-", "", false, false},
        {"out", OUTPUT_LOCAL, "out", "", false, false},
        {"./a=b", OUTPUT_LOCAL, "./a=b", "", false, false},
        {"type=tar", OUTPUT_TAR, "-", "", false, false},
        {"type=tar,dest=x.tar", OUTPUT_TAR, "x.tar", "", false, false},
        {"type=local,dest=d", OUTPUT_LOCAL, "d", "", false, false},
        {"TYPE=oci,dest=o.tar", OUTPUT_OCI, "o.tar", "", false, false},
        {"type=oci,dest=o,tar=false", OUTPUT_OCI, "o", "", false, true},
        {"type=docker", OUTPUT_IMAGE, NULL, "", false, false},
        {"type=docker,dest=-", OUTPUT_DOCKER, "-", "", false, false},
        {"type=image,name=a:1", OUTPUT_IMAGE, NULL, "a:1", false, false},
        {"type=image,\"name=a:1,b:2\",push=true", OUTPUT_IMAGE, NULL, "a:1 b:2", true, false},
        {"name=a:1,type=registry", OUTPUT_IMAGE, NULL, "a:1", true, false},
        {"type=image,oci-mediatypes=true,compression=gzip,compression-level=9", OUTPUT_IMAGE, NULL, "", false,
         false},
        {"type=image,annotation.a=b,annotation-manifest.c=d", OUTPUT_IMAGE, NULL, "", false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct output o = {0};
        assert_null(output_parse(&o, cases[i].text));
        char *names = strlist_join(&o.names, " ");
        assert_int_equal(o.kind, cases[i].kind);
        assert_true(str_eq(o.dest, cases[i].dest));
        assert_string_equal(names, cases[i].names);
        assert_int_equal(o.push, cases[i].push);
        assert_int_equal(o.directory, cases[i].directory);
        free(names);
        output_wipe(&o);
    }
}

static void what_it_cannot_do_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_kind kind;
        const char *message;
    } cases[] = {
        {"type=", ERR_USAGE,
         "--output: type: expected image, registry, oci, docker, tar or local, found \"\""},
        {"type=oci,x", ERR_USAGE, "--output: expected key=value, found \"x\""},
        {"dest=a,tar=true", ERR_USAGE, "--output: type is missing"},
        {"type=oci,colour=red", ERR_USAGE, "--output: unknown key \"colour\""},
        {"type=local", ERR_USAGE, "--output: dest, a directory, is missing"},
        {"type=local,dest=-", ERR_USAGE, "--output: dest: a directory cannot be standard output"},
        {"type=tar,dest=", ERR_USAGE, "--output: dest is empty"},
        {"type=image,dest=x", ERR_USAGE, "--output: dest is for oci, docker, tar and local"},
        {"type=tar,push=true", ERR_USAGE, "--output: push is for image and registry"},
        {"type=image,push=maybe", ERR_USAGE, "--output: push: expected true or false, found \"maybe\""},
        {"type=oci,compression=rar", ERR_USAGE,
         "--output: compression: expected gzip, zstd, estargz or uncompressed, found \"rar\""},
        {"type=image,oci-mediatypes=false", ERR_UNSUPPORTED,
         "--output: oci-mediatypes=false is not supported"},
        {"type=image,push-by-digest=true", ERR_UNSUPPORTED, "--output: push-by-digest=true is not supported"},
        {"type=image,annotation-index.a=b", ERR_UNSUPPORTED,
         "--output: annotation-index.a: only annotations of the manifest are supported"},
        {"type=docker,dest=x,tar=false", ERR_UNSUPPORTED,
         "--output: tar=false is supported for type=oci only"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct output o = {0};
        struct err *e = output_parse(&o, cases[i].text);
        assert_non_null(e);
        assert_string_equal(err_message(e), cases[i].message);
        assert_int_equal(err_kind_of(e), cases[i].kind);
        err_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_understood),
        cmocka_unit_test(what_it_cannot_do_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
