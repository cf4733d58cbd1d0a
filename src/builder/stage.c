/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stage.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "builder/ready.h"
#include "builder/rootfs.h"
#include "builder/stepcache.h"
#include "image/layout.h"
#include "layers/layer.h"
#include "layers/unpacked.h"

#include <string.h>

#define WAKE_MS 500

void builder_lock(struct builder *b)
{
    (void)lock_hold(b->lock);
}

void builder_unlock(struct builder *b)
{
    lock_release(b->lock);
}

void part_begin(struct builder *b, struct part *part)
{
    while (part->busy)
        lock_wait(b->lock, WAKE_MS);
    part->busy = true;
}

void part_end(struct builder *b, struct part *part)
{
    part->busy = false;
    lock_wake(b->lock);
}

void part_find_tree(struct builder *b, struct part *part)
{
    struct unpacked *shown = NULL;
    if (b->cache_dir < 0)
        return;
    builder_unlock(b);
    struct tree *tree = layer_index_kept(&part->desc, &part->diff_id, b->cache_dir);
    struct err *e = tree ? NULL : unpacked_open_any(&shown, b->cache_dir, &part->diff_id);
    if (e)
        log_debug("cache: %s", err_message(e));
    err_free(e);
    if (!tree && shown)
        tree = unpacked_tree(shown);
    bool own = tree != NULL;
    struct err *foreign = own ? NULL : cacheset_index(&tree, b->imported, &part->diff_id);
    err_free(foreign);
    if (tree)
        tree_settle(tree);
    builder_lock(b);
    part->tree = tree;
    part->shown = shown;
    part->claimed = tree && !own;
}

bool stage_is_claimed(const struct stage *s)
{
    for (size_t i = 0; s && i < s->parts.count; i++)
        if (s->parts.item[i]->claimed)
            return true;
    return false;
}

bool part_is_ghost(const struct part *part)
{
    return !part->made && !part->base && !digest_is_set(&part->desc.digest);
}

struct err *part_want_files(struct builder *b, const struct part *part)
{
    if (!part_is_ghost(part) || part->shown || part->unpacked)
        return NULL;
    atomic_store(&b->ghost_needed, true);
    return err_new(ERR_NOT_FOUND, "the files of a layer that a cache tells of are nowhere");
}

struct err *part_unreadable(struct builder *b, const struct part *part, struct err *cause_take)
{
    if (cause_take && part->imported && err_kind_of(cause_take) != ERR_STOPPED)
        atomic_store(&b->import_broken, true);
    return cause_take;
}

static struct part *new_part(struct builder *b)
{
    struct part *part = mem_zero(1, sizeof *part);
    MEM_PUSH(b->parts.item, b->parts.count, b->parts.room, part);
    return part;
}

void part_free(struct part *part)
{
    desc_wipe(&part->desc);
    if (!part->tree_of_unpacked && !part->shown)
        tree_free(part->tree);
    unpacked_close(part->unpacked);
    unpacked_close(part->shown);
    free(part->about);
    free(part);
}

/* A base's layer, which other stages may stand on too. */
static struct part *base_part(struct builder *b, const struct desc *layer, const struct digest *diff_id)
{
    for (size_t i = 0; i < b->parts.count; i++) {
        struct part *part = b->parts.item[i];
        if (part->base && digest_equal(&part->desc.digest, &layer->digest) &&
            digest_equal(&part->diff_id, diff_id) && str_eq(part->desc.media_type, layer->media_type))
            return part;
    }
    struct part *part = new_part(b);
    desc_copy(&part->desc, layer);
    part->diff_id = *diff_id;
    part->base = true;
    return part;
}

static void stage_push(struct stage *s, struct part *part)
{
    MEM_PUSH(s->parts.item, s->parts.count, s->parts.room, part);
}

/* PATH is always set, and the environment of the config is what expansion sees. */
static void begin_env(struct stage *s)
{
    if (!config_env_get(&s->config, "PATH"))
        config_env_set(&s->config, "PATH", BASE_PATH_ENV);
    for (size_t i = 0; i < s->config.env.count; i++) {
        const char *pair = s->config.env.item[i];
        const char *equals = strchr(pair, '=');
        AUTO(mem_free) char *key = equals ? mem_strndup(pair, (size_t)(equals - pair)) : mem_strdup(pair);
        strmap_set(&s->env, key, equals ? equals + 1 : "");
    }
}

