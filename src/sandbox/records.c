/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/records.h"

#include "base/fs.h"
#include "base/mem.h"

#include <linux/stat.h>
#include <stdlib.h>
#include <time.h>

/* Much longer than a tick of the clock that times of birth are taken from (1 to 10 ms). */
#define YOUNG_NS 1000000000LL
#define FIRST_ROOM 1024U

struct pin {
    int fd;
    int64_t until; /* CLOCK_MONOTONIC; INT64_MAX: as long as there is room */
};

struct records {
    struct record *slot; /* open addressing; a power of two, at most half full */
    size_t count, room;
    bool group_directory;
    struct pin *pin; /* a ring, the oldest first */
    size_t pins, first_pin, pin_room;
};

struct records *records_new(size_t pins)
{
    struct records *r = mem_zero(1, sizeof *r);

    r->room = FIRST_ROOM;
    r->slot = mem_zero(r->room, sizeof *r->slot);
    r->pin_room = pins > 0 ? pins : 1;
    r->pin = mem_zero(r->pin_room, sizeof *r->pin);
    return r;
}

void records_free(struct records *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->pins; i++)
        fd_close(r->pin[(r->first_pin + i) % r->pin_room].fd);
    free(r->pin);
    free(r->slot);
    free(r);
}

size_t records_count(const struct records *r)
{
    return r->count;
}

bool records_has_group_directory(const struct records *r)
{
    return r->group_directory;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

static uint64_t device_of(const struct statx *st)
{
    return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

bool records_has_other_device(const struct records *r, uint32_t major, uint32_t minor)
{
    uint64_t device = (uint64_t)major << 32 | minor;

    for (size_t i = 0; i < r->room; i++)
        if (r->slot[i].used && r->slot[i].device != device)
            return true;
    return false;
}

/* The slot of this inode, or the free one where it would be. */
static struct record *slot_of(const struct records *r, uint64_t device, uint64_t inode)
{
    uint64_t hash = (inode ^ device << 20) * 0x9e3779b97f4a7c15U;
    size_t at = (size_t)(hash >> 24) & (r->room - 1);

    while (r->slot[at].used && (r->slot[at].inode != inode || r->slot[at].device != device))
        at = (at + 1) & (r->room - 1);
    return &r->slot[at];
}

static bool same_birth(const struct record *record, const struct statx *st)
{
    return record->lasting || !(st->stx_mask & STATX_BTIME) ||
           (record->born_s == st->stx_btime.tv_sec && record->born_ns == st->stx_btime.tv_nsec);
}

/* The slot of this file, whatever its number is. */
static struct record *slot_for(const struct records *r, const struct statx *st, bool *known)
{
    struct record *record = slot_of(r, device_of(st), st->stx_ino);

    *known = record->used && same_birth(record, st);
    if (!*known || !record->alias)
        return record;
    record = slot_of(r, record->real_device, record->real_inode);
    *known = record->used;
    return record;
}

const struct record *records_find(const struct records *r, const struct statx *st)
{
    bool known;
    const struct record *record = slot_for(r, st, &known);

    return known ? record : NULL;
}

static void make_room(struct records *r)
{
    struct record *old = r->slot;
    size_t old_room = r->room;

    if (r->count < r->room / 2)
        return;
    r->room *= 2;
    r->slot = mem_zero(r->room, sizeof *r->slot);
    for (size_t i = 0; i < old_room; i++) {
        if (old[i].used)
            *slot_of(r, old[i].device, old[i].inode) = old[i];
    }
    free(old);
}

static void drop_oldest_pin(struct records *r)
{
    fd_close(r->pin[r->first_pin].fd);
    r->first_pin = (r->first_pin + 1) % r->pin_room;
    r->pins--;
}

void records_expire(struct records *r)
{
    int64_t now;

    if (r->pins == 0)
        return;
    now = now_ns(CLOCK_MONOTONIC_COARSE);
    while (r->pins > 0 && r->pin[r->first_pin].until < now)
        drop_oldest_pin(r);
}

bool records_is_young(const struct statx *st)
{
    int64_t born = st->stx_btime.tv_sec * 1000000000LL + st->stx_btime.tv_nsec;

    return !(st->stx_mask & STATX_BTIME) || now_ns(CLOCK_REALTIME_COARSE) - born <= YOUNG_NS;
}

static void pin(struct records *r, const struct statx *st, int fd)
{
    int64_t until = INT64_MAX;

    if (fd < 0)
        return;
    if (!records_is_young(st)) {
        fd_close(fd);
        return;
    }
    if (st->stx_mask & STATX_BTIME)
        until = now_ns(CLOCK_MONOTONIC_COARSE) + YOUNG_NS;
    if (r->pins == r->pin_room)
        drop_oldest_pin(r);
    r->pin[(r->first_pin + r->pins++) % r->pin_room] = (struct pin){fd, until};
}

struct record *records_put(struct records *r, const struct statx *st, uint32_t uid, uint32_t gid, int fd_take,
                           bool lasting)
{
    struct record *record;
    bool known;

    make_room(r);
    record = slot_for(r, st, &known);
    if (!known) {
        if (!record->used)
            r->count++;
        *record = (struct record){.device = device_of(st),
                                  .inode = st->stx_ino,
                                  .used = true,
                                  .lasting = lasting,
                                  .born_s = st->stx_btime.tv_sec,
                                  .born_ns = st->stx_btime.tv_nsec};
        pin(r, st, fd_take);
    } else if (fd_take >= 0) {
        fd_close(fd_take); /* it is pinned, or old */
    }
    record->uid = uid;
    record->gid = gid;
    if (gid != 0 && (st->stx_mode & 0170000U) == 0040000U)
        r->group_directory = true;
    return record;
}

void records_alias(struct records *r, const struct statx *st, const struct statx *known, int fd_take)
{
    struct record real = {.device = device_of(known), .inode = known->stx_ino};
    struct record *record = slot_of(r, real.device, real.inode);

    if (record->used && record->alias && same_birth(record, known))
        real = (struct record){.device = record->real_device, .inode = record->real_inode};
    make_room(r);
    /* It must be there: what comes to it by its other number cannot make it. */
    record = slot_of(r, real.device, real.inode);
    if (!record->used) {
        r->count++;
        *record = (struct record){.device = real.device,
                                  .inode = real.inode,
                                  .used = true,
                                  .born_s = known->stx_btime.tv_sec,
                                  .born_ns = known->stx_btime.tv_nsec};
    }
    make_room(r);
    record = slot_of(r, device_of(st), st->stx_ino);
    if (!record->used)
        r->count++;
    *record = (struct record){.device = device_of(st),
                              .inode = st->stx_ino,
                              .used = true,
                              .alias = true,
                              .real_device = real.device,
                              .real_inode = real.inode,
                              .born_s = st->stx_btime.tv_sec,
                              .born_ns = st->stx_btime.tv_nsec};
    pin(r, st, fd_take);
}
