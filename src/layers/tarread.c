/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarread.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/entries.h"
#include "layers/reader.h"
#include "layers/spool.h"

#include <inttypes.h>
#include <string.h>

#define WHITEOUT ".wh."
#define WHITEOUT_LEN 4
#define WHITEOUT_META ".wh..wh."
#define OPAQUE ".wh..wh..opq"

struct reading {
    const struct tarread_options *options;
    struct tarlimits limits;
    struct tree *tree;
    struct entries *entries;
    uint32_t entry;           /* the number of the one at hand */
    uint64_t memory, data;    /* taken so far */
    struct buf path;          /* of the entry at hand, cleaned */
    struct buf target;        /* of a hard link, cleaned */
    struct buf parent;        /* the parent that was asked for last, */
    struct node *parent_node; /* and where it is; NULL: not known any more */
};

#define SHOWN_MAX 200

static struct err *entry_error(enum err_kind kind, const char *path, const char *why)
{
    AUTO(mem_free) char *name = str_escape(path, strlen(path), SHOWN_MAX);
    return err_new(kind, "entry \"%s\": %s", name, why);
}

/* The name that a whiteout hides may be as long as any. */
static size_t longest_part(const struct reading *r, const char *part)
{
    return r->limits.component + (r->options->layer && str_starts(part, WHITEOUT) ? WHITEOUT_LEN : 0);
}

/* Without ".", "..", doubled and outer slashes; "" is the root. */
static struct err *clean_path(const struct reading *r, const char *path, struct buf *out)
{
    buf_clear(out);
    if (strlen(path) > r->limits.path)
        return entry_error(ERR_RESOURCE, path, "the name is too long");
    for (const char *part = path; *part;) {
        size_t len = strcspn(part, "/");
        if (len == 2 && memcmp(part, "..", 2) == 0) {
            if (out->len == 0)
                return entry_error(ERR_INPUT, path, "the name leaves the root");
            const char *slash = memrchr(out->data, '/', out->len);
            out->len = slash ? (size_t)(slash - out->data) : 0;
        } else if (len > 0 && !(len == 1 && *part == '.')) {
            if (len > longest_part(r, part))
                return entry_error(ERR_RESOURCE, path, "a part of the name is too long");
            if (out->len)
                buf_byte(out, '/');
            buf_add(out, part, len);
        }
        part += len;
        part += *part == '/';
    }
    /* Going up cut the text without moving the NUL. */
    if (out->data)
        out->data[out->len] = '\0';
    return NULL;
}

static struct err *take_memory(struct reading *r, uint64_t bytes)
{
    r->memory += bytes;
    if (r->memory > r->limits.memory)
        return err_new(ERR_RESOURCE, "names and attributes of its entries take more than %" PRIu64 " bytes",
                       r->limits.memory);
    return NULL;
}

/* A whiteout that gives way to a directory of its own layer: what lay there below stays hidden. */
static struct node *over_whiteout(struct reading *r, struct node *whiteout)
{
    struct node *n = tree_add(r->tree, whiteout->parent, whiteout->name, strlen(whiteout->name), NODE_DIR);

    n->mode = 0755;
    n->implicit = true;
    n->opaque = true;
    return n;
}

/* Walk to the directory `path` as far as it goes without a link. *link: it was stopped by one. */
static struct err *walk(struct reading *r, const char *path, struct node **out, bool *link)
{
    struct node *at = tree_root(r->tree);

    *link = false;
    *out = at;
    for (const char *part = path; *part;) {
        size_t len = strcspn(part, "/");
        struct node *child;
        TRY(tree_child(r->tree, at, part, len, &child));
        if (!child) {
            TRY(take_memory(r, sizeof *child + 2 * sizeof child + len));
            child = tree_add(r->tree, at, part, len, NODE_DIR);
            child->mode = 0755;
            child->implicit = true;
        } else if (child->type == NODE_WHITEOUT) {
            child = over_whiteout(r, child);
        } else if (child->type == NODE_SYMLINK) {
            *link = true;
            return NULL;
        } else if (child->type != NODE_DIR) {
            return entry_error(ERR_INPUT, buf_text(&r->path), "one of its parents is no directory");
        }
        at = child;
        part += len;
        part += *part == '/';
    }
    *out = at;
    return NULL;
}

