/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/str.h"
#include "image/copy.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <stdatomic.h>

/* A store around a layout, which can lie, fail and count. */
struct odd {
    struct store store;
    struct store *inner;
    const char *origin; /* what it says of every blob */
    bool mounts;        /* it can take a blob from there */
    struct digest fail; /* put of this one fails */
    struct desc root;   /* put of this one must come last */
    unsigned refuse;    /* so many times it says that it has lost a blob of what it is to name */
    atomic_uint asked, gets, puts, mounted, after_root, named;
};

static struct odd *odd_of(struct store *s)
{
    return (struct odd *)s;
}

static struct err *odd_has(struct store *s, const struct desc *d, bool *yes)
{
    odd_of(s)->asked++;
    return store_has(odd_of(s)->inner, d, yes);
}

static struct err *odd_get(struct store *s, const struct desc *d, struct source **out)
{
    odd_of(s)->gets++;
    return store_get(odd_of(s)->inner, d, out);
}

static struct err *odd_put(struct store *s, const struct desc *d, struct source *from)
{
    struct odd *odd = odd_of(s);
    odd->puts++;
    if (digest_equal(&odd->fail, &d->digest))
        return err_new(ERR_NETWORK, "the wire broke");
    if (digest_is_set(&odd->root.digest)) {
        bool there = false;
        TRY(store_has(odd->inner, &odd->root, &there));
        odd->after_root += there;
    }
    return store_put(odd->inner, d, from);
}

static struct err *odd_resolve(struct store *s, const char *tag, struct desc *out, bool *found)
{
    return store_resolve(odd_of(s)->inner, tag, out, found);
}

static struct err *odd_tag(struct store *s, const char *tag, const struct desc *d)
{
    return store_tag(odd_of(s)->inner, tag, d);
}

static struct err *odd_put_tagged(struct store *s, const struct desc *d, const char *tag, struct source *from)
{
    struct odd *odd = odd_of(s);
    assert_string_equal(tag, "name");
    odd->named++;
    if (odd->refuse) {
        odd->refuse--;
        return err_as(err_http(404, "a blob is unknown"), ERR_NETWORK);
    }
    return store_put(odd->inner, d, from);
}

static char *odd_origin(struct store *s, const struct desc *d)
{
    (void)d;
    return mem_strdup(odd_of(s)->origin);
}

static struct err *odd_mount(struct store *s, const struct desc *d, const char *origin, bool *done)
{
    struct odd *odd = odd_of(s);
    assert_string_equal(origin, "h/r");
    odd->mounted++;
    *done = odd->mounts && !str_eq(d->media_type, MEDIATYPE_OCI_CONFIG);
    return NULL;
}

static const char *odd_name(const struct store *s)
{
    (void)s;
    return "odd";
}

static const struct store_ops odd_ops = {
    .has = odd_has,
    .get = odd_get,
    .put = odd_put,
    .resolve = odd_resolve,
    .tag = odd_tag,
    .origin = odd_origin,
    .mount = odd_mount,
    .name = odd_name,
};

static const struct store_ops naming_ops = {
    .has = odd_has,
    .get = odd_get,
    .put = odd_put,
    .put_tagged = odd_put_tagged,
    .resolve = odd_resolve,
    .tag = odd_tag,
    .origin = odd_origin,
    .mount = odd_mount,
    .name = odd_name,
};

/* Two layouts below one directory, and an image in the first. */
struct setting {
    char *dir, *from_path, *to_path;
    struct store *from, *to;
    struct desc config, layer, empty, foreign, image, other, index;
};

static void setting_wipe(struct setting *t)
{
    struct desc *all[] = {&t->config, &t->layer, &t->empty, &t->foreign, &t->image, &t->other, &t->index};
    store_free(t->from);
    store_free(t->to);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        desc_wipe(all[i]);
    free(t->from_path);
    free(t->to_path);
    temp_gone(t->dir);
}

