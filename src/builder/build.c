/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/build.h"

#include "base/codec.h"
#include "base/fs.h"
#include "base/lock.h"
#include "base/mem.h"
#include "builder/cachewrite.h"
#include "builder/lookup.h"
#include "builder/ready.h"
#include "builder/rootfs.h"
#include "builder/schedule.h"
#include "builder/stage.h"
#include "builder/stage_run.h"
#include "image/layout.h"
#include "image/mediatype.h"
#include "layers/layer.h"
#include "registry/origin.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Arguments that the user gave and no ARG declares: a mistyped name must not pass in silence. */
static void warn_unused_args(struct builder *b)
{
    for (size_t i = 0; i < b->plan.build_args.count; i++) {
        const char *key = b->plan.build_args.key[i];
        if (strlist_has(&b->plan.declared, key) || plan_arg_is_predefined(key) ||
            str_starts(key, "BUILDKIT_") || str_eq(key, "SOURCE_DATE_EPOCH"))
            continue;
        AUTO(mem_free) char *safe = str_safe(key);
        event_warn(b->options->events, "build argument %s was given but no ARG declares it", safe);
    }
}

static void report_warnings(struct builder *b, struct build_result *out)
{
    diag_sort(&b->diag);
    for (size_t i = 0; i < b->diag.count; i++) {
        if (!b->diag.item[i].rule)
            continue;
        AUTO(mem_free) char *line = diag_line(&b->diag, &b->diag.item[i]);
        event_warn(b->options->events, "%s", line);
        out->warnings++;
    }
}

/* The part's blob, which stayed where the base or a cache has it. */
static struct err *fetch_part(struct builder *b, const struct part *part, const struct desc *d)
{
    AUTO(source_free) struct source *bytes = NULL;
    AUTO(tree_free) struct tree *files = NULL;
    TRY(store_get(b->blobs, d, &bytes));
    TRY(store_put(b->layout, d, bytes));
    return part->imported ? layer_index(&files, b->layout, d, &part->diff_id, b->cache_dir) : NULL;
}

/* The layers of the result, under OCI names; with --complete none is absent. */
static struct err *settle_parts(struct builder *b, const struct stage *s, struct build_result *out)
{
    for (size_t i = 0; i < s->parts.count; i++) {
        const struct part *part = s->parts.item[i];
        struct desc *d = desclist_add(&out->layers);
        desc_copy(d, &part->desc);
        free(d->media_type);
        d->media_type = mem_strdup(mediatype_to_oci(part->desc.media_type));
        bool there = true;
        if (b->options->complete)
            TRY(store_has(b->layout, d, &there));
        if (!there)
            TRY(part_unreadable(b, part, fetch_part(b, part, d)));
    }
    return NULL;
}

static void final_config(const struct builder *b, const struct stage *s, struct config *out)
{
    config_copy(out, &s->config);
    free(out->created);
    out->created = mem_strdup(b->created);
    for (size_t i = 0; i < b->options->labels.count; i++)
        strmap_set(&out->labels, b->options->labels.key[i], b->options->labels.value[i]);
    if (platform_is_set(&b->options->platform))
        out->platform = b->options->platform;
}

static struct err *add_inline_cache(struct builder *b, const struct stage *s, struct config *config)
{
    AUTO_VALUE(buf_wipe) struct buf records = BUF(CACHESET_RECORDS_MAX);
    if (!b->options->cache_inline)
        return NULL;
    TRY(cachewrite_records(b, s, &records));
    config->cache = codec_base64(records.data, records.len);
    return NULL;
}

/* A cache is for the next build; this one has its image without. */
static struct err *write_cache(struct builder *b, const struct stage *s, struct build_result *out)
{
    if (!b->options->cache_to)
        return NULL;
    out->cache_error = cachewrite_manifest(b, s, b->options->cache_max, &out->cache);
    if (out->cache_error && err_kind_of(out->cache_error) == ERR_STOPPED)
        return TAKE(out->cache_error);
    return NULL;
}

