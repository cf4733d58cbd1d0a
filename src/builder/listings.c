/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/listings.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/trim.h"
#include "builder/run_select.h"
#include "layers/listing.h"

#include <fcntl.h>
#include <sys/stat.h>

#define FILE_MODE 0600

static char *file_name(const struct digest *diff_id)
{
    char hex[DIGEST_TEXT];
    return mem_printf(LISTINGS_FOLDER "/%s", digest_hex(diff_id, hex));
}

static uint64_t bytes_below(const struct node *n)
{
    uint64_t sum = n->type == NODE_FILE ? n->size : 0;
    for (uint32_t i = 0; i < n->child_count; i++)
        sum += bytes_below(n->child[i]);
    return sum;
}

/* Copied here by this build; what a command made says nothing that the user could look for. */
static bool is_of_files(const struct part *part)
{
    return part->made && part->about && part->tree && digest_is_set(&part->diff_id);
}

struct err *listings_of_part(struct builder *b, const struct part *part, struct buf *out, bool *found)
{
    *found = is_of_files(part) && bytes_below(tree_root(part->tree)) <= LISTINGS_FILES_MAX;
    if (!*found)
        return NULL;
    builder_unlock(b);
    struct err *e = listing_make(out, part->tree);
    builder_lock(b);
    return e;
}

struct err *listings_of_mount(struct builder *b, const struct run_mount *mount, struct buf *out, bool *found)
{
    AUTO(tree_free) struct tree *copy = tree_new();
    TRY(run_select(copy, mount, false));
    tree_settle(copy);
    *found = bytes_below(tree_root(copy)) <= LISTINGS_FILES_MAX;
    if (!*found)
        return NULL;
    builder_unlock(b);
    struct err *e = listing_make(out, copy);
    builder_lock(b);
    return e;
}

bool listings_mount_digest(const struct step_input *in, struct digest *out)
{
    if (!str_starts(in->name, "mount ") || !str_ends(in->name, " files"))
        return false;
    struct err *e = digest_parse(out, in->value);
    bool parsed = !e;
    err_free(e);
    return parsed;
}

/* Of a layer or of a mount: the other is NULL. */
static struct err *keep(struct builder *b, const struct digest *diff_id, const struct part *part,
                        const struct run_mount *mount)
{
    AUTO(mem_free) char *name = file_name(diff_id);
    AUTO_VALUE(buf_wipe) struct buf text = BUF(LISTING_MAX);
    struct stat st;
    bool found = false;
    if (fstatat(b->cache_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        trim_mark_used(b->cache_dir, name);
        return NULL;
    }
    TRY(part ? listings_of_part(b, part, &text, &found) : listings_of_mount(b, mount, &text, &found));
    if (!found)
        return NULL;
    TRY(fs_mkdir_all(b->cache_dir, LISTINGS_FOLDER));
    TRY(newfile_write(b->cache_dir, name, FILE_MODE, text.data, text.len, false));
    return trim_below(b->cache_dir, LISTINGS_FOLDER, LISTINGS_TOTAL_MAX);
}

static void shrug(struct err *e)
{
    if (e)
        log_debug("listings: %s", err_message(e));
    err_free(e);
}

void listings_keep(struct builder *b, const struct stage *s)
{
    for (size_t i = 0; b->cache_dir >= 0 && i < s->parts.count; i++) {
        const struct part *part = s->parts.item[i];
        if (is_of_files(part))
            shrug(keep(b, &part->diff_id, part, NULL));
    }
}

void listings_keep_mounts(struct builder *b, const struct run_plan *plan, const struct step_record *r)
{
    for (size_t i = 0; b->cache_dir >= 0 && i < plan->mount_count; i++) {
        AUTO(mem_free) char *name = mem_printf("mount %zu files", i);
        const struct step_input *in = steprecord_input(r, name);
        struct digest shown;
        if (in && listings_mount_digest(in, &shown))
            shrug(keep(b, &shown, NULL, &plan->mount[i]));
    }
}

struct err *listings_kept(const struct builder *b, const struct digest *diff_id, struct buf *out, bool *found)
{
    AUTO(mem_free) char *name = file_name(diff_id);
    *found = false;
    return b->cache_dir >= 0 ? fs_read_file(out, b->cache_dir, name, found) : NULL;
}

struct err *listings_find(struct builder *b, const struct digest *diff_id, struct buf *out, bool *found)
{
    TRY(listings_kept(b, diff_id, out, found));
    return *found ? NULL : cacheset_listing(out, b->imported, diff_id, found);
}