static void make_image(struct setting *t, const char *note, struct desc *out)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    desc_copy(&m.config, &t->config);
    desc_copy(desclist_add(&m.layers), &t->layer);
    desc_copy(desclist_add(&m.layers), &t->empty);
    desc_copy(desclist_add(&m.layers), &t->layer);
    desc_copy(desclist_add(&m.layers), &t->foreign);
    strmap_set(&m.annotations, "note", note);
    AUTO(mem_free) char *text = manifest_bytes(&m);
    put_text(t->from, MEDIATYPE_OCI_MANIFEST, text, out);
}

static void make_index(struct setting *t, const struct desc *a, const struct desc *b, struct desc *out)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    desc_copy(desclist_add(&m.manifests), a);
    if (b)
        desc_copy(desclist_add(&m.manifests), b);
    AUTO(mem_free) char *text = manifest_index_bytes(&m);
    put_text(t->from, MEDIATYPE_OCI_INDEX, text, out);
}

static void setting_make(struct setting *t)
{
    struct digest absent = digest_from(DIGEST_B);
    *t = (struct setting){.dir = temp_dir()};
    t->from_path = mem_printf("%s/from", t->dir);
    t->to_path = mem_printf("%s/to", t->dir);
    ok(layout_open(&t->from, t->from_path, LAYOUT_WRITE));
    ok(layout_open(&t->to, t->to_path, LAYOUT_WRITE));
    put_text(t->from, MEDIATYPE_OCI_CONFIG, "{\"os\":\"linux\"}", &t->config);
    put_text(t->from, MEDIATYPE_OCI_LAYER, "a layer", &t->layer);
    put_text(t->from, MEDIATYPE_OCI_LAYER, "", &t->empty);
    desc_set(&t->foreign, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", &absent, 99);
    make_image(t, "image", &t->image);
    make_image(t, "other", &t->other);
    ok(platform_parse(&t->image.platform, "linux/amd64"));
    ok(platform_parse(&t->other.platform, "linux/arm64"));
    make_index(t, &t->image, &t->other, &t->index);
}

static const struct copy_options plain = {.verb = "copy", .skip_foreign = true};

static void copies(void **state)
{
    (void)state;
    for (unsigned jobs = 0; jobs < 4; jobs++) {
        AUTO_VALUE(setting_wipe) struct setting t;
        setting_make(&t);
        struct odd to = {.store = {&odd_ops}, .inner = t.to, .root = t.index};
        struct odd from = {.store = {&odd_ops}, .inner = t.from};
        struct copy_options options = plain;
        struct copy_report report = {0};
        options.jobs = jobs;
        ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
        /* Config, layer, empty layer once each; two manifests and the index last. */
        assert_int_equal(report.blobs_sent, 3);
        assert_int_equal(report.blobs_present + report.blobs_mounted, 0);
        assert_int_equal(to.puts, 6);
        assert_int_equal(to.after_root, 0);
        assert_int_equal(from.gets, 6);
        assert_int_equal(report.bytes_sent,
                         t.config.size + t.layer.size + t.image.size + t.other.size + t.index.size);
        AUTO(mem_free) char *a = get_text(t.from, &t.index);
        AUTO(mem_free) char *b = get_text(t.to, &t.index);
        assert_string_equal(a, b);

        /* Again: nothing moves, only manifests are read. */
        from.gets = 0;
        report = (struct copy_report){0};
        ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
        assert_int_equal(report.blobs_present, 3);
        assert_int_equal(report.blobs_sent + report.bytes_sent, 0);
        assert_int_equal(to.puts, 6);
        assert_int_equal(from.gets, 3);
    }
}

static void mounts(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    struct copy_report report = {0};
    (void)state;
    setting_make(&t);
    struct odd to = {.store = {&odd_ops}, .inner = t.to, .mounts = true};
    struct odd from = {.store = {&odd_ops}, .inner = t.from, .origin = "h/r"};
    ok(copy_graph(&to.store, &from.store, &t.image, &plain, &report));
    assert_int_equal(to.mounted, 3);
    assert_int_equal(report.blobs_mounted, 2);
    assert_int_equal(report.blobs_sent, 1);
    assert_int_equal(to.puts, 2);
}

struct seen {
    atomic_uint begun, ended, bytes;
};

static void see(void *ctx, const struct event *e)
{
    struct seen *seen = ctx;
    if (e->kind == EVENT_BLOB)
        assert_string_equal(e->name, "push odd");
    if (e->kind == EVENT_BLOB_END)
        assert_true(str_eq(e->text, "uploaded"));
    if (e->kind == EVENT_BYTES && e->done == e->total)
        seen->bytes++;
    seen->begun += e->kind == EVENT_BLOB;
    seen->ended += e->kind == EVENT_BLOB_END;
}

static void tells(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    struct seen seen = {0};
    struct events events = {.emit = see, .ctx = &seen};
    struct copy_options options = {.verb = "push", .skip_foreign = true, .events = &events};
    (void)state;
    setting_make(&t);
    struct odd to = {.store = {&odd_ops}, .inner = t.to};
    ok(copy_graph(&to.store, t.from, &t.image, &options, NULL));
    assert_int_equal(seen.begun, 4);
    assert_int_equal(seen.ended, 4);
    /* Not of the empty layer. */
    assert_int_equal(seen.bytes, 3);
}

static void first_failure_stops(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs < 4; jobs++) {
        AUTO_VALUE(setting_wipe) struct setting t;
        struct copy_options options = plain;
        bool yes = true;
        setting_make(&t);
        options.jobs = jobs;
        struct odd to = {.store = {&odd_ops}, .inner = t.to, .fail = t.layer.digest};
        refused(copy_graph(&to.store, t.from, &t.index, &options, NULL), ERR_NETWORK, ": the wire broke");
        ok(store_has(t.to, &t.image, &yes));
        assert_false(yes);
        to.fail = t.other.digest;
        refused(copy_graph(&to.store, t.from, &t.index, &options, NULL), ERR_NETWORK, "copy sha256:");
        ok(store_has(t.to, &t.index, &yes));
        assert_false(yes);
        to.fail = (struct digest){0};
        ok(copy_graph(&to.store, t.from, &t.index, &options, NULL));
    }
}

