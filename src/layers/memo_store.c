/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"
#include "layers/memo.h"

#include <string.h>
#include <unistd.h>

#define FILE_MODE 0600

static void shrug(struct err *e)
{
    if (e)
        log_debug("layer memo: %s", err_message(e));
    err_free(e);
}

/* "layers/" and the SHA-256 of what it is about. */
static char *file_name(const char *about)
{
    struct digest d = digest_of(about, strlen(about));
    char hex[DIGEST_TEXT];

    return mem_printf(MEMO_FOLDER "/%s", digest_hex(&d, hex));
}

static struct err *load(struct memo *out, int cache_dir, const char *name, const char *about, bool *found)
{
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MEMO_FILE_MAX);

    TRY(fs_read_file(&data, cache_dir, name, found));
    if (*found)
        TRY(memo_decode(out, about, buf_text(&data), data.len));
    return NULL;
}

void memo_load(struct memo *out, int cache_dir, const char *about, bool *found)
{
    AUTO(mem_free) char *name = file_name(about);
    struct err *e = load(out, cache_dir, name, about, found);

    if (e) {
        *found = false;
        memo_remove(cache_dir, about);
    } else if (*found) {
        trim_mark_used(cache_dir, name);
    }
    shrug(e);
}

static struct err *save(const struct memo *m, int cache_dir, const char *about)
{
    AUTO(mem_free) char *name = file_name(about);
    AUTO_VALUE(buf_wipe) struct buf data = BUF(MEMO_FILE_MAX);

    memo_encode(m, about, &data);
    TRY(buf_check(&data, "it"));
    TRY(fs_mkdir_all(cache_dir, MEMO_FOLDER));
    TRY(newfile_write(cache_dir, name, FILE_MODE, data.data, data.len, false));
    return trim_below(cache_dir, MEMO_FOLDER, MEMO_TOTAL_MAX);
}

void memo_save(const struct memo *m, int cache_dir, const char *about)
{
    shrug(save(m, cache_dir, about));
}

void memo_remove(int cache_dir, const char *about)
{
    AUTO(mem_free) char *name = file_name(about);

    (void)unlinkat(cache_dir, name, 0);
}
