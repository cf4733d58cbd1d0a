/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/step.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "builder/account.h"
#include "builder/copy.h"
#include "builder/explain.h"
#include "builder/stepcache.h"
#include "builder/stepkey.h"
#include "builder/unpack.h"

#include <string.h>

#define HISTORY_MAX (1u << 20)

/* The words of a COPY after expansion. */
struct copy_words {
    struct strlist sources, excludes;
    char *dest, *chown, *chmod;
    struct copy_document *document;
    struct strlist contents; /* of the documents */
    size_t document_count;
};

static void copy_words_wipe(struct copy_words *w)
{
    strlist_wipe(&w->sources);
    strlist_wipe(&w->excludes);
    strlist_wipe(&w->contents);
    free(w->dest);
    free(w->chown);
    free(w->chmod);
    free(w->document);
}

static struct err *expand_documents(struct builder *b, struct stage *s, const struct instr_copy *copy,
                                    struct copy_words *out)
{
    struct expand_env env = expand_env_map(&s->env);
    out->document = mem_zero(copy->inline_count + 1, sizeof *out->document);
    for (size_t i = 0; i < copy->inline_count; i++) {
        const struct copy_inline *doc = &copy->inline_file[i];
        char *content = NULL;
        if (doc->expand)
            TRY(builder_mistake(b, doc->at,
                                expand_word(&content, doc->content, &env, '\\', EXPAND_HEREDOC, NULL)));
        else
            content = mem_strdup(doc->content);
        strlist_add_take(&out->contents, content);
        out->document[out->document_count++] =
            (struct copy_document){.name = doc->name, .content = content, .content_len = strlen(content)};
    }
    return NULL;
}

/* What the checksum cannot be of; else a checksum that nothing compares would seem to be one that holds. */
static struct err *check_checksum(const struct copy_words *w)
{
    if (w->sources.count != 1 || w->document_count > 0)
        return err_new(ERR_INPUT, "--checksum can't be specified for multiple sources");
    if (!copy_is_remote(w->sources.item[0]))
        return err_new(ERR_INPUT, "--checksum requires an HTTP(S) or Git source");
    return NULL;
}

static struct err *expand_copy(struct builder *b, struct stage *s, const struct instr_copy *copy,
                               struct copy_words *out)
{
    for (size_t i = 0; i < copy->source.count; i++) {
        char *source = NULL;
        TRY(stage_expand(b, s, &copy->source.item[i], &source));
        strlist_add_take(&out->sources, source);
    }
    for (size_t i = 0; i < copy->exclude.count; i++)
        strlist_add(&out->excludes, copy->exclude.item[i].text);
    TRY(stage_expand(b, s, &copy->dest, &out->dest));
    if (copy->chown.text)
        TRY(stage_expand(b, s, &copy->chown, &out->chown));
    if (copy->chmod.text)
        TRY(stage_expand(b, s, &copy->chmod, &out->chmod));
    TRY(expand_documents(b, s, copy, out));
    return copy->checksum.text ? builder_mistake(b, copy->checksum.at, check_checksum(out)) : NULL;
}

/* "COPY --chown=1:1 a b /c", as history has it. */
static void describe(const struct instr *instr, const struct copy_words *w, struct buf *out)
{
    buf_str(out, instr_name(instr->kind));
    if (instr->copy.parents)
        buf_str(out, " --parents");
    if (!str_empty(w->chown))
        buf_printf(out, " --chown=%s", w->chown);
    if (!str_empty(w->chmod))
        buf_printf(out, " --chmod=%s", w->chmod);
    for (size_t i = 0; i < w->sources.count; i++)
        buf_printf(out, " %s", w->sources.item[i]);
    for (size_t i = 0; i < w->document_count; i++)
        buf_printf(out, " <<%s", w->document[i].name);
    buf_printf(out, " %s", w->dest);
}

/* Layers whose files the node and all below want. */
static struct err *want_files(struct builder *b, const struct stage *from, const struct node *n)
{
    if (n->type == NODE_FILE && n->content.kind == CONTENT_LAYER && n->content.layer < from->parts.count)
        TRY(part_want_files(b, from->parts.item[n->content.layer]));
    for (uint32_t i = 0; i < n->child_count; i++)
        TRY(want_files(b, from, n->child[i]));
    return NULL;
}

