/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/cache_request.h"
#include "cli/cache_service.h"
#include "cli/endpoint.h"
#include "image/copy.h"
#include "image/layout.h"
#include "push/hint.h"
#include "push/push.h"
#include "registry/origin.h"

#include <stdlib.h>

/* A directory that is not there yet is an empty cache, and one that cannot be read costs time only. */
static struct err *open_local(struct session *s, const struct cache_place *p, struct cache_source *out)
{
    struct err *e = layout_open(&out->store, p->path, LAYOUT_READ);
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        event_note(&s->events, "cache from %s: there is nothing yet", p->shown);
        err_free(e);
        return NULL;
    }
    if (e && err_kind_of(e) != ERR_STOPPED) {
        event_warn(&s->events, "cache from %s is not used: %s", p->shown, err_message(e));
        err_free(e);
        return NULL;
    }
    out->tag = p->tag;
    return e;
}

static struct err *open_registry(struct session *s, const struct cache_place *p, struct strlist *texts,
                                 struct cache_source *out)
{
    char digest[DIGEST_TEXT];
    struct registry *registry = NULL;
    TRY(session_registry(s, &registry));
    TRY(registry_repository(registry, &p->ref, false, &out->store));
    bool by_digest = digest_is_set(&p->ref.digest);
    strlist_add(texts, by_digest ? digest_text(&p->ref.digest, digest) : p->ref.tag);
    out->tag = texts->item[texts->count - 1];
    strlist_add_take(texts, ref_name(&p->ref));
    out->origin = texts->item[texts->count - 1];
    return NULL;
}

/* A source for each of its names. That it cannot be opened costs time only. */
static struct err *open_service(struct session *s, const struct cache_place *p, struct cache_sources *out,
                                size_t *room)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    cache_service_names(p, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct cache_source source = {.name = p->shown};
        struct err *e = cache_service_open(&source.store, s, p);
        if (e && err_kind_of(e) == ERR_STOPPED)
            return e;
        if (e) {
            event_warn(&s->events, "cache from %s is not used: %s", p->shown, err_message(e));
            err_free(e);
            return NULL;
        }
        strlist_add(&out->texts, names.item[i]);
        source.tag = out->texts.item[out->texts.count - 1];
        MEM_PUSH(out->source, out->count, *room, source);
    }
    return NULL;
}

struct err *cache_sources_open(struct cache_sources *out, struct session *s,
                               const struct cache_places *places)
{
    size_t room = 0;
    for (size_t i = 0; i < places->count; i++) {
        const struct cache_place *p = &places->item[i];
        struct cache_source source = {.name = p->shown};
        if (p->kind == CACHE_S3 || p->kind == CACHE_GHA) {
            TRY(open_service(s, p, out, &room));
            continue;
        }
        TRY(p->kind == CACHE_LOCAL ? open_local(s, p, &source) : open_registry(s, p, &out->texts, &source));
        if (source.store)
            MEM_PUSH(out->source, out->count, room, source);
    }
    return NULL;
}

void cache_sources_wipe(struct cache_sources *c)
{
    for (size_t i = 0; i < c->count; i++)
        store_free(c->source[i].store);
    free(c->source);
    strlist_wipe(&c->texts);
    *c = (struct cache_sources){0};
}

/* As an image is published, but with rules of its own: a cache is always replaced. */
static struct err *export_registry(struct session *s, const struct cache_place *p, const struct desc *cache,
                                   struct store *blobs, const struct ref *beside)
{
    struct push_options options = {.jobs = (unsigned)s->shared->jobs, .events = &s->events};
    struct push_target target = {.ref = p->ref}; /* borrowed */
    AUTO(push_free) struct push *push = NULL;
    struct registry *registry = NULL;
    bool near = beside && str_eq(beside->registry, p->ref.registry);
    AUTO(mem_free) char *origin = near ? ref_name(beside) : NULL;
    AUTO(store_free) struct store *hinted = origin ? hint_store(blobs, origin) : NULL;
    TRY(session_registry(s, &registry));
    TRY(push_begin(&push, registry, hinted ? hinted : blobs, &target, 1, &options));
    struct err *e = push_finish(push, cache);
    desc_wipe(&target.pushed);
    return e;
}

/* What the caches before this one left. */
static struct err *reset_local(const struct cache_place *p)
{
    AUTO(store_free) struct store *layout = NULL;
    uint64_t bytes = 0;
    TRY(layout_open(&layout, p->path, LAYOUT_REMOVE));
    return layout_sweep(layout, &bytes);
}

static struct err *export_local(struct session *s, const struct cache_place *p, const struct desc *cache,
                                struct store *blobs)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    strlist_add(&names, p->tag);
    struct archive_target to = {.kind = PLACE_OCI_DIR, .path = p->path, .names = names};
    TRY(endpoint_archive(s, blobs, cache, &to));
    return p->reset ? reset_local(p) : NULL;
}

static struct err *export_service(struct session *s, const struct cache_place *p, const struct desc *cache,
                                  struct store *blobs)
{
    AUTO(store_free) struct store *to = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    cache_service_names(p, &names);
    TRY(cache_service_open(&to, s, p));
    struct copy_options options = {.jobs = cache_service_jobs(p, (unsigned)s->shared->jobs),
                                   .events = &s->events,
                                   .verb = "copy",
                                   .tag = names.item[0]};
    TRY(copy_graph(to, blobs, cache, &options, NULL));
    for (size_t i = 1; i < names.count; i++)
        TRY(store_tag(to, names.item[i], cache));
    return NULL;
}

static struct err *export_one(struct session *s, const struct cache_place *p, struct build_result *result,
                              struct store *blobs, const struct ref *beside)
{
    if (p->kind == CACHE_INLINE)
        return NULL; /* it is in the image */
    if (result->cache_error)
        return TAKE(result->cache_error);
    if (!result->cache.media_type)
        return err_new(ERR_RESOURCE, "there is no cache to write");
    if (p->kind == CACHE_S3 || p->kind == CACHE_GHA)
        return export_service(s, p, &result->cache, blobs);
    return p->kind == CACHE_LOCAL ? export_local(s, p, &result->cache, blobs)
                                  : export_registry(s, p, &result->cache, blobs, beside);
}

static void tell(json_t *told, const struct cache_place *p, const struct err *e)
{
    json_t *entry = json_object();
    json_put(entry, "to", json_new_str(p->shown));
    if (e)
        json_put(entry, "error", json_new_str(err_message(e)));
    json_push(told, entry);
}

struct err *cache_export(struct session *s, const struct cache_places *to, struct build_result *result,
                         struct store *blobs, const struct ref *beside, json_t *told)
{
    for (size_t i = 0; i < to->count; i++) {
        const struct cache_place *p = &to->item[i];
        struct err *e = err_wrap(export_one(s, p, result, blobs, beside), "cache to %s", p->shown);
        tell(told, p, e);
        if (e && (p->must || err_kind_of(e) == ERR_STOPPED))
            return e;
        if (e)
            event_warn(&s->events, "%s; the image is not affected", err_message(e));
        err_free(e);
    }
    return NULL;
}