static struct err *write_image(struct builder *b, const struct stage *s, struct build_result *out)
{
    TRY(settle_parts(b, s, out));
    final_config(b, s, &out->config);
    TRY(add_inline_cache(b, s, &out->config));
    AUTO(mem_free) char *config = config_bytes(&out->config);
    TRY(store_write(b->layout, MEDIATYPE_OCI_CONFIG, config, strlen(config), &out->config_desc));
    ready_tell(b, &out->config_desc);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    m.media_type = mem_strdup(MEDIATYPE_OCI_MANIFEST);
    desc_copy(&m.config, &out->config_desc);
    desclist_copy(&m.layers, &out->layers);
    strmap_copy(&m.annotations, &b->options->annotations);
    AUTO(mem_free) char *manifest = manifest_bytes(&m);
    TRY(store_write(b->layout, MEDIATYPE_OCI_MANIFEST, manifest, strlen(manifest), &out->manifest));
    out->manifest.platform = out->config.platform;
    out->base_name = mem_strdup(s->base_name);
    return NULL;
}

static struct err *open_places(struct builder *b, struct registry *r)
{
    b->blobs = origin_store(b->layout, r, false);
    b->bases = (struct base_options){.local = b->blobs, .registry = r, .pull = b->options->pull};
    if (b->options->cache) {
        AUTO(mem_free) char *kept = path_join(b->options->cache, BASE_FOLDER);
        TRY(fs_mkdir_open(&b->cache_dir, AT_FDCWD, b->options->cache));
        TRY(layout_open(&b->kept, kept, LAYOUT_WRITE));
        b->bases.kept = b->kept;
    }
    const char *temp = getenv("TMPDIR");
    return fs_open(&b->scratch_dir, b->cache_dir >= 0 ? b->cache_dir : AT_FDCWD,
                   b->cache_dir >= 0 ? "." : (str_empty(temp) ? "/tmp" : temp), O_RDONLY | O_DIRECTORY, 0);
}

static struct err *make_plan(struct builder *b)
{
    struct plan_options options = {
        .build_args = &b->options->build_args,
        .platform = platform_is_set(&b->options->platform) ? b->options->platform : platform_host(),
        .target = b->options->target,
    };
    const struct buf *text = &b->context.dockerfile;
    diag_init(&b->diag, b->context.dockerfile_name, buf_text(text), text->len);
    dockerfile_parse(&b->file, buf_text(text), text->len, &b->diag);
    TRY(plan_make(&b->plan, &b->file, &b->diag, &options));
    b->stage = mem_zero(b->plan.count, sizeof *b->stage);
    for (size_t i = 0; i < b->plan.count; i++)
        b->stage[i].plan = &b->plan.stage[i];
    return NULL;
}

static struct err *run_build(struct builder *b, struct registry *r, struct build_result *out)
{
    const struct build_options *o = b->options;
    b->epoch = o->time == BUILD_TIME_REAL ? (int64_t)time(NULL) : o->epoch;
    b->created = config_time_text(b->epoch, 0);
    b->lock = lock_new();
    b->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->cancel_fd < 0)
        return err_sys("make an event descriptor");
    TRY(open_places(b, r));
    b->context.trust_times = o->trust_times;
    TRY(context_open(&b->context, o->context, o->file, b->scratch_dir));
    TRY(make_plan(b));
    if (o->cache_from_count && !b->no_imports)
        b->imported = cacheset_new(o->cache_from, o->cache_from_count, o->events);
    if (o->cache_to || o->cache_inline)
        b->notes = cache_notes_new();
    struct stage *target = &b->stage[b->plan.target->number];
    TRY(schedule_run(b));
    TRY(diag_error(&b->diag));
    warn_unused_args(b);
    report_warnings(b, out);
    TRY(write_image(b, target, out));
    out->steps = b->steps;
    out->steps_cached = b->steps_cached;
    out->known = !b->passes->made;
    return write_cache(b, target, out);
}

