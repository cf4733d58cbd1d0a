/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarread.h"

#include "layers/reader.h"
#include "layers/tarstrict.h"

#include <string.h>

/* Most files that are asked about are no archives: only what begins like a compressed one is worth a process
 * that looks into it. */
static bool may_be_packed(const uint8_t *head, size_t len)
{
    static const struct {
        const char *magic;
        size_t len;
    } known[] = {{"\x1f\x8b", 2}, {"BZh", 3}, {"\xfd\x37zXZ", 6}, {"\x28\xb5\x2f\xfd", 4}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (len >= known[i].len && memcmp(head, known[i].magic, known[i].len) == 0)
            return true;
    }
    /* zstd may begin with a frame to skip: 16 numbers are for those. */
    return len >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0;
}

static struct err *first_block(struct source *s, bool *yes)
{
    uint8_t block[TARSTRICT_BLOCK];
    size_t got = 0;

    TRY(source_read(s, block, sizeof block, &got));
    if (may_be_packed(block, got)) {
        AUTO(source_free) struct source *plain = NULL;
        TRY(source_reopen(s, 0));
        TRY(reader_plain(&plain, source_borrow(s), READER_ANY));
        TRY(source_read(plain, block, sizeof block, &got));
    }
    *yes = got == sizeof block && tarstrict_is_header(block);
    return NULL;
}

struct err *tarread_is_archive(struct source *s, bool *yes)
{
    *yes = false;
    struct err *e = first_block(s, yes);
    /* What cannot be decompressed is no archive, and no mistake either. */
    if (e && (err_kind_of(e) == ERR_INPUT || err_kind_of(e) == ERR_RESOURCE)) {
        err_free(e);
        e = NULL;
    }
    TRY(e);
    return source_reopen(s, 0);
}
