/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

/* The smallest page: a string may end just before one that is not there. */
#define PAGE 4096U
/* Most paths are shorter than this. */
#define FIRST_PIECE 128U

static struct iovec theirs(uint64_t address, size_t size)
{
    return (struct iovec){(void *)(uintptr_t)address, size};
}

int memory_read(pid_t process, uint64_t address, void *data, size_t size)
{
    struct iovec here = {data, size}, there = theirs(address, size);
    ssize_t got = process_vm_readv(process, &here, 1, &there, 1, 0);

    if (got < 0)
        return errno;
    return (size_t)got == size ? 0 : EFAULT;
}

int memory_write(pid_t process, uint64_t address, const void *data, size_t size)
{
    struct iovec here = {(void *)(uintptr_t)data, size}, there = theirs(address, size);
    ssize_t put = process_vm_writev(process, &here, 1, &there, 1, 0);

    if (put < 0)
        return errno;
    return (size_t)put == size ? 0 : EFAULT;
}

int memory_read_path(pid_t process, uint64_t address, char path[PATH_MAX])
{
    size_t have = 0;

    while (have < PATH_MAX) {
        size_t piece = PAGE - (size_t)((address + have) % PAGE);
        int error;

        if (have == 0 && piece > FIRST_PIECE)
            piece = FIRST_PIECE;
        if (piece > PATH_MAX - have)
            piece = PATH_MAX - have;
        error = memory_read(process, address + have, path + have, piece);
        if (error != 0)
            return error;
        if (memchr(path + have, '\0', piece))
            return 0;
        have += piece;
    }
    return ENAMETOOLONG;
}
