/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "image/event.h"
#include "image/mediatype.h"

static void knows(void **state)
{
    static const struct {
        const char *type;
        enum mediatype_kind kind;
        enum mediatype_compression compression;
        bool foreign, manifest, docker;
        const char *oci;
    } rows[] = {
        {MEDIATYPE_OCI_INDEX, MEDIATYPE_INDEX, COMPRESSION_NONE, false, true, false, MEDIATYPE_OCI_INDEX},
        {MEDIATYPE_OCI_MANIFEST, MEDIATYPE_MANIFEST, COMPRESSION_NONE, false, true, false,
         MEDIATYPE_OCI_MANIFEST},
        {MEDIATYPE_OCI_LAYER_ZSTD, MEDIATYPE_LAYER, COMPRESSION_ZSTD, false, false, false,
         MEDIATYPE_OCI_LAYER_ZSTD},
        {MEDIATYPE_DOCKER_LIST, MEDIATYPE_INDEX, COMPRESSION_NONE, false, true, true, MEDIATYPE_OCI_INDEX},
        {MEDIATYPE_DOCKER_MANIFEST, MEDIATYPE_MANIFEST, COMPRESSION_NONE, false, true, true,
         MEDIATYPE_OCI_MANIFEST},
        {MEDIATYPE_DOCKER_CONFIG, MEDIATYPE_CONFIG, COMPRESSION_NONE, false, false, true,
         MEDIATYPE_OCI_CONFIG},
        {MEDIATYPE_DOCKER_LAYER, MEDIATYPE_LAYER, COMPRESSION_NONE, false, false, true, MEDIATYPE_OCI_LAYER},
        {MEDIATYPE_DOCKER_LAYER_GZIP, MEDIATYPE_LAYER, COMPRESSION_GZIP, false, false, true,
         MEDIATYPE_OCI_LAYER_GZIP},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIATYPE_LAYER, COMPRESSION_GZIP, true,
         false, true, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIATYPE_LAYER, COMPRESSION_NONE, true,
         false, false, "application/vnd.oci.image.layer.nondistributable.v1.tar"},
        {"application/x", MEDIATYPE_OTHER, COMPRESSION_UNKNOWN, false, false, false, "application/x"},
        {"", MEDIATYPE_OTHER, COMPRESSION_UNKNOWN, false, false, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(mediatype_kind_of(rows[i].type), rows[i].kind);
        assert_int_equal(mediatype_compression_of(rows[i].type), rows[i].compression);
        assert_int_equal(mediatype_is_foreign(rows[i].type), rows[i].foreign);
        assert_int_equal(mediatype_is_manifest(rows[i].type), rows[i].manifest);
        assert_int_equal(mediatype_is_docker(rows[i].type), rows[i].docker);
        assert_string_equal(mediatype_to_oci(rows[i].type), rows[i].oci);
    }
    assert_int_equal(mediatype_kind_of(NULL), MEDIATYPE_OTHER);
    assert_false(mediatype_is_docker(NULL));
    assert_non_null(strstr(mediatype_accept(), MEDIATYPE_DOCKER_LIST));
    assert_non_null(strstr(mediatype_accept(), MEDIATYPE_OCI_MANIFEST));
}

static void keep(void *ctx, const struct event *e)
{
    char *text = ctx;
    snprintf(text, 32, "%d %s", e->kind, e->text);
}

static void events(void **state)
{
    char text[32] = "";
    struct events to = {.emit = keep, .ctx = text};
    (void)state;
    event_warn(NULL, "nobody %d", 1);
    event_note(&(struct events){0}, "nobody");
    event_warn(&to, "n is %d", 7);
    assert_int_equal(text[0], '0' + EVENT_WARNING);
    assert_string_equal(text + 1, " n is 7");
    event_note(&to, "%s", "x");
    assert_int_equal(text[0], '0' + EVENT_NOTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
