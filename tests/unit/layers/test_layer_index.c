/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "image/mediatype.h"
#include "layers/indexfile.h"
#include "layers/layer.h"
#include "layers/spool.h"
#include "gzipmake.h"
#include "tarmake.h"

#include <sys/stat.h>
#include <unistd.h>

/* A store of one blob that counts how often it is asked. */
struct one {
    struct store store;
    struct buf data;
    unsigned gets;
};

static struct err *one_get(struct store *s, const struct desc *d, struct source **out)
{
    struct one *o = (struct one *)s;
    o->gets++;
    *out = source_verify(source_mem(o->data.data, o->data.len), &d->digest, d->size, "blob");
    return NULL;
}

static const struct store_ops one_ops = {.get = one_get};

struct fixture {
    struct one one;
    struct buf tar;
    struct desc blob;
    struct digest diff_id;
    char folder[32];
    int cache;
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof *f);
    struct buf *b = &f->tar;

    *b = BUF(BUF_NO_LIMIT);
    f->one.data = BUF(BUF_NO_LIMIT);
    f->one.store.ops = &one_ops;
    tar_file(b, "etc/passwd", "root:x:0:0::/:/bin/sh\n");
    tar_file(b, "etc/.wh.shadow", "");
    size_t h = tar_header(b, "dev/tty", '3', 0, NULL);
    tar_patch(b, h, 329, "0000005", 7);
    AUTO_VALUE(buf_wipe) struct buf body = BUF(BUF_NO_LIMIT);
    tar_record(&body, "SCHILY.xattr.user.b", "x\0y", 3);
    tar_record(&body, "SCHILY.xattr.user.a", "", 0);
    tar_record(&body, "mtime", "-12.25", 6);
    tar_extended(b, 'x', body.data, body.len);
    tar_file(b, "bin/tool", "tool");
    tar_link(b, "bin/alias", '1', "bin/tool");
    tar_link(b, "sbin", '2', "bin");
    tar_file(b, "data/one", "11111");
    tar_file(b, "data/.wh..wh..opq", "");
    tar_file(b, "data/none", "");
    tar_end(b);
    gzip_make(&f->one.data, b->data, b->len);
    struct digest d = digest_of(f->one.data.data, f->one.data.len);
    desc_set(&f->blob, MEDIATYPE_OCI_LAYER_GZIP, &d, f->one.data.len);
    f->diff_id = digest_of(b->data, b->len);
    snprintf(f->folder, sizeof f->folder, "/tmp/lade-index-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->cache = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    assert_null(fs_remove_tree(AT_FDCWD, f->folder));
    close(f->cache);
    buf_wipe(&f->one.data);
    buf_wipe(&f->tar);
    desc_wipe(&f->blob);
    mem_free(f);
    return 0;
}

static struct node *at(struct tree *t, const char *path)
{
    struct node *n = NULL;
    assert_null(tree_lookup(t, path, false, &n));
    return n;
}

static struct node *child(struct tree *t, struct node *dir, const char *name)
{
    struct node *n = NULL;
    assert_null(tree_child(t, dir, name, strlen(name), &n));
    return n;
}

static void check_tree(struct tree *t)
{
    assert_string_equal(at(t, "etc/passwd")->content.mem, "root:x:0:0::/:/bin/sh\n");
    assert_int_equal(child(t, at(t, "etc"), "shadow")->type, NODE_WHITEOUT);
    assert_true(at(t, "etc")->implicit);
    assert_int_equal(at(t, "dev/tty")->type, NODE_CHAR);
    assert_int_equal(at(t, "dev/tty")->device_major, 5);
    struct node *tool = at(t, "bin/tool");
    assert_int_equal(tool->mode, 0644);
    assert_int_equal(tool->size, 4);
    assert_int_equal(tool->content.kind, CONTENT_LAYER);
    assert_int_equal(tool->content.entry, 3);
    assert_int_equal(tool->mtime_ns, 250000000);
    assert_int_equal(tool->xattr_count, 2);
    assert_string_equal(tool->xattr[0].name, "user.a");
    assert_int_equal(tool->xattr[1].value_len, 3);
    assert_memory_equal(tool->xattr[1].value, "x\0y", 3);
    assert_int_not_equal(tool->link_group, 0);
    assert_int_equal(at(t, "bin/alias")->link_group, tool->link_group);
    assert_string_equal(at(t, "sbin")->target, "bin");
    assert_true(at(t, "data")->opaque);
    assert_int_equal(at(t, "data/one")->content.entry, 6);
    assert_int_equal(at(t, "data/none")->content.kind, CONTENT_NONE);
}

