/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_LAYOUT_H
#define LADE_IMAGE_LAYOUT_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "image/desc.h"
#include "image/digestset.h"
#include "image/store.h"

#include <stdbool.h>

/*
 * A store in an OCI image layout directory (OCI image-spec v1.1 image-layout.md). It owns its directory
 * descriptor, and nobody else builds paths of blobs. Names stand in index.json as
 * org.opencontainers.image.ref.name. Several processes may share it: see design section "Where things are
 * kept". Blobs are written beside their place and renamed into it.
 *
 * A blob of a base may be absent. Its origin ("host/repository") is then kept in
 * lade/origin/<algorithm>/<hex>; `origin` of the store gives it, also for blobs that are there.
 */
enum layout_mode {
    LAYOUT_READ,   /* must exist; shared lock */
    LAYOUT_WRITE,  /* made when absent; shared lock */
    LAYOUT_REMOVE, /* must exist; exclusive lock, waits for the others */
};

/* `path` is a directory. ERR_NOT_FOUND, ERR_INPUT when it is something else or of another layout version. */
MUST_USE struct err *layout_open(struct store **out, const char *path, enum layout_mode mode);
/* Is another process at work in the directory, so that LAYOUT_REMOVE would wait? For telling the user; false
 * when it cannot be known. */
bool layout_is_busy(const char *path);

/* The store at the default place, layout_default_path, made when absent in LAYOUT_WRITE. */
MUST_USE struct err *layout_open_default(struct store **out, enum layout_mode mode);
/* $LADE_STORE, else $XDG_DATA_HOME/lade/store, else ~/.local/share/lade/store. New string; NULL when HOME is
 * unset too. */
char *layout_default_path(void);

/* A sink for a blob whose digest is not known yet: call layout_blob_done after the last write, which commits
 * and fills digest and size of `d` (media type is left alone). */
MUST_USE struct err *layout_blob_new(struct store *layout, struct sink **out);
MUST_USE struct err *layout_blob_done(struct store *layout, struct sink *blob, struct desc *d);
/* After that: was a blob with this digest and size there before? */
bool layout_blob_was_there(const struct sink *blob);

/* An unlinked file on the layout's file system, open to read and write. */
MUST_USE struct err *layout_temp(struct store *layout, int *fd);

/* A file descriptor of a blob, for who takes parts out of it and verifies them; -1 when the blob is not there
 * with its size. */
MUST_USE struct err *layout_blob_open(struct store *layout, const struct desc *d, int *fd);

/* Remember where an absent blob can be had. */
MUST_USE struct err *layout_set_origin(struct store *layout, const struct desc *d, const char *origin);

/* All names and what they name, in the order of index.json. The name is the annotation (may be missing:
 * NULL). */
struct layout_entry {
    char *name;
    struct desc desc;
};
struct layout_list {
    struct layout_entry *item;
    size_t count, room;
    size_t unreadable; /* entries that are no descriptors, which are left out */
};
MUST_USE struct err *layout_list(struct store *layout, struct layout_list *out);
void layout_list_wipe(struct layout_list *list);
/* Remove a name; *found. Needs no exclusive lock. */
MUST_USE struct err *layout_untag(struct store *layout, const char *name, bool *found);
/* Add what a blob leads to, itself too; NULL: what all names lead to. What only looks like a descriptor
 * counts: a blob too many costs space, a blob too few an image. */
MUST_USE struct err *layout_reached(struct store *layout, const struct digest *from, struct digestset *out);
/* Remove all blobs that no name reaches. Needs LAYOUT_REMOVE. *bytes: what was freed. */
MUST_USE struct err *layout_sweep(struct store *layout, uint64_t *bytes);

/* What verifying and repairing take besides (layout_repair.c). All files where blobs are, in no order; those
 * that are being written are left out. */
struct layout_file {
    struct digest digest; /* not set: its name is no digest */
    char *path;           /* "blobs/sha256/…" */
    uint64_t size;
};
struct layout_files {
    struct layout_file *item;
    size_t count, room;
};
MUST_USE struct err *layout_files(struct store *layout, struct layout_files *out);
void layout_files_wipe(struct layout_files *files);
/* Remove a blob that is there. Needs LAYOUT_REMOVE. */
MUST_USE struct err *layout_drop_blob(struct store *layout, const struct digest *digest);
/* Remove all entries of index.json that name this blob; NULL: those that are no descriptors. Needs
 * LAYOUT_REMOVE. */
MUST_USE struct err *layout_drop_entries(struct store *layout, const struct digest *digest);

#endif
