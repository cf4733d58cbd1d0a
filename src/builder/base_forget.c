/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/trim.h"
#include "builder/base.h"
#include "image/layout.h"

#include <fcntl.h>

struct err *base_forget(const char *cache, uint64_t *freed)
{
    AUTO(store_free) struct store *kept = NULL;
    AUTO(mem_free) char *path = path_join(cache, BASE_FOLDER);
    AUTO(mem_free) char *blobs = path_join(path, "blobs/sha256");

    *freed = 0;
    struct err *e = layout_open(&kept, path, LAYOUT_REMOVE);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(trim_dir(AT_FDCWD, blobs, 0, freed));
    return fs_remove_tree(AT_FDCWD, path);
}
