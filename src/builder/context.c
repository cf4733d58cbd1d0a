/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/context.h"

#include "base/fs.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/copy.h"
#include "builder/dockerfile.h"
#include "layers/tarread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct err *no_dockerfile(const char *name, const char *context)
{
    AUTO(mem_free) char *shown = str_safe(context);
    return err_hint(err_new(ERR_NOT_FOUND, "there is no %s in the context %s", name, shown),
                    "say where it is with -f FILE");
}

static struct err *read_stdin(struct buf *out)
{
    int fd = dup(STDIN_FILENO);
    if (fd < 0)
        return err_sys("standard input");
    AUTO(source_free) struct source *input = source_fd(fd);
    return source_read_all(input, out, "the Dockerfile on standard input");
}

/* The Dockerfile for a directory: `file` is looked up from the working directory, as docker does. */
static struct err *dockerfile_for_dir(struct context *c, int dir, const char *context, const char *file)
{
    bool found = true;
    if (file && str_eq(file, "-")) {
        c->dockerfile_name = mem_strdup("-");
        return read_stdin(&c->dockerfile);
    }
    if (file) {
        c->dockerfile_name = mem_strdup(file);
        TRY(err_wrap(fs_read_file(&c->dockerfile, AT_FDCWD, file, &found), "Dockerfile"));
        if (found)
            return NULL;
        AUTO(mem_free) char *safe = str_safe(file);
        return err_new(ERR_NOT_FOUND, "the Dockerfile %s does not exist", safe);
    }
    static const char *const names[] = {"Dockerfile", "dockerfile"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        TRY(err_hint(fs_read_file_beneath(&c->dockerfile, dir, names[i], &found),
                     "name a Dockerfile elsewhere with -f FILE"));
        if (found) {
            c->dockerfile_name = mem_strdup(names[i]);
            return NULL;
        }
    }
    return no_dockerfile("Dockerfile", context);
}

/* <Dockerfile>.dockerignore wins over the context's .dockerignore. */
static struct err *ignore_for_dir(struct context *c, int dir, const char *file)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(IGNORE_MAX_BYTES);
    bool found = false;
    if (!file || !str_eq(file, "-")) {
        AUTO(mem_free) char *beside = mem_printf("%s.dockerignore", file ? file : c->dockerfile_name);
        TRY(file ? fs_read_file(&text, AT_FDCWD, beside, &found)
                 : fs_read_file_beneath(&text, dir, beside, &found));
        if (found)
            return ignore_parse(&c->ignore, buf_text(&text), text.len, beside);
    }
    TRY(fs_read_file_beneath(&text, dir, ".dockerignore", &found));
    if (found)
        return ignore_parse(&c->ignore, buf_text(&text), text.len, ".dockerignore");
    return NULL;
}

static struct err *open_dir(struct context *c, const char *path, const char *file)
{
    AUTO(fd_close) int dir = -1;
    struct err *e = fs_open(&dir, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (e && err_errno(e) == ENOTDIR)
        e = err_hint(e, "the context is a directory; -f FILE names a Dockerfile");
    TRY(err_wrap(e, "context"));
    TRY(dockerfile_for_dir(c, dir, path, file));
    TRY(ignore_for_dir(c, dir, file));
    struct tree_dir_options options = {
        .skip = c->ignore ? ignore_skip : NULL, .ctx = c->ignore, .trust_times = c->trust_times};
    c->real_path = realpath(path, NULL);
    return tree_open_dir(&c->files, fd_take(&dir), &options);
}

/* The Dockerfile inside a tar context. */
static struct err *dockerfile_in_tar(struct context *c, const char *file)
{
    struct node *node = NULL;
    c->dockerfile_name = mem_strdup(file ? file : "Dockerfile");
    TRY(tree_lookup(c->files, c->dockerfile_name, true, &node));
    if (!node || node->type != NODE_FILE)
        return no_dockerfile(c->dockerfile_name, "on standard input");
    AUTO(source_free) struct source *bytes = NULL;
    TRY(node_open(node, &bytes));
    return source_read_all(bytes, &c->dockerfile, c->dockerfile_name);
}

/* Standard input is looked at twice (what is it, then what is in it), so it goes to a temporary file first.
 */
static struct err *keep_stdin(int scratch_dir, struct source **out)
{
    AUTO(fd_close) int temp = -1;
    AUTO(fd_close) int copy = -1;
    AUTO(fd_close) int input = dup(STDIN_FILENO);
    if (input < 0)
        return err_sys("standard input");
    TRY(fs_temp(&temp, scratch_dir));
    copy = fcntl(temp, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return err_sys("temporary file");
    AUTO(source_free) struct source *from = source_fd(fd_take(&input));
    AUTO(sink_free) struct sink *to = sink_fd(fd_take(&copy));
    TRY(io_copy(to, from, NULL));
    TRY(sink_commit(to));
    if (lseek(temp, 0, SEEK_SET) < 0)
        return err_sys("temporary file");
    *out = source_fd(fd_take(&temp));
    return NULL;
}

static struct err *open_stdin(struct context *c, const char *file, int scratch_dir)
{
    if (file && str_eq(file, "-"))
        return err_new(ERR_USAGE, "the context and the Dockerfile cannot both be standard input");
    bool archive = false;
    AUTO(source_free) struct source *input = NULL;
    TRY(err_wrap(keep_stdin(scratch_dir, &input), "context on standard input"));
    TRY(err_wrap(tarread_is_archive(input, &archive), "context on standard input"));
    if (!archive) {
        if (file)
            return err_new(ERR_INPUT, "standard input is no tar, so there is no %s in it", file);
        c->dockerfile_name = mem_strdup("-");
        c->files = tree_new();
        return source_read_all(input, &c->dockerfile, "the Dockerfile on standard input");
    }
    TRY(spool_new(&c->spool, scratch_dir));
    struct tarread_options options = {
        .what = "context on standard input", .any_compression = true, .spool = c->spool};
    TRY(tarread_tree(&c->files, input, &options));
    return dockerfile_in_tar(c, file);
}

struct err *context_open(struct context *out, const char *path, const char *file, int scratch_dir)
{
    out->dockerfile = BUF(DOCKERFILE_SIZE_MAX);
    if (str_eq(path, "-"))
        return open_stdin(out, file, scratch_dir);
    if (copy_is_remote(path))
        return err_hint(err_new(ERR_UNSUPPORTED, "a context from a URL is not supported"),
                        "fetch it first and give the directory, or pipe a tar: … | lade build -");
    return open_dir(out, path, file);
}

void context_wipe(struct context *c)
{
    tree_free(c->files);
    ignore_free(c->ignore);
    spool_free(c->spool);
    free(c->dockerfile_name);
    free(c->real_path);
    buf_wipe(&c->dockerfile);
    *c = (struct context){0};
}
