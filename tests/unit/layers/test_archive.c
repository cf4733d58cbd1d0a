/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "image/copy.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "layers/archive.h"
#include "layers/tarread.h"
#include "tarmake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gzipmake.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    char folder[32];
    unsigned layouts;
    struct store *store; /* with one image in it */
    struct desc image;
    struct digest plain; /* of its layer */
    struct buf layer;    /* plain */
    char *config;
};

static struct store *new_layout(struct fixture *f)
{
    struct store *s = NULL;
    AUTO(mem_free) char *path = mem_printf("%s/%u", f->folder, f->layouts++);
    assert_null(layout_open(&s, path, LAYOUT_WRITE));
    return s;
}

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof *f);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
    char text[DIGEST_TEXT];

    snprintf(f->folder, sizeof f->folder, "/tmp/lade-archive-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->store = new_layout(f);
    f->layer = BUF(BUF_NO_LIMIT);
    tar_file(&f->layer, "hello", "hello\n");
    tar_end(&f->layer);
    gzip_make(&packed, f->layer.data, f->layer.len);
    f->plain = digest_of(f->layer.data, f->layer.len);
    f->config = mem_printf(
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
        "\"diff_ids\":[\"%s\"]}}",
        digest_text(&f->plain, text));
    assert_null(
        store_write(f->store, MEDIATYPE_OCI_LAYER_GZIP, packed.data, packed.len, desclist_add(&m.layers)));
    assert_null(store_write(f->store, MEDIATYPE_OCI_CONFIG, f->config, strlen(f->config), &m.config));
    AUTO(mem_free) char *bytes = manifest_bytes(&m);
    assert_null(store_write(f->store, MEDIATYPE_OCI_MANIFEST, bytes, strlen(bytes), &f->image));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_free(f->store);
    assert_null(fs_remove_tree(AT_FDCWD, f->folder));
    desc_wipe(&f->image);
    buf_wipe(&f->layer);
    mem_free(f->config);
    mem_free(f);
    return 0;
}

static void write_archive(struct fixture *f, enum archive_kind kind, const char *const *tags, size_t count,
                          struct buf *out)
{
    AUTO(store_free) struct store *archive = NULL;
    const struct copy_options options = {.jobs = 1, .verb = "copy"};
    assert_null(archive_create(&archive, sink_buf(out), kind, "x.tar"));
    assert_null(copy_graph(archive, f->store, &f->image, &options, NULL));
    for (size_t i = 0; i < count; i++)
        assert_null(store_tag(archive, tags[i], &f->image));
    assert_null(archive_commit(archive));
}

static struct err *import(struct store *to, const struct buf *tar, struct strlist *names)
{
    AUTO(source_free) struct source *s = source_mem(tar->data, tar->len);
    return archive_import(to, s, "x.tar", names);
}

static void import_good(struct store *to, const struct buf *tar, struct strlist *names)
{
    struct err *e = import(to, tar, names);
    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);
}

static void import_bad(struct fixture *f, const struct buf *tar, enum err_kind kind, const char *part)
{
    AUTO(store_free) struct store *to = new_layout(f);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    AUTO(err_free) struct err *e = import(to, tar, &names);

    assert_non_null(e);
    if (err_kind_of(e) != kind || !strstr(err_message(e), part))
        print_error("%s (kind %d), expected \"%s\"\n", err_message(e), (int)err_kind_of(e), part);
    assert_int_equal(err_kind_of(e), kind);
    assert_non_null(strstr(err_message(e), part));
    assert_null(layout_list(to, &list));
    assert_int_equal(list.count, 0);
}

static void resolves(struct store *s, const char *tag, const struct digest *digest)
{
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found = false;
    assert_null(store_resolve(s, tag, &d, &found));
    assert_true(found);
    assert_true(digest_equal(&d.digest, digest));
}

/* A member of a tar, as text. */
struct wanted {
    const char *name;
    struct buf text;
    struct strlist order;
};