struct err *step_unpack_contents(struct builder *b, const struct stage *from, struct tree *layer)
{
    TRY(want_files(b, from, tree_root(layer)));
    if (!b->spool)
        TRY(spool_new(&b->spool, b->scratch_dir));
    struct desc *layers = mem_zero(from->parts.count + 1, sizeof *layers);
    struct digest *diff_ids = mem_zero(from->parts.count + 1, sizeof *diff_ids);
    for (size_t i = 0; i < from->parts.count; i++) {
        layers[i] = from->parts.item[i]->desc; /* borrowed for the call */
        diff_ids[i] = from->parts.item[i]->diff_id;
    }
    struct layer_stack stack = {
        .store = b->blobs, .layers = layers, .diff_ids = diff_ids, .count = from->parts.count};
    builder_unlock(b);
    struct err *e = unpack_contents(layer, &stack, b->spool);
    builder_lock(b);
    for (size_t i = 0; e && i < from->parts.count; i++)
        e = part_unreadable(b, from->parts.item[i], e);
    free(layers);
    free(diff_ids);
    return e;
}

/* All of the step but the trees. */
static struct copy_step copy_step_of(const struct builder *b, const struct stage *s,
                                     const struct instr *instr, bool from_context, const struct copy_words *w,
                                     const char *what)
{
    bool add = instr->kind == INSTR_ADD;
    return (struct copy_step){
        .sources = &w->sources,
        .documents = w->document,
        .document_count = w->document_count,
        .dest = w->dest,
        .workdir = s->config.workdir,
        .chown = w->chown,
        .chmod = w->chmod,
        .excludes = &w->excludes,
        .parents = instr->copy.parents,
        .link = instr->copy.link,
        .add = add,
        .unpack = instr->copy.unpack == FLAG_NOT_GIVEN ? add : instr->copy.unpack == FLAG_TRUE,
        .from_context = from_context,
        .ignore = from_context ? b->context.ignore : NULL,
        .epoch = b->epoch,
        .keep_times = b->options->time == BUILD_TIME_REAL,
        .what = what,
    };
}

static struct err *make_layer(struct builder *b, struct stage *s, struct stage *from, struct copy_step *step,
                              struct tree *layer)
{
    step->from = b->context.files;
    if (from)
        TRY(stage_files(b, from, &step->from));
    /* With --chmod, --link does nothing (copy.c). */
    if (!step->link || !str_empty(step->chown) || !str_empty(step->chmod))
        TRY(stage_files(b, s, &step->stage));
    if (!b->spool)
        TRY(spool_new(&b->spool, b->scratch_dir));
    step->spool = b->spool;
    TRY(copy_plan(step, layer));
    return from ? step_unpack_contents(b, from, layer) : NULL;
}

/* Layers that were only copied together have no digest yet, and would be read for it; not for a step that may
 * never come again. */
static bool is_worth_a_key(const struct builder *b, const struct stage *s, const struct stage *from)
{
    if (!from || b->cache_dir < 0)
        return false;
    if (b->imported || b->notes)
        return true;
    for (size_t i = 0; i < s->parts.count + from->parts.count; i++) {
        const struct part *part =
            i < s->parts.count ? s->parts.item[i] : from->parts.item[i - s->parts.count];
        if (!digest_is_set(&part->diff_id))
            return false;
    }
    return true;
}

/* Caches that this build writes know the step by what was copied, too. */
static void note_copied(struct builder *b, struct stage *s, const struct copy_step *step)
{
    AUTO_VALUE(steprecord_wipe) struct step_record record = {0};
    stepkey_copied(&record, b, s, step);
    stepcache_note(b, s, &record, false);
}

/* Why it was not taken: it stands on the layers below its own. */
static void explain_copy(struct builder *b, struct stage *s, struct stage *from,
                         const struct step_record *record, bool empty)
{
    s->parts.count -= !empty;
    explain_missed(b, s, &(struct explain_step){.record = record, .from = from});
    s->parts.count += !empty;
}

/* The other stage may have other layers and yet show the very files that were copied before: the step is
 * known by them, though they had to be read to see it. */
static struct err *copied(struct builder *b, struct stage *s, struct stage *from,
                          const struct copy_step *step, struct step_record *record, bool empty, bool *cached)
{
    AUTO_VALUE(steprecord_wipe) struct step_record files = {0};
    bool claimed = stage_is_claimed(s) || stage_is_claimed(from);
    if (!empty) {
        TRY(part_digest(b, s->parts.item[s->parts.count - 1]));
        stepkey_copied(&files, b, s, step);
        if (stepcache_allows(b, s))
            TRY(stepcache_knows(b, s, &files, cached));
    }
    if (*cached)
        explain_taken(b, s, s->taken_from);
    else
        explain_copy(b, s, from, record, empty);
    stepcache_keep(b, s, record, empty, claimed);
    if (!empty)
        stepcache_keep(b, s, &files, empty, claimed);
    stepcache_keep_base(b, s);
    stepcache_keep_base(b, from);
    return NULL;
}

