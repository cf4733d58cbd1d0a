/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ARCHIVE_H
#define LADE_LAYERS_ARCHIVE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "base/str.h"
#include "image/store.h"

#include <stdbool.h>

/*
 * Images in a tar: oci-archive (an OCI layout in a tar) and docker-archive (what docker save writes and docker load reads).
 */
enum archive_kind { ARCHIVE_OCI, ARCHIVE_DOCKER };

/* A store that writes an archive as a stream: blobs as they are put, names at commit. `name` is for messages. resolve and get are ERR_UNSUPPORTED;
 * ARCHIVE_DOCKER takes one image for each tag, whose layers it writes uncompressed. The sink is owned; archive_commit ends and commits it. */
MUST_USE struct err *archive_create(struct store **out, struct sink *to_take, enum archive_kind kind, const char *name);
MUST_USE struct err *archive_commit(struct store *archive);

/* Read an archive, plain or compressed, of either kind (told by content), into `layout`, verified; the images' names stay. Then use the layout. Docker archives become OCI
 * images with uncompressed layers. *names lists the references found ("" for a nameless image). */
MUST_USE struct err *archive_import(struct store *layout, struct source *from, const char *name, struct strlist *names);

#endif
