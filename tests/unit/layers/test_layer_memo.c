/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "image/layout.h"
#include "layers/layer.h"
#include "layers/memo.h"

#include <sys/stat.h>
#include <unistd.h>

/* Layers of a directory that are written again and again, with and without memory of the time before. */

#define FILES 40
#define SIZE 100000

struct fixture {
    struct store *layout;
    char *path;
    int fd, cache, files;
    struct layer_options options;
};

static void command(const struct fixture *f, const char *text)
{
    AUTO(mem_free) char *line = mem_printf("cd '%s' && %s", f->path, text);

    assert_int_equal(system(line), 0);
}

static void open_fixture(struct fixture *f, const struct check_dir *dir, enum mediatype_compression how)
{
    *f = (struct fixture){.path = mem_strdup(dir->path), .fd = dir->fd};
    AUTO(mem_free) char *layout = mem_printf("%s/layout", dir->path);
    check_ok(layout_open(&f->layout, layout, LAYOUT_WRITE));
    check_ok(fs_mkdir_open(&f->cache, dir->fd, "cache"));
    command(f, "mkdir files && cd files && seq 1 20000 > text && head -c 4000000 /dev/zero > large");
    for (unsigned i = 0; i < FILES; i++) {
        AUTO(mem_free) char *bytes = mem_alloc(SIZE);
        AUTO(mem_free) char *name = mem_printf("files/f%02u", i);
        uint32_t at = i;
        for (size_t k = 0; k < SIZE; k++) {
            at = at * 1664525u + 1013904223u;
            bytes[k] = (char)(k % 8 < 5 ? 'a' + k % 5 : at >> 24);
        }
        check_ok(newfile_write(f->fd, name, 0644, bytes, SIZE, false));
    }
    command(f, "sleep 0.1");
    f->options = (struct layer_options){.compression = how,
                                        .level = COMPRESS_FAST_LEVEL,
                                        .workers = 2,
                                        .about = "a layer",
                                        .cache_dir = f->cache};
}

static void fixture_wipe(struct fixture *f)
{
    store_free(f->layout);
    fd_close(f->cache);
    mem_free(f->path);
}

static struct err *write_layer(struct fixture *f, const struct layer_options *options, struct desc *blob,
                               struct digest *diff_id)
{
    const struct tree_dir_options trusting = {.trust_times = true};
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(fd_close) int files = -1;

    TRY(fs_open(&files, f->fd, "files", O_RDONLY | O_DIRECTORY, 0));
    TRY(tree_open_dir(&t, fd_take(&files), &trusting));
    desc_wipe(blob);
    return layer_write(f->layout, t, options, blob, diff_id);
}

/* With memory the result is that of a write without it, and the blob is whole. */
static void check_same(struct fixture *f)
{
    AUTO_VALUE(desc_wipe) struct desc remembered = {0}, plain = {0};
    AUTO(source_free) struct source *bytes = NULL;
    struct layer_options options = f->options;
    struct digest diff_ids[2];
    bool known = false;

    check_ok(write_layer(f, &options, &remembered, &diff_ids[0]));
    check_ok(store_get(f->layout, &remembered, &bytes));
    check_ok(source_drain(bytes));
    options.about = NULL;
    options.known = &known;
    check_ok(write_layer(f, &options, &plain, &diff_ids[1]));
    assert_true(known);
    assert_true(digest_equal(&remembered.digest, &plain.digest));
    assert_int_equal(remembered.size, plain.size);
    assert_string_equal(remembered.media_type, plain.media_type);
    assert_true(digest_equal(&diff_ids[0], &diff_ids[1]));
}

static const char *const changes[] = {
    "true",
    "echo x >> files/f00",
    "echo x >> files/f20",
    "echo x >> files/text",
    "printf y | dd of=files/large bs=1 seek=2500000 conv=notrunc status=none",
    "cp files/f07 files/f08",
    "cp files/f07 files/f081 && cp files/f07 files/f19-new",
    "rm files/f31",
    "rm files/f0*",
    "chmod 600 files/f20",
    "mv files/f12 files/zzz",
    "mv files/zzz files/f12 && touch files/f2*",
    "rm -r files && mkdir files",
    "seq 9 > files/x",
};

