/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_CACHE_REQUEST_H
#define LADE_CLI_CACHE_REQUEST_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "builder/build.h"
#include "builder/cacheset.h"
#include "cli/session.h"
#include "image/ref.h"
#include "image/store.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * --cache-from and --cache-to, with buildx's words:
 *
 *     type=registry,ref=REF[,mode=min|max]     also REF alone, and REF,REF…
 *     type=local,src=DIR[,tag=TAG][,digest=D]  and dest=DIR[,tag=TAG][,mode=min|max][,reset=true]
 *     type=s3,bucket=NAME,region=NAME[,name=N;N…][,prefix=P][,endpoint_url=URL]…
 *     type=gha[,scope=NAME][,timeout=TIME]…
 *     type=inline                              in the image itself; read by type=registry
 */
enum cache_kind { CACHE_REGISTRY, CACHE_LOCAL, CACHE_INLINE, CACHE_S3, CACHE_GHA };
struct cache_place {
    enum cache_kind kind;
    char *shown;           /* for messages */
    struct ref ref;        /* CACHE_REGISTRY */
    char *path;            /* CACHE_LOCAL: the directory */
    char *tag;             /* CACHE_LOCAL: the tag or digest */
    struct strmap service; /* CACHE_S3, CACHE_GHA: all other keys (cli/cache_service.h) */
    bool max;              /* mode=max */
    bool must;             /* ignore-error=false */
    bool reset;            /* CACHE_LOCAL: blobs that no tag leads to any more are removed */
};
struct cache_places {
    struct cache_place *item;
    size_t count, room;
};

/* `to`: of --cache-to. ERR_USAGE; ERR_INPUT for references; ERR_UNSUPPORTED for types that lade does not
 * have. */
MUST_USE struct err *cache_places_parse(struct cache_places *out, const struct strlist *texts, bool to);
void cache_places_wipe(struct cache_places *p);

/* Caches opened for a build: `source` is for build_options.cache_from. */
struct cache_sources {
    struct cache_source *source;
    size_t count;
    struct strlist texts; /* what the sources borrow */
};
MUST_USE struct err *cache_sources_open(struct cache_sources *out, struct session *s,
                                        const struct cache_places *places);
void cache_sources_wipe(struct cache_sources *c);

/* Write the cache of a finished build to all places; `blobs` gives what it is made of, and `beside` (may be
 * NULL) is a reference that has its layers already. What fails is a warning unless ignore-error=false. `told`
 * gets an object for each place. */
MUST_USE struct err *cache_export(struct session *s, const struct cache_places *to,
                                  struct build_result *result, struct store *blobs, const struct ref *beside,
                                  json_t *told);

#endif
