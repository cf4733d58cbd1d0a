/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "cli/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void places_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum place_kind kind;
        const char *name; /* in the store or the registry */
        const char *path, *tag;
    } cases[] = {
        {"app", PLACE_STORE, "docker.io/library/app:latest", NULL, NULL},
        {"ghcr.io/o/app:1", PLACE_STORE, "ghcr.io/o/app:1", NULL, NULL},
        {"localhost:5000/app", PLACE_STORE, "localhost:5000/app:latest", NULL, NULL},
        {"sha256:" HEX, PLACE_STORE, "sha256:" HEX, NULL, NULL},
        {"app:1@sha256:" HEX, PLACE_STORE, "sha256:" HEX, NULL, NULL},
        {"sha256:1", PLACE_STORE, "docker.io/library/sha256:1", NULL, NULL},
        {"oci", PLACE_STORE, "docker.io/library/oci:latest", NULL, NULL},
        {"dir:1", PLACE_STORE, "docker.io/library/dir:1", NULL, NULL},
        {"docker://app", PLACE_REGISTRY, "docker.io/library/app:latest", NULL, NULL},
        {"docker://localhost:5000/app:1", PLACE_REGISTRY, "localhost:5000/app:1", NULL, NULL},
        {"oci:dir", PLACE_OCI_DIR, NULL, "dir", NULL},
        {"oci:/a/b:1", PLACE_OCI_DIR, NULL, "/a/b", "1"},
        {"oci:dir:docker.io/library/app:1", PLACE_OCI_DIR, NULL, "dir", "docker.io/library/app:1"},
        {"oci-archive:a.tar", PLACE_OCI_ARCHIVE, NULL, "a.tar", NULL},
        {"oci-archive:a.tar:x", PLACE_OCI_ARCHIVE, NULL, "a.tar", "x"},
        {"docker-archive:a.tar:app:1", PLACE_DOCKER_ARCHIVE, NULL, "a.tar", "app:1"},
        {"docker-archive:-", PLACE_DOCKER_ARCHIVE, NULL, "-", NULL},
        {"-", PLACE_OCI_ARCHIVE, NULL, "-", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct place p = {0};
        assert_null(place_parse(&p, cases[i].text));
        assert_int_equal(p.kind, cases[i].kind);
        assert_string_equal(p.shown, cases[i].text);
        assert_true(str_eq(p.path, cases[i].path));
        assert_true(str_eq(p.tag, cases[i].tag));
        if (cases[i].name) {
            char *name = place_store_name(&p.ref);
            assert_string_equal(name, cases[i].name);
            free(name);
        }
        place_wipe(&p);
    }
}

static void what_is_no_place_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_kind kind;
    } cases[] = {
        {"", ERR_INPUT},
        {"App", ERR_INPUT},
        {"docker://", ERR_INPUT},
        {"docker://b/A", ERR_INPUT},
        {"oci:", ERR_USAGE},
        {"oci::tag", ERR_USAGE},
        {"oci:dir:", ERR_USAGE},
        {"oci-archive:", ERR_USAGE},
        {"docker-daemon:app/x:1", ERR_USAGE},
        {"dir:/tmp/x", ERR_USAGE},
        {"containers-storage:[overlay]/x", ERR_USAGE},
        {"https://example.com/x", ERR_USAGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct place p = {0};
        struct err *e = place_parse(&p, cases[i].text);
        assert_non_null(e);
        assert_int_equal(err_kind_of(e), cases[i].kind);
        err_free(e);
    }
}

static void names_in_layouts_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"oci:d", true},
        {"oci:d:1", true},
        {"oci:d:docker.io/library/app:1.2-rc_3+x@y", true},
        {"oci:d:a--b", true},
        {"oci:d:a---b", false},
        {"oci:d:bad tag", false},
        {"oci-archive:f:.", false},
        {"oci:d:a..b", false},
        {"oci:d:a/", false},
        {"oci:d:/a", false},
        {"oci:d:\xc3\xa4", false},
        {"docker-archive:f:app:1", true},
        {"app:1", true},
        {"-", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(place_wipe) struct place p = {0};
        assert_null(place_parse(&p, cases[i].text));
        struct err *e = place_check_target(&p);
        if (cases[i].good)
            assert_null(e);
        else
            assert_int_equal(err_kind_of(e), ERR_INPUT);
        err_free(e);
    }
}

static void repositories_and_registries(void **state)
{
    (void)state;
    static const struct {
        const char *text, *registry, *repository; /* no registry: refused */
    } cases[] = {
        {"docker://localhost:5000/app", "localhost:5000", "app"},
        {"docker://localhost:5000", "localhost:5000", NULL},
        {"docker://localhost:5000/", "localhost:5000", NULL},
        {"docker://localhost", "localhost", NULL},
        {"docker://ghcr.io", "ghcr.io", NULL},
        {"docker://[::1]:5000", "[::1]:5000", NULL},
        {"docker://[::1]:5000/a/b", "[::1]:5000", "a/b"},
        {"docker://alpine", "docker.io", "library/alpine"},
        {"docker://o/alpine", "docker.io", "o/alpine"},
        {"docker://ghcr.io/o/app", "ghcr.io", "o/app"},
        {"docker://localhost:5000/app:1", NULL, NULL},
        {"docker://localhost:5000/app@sha256:" HEX, NULL, NULL},
        {"docker://o/alpine:3", NULL, NULL},
        {"docker://ghcr.io/o/app/", NULL, NULL},
        {"docker:///", NULL, NULL},
        {"docker://", NULL, NULL},
        {"docker://:/", NULL, NULL},
        {"docker://-bad.host", NULL, NULL},
        {"docker://host.a b", NULL, NULL},
        {"app", NULL, NULL},
        {"oci:dir", NULL, NULL},
        {"localhost:5000/app", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_VALUE(ref_wipe) struct ref ref = {0};
        struct err *e = place_parse_repository(&ref, cases[i].text);
        if (!e != (cases[i].registry != NULL))
            fail_msg("%s: %s", cases[i].text, e ? err_message(e) : "taken");
        if (!e && (!str_eq(ref.registry, cases[i].registry) || !str_eq(ref.repository, cases[i].repository)))
            fail_msg("%s: %s and %s", cases[i].text, ref.registry, ref.repository ? ref.repository : "none");
        err_free(e);
    }
    assert_true(place_has_tag("docker://localhost:5000/app:1"));
    assert_true(place_has_tag("app@sha256:" HEX));
    assert_false(place_has_tag("docker://localhost:5000/app"));
    assert_false(place_has_tag("app"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_told_apart),
        cmocka_unit_test(what_is_no_place_is_refused),
        cmocka_unit_test(names_in_layouts_are_checked),
        cmocka_unit_test(repositories_and_registries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
