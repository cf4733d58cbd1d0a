/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/dir.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static struct err *failed(const char *path)
{
    int saved = errno;
    AUTO(mem_free) char *safe = str_safe(path);
    errno = saved;
    return err_sys("look for the owner of /%s", safe);
}

/* Names are those of the upper directory, but a file's number there is another than in the merged root, where
 * its record was made. */
static struct err *collect(struct owner_list *out, const struct inside *in, const struct emulate *e,
                           const char *path)
{
    struct stat st;
    bool recorded = false;

    errno = emulate_stat(e, in->clean, *path ? path : ".", &st, &recorded);
    if (errno)
        return failed(path);
    bool real = in->spec.way.ids == SANDBOX_RANGE;
    bool device = recorded && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
    bool other = (recorded || real) && (st.st_uid != 0 || st.st_gid != 0);
    if (!device && !other)
        return NULL;
    struct owner *o = owner_list_add(out, path);
    o->uid = st.st_uid;
    o->gid = st.st_gid;
    if (device) {
        o->device_type = st.st_mode & S_IFMT;
        o->device_major = major(st.st_rdev);
        o->device_minor = minor(st.st_rdev);
    }
    return NULL;
}

/* A whiteout has a name here only. */
static struct err *is_whiteout(DIR *dir, const struct dirent *entry, bool *yes)
{
    struct stat st;

    *yes = false;
    if (entry->d_type != DT_CHR && entry->d_type != DT_UNKNOWN)
        return NULL;
    if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return failed(entry->d_name);
    *yes = S_ISCHR(st.st_mode) && st.st_rdev == 0;
    return NULL;
}

static struct err *look_at(struct owner_list *out, const struct inside *in, const struct emulate *e,
                           const char *path, struct strlist *todo)
{
    int fd = -1;

    TRY(fs_open_no_links(&fd, in->upper, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0));
    AUTO(closedir) DIR *dir = dir_take(fd);
    if (!dir)
        return failed(path);
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? failed(path) : NULL;
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, ".."))
            continue;
        bool whiteout;
        TRY(is_whiteout(dir, entry, &whiteout));
        if (whiteout)
            continue;
        AUTO(mem_free) char *below = mem_printf("%s%s%s", path, *path ? "/" : "", entry->d_name);
        TRY(collect(out, in, e, below));
        struct stat st;
        bool directory = entry->d_type == DT_DIR;
        if (entry->d_type == DT_UNKNOWN)
            directory = fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
        if (directory)
            strlist_add_take(todo, TAKE(below));
    }
}

struct err *owners_collect(struct owner_list *out, const struct inside *in, const struct emulate *e)
{
    AUTO_VALUE(strlist_wipe) struct strlist todo = {0};

    TRY(collect(out, in, e, ""));
    strlist_add(&todo, "");
    while (todo.count > 0) {
        AUTO(mem_free) char *path = todo.item[--todo.count];
        todo.item[todo.count] = NULL;
        TRY(look_at(out, in, e, path, &todo));
    }
    owner_list_sort(out);
    return NULL;
}
