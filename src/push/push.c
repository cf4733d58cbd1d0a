/* SPDX-License-Identifier: Apache-2.0 */
#include "push/push.h"

#include "base/mem.h"
#include "base/str.h"
#include "push/hint.h"

/* The first target before `index` on the same registry and, when `repository`, in the same repository; or
 * NULL. */
static const struct push_target *earlier(const struct push_target *targets, size_t index, bool repository)
{
    const struct ref *ref = &targets[index].ref;
    for (size_t i = 0; i < index; i++)
        if (str_eq(targets[i].ref.registry, ref->registry) &&
            (!repository || str_eq(targets[i].ref.repository, ref->repository)))
            return &targets[i];
    return NULL;
}

static struct err *upload(struct store *to, struct store *from, const struct desc *root,
                          const struct push_target *neighbour, const struct push_options *options,
                          struct copy_report *report)
{
    struct copy_options copy = {
        .jobs = options->jobs, .events = options->events, .verb = "push", .skip_foreign = true};
    if (!neighbour)
        return copy_graph(to, from, root, &copy, report);
    AUTO(mem_free) char *origin = ref_name(&neighbour->ref);
    AUTO(store_free) struct store *hinted = hint_store(from, origin);
    return copy_graph(to, hinted, root, &copy, report);
}

/* The store of each target; one for targets in the same repository, which all but the first borrow. */
struct stores {
    struct store **item;
    size_t count;
    const struct push_target *targets;
};

static void stores_wipe(struct stores *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!earlier(s->targets, i, true))
            store_free(s->item[i]);
    free(s->item);
}

static struct err *upload_one(struct registry *r, struct store *from, const struct desc *root,
                              struct push_target *targets, size_t index, struct stores *stores,
                              const struct push_options *options)
{
    struct push_target *target = &targets[index];
    const struct push_target *same = earlier(targets, index, true);
    if (same) {
        stores->item[stores->count++] = stores->item[same - targets];
        return NULL;
    }
    TRY(registry_repository(r, &target->ref, true, &stores->item[stores->count]));
    struct store *to = stores->item[stores->count++];
    return upload(to, from, root, earlier(targets, index, false), options, &target->report);
}

static struct err *tag_one(struct store *to, const struct desc *root, struct push_target *target)
{
    if (target->ref.tag)
        TRY(store_tag(to, target->ref.tag, root));
    desc_copy(&target->pushed, root);
    return NULL;
}

struct err *push_image(struct registry *r, struct store *from, const struct desc *root,
                       struct push_target *targets, size_t count, const struct push_options *options)
{
    AUTO_VALUE(stores_wipe) struct stores stores = {.targets = targets};
    stores.item = mem_zero(count, sizeof(struct store *));
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *name = ref_familiar(&targets[i].ref);
        TRY(err_wrap(upload_one(r, from, root, targets, i, &stores, options), "push %s", name));
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *name = ref_familiar(&targets[i].ref);
        TRY(err_wrap(tag_one(stores.item[i], root, &targets[i]), "push %s", name));
    }
    return NULL;
}
