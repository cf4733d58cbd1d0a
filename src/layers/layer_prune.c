/* SPDX-License-Identifier: Apache-2.0 */
#include "base/trim.h"
#include "layers/indexfile.h"
#include "layers/layer.h"
#include "layers/memo.h"

struct err *layer_prune(int cache_dir, uint64_t keep, uint64_t *freed)
{
    static const char *const folders[] = {INDEXFILE_FOLDER, MEMO_FOLDER};

    return trim_dirs(cache_dir, folders, ARRAY_LEN(folders), keep, freed);
}