/* The directory in which `path` has its last part; it is made when absent. */
static struct err *find_parent(struct reading *r, size_t len, struct node **out)
{
    bool link;

    if (r->parent_node && r->parent.len == len &&
        (len == 0 || memcmp(r->parent.data, r->path.data, len) == 0)) {
        *out = r->parent_node;
        return NULL;
    }
    buf_clear(&r->parent);
    buf_add(&r->parent, buf_text(&r->path), len);
    TRY(walk(r, buf_text(&r->parent), out, &link));
    if (link) {
        AUTO(mem_free) char *real = NULL;
        TRY(tree_resolve(r->tree, buf_text(&r->parent), true, &real));
        if (strlen(real) > r->limits.path)
            return entry_error(ERR_RESOURCE, buf_text(&r->path),
                               "a link in its parents leads to a name that is too long");
        TRY(walk(r, real, out, &link));
        if (link)
            return entry_error(ERR_INPUT, buf_text(&r->path), "the links in its parents lead nowhere");
    }
    r->parent_node = *out;
    return NULL;
}

static struct err *set_xattrs(struct reading *r, struct node *n)
{
    const char *name;
    const void *value;
    size_t len;

    for (;;) {
        bool more;
        TRY(r->entries->ops->xattr(r->entries, &name, &value, &len, &more));
        if (!more)
            return NULL;
        if (!name || name[0] == '\0' || len > r->limits.xattr || strlen(name) > r->limits.path)
            return entry_error(ERR_RESOURCE, buf_text(&r->path),
                               "an extended attribute is too large or has no name");
        TRY(take_memory(r, (n->xattr_count + 1) * sizeof *n->xattr + strlen(name) + len));
        node_set_xattr(r->tree, n, name, value, len);
        if (n->xattr_count > r->limits.xattrs)
            return entry_error(ERR_RESOURCE, buf_text(&r->path), "it has too many extended attributes");
    }
}

static struct err *set_meta(struct reading *r, struct node *n, const struct entry *e)
{
    n->mode = e->mode;
    n->uid = e->uid;
    n->gid = e->gid;
    n->mtime = e->mtime;
    n->mtime_ns = e->mtime_ns;
    n->device_major = e->device_major;
    n->device_minor = e->device_minor;
    return set_xattrs(r, n);
}

static bool is_account_file(const struct node *n)
{
    const struct node *etc = n->parent;

    return etc && etc->parent && !etc->parent->parent && strcmp(etc->name, "etc") == 0 &&
           (strcmp(n->name, "passwd") == 0 || strcmp(n->name, "group") == 0);
}

static struct err *keep_account(struct reading *r, struct node *n, struct source *bytes)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(TARREAD_ACCOUNTS_MAX);

    TRY(source_read_all(bytes, &text, n->name));
    TRY(take_memory(r, text.len));
    n->content.kind = CONTENT_MEM;
    n->content.mem = tree_strdup(r->tree, buf_text(&text), text.len);
    return NULL;
}

static struct err *set_content(struct reading *r, struct node *n, const struct entry *e)
{
    const struct tarread_options *o = r->options;

    n->size = e->size;
    if (e->size > r->limits.bytes - r->data)
        return err_new(ERR_RESOURCE, "its files have more than %" PRIu64 " bytes", r->limits.bytes);
    r->data += e->size;
    if (o->spool && e->size > 0) {
        n->content.kind = CONTENT_SPOOL;
        n->content.spool = o->spool;
        return spool_add(o->spool, r->entries->ops->data(r->entries), e->size, &n->content.offset);
    }
    if (o->spool)
        return NULL;
    if (e->size > 0) {
        n->content.kind = CONTENT_LAYER;
        n->content.entry = r->entry;
    }
    if (o->file)
        return o->file(o->ctx, r->entry, n, r->entries->ops->data(r->entries));
    if (o->keep_accounts && e->size > 0 && e->size <= TARREAD_ACCOUNTS_MAX && is_account_file(n))
        return keep_account(r, n, r->entries->ops->data(r->entries));
    return NULL;
}

