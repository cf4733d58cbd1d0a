/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/indexfile.h"

#include "base/mem.h"
#include "layers/tarlimits.h"
#include "layers/tarread.h"

#include <assert.h>
#include <string.h>

#define MAGIC "lade index 2\n"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define TRAILER 32
#define DEPTH_MAX 4096

enum { FLAG_OPAQUE = 1, FLAG_IMPLICIT = 2 };

/* Writing. */

static void put_number(struct buf *out, uint64_t value)
{
    while (value > 0x7f) {
        buf_byte(out, (char)(value | 0x80));
        value >>= 7;
    }
    buf_byte(out, (char)value);
}

static void put_signed(struct buf *out, int64_t value)
{
    put_number(out, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

static void put_bytes(struct buf *out, const void *data, size_t len)
{
    put_number(out, len);
    buf_add(out, data, len);
}

static void put_text(struct buf *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static void put_digest(struct buf *out, const struct digest *d)
{
    buf_byte(out, (char)d->alg);
    buf_add(out, d->bytes, sizeof d->bytes);
}

static void put_content(struct buf *out, const struct node *n, bool beside)
{
    put_number(out, n->size);
    if (beside) {
        put_number(out, n->size ? CONTENT_LAYER : CONTENT_NONE);
        if (n->size)
            put_number(out, 0);
        return;
    }
    put_number(out, n->content.kind);
    if (n->content.kind == CONTENT_LAYER)
        put_number(out, n->content.entry);
    if (n->content.kind == CONTENT_MEM)
        buf_add(out, n->content.mem, (size_t)n->size);
}

static void put_node(struct buf *out, const struct node *n, bool beside)
{
    put_text(out, n->name);
    put_number(out, n->type);
    put_number(out, (n->opaque ? FLAG_OPAQUE : 0) | (n->implicit ? FLAG_IMPLICIT : 0));
    put_number(out, n->mode);
    put_number(out, n->uid);
    put_number(out, n->gid);
    put_signed(out, n->mtime);
    put_number(out, n->mtime_ns);
    put_number(out, n->link_group);
    put_number(out, n->xattr_count);
    for (uint32_t i = 0; i < n->xattr_count; i++) {
        put_text(out, n->xattr[i].name);
        put_bytes(out, n->xattr[i].value, n->xattr[i].value_len);
    }
    if (n->type == NODE_FILE)
        put_content(out, n, beside);
    if (n->type == NODE_SYMLINK || n->type == NODE_LINK)
        put_text(out, n->target);
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK) {
        put_number(out, n->device_major);
        put_number(out, n->device_minor);
    }
}

static void put_subtree(struct buf *out, struct tree *t, struct node *n, bool beside)
{
    struct node **child = NULL;
    size_t count = 0;

    put_node(out, n, beside);
    if (n->type != NODE_DIR)
        return;
    struct err *e = tree_children(t, n, &child, &count);
    assert(!e); /* all of it is in memory */
    (void)e;
    put_number(out, count);
    for (size_t i = 0; i < count; i++)
        put_subtree(out, t, child[i], beside);
}

void indexfile_write(struct buf *out, const struct indexfile *head, struct tree *t)
{
    size_t start = out->len;

    buf_str(out, MAGIC);
    put_digest(out, &head->blob);
    put_digest(out, &head->diff_id);
    put_number(out, tree_node_count(t));
    put_subtree(out, t, tree_root(t), head->beside);
    if (out->full)
        return;
    struct digest sum = digest_of(out->data + start, out->len - start);
    buf_add(out, sum.bytes, TRAILER);
}

/* Reading: a cursor that remembers that something was wrong and then gives zeros. */

struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static uint64_t get_number(struct cursor *c, uint64_t max)
{
    uint64_t value = 0;

    for (unsigned shift = 0; !c->bad; shift += 7) {
        if (c->left == 0 || shift > 63)
            break;
        uint8_t byte = *c->at++;
        c->left--;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            if (value > max)
                break;
            return value;
        }
    }
    c->bad = true;
    return 0;
}

static int64_t get_signed(struct cursor *c)
{
    uint64_t value = get_number(c, UINT64_MAX);
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

/* NULL when it is not there. */
static const char *get_raw(struct cursor *c, uint64_t len)
{
    if (c->bad || len > c->left) {
        c->bad = true;
        return NULL;
    }
    const char *data = (const char *)c->at;
    c->at += len;
    c->left -= (size_t)len;
    return data;
}

static const char *get_bytes(struct cursor *c, size_t max, size_t *len)
{
    *len = (size_t)get_number(c, max);
    return get_raw(c, *len);
}

/* Bytes without NUL, at least one. */
static const char *get_text(struct cursor *c, size_t max, size_t *len)
{
    const char *text = get_bytes(c, max, len);

    if (text && (*len == 0 || memchr(text, '\0', *len)))
        c->bad = true;
    return c->bad ? NULL : text;
}

static void get_digest(struct cursor *c, struct digest *d)
{
    uint64_t alg = get_number(c, DIGEST_SHA512);
    const char *bytes = get_raw(c, sizeof d->bytes);

    if (!bytes || alg == DIGEST_NONE) {
        c->bad = true;
        return;
    }
    d->alg = (enum digest_alg)alg;
    memcpy(d->bytes, bytes, sizeof d->bytes);
}

/* A directory whose children are being read. */
struct level {
    struct node *dir;
    uint64_t left;
    const char *last; /* the name of the child before */
};

struct builder {
    struct cursor c;
    struct tree *tree;
    uint64_t nodes;  /* that there should be */
    uint32_t *group; /* our number for each of the file's */
    size_t groups;   /* for how many there is room */
    struct level *stack;
    size_t depth, room;
};

static void get_xattrs(struct builder *b, struct node *n)
{
    uint64_t count = get_number(&b->c, TARLIMITS_XATTRS);
    AUTO(mem_free) char *last = NULL;

    for (uint64_t i = 0; i < count && !b->c.bad; i++) {
        size_t name_len, len;
        const char *name = get_text(&b->c, TARLIMITS_COMPONENT, &name_len);
        const char *value = get_bytes(&b->c, TARLIMITS_XATTR, &len);
        if (!name || !value)
            return;
        char *text = mem_strndup(name, name_len);
        if (last && strcmp(last, text) >= 0)
            b->c.bad = true;
        mem_free(last);
        last = text;
        node_set_xattr(b->tree, n, text, value, len);
    }
}

static void get_content(struct builder *b, struct node *n)
{
    n->size = get_number(&b->c, TARLIMITS_BYTES);
    switch (get_number(&b->c, CONTENT_LAYER)) {
    case CONTENT_NONE:
        b->c.bad = b->c.bad || n->size != 0;
        return;
    case CONTENT_LAYER:
        n->content.kind = CONTENT_LAYER;
        n->content.entry = (uint32_t)get_number(&b->c, TARLIMITS_ENTRIES);
        return;
    case CONTENT_MEM: {
        const char *text = n->size <= TARREAD_ACCOUNTS_MAX ? get_raw(&b->c, n->size) : NULL;
        if (!text) {
            b->c.bad = true;
            return;
        }
        n->content.kind = CONTENT_MEM;
        n->content.mem = tree_strdup(b->tree, text, (size_t)n->size);
        return;
    }
    default:
        b->c.bad = true;
    }
}

static void get_link_group(struct builder *b, struct node *n)
{
    uint64_t number = get_number(&b->c, TARLIMITS_ENTRIES);

    if (number == 0 || b->c.bad)
        return;
    if (number >= b->groups) {
        size_t room = (size_t)number * 2;
        b->group = mem_grow(b->group, room, sizeof *b->group);
        memset(b->group + b->groups, 0, (room - b->groups) * sizeof *b->group);
        b->groups = room;
    }
    if (!b->group[number])
        b->group[number] = tree_new_link_group(b->tree);
    n->link_group = b->group[number];
}

/* All but name and type. */
static void get_meta(struct builder *b, struct node *n)
{
    struct cursor *c = &b->c;
    uint64_t flags = get_number(c, FLAG_OPAQUE | FLAG_IMPLICIT);

    if (n->type != NODE_DIR && flags)
        c->bad = true;
    n->opaque = flags & FLAG_OPAQUE;
    n->implicit = flags & FLAG_IMPLICIT;
    n->mode = (uint32_t)get_number(c, 07777);
    n->uid = (uint32_t)get_number(c, UINT32_MAX - 1);
    n->gid = (uint32_t)get_number(c, UINT32_MAX - 1);
    n->mtime = get_signed(c);
    n->mtime_ns = (uint32_t)get_number(c, 999999999);
    get_link_group(b, n);
    get_xattrs(b, n);
    if (n->type == NODE_FILE)
        get_content(b, n);
    if (n->type == NODE_SYMLINK || n->type == NODE_LINK) {
        size_t len;
        const char *target = get_text(c, TARLIMITS_PATH, &len);
        n->target = target ? tree_strdup(b->tree, target, len) : "";
    }
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK) {
        n->device_major = (uint32_t)get_number(c, UINT32_MAX);
        n->device_minor = (uint32_t)get_number(c, UINT32_MAX);
    }
}

static void enter(struct builder *b, struct node *dir)
{
    uint64_t count = get_number(&b->c, b->nodes);

    if (b->depth >= DEPTH_MAX)
        b->c.bad = true;
    else
        MEM_PUSH(b->stack, b->depth, b->room, (struct level){.dir = dir, .left = count});
}

static bool name_fits(const char *name, size_t len, const char *last)
{
    if (memchr(name, '/', len) || (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0))
        return false;
    if (!last)
        return true;
    /* `name` has no NUL behind it. Where `last` is as long or longer and begins the same, it does not stand
     * before. */
    return strncmp(last, name, len) < 0;
}

static void get_child(struct builder *b)
{
    struct level *level = &b->stack[b->depth - 1];
    size_t len;
    const char *name = get_text(&b->c, TARLIMITS_COMPONENT, &len);
    enum node_type type = (enum node_type)get_number(&b->c, NODE_LINK);

    if (!name || b->c.bad || !name_fits(name, len, level->last) || tree_node_count(b->tree) >= b->nodes) {
        b->c.bad = true;
        return;
    }
    struct node *n = tree_add(b->tree, level->dir, name, len, type);
    level->left--;
    level->last = n->name;
    get_meta(b, n);
    if (type == NODE_DIR && !b->c.bad)
        enter(b, n);
}

static void get_tree(struct builder *b)
{
    struct node *root = tree_root(b->tree);

    b->nodes = get_number(&b->c, TARLIMITS_MEMORY / sizeof(struct node));
    if (get_number(&b->c, 0) != 0 || get_number(&b->c, NODE_LINK) != NODE_DIR)
        b->c.bad = true;
    if (b->c.bad)
        return;
    get_meta(b, root);
    enter(b, root);
    while (b->depth > 0 && !b->c.bad) {
        if (b->stack[b->depth - 1].left == 0)
            b->depth--;
        else
            get_child(b);
    }
    if (b->c.left != 0 || tree_node_count(b->tree) != b->nodes)
        b->c.bad = true;
}

struct err *indexfile_read(struct indexfile *head, struct tree **out, const void *data, size_t len)
{
    static const char damaged[] = "a layer index in the cache is damaged";
    const uint8_t *bytes = data;

    if (len < MAGIC_LEN + TRAILER || memcmp(bytes, MAGIC, MAGIC_LEN) != 0)
        return err_new(ERR_INPUT, "%s", damaged);
    struct digest sum = digest_of(bytes, len - TRAILER);
    if (memcmp(sum.bytes, bytes + len - TRAILER, TRAILER) != 0)
        return err_new(ERR_INPUT, "%s", damaged);

    AUTO(tree_free) struct tree *tree = tree_new();
    struct builder b = {
        .c = {.at = bytes + MAGIC_LEN, .left = len - MAGIC_LEN - TRAILER},
        .tree = tree,
    };
    struct indexfile found = {0};
    get_digest(&b.c, &found.blob);
    get_digest(&b.c, &found.diff_id);
    get_tree(&b);
    mem_free(b.group);
    mem_free(b.stack);
    if (b.c.bad)
        return err_new(ERR_INPUT, "%s", damaged);
    *head = found;
    *out = TAKE(tree);
    return NULL;
}
