/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "../unit/layers/tarlist.h"

#include "base/newfile.h"
#include "layers/entries_tar.h"
#include "layers/tarread.h"
#include "layers/tarwrite.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

/*
 * A tree that the input describes as tar: our reader and libarchive alone find in it what the tree says, and
 * what was read is written the same again. With $LADE_FUZZ_OUT, a directory, tar and list are kept there for
 * tests/unit/layers/tar_readers.py.
 */

#define NODES_MAX 60
#define TEXT_MAX 600

struct maker {
    struct fuzz_in in;
    struct tree *tree;
    struct node *node[NODES_MAX];
    size_t count;
};

/* A text of the input's bytes: short and any, or long and plain. Not empty. */
static char *make_text(struct maker *m, size_t max)
{
    uint8_t shape = fuzz_byte(&m->in);
    size_t len = (shape & 0x40 ? (shape & 0x3f) * max / 0x3f : shape & 7) + 1, got;
    char *text = mem_alloc(max + 2);
    const uint8_t *bytes = fuzz_bytes(&m->in, shape & 0x40 ? 3 : len, &got);

    len = len > max ? max : len;
    memset(text, 'x', len);
    memcpy(text, bytes, got < len ? got : len);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0')
            text[i] = '_';
    return text;
}

static char *make_name(struct maker *m)
{
    char *name = make_text(m, 255);

    for (char *c = name; *c; c++)
        if (*c == '/')
            *c = '|';
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strncmp(name, ".wh.", 4) == 0)
        *name = ',';
    return name;
}

static void make_xattrs(struct maker *m, struct node *n, unsigned count)
{
    while (count-- > 0) {
        char name[] = "user.\0\0";
        size_t len;
        name[5] = (char)('a' + fuzz_byte(&m->in) % 26);
        const uint8_t *value = fuzz_bytes(&m->in, fuzz_byte(&m->in) % 40, &len);
        node_set_xattr(m->tree, n, name, value, len);
    }
}

static void make_meta(struct maker *m, struct node *n)
{
    uint8_t how = fuzz_byte(&m->in);

    n->mode = (uint32_t)fuzz_number(&m->in, 2) & 07777;
    n->uid = (uint32_t)fuzz_number(&m->in, how & 1 ? 4 : 1) & 0x7fffffff;
    n->gid = (uint32_t)fuzz_number(&m->in, how & 2 ? 4 : 1) & 0x7fffffff;
    /* Up to the year 9000, and back to 1500: others print what is beyond in too many ways. */
    n->mtime = (int64_t)fuzz_number(&m->in, how & 4 ? 5 : 3) % 220000000000;
    if (how & 8)
        n->mtime = -n->mtime % 14000000000;
    make_xattrs(m, n, how >> 6);
}

static void make_content(struct maker *m, struct node *n)
{
    size_t len;
    const uint8_t *text = fuzz_bytes(&m->in, fuzz_byte(&m->in) * 3u, &len);

    n->size = len;
    if (len == 0)
        return;
    n->content.kind = CONTENT_MEM;
    n->content.mem = tree_strdup(m->tree, (const char *)text, len);
}

static struct node *pick(struct maker *m, enum node_type type)
{
    size_t start = fuzz_byte(&m->in);

    for (size_t i = 0; i < m->count; i++) {
        struct node *n = m->node[(start + i) % m->count];
        if (n->type == type)
            return n;
    }
    return NULL;
}

/* Files that are one must look the same. */
static bool make_hard_link(struct maker *m, struct node *n)
{
    struct node *file = pick(m, NODE_FILE);

    if (!file)
        return false;
    if (!file->link_group)
        file->link_group = tree_new_link_group(m->tree);
    node_copy_meta(m->tree, n, file);
    n->link_group = file->link_group;
    return true;
}

