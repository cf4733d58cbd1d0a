/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_UNPACKED_H
#define LADE_LAYERS_UNPACKED_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "image/desc.h"
#include "image/store.h"
#include "layers/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * Layers as directories in the cache, as overlay mounts want them: a whiteout is a character device 0/0, an
 * opaque directory has the attribute user.overlay.opaque, contents and modes are those of the layer. Beside
 * each stands its tree (an indexfile) with what the layer says of owners and devices. Each layer is unpacked
 * once and shared by all builds; a directory never changes once it has its name.
 *
 * $LADE_CACHE/unpacked/KIND-ALGORITHM-HEX/{fs,index,boot}: nothing is synced to the disk, so what another
 * boot of the machine left is not trusted (`boot` holds /proc/sys/kernel/random/boot_id) and made anew.
 */
#define UNPACKED_FOLDER "unpacked"

/* How owners are on disk. */
enum unpacked_kind {
    UNPACKED_OURS, /* all files are ours, devices are empty files: for one id */
    UNPACKED_REAL, /* as the layer says: for root, or root of a user namespace */
};

struct unpacked;
/* *out is NULL when it is not there, or is damaged (and then removed). While it is open, nobody prunes it. */
MUST_USE struct err *unpacked_open(struct unpacked **out, int cache_dir, const struct digest *diff_id,
                                   enum unpacked_kind kind);
/* The same of whichever kind is there: for its tree, and for contents that are ours to read. */
MUST_USE struct err *unpacked_open_any(struct unpacked **out, int cache_dir, const struct digest *diff_id);
/* The same, unpacked from the layer's blob when it is not there. The blob is verified against `blob` and
 * `diff_id` before the directory gets its name. Two processes may do it at once. Contained: nothing outside
 * the directory is touched whatever the tar holds. */
MUST_USE struct err *unpacked_make(struct unpacked **out, int cache_dir, enum unpacked_kind kind,
                                   struct store *from, const struct desc *blob, const struct digest *diff_id);
/* The same from a tree whose contents can be read, that is: a layer that this build made. */
MUST_USE struct err *unpacked_from_tree(struct unpacked **out, int cache_dir, enum unpacked_kind kind,
                                        struct tree *layer, const struct digest *diff_id);
void unpacked_close(struct unpacked *u);
AUTO_DEFINE(struct unpacked *, unpacked_close)

const char *unpacked_path(const struct unpacked *u); /* of fs/, absolute */
int unpacked_dir(const struct unpacked *u);          /* of fs/, borrowed */
/* The layer's tree, contents CONTENT_DIR in fs/ where the blob is not needed to read them. Borrowed; lives as
 * long as `u`. */
struct tree *unpacked_tree(struct unpacked *u);

/* A tar need not say all that a directory shows. Where these layers (lowest first) mounted over each other
 * would show anything else than `merged`, their trees applied in turn, *out is one more to put on top; else
 * NULL. That is so for a directory that a layer's tar does not name (on disk it is 0755 and hides what it is
 * below), for a hard link to a file of a layer below, and for what lies in a directory that is a link below.
 * Of the root itself nothing is said: see unpacking_like. Of `merged` only metadata are looked at. */
MUST_USE struct err *unpacked_patch(struct unpacked **out, int cache_dir, enum unpacked_kind kind,
                                    struct unpacked *const *layers, size_t count, struct tree *merged);

/* A directory in the making: where a command of RUN works. */
struct unpacking;
MUST_USE struct err *unpacking_begin(struct unpacking **out, int cache_dir, enum unpacked_kind kind);
const char *unpacking_upper(const struct unpacking *u); /* fs/, absolute, empty, 0755 */
const char *unpacking_work(const struct unpacking *u);  /* absolute, empty */
const char *unpacking_root(const struct unpacking *u);  /* absolute, empty: to mount on */
int unpacking_dir(const struct unpacking *u);           /* of the upper, borrowed */
/* Give the upper the metadata of this root, that of all layers below: a mount shows those of the uppermost
 * directory. */
MUST_USE struct err *unpacking_like(struct unpacking *u, const struct node *root);
/* Give it its name: `layer` is its tree (upper.h), which is taken over, and `diff_id` that of the layer
 * written from it. When somebody else was faster, theirs is opened. `u` is freed in any case. */
MUST_USE struct err *unpacking_commit(struct unpacked **out, struct unpacking *u_take,
                                      struct tree *layer_take, const struct digest *diff_id);
void unpacking_free(struct unpacking *u); /* and remove it */
AUTO_DEFINE(struct unpacking *, unpacking_free)

/* What there is, in the order in which it should go. */
struct unpacked_entry {
    char *name;           /* in the folder: KIND-ALGORITHM-HEX of what is useful */
    uint64_t bytes;       /* 0 while it is being made */
    struct timespec used; /* last */
    bool useful;          /* else it is unfinished, or of another boot */
    bool in_use;          /* now, by some process */
};
struct unpacked_list {
    struct unpacked_entry *item;
    size_t count, room;
};
MUST_USE struct err *unpacked_entries(struct unpacked_list *out, int cache_dir);
void unpacked_list_wipe(struct unpacked_list *list);
/* *removed is false when somebody uses it, or was faster. ERR_DENIED naming the layer when it holds files of
 * others, which a range of ids leaves and only its root can remove. */
MUST_USE struct err *unpacked_drop(int cache_dir, const char *name, bool *removed);

/* Remove those that nobody uses, the longest unused first, until no more than `keep` bytes are left.
 * Left-overs of processes that died go always. ERR_DENIED as above. By itself the folder keeps to the limit
 * of the cache (cachelimit.h), and to 20 GB when none is set, looked at once a minute and after each large
 * layer.
 */
MUST_USE struct err *unpacked_prune(int cache_dir, uint64_t keep, uint64_t *freed);

#endif
