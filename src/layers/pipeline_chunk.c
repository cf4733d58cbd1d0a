/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/stop.h"
#include "layers/pipeline_inner.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool read_blob(int fd, uint8_t *to, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t got = pread(fd, to, len, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return true;
}

/* Take the packed bytes out of the old blob, if they are still what they were. */
static bool reuse(const struct pipeline *p, struct job *j, size_t room)
{
    const struct memo_chunk *old = j->old;

    if (old->packed_len > room || !read_blob(p->options.old_blob, j->packed, old->packed_len, old->offset))
        return false;
    struct digest found = digest_of(j->packed, old->packed_len);
    if (memcmp(found.bytes, old->digest, sizeof old->digest) != 0)
        return false;
    j->reused = true;
    j->made.packed_len = old->packed_len;
    memcpy(j->made.digest, old->digest, sizeof old->digest);
    return true;
}

static struct err *pack(const struct pipeline *p, struct worker *w, struct job *j)
{
    size_t len = 0;

    TRY(compress_chunk(w->compress, j->plan.plain, j->plan.len, j->packed, &len));
    j->made.packed_len = (uint32_t)len;
    if (p->options.made) {
        struct digest d = digest_of(j->packed, len);
        memcpy(j->made.digest, d.bytes, sizeof j->made.digest);
    }
    return NULL;
}

static struct err *work_on(struct pipeline *p, struct worker *w, struct job *j)
{
    j->reused = false;
    size_t room = w->compress ? compress_bound(w->compress) : CHUNK_MAX;

    if (!j->packed && (w->compress || j->copied))
        j->packed = mem_alloc(room);
    if (j->copied) {
        j->made = *j->old;
        if (reuse(p, j, room))
            return stop_check();
        atomic_store(&p->stale, true);
        return err_new(ERR_INTEGRITY, "the blob of the layer as it was is damaged");
    }
    TRY(chunkplan_read(&j->plan, w->reader));
    if (!w->compress) {
        bool wanted = p->options.made && !p->options.digest_only;
        struct digest d = wanted ? digest_of(j->plan.plain, j->plan.len) : (struct digest){0};
        memcpy(j->made.digest, d.bytes, sizeof j->made.digest);
        j->made.packed_len = j->made.len;
        return stop_check();
    }
    if (p->options.compression == COMPRESSION_GZIP || p->options.made)
        j->made.crc = gzip_crc(j->plan.plain, j->plan.len);
    /* Whatever file times say: the blob is to hold these bytes. */
    if (!j->old || j->old->crc != j->made.crc || !reuse(p, j, room))
        TRY(pack(p, w, j));
    return stop_check();
}

static struct err *work(void *ctx, size_t slot)
{
    struct pipeline *p = ctx;
    struct worker *w = NULL;

    TRY(workers_take(p->workers, &w));
    struct err *e = work_on(p, w, &p->job[slot]);
    workers_give_back(p->workers, w);
    return e;
}

struct err *pipeline_write(struct pipeline *p, const void *data, size_t len)
{
    p->size += len;
    return p->options.digest_only ? NULL : sink_write(p->to, data, len);
}

void pipeline_keep_matched(struct pipeline *p)
{
    for (size_t i = 0; i < p->matched; i++) {
        const struct memo_chunk *c = &p->options.old->chunk[i];
        p->size += c->packed_len;
        p->done++;
        p->reused++;
        if (p->options.made)
            MEM_PUSH(p->options.made->chunk, p->options.made->count, p->options.made->room, *c);
    }
}

static struct err *turn(void *ctx, size_t slot)
{
    struct pipeline *p = ctx;
    struct job *j = &p->job[slot];
    uint8_t frame[GZIP_FRAME_MAX];
    struct hash_state state;

    if (!j->copied) {
        hash_add(p->diff, j->plan.plain, j->plan.len);
        hash_save(p->diff, &state);
        memcpy(j->made.word, state.word, sizeof state.word);
    }
    if (p->options.compression == COMPRESSION_GZIP) {
        size_t len = gzip_before_chunk(&p->gzip, frame);
        if (len > 0)
            TRY(pipeline_write(p, frame, len));
        gzip_add_chunk(&p->gzip, j->made.crc, j->made.len);
    }
    j->made.offset = p->size;
    bool plain = !j->copied && p->options.compression == COMPRESSION_NONE;
    TRY(pipeline_write(p, plain ? j->plan.plain : j->packed, j->made.packed_len));
    p->done++;
    p->reused += j->reused;
    if (p->options.made)
        MEM_PUSH(p->options.made->chunk, p->options.made->count, p->options.made->room, j->made);
    return NULL;
}

const struct ring_ops pipeline_ring_ops = {.work = work, .turn = turn};
