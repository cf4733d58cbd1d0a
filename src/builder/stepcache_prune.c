/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "base/trim.h"
#include "builder/stepcache.h"
#include "layers/unpacked.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err *is_unpacked(int cache_dir, const struct digest *diff_id, bool *yes)
{
    static const enum unpacked_kind kinds[] = {UNPACKED_OURS, UNPACKED_REAL};
    for (size_t i = 0; i < ARRAY_LEN(kinds) && !*yes; i++) {
        AUTO(unpacked_close) struct unpacked *u = NULL;
        TRY(unpacked_open(&u, cache_dir, diff_id, kinds[i]));
        *yes = u != NULL;
    }
    return NULL;
}

/* Can the layer of the record be had? A record that cannot be read is of no use either. */
static struct err *is_useful(int cache_dir, int folder, struct store *layout, const char *name, bool *yes)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    struct digest key = {.alg = DIGEST_SHA256};
    *yes = false;
    if (!codec_unhex(name, strlen(name), key.bytes, 32))
        return NULL;
    AUTO(err_free) struct err *e = fs_read_file(&data, folder, name, NULL);
    if (!e)
        e = steprecord_decode(&r, &key, buf_text(&data), data.len);
    if (e)
        return err_kind_of(e) == ERR_STOPPED ? TAKE(e) : NULL;
    *yes = !r.has_layer;
    for (size_t i = 0; layout && i < r.form_count && !*yes; i++)
        TRY(store_has(layout, &r.form[i].desc, yes));
    return *yes ? NULL : is_unpacked(cache_dir, &r.diff_id, yes);
}

static struct err *list(int folder, struct strlist *out)
{
    AUTO(closedir) DIR *dir = dir_take(fcntl(folder, F_DUPFD_CLOEXEC, 0));
    if (!dir)
        return err_sys("read " STEPCACHE_FOLDER);
    for (const struct dirent *d = readdir(dir); d; d = readdir(dir))
        if (d->d_name[0] != '.')
            strlist_add(out, d->d_name);
    return NULL;
}

struct err *stepcache_prune(int cache_dir, struct store *layout, uint64_t keep, uint64_t *freed)
{
    AUTO(fd_close) int folder = -1;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    uint64_t more = 0;
    *freed = 0;
    struct err *e = fs_open(&folder, cache_dir, STEPCACHE_FOLDER, O_RDONLY | O_DIRECTORY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    newfile_sweep(folder);
    TRY(list(folder, &names));
    for (size_t i = 0; keep > 0 && i < names.count; i++) {
        struct stat st;
        bool useful = false;
        TRY(is_useful(cache_dir, folder, layout, names.item[i], &useful));
        if (!useful && fstatat(folder, names.item[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            unlinkat(folder, names.item[i], 0) == 0)
            *freed += (uint64_t)st.st_size;
    }
    TRY(trim_dir(cache_dir, STEPCACHE_FOLDER, keep < STEPCACHE_TOTAL_MAX ? keep : STEPCACHE_TOTAL_MAX,
                 &more));
    *freed += more;
    return NULL;
}
