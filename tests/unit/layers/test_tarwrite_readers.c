/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/codec.h"
#include "base/newfile.h"
#include "golden_trees.h"
#include "layers/tarwrite.h"

#include <inttypes.h>

/*
 * What others read out of our bytes. For each golden tree a tar and a list are written: the list comes from
 * the tree alone, by the rules of doc/formats.md. tar_readers.py lets GNU tar, bsdtar and Python's tarfile
 * read the tar and compares.
 */

struct listing {
    struct buf out;
    struct tree *tree;
    char *first[64]; /* of each link group */
    const struct node *first_node[64];
};

static void put_hex(struct buf *out, const char *data, size_t len)
{
    AUTO(mem_free) char *hex = mem_alloc(2 * len + 1);

    codec_hex(data, len, hex);
    buf_str(out, hex);
}

/* type, name, mode, uid, gid, size, mtime, link, major, minor, content, then xattrs as name=value. */
static void put_line(struct listing *l, char type, const char *path, const struct node *n, const char *link)
{
    bool device = type == '3' || type == '4';
    bool file = type == '0' && n->type == NODE_FILE;
    bool mark = n->type == NODE_WHITEOUT || (type == '0' && n->type == NODE_DIR);

    buf_printf(&l->out, "%c\t", type);
    put_hex(&l->out, path, strlen(path));
    buf_printf(&l->out, "\t%o\t%u\t%u\t%" PRIu64 "\t%" PRId64 "\t",
               mark          ? 0
               : type == '2' ? 0777
                             : n->mode,
               mark ? 0 : n->uid, mark ? 0 : n->gid, file ? n->size : 0, n->mtime);
    put_hex(&l->out, link, strlen(link));
    buf_printf(&l->out, "\t%u\t%u\t", device ? n->device_major : 0, device ? n->device_minor : 0);
    if (file)
        put_hex(&l->out, n->content.mem, (size_t)n->size);
    for (uint32_t i = 0; i < n->xattr_count && type != '1' && !mark; i++) {
        buf_printf(&l->out, "\t%s=", n->xattr[i].name);
        put_hex(&l->out, n->xattr[i].value, n->xattr[i].value_len);
    }
    buf_byte(&l->out, '\n');
}

static void list_node(struct listing *l, struct node *n, const char *path)
{
    static const char types[] = {[NODE_FILE] = '0', [NODE_DIR] = '5',   [NODE_SYMLINK] = '2',
                                 [NODE_CHAR] = '3', [NODE_BLOCK] = '4', [NODE_FIFO] = '6'};

    if (n->link_group && l->first[n->link_group]) {
        put_line(l, '1', path, l->first_node[n->link_group], l->first[n->link_group]);
        return;
    }
    if (n->link_group) {
        l->first[n->link_group] = mem_strdup(path);
        l->first_node[n->link_group] = n;
    }
    put_line(l, types[n->type], path, n, n->target ? n->target : "");
}

static void list_children(struct listing *l, struct node *dir, const char *prefix)
{
    struct node **child;
    size_t count;

    check_ok(tree_children(l->tree, dir, &child, &count));
    if (dir->opaque) {
        AUTO(mem_free) char *path = mem_printf("%s.wh..wh..opq", prefix);
        put_line(l, '0', path, dir, "");
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *path = mem_printf("%s.wh.%s", prefix, child[i]->name);
        if (child[i]->type == NODE_WHITEOUT)
            put_line(l, '0', path, child[i], "");
    }
    for (size_t i = 0; i < count; i++) {
        bool is_dir = child[i]->type == NODE_DIR;
        AUTO(mem_free) char *path = mem_printf("%s%s%s", prefix, child[i]->name, is_dir ? "/" : "");
        if (child[i]->type == NODE_WHITEOUT)
            continue;
        if (!is_dir || !child[i]->implicit)
            list_node(l, child[i], path);
        if (is_dir)
            list_children(l, child[i], path);
    }
}

static void write_pair(int dirfd, const struct golden_tree *golden)
{
    AUTO(tree_free) struct tree *t = tree_new();
    AUTO(sink_free) struct sink *to = NULL;
    AUTO(mem_free) char *tar_name = mem_printf("%s.tar", golden->name);
    AUTO(mem_free) char *list_name = mem_printf("%s.list", golden->name);
    struct listing l = {.out = BUF(BUF_NO_LIMIT), .tree = t};

    golden->plant(t);
    check_ok(newfile_open(&to, dirfd, tar_name, 0644, true, false));
    check_ok(tarwrite_tree(to, t, NULL));
    check_ok(sink_commit(to));
    list_children(&l, tree_root(t), "");
    check_ok(newfile_write(dirfd, list_name, 0644, buf_text(&l.out), l.out.len, false));
    buf_wipe(&l.out);
    for (size_t i = 0; i < ARRAY_LEN(l.first); i++)
        mem_free(l.first[i]);
}

static void independent_readers_agree(void **state)
{
    const struct check_dir *dir = *state;

    for (size_t i = 0; i < ARRAY_LEN(golden_trees); i++)
        write_pair(dir->fd, &golden_trees[i]);
    AUTO(mem_free)
    char *command = mem_printf("python3 '%s/unit/layers/tar_readers.py' '%s'", LADE_TEST_DATA, dir->path);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_with_dir(independent_readers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
