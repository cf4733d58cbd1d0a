/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_BUILDER_COPY_HELP_H
#define LADE_TESTS_BUILDER_COPY_HELP_H

#include "../check.h"

/* Rows of tables say only what matters to them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "builder/copy.h"
#include "layers/tree.h"

/*
 * Trees as text, one entry a line: "d 755 0:0 usr/lib", "f 644 1:2 etc/motd hello", "l 777 0:0 lib usr/lib",
 * "p 600 0:0 fifo", "h 644 0:0 other etc/motd" (a hard link of the file named last). An optional "@500" at
 * the end is the time (default 500). What dump gives for directories that are implicit is nothing.
 */
#define HELP_TIME 500
#define HELP_EPOCH 1000

static inline uint32_t help_number(const char *text, uint64_t max, bool octal)
{
    uint64_t value = 0;
    bool ok = octal ? num_parse_octal(text, max, &value) : num_parse(text, max, &value);
    assert_true(ok);
    return (uint32_t)value;
}

static inline void help_content(struct tree *t, struct node *n, const char *text)
{
    n->size = strlen(text);
    if (n->size == 0)
        return;
    n->content.kind = CONTENT_MEM;
    n->content.mem = tree_strdup(t, text, n->size);
}

static inline void help_hard_link(struct tree *t, struct node *n, const char *path)
{
    struct node *first = NULL;
    check_ok(tree_lookup(t, path, false, &first));
    assert_non_null(first);
    if (!first->link_group)
        first->link_group = tree_new_link_group(t);
    node_copy_meta(t, n, first);
    n->link_group = first->link_group;
}

static inline enum node_type help_type(char c)
{
    switch (c) {
    case 'd':
        return NODE_DIR;
    case 'l':
        return NODE_SYMLINK;
    case 'p':
        return NODE_FIFO;
    case 'c':
        return NODE_CHAR;
    default:
        return NODE_FILE;
    }
}

static inline void help_add_line(struct tree *t, const char *line)
{
    AUTO_VALUE(strlist_wipe) struct strlist w = {0};
    AUTO_VALUE(strlist_wipe) struct strlist owner = {0};
    int64_t mtime = HELP_TIME;
    strlist_split(&w, line, ' ');
    if (w.count > 4 && w.item[w.count - 1][0] == '@') {
        mtime = help_number(w.item[w.count - 1] + 1, 1 << 30, false);
        strlist_remove(&w, w.count - 1);
    }
    assert_true(w.count >= 4);
    const char *slash = strrchr(w.item[3], '/');
    const char *name = slash ? slash + 1 : w.item[3];
    AUTO(mem_free) char *dir = slash ? mem_strndup(w.item[3], (size_t)(slash - w.item[3])) : mem_strdup("");
    const char *text = w.count > 4 ? w.item[4] : "";
    enum node_type type = help_type(line[0]);
    struct node *n = tree_add(t, tree_make_path(t, dir), name, strlen(name), type);
    strlist_split(&owner, w.item[2], ':');
    n->mode = help_number(w.item[1], 07777, true);
    n->uid = help_number(owner.item[0], UINT32_MAX, false);
    n->gid = help_number(owner.item[1], UINT32_MAX, false);
    n->mtime = mtime;
    if (line[0] == 'h')
        help_hard_link(t, n, text);
    else if (type == NODE_SYMLINK)
        n->target = tree_strdup(t, text, strlen(text));
    else if (type == NODE_FILE)
        help_content(t, n, text);
}

static inline struct tree *help_tree(const char *text)
{
    struct tree *t = tree_new();
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    strlist_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        if (lines.item[i][0])
            help_add_line(t, lines.item[i]);
    }
    return t;
}

