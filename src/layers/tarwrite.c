/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarwrite.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/linkfirst.h"
#include "layers/tarheader.h"

#include <inttypes.h>
#include <string.h>

/* Headers and small files are collected; larger pieces go straight through. */
#define COLLECT (128 * 1024)
#define COLLECT_PIECE (16 * 1024)

#define WHITEOUT ".wh."
#define OPAQUE_MARK ".wh..wh..opq"

struct writer {
    struct sink *to;
    struct tree *tree;
    struct buf collected;
    struct buf path; /* of the directory that is being written, with "/" at its end; "" for the root */
    struct linkfirst first;
};

static void writer_wipe(struct writer *w)
{
    buf_wipe(&w->collected);
    buf_wipe(&w->path);
    linkfirst_wipe(&w->first);
}

static struct err *flush(struct writer *w)
{
    if (w->collected.len > 0)
        TRY(sink_write(w->to, w->collected.data, w->collected.len));
    buf_clear(&w->collected);
    return NULL;
}

static struct err *put(struct writer *w, const void *data, size_t len)
{
    if (w->collected.len + len > COLLECT)
        TRY(flush(w));
    if (len >= COLLECT_PIECE) {
        TRY(flush(w));
        return sink_write(w->to, data, len);
    }
    buf_add(&w->collected, data, len);
    return NULL;
}

static struct err *put_padding(struct writer *w, uint64_t size)
{
    static const char zeros[TAR_BLOCK];

    return put(w, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static struct err *put_header(struct writer *w, const struct tar_entry *entry)
{
    if (w->collected.len > COLLECT - 4 * TAR_BLOCK)
        TRY(flush(w));
    return tarheader_write(&w->collected, entry);
}

static struct err *wrong_length(const char *path, uint64_t got, uint64_t size)
{
    AUTO(mem_free) char *safe = str_safe(path);
    return err_new(ERR_CONFLICT, "%s: it has %s than the %" PRIu64 " bytes that were seen first", safe,
                   got < size ? "fewer" : "more", size);
}

static struct err *put_content(struct writer *w, const struct node *n, const char *path)
{
    AUTO(source_free) struct source *from = NULL;
    uint64_t done = 0;

    TRY(node_open(n, &from));
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            break;
        if (len > n->size - done)
            return wrong_length(path, done + len, n->size);
        TRY(put(w, data, len));
        TRY(stop_check());
        source_advance(from, len);
        done += len;
    }
    if (done != n->size)
        return wrong_length(path, done, n->size);
    return put_padding(w, n->size);
}

static enum tar_type type_of(const struct node *n)
{
    switch (n->type) {
    case NODE_FILE:
    case NODE_WHITEOUT:
        return TAR_FILE;
    case NODE_DIR:
        return TAR_DIR;
    case NODE_SYMLINK:
        return TAR_SYMLINK;
    case NODE_CHAR:
        return TAR_CHAR;
    case NODE_BLOCK:
        return TAR_BLOCK_DEVICE;
    case NODE_FIFO:
    case NODE_LINK:
        break;
    }
    return TAR_FIFO;
}

static struct err *put_node(struct writer *w, const struct node *n, const char *path)
{
    const struct node *first = linkfirst_of(&w->first, w->tree, n);
    bool linked = first != n;
    bool device = n->type == NODE_CHAR || n->type == NODE_BLOCK;
    AUTO(mem_free) char *first_path = linked ? node_path(first) : NULL;
    struct tar_entry entry = {
        .type = linked ? TAR_HARD_LINK : type_of(n),
        .name = path,
        .link = n->type == NODE_SYMLINK ? n->target : NULL,
        .mode = n->type == NODE_SYMLINK ? 0777 : first->mode,
        .uid = first->uid,
        .gid = first->gid,
        .size = n->type == NODE_FILE && !linked ? n->size : 0,
        .mtime = first->mtime,
        .device_major = device && !linked ? n->device_major : 0,
        .device_minor = device && !linked ? n->device_minor : 0,
        .xattr = linked ? NULL : n->xattr,
        .xattr_count = linked ? 0 : n->xattr_count,
    };

