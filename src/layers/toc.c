/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/toc.h"

#include "base/fs.h"
#include "base/mem.h"
#include "layers/tarwalk.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE TAR_BLOCK
#define START "{\"version\":1,\"entries\":["
#define END "\n]}"
#define TOC_MODE 0444
#define FILE_NAME "the table of contents of a layer"

size_t toc_block_count(const struct toc *t)
{
    return (size_t)((t->len + CHUNK_MAX - 1) / CHUNK_MAX);
}

static size_t block_len(const struct toc *t, size_t i)
{
    uint64_t left = t->len - (uint64_t)i * CHUNK_MAX;

    return left < CHUNK_MAX ? (size_t)left : CHUNK_MAX;
}

static struct err *write_block(struct toc *t)
{
    return fd_write(t->fd, t->block, block_len(t, toc_block_count(t) - 1), FILE_NAME);
}

static struct err *put(struct toc *t, const void *data, size_t len)
{
    const uint8_t *from = data;

    while (len > 0) {
        size_t at = (size_t)(t->len % CHUNK_MAX);
        size_t part = len < CHUNK_MAX - at ? len : CHUNK_MAX - at;
        if (at == 0 && t->len > 0)
            TRY(write_block(t));
        memcpy(t->block + at, from, part);
        t->len += part;
        from += part;
        len -= part;
    }
    return NULL;
}

/* Over what stands there. */
static struct err *replace(struct toc *t, uint64_t at, const void *data, size_t len)
{
    const uint8_t *from = data;
    uint64_t block_at = (uint64_t)(toc_block_count(t) - 1) * CHUNK_MAX;

    assert(at + len <= t->len);
    while (at < block_at && len > 0) {
        size_t part = block_at - at < len ? (size_t)(block_at - at) : len;
        ssize_t done = pwrite(t->fd, from, part, (off_t)at);
        if (done < 0 && errno != EINTR)
            return err_sys(FILE_NAME);
        part = done > 0 ? (size_t)done : 0;
        at += part;
        from += part;
        len -= part;
    }
    if (len > 0)
        memcpy(t->block + (at - block_at), from, len);
    return NULL;
}

struct toc *toc_new(int fd)
{
    struct toc *t = mem_zero(1, sizeof *t);

    t->fd = fd;
    t->file = hash_new(DIGEST_SHA256);
    t->block = mem_alloc(CHUNK_MAX);
    memset(t->block, 0, HEADER_SIZE);
    memcpy(t->block + HEADER_SIZE, START, strlen(START));
    t->len = HEADER_SIZE + strlen(START);
    return t;
}

void toc_free(struct toc *t)
{
    if (!t)
        return;
    fd_close(t->fd);
    mem_free(t->block);
    hash_free(t->file);
    mem_free(t);
}

/* A piece that is not the whole file: its digest is known when all pieces have come. Until then its place is
 * kept. */
static struct err *add_to_file(struct toc *t, const struct chunkplan *plan, const struct chunk_piece *p)
{
    char text[DIGEST_TEXT];

    if (p->offset == 0)
        hash_reset(t->file);
    hash_add(t->file, plan->plain + p->at, p->len);
    if (p->offset + p->len < p->node->size)
        return NULL;
    struct digest d = hash_value(t->file);
    digest_text(&d, text);
    return replace(t, t->digest_at, text, strlen(text));
}

static struct err *fill(struct toc *t, const struct chunk_piece *p, const struct toc_piece *found)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    char digest[DIGEST_TEXT];

    digest_text(&found->digest, digest);
    buf_printf(&text, ",\"offset\":%" PRIu64, found->offset);
    if (p->offset == 0) {
        buf_str(&text, ",\"digest\":\"");
        t->digest_at = t->len + text.len;
        buf_printf(&text, "%s\"", digest);
    }
    buf_printf(&text, ",\"chunkDigest\":\"%s\"", digest);
    return put(t, text.data, text.len);
}

struct err *toc_add(struct toc *t, const struct toc_notes *notes, const struct chunkplan *plan,
                    const struct toc_piece *piece)
{
    const char *text = buf_text(&notes->text);
    size_t done =
        t->len == HEADER_SIZE + strlen(START) && notes->text.len > 0; /* no comma before the first */

    assert(notes->count == plan->count);
    for (size_t i = 0; i < notes->count; i++) {
        const struct chunk_piece *p = &plan->piece[i];
        TRY(put(t, text + done, notes->hole[i] - done));
        done = notes->hole[i];
        TRY(fill(t, p, &piece[i]));
        if (p->len < p->node->size)
            TRY(add_to_file(t, plan, p));
    }
    TRY(put(t, text + done, notes->text.len - done));
    if (t->len > TOC_MAX)
        return err_new(ERR_RESOURCE, "eStargz: the table of contents is larger than %" PRIu64 " bytes",
                       TOC_MAX);
    return NULL;
}

struct err *toc_block(struct toc *t, size_t i, const uint8_t **data, size_t *len)
{
    size_t want = block_len(t, i);

    for (size_t done = 0; done < want;) {
        ssize_t got = pread(t->fd, t->block + done, want - done, (off_t)(i * CHUNK_MAX + done));
        if (got == 0)
            return err_new(ERR_INTEGRITY, FILE_NAME ": its temporary file was cut off");
        if (got < 0 && errno != EINTR)
            return err_sys(FILE_NAME);
        done += got > 0 ? (size_t)got : 0;
    }
    *data = t->block;
    *len = want;
    return NULL;
}

static struct err *text_digest(struct toc *t, uint64_t size, struct digest *digest)
{
    AUTO(hash_free) struct hash *h = hash_new(DIGEST_SHA256);
    const uint8_t *data;
    size_t len;

    for (size_t i = 0; i < toc_block_count(t) && size > 0; i++) {
        size_t from = i == 0 ? HEADER_SIZE : 0;
        TRY(toc_block(t, i, &data, &len));
        size_t part = size < len - from ? (size_t)size : len - from;
        hash_add(h, data + from, part);
        size -= part;
    }
    *digest = hash_value(h);
    return NULL;
}

struct err *toc_end(struct toc *t, struct digest *digest)
{
    static const uint8_t zeros[TAR_BLOCK + TARWALK_END];
    AUTO_VALUE(buf_wipe) struct buf header = BUF(BUF_NO_LIMIT);

    TRY(put(t, END, strlen(END)));
    const struct tar_entry entry = {
        .type = TAR_FILE, .name = TOC_NAME, .mode = TOC_MODE, .size = t->len - HEADER_SIZE};
    TRY(tarheader_write(&header, &entry));
    assert(header.len == HEADER_SIZE);
    TRY(replace(t, 0, header.data, header.len));
    TRY(put(t, zeros, (TAR_BLOCK - entry.size % TAR_BLOCK) % TAR_BLOCK + TARWALK_END));
    TRY(write_block(t));
    return text_digest(t, entry.size, digest);
}