struct err *stage_from_image(struct builder *b, struct stage *s, const struct base_image *base)
{
    config_copy(&s->config, &base->config);
    free(s->config.created);
    s->config.created = NULL;
    s->base_name = mem_strdup(base->name);
    s->base_digest = base->digest;
    begin_env(s);
    for (size_t i = 0; i < base->layers.count; i++) {
        struct part *part = base_part(b, &base->layers.item[i], &s->config.diff_ids[i]);
        if (base->origin)
            TRY(layout_set_origin(b->layout, &part->desc, base->origin));
        stage_push(s, part);
        if (s->plan && s->plan->result)
            ready_tell(b, &part->desc);
    }
    return NULL;
}

void stage_from_stage(struct stage *s, const struct stage *base)
{
    config_copy(&s->config, &base->config);
    strlist_wipe(&s->config.onbuild);
    strmap_copy(&s->env, &base->env);
    strlist_copy(&s->args, &base->args);
    s->base_name = mem_strdup(base->base_name);
    s->base_digest = base->base_digest;
    begin_env(s);
    for (size_t i = 0; i < base->parts.count; i++)
        stage_push(s, base->parts.item[i]);
}

void stage_wipe(struct stage *s)
{
    free(s->base_name);
    free(s->shown);
    config_wipe(&s->config);
    strmap_wipe(&s->env);
    strlist_wipe(&s->args);
    free(s->parts.item);
    tree_free(s->files);
    err_free(s->error);
}

static struct err *load_part(struct builder *b, struct part *part)
{
    struct tree *tree = NULL;
    struct err *e = NULL;
    if (part->tree)
        return NULL;
    part_begin(b, part);
    if (!part->tree)
        part_find_tree(b, part);
    if (!part->tree)
        e = part_want_files(b, part);
    if (!part->tree && !e) {
        builder_unlock(b);
        e = part_unreadable(b, part, layer_index(&tree, b->blobs, &part->desc, &part->diff_id, b->cache_dir));
        builder_lock(b);
        if (!part->tree && tree) {
            tree_settle(tree);
            part->tree = TAKE(tree);
        }
        tree_free(tree);
    }
    part_end(b, part);
    char digest[DIGEST_SHORT];
    return err_wrap(e, "base layer %s", digest_short(&part->desc.digest, digest));
}

/* Its layers are needed as files too. */
static bool runs_commands(const struct stage *s)
{
    for (size_t i = 0; s->plan && i < s->plan->count; i++)
        if (s->plan->first[i].kind == INSTR_RUN)
            return true;
    return false;
}

struct err *stage_files(struct builder *b, struct stage *s, struct tree **out)
{
    if (runs_commands(s) && s->merged < s->parts.count)
        TRY(rootfs_foresee(b, s));
    for (size_t i = s->merged; i < s->parts.count; i++)
        TRY(load_part(b, s->parts.item[i]));
    if (!s->files)
        s->files = tree_new();
    for (; s->merged < s->parts.count; s->merged++)
        TRY(tree_apply(s->files, s->parts.item[s->merged]->tree, (uint32_t)s->merged));
    *out = s->files;
    return NULL;
}

static bool adds_nothing(const struct node *n)
{
    if (!n->implicit)
        return false;
    for (uint32_t i = 0; i < n->child_count; i++)
        if (!adds_nothing(n->child[i]))
            return false;
    return true;
}

/* The same layer of the same context in the next build: what it is made of may have changed. */
static char *about_layer(const struct builder *b, const struct stage *s, const char *what)
{
    if (!what || b->cache_dir < 0 || !b->context.real_path)
        return NULL;
    return mem_printf("%s\n%u\n%s", b->context.real_path, s->plan->number, what);
}

static struct layer_options layer_options_of(const struct builder *b, const struct part *part)
{
    struct layer_options options = b->options->layer;
    options.about = part->about;
    options.cache_dir = b->cache_dir;
    return options;
}

/* A layer of the result is here. */
static void announce(struct builder *b, struct stage *s, const struct part *part)
{
    config_add_diff_id(&s->config, &part->diff_id);
    ready_tell(b, &part->desc);
}

struct err *part_digest(struct builder *b, struct part *part)
{
    struct layer_options options = layer_options_of(b, part);
    struct digest found = {0};
    struct err *e = NULL;
    part_begin(b, part);
    if (!digest_is_set(&part->diff_id)) {
        builder_unlock(b);
        e = layer_digest(part->tree, &options, &found);
        builder_lock(b);
        part->diff_id = found;
    }
    part_end(b, part);
    return e;
}

