/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/statbuf.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Both machines align differently within their struct stat64; the offsets of its fields. */
#ifdef __x86_64__
enum { SIZE = 44, BLOCK_SIZE = 52, BLOCKS = 56, TIMES = 64, INODE = 88, END = 96 };
#else
enum { SIZE = 48, BLOCK_SIZE = 56, BLOCKS = 64, TIMES = 72, INODE = 96, END = 104 };
#endif
enum { DEVICE = 0, SHORT_INODE = 12, MODE = 16, LINKS = 20, UID = 24, GID = 28, REAL_DEVICE = 32 };

static void put(unsigned char *out, size_t at, const void *value, size_t size)
{
    memcpy(out + at, value, size);
}

static void put16(unsigned char *out, size_t at, uint64_t value)
{
    uint16_t v = (uint16_t)value;

    put(out, at, &v, sizeof v);
}

static void put32(unsigned char *out, size_t at, uint64_t value)
{
    uint32_t v = (uint32_t)value;

    put(out, at, &v, sizeof v);
}

static void put64(unsigned char *out, size_t at, uint64_t value)
{
    put(out, at, &value, sizeof value);
}

static uint64_t device(uint32_t major_number, uint32_t minor_number)
{
    return makedev(major_number, minor_number);
}

static void put_times(unsigned char *out, size_t at, const struct statx *st)
{
    const struct statx_timestamp *times[] = {&st->stx_atime, &st->stx_mtime, &st->stx_ctime};

    for (size_t i = 0; i < 3; i++) {
        put32(out, at + i * 8, (uint64_t)times[i]->tv_sec);
        put32(out, at + i * 8 + 4, times[i]->tv_nsec);
    }
}

static size_t wide(unsigned char *out, const struct statx *st)
{
    put64(out, DEVICE, device(st->stx_dev_major, st->stx_dev_minor));
    put32(out, SHORT_INODE, st->stx_ino);
    put32(out, MODE, st->stx_mode);
    put32(out, LINKS, st->stx_nlink);
    put32(out, UID, st->stx_uid);
    put32(out, GID, st->stx_gid);
    put64(out, REAL_DEVICE, device(st->stx_rdev_major, st->stx_rdev_minor));
    put64(out, SIZE, st->stx_size);
    put32(out, BLOCK_SIZE, st->stx_blksize);
    put64(out, BLOCKS, st->stx_blocks);
    put_times(out, TIMES, st);
    put64(out, INODE, st->stx_ino);
    return END;
}

static uint32_t id16(uint32_t id)
{
    return id > UINT16_MAX ? 65534 : id;
}

/* struct stat of 32-bit programs: i386 and arm agree. */
static size_t narrow(unsigned char *out, const struct statx *st)
{
    put32(out, 0, device(st->stx_dev_major, st->stx_dev_minor));
    put32(out, 4, st->stx_ino);
    put16(out, 8, st->stx_mode);
    put16(out, 10, st->stx_nlink);
    put16(out, 12, id16(st->stx_uid));
    put16(out, 14, id16(st->stx_gid));
    put32(out, 16, device(st->stx_rdev_major, st->stx_rdev_minor));
    put32(out, 20, st->stx_size);
    put32(out, 24, st->stx_blksize);
    put32(out, 28, st->stx_blocks);
    put_times(out, 32, st);
    return 64;
}

static struct timespec timespec_of(const struct statx_timestamp *t)
{
    return (struct timespec){t->tv_sec, (long)t->tv_nsec};
}

/* The C library's struct stat is the kernel's on 64-bit machines. */
static size_t native(unsigned char *out, const struct statx *st)
{
    struct stat native = {0};

    static_assert(sizeof native <= STATBUF_MAX, "room for struct stat");
    native.st_dev = device(st->stx_dev_major, st->stx_dev_minor);
    native.st_ino = st->stx_ino;
    native.st_mode = st->stx_mode;
    native.st_nlink = (nlink_t)st->stx_nlink;
    native.st_uid = st->stx_uid;
    native.st_gid = st->stx_gid;
    native.st_rdev = device(st->stx_rdev_major, st->stx_rdev_minor);
    native.st_size = (off_t)st->stx_size;
    native.st_blksize = (blksize_t)st->stx_blksize;
    native.st_blocks = (blkcnt_t)st->stx_blocks;
    native.st_atim = timespec_of(&st->stx_atime);
    native.st_mtim = timespec_of(&st->stx_mtime);
    native.st_ctim = timespec_of(&st->stx_ctime);
    put(out, 0, &native, sizeof native);
    return sizeof native;
}

size_t statbuf_make(unsigned char out[STATBUF_MAX], enum calls_arch arch, enum calls_form form,
                    const struct statx *st)
{
    memset(out, 0, STATBUF_MAX);
    if (arch == CALLS_NATIVE)
        return native(out, st);
    return form == CALLS_WIDE ? wide(out, st) : narrow(out, st);
}