static void foreign_layers(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    struct copy_options options = plain;
    (void)state;
    setting_make(&t);
    options.skip_foreign = false;
    refused(copy_graph(t.to, t.from, &t.image, &options, NULL), ERR_NOT_FOUND, DIGEST_B " is not in oci:");
}

static void lies(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO_VALUE(desc_wipe) struct desc root = {0}, twice = {0};
    char hex[DIGEST_TEXT];
    bool yes = true;
    (void)state;
    setting_make(&t);
    AUTO(mem_free) char *layer = mem_printf("blobs/sha256/%s", digest_hex(&t.layer.digest, hex));

    /* The descriptor's size. */
    desc_copy(&root, &t.image);
    root.size++;
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_INTEGRITY, NULL);
    root.size = UINT64_C(1) << 40;
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_RESOURCE, "is said to have");
    /* Its media type. */
    desc_copy(&root, &t.image);
    free(root.media_type);
    root.media_type = mem_strdup(MEDIATYPE_OCI_INDEX);
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_INPUT, "was announced as");
    /* Two descriptors of one blob. */
    desc_copy(&twice, &t.image);
    twice.size++;
    make_index(&t, &t.image, &twice, &root);
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_INTEGRITY, "by one descriptor");
    /* A layer's bytes, a layer's size. */
    write_file(t.from_path, layer, "b layer");
    refused(copy_graph(t.to, t.from, &t.image, &plain, NULL), ERR_INTEGRITY, "copy sha256:");
    write_file(t.from_path, layer, "a layer and more");
    refused(copy_graph(t.to, t.from, &t.image, &plain, NULL), ERR_INTEGRITY, "copy sha256:");
    ok(store_has(t.to, &t.layer, &yes));
    assert_false(yes);
    ok(store_has(t.to, &t.image, &yes));
    assert_false(yes);
    /* A child that is not there. */
    desc_copy(&twice, &t.image);
    twice.digest = digest_from(DIGEST_A);
    make_index(&t, &t.other, &twice, &root);
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_NOT_FOUND, DIGEST_A " is not in oci:");
}

