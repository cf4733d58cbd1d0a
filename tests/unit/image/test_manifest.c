/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/buf.h"
#include "base/str.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#define CONFIG "{\"mediaType\":\"" MEDIATYPE_OCI_CONFIG "\",\"digest\":\"" DIGEST_A "\",\"size\":2}"
#define LAYER "{\"mediaType\":\"" MEDIATYPE_OCI_LAYER_GZIP "\",\"digest\":\"" DIGEST_B "\",\"size\":3}"
#define CHILD(os, architecture)                                            \
    "{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST "\",\"digest\":\"" DIGEST_B \
    "\",\"size\":3,\"platform\":{\"architecture\":\"" architecture "\",\"os\":\"" os "\"}}"
#define PLAIN_CHILD "{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST "\",\"digest\":\"" DIGEST_A "\",\"size\":3}"
#define OTHER_CHILD "{\"mediaType\":\"application/x\",\"digest\":\"" DIGEST_A "\",\"size\":3}"

static struct err *parse(struct manifest *m, const char *text, const char *type)
{
    return manifest_parse(m, text, strlen(text), type, "m");
}

static void round_trip(void **state)
{
    static const char image[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST
        "\",\"artifactType\":\"application/a\",\"config\":" CONFIG ",\"layers\":[" LAYER "," LAYER
        "],\"subject\":" PLAIN_CHILD ",\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}";
    static const char index[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIATYPE_OCI_INDEX
        "\",\"manifests\":[" CHILD("linux", "amd64") "],\"annotations\":{\"a\":\"1\"}}";
    AUTO_VALUE(manifest_wipe) struct manifest m = {0}, i = {0}, empty = {0};
    (void)state;
    ok(parse(&m, image, MEDIATYPE_OCI_MANIFEST));
    AUTO(mem_free) char *text = manifest_bytes(&m);
    assert_string_equal(text, image);
    ok(parse(&i, index, NULL));
    AUTO(mem_free) char *index_text = manifest_index_bytes(&i);
    assert_string_equal(index_text, index);
    desc_copy(&empty.config, &m.config);
    AUTO(mem_free) char *short_text = manifest_bytes(&empty);
    assert_string_equal(short_text, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST
                                    "\",\"config\":" CONFIG ",\"layers\":[]}");
}

static void takes(void **state)
{
    static const struct {
        const char *text, *told, *type;
    } rows[] = {
        {"{\"config\":" CONFIG ",\"layers\":[]}", NULL, MEDIATYPE_OCI_MANIFEST},
        {"{\"config\":" CONFIG ",\"layers\":null}", MEDIATYPE_DOCKER_MANIFEST, MEDIATYPE_DOCKER_MANIFEST},
        {"{\"mediaType\":\"" MEDIATYPE_DOCKER_MANIFEST "\",\"config\":" CONFIG ",\"layers\":[" LAYER "]}", "",
         MEDIATYPE_DOCKER_MANIFEST},
        {"{\"manifests\":[]}", NULL, MEDIATYPE_OCI_INDEX},
        {"{\"manifests\":[" OTHER_CHILD "]}", MEDIATYPE_DOCKER_LIST, MEDIATYPE_DOCKER_LIST},
        {"{\"mediaType\":\"\",\"manifests\":null}", MEDIATYPE_OCI_INDEX, MEDIATYPE_OCI_INDEX},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        ok(parse(&m, rows[i].text, rows[i].told));
        assert_string_equal(m.media_type, rows[i].type);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *told;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {"", NULL, ERR_INPUT, "m: "},
        {"[]", NULL, ERR_INPUT, "m: expected a manifest"},
        {"{}", NULL, ERR_INPUT, "neither \"layers\" nor \"manifests\""},
        {"{\"layers\":[],\"manifests\":[],\"config\":" CONFIG "}", NULL, ERR_INPUT, "both"},
        {"{\"manifests\":[],\"config\":" CONFIG "}", NULL, ERR_INPUT, "both"},
        {"{\"manifests\":[]}", MEDIATYPE_OCI_MANIFEST, ERR_INPUT, "but it has \"manifests\""},
        {"{\"config\":" CONFIG "}", MEDIATYPE_OCI_INDEX, ERR_INPUT, "but it has \"layers\""},
        {"{\"mediaType\":\"" MEDIATYPE_OCI_INDEX "\",\"manifests\":[]}", MEDIATYPE_DOCKER_LIST, ERR_INPUT,
         "was announced as"},
        {"{\"mediaType\":\"" MEDIATYPE_OCI_MANIFEST "\",\"manifests\":[]}", NULL, ERR_INPUT, "but it has"},
        {"{\"mediaType\":\"application/x\",\"config\":" CONFIG "}", NULL, ERR_UNSUPPORTED, "application/x"},
        {"{\"config\":" CONFIG "}", "text/html", ERR_UNSUPPORTED, "text/html"},
        {"{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ERR_UNSUPPORTED, "schema 1"},
        {"{\"layers\":[]}", NULL, ERR_INPUT, "key config is missing"},
        {"{\"config\":" CONFIG ",\"layers\":{}}", NULL, ERR_INPUT, "key layers"},
        {"{\"config\":" CONFIG ",\"layers\":[1]}", NULL, ERR_INPUT, "m: layers[0]: expected a descriptor"},
        {"{\"config\":[],\"layers\":[]}", NULL, ERR_INPUT, "key config"},
        {"{\"config\":" CONFIG ",\"Layers\":[]}", NULL, ERR_INPUT, "key Layers: expected layers"},
        {"{\"config\":" CONFIG ",\"config\":" CONFIG ",\"layers\":[]}", NULL, ERR_INPUT, "m: "},
        {"{\"config\":{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST_A "\",\"size\":-1}}", NULL, ERR_INPUT,
         "m: config: key size"},
        {"{\"config\":" CONFIG ",\"annotations\":[]}", NULL, ERR_INPUT, "key annotations"},
        {"{\"config\":" CONFIG ",\"subject\":1}", NULL, ERR_INPUT, "key subject"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        refused(parse(&m, rows[i].text, rows[i].told), rows[i].kind, rows[i].part);
    }
}

static void limits(void **state)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    (void)state;
    for (size_t count = MANIFEST_LAYERS_MAX; count <= MANIFEST_LAYERS_MAX + 1; count++) {
        buf_clear(&text);
        buf_str(&text, "{\"config\":" CONFIG ",\"layers\":[" LAYER);
        for (size_t i = 1; i < count; i++)
            buf_str(&text, "," LAYER);
        buf_str(&text, "]}");
        struct err *e = manifest_parse(&m, text.data, text.len, NULL, "m");
        if (count == MANIFEST_LAYERS_MAX) {
            ok(e);
            assert_int_equal(m.layers.count, count);
            manifest_wipe(&m);
        } else {
            refused(e, ERR_RESOURCE, "513 layers; at most 512");
        }
    }
    buf_clear(&text);
    char *spaces = buf_reserve(&text, MANIFEST_SIZE_MAX + 1);
    memset(spaces, ' ', MANIFEST_SIZE_MAX + 1);
    text.len = MANIFEST_SIZE_MAX + 1;
    refused(manifest_parse(&m, text.data, text.len, NULL, "m"), ERR_RESOURCE, "at most 4194304");
}

static void chooses(void **state)
{
    static const char index[] =
        "{\"manifests\":[" CHILD("unknown", "unknown") "," OTHER_CHILD "," PLAIN_CHILD "," CHILD(
            "linux", "386") "," CHILD("linux", "amd64") "," CHILD("linux", "amd64") "," CHILD("windows",
                                                                                              "amd64") "]}";
    static const char bare[] =
        "{\"manifests\":[" CHILD("unknown", "unknown") "," CHILD("linux", "s390x") "]}";
    static const struct {
        const char *want;
        size_t number;
    } rows[] = {{"linux/amd64", 4}, {"linux/386", 3}, {"windows/amd64", 6}, {"linux/arm64", 2}};
    AUTO_VALUE(manifest_wipe) struct manifest m = {0}, b = {0};
    struct platform want;
    const struct desc *found = NULL;
    (void)state;
    ok(parse(&m, index, NULL));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ok(platform_parse(&want, rows[i].want));
        ok(manifest_choose(&m, &want, "x", &found));
        assert_ptr_equal(found, &m.manifests.item[rows[i].number]);
    }
    ok(parse(&b, bare, NULL));
    refused(manifest_choose(&b, &want, "x", &found), ERR_NOT_FOUND,
            "x: no image for linux/arm64; there is linux/s390x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(takes),   cmocka_unit_test(refuses),
        cmocka_unit_test(limits),     cmocka_unit_test(chooses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