static void make_node(struct maker *m)
{
    static const enum node_type types[] = {NODE_FILE,  NODE_DIR,  NODE_SYMLINK,  NODE_CHAR,
                                           NODE_BLOCK, NODE_FIFO, NODE_WHITEOUT, NODE_FILE};
    uint8_t op = fuzz_byte(&m->in);
    struct node *dir = pick(m, NODE_DIR), *old = NULL;
    AUTO(mem_free) char *name = make_name(m);

    fuzz_ok(tree_child(m->tree, dir, name, strlen(name), &old));
    if (old)
        return;
    struct node *n = tree_add(m->tree, dir, name, strlen(name), types[op & 7]);
    m->node[m->count++] = n;
    if (n->type == NODE_WHITEOUT || ((op & 7) == 7 && make_hard_link(m, n)))
        return;
    n->opaque = n->type == NODE_DIR && op & 8;
    n->implicit = n->type == NODE_DIR && op & 16;
    if (n->implicit)
        n->mode = 0755;
    else
        make_meta(m, n);
    if (n->type == NODE_FILE)
        make_content(m, n);
    if (n->type == NODE_SYMLINK) {
        AUTO(mem_free) char *target = make_text(m, TEXT_MAX);
        n->target = tree_strdup(m->tree, target, strlen(target));
        n->mode = 0777;
    }
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK) {
        n->device_major = (uint32_t)fuzz_number(&m->in, 2);
        n->device_minor = (uint32_t)fuzz_number(&m->in, 3) & 07777777;
    }
}

static void write_tar(struct tree *t, struct buf *tar)
{
    AUTO(sink_free) struct sink *to = sink_buf(tar);

    fuzz_ok(tarwrite_tree(to, t, NULL));
    fuzz_ok(sink_commit(to));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static void list_by_libarchive(const struct buf *tar, struct buf *list)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;

    archive_read_support_format_tar(a);
    fuzz_need(archive_read_open_memory(a, tar->data, tar->len) == ARCHIVE_OK);
    for (;;) {
        int status = archive_read_next_header(a, &e);
        if (status == ARCHIVE_EOF)
            break;
        /* It warns of names that are not in the locale's characters. */
        fuzz_need(status == ARCHIVE_OK || status == ARCHIVE_WARN);
        const char *link = archive_entry_hardlink(e);
        mode_t type = archive_entry_filetype(e);
        struct xattr xattr[8];
        struct tarlist_line line = {.xattr = xattr};
        AUTO(mem_free) char *content = mem_alloc((size_t)archive_entry_size(e) + 1);
        line.type = link               ? '1'
                    : type == AE_IFREG ? '0'
                    : type == AE_IFDIR ? '5'
                    : type == AE_IFLNK ? '2'
                    : type == AE_IFCHR ? '3'
                    : type == AE_IFBLK ? '4'
                                       : '6';
        line.path = archive_entry_pathname(e);
        line.link = link ? link : type == AE_IFLNK ? archive_entry_symlink(e) : "";
        line.mode = archive_entry_perm(e);
        line.uid = (uint32_t)archive_entry_uid(e);
        line.gid = (uint32_t)archive_entry_gid(e);
        line.size = (uint64_t)archive_entry_size(e);
        line.mtime = archive_entry_mtime(e);
        line.device_major = type == AE_IFCHR || type == AE_IFBLK ? (uint32_t)archive_entry_rdevmajor(e) : 0;
        line.device_minor = type == AE_IFCHR || type == AE_IFBLK ? (uint32_t)archive_entry_rdevminor(e) : 0;
        line.content = line.size ? content : NULL;
        if (line.size > 0)
            fuzz_need(archive_read_data(a, content, line.size) == (la_ssize_t)line.size);
        archive_entry_xattr_reset(e);
        const char *name;
        const void *value;
        size_t len;
        while (archive_entry_xattr_next(e, &name, &value, &len) == ARCHIVE_OK) {
            fuzz_need(line.xattr_count < ARRAY_LEN(xattr));
            xattr[line.xattr_count++] = (struct xattr){name, value, (uint32_t)len};
        }
        qsort(xattr, line.xattr_count, sizeof *xattr, by_name);
        tarlist_put(list, &line);
    }
    archive_read_free(a);
}