static void changes_are_seen(const struct check_dir *dir, enum mediatype_compression how)
{
    struct fixture f;

    open_fixture(&f, dir, how);
    check_same(&f);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        command(&f, changes[i]);
        for (unsigned workers = 1; workers <= 3; workers++) {
            f.options.workers = workers;
            check_same(&f);
        }
        /* By then nobody can change the file within its tick, so it is remembered. */
        command(&f, "sleep 0.05");
        check_same(&f);
    }
    fixture_wipe(&f);
}

static void changes_are_seen_in_gzip(void **state)
{
    changes_are_seen(*state, COMPRESSION_GZIP);
}

static void changes_are_seen_in_zstd(void **state)
{
    changes_are_seen(*state, COMPRESSION_ZSTD);
}

static void changes_are_seen_in_plain_layers(void **state)
{
    changes_are_seen(*state, COMPRESSION_NONE);
}

static void nothing_is_written_when_nothing_changed(void **state)
{
    AUTO_VALUE(desc_wipe) struct desc first = {0}, second = {0};
    struct digest diff_ids[2];
    struct fixture f;

    open_fixture(&f, *state, COMPRESSION_GZIP);
    check_ok(write_layer(&f, &f.options, &first, &diff_ids[0]));
    command(&f, "sleep 0.05 && touch marker && sleep 0.05");
    check_ok(write_layer(&f, &f.options, &second, &diff_ids[1]));
    command(&f, "test -z \"$(find layout cache -newer marker)\"");
    assert_true(digest_equal(&first.digest, &second.digest));
    assert_true(digest_equal(&diff_ids[0], &diff_ids[1]));
    fixture_wipe(&f);
}

/* Damage to what is remembered costs time only. */
static void damage_does_no_harm(void **state)
{
    static const char *const damages[] = {
        "for f in layout/blobs/sha256/*; do rm $f; done",
        "for f in layout/blobs/sha256/*; do printf x | dd of=$f bs=1 seek=100 conv=notrunc status=none; "
        "done; echo x >> files/text",
        "for f in layout/blobs/sha256/*; do printf x | dd of=$f bs=1 seek=1000000 conv=notrunc status=none; "
        "done; echo x >> files/text",
        "for f in layout/blobs/sha256/*; do printf x | dd of=$f bs=1 seek=100000 conv=notrunc status=none; "
        "done; echo x >> files/f00",
        "for f in layout/blobs/sha256/*; do truncate -s 1000 $f; done",
        "for f in layout/blobs/sha256/*; do truncate -s -1 $f; done; echo x >> files/text",
        "for f in cache/layers/*; do printf x | dd of=$f bs=1 seek=300 conv=notrunc status=none; done",
        "for f in cache/layers/*; do : > $f; done",
        "rm -r cache/layers && touch cache/layers",
        "rm -r cache/layers",
    };

    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        for (unsigned workers = 1; workers <= 2; workers++) {
            struct fixture f;
            command(&(struct fixture){.path = ((struct check_dir *)*state)->path},
                    "rm -rf files layout cache");
            open_fixture(&f, *state, COMPRESSION_GZIP);
            f.options.workers = workers;
            check_same(&f);
            command(&f, damages[i]);
            check_same(&f);
            command(&f, "sleep 0.05");
            check_same(&f);
            fixture_wipe(&f);
        }
    }
}

