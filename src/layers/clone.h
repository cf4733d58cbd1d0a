/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_CLONE_H
#define LADE_LAYERS_CLONE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * Copy a directory of lade's own cache into another one: contents (shared blocks where the file system can),
 * modes, times, links, hard links within, extended attributes, and owners where we may set them. What is
 * there already is replaced, directories are merged.
 */
struct clone_options {
    bool overlay; /* `from` is a layer as overlay has it: its whiteouts and opaque directories remove what is
                     there */
    bool owners;  /* set owners: they are real on disk */
};
MUST_USE struct err *clone_dir(int to, int from, const struct clone_options *options);

#endif