    if (linked)
        entry.link = first_path;
    TRY(put_header(w, &entry));
    return entry.size > 0 ? put_content(w, n, path) : NULL;
}

/* An empty file with a name that says what is not there. */
static struct err *put_mark(struct writer *w, const char *name, int64_t mtime)
{
    AUTO(mem_free) char *path = mem_printf("%s%s", buf_text(&w->path), name);
    struct tar_entry entry = {.type = TAR_FILE, .name = path, .mtime = mtime};

    return put_header(w, &entry);
}

static struct err *put_marks(struct writer *w, const struct node *dir, struct node **child, size_t count)
{
    if (dir->opaque)
        TRY(put_mark(w, OPAQUE_MARK, dir->mtime));
    for (size_t i = 0; i < count; i++) {
        if (child[i]->type != NODE_WHITEOUT)
            continue;
        AUTO(mem_free) char *name = mem_printf(WHITEOUT "%s", child[i]->name);
        TRY(put_mark(w, name, child[i]->mtime));
    }
    return NULL;
}

static struct err *check_name(const struct writer *w, const struct node *n)
{
    if (!str_starts(n->name, WHITEOUT))
        return NULL;
    AUTO(mem_free) char *path = mem_printf("%s%s", buf_text(&w->path), n->name);
    AUTO(mem_free) char *safe = str_safe(path);
    return err_hint(
        err_new(ERR_INPUT, "%s: names that begin with \"" WHITEOUT "\" are reserved in layers", safe),
        "rename the file, or leave it out with .dockerignore");
}

static struct err *put_children(struct writer *w, struct node *dir)
{
    struct node **child;
    size_t count;
    size_t parent_len = w->path.len;

    TRY(tree_children(w->tree, dir, &child, &count));
    for (size_t i = 0; i < count; i++)
        TRY(check_name(w, child[i]));
    TRY(put_marks(w, dir, child, count));
    for (size_t i = 0; i < count; i++) {
        struct node *n = child[i];
        if (n->type == NODE_WHITEOUT)
            continue;
        TRY(stop_check());
        buf_str(&w->path, n->name);
        if (n->type == NODE_DIR)
            buf_byte(&w->path, '/');
        if (n->type != NODE_DIR || !n->implicit)
            TRY(put_node(w, n, buf_text(&w->path)));
        if (n->type == NODE_DIR)
            TRY(put_children(w, n));
        w->path.len = parent_len;
        if (w->path.data)
            w->path.data[parent_len] = '\0';
    }
    return NULL;
}

struct err *tarwrite_tree(struct sink *to, struct tree *t, const struct tarwrite_options *options)
{
    AUTO_VALUE(writer_wipe)
    struct writer w = {.to = to, .tree = t, .collected = BUF(BUF_NO_LIMIT), .path = BUF(BUF_NO_LIMIT)};

    if (options && options->with_root)
        TRY(put_node(&w, tree_root(t), "./"));
    TRY(put_children(&w, tree_root(t)));
    TRY(flush(&w));
    return tarwrite_end(to);
}

struct err *tarwrite_file_header(struct sink *to, const char *name, uint64_t size)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    struct tar_entry entry = {.type = TAR_FILE, .name = name, .mode = 0644, .size = size};

    TRY(tarheader_write(&out, &entry));
    return sink_write(to, out.data, out.len);
}

struct err *tarwrite_padding(struct sink *to, uint64_t size)
{
    static const char zeros[TAR_BLOCK];
    size_t len = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;

    return len ? sink_write(to, zeros, len) : NULL;
}

struct err *tarwrite_end(struct sink *to)
{
    static const char zeros[2 * TAR_BLOCK];

    return sink_write(to, zeros, sizeof zeros);
}
