/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/copy.h"

#include "base/fs.h"
#include "base/mem.h"
#include "builder/copy_inner.h"
#include "builder/glob.h"

#include <string.h>

/* Where the step copies to: a clean absolute path, and whether the way it was written says that it is a
 * directory. */
struct destination {
    char *path;
    bool is_dir;
};

static void destination_wipe(struct destination *d)
{
    mem_free(d->path);
}

static void run_wipe(struct copy_run *run)
{
    mode_wipe(&run->mode);
    ignore_free(run->excludes);
    copy_forget_links(run);
}

static size_t span_of_class(const char *text, const char *more)
{
    size_t len = 0;
    while (str_is_alnum(text[len]) || (text[len] && strchr(more, text[len])))
        len++;
    return len;
}

bool copy_is_remote(const char *source)
{
    static const char *const schemes[] = {"http://", "https://", "git://", "ssh://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_starts(source, schemes[i]))
            return true;
    }
    /* user@host:path */
    size_t user = span_of_class(source, "-_");
    if (user == 0 || source[user] != '@')
        return false;
    size_t host = span_of_class(source + user + 1, "-.");
    return host > 0 && source[user + 1 + host] == ':';
}

static struct err *remote(const struct copy_step *step, const char *source)
{
    AUTO(mem_free) char *shown = str_safe(source);
    if (!step->add)
        return err_hint(err_new(ERR_INPUT, "the source %s is not a path", shown), "only ADD fetches URLs");
    return err_hint(err_new(ERR_UNSUPPORTED, "ADD of %s: URLs and git repositories are not supported", shown),
                    "fetch it before the build and COPY the file");
}

static void destination_of(const struct copy_step *step, struct destination *out)
{
    const char *dest = step->dest;
    const char *workdir = str_empty(step->workdir) ? "/" : step->workdir;
    AUTO(mem_free) char *joined = mem_printf("/%s/%s", dest[0] == '/' ? "" : workdir, dest);
    out->path = path_clean(joined);
    out->is_dir = str_empty(dest) || str_eq(dest, ".") || str_ends(dest, "/") || str_ends(dest, "/.");
}

/* New directories on the way: an octal --chmod counts for them too, a symbolic one does not. */
static struct err *make_dirs(struct copy_run *run, const struct strlist *names, struct copy_place *out)
{
    struct copy_place root = copy_root(run);
    uint32_t mode = run->has_mode && run->mode.octal ? run->mode.bits & 0777 : 0755;
    return copy_make_dirs(out, run, &root, names, mode, run->owner);
}

static struct err *resolve(struct copy_run *run, const char *path, struct strlist *names)
{
    struct copy_place root = copy_root(run);
    return copy_resolve(names, run, &root, path);
}

/* What is above the destination, and itself when it is written as a directory. */
static struct err *make_way(struct copy_run *run, const struct destination *dest)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    struct copy_place made;
    const char *slash = strrchr(dest->path, '/');
    size_t len = dest->is_dir ? strlen(dest->path) : (size_t)(slash - dest->path);
    AUTO(mem_free) char *path = mem_strndup(dest->path, len);
    TRY(resolve(run, path, &names));
    return make_dirs(run, &names, &made);
}

static struct err *put_dir(struct copy_run *run, struct node *from, const struct strlist *names,
                           const struct ignore *includes, uint64_t *included)
{
    struct copy_place dir;
    TRY(make_dirs(run, names, &dir));
    return copy_contents(run, from, &dir, includes, included);
}

static struct err *put_file(struct copy_run *run, const struct node *from, const char *name,
                            struct strlist *names)
{
    struct copy_place root = copy_root(run), there, dir;
    AUTO(mem_free) char *last = NULL;
    TRY(copy_at(&there, run, &root, names));
    const struct node *old = copy_visible(&there);
    if (old && old->type == NODE_DIR) {
        TRY(make_dirs(run, names, &dir));
        return copy_file(run, from, &dir, name);
    }
    last = mem_strdup(names->item[names->count - 1]);
    strlist_remove(names, names->count - 1);
    TRY(make_dirs(run, names, &dir));
    return copy_file(run, from, &dir, last);
}

/* One file or directory to the destination. */
static struct err *put(struct copy_run *run, const struct copy_match *match, const struct destination *dest,
                       const struct ignore *includes, uint64_t *included)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    copy_forget_links(run);
    TRY(make_way(run, dest));
    TRY(resolve(run, dest->path, &names));
    if (match->node->type == NODE_DIR)
        return put_dir(run, match->node, &names, includes, included);
    /* With --parents a file is there by itself only when what stands before "/./" is one; it selects nothing.
     */
    *included += includes == NULL;
    return put_file(run, match->node, match->name, &names);
}

