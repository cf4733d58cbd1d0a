/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/estargz.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/ring.h"
#include "base/stop.h"
#include "base/str.h"
#include "layers/chunkplan.h"
#include "layers/gzip.h"
#include "layers/toc.h"
#include "layers/worker.h"

#include <inttypes.h>
#include <string.h>

/* Chunks in flight, as in pipeline.c. */
#define JOBS(workers) ((workers) == 1 ? 1 : 2 * (size_t)(workers) + 4)
#define JOBS_MAX 64

#define LANDMARK_MODE 0444
#define LANDMARK_BYTE "\x0f"

/* One chunk in flight. */
struct job {
    struct chunkplan plan;
    struct toc_notes notes;
    struct toc_piece *piece; /* of the plan; offsets from the chunk's beginning until its turn */
    size_t pieces;           /* room */
    uint8_t *packed;
    size_t packed_room, packed_len;
};

struct estargz {
    struct sink *to;
    struct ring *ring;
    struct job *job; /* as the ring's slots */
    size_t jobs;
    struct workers *workers;
    struct chunkplan plan; /* the chunk that is being planned */
    struct toc_notes notes;

    /* Of the turns. */
    struct hash *diff;
    struct toc *toc;
    uint64_t tar_len, blob_len;
};

/* What a worker does. */

static size_t packed_bound(const struct chunkplan *plan)
{
    size_t bound = compress_member_bound(plan->len);

    for (size_t i = 0; i < plan->count; i++)
        bound += compress_member_bound(0);
    return bound;
}

static void make_room(struct job *j)
{
    size_t bound = packed_bound(&j->plan);

    if (bound > j->packed_room) {
        mem_free(j->packed);
        j->packed = mem_alloc(bound);
        j->packed_room = bound;
    }
    if (j->plan.count > j->pieces) {
        j->piece = mem_grow(j->piece, j->plan.count, sizeof *j->piece);
        j->pieces = j->plan.count;
    }
    j->packed_len = 0;
}

static struct err *pack_member(struct job *j, struct compress *c, size_t from, size_t to)
{
    size_t len = 0;

    if (to > from)
        TRY(compress_member(c, j->plan.plain + from, to - from, j->packed + j->packed_len,
                            j->packed_room - j->packed_len, &len));
    j->packed_len += len;
    return stop_check();
}

/* One member up to the first content, and one from the beginning of each to that of the next. */
static struct err *pack(struct job *j, struct compress *c)
{
    size_t from = 0;

    make_room(j);
    for (size_t i = 0; i < j->plan.count; i++) {
        const struct chunk_piece *p = &j->plan.piece[i];
        TRY(pack_member(j, c, from, p->at));
        j->piece[i].offset = j->packed_len;
        j->piece[i].digest = digest_of(j->plan.plain + p->at, p->len);
        from = p->at;
    }
    return pack_member(j, c, from, j->plan.len);
}

static struct err *work(void *ctx, size_t slot)
{
    struct estargz *z = ctx;
    struct job *j = &z->job[slot];
    struct worker *w = NULL;

    TRY(workers_take(z->workers, &w));
    struct err *e = chunkplan_read(&j->plan, w->reader);
    if (!e)
        e = pack(j, w->compress);
    workers_give_back(z->workers, w);
    return e;
}

/* What is done in the order of chunks. */

static struct err *put_blob(struct estargz *z, const void *data, size_t len)
{
    z->blob_len += len;
    return sink_write(z->to, data, len);
}

static void add_plain(struct estargz *z, const void *data, size_t len)
{
    hash_add(z->diff, data, len);
    z->tar_len += len;
}

static struct err *turn(void *ctx, size_t slot)
{
    struct estargz *z = ctx;
    struct job *j = &z->job[slot];

    for (size_t i = 0; i < j->plan.count; i++)
        j->piece[i].offset += z->blob_len;
    TRY(toc_add(z->toc, &j->notes, &j->plan, j->piece));
    add_plain(z, j->plan.plain, j->plan.len);
    return put_blob(z, j->packed, j->packed_len);
}

