/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/str.h"
#include "image/digestset.h"
#include "image/layout.h"
#include "image/layout_inner.h"
#include "image/manifest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What to keep is found by looking for anything that has the form of a descriptor, so that artifacts and
 * documents of later versions keep what they refer to: a blob too many costs space, a blob too few costs an
 * image.
 */

static bool may_refer(const struct digestset *marked, const json_t *object, struct digest *d)
{
    const char *text = json_string_value(json_object_get(object, "digest"));
    struct err *e = text ? digest_parse(d, text) : NULL;
    bool good = text && !e;
    err_free(e);
    return good && !digestset_has(marked, d);
}

static void mark_tree(struct digestset *marked, json_t *j)
{
    struct digest d;
    const char *key;
    json_t *child;
    size_t i;
    if (may_refer(marked, j, &d))
        digestset_add(marked, &d, NULL);
    json_object_foreach (j, key, child) {
        mark_tree(marked, child);
    }
    json_array_foreach (j, i, child) {
        mark_tree(marked, child);
    }
}

/* Only what begins as a JSON object can refer to others; layers do not. */
static struct err *read_document(struct layout *l, const struct digest *digest, struct buf *out)
{
    AUTO(fd_close) int fd = -1;
    AUTO(source_free) struct source *from = NULL;
    char path[LAYOUT_PATH], first = '\0';
    struct stat st;
    struct err *e = fs_open_beneath(&fd, l->dirfd, layout_blob_path(digest, path),
                                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    if (fstat(fd, &st) != 0)
        return err_sys("%s", path);
    if (!S_ISREG(st.st_mode) || st.st_size > (off_t)MANIFEST_SIZE_MAX)
        return NULL;
    if (pread(fd, &first, 1, 0) != 1 || !strchr("{ \t\r\n", first))
        return NULL;
    from = source_verify(source_fd(fd_take(&fd)), digest, UINT64_MAX, path);
    return source_read_all(from, out, path);
}

static struct err *mark_below(struct layout *l, struct digestset *marked, const struct digest *digest)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(MANIFEST_SIZE_MAX);
    AUTO(json_decref) json_t *document = NULL;
    AUTO(err_free) struct err *no_json = NULL;
    TRY(read_document(l, digest, &text));
    if (!text.len)
        return NULL;
    no_json = json_parse(&document, buf_text(&text), text.len, "blob");
    if (!no_json)
        mark_tree(marked, document);
    return NULL;
}

/* The set grows while it is walked. A damaged document hides what it refers to, so nothing may be removed. */
static struct err *mark_all_below(struct layout *l, struct digestset *marked)
{
    for (size_t i = 0; i < marked->count; i++) {
        struct digest digest = marked->item[i];
        TRY(err_hint(mark_below(l, marked, &digest),
                     "remove the names of the damaged image, or pull it again"));
    }
    return NULL;
}

static struct err *mark(struct layout *l, struct digestset *marked)
{
    AUTO(json_decref) json_t *index = NULL;
    TRY(layout_index_read(l, &index));
    mark_tree(marked, index);
    return mark_all_below(l, marked);
}

struct err *layout_reached(struct store *layout, const struct digest *from, struct digestset *out)
{
    struct layout *l = layout_of(layout);
    if (!from)
        return err_wrap(mark(l, out), "%s", l->name);
    digestset_add(out, from, NULL);
    return err_wrap(mark_all_below(l, out), "%s", l->name);
}

static bool keep(const struct digestset *marked, const char *algorithm, const char *name)
{
    struct digest d;
    AUTO(mem_free) char *text = mem_printf("%s:%s", algorithm, name);
    AUTO(err_free) struct err *e = digest_parse(&d, text);
    /* Nobody writes while the lock is exclusive: what is not finished never will be. */
    if (e)
        return !str_starts(name, FS_NEW_PREFIX);
    return digestset_has(marked, &d);
}

static struct err *list_unmarked(int fd, const char *path, const char *algorithm,
                                 const struct digestset *marked, struct strlist *out)
{
    AUTO(closedir) DIR *directory = dir_take(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    const struct dirent *entry;
    if (!directory)
        return err_sys("list %s", path);
    errno = 0;
    while ((entry = readdir(directory)))
        if (!keep(marked, algorithm, entry->d_name))
            strlist_add(out, entry->d_name);
    return errno ? err_sys("list %s", path) : NULL;
}

static struct err *sweep_directory(struct layout *l, const char *path, const char *algorithm,
                                   const struct digestset *marked, uint64_t *bytes)
{
    AUTO(fd_close) int fd = -1;
    AUTO_VALUE(strlist_wipe) struct strlist gone = {0};
    struct err *e = fs_open_beneath(&fd, l->dirfd, path, O_RDONLY | O_DIRECTORY, 0);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    TRY(list_unmarked(fd, path, algorithm, marked, &gone));
    for (size_t i = 0; i < gone.count; i++) {
        struct stat st;
        if (fstatat(fd, gone.item[i], &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (unlinkat(fd, gone.item[i], 0) != 0 && errno != ENOENT)
            return err_sys("remove %s/%s", path, gone.item[i]);
        *bytes += (uint64_t)st.st_size;
    }
    return NULL;
}

struct err *layout_sweep(struct store *layout, uint64_t *bytes)
{
    static const char *const algorithm[] = {"sha256", "sha512"};
    struct layout *l = layout_of(layout);
    AUTO_VALUE(digestset_wipe) struct digestset marked = {0};
    assert(l->mode == LAYOUT_REMOVE);
    *bytes = 0;
    TRY(err_wrap(mark(l, &marked), "%s", l->name));
    for (size_t i = 0; i < ARRAY_LEN(algorithm); i++) {
        char path[LAYOUT_PATH];
        snprintf(path, sizeof path, "blobs/%s", algorithm[i]);
        TRY(err_wrap(sweep_directory(l, path, algorithm[i], &marked, bytes), "%s", l->name));
        snprintf(path, sizeof path, "lade/origin/%s", algorithm[i]);
        TRY(err_wrap(sweep_directory(l, path, algorithm[i], &marked, bytes), "%s", l->name));
    }
    newfile_sweep(l->dirfd);
    return NULL;
}