static void deep(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO_VALUE(desc_wipe) struct desc at = {0}, next = {0}, found = {0};
    struct platform want;
    (void)state;
    setting_make(&t);
    ok(platform_parse(&want, "linux/amd64"));
    desc_copy(&at, &t.image);
    for (unsigned depth = 2; depth <= 9; depth++) {
        make_index(&t, &at, NULL, &next);
        next.platform = want;
        desc_copy(&at, &next);
        struct err *e = copy_graph(t.to, t.from, &at, &plain, NULL);
        if (depth > 8) {
            refused(e, ERR_RESOURCE, "nested deeper than 8 levels");
            refused(copy_choose(t.from, &at, &want, &found), ERR_RESOURCE, "nested deeper than 8 levels");
        } else {
            ok(e);
            ok(copy_choose(t.from, &at, &want, &found));
            assert_true(digest_equal(&found.digest, &t.image.digest));
        }
    }
}

static void too_many(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO_VALUE(manifest_wipe) struct manifest index = {0};
    AUTO_VALUE(desc_wipe) struct desc root = {0};
    (void)state;
    setting_make(&t);
    for (unsigned i = 0; i < 20; i++) {
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        desc_copy(&m.config, &t.config);
        for (unsigned j = 0; j < 512; j++) {
            unsigned number = i * 512 + j;
            struct digest d = digest_of(&number, sizeof number);
            desc_set(desclist_add(&m.layers), MEDIATYPE_OCI_LAYER, &d, 1);
        }
        AUTO(mem_free) char *text = manifest_bytes(&m);
        put_text(t.from, MEDIATYPE_OCI_MANIFEST, text, desclist_add(&index.manifests));
    }
    AUTO(mem_free) char *text = manifest_index_bytes(&index);
    put_text(t.from, MEDIATYPE_OCI_INDEX, text, &root);
    refused(copy_graph(t.to, t.from, &root, &plain, NULL), ERR_RESOURCE, "more than 10000 blobs");
}

static void chooses(void **state)
{
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO_VALUE(desc_wipe) struct desc found = {0};
    struct platform want;
    (void)state;
    setting_make(&t);
    ok(platform_parse(&want, "linux/arm64"));
    ok(copy_choose(t.from, &t.index, &want, &found));
    assert_true(digest_equal(&found.digest, &t.other.digest));
    ok(copy_choose(t.from, &t.image, &want, &found));
    assert_true(digest_equal(&found.digest, &t.image.digest));
    ok(platform_parse(&want, "linux/s390x"));
    refused(copy_choose(t.from, &t.index, &want, &found), ERR_NOT_FOUND,
            "no image for linux/s390x; there is linux/amd64, linux/arm64");
}

/* A blob that went ahead is neither asked for nor sent again, and a copy that nobody waits for ends. */
static void blobs_go_ahead(void **state)
{
    (void)state;
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO_VALUE(digestset_wipe) struct digestset present = {0};
    atomic_bool cancel = false;
    setting_make(&t);
    struct odd to = {.store = {&odd_ops}, .inner = t.to, .root = t.index};
    struct odd from = {.store = {&odd_ops}, .inner = t.from};
    struct copy_options options = plain;
    struct copy_report report = {0};
    options.present = &present;
    options.cancel = &cancel;
    ok(copy_blob(&to.store, &from.store, &t.layer, &options, &report));
    digestset_add(&present, &t.layer.digest, NULL);
    assert_int_equal(report.blobs_sent, 1);
    ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
    assert_int_equal(report.blobs_sent, 3);
    assert_int_equal(report.blobs_present, 0);

    atomic_store(&cancel, true);
    AUTO(err_free) struct err *e = copy_blob(&to.store, &from.store, &t.layer, &options, NULL);
    assert_non_null(e);
    assert_int_equal(err_kind_of(e), ERR_STOPPED);
}