/* What the caller's thread does. */

/* estargz_end gives out the error itself. */
static struct err *stopped(void)
{
    return err_new(ERR_INTERNAL, "an earlier part of the layer could not be written");
}

static struct err *end_chunk(struct estargz *z, bool last)
{
    size_t slot = 0;

    if (z->plan.len == 0)
        return NULL;
    if (!ring_next(z->ring, &slot))
        return stopped();
    struct job *j = &z->job[slot];
    struct chunkplan plan = j->plan;
    struct toc_notes notes = j->notes;
    j->plan = z->plan;
    j->notes = z->notes;
    z->plan = plan;
    z->notes = notes;
    chunkplan_clear(&z->plan);
    toc_notes_clear(&z->notes);
    ring_submit(z->ring, last);
    return NULL;
}

/* Make room for a unit of the rule chunk/1 (chunk.h). */
static struct err *begin_unit(struct estargz *z, uint64_t len, const char *name)
{
    return chunk_ends_before(z->plan.len, len, name) ? end_chunk(z, false) : NULL;
}

static struct err *put_headers(struct estargz *z, const char *name, const struct buf *headers)
{
    for (size_t done = 0; done < headers->len;) {
        size_t part = headers->len - done < CHUNK_MAX ? headers->len - done : CHUNK_MAX;
        TRY(begin_unit(z, part, name));
        chunkplan_add(&z->plan, headers->data + done, part);
        done += part;
    }
    return NULL;
}

static void put_content(struct estargz *z, const struct tar_entry *entry, const struct node *n,
                        uint64_t offset, size_t len)
{
    toc_note_piece(&z->notes, entry, offset, len);
    chunkplan_add_content(&z->plan, n, offset, len);
}

static struct err *put_slices(struct estargz *z, const struct tar_entry *entry, const struct node *n)
{
    for (uint64_t done = 0; done < n->size;) {
        size_t part = n->size - done < CHUNK_MAX ? (size_t)(n->size - done) : CHUNK_MAX;
        TRY(end_chunk(z, false));
        put_content(z, entry, n, done, part);
        done += part;
    }
    return end_chunk(z, false);
}

