/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/pipeline.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stop.h"
#include "layers/pipeline_inner.h"
#include "layers/tarheader.h"
#include "layers/tarwalk.h"

#include <assert.h>
#include <string.h>

/* Chunks in flight: one for each worker, as many waiting for a worker or for their turn, and some to spare.
 */
#define JOBS(workers) ((workers) == 1 ? 1 : 2 * (size_t)(workers) + 4)
#define JOBS_MAX 64

struct err *pipeline_new(struct pipeline **out, const struct pipeline_options *options)
{
    unsigned workers = options->workers ? options->workers : pool_cpus();
    struct workers *lent = NULL;

    TRY(workers_new(&lent, options->compression, options->level));
    struct pipeline *p = mem_zero(1, sizeof *p);
    p->options = *options;
    p->matching = options->old != NULL;
    p->jobs = JOBS(workers) < JOBS_MAX ? JOBS(workers) : JOBS_MAX;
    p->job = mem_zero(p->jobs, sizeof *p->job);
    p->ring = ring_new(workers, p->jobs, &pipeline_ring_ops, p);
    p->workers = lent;
    p->diff = hash_new(DIGEST_SHA256);
    *out = p;
    return NULL;
}

void pipeline_free(struct pipeline *p)
{
    if (!p)
        return;
    ring_free(p->ring);
    for (size_t i = 0; i < p->jobs; i++) {
        chunkplan_wipe(&p->job[i].plan);
        mem_free(p->job[i].packed);
    }
    mem_free(p->job);
    chunkplan_wipe(&p->plan);
    workers_free(p->workers);
    hash_free(p->diff);
    mem_free(p);
}

bool pipeline_is_stale(const struct pipeline *p)
{
    return atomic_load(&p->stale);
}

/* pipeline_end gives out the error itself. */
static struct err *stopped(void)
{
    return err_new(ERR_INTERNAL, "an earlier part of the layer could not be written");
}

static struct err *next_job(struct pipeline *p, struct job **out)
{
    size_t slot;

    if (!p->to && !p->options.digest_only)
        TRY(p->options.open(p->options.ctx, &p->to));
    if (!ring_next(p->ring, &slot))
        return stopped();
    *out = &p->job[slot];
    return NULL;
}

/* The chunks up to here are as they were, but not all: take them as they are. The diff ID goes on behind
 * them. */
static struct err *copy_matched(struct pipeline *p)
{
    const struct memo *old = p->options.old;
    struct hash_state state = {0};

    assert(old || p->matched == 0);
    p->matching = false;
    for (size_t i = 0; i < p->matched; i++)
        state.len += old->chunk[i].len;
    if (p->matched > 0) {
        memcpy(state.word, old->chunk[p->matched - 1].word, sizeof state.word);
        hash_free(p->diff);
        p->diff = hash_resume(&state);
    }
    if (p->options.digest_only) {
        pipeline_keep_matched(p);
        return NULL;
    }
    for (size_t i = 0; i < p->matched; i++) {
        struct job *j = NULL;
        TRY(next_job(p, &j));
        j->copied = true;
        j->old = &old->chunk[i];
        ring_submit(p->ring, false);
    }
    return NULL;
}

/* Is it the next chunk of the memo? Nothing is to be done as long as all are. */
static bool is_match(struct pipeline *p, const struct memo_chunk *chunk)
{
    const struct memo *old = p->options.old;

    if (!p->matching || !old || p->matched == old->count || !memo_has_key(chunk) ||
        memcmp(old->chunk[p->matched].key, chunk->key, sizeof chunk->key) != 0)
        return false;
    p->matched++;
    return true;
}

static struct err *end_chunk(struct pipeline *p, bool last)
{
    struct memo_chunk chunk = {.len = (uint32_t)p->plan.len};
    struct job *j = NULL;

    if (p->plan.len == 0)
        return NULL;
    if ((p->options.old || p->options.made) && !chunkplan_key(&p->plan, p->options.now_ns, chunk.key))
        memset(chunk.key, 0, sizeof chunk.key);
    if (is_match(p, &chunk)) {
        chunkplan_clear(&p->plan);
        return NULL;
    }
    if (p->matching)
        TRY(copy_matched(p));
    TRY(next_job(p, &j));
    assert(j);
    struct chunkplan before = j->plan;
    j->plan = p->plan;
    p->plan = before;
    chunkplan_clear(&p->plan);
    j->copied = false;
    j->old = p->options.old && memo_has_key(&chunk) ? memo_find(p->options.old, chunk.key) : NULL;
    j->made = chunk;
    ring_submit(p->ring, last);
    return NULL;
}

/* Make room for a unit of the rule chunk/1 (chunk.h). */
static struct err *begin_unit(struct pipeline *p, uint64_t len, const char *name)
{
    return chunk_ends_before(p->plan.len, len, name) ? end_chunk(p, false) : NULL;
}

static struct err *put_headers(struct pipeline *p, const char *name, const struct buf *headers)
{
    for (size_t done = 0; done < headers->len;) {
        size_t part = headers->len - done < CHUNK_MAX ? headers->len - done : CHUNK_MAX;
        TRY(begin_unit(p, part, name));
        chunkplan_add(&p->plan, headers->data + done, part);
        done += part;
    }
    return NULL;
}

static struct err *put_slices(struct pipeline *p, const struct node *n)
{
    for (uint64_t done = 0; done < n->size;) {
        size_t part = n->size - done < CHUNK_MAX ? (size_t)(n->size - done) : CHUNK_MAX;
        TRY(end_chunk(p, false));
        chunkplan_add_content(&p->plan, n, done, part);
        done += part;
    }
    return end_chunk(p, false);
}

struct err *pipeline_entry(struct pipeline *p, const struct tar_entry *entry, const struct buf *headers,
                           const struct node *content)
{
    uint64_t size = content ? content->size : 0;
    uint64_t padded = size <= CHUNK_MAX ? (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK : size;

    TRY(stop_check());
    if (!chunk_holds_entry(headers->len, padded)) {
        TRY(put_headers(p, entry->name, headers));
        return content ? put_slices(p, content) : NULL;
    }
    TRY(begin_unit(p, headers->len + padded, entry->name));
    chunkplan_add(&p->plan, headers->data, headers->len);
    if (content)
        chunkplan_add_content(&p->plan, content, 0, (size_t)size);
    return NULL;
}

static struct err *put_end(struct pipeline *p)
{
    static const uint8_t zeros[TARWALK_END];

    TRY(begin_unit(p, sizeof zeros, ""));
    chunkplan_add(&p->plan, zeros, sizeof zeros);
    TRY(end_chunk(p, true));
    if (p->matching && p->matched < p->options.old->count)
        return copy_matched(p);
    return NULL;
}

struct err *pipeline_end(struct pipeline *p, struct err *walk, struct digest *diff_id, bool *unchanged)
{
    uint8_t frame[GZIP_FRAME_MAX];
    AUTO(err_free) struct err *e = walk ? walk : put_end(p);

    TRY(ring_wait(p->ring));
    if (e)
        return TAKE(e);
    log_debug("layer: %zu chunks, %zu unread, %zu compressed", p->matching ? p->matched : p->done, p->matched,
              p->done - p->reused);
    *unchanged = p->matching;
    if (p->matching) {
        *diff_id = p->options.old->diff_id;
        return NULL;
    }
    *diff_id = hash_value(p->diff);
    if (p->options.compression != COMPRESSION_GZIP)
        return NULL;
    size_t len = gzip_end(&p->gzip, frame);
    return pipeline_write(p, frame, len);
}