static char *cache_path(const struct fixture *f)
{
    char hex[DIGEST_TEXT];
    return mem_printf("%s/index/sha256-%s", f->folder, digest_hex(&f->blob.digest, hex));
}

static void index_once(struct fixture *f, unsigned gets)
{
    AUTO(tree_free) struct tree *t = NULL;
    struct err *e = layer_index(&t, &f->one.store, &f->blob, &f->diff_id, f->cache);
    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);
    check_tree(t);
    assert_int_equal(f->one.gets, gets);
}

static void cached_by_digest(void **state)
{
    struct fixture *f = *state;
    index_once(f, 1);
    index_once(f, 1);
    AUTO(tree_free) struct tree *t = NULL;
    assert_null(layer_index(&t, &f->one.store, &f->blob, NULL, f->cache));
    assert_int_equal(f->one.gets, 1);
    AUTO(tree_free) struct tree *uncached = NULL;
    assert_null(layer_index(&uncached, &f->one.store, &f->blob, NULL, -1));
    check_tree(uncached);
    assert_int_equal(f->one.gets, 2);
    AUTO(mem_free) char *path = cache_path(f);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void damage_is_mended(void **state)
{
    struct fixture *f = *state;
    AUTO(mem_free) char *path = cache_path(f);
    AUTO_VALUE(buf_wipe) struct buf good = BUF(1 << 20);

    index_once(f, 1);
    assert_null(fs_read_file(&good, AT_FDCWD, path, NULL));
    for (unsigned i = 0; i < 3; i++) {
        AUTO(mem_free) char *bad = mem_dup(good.data, good.len);
        bad[good.len / 2] = (char)(bad[good.len / 2] ^ (int)(i + 1));
        assert_null(newfile_write(AT_FDCWD, path, 0600, bad, i == 2 ? good.len / 2 : good.len, false));
        index_once(f, 2 + i);
        AUTO_VALUE(buf_wipe) struct buf again = BUF(1 << 20);
        assert_null(fs_read_file(&again, AT_FDCWD, path, NULL));
        assert_int_equal(again.len, good.len);
        assert_memory_equal(again.data, good.data, good.len);
    }
    /* The index of another blob under this name. */
    struct indexfile head = {.blob = digest_of("x", 1), .diff_id = f->diff_id};
    AUTO(tree_free) struct tree *other = tree_new();
    AUTO_VALUE(buf_wipe) struct buf text = BUF(1 << 20);
    indexfile_write(&text, &head, other);
    assert_null(newfile_write(AT_FDCWD, path, 0600, text.data, text.len, false));
    index_once(f, 5);
    /* A folder in the place of the file: no cache, but an index. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    index_once(f, 6);
}

/* Every byte changed, with the sum mended: never a crash, and where it is read, a sound tree. */
static void hostile_index_files(void **state)
{
    struct fixture *f = *state;
    AUTO(tree_free) struct tree *t = NULL;
    AUTO_VALUE(buf_wipe) struct buf good = BUF(1 << 20);
    struct indexfile head = {.blob = f->blob.digest, .diff_id = f->diff_id};

    assert_null(layer_index(&t, &f->one.store, &f->blob, NULL, -1));
    indexfile_write(&good, &head, t);
    for (size_t i = 0; i < good.len - 32; i++) {
        static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x7f, 0x20};
        for (size_t k = 0; k < ARRAY_LEN(changes); k++) {
            AUTO(mem_free) char *bad = mem_dup(good.data, good.len);
            bad[i] = (char)((uint8_t)bad[i] ^ changes[k]);
            struct digest sum = digest_of(bad, good.len - 32);
            memcpy(bad + good.len - 32, sum.bytes, 32);
            AUTO(tree_free) struct tree *read = NULL;
            AUTO(err_free) struct err *e = indexfile_read(&head, &read, bad, good.len);
            assert_true(e ? err_kind_of(e) == ERR_INPUT : read != NULL);
        }
    }
    for (size_t len = 0; len < good.len - 32; len++) {
        AUTO(mem_free) char *cut = mem_dup(good.data, len + 33);
        struct digest sum = digest_of(cut, len);
        memcpy(cut + len, sum.bytes, 32);
        AUTO(tree_free) struct tree *read = NULL;
        AUTO(err_free) struct err *e = indexfile_read(&head, &read, cut, len + 32);
        assert_non_null(e);
    }
}

static void index_fails(struct fixture *f, const struct digest *diff_id, enum err_kind kind, const char *part)
{
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(err_free) struct err *e = layer_index(&t, &f->one.store, &f->blob, diff_id, f->cache);
    assert_non_null(e);
    if (err_kind_of(e) != kind || !strstr(err_message(e), part))
        print_error("%s\n", err_message(e));
    assert_int_equal(err_kind_of(e), kind);
    assert_non_null(strstr(err_message(e), part));
}

static void lies(void **state)
{
    struct fixture *f = *state;
    struct digest other = digest_of("x", 1);
    AUTO(mem_free) char *path = cache_path(f);

    index_fails(f, &other, ERR_INTEGRITY, "the image's config says");
    assert_int_not_equal(access(path, F_OK), 0);
    /* Also when the index is there already. */
    index_once(f, 2);
    index_fails(f, &other, ERR_INTEGRITY, "the image's config says");
    assert_int_equal(unlink(path), 0);

    /* A byte in the middle is not what the digest says: that counts, whatever gzip makes of it. */
    f->one.data.data[f->one.data.len / 2] ^= 0x10;
    index_fails(f, &f->diff_id, ERR_INTEGRITY, "digest");
    f->one.data.data[f->one.data.len / 2] ^= 0x10;
    f->blob.size++;
    index_fails(f, &f->diff_id, ERR_INTEGRITY, "bytes");
    f->blob.size -= 2;
    index_fails(f, &f->diff_id, ERR_INTEGRITY, "bytes");
    f->blob.size++;
    struct digest digest = f->blob.digest;
    desc_set(&f->blob, MEDIATYPE_OCI_LAYER, &digest, f->one.data.len);
    index_fails(f, &f->diff_id, ERR_INPUT, "not a tar archive");
    desc_set(&f->blob, MEDIATYPE_OCI_LAYER_ZSTD, &digest, f->one.data.len);
    index_fails(f, &f->diff_id, ERR_INPUT, "damaged");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void spooling(void **state)
{
    struct fixture *f = *state;
    AUTO(tree_free) struct tree *stage = tree_new();
    AUTO(tree_free) struct tree *layer = NULL;
    AUTO(spool_free) struct spool *spool = NULL;
    struct desc layers[2] = {f->blob, f->blob};
    struct digest diff_ids[2] = {f->diff_id, f->diff_id};
    struct layer_stack stack = {.store = &f->one.store, .layers = layers, .diff_ids = diff_ids, .count = 2};

    assert_null(layer_index(&layer, &f->one.store, &f->blob, NULL, -1));
    check_ok(tree_apply(stage, layer, 0));
    check_ok(tree_apply(stage, layer, 1));
    assert_null(spool_new(&spool, AT_FDCWD));
    struct node *wanted[] = {at(stage, "bin/alias"), at(stage, "data/one"), at(stage, "bin/tool"),
                             at(stage, "data/none"), at(stage, "etc/passwd")};
    assert_null(layer_spool(&stack, wanted, ARRAY_LEN(wanted), spool));
    assert_int_equal(f->one.gets, 2);
    static const char *const texts[] = {"tool", "11111", "tool", "", "root:x:0:0::/:/bin/sh\n"};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        AUTO(source_free) struct source *s = NULL;
        AUTO_VALUE(buf_wipe) struct buf text = BUF(100);
        assert_null(node_open(wanted[i], &s));
        assert_null(source_read_all(s, &text, "text"));
        assert_string_equal(buf_text(&text), texts[i]);
    }
    /* Nothing left to read. */
    assert_null(layer_spool(&stack, wanted, ARRAY_LEN(wanted), spool));
    assert_int_equal(f->one.gets, 2);

    struct node *one = wanted[1];
    one->content = (struct content){.kind = CONTENT_LAYER, .entry = 7};
    AUTO(err_free) struct err *no_file = layer_spool(&stack, &one, 1, spool);
    assert_int_equal(err_kind_of(no_file), ERR_INTEGRITY);
    one->content.entry = 3;
    AUTO(err_free) struct err *other_size = layer_spool(&stack, &one, 1, spool);
    assert_int_equal(err_kind_of(other_size), ERR_INTEGRITY);
    assert_int_equal(one->content.kind, CONTENT_LAYER);
    diff_ids[0] = digest_of("x", 1);
    one->content.entry = 6;
    AUTO(err_free) struct err *lie = layer_spool(&stack, &one, 1, spool);
    assert_int_equal(err_kind_of(lie), ERR_INTEGRITY);
    assert_int_equal(one->content.kind, CONTENT_LAYER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cached_by_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_mended, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_index_files, setup, teardown),
        cmocka_unit_test_setup_teardown(lies, setup, teardown),
        cmocka_unit_test_setup_teardown(spooling, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