static struct err *take(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    struct wanted *w = ctx;
    (void)entry;
    strlist_add_take(&w->order, node_path(n));
    return strcmp(n->name, w->name) == 0 ? source_read_all(bytes, &w->text, w->name) : NULL;
}

static char *member(const struct buf *tar, const char *name, char **order)
{
    struct wanted w = {.name = name, .text = BUF(1 << 20)};
    AUTO(source_free) struct source *s = source_mem(tar->data, tar->len);
    const struct tarread_options options = {.what = "x", .file = take, .ctx = &w};
    AUTO(tree_free) struct tree *t = NULL;
    assert_null(tarread_tree(&t, s, &options));
    if (order)
        *order = strlist_join(&w.order, " ");
    strlist_wipe(&w.order);
    return buf_take(&w.text);
}

static void oci_there_and_back(void **state)
{
    struct fixture *f = *state;
    static const char *const tags[] = {"1", "app:2"};
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT), again = BUF(BUF_NO_LIMIT);
    AUTO(store_free) struct store *to = new_layout(f);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};

    write_archive(f, ARCHIVE_OCI, tags, 2, &tar);
    write_archive(f, ARCHIVE_OCI, tags, 2, &again);
    assert_int_equal(tar.len, again.len);
    assert_memory_equal(tar.data, again.data, tar.len);
    AUTO(mem_free) char *order = NULL;
    AUTO(mem_free) char *index = member(&tar, "index.json", &order);
    assert_non_null(strstr(index, "\"org.opencontainers.image.ref.name\":\"app:2\""));
    assert_non_null(strstr(order, "index.json oci-layout"));
    assert_null(strstr(order, "manifest.json"));
    import_good(to, &tar, &names);
    AUTO(mem_free) char *joined = strlist_join(&names, " ");
    assert_string_equal(joined, "1 app:2");
    resolves(to, "1", &f->image.digest);
    resolves(to, "app:2", &f->image.digest);
    resolves(to, NULL, &f->image.digest);
}

static void docker_there_and_back(void **state)
{
    struct fixture *f = *state;
    static const char *const tags[] = {"app:1", "ghcr.io/o/app:2", "docker.io/library/app:1"};
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT), packed = BUF(BUF_NO_LIMIT);
    AUTO(store_free) struct store *to = new_layout(f);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};

    write_archive(f, ARCHIVE_DOCKER, tags, 3, &tar);
    AUTO(mem_free) char *manifest = member(&tar, "manifest.json", NULL);
    assert_non_null(strstr(manifest, "[{\"Config\":\"blobs/sha256/"));
    assert_non_null(
        strstr(manifest, "\"RepoTags\":[\"app:1\",\"ghcr.io/o/app:2\"],\"Layers\":[\"blobs/sha256/"));
    AUTO(mem_free) char *index = member(&tar, "index.json", NULL);
    assert_non_null(strstr(index, "\"io.containerd.image.name\":\"docker.io/library/app:1\""));
    assert_non_null(strstr(index, "\"org.opencontainers.image.ref.name\":\"1\""));
    gzip_make(&packed, tar.data, tar.len);
    import_good(to, &packed, &names);
    resolves(to, "app:1", &f->image.digest);
    resolves(to, "docker.io/library/app:1", &f->image.digest);
    resolves(to, "ghcr.io/o/app:2", &f->image.digest);
}

static void nameless(void **state)
{
    struct fixture *f = *state;
    static const char *const none[] = {NULL};
    char text[DIGEST_TEXT];
    for (int kind = ARCHIVE_OCI; kind <= ARCHIVE_DOCKER; kind++) {
        AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
        AUTO(store_free) struct store *to = new_layout(f);
        AUTO_VALUE(strlist_wipe) struct strlist names = {0};
        write_archive(f, (enum archive_kind)kind, none, 1, &tar);
        import_good(to, &tar, &names);
        assert_int_equal(names.count, 1);
        assert_string_equal(names.item[0], digest_text(&f->image.digest, text));
        resolves(to, NULL, &f->image.digest);
    }
}

