/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/str.h"
#include "image/convert.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"

struct world {
    char *path;
    struct store *layout;
    unsigned warnings;
};

static int begin(void **state)
{
    struct world *w = mem_zero(1, sizeof *w);
    w->path = temp_dir();
    ok(layout_open(&w->layout, w->path, LAYOUT_WRITE));
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    store_free(w->layout);
    ok(fs_remove_tree(AT_FDCWD, w->path));
    free(w->path);
    free(w);
    return 0;
}

static void count_warnings(void *ctx, const struct event *e)
{
    ((struct world *)ctx)->warnings += e->kind == EVENT_WARNING;
}

#define OTHER_LAYER(type) "{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST_B "\",\"size\":7}"
#define DOCUMENT(type, config, layers, more)                                              \
    "{\"schemaVersion\":2,\"mediaType\":\"" type "\",\"config\":{\"mediaType\":\"" config \
    "\",\"digest\":\"" DIGEST_A "\",\"size\":5},\"layers\":[" layers "]" more "}"
#define OCI_IMAGE \
    DOCUMENT(MEDIATYPE_OCI_MANIFEST, MEDIATYPE_OCI_CONFIG, OTHER_LAYER(MEDIATYPE_OCI_LAYER_GZIP), "")
#define DOCKER_IMAGE \
    DOCUMENT(MEDIATYPE_DOCKER_MANIFEST, MEDIATYPE_DOCKER_CONFIG, OTHER_LAYER(MEDIATYPE_DOCKER_LAYER_GZIP), "")

static void put(struct world *w, const char *type, const char *text, struct desc *out)
{
    ok(store_write(w->layout, type, text, strlen(text), out));
}

/* The text that the converted root has. */
static char *converted(struct world *w, const struct desc *root, enum convert_to to, struct desc *now)
{
    AUTO(store_free) struct store *store = NULL;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    struct events events = {count_warnings, w};
    bool there = false;
    ok(convert_image(&store, w->layout, root, to, &events, now));
    ok(store_has(store, now, &there));
    assert_true(there);
    ok(store_read(store, now, &bytes));
    struct digest digest = digest_of(buf_text(&bytes), bytes.len);
    assert_true(digest_equal(&digest, &now->digest));
    assert_int_equal(bytes.len, now->size);
    return buf_take(&bytes);
}

static void convert_text(struct world *w, const char *type, const char *text, enum convert_to to,
                         const char *type_after, const char *after)
{
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    put(w, type, text, &root);
    AUTO(mem_free) char *result = converted(w, &root, to, &now);
    assert_string_equal(result, after);
    assert_string_equal(now.media_type, type_after);
}

static void test_manifest_both_ways(void **state)
{
    struct world *w = *state;
    convert_text(w, MEDIATYPE_OCI_MANIFEST, OCI_IMAGE, CONVERT_DOCKER, MEDIATYPE_DOCKER_MANIFEST,
                 DOCKER_IMAGE);
    convert_text(w, MEDIATYPE_DOCKER_MANIFEST, DOCKER_IMAGE, CONVERT_OCI, MEDIATYPE_OCI_MANIFEST, OCI_IMAGE);
}

/* Formatting, unknown keys, a missing mediaType: nothing to change, nothing changed. */
static void test_same_family_keeps_bytes(void **state)
{
    struct world *w = *state;
    static const char text[] =
        "{ \"schemaVersion\": 2,\n \"x\": [1], \"config\": {\"mediaType\":\"" MEDIATYPE_OCI_CONFIG
        "\",\"digest\":\"" DIGEST_A "\",\"size\":5},\n \"layers\": []\n}\n";
    convert_text(w, MEDIATYPE_OCI_MANIFEST, text, CONVERT_OCI, MEDIATYPE_OCI_MANIFEST, text);
    convert_text(w, MEDIATYPE_DOCKER_MANIFEST, DOCKER_IMAGE, CONVERT_DOCKER, MEDIATYPE_DOCKER_MANIFEST,
                 DOCKER_IMAGE);
}

/* A Docker layer in an OCI manifest, as some builders over a Docker base have made. */
static void test_mixed_family_is_mended(void **state)
{
    struct world *w = *state;
    convert_text(w, MEDIATYPE_OCI_MANIFEST,
                 DOCUMENT(MEDIATYPE_OCI_MANIFEST, MEDIATYPE_DOCKER_CONFIG,
                          OTHER_LAYER(MEDIATYPE_DOCKER_LAYER_GZIP), ""),
                 CONVERT_OCI, MEDIATYPE_OCI_MANIFEST, OCI_IMAGE);
}

