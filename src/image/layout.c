/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layout.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "image/layout_inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define VERSION_FILE "oci-layout"
#define VERSION_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define VERSION_MAX 4096

static const struct store_ops layout_ops;

struct layout *layout_of(struct store *s)
{
    assert(s->ops == &layout_ops);
    return (struct layout *)s;
}

static struct err *check_version(struct layout *l)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(VERSION_MAX);
    AUTO(json_decref) json_t *object = NULL;
    AUTO(mem_free) char *what = mem_printf("%s: " VERSION_FILE, l->name);
    const char *version = NULL;
    bool found = true;
    TRY(err_wrap(fs_read_file(&text, l->dirfd, VERSION_FILE, &found), "%s", l->name));
    if (!found)
        return err_new(ERR_INPUT, "%s is no OCI image layout: it has no file " VERSION_FILE, l->name);
    TRY(json_parse(&object, buf_text(&text), text.len, what));
    TRY(json_get_str(object, "imageLayoutVersion", what, &version));
    if (version && str_starts(version, "1."))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(version ? version : "none");
    return err_new(ERR_INPUT, "%s: expected version 1.0.0, found %s", what, safe);
}

/* What is there wins: two processes may do this at once. */
static struct err *make_version(struct layout *l)
{
    AUTO(sink_free) struct sink *file = NULL;
    struct stat st;
    if (fstatat(l->dirfd, VERSION_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return NULL;
    TRY(newfile_open(&file, l->dirfd, VERSION_FILE, 0644, false, false));
    TRY(sink_write(file, VERSION_TEXT, strlen(VERSION_TEXT)));
    return sink_commit(file);
}

/* Where locks do not work, a reader goes on without: it can only fail to find what somebody removes
 * meanwhile. */
static struct err *lock_directory(struct layout *l)
{
    struct err *e = fs_lock(l->dirfd, l->mode == LAYOUT_REMOVE, true, NULL);
    if (e && l->mode == LAYOUT_READ && err_kind_of(e) != ERR_STOPPED) {
        log_debug("%s: not locked: %s", l->name, err_message(e));
        err_free(e);
        return NULL;
    }
    return err_wrap(e, "%s", l->name);
}

bool layout_is_busy(const char *path)
{
    AUTO(fd_close) int fd = -1;
    bool got = true;
    AUTO(err_free) struct err *e = fs_open(&fd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (!e)
        e = fs_lock(fd, true, false, &got);
    return !e && !got;
}

static struct err *open_directory(struct layout *l, const char *path)
{
    struct err *e;
    if (l->mode == LAYOUT_WRITE)
        e = fs_mkdir_open(&l->dirfd, AT_FDCWD, path);
    else
        e = fs_open(&l->dirfd, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (e && (err_errno(e) == ENOTDIR || err_errno(e) == EEXIST))
        e = err_as(e, ERR_INPUT);
    return e;
}

static struct err *layout_init(struct layout *l, const char *path)
{
    TRY(open_directory(l, path));
    TRY(lock_directory(l));
    if (l->mode == LAYOUT_WRITE) {
        TRY(err_wrap(make_version(l), "%s", l->name));
        TRY(err_wrap(fs_mkdir_all(l->dirfd, "blobs/sha256"), "%s", l->name));
        TRY(err_wrap(layout_index_init(l), "%s", l->name));
    }
    return check_version(l);
}

static struct err *open_named(struct store **out, const char *path, enum layout_mode mode, char *name_take)
{
    AUTO(store_free) struct store *s = NULL;
    struct layout *l = mem_zero(1, sizeof *l);
    s = &l->store;
    s->ops = &layout_ops;
    l->name = name_take;
    l->dirfd = -1;
    l->mode = mode;
    l->changing = lock_new();
    TRY(layout_init(l, path));
    *out = TAKE(s);
    return NULL;
}

struct err *layout_open(struct store **out, const char *path, enum layout_mode mode)
{
    AUTO(mem_free) char *safe = str_safe(path);
    return open_named(out, path, mode, mem_printf("oci:%s", safe));
}

char *layout_default_path(void)
{
    const char *store = getenv("LADE_STORE");
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (!str_empty(store))
        return mem_strdup(store);
    /* The XDG specification: relative paths are not valid and ignored. */
    if (data && *data == '/')
        return path_join(data, "lade/store");
    return str_empty(home) ? NULL : path_join(home, ".local/share/lade/store");
}

struct err *layout_open_default(struct store **out, enum layout_mode mode)
{
    AUTO(mem_free) char *path = layout_default_path();
    if (!path)
        return err_hint(err_new(ERR_USAGE, "nowhere to keep images: HOME is not set"),
                        "set LADE_STORE to a directory");
    AUTO(mem_free) char *safe = str_safe(path);
    return open_named(out, path, mode, mem_printf("the local store %s", safe));
}

const char *layout_blob_path(const struct digest *d, char path[LAYOUT_PATH])
{
    char hex[DIGEST_TEXT];
    snprintf(path, LAYOUT_PATH, "blobs/%s/%s", digest_alg_name(d), digest_hex(d, hex));
    return path;
}

const char *layout_origin_path(const struct digest *d, char path[2 * LAYOUT_PATH])
{
    char hex[DIGEST_TEXT];
    snprintf(path, (size_t)2 * LAYOUT_PATH, "lade/origin/%s/%s", digest_alg_name(d), digest_hex(d, hex));
    return path;
}

/* A file of another size is what a power failure left: it counts as absent, and is replaced by the next put.
 */
static struct err *layout_has(struct store *s, const struct desc *d, bool *yes)
{
    struct layout *l = layout_of(s);
    char path[LAYOUT_PATH];
    struct stat st;
    if (fstatat(l->dirfd, layout_blob_path(&d->digest, path), &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return err_sys("%s: %s", l->name, path);
        *yes = false;
        return NULL;
    }
    *yes = S_ISREG(st.st_mode) && (uint64_t)st.st_size == d->size;
    return NULL;
}

static struct err *absent(struct layout *l, const struct desc *d)
{
    char digest[DIGEST_TEXT];
    AUTO(mem_free) char *origin = store_origin(&l->store, d);
    struct err *e = err_new(ERR_NOT_FOUND, "%s is not in %s", digest_text(&d->digest, digest), l->name);
    return origin ? err_hint(e, "it was left at %s, whose image this one is built on", origin) : e;
}

static struct err *layout_get(struct store *s, const struct desc *d, struct source **out)
{
    struct layout *l = layout_of(s);
    AUTO(fd_close) int fd = -1;
    char path[LAYOUT_PATH];
    struct stat st;
    struct err *e = fs_open_beneath(&fd, l->dirfd, layout_blob_path(&d->digest, path),
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return absent(l, d);
    }
    TRY(err_wrap(e, "%s", l->name));
    if (fstat(fd, &st) != 0)
        return err_sys("%s: %s", l->name, path);
    if (!S_ISREG(st.st_mode))
        return err_new(ERR_INPUT, "%s: %s is no regular file", l->name, path);
    AUTO(mem_free) char *what = mem_printf("%s: %s", l->name, path);
    *out = source_verify(source_fd(fd_take(&fd)), &d->digest, d->size, what);
    return NULL;
}

#define ORIGIN_MAX 1024

static char *layout_origin(struct store *s, const struct desc *d)
{
    struct layout *l = layout_of(s);
    AUTO_VALUE(buf_wipe) struct buf text = BUF(ORIGIN_MAX);
    char path[2 * LAYOUT_PATH];
    bool found = false;
    AUTO(err_free)
    struct err *e = fs_read_file(&text, l->dirfd, layout_origin_path(&d->digest, path), &found);
    if (e)
        log_debug("%s: %s: %s", l->name, path, err_message(e));
    if (e || !found)
        return NULL;
    AUTO(mem_free) char *origin = str_trim(buf_text(&text));
    for (const char *c = origin; *c; c++)
        if (*c <= ' ' || *c == 0x7f)
            return NULL;
    return strchr(origin, '/') ? TAKE(origin) : NULL;
}

struct err *layout_set_origin(struct store *layout, const struct desc *d, const char *origin)
{
    struct layout *l = layout_of(layout);
    char path[2 * LAYOUT_PATH], directory[2 * LAYOUT_PATH];
    AUTO(mem_free) char *before = layout_origin(layout, d);
    assert(l->mode != LAYOUT_READ && strlen(origin) < ORIGIN_MAX);
    if (str_eq(before, origin))
        return NULL;
    snprintf(directory, sizeof directory, "lade/origin/%s", digest_alg_name(&d->digest));
    TRY(err_wrap(fs_mkdir_all(l->dirfd, directory), "%s", l->name));
    AUTO(mem_free) char *line = mem_printf("%s\n", origin);
    layout_origin_path(&d->digest, path);
    return err_wrap(newfile_write(l->dirfd, path, 0644, line, strlen(line), false), "%s", l->name);
}

static const char *layout_name(const struct store *s)
{
    return ((const struct layout *)s)->name;
}

static void layout_free(struct store *s)
{
    struct layout *l = layout_of(s);
    fd_close_auto(&l->dirfd);
    lock_free(l->changing);
    free(l->name);
    free(l);
}

static const struct store_ops layout_ops = {
    .has = layout_has,
    .get = layout_get,
    .put = layout_blob_put,
    .resolve = layout_index_resolve,
    .tag = layout_index_tag,
    .origin = layout_origin,
    .name = layout_name,
    .free = layout_free,
};