/* From the top: nothing is asked for below a manifest that is there. */
static void known_from_top(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs < 4; jobs++) {
        AUTO_VALUE(setting_wipe) struct setting t;
        struct copy_options options = plain;
        struct copy_report report = {0};
        setting_make(&t);
        struct odd to = {.store = {&naming_ops}, .inner = t.to, .root = t.index};
        struct odd from = {.store = {&naming_ops}, .inner = t.from};
        options.jobs = jobs;
        options.from_top = true;
        ok(copy_graph(&to.store, &from.store, &t.image, &options, &report));
        assert_int_equal(to.asked, 4);
        assert_false(report.known);

        /* The other image of the index is new: it, the index, and what the other refers to are asked for.
         * What is there is put again. */
        to.asked = to.puts = 0;
        report = (struct copy_report){0};
        ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
        assert_int_equal(to.asked, 6);
        assert_int_equal(to.puts, 3);
        assert_int_equal(to.after_root, 0);
        assert_int_equal(report.blobs_present, 3);
        assert_false(report.known);

        /* The index is there: nothing else is asked for, and its images are put again. */
        to.asked = to.puts = from.gets = 0;
        report = (struct copy_report){0};
        ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
        assert_int_equal(to.asked, 1);
        assert_int_equal(to.puts, 2);
        assert_int_equal(from.gets, 3);
        assert_int_equal(report.blobs_present, 0);
        assert_int_equal(report.bytes_sent, 0);
        assert_true(report.known);

        /* It only gets a name. */
        to.asked = 0;
        options.tag = "name";
        ok(copy_graph(&to.store, &from.store, &t.index, &options, &report));
        assert_int_equal(to.asked, 1);
        assert_int_equal(to.named, 1);
        assert_true(report.known);
    }
}

/* What lost a blob of an image that it has says so when the image gets a name: then the blob is sent. */
static void lost_blob_from_top(void **state)
{
    (void)state;
    AUTO_VALUE(setting_wipe) struct setting t;
    AUTO(source_free) struct source *bytes = NULL;
    struct copy_options options = plain;
    struct copy_report report = {0};
    bool yes = false;
    setting_make(&t);
    ok(store_get(t.from, &t.image, &bytes));
    ok(store_put(t.to, &t.image, bytes));
    struct odd to = {.store = {&naming_ops}, .inner = t.to, .refuse = 1};
    options.from_top = true;
    options.tag = "name";
    ok(copy_graph(&to.store, t.from, &t.image, &options, &report));
    assert_int_equal(report.blobs_sent, 3);
    assert_int_equal(to.named, 2);
    assert_false(report.known);
    ok(store_has(t.to, &t.layer, &yes));
    assert_true(yes);

    to.refuse = 2;
    refused(copy_graph(&to.store, t.from, &t.image, &options, NULL), ERR_NETWORK, "a blob is unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(blobs_go_ahead),
        cmocka_unit_test(known_from_top),
        cmocka_unit_test(lost_blob_from_top),
        cmocka_unit_test(mounts),
        cmocka_unit_test(tells),
        cmocka_unit_test(first_failure_stops),
        cmocka_unit_test(foreign_layers),
        cmocka_unit_test(lies),
        cmocka_unit_test(deep),
        cmocka_unit_test(too_many),
        cmocka_unit_test(chooses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
