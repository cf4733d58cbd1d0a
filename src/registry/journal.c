/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/journal.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (URL_SIZE_MAX * 2 + 4096)
#define LIFE_S (7 * 24 * 60 * 60)

struct journal {
    char *path;
    char *registry, *repository;
    struct digest digest;
    int fd;
    bool holds; /* it names a session */
};

static void ignore(struct err *e)
{
    if (e)
        log_debug("journal of uploads: %s", err_message(e));
    err_free(e);
}

static char *path_of(const char *cache_dir, const char *registry, const char *repository,
                     const struct digest *digest)
{
    char text[DIGEST_TEXT], hex[DIGEST_TEXT];
    AUTO(mem_free) char *key = mem_printf("%s\n%s\n%s", registry, repository, digest_text(digest, text));
    struct digest name = digest_of(key, strlen(key));
    return mem_printf("%s/" JOURNAL_FOLDER "/%s", cache_dir, digest_hex(&name, hex));
}

/* A plain file of ours that nobody else may write, and that still has its name. */
static bool is_ours(int fd, bool *gone)
{
    struct stat st;
    bool known = fstat(fd, &st) == 0;
    *gone = known && st.st_nlink == 0;
    return known && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022) && !*gone;
}

static struct err *open_locked(const char *path, int *out)
{
    bool gone = true;
    *out = -1;
    /* Whoever held the lock before us may have removed the file. */
    for (int i = 0; i < 3 && gone; i++) {
        AUTO(fd_close) int fd = -1;
        bool got = false;
        TRY(fs_open(&fd, AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600));
        TRY(fs_lock(fd, true, false, &got));
        if (!got)
            return err_new(ERR_CONFLICT, "%s: another process uploads this", path);
        if (is_ours(fd, &gone))
            *out = fd_take(&fd);
        else if (!gone)
            return err_new(ERR_DENIED, "%s: not a file of ours alone", path);
    }
    return NULL;
}

struct journal *journal_open(const char *cache_dir, const char *registry, const char *repository,
                             const struct digest *digest)
{
    int fd = -1;
    if (str_empty(cache_dir))
        return NULL;
    AUTO(mem_free) char *directory = path_join(cache_dir, JOURNAL_FOLDER);
    AUTO(mem_free) char *path = path_of(cache_dir, registry, repository, digest);
    struct err *e = fs_mkdir_all(AT_FDCWD, directory);
    if (!e)
        e = open_locked(path, &fd);
    ignore(e);
    if (fd < 0)
        return NULL;
    struct journal *j = mem_zero(1, sizeof *j);
    *j = (struct journal){.path = TAKE(path),
                          .registry = mem_strdup(registry),
                          .repository = mem_strdup(repository),
                          .digest = *digest,
                          .fd = fd};
    return j;
}

static struct err *get_session(const struct journal *j, const char *data, size_t len, struct url *session)
{
    char text[DIGEST_TEXT];
    AUTO(json_decref) json_t *document = NULL;
    const char *registry, *repository, *digest, *where;
    int64_t time = 0;
    TRY(json_parse(&document, data, len, j->path));
    TRY(json_get_str(document, "registry", j->path, &registry));
    TRY(json_get_str(document, "repository", j->path, &repository));
    TRY(json_get_str(document, "digest", j->path, &digest));
    TRY(json_get_str(document, "session", j->path, &where));
    TRY(json_get_i64(document, "time", j->path, NULL, &time));
    int64_t now = clock_unix();
    if (!str_eq(registry, j->registry) || !str_eq(repository, j->repository) ||
        !str_eq(digest, digest_text(&j->digest, text)) || !where)
        return err_new(ERR_INPUT, "%s: of another upload", j->path);
    if (time > now || now - time > LIFE_S)
        return err_new(ERR_INPUT, "%s: too old", j->path);
    return url_parse(session, where);
}

bool journal_read(struct journal *j, struct url *session)
{
    char data[FILE_MAX];
    ssize_t len = pread(j->fd, data, sizeof data, 0);
    if (len <= 0 || (size_t)len == sizeof data)
        return false;
    struct err *e = get_session(j, data, (size_t)len, session);
    j->holds = !e;
    ignore(e);
    return j->holds;
}

static char *written(const struct journal *j, const struct url *session)
{
    char text[DIGEST_TEXT];
    AUTO(json_decref) json_t *document = json_object();
    json_put(document, "registry", json_new_str(j->registry));
    json_put(document, "repository", json_new_str(j->repository));
    json_put(document, "digest", json_new_str(digest_text(&j->digest, text)));
    json_put(document, "session", json_new_str(session->text));
    json_put(document, "time", json_integer(clock_unix()));
    return json_text(document);
}

void journal_write(struct journal *j, const struct url *session)
{
    if (!j)
        return;
    /* A process that dies in between leaves an empty file, or one that does not parse. */
    j->holds = false;
    if (ftruncate(j->fd, 0) != 0 || !session)
        return;
    AUTO(mem_free) char *text = written(j, session);
    size_t len = strlen(text);
    j->holds = len < FILE_MAX && pwrite(j->fd, text, len, 0) == (ssize_t)len;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (!j->holds)
        unlink(j->path);
    fd_close(j->fd);
    mem_free(j->path);
    mem_free(j->registry);
    mem_free(j->repository);
    mem_free(j);
}

static void sweep_one(int dir, const char *name)
{
    struct stat st;
    bool got = false;
    AUTO(fd_close) int fd = -1;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        clock_unix() - (int64_t)st.st_mtime <= LIFE_S)
        return;
    struct err *e = fs_open(&fd, dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (!e)
        e = fs_lock(fd, true, false, &got);
    if (!e && got)
        unlinkat(dir, name, 0);
    ignore(e);
}

void journal_sweep(const char *cache_dir)
{
    if (str_empty(cache_dir))
        return;
    AUTO(mem_free) char *path = path_join(cache_dir, JOURNAL_FOLDER);
    AUTO(closedir) DIR *d = opendir(path);
    if (!d)
        return;
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d))
        if (strlen(entry->d_name) == 64)
            sweep_one(dirfd(d), entry->d_name);
}