static void builder_wipe(struct builder *b)
{
    for (size_t i = 0; i < b->plan.count && b->stage; i++)
        stage_wipe(&b->stage[i]);
    free(b->stage);
    lookup_wipe(b);
    for (size_t i = 0; i < b->parts.count; i++)
        part_free(b->parts.item[i]);
    free(b->parts.item);
    desclist_wipe(&b->kept_back);
    plan_wipe(&b->plan);
    diag_wipe(&b->diag);
    dockerfile_wipe(&b->file);
    context_wipe(&b->context);
    spool_free(b->spool);
    rootfs_state_free(b->rootfs);
    cacheset_free(b->imported);
    cache_notes_free(b->notes);
    store_free(b->blobs);
    store_free(b->kept);
    if (b->cache_dir >= 0)
        fd_close(b->cache_dir);
    if (b->scratch_dir >= 0)
        fd_close(b->scratch_dir);
    if (b->cancel_fd >= 0)
        fd_close(b->cancel_fd);
    free(b->created);
    lock_free(b->lock);
}

/* What a pass came upon that the next has to do without. */
struct without {
    bool ghosts, imports;
};

/* What is said to be wrong may be so only by what a cache says of a layer. A command that fails is another
 * matter: it saw the layers themselves. */
static bool rests_on_claims(const struct builder *b, const struct err *e)
{
    enum err_kind kind = e ? err_kind_of(e) : ERR_STOPPED;
    bool doubtful =
        kind == ERR_INPUT || kind == ERR_NOT_FOUND || kind == ERR_INTEGRITY || kind == ERR_INTERNAL;
    for (size_t i = 0; doubtful && i < b->parts.count; i++)
        if (b->parts.item[i]->claimed)
            return true;
    return false;
}

static struct err *run_once(struct build_result *out, const struct build_options *options,
                            struct store *layout, struct registry *r, struct passes *passes,
                            const struct without *without, struct without *found)
{
    struct builder b = {.options = options,
                        .layout = layout,
                        .cache_dir = -1,
                        .scratch_dir = -1,
                        .cancel_fd = -1,
                        .passes = passes,
                        .no_ghosts = without->ghosts,
                        .no_imports = without->imports};
    struct err *e = run_build(&b, r, out);
    found->ghosts = atomic_load(&b.ghost_needed);
    found->imports = atomic_load(&b.import_broken) || (!found->ghosts && rests_on_claims(&b, e));
    builder_wipe(&b);
    return e;
}

static void passes_wipe(struct passes *p)
{
    strlist_wipe(&p->ran);
    json_decref(p->explained);
}

struct err *build_run(struct build_result *out, const struct build_options *options, struct store *layout,
                      struct registry *r)
{
    AUTO_VALUE(passes_wipe) struct passes passes = {.explained = options->explain ? json_array() : NULL};
    struct without without = {0}, found = {0};
    for (;;) {
        struct err *e = run_once(out, options, layout, r, &passes, &without, &found);
        bool broken = found.imports && !without.imports, ghosts = found.ghosts && !without.ghosts;
        if (!e || err_kind_of(e) == ERR_STOPPED || (!broken && !ghosts)) {
            out->explained = json_incref(passes.explained);
            return e;
        }
        if (broken)
            event_warn(options->events, "%s; once more, without caches of others", err_message(e));
        else
            event_note(options->events,
                       "the files of a step are needed that the cache only has the result of: once "
                       "more, with that step");
        without.imports = without.imports || broken;
        without.ghosts = true;
        err_free(e);
        build_result_wipe(out);
    }
}

void build_result_wipe(struct build_result *result)
{
    desc_wipe(&result->manifest);
    desc_wipe(&result->config_desc);
    config_wipe(&result->config);
    desclist_wipe(&result->layers);
    free(result->base_name);
    desc_wipe(&result->cache);
    err_free(result->cache_error);
    json_decref(result->explained);
    *result = (struct build_result){0};
}