/* Contents stay in memory, by the number of their entry. */
struct kept {
    char *content[4 * NODES_MAX];
};

static struct err *keep(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    struct kept *k = ctx;
    AUTO_VALUE(buf_wipe) struct buf all = BUF(BUF_NO_LIMIT);

    TRY(source_read_all(bytes, &all, "fuzz"));
    fuzz_need(all.len == n->size && entry < ARRAY_LEN(k->content));
    k->content[entry] = buf_take(&all);
    return NULL;
}

static void put_contents(struct tree *t, struct node *dir, const struct kept *k)
{
    struct node **child;
    size_t count;

    fuzz_ok(tree_children(t, dir, &child, &count));
    for (size_t i = 0; i < count; i++) {
        struct node *n = child[i];
        if (n->type == NODE_DIR)
            put_contents(t, n, k);
        if (n->content.kind != CONTENT_LAYER)
            continue;
        n->content.kind = CONTENT_MEM;
        n->content.mem = k->content[n->content.entry];
    }
}

static void read_and_write(const struct buf *tar, struct buf *list, struct buf *again)
{
    struct kept kept = {0};
    const struct tarread_options options = {.what = "fuzz", .layer = true, .file = keep, .ctx = &kept};
    const struct tarlimits limits = TARLIMITS;
    AUTO(source_free) struct source *s = source_mem(tar->data, tar->len);
    AUTO(entries_free) struct entries *entries = NULL;
    AUTO(tree_free) struct tree *t = NULL;

    fuzz_ok(entries_tar(&entries, s, &limits));
    fuzz_ok(tarread_entries(&t, entries, &options));
    put_contents(t, tree_root(t), &kept);
    fuzz_ok(tarlist_tree(list, t));
    write_tar(t, again);
    for (size_t i = 0; i < ARRAY_LEN(kept.content); i++)
        mem_free(kept.content[i]);
}

static void write_out(const struct buf *tar, const struct buf *list)
{
    struct digest d = digest_of(buf_text(tar), tar->len);
    char hex[DIGEST_TEXT];

    digest_hex(&d, hex);
    for (unsigned i = 0; i < 2; i++) {
        AUTO(mem_free) char *path = mem_printf("%s/%s.%s", getenv("LADE_FUZZ_OUT"), hex, i ? "list" : "tar");
        fuzz_ok(
            newfile_write(AT_FDCWD, path, 0644, i ? list->data : tar->data, i ? list->len : tar->len, false));
    }
}

static void need_same(const char *what, const struct buf *found, const struct buf *wanted)
{
    if (found->len == wanted->len && memcmp(buf_text(found), buf_text(wanted), found->len) == 0)
        return;
    fprintf(stderr, "%s\nfound:\n%s\nwanted:\n%s\n", what, buf_text(found), buf_text(wanted));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf tar = BUF(BUF_NO_LIMIT), again = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe)
    struct buf wanted = BUF(BUF_NO_LIMIT), ours = BUF(BUF_NO_LIMIT), theirs = BUF(BUF_NO_LIMIT);
    AUTO(tree_free) struct tree *t = tree_new();
    struct maker m = {.in = {data, size}, .tree = t, .node = {tree_root(t)}, .count = 1};

    while (m.in.left > 0 && m.count < NODES_MAX)
        make_node(&m);
    write_tar(t, &tar);
    fuzz_ok(tarlist_tree(&wanted, t));
    if (getenv("LADE_FUZZ_OUT") && wanted.len > 0)
        write_out(&tar, &wanted);
    list_by_libarchive(&tar, &theirs);
    need_same("libarchive", &theirs, &wanted);
    read_and_write(&tar, &ours, &again);
    need_same("our reader", &ours, &wanted);
    fuzz_need(again.len == tar.len && memcmp(again.data, tar.data, tar.len) == 0);
    return 0;
}