static inline void help_dump(struct tree *t, struct node *n, struct buf *out, bool times)
{
    static const char types[] = "fdlcbpw";
    struct node **child = NULL;
    size_t count = 0;
    if (!n->implicit) {
        AUTO(mem_free) char *path = node_path(n);
        buf_printf(out, "%c %o %u:%u %s", types[n->type], n->mode, n->uid, n->gid, path);
        if (n->type == NODE_SYMLINK)
            buf_printf(out, " %s", n->target);
        if (n->type == NODE_FILE && n->content.kind == CONTENT_MEM) {
            buf_byte(out, ' ');
            buf_add(out, n->content.mem, n->size);
        }
        if (n->link_group)
            buf_printf(out, " =%u", n->link_group);
        for (uint32_t i = 0; i < n->xattr_count; i++)
            buf_printf(out, " %s=%.*s", n->xattr[i].name, (int)n->xattr[i].value_len, n->xattr[i].value);
        if (n->opaque)
            buf_str(out, " opaque");
        if (times)
            buf_printf(out, " @%lld", (long long)n->mtime);
        buf_byte(out, '\n');
    }
    if (n->type != NODE_DIR)
        return;
    check_ok(tree_children(t, n, &child, &count));
    for (size_t i = 0; i < count; i++)
        help_dump(t, child[i], out, times);
}

/* One step as a row of a table. Lists are separated by spaces. */
struct help_row {
    const char *name;
    const char *stage, *from;
    const char *sources, *dest;
    const char *want; /* the dump, or NULL: an error with `part` */
    const char *part;
    enum err_kind kind;
    const char *workdir, *chown, *chmod, *excludes;
    bool parents, link, add, unpack, from_stage, times, keep_times;
};

static inline struct err *help_run(const struct help_row *row, struct tree *from, struct tree *stage,
                                   struct tree *layer, struct spool *spool)
{
    AUTO_VALUE(strlist_wipe) struct strlist sources = {0};
    AUTO_VALUE(strlist_wipe) struct strlist excludes = {0};
    strlist_split(&sources, row->sources, ' ');
    strlist_split(&excludes, row->excludes ? row->excludes : "", ' ');
    struct copy_step step = {
        .from = from,
        .stage = stage,
        .sources = &sources,
        .dest = row->dest,
        .workdir = row->workdir,
        .chown = row->chown,
        .chmod = row->chmod,
        .excludes = &excludes,
        .parents = row->parents,
        .link = row->link,
        .add = row->add,
        .unpack = row->unpack,
        .from_context = !row->from_stage,
        .epoch = HELP_EPOCH,
        .keep_times = row->keep_times,
        .spool = spool,
        .what = "COPY",
    };
    return copy_plan(&step, layer);
}

static inline void help_check(const struct help_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct help_row *row = &rows[i];
        AUTO(tree_free) struct tree *stage = row->stage ? help_tree(row->stage) : NULL;
        AUTO(tree_free) struct tree *from = help_tree(row->from);
        AUTO(tree_free) struct tree *layer = tree_new();
        AUTO_VALUE(buf_wipe) struct buf before = BUF(1 << 20);
        AUTO_VALUE(buf_wipe) struct buf got = BUF(1 << 20);
        AUTO_VALUE(buf_wipe) struct buf after = BUF(1 << 20);
        if (stage)
            help_dump(stage, tree_root(stage), &before, true);
        struct err *e = help_run(row, from, stage, layer, NULL);
        if (stage)
            help_dump(stage, tree_root(stage), &after, true);
        assert_string_equal(buf_text(&before), buf_text(&after));
        if (!row->want) {
            if (!e)
                print_error("row \"%s\"\n", row->name);
            check_error(e, row->kind, row->part);
            continue;
        }
        if (e)
            print_error("row \"%s\"\n", row->name);
        check_ok(e);
        help_dump(layer, tree_root(layer), &got, row->times);
        if (!str_eq(buf_text(&got), row->want))
            fail_msg("row \"%s\" gives\n%sbut should\n%s", row->name, buf_text(&got), row->want);
    }
}

#endif
