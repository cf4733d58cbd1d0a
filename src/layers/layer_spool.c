/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer.h"

#include "base/mem.h"
#include "layers/layer_read.h"
#include "layers/spool.h"

#include <inttypes.h>
#include <stdlib.h>

/* One content that is wanted. Several nodes may want the same (hard links). */
struct want {
    struct node *node;
    uint32_t layer, entry;
    bool found;
    uint64_t offset;
};

struct job {
    struct want *want; /* of one layer, by entry */
    size_t count;
    struct spool *spool;
};

static int by_place(const void *a, const void *b)
{
    const struct want *left = a, *right = b;

    if (left->layer != right->layer)
        return left->layer < right->layer ? -1 : 1;
    return left->entry < right->entry ? -1 : left->entry > right->entry;
}

static int by_entry(const void *key, const void *member)
{
    uint32_t entry = *(const uint32_t *)key;
    const struct want *w = member;

    return entry < w->entry ? -1 : entry > w->entry;
}

static struct err *take_file(void *ctx, uint32_t entry, struct node *n, struct source *bytes)
{
    struct job *job = ctx;
    struct want *w = bsearch(&entry, job->want, job->count, sizeof *w, by_entry);
    uint64_t offset;

    if (!w)
        return NULL;
    if (w->node->size != n->size)
        return err_new(ERR_INTEGRITY, "entry %" PRIu32 " has %" PRIu64 " bytes, its index says %" PRIu64,
                       entry, n->size, w->node->size);
    TRY(spool_add(job->spool, bytes, n->size, &offset));
    while (w > job->want && w[-1].entry == entry)
        w--;
    for (; w < job->want + job->count && w->entry == entry; w++) {
        w->found = true;
        w->offset = offset;
    }
    return NULL;
}

static struct err *spool_layer(const struct layer_stack *stack, struct want *want, size_t count,
                               struct spool *spool)
{
    struct job job = {.want = want, .count = count, .spool = spool};
    const struct tarread_options options = {.layer = true, .file = take_file, .ctx = &job};
    AUTO(tree_free) struct tree *ignored = NULL;
    uint32_t layer = want->layer;
    struct digest found;

    TRY(layer_read(&ignored, stack->store, &stack->layers[layer],
                   stack->diff_ids ? &stack->diff_ids[layer] : NULL, &options, &found));
    for (size_t i = 0; i < count; i++) {
        if (!want[i].found)
            return err_new(ERR_INTEGRITY,
                           "layer %" PRIu32 ": entry %" PRIu32 " is no file, but its index says so", layer,
                           want[i].entry);
    }
    for (size_t i = 0; i < count; i++)
        want[i].node->content =
            (struct content){.kind = CONTENT_SPOOL, .spool = spool, .offset = want[i].offset};
    return NULL;
}

struct err *layer_spool(const struct layer_stack *stack, struct node **wanted, size_t count,
                        struct spool *spool)
{
    AUTO(mem_free) struct want *want = mem_zero(count ? count : 1, sizeof *want);
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        const struct content *c = &wanted[i]->content;
        if (c->kind != CONTENT_LAYER)
            continue;
        if (c->layer >= stack->count)
            return err_new(ERR_INTERNAL, "a file is said to be in layer %" PRIu32 " of %zu", c->layer,
                           stack->count);
        want[used++] = (struct want){.node = wanted[i], .layer = c->layer, .entry = c->entry};
    }
    qsort(want, used, sizeof *want, by_place);
    for (size_t from = 0, to; from < used; from = to) {
        for (to = from + 1; to < used && want[to].layer == want[from].layer; to++)
            ;
        TRY(spool_layer(stack, want + from, to - from, spool));
    }
    return NULL;
}
