/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/toc.h"

#include "base/mem.h"
#include "layers/tarwalk.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define HEADER_SIZE TAR_BLOCK
#define START "{\"version\":1,\"entries\":["
#define END "\n]}"
#define TOC_MODE 0444

static void put(struct toc *t, const void *data, size_t len)
{
    const uint8_t *from = data;

    while (len > 0) {
        size_t at = (size_t)(t->len % CHUNK_MAX);
        size_t part = len < CHUNK_MAX - at ? len : CHUNK_MAX - at;
        if (at == 0)
            MEM_PUSH(t->block, t->count, t->room, mem_alloc(CHUNK_MAX));
        memcpy(t->block[t->count - 1] + at, from, part);
        t->len += part;
        from += part;
        len -= part;
    }
}

/* Over what stands there. */
static void replace(struct toc *t, uint64_t at, const void *data, size_t len)
{
    const uint8_t *from = data;

    assert(at + len <= t->len);
    for (size_t i = 0; i < len; i++, at++)
        t->block[at / CHUNK_MAX][at % CHUNK_MAX] = from[i];
}

struct toc *toc_new(void)
{
    static const uint8_t header[HEADER_SIZE];
    struct toc *t = mem_zero(1, sizeof *t);

    t->file = hash_new(DIGEST_SHA256);
    put(t, header, sizeof header);
    put(t, START, strlen(START));
    return t;
}

void toc_free(struct toc *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        mem_free(t->block[i]);
    mem_free(t->block);
    hash_free(t->file);
    mem_free(t);
}

size_t toc_block_len(const struct toc *t, size_t i)
{
    uint64_t left = t->len - (uint64_t)i * CHUNK_MAX;

    return left < CHUNK_MAX ? (size_t)left : CHUNK_MAX;
}

/* A piece that is not the whole file: its digest is known when all pieces have come. Until then its place is
 * kept. */
static void add_to_file(struct toc *t, const struct chunkplan *plan, const struct chunk_piece *p)
{
    char text[DIGEST_TEXT];

    if (p->offset == 0)
        hash_reset(t->file);
    hash_add(t->file, plan->plain + p->at, p->len);
    if (p->offset + p->len < p->node->size)
        return;
    struct digest d = hash_value(t->file);
    digest_text(&d, text);
    replace(t, t->digest_at, text, strlen(text));
}

static void fill(struct toc *t, const struct chunk_piece *p, const struct toc_piece *found)
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
    put(t, text.data, text.len);
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
        put(t, text + done, notes->hole[i] - done);
        done = notes->hole[i];
        fill(t, p, &piece[i]);
        if (p->len < p->node->size)
            add_to_file(t, plan, p);
    }
    put(t, text + done, notes->text.len - done);
    if (t->len > TOC_MAX)
        return err_new(ERR_RESOURCE, "eStargz: the table of contents is larger than %" PRIu64 " bytes",
                       TOC_MAX);
    return NULL;
}

struct err *toc_end(struct toc *t, struct digest *digest)
{
    static const uint8_t zeros[TAR_BLOCK + TARWALK_END];
    AUTO(hash_free) struct hash *h = hash_new(DIGEST_SHA256);
    AUTO_VALUE(buf_wipe) struct buf header = BUF(BUF_NO_LIMIT);

    put(t, END, strlen(END));
    const struct tar_entry entry = {
        .type = TAR_FILE, .name = TOC_NAME, .mode = TOC_MODE, .size = t->len - HEADER_SIZE};
    for (size_t i = 0; i < t->count; i++) {
        size_t from = i == 0 ? HEADER_SIZE : 0;
        hash_add(h, t->block[i] + from, toc_block_len(t, i) - from);
    }
    *digest = hash_value(h);
    TRY(tarheader_write(&header, &entry));
    assert(header.len == HEADER_SIZE);
    replace(t, 0, header.data, header.len);
    put(t, zeros, (TAR_BLOCK - entry.size % TAR_BLOCK) % TAR_BLOCK + TARWALK_END);
    return NULL;
}
