/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trim.h"
#include "layers/indexfile.h"
#include "layers/layer.h"
#include "layers/memo.h"
#include "layers/unpacked_inner.h"

struct err *layer_prune(int cache_dir, uint64_t keep, uint64_t *freed)
{
    static const char *const folders[] = {INDEXFILE_FOLDER, MEMO_FOLDER};

    uint64_t unpacked, left, small;

    /* Indexes and memos are small, and worth more by the byte: a quarter is theirs. */
    TRY(unpacked_prune_left(cache_dir, keep - keep / 4, &unpacked, &left));
    TRY(trim_dirs(cache_dir, folders, ARRAY_LEN(folders), keep > left ? keep - left : 0, &small));
    if (freed)
        *freed = unpacked + small;
    return NULL;
}
