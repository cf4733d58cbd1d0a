/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/layout.h"
#include "image/layout_inner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_file(struct layout_files *out, int fd, const char *algorithm, const char *name)
{
    AUTO(mem_free) char *text = mem_printf("%s:%s", algorithm, name);
    struct layout_file file = {.path = mem_printf("blobs/%s/%s", algorithm, name)};
    struct stat st;
    AUTO(err_free) struct err *no_digest = digest_parse(&file.digest, text);
    if (no_digest)
        file.digest = (struct digest){0};
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        file.size = (uint64_t)st.st_size;
    MEM_PUSH(out->item, out->count, out->room, file);
}

static struct err *list(int fd_taken, const char *algorithm, struct layout_files *out)
{
    AUTO(closedir) DIR *directory = dir_take(fd_taken);
    const struct dirent *entry;
    if (!directory)
        return err_sys("list blobs/%s", algorithm);
    errno = 0;
    while ((entry = readdir(directory)))
        if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..") &&
            !str_starts(entry->d_name, FS_NEW_PREFIX))
            add_file(out, dirfd(directory), algorithm, entry->d_name);
    return errno ? err_sys("list blobs/%s", algorithm) : NULL;
}

struct err *layout_files(struct store *layout, struct layout_files *out)
{
    static const char *const algorithm[] = {"sha256", "sha512"};
    struct layout *l = layout_of(layout);
    for (size_t i = 0; i < ARRAY_LEN(algorithm); i++) {
        AUTO(mem_free) char *path = mem_printf("blobs/%s", algorithm[i]);
        int fd = -1;
        struct err *e = fs_open_beneath(&fd, l->dirfd, path, O_RDONLY | O_DIRECTORY, 0);
        if (e && err_kind_of(e) == ERR_NOT_FOUND) {
            err_free(e);
            continue;
        }
        TRY(err_wrap(e, "%s", l->name));
        TRY(err_wrap(list(fd, algorithm[i], out), "%s", l->name));
    }
    return NULL;
}

void layout_files_wipe(struct layout_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->item[i].path);
    free(files->item);
    *files = (struct layout_files){0};
}

struct err *layout_drop_blob(struct store *layout, const struct digest *digest)
{
    struct layout *l = layout_of(layout);
    char path[LAYOUT_PATH];
    assert(l->mode == LAYOUT_REMOVE);
    if (unlinkat(l->dirfd, layout_blob_path(digest, path), 0) != 0 && errno != ENOENT)
        return err_sys("%s: remove %s", l->name, path);
    return NULL;
}