static struct err *link_target(struct reading *r, const struct entry *e, struct node *self, struct node **out)
{
    const char *path = buf_text(&r->path);

    TRY(clean_path(r, e->target, &r->target));
    TRY(tree_lookup(r->tree, buf_text(&r->target), false, out));
    if (!*out && !r->options->layer)
        return entry_error(ERR_INPUT, path, "its hard link's target does not stand before it in the archive");
    if (!*out)
        return NULL;
    if ((*out)->type == NODE_DIR)
        return entry_error(ERR_INPUT, path, "a hard link to a directory");
    if (*out == self)
        return entry_error(ERR_INPUT, path, "a hard link to itself");
    return NULL;
}

/* A node for the name in `dir`; what stood there gives way. */
static struct node *place_node(struct reading *r, struct node *dir, const char *name, struct node *old,
                               enum node_type type)
{
    bool was_whiteout = old && old->type == NODE_WHITEOUT;
    struct node *n = tree_add(r->tree, dir, name, strlen(name), type);

    if (old && (old->type != NODE_DIR || type != NODE_DIR))
        r->parent_node = NULL;
    if (was_whiteout && type == NODE_DIR)
        n->opaque = true;
    return n;
}

static struct err *add_hard_link(struct reading *r, struct node *dir, const char *name, struct node *old,
                                 const struct entry *e)
{
    struct node *target;

    TRY(link_target(r, e, old, &target));
    if (!target) {
        struct node *late = place_node(r, dir, name, old, NODE_LINK);
        TRY(take_memory(r, r->target.len));
        late->target = tree_strdup(r->tree, buf_text(&r->target), r->target.len);
        return NULL;
    }
    /* The target goes away with its directory when that is what the link replaces. */
    for (const struct node *up = target->parent; old && up; up = up->parent) {
        if (up == old)
            return entry_error(ERR_INPUT, buf_text(&r->path),
                               "a hard link over a directory that holds its target");
    }
    struct node *n = place_node(r, dir, name, old, target->type);
    node_copy_meta(r->tree, n, target);
    if (target->type == NODE_FILE) {
        if (!target->link_group)
            target->link_group = tree_new_link_group(r->tree);
        n->link_group = target->link_group;
    }
    return NULL;
}

static struct err *add_node(struct reading *r, struct node *dir, const char *name, const struct entry *e)
{
    static const enum node_type types[] = {
        [ENTRY_FILE] = NODE_FILE, [ENTRY_DIR] = NODE_DIR,     [ENTRY_SYMLINK] = NODE_SYMLINK,
        [ENTRY_CHAR] = NODE_CHAR, [ENTRY_BLOCK] = NODE_BLOCK, [ENTRY_FIFO] = NODE_FIFO,
    };
    struct node *old;

    TRY(take_memory(r, sizeof *dir + 2 * sizeof dir + strlen(name)));
    TRY(tree_child(r->tree, dir, name, strlen(name), &old));
    if (e->type == ENTRY_HARDLINK)
        return add_hard_link(r, dir, name, old, e);
    struct node *n = place_node(r, dir, name, old, types[e->type]);
    TRY(set_meta(r, n, e));
    if (e->type == ENTRY_SYMLINK) {
        size_t len = strlen(e->target);
        if (len == 0)
            return entry_error(ERR_INPUT, buf_text(&r->path), "a symbolic link without a target");
        if (len > r->limits.path)
            return entry_error(ERR_RESOURCE, buf_text(&r->path), "the link's target is too long");
        TRY(take_memory(r, len));
        n->target = tree_strdup(r->tree, e->target, len);
    }
    return e->type == ENTRY_FILE ? set_content(r, n, e) : NULL;
}

static struct err *add_root(struct reading *r, const struct entry *e)
{
    struct node *root = tree_root(r->tree);

    if (e->type != ENTRY_DIR || e->path[0] == '\0')
        return entry_error(ERR_INPUT, e->path, "the root can only be a directory");
    root->implicit = false;
    node_drop_xattrs(root, NULL);
    return set_meta(r, root, e);
}