struct err *estargz_entry(struct estargz *z, const struct tar_entry *entry, const struct buf *headers,
                          const struct node *content)
{
    uint64_t size = content ? content->size : 0;
    uint64_t padded = size <= CHUNK_MAX ? (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK : size;

    TRY(stop_check());
    TRY(toc_check(entry));
    if (!chunk_holds_entry(headers->len, padded)) {
        TRY(put_headers(z, entry->name, headers));
        if (content)
            return put_slices(z, entry, content);
        toc_note_entry(&z->notes, entry);
        return NULL;
    }
    TRY(begin_unit(z, headers->len + padded, entry->name));
    chunkplan_add(&z->plan, headers->data, headers->len);
    if (content)
        put_content(z, entry, content, 0, (size_t)size);
    else
        toc_note_entry(&z->notes, entry);
    return NULL;
}

/* It comes first, so that there are no files before it. */
static struct err *put_landmark(struct estargz *z)
{
    static const struct node node = {
        .type = NODE_FILE, .size = 1, .content = {.kind = CONTENT_MEM, .mem = LANDMARK_BYTE}};
    const struct tar_entry entry = {.type = TAR_FILE, .name = TOC_LANDMARK, .mode = LANDMARK_MODE, .size = 1};
    AUTO_VALUE(buf_wipe) struct buf headers = BUF(BUF_NO_LIMIT);

    TRY(tarheader_write(&headers, &entry));
    chunkplan_add(&z->plan, headers.data, headers.len);
    put_content(z, &entry, &node, 0, 1);
    return NULL;
}

bool estargz_skip(const struct node *n)
{
    return n->type != NODE_DIR && n->parent && !n->parent->parent && toc_is_reserved(n->name);
}

struct err *estargz_new(struct estargz **out, struct sink *to, int temp, int level, unsigned workers)
{
    AUTO(fd_close) int toc_file = temp;
    static const struct ring_ops ops = {.work = work, .turn = turn};
    AUTO(workers_free) struct workers *lent = NULL;
    unsigned threads = workers ? workers : pool_cpus();

    TRY(workers_new(&lent, COMPRESSION_GZIP, level));
    AUTO(estargz_free) struct estargz *z = mem_zero(1, sizeof *z);
    z->to = to;
    z->workers = TAKE(lent);
    z->jobs = JOBS(threads) < JOBS_MAX ? JOBS(threads) : JOBS_MAX;
    z->job = mem_zero(z->jobs, sizeof *z->job);
    z->ring = ring_new(threads, z->jobs, &ops, z);
    z->diff = hash_new(DIGEST_SHA256);
    z->toc = toc_new(fd_take(&toc_file));
    for (size_t i = 0; i < z->jobs; i++)
        toc_notes_clear(&z->job[i].notes);
    toc_notes_clear(&z->notes);
    TRY(put_landmark(z));
    *out = TAKE(z);
    return NULL;
}

void estargz_free(struct estargz *z)
{
    if (!z)
        return;
    ring_free(z->ring);
    for (size_t i = 0; i < z->jobs; i++) {
        chunkplan_wipe(&z->job[i].plan);
        toc_notes_wipe(&z->job[i].notes);
        mem_free(z->job[i].piece);
        mem_free(z->job[i].packed);
    }
    mem_free(z->job);
    chunkplan_wipe(&z->plan);
    toc_notes_wipe(&z->notes);
    workers_free(z->workers);
    hash_free(z->diff);
    toc_free(z->toc);
    mem_free(z);
}

/* The end of the blob. */

/* One member, whatever its length: readers look for the whole table in it. */
static struct err *write_toc(struct estargz *z, struct compress *c)
{
    AUTO(mem_free) uint8_t *packed = mem_alloc(compress_bound(c));
    uint8_t frame[GZIP_FRAME_MAX];
    struct gzip gzip = {0};

    for (size_t i = 0; i < toc_block_count(z->toc); i++) {
        const uint8_t *plain;
        size_t len, packed_len = 0;
        TRY(stop_check());
        TRY(toc_block(z->toc, i, &plain, &len));
        TRY(compress_chunk(c, plain, len, packed, &packed_len));
        TRY(put_blob(z, frame, gzip_before_chunk(&gzip, frame)));
        TRY(put_blob(z, packed, packed_len));
        gzip_add_chunk(&gzip, gzip_crc(plain, len), len);
        add_plain(z, plain, len);
    }
    return put_blob(z, frame, gzip_end(&gzip, frame));
}

/* An empty gzip member whose extra field says where the table begins. */
static struct err *write_footer(struct estargz *z, uint64_t toc_at)
{
    static const char before[] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16";
    static const char after[] = "\x01\0\0\xff\xff\0\0\0\0\0\0\0";
    AUTO_VALUE(buf_wipe) struct buf footer = BUF(BUF_NO_LIMIT);

    buf_add(&footer, before, sizeof before);
    buf_printf(&footer, "%016" PRIx64 "STARGZ", toc_at);
    buf_add(&footer, after, sizeof after);
    return put_blob(z, footer.data, footer.len);
}

static struct err *write_end(struct estargz *z, struct estargz_result *result)
{
    struct worker *w = NULL;
    uint64_t toc_at = z->blob_len;

    TRY(toc_end(z->toc, &result->toc));
    TRY(workers_take(z->workers, &w));
    struct err *e = write_toc(z, w->compress);
    workers_give_back(z->workers, w);
    TRY(e);
    result->diff_id = hash_value(z->diff);
    result->size = z->tar_len;
    return write_footer(z, toc_at);
}

struct err *estargz_end(struct estargz *z, struct err *walk, struct estargz_result *result)
{
    AUTO(err_free) struct err *e = walk ? walk : end_chunk(z, true);

    TRY(ring_wait(z->ring));
    if (e)
        return TAKE(e);
    return write_end(z, result);
}
