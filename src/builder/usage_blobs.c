/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "builder/usage.h"
#include "image/digestset.h"
#include "image/layout.h"
#include "image/manifest.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What names of the store need. */
struct needed {
    struct digestset any;     /* needed by a name */
    struct digestset several; /* by more than one */
    struct digestset diff_ids;
    bool all; /* a document is damaged: nothing can be said, so nothing may go */
};

static void needed_wipe(struct needed *n)
{
    digestset_wipe(&n->any);
    digestset_wipe(&n->several);
    digestset_wipe(&n->diff_ids);
}

static void shrug(struct err *e)
{
    if (e)
        log_debug("usage of the store: %s", err_message(e));
    err_free(e);
}

static struct err *find_needed(struct needed *n, struct store *layout)
{
    AUTO_VALUE(layout_list_wipe) struct layout_list names = {0};
    AUTO_VALUE(digestset_wipe) struct digestset before = {0};
    struct err *damaged = layout_reached(layout, NULL, &n->any);
    n->all = damaged != NULL;
    shrug(damaged);
    TRY(layout_list(layout, &names));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_VALUE(digestset_wipe) struct digestset one = {0};
        if (!names.item[i].name)
            continue;
        shrug(layout_reached(layout, &names.item[i].desc.digest, &one));
        for (size_t k = 0; k < one.count; k++)
            if (!digestset_add(&before, &one.item[k], NULL))
                digestset_add(&n->several, &one.item[k], NULL);
    }
    return NULL;
}

/* Only what begins as a JSON object can be a config. */
static void note_diff_ids(struct needed *n, int fd, uint64_t size)
{
    AUTO(json_decref) json_t *config = NULL;
    const json_t *id;
    char first = '\0';
    size_t i;
    if (size > MANIFEST_SIZE_MAX || pread(fd, &first, 1, 0) != 1 || first != '{')
        return;
    AUTO(mem_free) char *text = mem_alloc((size_t)size + 1);
    ssize_t got = pread(fd, text, (size_t)size, 0);
    AUTO(err_free) struct err *e = json_parse(&config, text, got < 0 ? 0 : (size_t)got, "blob");
    const json_t *list = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
    json_array_foreach (list, i, id) {
        struct digest d;
        struct err *bad = json_is_string(id) ? digest_parse(&d, json_string_value(id)) : NULL;
        if (!bad && json_is_string(id))
            digestset_add(&n->diff_ids, &d, NULL);
        err_free(bad);
    }
}

static struct err *add_blob(struct usage *u, struct needed *n, struct store *layout,
                            const struct layout_file *file)
{
    AUTO(fd_close) int fd = -1;
    const struct desc d = {.digest = file->digest, .size = file->size};
    char text[DIGEST_TEXT];
    struct stat st;
    if (!digest_is_set(&file->digest))
        return NULL;
    TRY(layout_blob_open(layout, &d, &fd));
    if (fd < 0 || fstat(fd, &st) != 0)
        return NULL;
    struct usage_entry *e = usage_add(u, USAGE_BLOBS, mem_strdup(digest_text(&d.digest, text)));
    e->bytes = file->size;
    e->used = st.st_mtim;
    e->in_use = n->all || digestset_has(&n->any, &d.digest);
    e->shared = digestset_has(&n->several, &d.digest);
    if (e->in_use)
        note_diff_ids(n, fd, file->size);
    return NULL;
}

/* An index is named by its blob: "index/sha256-ab12…" */
static char *blob_of(const struct usage_entry *e)
{
    const char *slash = strchr(e->id, '/');
    char *text = e->kind == USAGE_INDEX && slash ? mem_strdup(slash + 1) : NULL;
    char *between = text ? strchr(text, '-') : NULL;
    if (between)
        *between = ':';
    return text;
}

static void find_shared(struct usage_entry *e, const struct needed *n)
{
    AUTO(mem_free) char *blob = blob_of(e);
    const char *text = blob ? blob : e->layer;
    struct digest d;
    AUTO(err_free) struct err *bad = text ? digest_parse(&d, text) : NULL;
    if (text && !bad)
        e->shared = digestset_has(blob ? &n->any : &n->diff_ids, &d);
}

struct err *usage_read_blobs(struct usage *u, struct store *layout)
{
    AUTO_VALUE(needed_wipe) struct needed n = {0};
    AUTO_VALUE(layout_files_wipe) struct layout_files files = {0};
    size_t before = u->count;
    TRY(find_needed(&n, layout));
    TRY(layout_files(layout, &files));
    for (size_t i = 0; i < files.count; i++)
        TRY(add_blob(u, &n, layout, &files.item[i]));
    for (size_t i = 0; i < before; i++)
        find_shared(&u->item[i], &n);
    return NULL;
}
