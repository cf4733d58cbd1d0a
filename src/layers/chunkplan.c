/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/chunkplan.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/stop.h"
#include "layers/tarheader.h"

#include <assert.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
/* The kernel's clock for files ticks at least every 10 ms. */
#define TICK_NS (NS_PER_S / 50)
/* Times without a fraction come from a file system that counts seconds, or two of them. */
#define COARSE_TICK_NS (3 * NS_PER_S)

#define SQUEEZE 512
#define SQUEEZE_LINE 16 /* two words */

void chunkplan_clear(struct chunkplan *p)
{
    p->len = 0;
    p->count = 0;
}

void chunkplan_wipe(struct chunkplan *p)
{
    mem_free(p->plain);
    mem_free(p->piece);
    *p = (struct chunkplan){0};
}

static uint8_t *place(struct chunkplan *p, size_t len)
{
    if (!p->plain)
        p->plain = mem_alloc(CHUNK_MAX);
    assert(len <= CHUNK_MAX - p->len);
    p->len += len;
    return p->plain + p->len - len;
}

void chunkplan_add(struct chunkplan *p, const void *data, size_t len)
{
    memcpy(place(p, len), data, len);
}

void chunkplan_add_content(struct chunkplan *p, const struct node *n, uint64_t offset, size_t len)
{
    size_t padding = offset + len == n->size ? (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK : 0;

    MEM_PUSH(p->piece, p->count, p->room,
             (struct chunk_piece){.node = n, .offset = offset, .at = (uint32_t)p->len, .len = (uint32_t)len});
    (void)place(p, len);
    memset(place(p, padding), 0, padding);
}

struct err *chunkplan_read(struct chunkplan *p, struct content_reader *r)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct chunk_piece *piece = &p->piece[i];
        TRY(stop_check());
        TRY(content_read(r, piece->node, piece->offset, p->plain + piece->at, piece->len));
    }
    return NULL;
}

/* What stands for a content in the key. */
struct piece_key {
    uint32_t kind, at, len, mtime_ns;
    uint64_t offset, inode, size;
    int64_t mtime, ctime_ns;
};

static bool is_settled(int64_t changed_ns, int64_t now_ns)
{
    int64_t tick = changed_ns % NS_PER_S == 0 ? COARSE_TICK_NS : TICK_NS;

    return changed_ns < now_ns - tick;
}

static bool add_piece(struct hash *h, const struct chunk_piece *piece, int64_t now_ns)
{
    const struct content *c = &piece->node->content;
    struct piece_key k = {
        .kind = (uint32_t)c->kind, .at = piece->at, .len = piece->len, .offset = piece->offset};

    if (c->kind == CONTENT_DIR) {
        if (c->inode == 0 || !is_settled((int64_t)c->offset, now_ns))
            return false;
        k.inode = c->inode;
        k.size = c->dir_node->size;
        k.mtime = c->dir_node->mtime;
        k.mtime_ns = c->dir_node->mtime_ns;
        k.ctime_ns = (int64_t)c->offset;
    } else if (c->kind != CONTENT_MEM) {
        return false;
    }
    hash_add(h, &k, sizeof k);
    return true;
}

/* Headers are zeros for the greater part: of each SQUEEZE bytes only the lines that are not, behind a mask
 * that says which; and a last line that is not full as it is. */
static void add_squeezed(struct hash *h, const uint8_t *data, size_t len)
{
    uint8_t kept[sizeof(uint32_t) + SQUEEZE];

    for (size_t part; len > 0; data += part, len -= part) {
        uint32_t mask = 0;
        size_t used = sizeof mask, at = 0;
        part = len < SQUEEZE ? len : SQUEEZE;
        for (; at + SQUEEZE_LINE <= part; at += SQUEEZE_LINE) {
            uint64_t words[2];
            memcpy(words, data + at, sizeof words);
            if ((words[0] | words[1]) == 0)
                continue;
            mask |= UINT32_C(1) << at / SQUEEZE_LINE;
            memcpy(kept + used, words, sizeof words);
            used += sizeof words;
        }
        memcpy(kept, &mask, sizeof mask);
        memcpy(kept + used, data + at, part - at);
        hash_add(h, kept, used + (part - at));
    }
}

/* First what lies where, so that no other plan can come to the same bytes; then the bytes that are known. */
bool chunkplan_key(const struct chunkplan *p, int64_t now_ns, uint8_t key[CHUNKPLAN_KEY])
{
    AUTO(hash_free) struct hash *h = hash_new(DIGEST_SHA256);
    const uint64_t sizes[] = {p->len, p->count};
    size_t at = 0;

    hash_add(h, sizes, sizeof sizes);
    for (size_t i = 0; i < p->count; i++)
        if (!add_piece(h, &p->piece[i], now_ns))
            return false;
    for (size_t i = 0; i < p->count; i++) {
        const struct chunk_piece *piece = &p->piece[i];
        add_squeezed(h, p->plain + at, piece->at - at);
        if (piece->node->content.kind == CONTENT_MEM)
            hash_add(h, piece->node->content.mem + piece->offset, piece->len);
        at = piece->at + piece->len;
    }
    add_squeezed(h, p->plain + at, p->len - at);
    struct digest d = hash_value(h);
    memcpy(key, d.bytes, CHUNKPLAN_KEY);
    return true;
}
