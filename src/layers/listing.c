/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/listing.h"

#include "base/digest.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SHOWN_MAX 4096
#define BRIEF 12 /* hex digits of a digest that people see */
#define XATTR_MARK ",xattr="
#define ARROW " \xe2\x86\x92 "

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

/* By type of node. */
static const struct {
    char letter;
    const char *name;
} kinds[] = {
    [NODE_FILE] = {'f', "file"},         [NODE_DIR] = {'d', "directory"},
    [NODE_SYMLINK] = {'l', "link"},      [NODE_CHAR] = {'c', "character device"},
    [NODE_BLOCK] = {'b', "device"},      [NODE_FIFO] = {'p', "FIFO"},
    [NODE_WHITEOUT] = {'w', "whiteout"}, [NODE_LINK] = {'h', "hard link"},
};

static const char *kind_name(const char *letter)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (letter[0] == kinds[i].letter && !letter[1])
            return kinds[i].name;
    return "something";
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

/* ",xattr=…", or nothing. */
static char *attributes(const struct node *n)
{
    char hex[DIGEST_TEXT];
    if (n->xattr_count == 0)
        return mem_strdup("");
    AUTO(hash_free) struct hash *hash = hash_new(DIGEST_SHA256);
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        const uint32_t len = n->xattr[i].value_len;
        const uint8_t size[] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16),
                                (uint8_t)(len >> 24)};
        hash_add(hash, n->xattr[i].name, strlen(n->xattr[i].name) + 1);
        hash_add(hash, size, sizeof size);
        hash_add(hash, n->xattr[i].value, len);
    }
    struct digest d = hash_value(hash);
    return mem_printf(XATTR_MARK "%.*s", BRIEF, digest_hex(&d, hex));
}

static struct err *add(struct buf *out, struct tree *t, struct node *n, const char *path)
{
    struct node **child = NULL;
    size_t count = 0;
    if (*path && !n->implicit) {
        char content[DIGEST_TEXT];
        AUTO(mem_free) char *safe = str_escape(path, strlen(path), PATH_SHOWN_MAX);
        AUTO(mem_free) char *xattrs = attributes(n);
        TRY(describe(n, content));
        buf_printf(out, "%c %04" PRIo32 "%s %" PRIu32 ":%" PRIu32 " %s %s\n", kinds[n->type].letter, n->mode,
                   xattrs, n->uid, n->gid, content, safe);
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

static void add_change(struct listing_changes *out, enum listing_what what, const char *path, const char *old,
                       const char *now)
{
    struct listing_change change = {.what = what, .path = mem_strdup(path)};
    change.old = old ? mem_strdup(old) : NULL;
    change.now = now ? mem_strdup(now) : NULL;
    MEM_PUSH(out->item, out->count, out->room, change);
}

/* "0644,xattr=…" */
static void compare_modes(struct listing_changes *out, const struct file *old, const struct file *now)
{
    size_t before = strcspn(old->mode, ","), after = strcspn(now->mode, ",");
    AUTO(mem_free) char *was = mem_strndup(old->mode, before);
    AUTO(mem_free) char *is = mem_strndup(now->mode, after);
    if (!str_eq(was, is))
        add_change(out, LISTING_MODE, now->path, was, is);
    if (!str_eq(old->mode + before, now->mode + after))
        add_change(out, LISTING_XATTRS, now->path, NULL, NULL);
}

static void compare_one(struct listing_changes *out, const struct file *old, const struct file *now)
{
    enum listing_what content = str_eq(now->kind, "l") ? LISTING_TARGET : LISTING_CONTENT;
    if (!str_eq(old->kind, now->kind)) {
        add_change(out, LISTING_KIND, now->path, kind_name(old->kind), kind_name(now->kind));
        return;
    }
    if (!str_eq(old->content, now->content))
        add_change(out, content, now->path, old->content, now->content);
    compare_modes(out, old, now);
    if (!str_eq(old->owner, now->owner))
        add_change(out, LISTING_OWNER, now->path, old->owner, now->owner);
}

void listing_compare(struct listing_changes *out, const char *old, const char *now)
{
    AUTO_VALUE(files_wipe) struct files before = {0};
    AUTO_VALUE(files_wipe) struct files after = {0};
    parse(&before, old);
    parse(&after, now);
    for (size_t i = 0, k = 0; i < before.count || k < after.count;) {
        int order = i == before.count ? 1 : k == after.count ? -1 : by_path(&before.item[i], &after.item[k]);
        if (order == 0)
            compare_one(out, &before.item[i], &after.item[k]);
        else if (order < 0)
            add_change(out, LISTING_GONE, before.item[i].path, NULL, NULL);
        else
            add_change(out, LISTING_NEW, after.item[k].path, NULL, NULL);
        i += order <= 0;
        k += order >= 0;
    }
}

size_t listing_common(const char *a, const char *b)
{
    AUTO_VALUE(files_wipe) struct files one = {0};
    AUTO_VALUE(files_wipe) struct files other = {0};
    size_t count = 0;
    parse(&one, a);
    parse(&other, b);
    for (size_t i = 0, k = 0; i < one.count && k < other.count;) {
        int order = by_path(&one.item[i], &other.item[k]);
        count += order == 0;
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}

void listing_changes_wipe(struct listing_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->item[i].path);
        free(changes->item[i].old);
        free(changes->item[i].now);
    }
    free(changes->item);
    *changes = (struct listing_changes){0};
}

const char *listing_what_name(enum listing_what what)
{
    static const char *const names[] = {
        [LISTING_NEW] = "new",         [LISTING_GONE] = "gone",     [LISTING_KIND] = "kind",
        [LISTING_CONTENT] = "content", [LISTING_TARGET] = "target", [LISTING_MODE] = "mode",
        [LISTING_OWNER] = "owner",     [LISTING_XATTRS] = "xattrs",
    };
    return names[what];
}

char *listing_change_text(const struct listing_change *change)
{
    const char *name = listing_what_name(change->what);
    switch (change->what) {
    case LISTING_NEW:
    case LISTING_GONE:
        break;
    case LISTING_KIND:
        return mem_printf("%s" ARROW "%s", change->old, change->now);
    case LISTING_CONTENT:
        return mem_printf("%s %.*s" ARROW "%.*s", name, BRIEF, change->old, BRIEF, change->now);
    case LISTING_TARGET:
        return mem_strdup("the link leads elsewhere");
    case LISTING_MODE:
    case LISTING_OWNER:
        return mem_printf("%s %s" ARROW "%s", name, change->old, change->now);
    case LISTING_XATTRS:
        return mem_strdup("other extended attributes");
    }
    return mem_strdup(name);
}