struct err *stage_add_layer(struct builder *b, struct stage *s, struct tree *layer_take, const char *what,
                            bool *empty)
{
    /* A layer's tar says nothing of the root. What this build sees is what others will. */
    tree_root(layer_take)->implicit = true;
    *empty = adds_nothing(tree_root(layer_take));
    if (*empty) {
        tree_free(layer_take);
        return NULL;
    }
    tree_settle(layer_take);
    struct part *part = new_part(b);
    part->tree = layer_take;
    part->made = true;
    part->about = about_layer(b, s, what);
    stage_push(s, part);
    if (!s->plan->result)
        return NULL;
    bool known = false;
    struct layer_options options = layer_options_of(b, part);
    options.known = &known;
    builder_unlock(b);
    struct err *e = layer_write(b->layout, part->tree, &options, &part->desc, &part->diff_id);
    builder_lock(b);
    TRY(e);
    if (!known) /* here */
        TRY(stepcache_share_files(b, part, &known));
    if (!known)
        ready_made(b);
    announce(b, s, part);
    return NULL;
}

void stage_add_part(struct builder *b, struct stage *s, const struct part *layer_take)
{
    struct part *part = new_part(b);
    *part = *layer_take;
    stage_push(s, part);
    if (s->plan->result)
        announce(b, s, part);
}

struct err *stage_diff_ids(struct builder *b, struct stage *s)
{
    for (size_t i = 0; i < s->parts.count; i++)
        TRY(part_digest(b, s->parts.item[i]));
    return NULL;
}

static void warn_unset(struct builder *b, const struct word *word, const struct expand_used *used)
{
    for (size_t i = 0; i < used->unset.count; i++)
        diag_warn(&b->diag, word->at, "UndefinedVar", "Usage of undefined variable '$%s'",
                  used->unset.item[i]);
}

struct err *stage_expand(struct builder *b, struct stage *s, const struct word *word, char **out)
{
    AUTO_VALUE(expand_used_wipe) struct expand_used used = {0};
    struct expand_env env = expand_env_map(&s->env);
    TRY(builder_mistake(b, word->at, expand_word(out, word->text, &env, b->file.escape, 0, &used)));
    warn_unset(b, word, &used);
    return NULL;
}

struct err *stage_expand_words(struct builder *b, struct stage *s, const struct word *word,
                               struct strlist *out)
{
    AUTO_VALUE(expand_used_wipe) struct expand_used used = {0};
    struct expand_env env = expand_env_map(&s->env);
    TRY(builder_mistake(b, word->at, expand_words(out, word->text, &env, b->file.escape, 0, &used)));
    warn_unset(b, word, &used);
    return NULL;
}

void stage_history(struct builder *b, struct stage *s, const char *created_by, bool empty_layer)
{
    config_add_history(&s->config, b->created, created_by, "buildkit.dockerfile.v0", NULL, empty_layer);
}

struct err *builder_mistake(struct builder *b, struct span at, struct err *cause_take)
{
    if (!cause_take)
        return NULL;
    if (err_kind_of(cause_take) != ERR_INPUT)
        return err_wrap(cause_take, "%s:%u", b->context.dockerfile_name, at.line);
    diag_mistake_err(&b->diag, at, cause_take);
    return diag_error(&b->diag);
}

unsigned stage_step_begin(struct builder *b, struct stage *s, const char *text)
{
    AUTO(mem_free) char *number = mem_printf("%u", s->steps);
    const char *name = s->plan && s->plan->name ? s->plan->name : "";
    AUTO(mem_free)
    char *stage = s->plan && !s->plan->name && b->plan.count > 1 ? mem_printf("stage-%u ", s->plan->number)
                                                                 : mem_printf("%s%s", name, *name ? " " : "");
    AUTO(mem_free)
    char *shown = mem_printf("[%s%*u/%s] %s", stage, (int)strlen(number), ++s->step, number, text);
    unsigned id = ++b->step_id;
    event_emit(b->options->events, &(struct event){.kind = EVENT_STEP, .id = id, .name = shown});
    free(s->shown);
    s->shown = TAKE(shown);
    s->taken_from = NULL;
    s->layer_lost = false;
    return id;
}

void stage_step_end(struct builder *b, unsigned id, const char *text)
{
    event_emit(b->options->events, &(struct event){.kind = EVENT_STEP_END, .id = id, .text = text});
}
