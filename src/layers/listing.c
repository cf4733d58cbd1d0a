/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/listing.h"

#include "base/digest.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SHOWN_MAX 4096
#define BRIEF 12 /* hex digits of a digest that people see */

static struct err *content_digest(const struct node *n, struct digest *out)
{
    AUTO(hash_free) struct hash *hash = hash_new(DIGEST_SHA256);
    AUTO(source_free) struct source *bytes = NULL;
    const uint8_t *data;
    size_t len = 1;
    if (n->size > 0)
        TRY(node_open(n, &bytes));
    while (bytes && len > 0) {
        TRY(source_peek(bytes, &data, &len));
        hash_add(hash, data, len);
        source_advance(bytes, len);
    }
    *out = hash_value(hash);
    return NULL;
}

static char kind_letter(const struct node *n)
{
    static const char letters[] = {
        [NODE_FILE] = 'f',  [NODE_DIR] = 'd',  [NODE_SYMLINK] = 'l',  [NODE_CHAR] = 'c',
        [NODE_BLOCK] = 'b', [NODE_FIFO] = 'p', [NODE_WHITEOUT] = 'w', [NODE_LINK] = 'h'};
    return letters[n->type];
}

/* What is in it, in one word. */
static struct err *describe(const struct node *n, char text[DIGEST_TEXT])
{
    struct digest d = {0};
    text[0] = '-';
    text[1] = '\0';
    if (n->type == NODE_FILE)
        TRY(content_digest(n, &d));
    else if (n->target)
        d = digest_of(n->target, strlen(n->target));
    if (digest_is_set(&d))
        digest_hex(&d, text);
    return NULL;
}

static struct err *add(struct buf *out, struct tree *t, struct node *n, const char *path)
{
    struct node **child = NULL;
    size_t count = 0;
    if (*path && !n->implicit) {
        char content[DIGEST_TEXT];
        AUTO(mem_free) char *safe = str_escape(path, strlen(path), PATH_SHOWN_MAX);
        TRY(describe(n, content));
        buf_printf(out, "%c %04" PRIo32 " %" PRIu32 ":%" PRIu32 " %s %s\n", kind_letter(n), n->mode, n->uid,
                   n->gid, content, safe);
        TRY(buf_check(out, "the files of a layer"));
    }
    if (n->type != NODE_DIR)
        return NULL;
    TRY(tree_children(t, n, &child, &count));
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *below = mem_printf("%s%s%s", path, *path ? "/" : "", child[i]->name);
        TRY(add(out, t, child[i], below));
    }
    return NULL;
}

struct err *listing_make(struct buf *out, struct tree *t)
{
    return add(out, t, tree_root(t), "");
}

/* One line of a listing. */
struct file {
    const char *kind, *mode, *owner, *content, *path;
};
struct files {
    char *text; /* cut into words */
    struct file *item;
    size_t count, room;
};

static void files_wipe(struct files *f)
{
    free(f->text);
    free(f->item);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

/* Lines that are none are left out. */
static void parse(struct files *out, const char *text)
{
    char *rest = NULL;
    out->text = mem_strdup(text);
    for (char *line = strtok_r(out->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *word[4], *at = line;
        size_t words = 0;
        for (; words < ARRAY_LEN(word); words++) {
            word[words] = at;
            at = strchr(at, ' ');
            if (!at)
                break;
            *at++ = '\0';
        }
        if (words == ARRAY_LEN(word))
            MEM_PUSH(out->item, out->count, out->room,
                     (struct file){
                         .kind = word[0], .mode = word[1], .owner = word[2], .content = word[3], .path = at});
    }
    if (out->count)
        qsort(out->item, out->count, sizeof *out->item, by_path);
}

static void compare_one(struct strlist *out, const struct file *old, const struct file *now)
{
    if (!str_eq(old->kind, now->kind))
        strlist_add_take(out, mem_printf("%s: another kind of file", now->path));
    else if (!str_eq(old->content, now->content))
        strlist_add_take(out, mem_printf("%s: content %.*s \xe2\x86\x92 %.*s", now->path, BRIEF, old->content,
                                         BRIEF, now->content));
    else if (!str_eq(old->mode, now->mode))
        strlist_add_take(out, mem_printf("%s: mode %s \xe2\x86\x92 %s", now->path, old->mode, now->mode));
    else if (!str_eq(old->owner, now->owner))
        strlist_add_take(out, mem_printf("%s: owner %s \xe2\x86\x92 %s", now->path, old->owner, now->owner));
}

void listing_compare(struct strlist *out, const char *old, const char *now, size_t most)
{
    AUTO_VALUE(files_wipe) struct files before = {0};
    AUTO_VALUE(files_wipe) struct files after = {0};
    AUTO_VALUE(strlist_wipe) struct strlist all = {0};
    parse(&before, old);
    parse(&after, now);
    for (size_t i = 0, k = 0; i < before.count || k < after.count;) {
        int order = i == before.count ? 1 : k == after.count ? -1 : by_path(&before.item[i], &after.item[k]);
        if (order == 0)
            compare_one(&all, &before.item[i], &after.item[k]);
        else if (order < 0)
            strlist_add_take(&all, mem_printf("%s: gone", before.item[i].path));
        else
            strlist_add_take(&all, mem_printf("%s: new", after.item[k].path));
        i += order <= 0;
        k += order >= 0;
    }
    for (size_t i = 0; i < all.count && i < most; i++)
        strlist_add(out, all.item[i]);
    if (all.count > most)
        strlist_add_take(out, mem_printf("and %zu more files", all.count - most));
}
