/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_STAGE_H
#define LADE_BUILDER_STAGE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "builder/base.h"
#include "builder/build.h"
#include "builder/cacheset.h"
#include "builder/context.h"
#include "builder/dockerfile.h"
#include "builder/expand.h"
#include "builder/plan.h"
#include "image/config.h"
#include "layers/spool.h"
#include "layers/tree.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A build under way: what its stages share, and what each stage has become so far. A stage's image is a list
 * of layers (parts) and a config; its files are a tree merged from the parts' trees, made only when a step
 * asks for them.
 *
 * Stages are built side by side (schedule.h). Whoever works on the builder or on any stage holds the
 * builder's lock; around what takes long it is given up:
 *
 *     builder_unlock(b);
 *     struct err *e = layer_write(…);
 *     builder_lock(b);
 *
 * Meanwhile others change all that the builder holds, but not: a stage that is not theirs; a
 * part (all but `busy`, and what part_begin guards); options, plan, context (but for its tree, whose
 * directories are read when somebody looks), layout, blobs, bases, the descriptors. Pointers into the lists
 * of parts, images and stages stay good.
 */

/* One layer. Its descriptor is set in bases and in the result's layers. The tree is read (bases) or made
 * (steps) by this build; parts are shared by stages and owned by the builder. */
struct part {
    struct desc desc;
    struct digest diff_id; /* set in bases, in the result's layers, and after stage_diff_ids */
    char *about;           /* what a made one is, in words that last from build to build, or NULL */
    struct tree *tree; /* NULL: a base layer that nobody looked into yet. Never changed once another stage can
                          see it, so that it may be read without the lock */
    struct unpacked *unpacked; /* the layer as files (layers/unpacked.h), once a RUN needed it; owned */
    bool tree_of_unpacked;     /* `tree` belongs to `unpacked` … */
    struct unpacked *shown; /* … or, where this is set, to this: of a layer that a build before unpacked */
    bool made;              /* by this build: contents of `tree` can be read */
    bool faked;             /* its owners are not what a command asked for: in no cache for others */
    bool imported;          /* a cache of others told of it: its blob may be gone */
    bool base;              /* it came with an image that FROM or COPY --from names */
    bool claimed;           /* `tree` is what a cache of others says, and was never compared with the layer */
    bool busy;              /* somebody is about to set what is not set yet: part_begin */
};
void part_free(struct part *part);
/* A ghost: somebody's cache knows which layer it is, and nobody has its files. A build can go by as long as
 * nobody reads them. */
bool part_is_ghost(const struct part *part);
struct part_list {
    struct part **item;
    size_t count, room;
};

enum stage_state { STAGE_WAITING, STAGE_BUILDING, STAGE_DONE, STAGE_FAILED };

struct stage {
    const struct stage_plan *plan; /* NULL: an image that COPY --from names */
    enum stage_state state;
    struct err *error;         /* STAGE_FAILED: why */
    char *base_name;           /* the image below, or NULL */
    struct digest base_digest; /* that its name led to */
    struct config config;
    struct strmap env;      /* what expansion sees: the config's environment and ARGs */
    struct strlist args;    /* the names of its ARGs and of those of stages below, each once, in order */
    bool cmd_set;           /* CMD stands in this stage */
    struct part_list parts; /* base first; borrowed */
    struct tree *files;     /* merged from … */
    size_t merged;          /* … so many parts; NULL: none yet */
    unsigned step, steps;   /* for "[name 2/5]" */
    char *shown;            /* the step that is under way, as people see it */
    struct digest running;  /* the key of the RUN that it is at (step_run.c) */
    const char *taken_from; /* whose cache its layer came from; NULL: this machine's */
    bool layer_lost;        /* this machine had a record of it, and not the layer */
};

/* A build may be done in two passes, because of ghosts. */
struct passes {
    struct strlist ran; /* steps that were run, as people see them */
    bool made;          /* something was made that was not known before (ready.h) */
    json_t *explained;  /* for --explain-cache (explain.h), or NULL */
};

