/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_TREELIST_H
#define LADE_TESTS_TREELIST_H

#include "../check.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "layers/tree.h"

#include <inttypes.h>

/* A tree as lines of text that say all of it but the marks of overlay itself: two trees are the same when
 * their texts are. */

static inline struct err *treelist_content(struct buf *out, const struct node *n)
{
    AUTO(source_free) struct source *from = NULL;
    AUTO(hash_free) struct hash *hash = hash_new(DIGEST_SHA256);
    char text[DIGEST_TEXT];

    TRY(node_open(n, &from));
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            break;
        hash_add(hash, data, len);
        source_advance(from, len);
    }
    struct digest d = hash_value(hash);
    buf_printf(out, " %" PRIu64 " %s", n->size, digest_text(&d, text));
    return NULL;
}

/* `first`: the path of the first name of each link group, as far as known. */
static inline struct err *treelist_node(struct buf *out, struct tree *t, struct node *n,
                                        struct strlist *first)
{
    static const char types[] = "fdlcbpWL";
    AUTO(mem_free) char *path = node_path(n);
    struct node **child;
    size_t count;

    buf_printf(out, "%c%s%s %s %o %u:%u %" PRId64 ".%09u", types[n->type], n->opaque ? "O" : "",
               n->implicit ? "I" : "", path, n->mode, n->uid, n->gid, n->mtime, n->mtime_ns);
    if (n->type == NODE_CHAR || n->type == NODE_BLOCK)
        buf_printf(out, " %u,%u", n->device_major, n->device_minor);
    if (n->target)
        buf_printf(out, " -> %s", n->target);
    for (uint32_t i = 0; i < n->xattr_count; i++)
        if (strncmp(n->xattr[i].name, "user.overlay.", 13) != 0)
            buf_printf(out, " %s=%.*s", n->xattr[i].name, (int)n->xattr[i].value_len, n->xattr[i].value);
    if (n->link_group) {
        while (first->count <= n->link_group)
            strlist_add(first, "");
        if (first->item[n->link_group][0])
            buf_printf(out, " = %s", first->item[n->link_group]);
        else {
            mem_free(first->item[n->link_group]);
            first->item[n->link_group] = mem_strdup(path);
        }
    }
    if (n->type == NODE_FILE)
        TRY(treelist_content(out, n));
    buf_byte(out, '\n');
    if (n->type != NODE_DIR)
        return NULL;
    TRY(tree_children(t, n, &child, &count));
    for (size_t i = 0; i < count; i++)
        TRY(treelist_node(out, t, child[i], first));
    return NULL;
}

static inline struct err *treelist(struct buf *out, struct tree *t)
{
    AUTO_VALUE(strlist_wipe) struct strlist first = {0};

    return treelist_node(out, t, tree_root(t), &first);
}

/* Both are the same; else the first line that differs is shown. */
static inline void treelist_check(const char *about, const struct buf *found, const struct buf *wanted)
{
    const char *a = buf_text(found), *b = buf_text(wanted);

    for (; *a || *b; a += strcspn(a, "\n") + 1, b += strcspn(b, "\n") + 1) {
        size_t len = strcspn(a, "\n"), wanted_len = strcspn(b, "\n");
        if (len == wanted_len && memcmp(a, b, len) == 0 && a[len] && b[len])
            continue;
        print_error("%s: found\n%.*s\nwanted\n%.*s\n", about, (int)len, a, (int)wanted_len, b);
        fail();
    }
}

#endif
