/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_GZIPMAKE_H
#define LADE_TESTS_GZIPMAKE_H

#include "base/buf.h"

#include <zlib.h>

/* Append one gzip member as zlib makes it: what others write, for tests of what reads it. */
static inline void gzip_make(struct buf *out, const void *data, size_t len)
{
    z_stream z = {0};
    size_t room = len + len / 100 + 1000;

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += room - z.avail_out;
    deflateEnd(&z);
}

#endif
