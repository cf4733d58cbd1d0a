/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "builder/usage.h"
#include "layers/cachelimit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * The file holds a line of three numbers: the limit, what the cache took, and what was free on the disk then.
 * It is locked by who looks; its mtime says when somebody did.
 */
#define STAMP "limit" /* in the cache */
#define STAMP_MAX 128
#define STAMP_PERIOD_S (60 * 60)
#define STAMP_GROWN_MIN (UINT64_C(64) << 20) /* less is not worth looking */

struct stamp {
    uint64_t limit, taken, free;
};

static bool parse(struct stamp *out, const char *text)
{
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    AUTO(mem_free) char *line = str_trim(text);
    strlist_split(&words, line, ' ');
    return words.count == 3 && num_parse(words.item[0], UINT64_MAX, &out->limit) &&
           num_parse(words.item[1], UINT64_MAX, &out->taken) &&
           num_parse(words.item[2], UINT64_MAX, &out->free);
}

/* Could the cache be too large by now? */
static bool is_due(int fd, const struct stamp *now)
{
    char text[STAMP_MAX] = "";
    struct stamp then = {0};
    struct stat st;
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    int64_t age = fstat(fd, &st) == 0 ? clock_unix() - st.st_mtim.tv_sec : -1;
    if (got <= 0 || age < 0 || age >= STAMP_PERIOD_S || !parse(&then, text) || then.limit != now->limit)
        return true;
    uint64_t room = then.limit > then.taken ? then.limit - then.taken : 0;
    uint64_t grown = then.free > now->free ? then.free - now->free : 0;
    return grown > (room > STAMP_GROWN_MIN ? room : STAMP_GROWN_MIN);
}

static struct err *look(struct stamp *now, const char *path, struct store *layout)
{
    AUTO_VALUE(usage_wipe) struct usage u = {0};
    uint64_t freed = 0;
    TRY(usage_read(&u, path, layout, false));
    now->taken = usage_cache_bytes(&u);
    if (now->taken <= now->limit)
        return NULL;
    /* Some room, so that the next build has nothing to do. */
    const struct usage_policy policy = {.keep = now->limit / 10 * 9};
    /* Whoever wants the bases waits for the others: not after a build. */
    for (size_t i = 0; i < u.count; i++)
        u.item[i].picked = u.item[i].kind != USAGE_BASES;
    usage_choose(&u, &policy);
    struct err *e = usage_remove(&u, path, NULL, &freed);
    log_debug("cache: %" PRIu64 " bytes of %" PRIu64 ", freed %" PRIu64, now->taken, now->limit, freed);
    now->taken -= freed < now->taken ? freed : now->taken;
    now->free += freed;
    return e;
}

/* A build that finds nothing to do opens nothing for writing. */
static bool is_due_at(int cache, const struct stamp *now)
{
    AUTO(fd_close) int fd = -1;
    struct err *e = fs_open(&fd, cache, STAMP, O_RDONLY | O_NOFOLLOW, 0);
    bool due = e || is_due(fd, now);
    err_free(e);
    return due;
}

static struct err *limit(const char *path, struct store *layout)
{
    AUTO(fd_close) int cache = -1;
    AUTO(fd_close) int fd = -1;
    struct stamp now = {0};
    struct statvfs fs;
    bool got = false;
    TRY(fs_open(&cache, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
    TRY(cachelimit_of(cache, &now.limit));
    if (now.limit == UINT64_MAX)
        return NULL;
    if (fstatvfs(cache, &fs) != 0 || !num_mul(fs.f_bavail, fs.f_frsize, &now.free))
        return err_sys("look at the file system of the cache");
    if (!is_due_at(cache, &now))
        return NULL;
    TRY(fs_open(&fd, cache, STAMP, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    TRY(fs_lock(fd, true, false, &got));
    if (!got || !is_due(fd, &now))
        return NULL;
    struct err *e = look(&now, path, layout);
    AUTO(mem_free)
    char *text = mem_printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", now.limit, now.taken, now.free);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
        log_debug("cache: the time of this look cannot be noted");
    return e;
}

void usage_limit(const char *cache, struct store *layout)
{
    struct err *e = limit(cache, layout);
    if (e)
        log_debug("cache: limit: %s", err_message(e));
    err_free(e);
}