static struct err *copy(struct builder *b, struct stage *s, struct stage *from, struct copy_step *step,
                        bool *cached, bool *empty)
{
    AUTO_VALUE(steprecord_wipe) struct step_record record = {0};
    AUTO(tree_free) struct tree *layer = tree_new();
    bool keyed = is_worth_a_key(b, s, from);
    if (keyed)
        TRY(stepkey_copy(&record, b, s, from, step));
    if (keyed && stepcache_allows(b, s))
        TRY(stepcache_take(b, s, &record, cached, empty));
    if (*cached) {
        explain_taken(b, s, s->taken_from);
        if (!*empty)
            note_copied(b, s, step);
        return NULL;
    }
    TRY(make_layer(b, s, from, step, layer));
    TRY(stage_add_layer(b, s, TAKE(layer), step->what, empty));
    if (!from && !*empty)
        explain_files(b, s);
    return keyed ? copied(b, s, from, step, &record, *empty, cached) : NULL;
}

struct err *step_copy(struct builder *b, struct stage *s, const struct instr *instr, struct stage *from,
                      bool *cached)
{
    AUTO_VALUE(copy_words_wipe) struct copy_words words = {0};
    AUTO_VALUE(buf_wipe) struct buf what = BUF(HISTORY_MAX);
    bool empty = false;
    *cached = false;
    TRY(expand_copy(b, s, &instr->copy, &words));
    describe(instr, &words, &what);
    struct copy_step step = copy_step_of(b, s, instr, from == NULL, &words, buf_text(&what));
    TRY(builder_mistake(b, instr->at, copy(b, s, from, &step, cached, &empty)));
    buf_str(&what, " # buildkit");
    stage_history(b, s, buf_text(&what), empty);
    return NULL;
}

/* Directories that the path lacks, 0755 and owned by the stage's user. */
static struct err *make_workdir(struct builder *b, struct stage *s, const char *path, struct tree *layer)
{
    struct tree *files = NULL;
    AUTO(mem_free) char *place = NULL;
    struct account owner = {0};
    const char *missing = NULL;
    TRY(stage_files(b, s, &files));
    TRY(tree_resolve(files, path, true, &place));
    if (!str_empty(s->config.user))
        TRY(account_look_up(&owner, files, s->config.user, &missing));
    if (missing)
        event_warn(b->options->events,
                   "WORKDIR %s: the %s of \"%s\" is not in the image; root owns the directory", path, missing,
                   s->config.user);
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    strlist_split(&names, place, '/');
    struct node *at = tree_root(files), *made = tree_root(layer);
    for (size_t i = 0; i < names.count; i++) {
        const char *name = names.item[i];
        struct node *there = NULL;
        if (at)
            TRY(tree_child(files, at, name, strlen(name), &there));
        if (there && there->type != NODE_DIR)
            return err_new(ERR_INPUT, "WORKDIR %s: %s is no directory", path, name);
        made = tree_add(layer, made, name, strlen(name), NODE_DIR);
        made->implicit = there != NULL;
        made->mode = 0755;
        made->uid = there ? 0 : owner.uid;
        made->gid = there ? 0 : owner.gid;
        made->mtime = b->epoch;
        at = there;
    }
    return NULL;
}

struct err *step_workdir(struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO(mem_free) char *word = NULL;
    AUTO(tree_free) struct tree *layer = tree_new();
    bool empty = true;
    TRY(stage_expand(b, s, &instr->arg.item[0], &word));
    AUTO(mem_free) char *joined = word[0] == '/' ? mem_strdup(word) : path_join(s->config.workdir, word);
    char *path = word[0] == '/' ? mem_strdup(word) : path_clean(joined);
    free(s->config.workdir);
    s->config.workdir = path;
    if (!str_eq(path, "/")) {
        TRY(builder_mistake(b, instr->at, make_workdir(b, s, path, layer)));
        TRY(builder_mistake(b, instr->at, stage_add_layer(b, s, TAKE(layer), NULL, &empty)));
    }
    AUTO(mem_free) char *text = mem_printf("WORKDIR %s", path);
    stage_history(b, s, text, empty);
    return NULL;
}