static void test_docker_has_no_annotations(void **state)
{
    struct world *w = *state;
    convert_text(w, MEDIATYPE_OCI_MANIFEST,
                 DOCUMENT(MEDIATYPE_OCI_MANIFEST, MEDIATYPE_OCI_CONFIG, OTHER_LAYER(MEDIATYPE_OCI_LAYER_GZIP),
                          ",\"annotations\":{\"a\":\"b\"}"),
                 CONVERT_DOCKER, MEDIATYPE_DOCKER_MANIFEST, DOCKER_IMAGE);
}

static void test_no_twin(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {
        DOCUMENT(MEDIATYPE_OCI_MANIFEST, MEDIATYPE_OCI_CONFIG, OTHER_LAYER(MEDIATYPE_OCI_LAYER_ZSTD), ""),
        DOCUMENT(MEDIATYPE_OCI_MANIFEST, "application/vnd.oci.empty.v1+json", "", "")};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_VALUE(desc_wipe) struct desc root = {0};
        AUTO_VALUE(desc_wipe) struct desc now = {0};
        struct store *store = NULL;
        put(w, MEDIATYPE_OCI_MANIFEST, texts[i], &root);
        refused(convert_image(&store, w->layout, &root, CONVERT_DOCKER, NULL, &now), ERR_UNSUPPORTED,
                "there is no type of Docker for application/vnd.oci");
        assert_null(store);
    }
}

static void test_index(void **state)
{
    struct world *w = *state;
    AUTO_VALUE(desc_wipe) struct desc image = {0};
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    char digest[DIGEST_TEXT], digest_after[DIGEST_TEXT];
    put(w, MEDIATYPE_OCI_MANIFEST, OCI_IMAGE, &image);
    digest_text(&image.digest, digest);
    AUTO(mem_free)
    char *index = mem_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIATYPE_OCI_INDEX
        "\",\"manifests\":[{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST
        "\",\"digest\":\"%s\",\"size\":%llu,\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}},"
        "{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST "\",\"digest\":\"" DIGEST_B
        "\",\"size\":9,\"platform\":{\"architecture\":\"unknown\",\"os\":\"unknown\"}}]}",
        digest, (unsigned long long)image.size);
    put(w, MEDIATYPE_OCI_INDEX, index, &root);
    AUTO(mem_free) char *list = converted(w, &root, CONVERT_DOCKER, &now);
    struct digest child = digest_of(DOCKER_IMAGE, strlen(DOCKER_IMAGE));
    AUTO(mem_free)
    char *expected = mem_printf(
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIATYPE_DOCKER_LIST
        "\",\"manifests\":[{\"mediaType\":\"" MEDIATYPE_DOCKER_MANIFEST
        "\",\"digest\":\"%s\",\"size\":%zu,\"platform\":{\"architecture\":\"amd64\",\"os\":\"linux\"}}]}",
        digest_text(&child, digest_after), strlen(DOCKER_IMAGE));
    assert_string_equal(list, expected);
    assert_int_equal(w->warnings, 1); /* the attestation */
}

/* Indexes that name each other's children many times over, to great depth. */
static void test_deep_and_wide(void **state)
{
    struct world *w = *state;
    AUTO_VALUE(desc_wipe) struct desc at = {0};
    AUTO_VALUE(desc_wipe) struct desc now = {0};
    struct store *store = NULL;
    put(w, MEDIATYPE_OCI_MANIFEST, OCI_IMAGE, &at);
    for (unsigned level = 0; level < 9; level++) {
        AUTO_VALUE(buf_wipe) struct buf text = BUF(MANIFEST_SIZE_MAX);
        char digest[DIGEST_TEXT];
        buf_str(&text, "{\"schemaVersion\":2,\"manifests\":[");
        for (unsigned i = 0; i < 50; i++)
            buf_printf(&text, "%s{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%llu}", i ? "," : "",
                       at.media_type, digest_text(&at.digest, digest), (unsigned long long)at.size);
        buf_str(&text, "]}");
        put(w, MEDIATYPE_OCI_INDEX, buf_text(&text), &at);
        if (level == 6) {
            ok(convert_image(&store, w->layout, &at, CONVERT_DOCKER, NULL, &now));
            store_free(TAKE(store));
        }
    }
    refused(convert_image(&store, w->layout, &at, CONVERT_DOCKER, NULL, &now), ERR_RESOURCE, "nested deeper");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_manifest_both_ways, begin, end),
        cmocka_unit_test_setup_teardown(test_same_family_keeps_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_mixed_family_is_mended, begin, end),
        cmocka_unit_test_setup_teardown(test_docker_has_no_annotations, begin, end),
        cmocka_unit_test_setup_teardown(test_no_twin, begin, end),
        cmocka_unit_test_setup_teardown(test_index, begin, end),
        cmocka_unit_test_setup_teardown(test_deep_and_wide, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
