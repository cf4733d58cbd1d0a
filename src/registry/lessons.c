/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/lessons.h"
#include "base/lock.h"
#include "base/mem.h"

#define EXPECT_IGNORED_MAX 2

enum mount { MOUNT_UNTRIED, MOUNT_TRIED, MOUNT_WORKS, MOUNT_REFUSED };

struct lessons {
    struct lock *lock; /* for all that follows */
    enum upload_form form;
    uint64_t chunk; /* 0: not known */
    bool no_chunks;
    enum mount mount;
    bool expect_refused;
    unsigned expect_ignored;
};

struct lessons *lessons_new(void)
{
    struct lessons *l = mem_zero(1, sizeof *l);
    l->lock = lock_new();
    return l;
}

void lessons_free(struct lessons *l)
{
    if (!l)
        return;
    lock_free(l->lock);
    mem_free(l);
}

void lessons_plan(struct lessons *l, const struct quirks *q, uint64_t chunk_size, uint64_t size,
                  struct upload_plan *out)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    uint64_t chunk = chunk_size ? chunk_size : q->chunk ? q->chunk : UPLOAD_CHUNK;
    if (l->chunk && l->chunk < chunk)
        chunk = l->chunk;
    if (chunk < q->chunk_min)
        chunk = q->chunk_min;
    *out = (struct upload_plan){.form = l->form,
                                .chunk = chunk,
                                .chunks = !q->never_chunks && !l->no_chunks,
                                .last_in_put = q->last_in_put};
    bool wanted = (chunk_size && size > chunk_size) || (l->chunk && size > l->chunk);
    if (wanted)
        out->form = UPLOAD_CHUNKS;
    if (out->form == UPLOAD_CHUNKS && !out->chunks)
        out->form = UPLOAD_PATCH;
}

void lessons_form(struct lessons *l, enum upload_form form)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->form = form;
}

void lessons_chunk(struct lessons *l, uint64_t most)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    if (!l->chunk || most < l->chunk)
        l->chunk = most;
}

void lessons_no_chunks(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->no_chunks = true;
}

bool lessons_may_mount(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    if (l->mount != MOUNT_UNTRIED)
        return l->mount == MOUNT_WORKS;
    l->mount = MOUNT_TRIED;
    return true;
}

void lessons_mounted(struct lessons *l, bool done)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->mount = done && l->mount != MOUNT_REFUSED ? MOUNT_WORKS : MOUNT_REFUSED;
}

bool lessons_expect(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    return !l->expect_refused && l->expect_ignored < EXPECT_IGNORED_MAX;
}

void lessons_expect_refused(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->expect_refused = true;
}

void lessons_expect_ignored(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->expect_ignored++;
}

void lessons_expect_missed(struct lessons *l)
{
    AUTO(lock_release) struct lock *held = lock_hold(l->lock);
    l->expect_ignored = 0;
}
