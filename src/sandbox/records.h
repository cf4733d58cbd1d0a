/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_RECORDS_H
#define LADE_SANDBOX_RECORDS_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statx;

/*
 * Who files belong to, and which are devices, by inode. The number of an inode that is gone is given to
 * another file, often at once; then the record must not hold for that one. Two things tell: the time of birth
 * where the file system has it, which is enough for files older than a tick of the kernel's clock; and a
 * descriptor that keeps a younger inode from being freed until it is old enough. Where there is no time of
 * birth, descriptors are kept as long as there is room for them.
 */
struct record {
    uint64_t device, inode; /* device: major << 32 | minor */
    uint32_t uid, gid;
    uint32_t type; /* S_IFCHR, S_IFBLK; 0: what the file system says */
    uint32_t major, minor;
    bool lasting; /* the inode cannot be given to another file, and its time of birth may change (copy-up) */
    bool linked;  /* with several names in lower layers: copied up by one of them, that gets another number */
    bool used;
    bool alias; /* the number of another name of a file whose record has the number below */
    uint64_t real_device, real_inode;
    int64_t born_s;
    uint32_t born_ns;
};

struct records;
/* At most `pins` descriptors are kept. */
struct records *records_new(size_t pins);
void records_free(struct records *r);
AUTO_DEFINE(struct records *, records_free)

size_t records_count(const struct records *r);
/* Of a directory whose group is not 0: its new files may get that group. */
bool records_has_group_directory(const struct records *r);

/* Is there one of a file on any other device than this? */
bool records_has_other_device(const struct records *r, uint32_t major, uint32_t minor);

/* The record of the file that statx(2) described with STATX_BASIC_STATS | STATX_BTIME; NULL: it has none.
 * Valid until the next records_put. */
const struct record *records_find(const struct records *r, const struct statx *st);

/* Could the number of this inode be given to another one without anybody noticing? Then a record of it needs
 * a descriptor. */
bool records_is_young(const struct statx *st);

/* Say that this file belongs to uid:gid. `fd_take` is a descriptor of it (O_PATH), or -1 for a `lasting`
 * record and for what is not young. What was recorded of a device stays. */
struct record *records_put(struct records *r, const struct statx *st, uint32_t uid, uint32_t gid, int fd_take,
                           bool lasting);

/* Another number of the same file: an overlay has one for each name of a file that it copied up and that got
 * its second name then. `fd_take` as above, of `st`. */
void records_alias(struct records *r, const struct statx *st, const struct statx *known, int fd_take);

/* Let go of descriptors that are no longer needed; cheap. */
void records_expire(struct records *r);

#endif
