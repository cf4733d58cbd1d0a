/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarread.h"

#include "layers/compress.h"
#include "layers/tarstrict.h"

static struct err *first_block(struct source *s, bool *yes)
{
    uint8_t block[TARSTRICT_BLOCK];
    size_t got = 0;
    AUTO(source_free) struct source *plain = NULL;

    TRY(decompress_any_source(&plain, source_borrow(s), "archive"));
    TRY(source_read(plain, block, sizeof block, &got));
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
