/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/indexpack.h"

#include "base/fs.h"
#include "base/mem.h"
#include "layers/chunk.h"
#include "layers/compress.h"
#include "layers/indexfile.h"
#include "layers/layer.h"
#include "layers/reader.h"
#include "layers/tarread.h"
#include "layers/tarwrite.h"

#include <fcntl.h>
#include <unistd.h>

struct err *indexpack_gzip(struct buf *out, const struct buf *plain)
{
    AUTO(compress_free) struct compress *c = NULL;
    size_t room = compress_member_bound(CHUNK_MAX);
    AUTO(mem_free) uint8_t *member = mem_alloc(room);
    TRY(compress_new(&c, COMPRESSION_GZIP, COMPRESS_DEFAULT_LEVEL));
    for (size_t at = 0; at < plain->len;) {
        size_t len = plain->len - at < CHUNK_MAX ? plain->len - at : CHUNK_MAX, packed = 0;
        TRY(compress_member(c, (const uint8_t *)plain->data + at, len, member, room, &packed));
        buf_add(out, member, packed);
        at += len;
    }
    return buf_check(out, "the index of a layer");
}

static struct err *pack_tree(struct buf *out, struct tree *tree, const struct indexfile *head)
{
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(INDEXPACK_MAX);
    indexfile_write(&plain, head, tree);
    TRY(buf_check(&plain, "the index of a layer"));
    return indexpack_gzip(out, &plain);
}

struct err *indexpack_make(struct buf *out, struct store *from, const struct desc *blob,
                           const struct digest *diff_id, int cache_dir)
{
    AUTO(tree_free) struct tree *tree = NULL;
    struct indexfile head = {.blob = blob->digest, .diff_id = *diff_id};
    TRY(layer_index(&tree, from, blob, diff_id, cache_dir));
    return pack_tree(out, tree, &head);
}

struct err *indexpack_make_from_tree(struct buf *out, struct tree *t, const struct digest *diff_id,
                                     int temp_take)
{
    const struct tarread_options options = {.what = "a layer", .layer = true, .keep_accounts = true};
    struct indexfile head = {.blob = *diff_id, .diff_id = *diff_id};
    AUTO(fd_close) int temp = temp_take;
    AUTO(tree_free) struct tree *read = NULL;
    int writing = fcntl(temp, F_DUPFD_CLOEXEC, 3);
    if (writing < 0)
        return err_sys("a temporary file");
    AUTO(sink_free) struct sink *to = sink_fd(writing);
    TRY(tarwrite_tree(to, t, NULL));
    TRY(sink_commit(to));
    if (lseek(temp, 0, SEEK_SET) != 0)
        return err_sys("a temporary file");
    AUTO(source_free) struct source *from = source_fd(fd_take(&temp));
    TRY(tarread_tree(&read, from, &options));
    return pack_tree(out, read, &head);
}

struct err *indexpack_gunzip(struct buf *out, struct source *from_take)
{
    AUTO(source_free) struct source *plain = NULL;
    TRY(reader_plain(&plain, from_take, READER_GZIP));
    return source_read_all(plain, out, "what a cache tells of a layer");
}

struct err *indexpack_read(struct tree **out, struct source *from_take, const struct digest *diff_id)
{
    AUTO(tree_free) struct tree *tree = NULL;
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(INDEXPACK_MAX);
    struct indexfile head;
    TRY(indexpack_gunzip(&bytes, from_take));
    TRY(indexfile_read(&head, &tree, buf_text(&bytes), bytes.len));
    if (!digest_equal(&head.diff_id, diff_id))
        return err_new(ERR_INPUT, "it is the index of another layer");
    *out = TAKE(tree);
    return NULL;
}