static void lies_are_not_written(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"texT", "tex", "textt"};
    (void)f;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
        AUTO(store_free) struct store *archive = NULL;
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        struct digest digest = digest_of("text", 4);
        assert_null(archive_create(&archive, sink_buf(&tar), ARCHIVE_OCI, "x.tar"));
        desc_set(&d, MEDIATYPE_OCI_LAYER, &digest, 4);
        AUTO(source_free) struct source *s = source_mem(texts[i], strlen(texts[i]));
        AUTO(err_free) struct err *e = store_put(archive, &d, s);
        assert_int_equal(err_kind_of(e), ERR_INTEGRITY);
        AUTO(err_free) struct err *commit = archive_commit(archive);
        assert_non_null(commit);
        struct source *none = NULL;
        AUTO(err_free) struct err *get = store_get(archive, &d, &none);
        assert_int_equal(err_kind_of(get), ERR_UNSUPPORTED);
    }
}

/* docker save of old: layers in folders, some of them links to others. */
struct legacy {
    struct buf tar;
    struct buf config;
    char config_name[80];
};

static void add_config(struct legacy *l, const char *const *diff_ids, size_t count)
{
    struct digest d;
    char hex[DIGEST_TEXT];

    buf_str(&l->config, "{\"architecture\":\"arm64\",\"os\":\"linux\",\"docker_version\":\"18\",\"rootfs\":{"
                        "\"type\":\"layers\",\"diff_ids\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&l->config, "%s\"%s\"", i ? "," : "", diff_ids[i]);
    buf_str(&l->config, "]}}");
    d = digest_of(l->config.data, l->config.len);
    snprintf(l->config_name, sizeof l->config_name, "%s.json", digest_hex(&d, hex));
    tar_file(&l->tar, l->config_name, l->config.data);
}

static void add_bytes(struct buf *tar, const char *name, const struct buf *data)
{
    tar_header(tar, name, '0', data->len, NULL);
    tar_data(tar, data->data, data->len);
}

static void legacy_wipe(struct legacy *l)
{
    buf_wipe(&l->tar);
    buf_wipe(&l->config);
}

static void docker_save(void **state)
{
    struct fixture *f = *state;
    AUTO_VALUE(legacy_wipe) struct legacy l = {.tar = BUF(BUF_NO_LIMIT), .config = BUF(BUF_NO_LIMIT)};
    AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
    AUTO(store_free) struct store *to = new_layout(f);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    char diff_id[DIGEST_TEXT];
    digest_text(&f->plain, diff_id);
    const char *const diff_ids[] = {diff_id, diff_id, diff_id};

    gzip_make(&packed, f->layer.data, f->layer.len);
    tar_dir(&l.tar, "aaa/");
    tar_file(&l.tar, "aaa/VERSION", "1.0");
    tar_file(&l.tar, "aaa/json", "{}");
    tar_link(&l.tar, "bbb/layer.tar", '2', "../aaa/layer.tar"); /* before what it means */
    add_bytes(&l.tar, "aaa/layer.tar", &f->layer);
    add_bytes(&l.tar, "ccc/layer.tar", &packed);
    add_config(&l, diff_ids, 3);
    AUTO(mem_free)
    char *manifest = mem_printf("[{\"Config\":\"%s\",\"RepoTags\":[\"app:1\",\"o/app:2\"],\"Layers\":[\"aaa/"
                                "layer.tar\",\"bbb/layer.tar\","
                                "\"ccc/layer.tar\"]}]",
                                l.config_name);
    tar_file(&l.tar, "manifest.json", manifest);
    tar_file(&l.tar, "repositories", "{}");
    tar_end(&l.tar);
    import_good(to, &l.tar, &names);
    AUTO(mem_free) char *joined = strlist_join(&names, " ");
    assert_string_equal(joined, "app:1 o/app:2");

    AUTO_VALUE(desc_wipe) struct desc root = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    bool found;
    assert_null(store_resolve(to, "docker.io/o/app:2", &root, &found));
    assert_true(found);
    assert_string_equal(root.platform.architecture, "arm64");
    assert_null(store_read(to, &root, &bytes));
    assert_null(manifest_parse(&m, buf_text(&bytes), bytes.len, root.media_type, "m"));
    assert_int_equal(m.layers.count, 3);
    assert_string_equal(m.layers.item[0].media_type, MEDIATYPE_OCI_LAYER);
    assert_true(digest_equal(&m.layers.item[1].digest, &f->plain));
    assert_string_equal(m.layers.item[2].media_type, MEDIATYPE_OCI_LAYER_GZIP);
    AUTO_VALUE(buf_wipe) struct buf config = BUF(MANIFEST_SIZE_MAX);
    assert_null(store_read(to, &m.config, &config));
    assert_string_equal(buf_text(&config), l.config.data);
}

