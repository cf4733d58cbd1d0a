/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/cachelimit.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define PER_CENT 10 /* when nobody says */

/* *share: of the file system in per cent, or 0: then *bytes counts. */
static bool parse(const char *text, uint64_t *bytes, uint64_t *share)
{
    size_t len = strlen(text);
    *share = 0;
    if (str_eq(text, "none")) {
        *bytes = UINT64_MAX;
        return true;
    }
    if (len == 0 || text[len - 1] != '%')
        return num_parse_size(text, UINT64_MAX - 1, bytes);
    AUTO(mem_free) char *number = mem_strndup(text, len - 1);
    return num_parse(number, 100, share) && *share > 0;
}

bool cachelimit_is_set(void)
{
    return !str_empty(getenv(CACHELIMIT_ENV));
}

struct err *cachelimit_check(void)
{
    uint64_t bytes, share;
    const char *text = getenv(CACHELIMIT_ENV);
    if (!text || !*text || parse(text, &bytes, &share))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(
        ERR_USAGE,
        CACHELIMIT_ENV ": expected a size as 20gb, a part of the disk as 15%%, or none, found \"%s\"", safe);
}

struct err *cachelimit_of(int cache_dir, uint64_t *bytes)
{
    const char *text = getenv(CACHELIMIT_ENV);
    uint64_t share = PER_CENT, size;
    struct statvfs fs;
    TRY(cachelimit_check());
    if (text && *text && parse(text, bytes, &share) && share == 0)
        return NULL;
    if (fstatvfs(cache_dir, &fs) != 0)
        return err_sys("look at the file system of the cache");
    *bytes = num_mul(fs.f_blocks, fs.f_frsize, &size) ? size / 100 * share : UINT64_MAX;
    return NULL;
}