static struct err *put_unpacked(struct copy_run *run, const struct copy_match *match,
                                const struct destination *dest)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    struct copy_place root = copy_root(run), dir;
    copy_forget_links(run);
    TRY(resolve(run, dest->path, &names));
    TRY(copy_make_dirs(&dir, run, &root, &names, 0755, run->owner));
    return copy_unpack(run, match, &dir);
}

static struct err *put_matches(struct copy_run *run, const char *source, const struct destination *dest,
                               const struct ignore *includes, uint64_t *included)
{
    AUTO_VALUE(copy_matches_wipe) struct copy_matches found = {0};
    TRY(copy_find(&found, run, source));
    for (size_t i = 0; i < found.count; i++) {
        bool archive = false;
        if (run->step->unpack)
            TRY(copy_is_archive(found.item[i].node, &archive));
        if (archive)
            TRY(put_unpacked(run, &found.item[i], dest));
        else
            TRY(put(run, &found.item[i], dest, includes, included));
    }
    return NULL;
}

/* --parents: what stands before "/./" is where the paths that are kept begin. */
static struct err *put_with_parents(struct copy_run *run, const char *source, const struct destination *dest)
{
    const char *pivot = strstr(source, "/./");
    AUTO(mem_free) char *base = pivot ? mem_strndup(source, (size_t)(pivot - source)) : mem_strdup("");
    AUTO(mem_free) char *rooted = mem_printf("/%s", pivot ? pivot + 3 : source);
    AUTO(mem_free) char *pattern = path_clean(rooted);
    AUTO_VALUE(strlist_wipe) struct strlist patterns = {0};
    AUTO(ignore_free) struct ignore *includes = NULL;
    uint64_t included = 0;
    if (pattern[1]) {
        strlist_add(&patterns, pattern + 1);
        TRY(ignore_from_list(&includes, &patterns, "COPY --parents"));
    }
    TRY(put_matches(run, base, dest, includes, &included));
    if (included > 0 || glob_has_wildcards(base) || glob_has_wildcards(pattern))
        return NULL;
    AUTO(mem_free) char *whole = mem_printf("/%s%s", base, pattern);
    AUTO(mem_free) char *clean = path_clean(whole);
    return copy_absent(run, clean + 1);
}

static struct err *put_document(struct copy_run *run, const struct copy_document *doc,
                                const struct destination *dest)
{
    const char *slash = strrchr(doc->name, '/');
    uint64_t included = 0;
    struct node node = {.name = doc->name,
                        .type = NODE_FILE,
                        .mode = 0644,
                        .size = doc->content_len,
                        .mtime = run->step->epoch};
    if (doc->content_len > 0) {
        node.content.kind = CONTENT_MEM;
        node.content.mem = doc->content;
    }
    struct copy_match match = {.node = &node, .name = mem_strdup(slash ? slash + 1 : doc->name)};
    struct err *e = put(run, &match, dest, NULL, &included);
    mem_free(match.name);
    return e;
}

static struct err *find_owner(struct copy_run *run)
{
    const char *chown = run->step->chown;
    const char *missing = NULL;
    if (str_empty(chown))
        return NULL;
    AUTO(mem_free) char *shown = str_safe(chown);
    run->owner = &run->owner_found;
    TRY(err_wrap(account_look_up(&run->owner_found, run->step->stage, chown, &missing), "--chown=%s", shown));
    if (missing)
        return err_hint(err_new(ERR_NOT_FOUND, "--chown=%s: the image has no such %s", shown, missing),
                        "give a number, or make the %s in a step before this one", missing);
    return NULL;
}

static struct err *put_all(struct copy_run *run)
{
    const struct copy_step *step = run->step;
    AUTO_VALUE(destination_wipe) struct destination dest = {0};
    uint64_t included = 0;
    TRY(find_owner(run));
    run->has_mode = !str_empty(step->chmod);
    if (run->has_mode)
        TRY(mode_parse(&run->mode, step->chmod));
    if (step->excludes && step->excludes->count > 0)
        TRY(ignore_from_list(&run->excludes, step->excludes, "--exclude"));
    /* With --chmod, BuildKit does not link. */
    run->stage = step->link && !run->has_mode ? NULL : step->stage;
    destination_of(step, &dest);
    for (size_t i = 0; step->sources && i < step->sources->count; i++) {
        const char *source = step->sources->item[i];
        if (copy_is_remote(source))
            return remote(step, source);
        if (step->parents)
            TRY(put_with_parents(run, source, &dest));
        else
            TRY(put_matches(run, source, &dest, NULL, &included));
    }
    for (size_t i = 0; i < step->document_count; i++)
        TRY(put_document(run, &step->documents[i], &dest));
    return NULL;
}

struct err *copy_plan(const struct copy_step *step, struct tree *layer)
{
    AUTO_VALUE(run_wipe) struct copy_run run = {.step = step, .layer = layer};
    AUTO(mem_free) char *what = str_safe(step->what);
    return err_wrap(put_all(&run), "%s", what);
}