/* Whichever byte of a memo is wrong, whether or not the layer has changed since. */
static void every_damaged_byte_does_no_harm(void **state)
{
    static const char about[] = "tar/1\nchunk/1\nlade-deflate/1 fast\na layer";
    const struct check_dir *dir = *state;
    AUTO_VALUE(buf_wipe) struct buf before = BUF(BUF_NO_LIMIT), after = BUF(BUF_NO_LIMIT);
    AUTO(mem_free) char *name = NULL;
    struct fixture f = {.path = mem_strdup(dir->path), .fd = dir->fd};
    struct digest name_digest = digest_of(about, sizeof about - 1);
    char hex[DIGEST_TEXT];

    name = mem_printf(MEMO_FOLDER "/%s", digest_hex(&name_digest, hex));
    AUTO(mem_free) char *layout = mem_printf("%s/layout", dir->path);
    check_ok(layout_open(&f.layout, layout, LAYOUT_WRITE));
    check_ok(fs_mkdir_open(&f.cache, dir->fd, "cache"));
    f.options = (struct layer_options){.compression = COMPRESSION_GZIP,
                                       .level = COMPRESS_FAST_LEVEL,
                                       .workers = 1,
                                       .about = "a layer",
                                       .cache_dir = f.cache};
    command(&f, "mkdir files && echo a > files/a && echo b > files/b && sleep 0.1");
    check_same(&f);
    check_ok(fs_read_file(&before, f.cache, name, NULL));
    command(&f, "echo c > files/b && sleep 0.1"); /* the memo is of what was before */
    for (size_t i = 0; i < before.len; i++)
        for (unsigned bit = 1; bit < 256; bit *= 16) {
            before.data[i] = (char)((unsigned char)before.data[i] ^ bit);
            check_ok(newfile_write(f.cache, name, 0600, before.data, before.len, false));
            check_same(&f);
            before.data[i] = (char)((unsigned char)before.data[i] ^ bit);
        }
    check_same(&f);
    check_ok(fs_read_file(&after, f.cache, name, NULL));
    for (size_t i = 0; i < after.len; i++) {
        after.data[i] = (char)((unsigned char)after.data[i] ^ 4);
        check_ok(newfile_write(f.cache, name, 0600, after.data, after.len, false));
        check_same(&f);
        after.data[i] = (char)((unsigned char)after.data[i] ^ 4);
    }
    fixture_wipe(&f);
}

/* A memory that is wrong though its checksum is right: the blob still holds the bytes that its diff ID says.
 */
static void blob_and_diff_id_belong_together(void **state)
{
    static const char about[] = "tar/1\nchunk/1\nlade-deflate/1 fast\na layer";
    AUTO_VALUE(memo_wipe) struct memo m = {0};
    uint8_t key[CHUNKPLAN_KEY];
    struct fixture f;
    bool found = false;

    open_fixture(&f, *state, COMPRESSION_GZIP);
    check_same(&f);
    memo_load(&m, f.cache, about, &found);
    assert_true(found && m.count > 4);
    memcpy(key, m.chunk[1].key, sizeof key);
    for (size_t i = 1; i + 1 < m.count; i++)
        memcpy(m.chunk[i].key, m.chunk[i + 1].key, sizeof key);
    memcpy(m.chunk[m.count - 1].key, key, sizeof key);
    memo_save(&m, f.cache, about);
    command(&f, "echo x >> files/f00");
    check_same(&f);
    fixture_wipe(&f);
}

static void other_forms_have_memories_of_their_own(void **state)
{
    struct fixture f;

    open_fixture(&f, *state, COMPRESSION_GZIP);
    check_same(&f);
    f.options.level = COMPRESS_DEFAULT_LEVEL;
    check_same(&f);
    f.options.compression = COMPRESSION_ZSTD;
    check_same(&f);
    f.options.about = "another layer";
    check_same(&f);
    f.options.fresh = true;
    check_same(&f);
    fixture_wipe(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(changes_are_seen_in_gzip),
        check_with_dir(changes_are_seen_in_zstd),
        check_with_dir(changes_are_seen_in_plain_layers),
        check_with_dir(nothing_is_written_when_nothing_changed),
        check_with_dir(damage_does_no_harm),
        check_with_dir(every_damaged_byte_does_no_harm),
        check_with_dir(blob_and_diff_id_belong_together),
        check_with_dir(other_forms_have_memories_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
