/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/endpoint.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/copy.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/archive.h"
#include "push/companions.h"
#include "registry/blob.h"
#include "registry/origin.h"

#include <fcntl.h>
#include <unistd.h>

static struct err *not_here(const struct place *p)
{
    struct err *e = err_new(ERR_NOT_FOUND, "image %s is not in the local store", p->shown);
    if (!p->ref.registry)
        return e;
    AUTO(mem_free) char *name = ref_familiar(&p->ref);
    /* A push takes this spelling too, for what the store has. */
    if (str_starts(p->shown, "docker://"))
        return err_hint(e, "build it (lade build -t %s), or copy it from there (lade copy %s TARGET)", name,
                        p->shown);
    return err_hint(e, "build it (lade build -t %s), pull it (lade pull %s), or say docker://%s", name, name,
                    name);
}

static struct err *open_store(struct endpoint *out, struct session *s, const struct place *p)
{
    struct store *layout = NULL;
    struct registry *registry = NULL;
    AUTO(mem_free) char *name = place_store_name(&p->ref);
    bool found = false;
    struct err *e = session_layout(s, LAYOUT_READ, &layout);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return not_here(p);
    }
    TRY(e);
    TRY(store_resolve(layout, name, &out->root, &found));
    if (!found)
        return not_here(p);
    TRY(session_registry(s, &registry));
    out->store = origin_store(layout, registry, false);
    out->local = true;
    return NULL;
}

static struct err *open_registry(struct endpoint *out, struct session *s, const struct place *p)
{
    struct registry *registry = NULL;
    TRY(session_registry(s, &registry));
    return registry_open(registry, &p->ref, &out->store, &out->root);
}

static struct err *resolve_in(struct store *layout, const struct place *p, struct desc *root)
{
    bool found = false;
    TRY(store_resolve(layout, p->tag, root, &found));
    return found ? NULL : err_new(ERR_NOT_FOUND, "%s: there is no such image", p->shown);
}

static struct err *open_dir(struct endpoint *out, struct session *s, const struct place *p)
{
    struct registry *registry = NULL;
    TRY(layout_open(&out->behind, p->path, LAYOUT_READ));
    TRY(resolve_in(out->behind, p, &out->root));
    TRY(session_registry(s, &registry));
    out->store = origin_store(out->behind, registry, false);
    return NULL;
}

static struct err *open_input(const char *path, struct source **out)
{
    AUTO(fd_close) int fd = -1;
    if (str_eq(path, "-")) {
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            return err_sys("standard input");
    } else {
        TRY(fs_open(&fd, AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0));
    }
    *out = source_fd(fd_take(&fd));
    return NULL;
}

/* A directory of our own under the cache: an archive may be larger than what is left in /tmp. */
static struct err *make_scratch(const struct session *s, char **out)
{
    char name[FS_NEW_NAME];
    AUTO(mem_free) char *cache = NULL;
    TRY(session_cache_path(s, &cache));
    fs_new_name(name);
    *out = path_join(cache, name);
    return NULL;
}

static struct err *open_archive(struct endpoint *out, struct session *s, const struct place *p)
{
    AUTO(source_free) struct source *from = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    TRY(open_input(p->path, &from));
    TRY(make_scratch(s, &out->scratch));
    TRY(layout_open(&out->store, out->scratch, LAYOUT_WRITE));
    TRY(archive_import(out->store, from, p->shown, &names));
    return resolve_in(out->store, p, &out->root);
}

struct err *endpoint_open(struct endpoint *out, struct session *s, const struct place *p)
{
    switch (p->kind) {
    case PLACE_STORE:
        return open_store(out, s, p);
    case PLACE_REGISTRY:
        return open_registry(out, s, p);
    case PLACE_OCI_DIR:
        return open_dir(out, s, p);
    case PLACE_OCI_ARCHIVE:
    case PLACE_DOCKER_ARCHIVE:
        return open_archive(out, s, p);
    }
    return err_new(ERR_INTERNAL, "a place of unknown kind");
}

void endpoint_wipe(struct endpoint *e)
{
    store_free(e->store);
    store_free(e->behind);
    desc_wipe(&e->root);
    if (e->scratch)
        err_free(fs_remove_tree(AT_FDCWD, e->scratch));
    free(e->scratch);
    companions_wipe(&e->companions);
    *e = (struct endpoint){0};
}

struct err *endpoint_choose(struct endpoint *e, const struct platform *want)
{
    AUTO_VALUE(desc_wipe) struct desc chosen = {0};
    if (!platform_is_set(want))
        return NULL;
    TRY(copy_choose(e->store, &e->root, want, &chosen));
    desc_copy(&e->root, &chosen);
    return NULL;
}

struct err *endpoint_add_companions(struct endpoint *e, struct session *s, const struct place *p)
{
    struct registry *registry = NULL;
    struct repo repo = {0};
    TRY(session_registry(s, &registry));
    TRY(registry_repo(registry, &p->ref, false, &repo));
    return err_wrap(companions_find(&e->companions, &repo, e->store, &e->root), "what refers to %s",
                    p->shown);
}
