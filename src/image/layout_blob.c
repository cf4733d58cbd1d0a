/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/stop.h"
#include "image/layout.h"
#include "image/layout_inner.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SMALL (64 * 1024) /* reading it costs less than writing */

/*
 * Blobs are not synced to disk: a killed process leaves no name, and what a power failure leaves is found
 * when it is read, because every reader verifies. A blob that is there already is replaced, unless it is
 * small and sound, which heals a damaged one.
 */

/* All of `from`, no more than the size that was promised, then the digest. */
static struct err *fill(const struct layout *l, struct sink *file, struct source *from, const struct desc *d)
{
    AUTO(hash_free) struct hash *hash = hash_new(d->digest.alg);
    char digest[DIGEST_SHORT], found[DIGEST_TEXT];
    uint64_t size = 0;
    digest_short(&d->digest, digest);
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(stop_check());
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            break;
        if (len > d->size - size)
            return err_new(ERR_INTEGRITY, "%s has more than the promised %llu bytes", digest,
                           (unsigned long long)d->size);
        hash_add(hash, data, len);
        TRY(err_wrap(sink_write(file, data, len), "%s", l->name));
        size += len;
        source_advance(from, len);
    }
    if (size != d->size)
        return err_new(ERR_INTEGRITY, "%s has %llu bytes instead of the promised %llu", digest,
                       (unsigned long long)size, (unsigned long long)d->size);
    struct digest value = hash_value(hash);
    if (!digest_equal(&value, &d->digest))
        return err_new(ERR_INTEGRITY, "%s: the bytes have digest %s", digest, digest_text(&value, found));
    return NULL;
}

/* A small blob that is there and sound need not be written once more. */
static bool is_sound(struct layout *l, const struct desc *d)
{
    AUTO(source_free) struct source *bytes = NULL;
    if (d->size > SMALL)
        return false;
    struct err *e = store_get(&l->store, d, &bytes);
    if (!e)
        e = source_drain(bytes);
    bool sound = e == NULL;
    err_free(e);
    return sound;
}

struct err *layout_blob_put(struct store *s, const struct desc *d, struct source *from)
{
    struct layout *l = layout_of(s);
    AUTO(sink_free) struct sink *file = NULL;
    char path[LAYOUT_PATH];
    assert(l->mode != LAYOUT_READ);
    if (is_sound(l, d))
        return NULL;
    if (d->digest.alg != DIGEST_SHA256) {
        snprintf(path, sizeof path, "blobs/%s", digest_alg_name(&d->digest));
        TRY(err_wrap(fs_mkdir_all(l->dirfd, path), "%s", l->name));
    }
    layout_blob_path(&d->digest, path);
    TRY(err_wrap(newfile_open(&file, l->dirfd, path, 0644, true, false), "%s", l->name));
    TRY(fill(l, file, from, d));
    return err_wrap(sink_commit(file), "%s", l->name);
}

/* A blob that gets its name from its bytes. */
struct blob {
    struct sink sink;
    struct sink *file;
    struct hash *hash;
    int layout_fd; /* borrowed */
    struct digest digest;
    uint64_t size;
    bool was_there;
};

static struct err *blob_write(struct sink *s, const void *data, size_t len)
{
    struct blob *blob = (struct blob *)s;
    TRY(sink_write(blob->file, data, len));
    hash_add(blob->hash, data, len);
    blob->size += len;
    return NULL;
}

static struct err *blob_commit(struct sink *s)
{
    struct blob *blob = (struct blob *)s;
    char hex[DIGEST_TEXT];
    char path[LAYOUT_PATH];
    struct stat st;
    blob->digest = hash_value(blob->hash);
    blob->was_there =
        fstatat(blob->layout_fd, layout_blob_path(&blob->digest, path), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(st.st_mode) && (uint64_t)st.st_size == blob->size;
    newfile_rename(blob->file, digest_hex(&blob->digest, hex));
    return sink_commit(blob->file);
}

static void blob_free(struct sink *s)
{
    struct blob *blob = (struct blob *)s;
    sink_free(blob->file);
    hash_free(blob->hash);
    free(blob);
}

static const struct sink_ops blob_ops = {.write = blob_write, .commit = blob_commit, .free = blob_free};

struct err *layout_blob_new(struct store *layout, struct sink **out)
{
    struct layout *l = layout_of(layout);
    AUTO(sink_free) struct sink *file = NULL;
    assert(l->mode != LAYOUT_READ);
    TRY(err_wrap(newfile_open(&file, l->dirfd, "blobs/sha256/blob", 0644, true, false), "%s", l->name));
    struct blob *blob = mem_zero(1, sizeof *blob);
    blob->sink.ops = &blob_ops;
    blob->file = TAKE(file);
    blob->layout_fd = l->dirfd;
    blob->hash = hash_new(DIGEST_SHA256);
    *out = &blob->sink;
    return NULL;
}

struct err *layout_blob_done(struct store *layout, struct sink *blob, struct desc *d)
{
    struct layout *l = layout_of(layout);
    const struct blob *done = (const struct blob *)blob;
    assert(blob->ops == &blob_ops);
    TRY(err_wrap(sink_commit(blob), "%s", l->name));
    d->digest = done->digest;
    d->size = done->size;
    return NULL;
}

bool layout_blob_was_there(const struct sink *blob)
{
    assert(blob->ops == &blob_ops);
    return ((const struct blob *)blob)->was_there;
}

struct err *layout_temp(struct store *layout, int *fd)
{
    const struct layout *l = layout_of(layout);
    return err_wrap(fs_temp(fd, l->dirfd), "%s", l->name);
}

struct err *layout_blob_open(struct store *layout, const struct desc *d, int *out)
{
    struct layout *l = layout_of(layout);
    AUTO(fd_close) int fd = -1;
    char path[LAYOUT_PATH];
    struct stat st;
    struct err *e = fs_open_beneath(&fd, l->dirfd, layout_blob_path(&d->digest, path),
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (e && err_kind_of(e) != ERR_NOT_FOUND)
        return err_wrap(e, "%s", l->name);
    err_free(e);
    if (fd >= 0 && fstat(fd, &st) != 0)
        return err_sys("%s: %s", l->name, path);
    *out = fd >= 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == d->size ? fd_take(&fd) : -1;
    return NULL;
}
