/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lookup.h"

#include "base/lock.h"
#include "base/mem.h"
#include "builder/schedule.h"

#include <stdlib.h>

#define WAKE_MS 500

/* One image; the pointers to it stay good while the list grows. */
struct lookup {
    char *name;
    struct platform platform;
    bool busy, found;
    struct base_image image;
};

const struct platform *lookup_platform(const struct builder *b, const struct stage_plan *p)
{
    return p && platform_is_set(&p->platform) ? &p->platform : &b->plan.platform;
}

static struct lookup *entry_of(struct builder *b, const char *name, const struct platform *platform)
{
    for (size_t i = 0; i < b->lookup_count; i++)
        if (str_eq(b->lookup[i]->name, name) && platform_equal(&b->lookup[i]->platform, platform))
            return b->lookup[i];
    struct lookup *l = mem_zero(1, sizeof *l);
    l->name = mem_strdup(name);
    l->platform = *platform;
    MEM_PUSH(b->lookup, b->lookup_count, b->lookup_room, l);
    return l;
}

struct err *lookup_base(struct builder *b, const char *name, const struct platform *platform,
                        const struct base_image **out)
{
    struct lookup *l = entry_of(b, name, platform);
    while (l->busy) {
        TRY(schedule_check(b));
        lock_wait(b->lock, WAKE_MS);
    }
    if (!l->found) {
        l->busy = true;
        builder_unlock(b);
        struct err *e = base_find(&l->image, &b->bases, l->name, &l->platform);
        builder_lock(b);
        l->busy = false;
        l->found = !e;
        lock_wake(b->lock);
        TRY(e);
    }
    *out = &l->image;
    return NULL;
}

static struct stage *known_image(const struct builder *b, const char *name)
{
    for (size_t i = 0; i < b->image_count; i++)
        if (str_eq(b->image[i]->base_name, name))
            return b->image[i];
    return NULL;
}

/* Images have no steps: they are done as they are. */
static struct err *find_image(struct builder *b, const char *name, struct stage **out)
{
    AUTO_VALUE(base_wipe) struct base_image scratch = {0};
    const struct base_image *base = &scratch;
    const struct platform *platform = lookup_platform(b, NULL);
    *out = known_image(b, name);
    if (*out)
        return NULL;
    if (str_eq(name, "scratch"))
        base_scratch(&scratch, platform);
    else
        TRY(lookup_base(b, name, platform, &base));
    *out = known_image(b, name);
    if (*out)
        return NULL;
    struct stage *s = mem_zero(1, sizeof *s);
    struct err *e = stage_from_image(b, s, base);
    if (e) {
        stage_wipe(s);
        free(s);
        return e;
    }
    free(s->base_name);
    s->base_name = mem_strdup(name);
    s->state = STAGE_DONE;
    MEM_PUSH(b->image, b->image_count, b->image_room, s);
    *out = s;
    return NULL;
}

struct err *stage_source(struct builder *b, const struct stage *s, const struct word *from,
                         struct stage **out)
{
    int number = -1;
    TRY(builder_mistake(b, from->at, plan_find_stage(&b->plan, from->text, s->plan->number, &number)));
    if (number < 0)
        return builder_mistake(b, from->at, find_image(b, from->text, out));
    *out = &b->stage[number];
    return schedule_need(b, *out);
}

void lookup_wipe(struct builder *b)
{
    for (size_t i = 0; i < b->lookup_count; i++) {
        base_wipe(&b->lookup[i]->image);
        free(b->lookup[i]->name);
        free(b->lookup[i]);
    }
    free(b->lookup);
    for (size_t i = 0; i < b->image_count; i++) {
        stage_wipe(b->image[i]);
        free(b->image[i]);
    }
    free(b->image);
}