/* `name` begins with ".wh.". */
static struct err *add_whiteout(struct reading *r, struct node *dir, const char *name)
{
    const char *hidden = name + WHITEOUT_LEN;
    struct node *old;

    if (strcmp(name, OPAQUE) == 0) {
        dir->opaque = true;
        return NULL;
    }
    if (str_starts(name, WHITEOUT_META))
        return NULL;
    if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return entry_error(ERR_INPUT, buf_text(&r->path), "a whiteout of no name");
    TRY(take_memory(r, sizeof *dir + 2 * sizeof dir + strlen(hidden)));
    TRY(tree_child(r->tree, dir, hidden, strlen(hidden), &old));
    if (!old)
        (void)tree_add(r->tree, dir, hidden, strlen(hidden), NODE_WHITEOUT);
    else if (old->type == NODE_DIR)
        old->opaque = true;
    return NULL;
}

static struct err *add_entry(struct reading *r, const struct entry *e)
{
    TRY(clean_path(r, e->path, &r->path));
    if (r->path.len == 0)
        return add_root(r, e);
    char *slash = memrchr(r->path.data, '/', r->path.len);
    size_t parent_len = slash ? (size_t)(slash - r->path.data) : 0;
    const char *name = slash ? slash + 1 : r->path.data;
    struct node *dir;

    if (r->options->layer) {
        if (str_starts(r->path.data, WHITEOUT_META) && strcmp(r->path.data, OPAQUE) != 0)
            return NULL;
        const char *above = strstr(r->path.data, "/" WHITEOUT);
        if (parent_len > 0 && (str_starts(r->path.data, WHITEOUT) || (above && above < slash)))
            return entry_error(ERR_INPUT, e->path, "the name is below a whiteout");
    }
    TRY(find_parent(r, parent_len, &dir));
    if (r->options->layer && str_starts(name, WHITEOUT))
        return add_whiteout(r, dir, name);
    return add_node(r, dir, name, e);
}

static struct err *read_all(struct reading *r)
{
    for (;;) {
        struct entry e;
        bool more;
        TRY(r->entries->ops->next(r->entries, &e, &more));
        if (!more)
            break;
        if (r->entry >= r->limits.entries)
            return err_new(ERR_RESOURCE, "more than %" PRIu64 " entries", r->limits.entries);
        TRY(add_entry(r, &e));
        r->entry++;
    }
    return r->entries->ops->end(r->entries, r->entry);
}

struct err *tarread_entries(struct tree **out, struct entries *from, const struct tarread_options *options)
{
    struct tarlimits limits = options->limits ? *options->limits : TARLIMITS;
    AUTO(tree_free) struct tree *tree = tree_new();
    struct reading r = {
        .options = options,
        .limits = limits,
        .tree = tree,
        .entries = from,
        .path = BUF(limits.path + 1),
        .target = BUF(limits.path + 1),
        .parent = BUF(limits.path + 1),
    };
    struct err *e = options->begin ? options->begin(options->ctx) : NULL;
    if (!e)
        e = read_all(&r);
    buf_wipe(&r.path);
    buf_wipe(&r.target);
    buf_wipe(&r.parent);
    TRY(err_wrap(e, "%s", options->what));
    *out = TAKE(tree);
    return NULL;
}

enum reader_data tarread_needs(const struct tarread_options *options)
{
    if (options->spool || options->file)
        return READER_ALL_DATA;
    return options->keep_accounts ? READER_ACCOUNTS : READER_NO_DATA;
}

struct err *tarread_tree(struct tree **out, struct source *from, const struct tarread_options *options)
{
    const struct reader_options how = {
        .packing = options->any_compression ? READER_ANY : READER_PLAIN,
        .data = tarread_needs(options),
        .limits = options->limits,
    };
    AUTO(reader_free) struct reader *reader = NULL;

    TRY(err_wrap(reader_open(&reader, from, &how), "%s", options->what));
    return tarread_entries(out, reader_entries(reader), options);
}