struct builder {
    struct lock *lock; /* of what follows; see above */
    const struct build_options *options;
    struct store *layout;
    struct store *blobs; /* the layout, with absent blobs from their origins */
    struct base_options bases;
    struct store *kept; /* the cache's layout of manifests and configs, or NULL */
    int cache_dir;      /* -1: none */
    int scratch_dir;    /* for temporary files */
    struct context context;
    struct dockerfile file;
    struct diag diag;
    struct plan plan;
    struct stage *stage;  /* as plan.stage */
    struct stage **image; /* COPY --from=image, by base_name */
    size_t image_count, image_room;
    struct lookup **lookup; /* what image names were found to mean (lookup.h) */
    size_t lookup_count, lookup_room;
    struct part_list parts;      /* all, owned */
    struct rootfs_state *rootfs; /* what RUN steps share (rootfs.h), made by the first */
    struct cacheset *imported;   /* what --cache-from knows, or NULL */
    struct desclist kept_back;   /* blobs that nobody is told of yet (ready.h) */
    struct passes *passes;       /* what outlasts a build that is begun once more */
    struct cache_notes *notes;   /* for --cache-to (cachewrite.h), or NULL */
    bool no_ghosts;              /* layers that are nowhere are made again */
    bool no_imports;             /* options.cache_from does not count */
    atomic_bool ghost_needed;    /* the files of one were wanted: build once more without */
    atomic_bool
        import_broken; /* a layer that a cache told of cannot be had: once more, without those caches */
    struct spool *spool;
    unsigned step_id;           /* of events */
    size_t steps, steps_cached; /* that make layers, so far */
    unsigned working;           /* threads that build stages */
    bool cancelled;             /* a stage failed, or the time is over: nothing new is begun */
    bool timed_out;
    int cancel_fd;        /* readable once cancelled */
    uint64_t deadline_ms; /* of clock_ms; 0: none */
    int64_t epoch;        /* the build's time: SOURCE_DATE_EPOCH or the present */
    char *created;        /* RFC 3339 */
};

void builder_lock(struct builder *b);
void builder_unlock(struct builder *b);

/* Between these, nobody else sets what `part` lacks: its tree, its diff ID. It waits for whoever is at it, so
 * look again after part_begin. Hold only one part at a time. */
void part_begin(struct builder *b, struct part *part);
void part_end(struct builder *b, struct part *part);
/* Between these: the tree of a base's layer if the cache has it, as an index or beside files. The lock is
 * given up meanwhile. */
void part_find_tree(struct builder *b, struct part *part);

/* See to it that the part has its diff ID. */
MUST_USE struct err *part_digest(struct builder *b, struct part *part);
/* Did somebody look into layers of the stage that only a cache of others has told of? What is made of that is
 * no business of builds that do not name this cache. NULL: no. */
bool stage_is_claimed(const struct stage *s);
/* An error of reading the part's blob: when a cache told of it, the build can do without. Any thread. */
MUST_USE struct err *part_unreadable(struct builder *b, const struct part *part, struct err *cause_take);
/* ERR_NOT_FOUND, noted in the builder, when the files of a ghost are wanted. Any thread. */
MUST_USE struct err *part_want_files(struct builder *b, const struct part *part);

/* Make `s` the image `base`, with the environment that expansion sees. The layout learns where the base's
 * blobs can be had. */
MUST_USE struct err *stage_from_image(struct builder *b, struct stage *s, const struct base_image *base);
/* What --from names: a stage, built now when nobody needed it before, or an image. It is done then. What goes
 * wrong in that stage has its own place already. */
MUST_USE struct err *stage_source(struct builder *b, const struct stage *s, const struct word *from,
                                  struct stage **out);
/* Make `s` what `base` is now; ONBUILD triggers do not carry over. */
void stage_from_stage(struct stage *s, const struct stage *base);
void stage_wipe(struct stage *s);

/* The merged tree, made on the first call. Borrowed from the stage. */
MUST_USE struct err *stage_files(struct builder *b, struct stage *s, struct tree **out);

/* Put the layer that a step made on top, and write it when it is one of the result's: a stage that is only
 * copied from needs no blobs, its tree says where the contents are. Nothing is added when the step changes
 * nothing; *empty says so. The tree is taken over. `what` says what the step does, in words by which the next
 * build knows the layer again (layer_options.about); NULL: it is not worth remembering. */
MUST_USE struct err *stage_add_layer(struct builder *b, struct stage *s, struct tree *layer_take,
                                     const char *what, bool *empty);

/* The same with a layer that is known already: `layer_take` has its descriptor (not set: its blob is nowhere,
 * which the result cannot have) and diff ID, and its tree with owner, or none where the blob is there. */
void stage_add_part(struct builder *b, struct stage *s, const struct part *layer_take);

/* See to it that all layers of the stage have their diff ID, also those that are written nowhere. */
MUST_USE struct err *stage_diff_ids(struct builder *b, struct stage *s);

/* Expand a word with the stage's environment, warning of variables that are not set. New string. ERR_INPUT
 * shows the place. */
MUST_USE struct err *stage_expand(struct builder *b, struct stage *s, const struct word *word, char **out);
MUST_USE struct err *stage_expand_words(struct builder *b, struct stage *s, const struct word *word,
                                        struct strlist *out);

/* A history entry of this build. */
void stage_history(struct builder *b, struct stage *s, const char *created_by, bool empty_layer);

/* A mistake at a place of the Dockerfile, with its line shown. Other kinds than ERR_INPUT keep their kind.
 * NULL in, NULL out. */
MUST_USE struct err *builder_mistake(struct builder *b, struct span at, struct err *cause_take);

/* Tell the watcher that a step begins and ends: "[name 2/5] text". */
unsigned stage_step_begin(struct builder *b, struct stage *s, const char *text);
void stage_step_end(struct builder *b, unsigned id, const char *text);

#endif