static void docker_save_that_is_broken(void **state)
{
    struct fixture *f = *state;
    char good[DIGEST_TEXT];
    digest_text(&f->plain, good);
    static const char other[] = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    static const struct {
        const char *diff_id, *layer, *manifest;
        enum err_kind kind;
        const char *part;
    } rows[] = {
        {NULL, "a/layer.tar", "[{\"Config\":\"%s\",\"Layers\":[\"b/layer.tar\"]}]", ERR_INPUT,
         "not in the archive"},
        {NULL, "a/layer.tar", "[{\"Config\":\"x.json\",\"Layers\":[\"a/layer.tar\"]}]", ERR_INPUT,
         "not in the archive"},
        {NULL, "a/layer.tar", "[{\"Config\":\"../../etc/passwd%s\",\"Layers\":[\"a/layer.tar\"]}]", ERR_INPUT,
         "not in the archive"},
        {NULL, "a/layer.tar", "[{\"Config\":\"%s\",\"Layers\":[\"loop\"]}]", ERR_INPUT, "x.tar"},
        {NULL, "a/layer.tar", "[{\"Config\":\"%s\",\"Layers\":[]}]", ERR_INPUT, "diff IDs"},
        {NULL, "a/layer.tar", "[{\"Config\":\"%s\",\"Layers\":\"a\"}]", ERR_INPUT, "Layers"},
        {NULL, "a/layer.tar", "[{\"Layers\":[\"a/layer.tar\"]}]", ERR_INPUT, "Config"},
        {NULL, "a/layer.tar", "[]", ERR_INPUT, "list of images"},
        {NULL, "a/layer.tar", "{}", ERR_INPUT, "list of images"},
        {NULL, "a/layer.tar", "[", ERR_INPUT, "manifest.json"},
        {NULL, "a/layer.tar", "[{\"Config\":\"manifest.json\",\"Layers\":[\"a/layer.tar\"]}]", ERR_INPUT,
         "manifest.json"},
        {NULL, "a/layer.tar",
         "[{\"Config\":\"%s\",\"RepoTags\":[\"UPPER CASE\"],\"Layers\":[\"a/layer.tar\"]}]", ERR_INPUT, ""},
        {other, "a/layer.tar", "[{\"Config\":\"%s\",\"Layers\":[\"a/layer.tar\"]}]", ERR_INTEGRITY,
         "the image's config says"},
        {other, "a/packed.tar", "[{\"Config\":\"%s\",\"Layers\":[\"a/packed.tar\"]}]", ERR_INTEGRITY,
         "the image's config says"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(legacy_wipe) struct legacy l = {.tar = BUF(BUF_NO_LIMIT), .config = BUF(BUF_NO_LIMIT)};
        AUTO_VALUE(buf_wipe) struct buf packed = BUF(BUF_NO_LIMIT);
        const char *diff_id = rows[i].diff_id ? rows[i].diff_id : good;
        gzip_make(&packed, f->layer.data, f->layer.len);
        add_bytes(&l.tar, rows[i].layer, strcmp(rows[i].layer, "a/packed.tar") == 0 ? &packed : &f->layer);
        tar_link(&l.tar, "loop", '2', "loop2");
        tar_link(&l.tar, "loop2", '2', "loop");
        add_config(&l, &diff_id, 1);
        AUTO(mem_free) char *manifest = NULL;
        const char *percent = strstr(rows[i].manifest, "%s");
        if (percent)
            manifest = mem_printf("%.*s%s%s", (int)(percent - rows[i].manifest), rows[i].manifest,
                                  l.config_name, percent + 2);
        tar_file(&l.tar, "manifest.json", manifest ? manifest : rows[i].manifest);
        tar_end(&l.tar);
        if (i == 11) { /* the image itself is good, and its first tag is what fails */
            AUTO(store_free) struct store *to = new_layout(f);
            AUTO_VALUE(strlist_wipe) struct strlist names = {0};
            AUTO(err_free) struct err *e = import(to, &l.tar, &names);
            assert_int_equal(err_kind_of(e), ERR_INPUT);
            continue;
        }
        import_bad(f, &l.tar, rows[i].kind, rows[i].part);
    }
}

static void archives_that_are_none(void **state)
{
    struct fixture *f = *state;
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT);
    buf_str(&tar, "no tar");
    import_bad(f, &tar, ERR_INPUT, "not a tar archive");
    buf_clear(&tar);
    tar_file(&tar, "hello", "x");
    tar_end(&tar);
    import_bad(f, &tar, ERR_INPUT, "neither an OCI archive");
    buf_clear(&tar);
    tar_file(&tar, "repositories", "{}");
    tar_end(&tar);
    import_bad(f, &tar, ERR_UNSUPPORTED, "before 1.10");
    buf_clear(&tar);
    tar_file(&tar, "../manifest.json", "[]");
    tar_end(&tar);
    import_bad(f, &tar, ERR_INPUT, "leaves the root");
    buf_clear(&tar);
    tar_file(&tar, "oci-layout", "{}");
    tar_file(&tar, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
    tar_end(&tar);
    import_bad(f, &tar, ERR_INPUT, "names no image");
}

/* What stands before the first blob: the headers of blobs/ and blobs/sha256/. */
#define DIRECTORIES 1024

static void oci_that_is_broken(void **state)
{
    struct fixture *f = *state;
    static const char *const tags[] = {"1"};
    AUTO_VALUE(buf_wipe) struct buf good = BUF(BUF_NO_LIMIT);
    write_archive(f, ARCHIVE_OCI, tags, 1, &good);

    /* A byte of the first blob. */
    AUTO_VALUE(buf_wipe) struct buf bad = BUF(BUF_NO_LIMIT);
    buf_add(&bad, good.data, good.len);
    bad.data[DIRECTORIES + 512 + 20] ^= 1;
    import_bad(f, &bad, ERR_INTEGRITY, "digest");

    /* Without the first blob, which fits in one block. */
    buf_clear(&bad);
    buf_add(&bad, good.data, DIRECTORIES);
    buf_add(&bad, good.data + DIRECTORIES + 1024, good.len - DIRECTORIES - 1024);
    import_bad(f, &bad, ERR_INPUT, "is missing");

    for (size_t len = 512; len < good.len - 1024; len += 512) {
        bad.len = 0;
        buf_add(&bad, good.data, len);
        AUTO(store_free) struct store *to = new_layout(f);
        AUTO_VALUE(strlist_wipe) struct strlist names = {0};
        AUTO(err_free) struct err *e = import(to, &bad, &names);
        assert_int_equal(err_kind_of(e), ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(oci_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(docker_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(nameless, setup, teardown),
        cmocka_unit_test_setup_teardown(lies_are_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(docker_save, setup, teardown),
        cmocka_unit_test_setup_teardown(docker_save_that_is_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(archives_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(oci_that_is_broken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
