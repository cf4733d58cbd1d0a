/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarwrite.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/tarheader.h"
#include "layers/tarwalk.h"

#include <inttypes.h>

/* Headers and small files are collected; larger pieces go straight through. */
#define COLLECT (128 * 1024)
#define COLLECT_PIECE (16 * 1024)

struct writer {
    struct sink *to;
    struct buf collected;
};

static void writer_wipe(struct writer *w)
{
    buf_wipe(&w->collected);
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

static struct err *put_entry(void *ctx, const struct tar_entry *entry, const struct buf *headers,
                             const struct node *content)
{
    struct writer *w = ctx;

    TRY(put(w, headers->data, headers->len));
    return content ? put_content(w, content, entry->name) : NULL;
}

struct err *tarwrite_tree(struct sink *to, struct tree *t, const struct tarwrite_options *options)
{
    AUTO_VALUE(writer_wipe) struct writer w = {.to = to, .collected = BUF(BUF_NO_LIMIT)};
    const struct tarwalk walk = {.entry = put_entry, .ctx = &w, .with_root = options && options->with_root};

    TRY(tarwalk_tree(t, &walk));
    TRY(flush(&w));
    return tarwrite_end(to);
}

static struct err *write_header(struct sink *to, const struct tar_entry *entry)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);

    TRY(tarheader_write(&out, entry));
    return sink_write(to, out.data, out.len);
}

struct err *tarwrite_file_header(struct sink *to, const char *name, uint64_t size)
{
    struct tar_entry entry = {.type = TAR_FILE, .name = name, .mode = 0644, .size = size};

    return write_header(to, &entry);
}

struct err *tarwrite_directory(struct sink *to, const char *name)
{
    struct tar_entry entry = {.type = TAR_DIR, .name = name, .mode = 0755};

    return write_header(to, &entry);
}

struct err *tarwrite_padding(struct sink *to, uint64_t size)
{
    static const char zeros[TAR_BLOCK];
    size_t len = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;

    return len ? sink_write(to, zeros, len) : NULL;
}

struct err *tarwrite_end(struct sink *to)
{
    static const char zeros[TARWALK_END];

    return sink_write(to, zeros, sizeof zeros);
}
