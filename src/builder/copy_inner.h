/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_COPY_INNER_H
#define LADE_BUILDER_COPY_INNER_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "builder/account.h"
#include "builder/copy.h"
#include "builder/ignore.h"
#include "builder/mode.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the sources of the COPY step (copy*.c) share. */

/* Directories below each other that one step may make: each is a level of recursion. */
#define COPY_MAX_DEPTH 1000u

/* One step under way. */
struct copy_run {
    const struct copy_step *step;
    struct tree *layer;
    struct tree *stage;          /* NULL: nothing below the layer is looked at */
    const struct account *owner; /* NULL: no --chown */
    struct account owner_found;
    bool has_mode;
    struct mode_set mode;
    struct ignore *excludes;
    uint32_t *group; /* of one source's link groups, what each is in the layer; 0: not met yet */
    size_t group_count;
};

/*
 * copy_place.c: a name in the files of the stage, with what the step added on top of them.
 */
struct copy_place {
    struct node *added; /* in the layer; implicit when the step only passed through */
    struct node *old;   /* in the stage, also when something was added over it */
};

/* What a program in the image would see there; NULL: nothing. */
struct node *copy_visible(const struct copy_place *p);
struct copy_place copy_root(const struct copy_run *run);
MUST_USE struct err *copy_child(struct copy_place *out, const struct copy_run *run,
                                const struct copy_place *dir, const char *name);
/* The names from `base` to where `path` leads, all links resolved (`base` is their root), what is absent
 * appended. */
MUST_USE struct err *copy_resolve(struct strlist *names, const struct copy_run *run,
                                  const struct copy_place *base, const char *path);
/* What stands at these names below `base`. */
MUST_USE struct err *copy_at(struct copy_place *out, const struct copy_run *run,
                             const struct copy_place *base, const struct strlist *names);
/* Go to a directory, making those that are absent (`owner` NULL: nobody asked for one). ERR_INPUT when
 * something else stands there. */
MUST_USE struct err *copy_make_dirs(struct copy_place *out, struct copy_run *run,
                                    const struct copy_place *base, const struct strlist *names, uint32_t mode,
                                    const struct account *owner);
/* A new node in `dir`, in place of what the step added there before; directories keep their children. */
struct node *copy_fill(struct copy_run *run, const struct copy_place *dir, const char *name,
                       struct copy_place *there, enum node_type type);
/* Give an existing directory a node in the layer, implicit if there was none. */
void copy_enter(struct copy_run *run, const struct copy_place *dir, const char *name,
                struct copy_place *there);
/* The layer's node of an entered directory, for changing its metadata; and leave it implicit after all when
 * nothing changed. */
struct node *copy_touch(struct copy_run *run, struct copy_place *there);
void copy_settle(struct copy_place *there);
/* The absolute path of a name in a directory of the layer, for messages. New string. */
char *copy_shown(const struct node *dir, const char *name);

/*
 * copy_meta.c: owner, mode, time, xattrs and hard links of what is copied. `unpacked`: from an archive, which
 * knows owners and modes better than the step does.
 */
void copy_meta(struct copy_run *run, struct node *n, const struct node *from, bool unpacked);
/* The same for a directory that is there already: it keeps its own xattrs besides. */
void copy_meta_merge(struct copy_run *run, struct node *n, const struct node *from, bool unpacked);
void copy_time(const struct copy_run *run, struct node *n, const struct node *from, bool unpacked);
/* Hard links stay together within one source. */
void copy_forget_links(struct copy_run *run);

/*
 * copy_walk.c: put one file, or all that a directory holds, into a directory that has a node in the layer.
 * `includes` (--parents) may be NULL; *included counts what it let through.
 */
MUST_USE struct err *copy_file(struct copy_run *run, const struct node *from, const struct copy_place *dir,
                               const char *name);
MUST_USE struct err *copy_contents(struct copy_run *run, struct node *from, const struct copy_place *dir,
                                   const struct ignore *includes, uint64_t *included);

/*
 * copy_source.c: which files a source names. Links are followed within the tree.
 */
struct copy_match {
    struct node *node;
    char *name; /* the last component of what was asked for */
};
struct copy_matches {
    struct copy_match *item;
    size_t count, room;
};
MUST_USE struct err *copy_find(struct copy_matches *out, const struct copy_run *run, const char *source);
void copy_matches_wipe(struct copy_matches *m);
/* The error for a path that is absent; with a hint when the ignore file hides it. */
MUST_USE struct err *copy_absent(const struct copy_run *run, const char *path);

/*
 * copy_unpack.c: is the file an archive, and put what it holds into a directory.
 */
MUST_USE struct err *copy_is_archive(const struct node *file, bool *yes);
MUST_USE struct err *copy_unpack(struct copy_run *run, const struct copy_match *archive,
                                 const struct copy_place *dir);

#endif
