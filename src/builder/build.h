/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_BUILD_H
#define LADE_BUILDER_BUILD_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/cacheset.h"
#include "builder/run_options.h"
#include "image/config.h"
#include "image/event.h"
#include "image/manifest.h"
#include "image/platform.h"
#include "image/store.h"
#include "layers/layer.h"
#include "layers/tree.h"
#include "registry/registry.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A Dockerfile to an image in a layout: parse, plan, run the steps of the stages that the target needs, write
 * config and manifest. Nothing is named and nothing is published here: that is the caller's, with the
 * descriptor that comes out.
 */

#define BUILD_EPOCH_DEFAULT INT64_C(315532800) /* 1980-01-01: see doc/architecture.md */

enum build_time { BUILD_TIME_EPOCH, BUILD_TIME_REAL };

struct build_options {
    const char *context; /* a directory, or "-": a Dockerfile or a tar on standard input */
    const char *file;    /* the Dockerfile: a path, "-", or NULL: Dockerfile in the context */
    const char *target;  /* a stage's name or number, or NULL: the last */
    struct strmap build_args;
    struct strmap labels;
    struct strmap annotations; /* of the manifest */
    struct platform platform;  /* not set: this machine's */
    enum build_time time;
    int64_t epoch; /* seconds; with BUILD_TIME_EPOCH */
    bool pull;     /* always ask the registry for bases */
    bool complete; /* fetch base blobs that nothing reads too */
    struct layer_options layer;
    struct run_options run;
    bool trust_times;                      /* of the context's files: see struct tree_dir_options */
    unsigned jobs;                         /* 0: one for each processor */
    const struct cache_source *cache_from; /* caches to read from (cacheset.h), the best first */
    size_t cache_from_count;
    bool cache_to, cache_max; /* write a cache for others, with the layers of all stages */
    bool explain;             /* say of each step why it was taken or run */
    bool cache_inline;        /* put one into the image's config */
    const char *cache;        /* the cache directory, made when absent; NULL: keep nothing between builds */
    const struct events *events;
};

/* What a build left. Descriptors are of blobs in the layout. */
struct build_result {
    struct desc manifest;
    struct desc config_desc;
    struct config config;
    struct desclist layers;  /* base first; base layers may be absent from the layout, with origin */
    char *base_name;         /* of the target's base image, or NULL */
    struct desc cache;       /* the manifest of the cache that was written (cachewrite.h) */
    struct err *cache_error; /* why there is none, though one was asked for */
    json_t *explained;       /* with options.explain, also when the build fails: see explain.h */
    size_t warnings;
    size_t steps, steps_cached; /* that make layers, and how many of them came from a cache */
    bool known;                 /* nothing was run, and no layer made that was not known before */
};

/* Build into `layout` with what `r` can pull.
 * Errors: ERR_INPUT with file, line and column for what is wrong in the Dockerfile or the context, all that
 * can be found without building in one go; ERR_STEP for a command of RUN that fails; ERR_NOT_FOUND for absent
 * files, stages, images; whatever stores return. */
MUST_USE struct err *build_run(struct build_result *out, const struct build_options *options,
                               struct store *layout, struct registry *r);
void build_result_wipe(struct build_result *result);

/* The files of an image, all layers merged and every content ready to be read: for -o type=local and
 * type=tar. `store` gives the layers' blobs (registry/origin.h), `cache` is as in build_options. The spool
 * must outlive the tree. */
MUST_USE struct err *build_files(struct tree **out, struct store *store, const struct desclist *layers,
                                 const struct config *config, const char *cache, struct spool *spool);

#endif
