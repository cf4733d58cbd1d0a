/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/memo.h"

#include "base/mem.h"
#include "layers/tarheader.h"

#include <string.h>

#define MAGIC "lade memo 1\n"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define DIGEST_LEN 32
#define HEAD_LEN (MAGIC_LEN + 3 * DIGEST_LEN + 8 + 4)
#define CHUNK_LEN (CHUNKPLAN_KEY + 8 * 4 + DIGEST_LEN + 8 + 3 * 4)
/* Incompressible bytes grow a little. */
#define PACKED_MAX (2 * CHUNK_MAX)

void memo_wipe(struct memo *m)
{
    mem_free(m->chunk);
    mem_free(m->slot);
    *m = (struct memo){0};
}

bool memo_has_key(const struct memo_chunk *c)
{
    static const uint8_t none[CHUNKPLAN_KEY];

    return memcmp(c->key, none, sizeof none) != 0;
}

/* Keys are digests: any part of them is as good as another. */
static size_t first_slot(const struct memo *m, const uint8_t *key)
{
    uint32_t hash;

    memcpy(&hash, key, sizeof hash);
    return hash & (m->slots - 1);
}

static void make_slots(struct memo *m)
{
    m->slots = 16;
    while (m->slots < 2 * m->count)
        m->slots *= 2;
    m->slot = mem_zero(m->slots, sizeof *m->slot);
    for (size_t i = 0; i < m->count; i++) {
        size_t at = first_slot(m, m->chunk[i].key);
        if (!memo_has_key(&m->chunk[i]))
            continue;
        while (m->slot[at])
            at = (at + 1) & (m->slots - 1);
        m->slot[at] = (uint32_t)i + 1;
    }
}

const struct memo_chunk *memo_find(struct memo *m, const uint8_t key[CHUNKPLAN_KEY])
{
    if (!m->slot)
        make_slots(m);
    for (size_t at = first_slot(m, key); m->slot[at]; at = (at + 1) & (m->slots - 1))
        if (memcmp(m->chunk[m->slot[at] - 1].key, key, CHUNKPLAN_KEY) == 0)
            return &m->chunk[m->slot[at] - 1];
    return NULL;
}

/* Numbers are little endian. */
static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_byte(out, (char)(value >> 8 * i));
}

static struct digest about_digest(const char *about)
{
    return digest_of(about, strlen(about));
}

void memo_encode(const struct memo *m, const char *about, struct buf *out)
{
    struct digest d = about_digest(about);
    size_t start = out->len;

    buf_str(out, MAGIC);
    buf_add(out, d.bytes, DIGEST_LEN);
    buf_add(out, m->diff_id.bytes, DIGEST_LEN);
    buf_add(out, m->blob.bytes, DIGEST_LEN);
    put_number(out, m->size, 8);
    put_number(out, m->count, 4);
    for (size_t i = 0; i < m->count; i++) {
        const struct memo_chunk *c = &m->chunk[i];
        buf_add(out, c->key, sizeof c->key);
        for (size_t k = 0; k < 8; k++)
            put_number(out, c->word[k], 4);
        buf_add(out, c->digest, sizeof c->digest);
        put_number(out, c->offset, 8);
        put_number(out, c->len, 4);
        put_number(out, c->packed_len, 4);
        put_number(out, c->crc, 4);
    }
    if (out->full)
        return;
    d = digest_of(out->data + start, out->len - start);
    buf_add(out, d.bytes, DIGEST_LEN);
}

struct reading {
    const uint8_t *at;
};

static void get_bytes(struct reading *r, void *to, size_t len)
{
    memcpy(to, r->at, len);
    r->at += len;
}

static uint64_t get_number(struct reading *r, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)*r->at++ << 8 * i;
    return value;
}

static void get_digest(struct reading *r, struct digest *d)
{
    *d = (struct digest){.alg = DIGEST_SHA256};
    get_bytes(r, d->bytes, DIGEST_LEN);
}

static void get_chunk(struct reading *r, struct memo_chunk *c)
{
    get_bytes(r, c->key, sizeof c->key);
    for (size_t i = 0; i < 8; i++)
        c->word[i] = (uint32_t)get_number(r, 4);
    get_bytes(r, c->digest, sizeof c->digest);
    c->offset = get_number(r, 8);
    c->len = (uint32_t)get_number(r, 4);
    c->packed_len = (uint32_t)get_number(r, 4);
    c->crc = (uint32_t)get_number(r, 4);
}

/* Chunks stand one behind the other in the blob and have sizes that chunks can have. */
static bool is_possible(const struct memo *m)
{
    uint64_t end = 0;

    for (size_t i = 0; i < m->count; i++) {
        const struct memo_chunk *c = &m->chunk[i];
        if (c->len == 0 || c->len > CHUNK_MAX || c->len % TAR_BLOCK != 0 || c->packed_len == 0 ||
            c->packed_len > PACKED_MAX || c->offset < end || c->offset > m->size ||
            c->packed_len > m->size - c->offset)
            return false;
        end = c->offset + c->packed_len;
    }
    return m->count > 0;
}

struct err *memo_decode(struct memo *out, const char *about, const void *data, size_t len)
{
    AUTO_VALUE(memo_wipe) struct memo m = {0};
    struct reading r = {.at = data};
    char magic[MAGIC_LEN];
    struct digest wanted = about_digest(about), found;

    if (len < HEAD_LEN + DIGEST_LEN || (len - HEAD_LEN - DIGEST_LEN) % CHUNK_LEN != 0)
        return err_new(ERR_INPUT, "a memo of %zu bytes is none", len);
    struct digest sum = digest_of(data, len - DIGEST_LEN);
    if (memcmp(sum.bytes, (const uint8_t *)data + len - DIGEST_LEN, DIGEST_LEN) != 0)
        return err_new(ERR_INPUT, "a memo is damaged");
    get_bytes(&r, magic, MAGIC_LEN);
    get_digest(&r, &found);
    if (memcmp(magic, MAGIC, MAGIC_LEN) != 0 || !digest_equal(&found, &wanted))
        return err_new(ERR_INPUT, "a memo is of another version, or about another layer");
    get_digest(&r, &m.diff_id);
    get_digest(&r, &m.blob);
    m.size = get_number(&r, 8);
    m.count = (size_t)get_number(&r, 4);
    if (m.count != (len - HEAD_LEN - DIGEST_LEN) / CHUNK_LEN)
        return err_new(ERR_INPUT, "a memo has another number of chunks than it says");
    m.chunk = mem_zero(m.count ? m.count : 1, sizeof *m.chunk);
    for (size_t i = 0; i < m.count; i++)
        get_chunk(&r, &m.chunk[i]);
    if (!is_possible(&m))
        return err_new(ERR_INPUT, "a memo has chunks that cannot be");
    *out = m;
    m = (struct memo){0};
    return NULL;
}
