/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "registry/lessons.h"
#include "registry/quirks.h"
#include "registry/registry.h"

#define MIB (UINT64_C(1) << 20)

static void hosts(void **state)
{
    (void)state;
    static const struct {
        const char *host, *name;
    } rows[] = {
        {"ghcr.io", "GitHub"},
        {"GHCR.io:443", "GitHub"},
        {"docker.io", "Docker Hub"},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "Amazon ECR"},
        {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "Amazon ECR"},
        {"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "Amazon ECR"},
        {"123456789012.dkr-ecr.eu-west-1.on.aws", "Amazon ECR"},
        {"public.ecr.aws", "Amazon ECR Public"},
        {"team.azurecr.io", "Azure"},
        {"europe-west1-docker.pkg.dev", "Google Artifact Registry"},
        {"eu.gcr.io", "Google"},
        {"gcr.io", "Google"},
        {"harbor.example.com", NULL},
        {"dkr.ecr.example.com", NULL},
        {"notghcr.io", NULL},
        {"ghcr.io.example.com", NULL},
        {"[::1]:5000", NULL},
        {"127.0.0.1:5000", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!str_eq(quirks_of(rows[i].host)->name, rows[i].name))
            fail_msg("%s: %s", rows[i].host, quirks_of(rows[i].host)->name);
}

static void sizes(void **state)
{
    (void)state;
    const struct quirks *github = quirks_of("ghcr.io");
    check_ok(quirks_check_size(github, "a layer", UINT64_C(10000000000)));
    struct err *e = quirks_check_size(github, "sha256:123", UINT64_C(10000000001));
    assert_non_null(e);
    assert_int_equal(err_kind_of(e), ERR_RESOURCE);
    assert_string_equal(err_message(e),
                        "sha256:123 has 10.0 GB, and GitHub takes at most 10.0 GB in one layer");
    assert_non_null(err_hint_of(e));
    err_free(e);
    check_error(quirks_check_size(quirks_of("public.ecr.aws"), "x", 10001 * MIB), ERR_RESOURCE, "ECR Public");
    check_ok(quirks_check_size(quirks_of("localhost"), "x", UINT64_MAX));
}

/* A layer that is too large is named before anybody is asked. */
static void layers(void **state)
{
    (void)state;
    AUTO(registry_free) struct registry *r = NULL;
    AUTO(store_free) struct store *s = NULL;
    AUTO_VALUE(ref_wipe)
    struct ref ref = {.registry = mem_strdup("ghcr.io"), .repository = mem_strdup("o/app")};
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    struct digest digest = digest_of("x", 1);
    AUTO(source_free) struct source *from = source_mem("x", 1);
    desc_set(&d, "application/vnd.oci.image.layer.v1.tar", &digest, UINT64_C(11000000000));
    check_ok(registry_new(&r, &(struct registry_options){.tries = 1}));
    check_ok(registry_repository(r, &ref, true, &s));
    check_error(store_fits(s, &d), ERR_RESOURCE, "has 11.0 GB, and GitHub takes at most 10.0 GB");
    check_error(store_put(s, &d, from), ERR_RESOURCE, "has 11.0 GB, and GitHub takes at most 10.0 GB");
    assert_int_equal(registry_counts(r).requests, 0);
}

/* What was learned decides how the next blob goes up. */
static void plans(void **state)
{
    (void)state;
    AUTO(lessons_free) struct lessons *l = lessons_new();
    const struct quirks *any = quirks_of("localhost");
    struct upload_plan p;
    lessons_plan(l, any, 0, 100 * MIB, &p);
    assert_true(p.form == UPLOAD_PATCH && p.chunk == UPLOAD_CHUNK && p.chunks && !p.last_in_put);
    lessons_plan(l, any, 10 * MIB, 100 * MIB, &p);
    assert_true(p.form == UPLOAD_CHUNKS && p.chunk == 10 * MIB);
    lessons_plan(l, any, 10 * MIB, 10 * MIB, &p);
    assert_int_equal(p.form, UPLOAD_PATCH);
    lessons_chunk(l, 4 * MIB);
    lessons_chunk(l, 8 * MIB);
    lessons_plan(l, any, 0, 4 * MIB + 1, &p);
    assert_true(p.form == UPLOAD_CHUNKS && p.chunk == 4 * MIB);
    lessons_plan(l, any, 0, 4 * MIB, &p);
    assert_int_equal(p.form, UPLOAD_PATCH);
    lessons_plan(l, quirks_of("public.ecr.aws"), 0, 100 * MIB, &p);
    assert_true(p.chunk == 5 * MIB && p.last_in_put);
    lessons_plan(l, quirks_of("gcr.io"), 4 * MIB, 100 * MIB, &p);
    assert_true(p.form == UPLOAD_PATCH && !p.chunks);
    lessons_form(l, UPLOAD_PUT);
    lessons_plan(l, any, 0, MIB, &p);
    assert_int_equal(p.form, UPLOAD_PUT);
    lessons_no_chunks(l);
    lessons_plan(l, any, 0, 100 * MIB, &p);
    assert_true(p.form == UPLOAD_PATCH && !p.chunks);
}

static void mounts(void **state)
{
    (void)state;
    AUTO(lessons_free) struct lessons *l = lessons_new();
    AUTO(lessons_free) struct lessons *other = lessons_new();
    assert_true(lessons_may_mount(l));
    assert_false(lessons_may_mount(l)); /* until the first has told */
    lessons_mounted(l, true);
    assert_true(lessons_may_mount(l));
    assert_true(lessons_may_mount(l));
    lessons_mounted(l, false);
    lessons_mounted(l, true);
    assert_false(lessons_may_mount(l));
    assert_true(lessons_may_mount(other));
    lessons_mounted(other, false);
    assert_false(lessons_may_mount(other));
}

static void expectations(void **state)
{
    (void)state;
    AUTO(lessons_free) struct lessons *l = lessons_new();
    lessons_expect_ignored(l);
    assert_true(lessons_expect(l));
    lessons_expect_ignored(l);
    assert_false(lessons_expect(l));
    lessons_expect_missed(l);
    assert_true(lessons_expect(l));
    lessons_expect_refused(l);
    assert_false(lessons_expect(l));
    lessons_expect_missed(l);
    assert_false(lessons_expect(l));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hosts),  cmocka_unit_test(sizes),
                                       cmocka_unit_test(layers), cmocka_unit_test(plans),
                                       cmocka_unit_test(mounts), cmocka_unit_test(expectations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
