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
 * Images in a tar: oci-archive (an OCI layout in a tar) and docker-archive (what docker load reads).
 */
enum archive_kind { ARCHIVE_OCI, ARCHIVE_DOCKER };

/*
 * A store that writes an archive as a stream: each blob as it is put, then at commit index.json and
 * oci-layout; ARCHIVE_DOCKER is the same with manifest.json between them, as buildx writes it: layers keep
 * their bytes, docker load takes gzip. Puts from several threads are taken one after another in the order in
 * which they come, so the archive's bytes are the same every time only when one thread puts:
 * copy_options.jobs 1. The sink is owned; `name` is for messages. get and resolve are ERR_UNSUPPORTED.
 *
 * Tags: for ARCHIVE_OCI any text, kept as org.opencontainers.image.ref.name; for ARCHIVE_DOCKER a reference
 * ("app:1"), and what it names is one image, not an index of several (ERR_UNSUPPORTED). NULL: an image
 * without a name.
 */
MUST_USE struct err *archive_create(struct store **out, struct sink *to_take, enum archive_kind kind,
                                    const char *name);
/* Write the end and commit the sink. ERR_INTERNAL when a put has failed before. */
MUST_USE struct err *archive_commit(struct store *archive);

/*
 * Read an archive of either kind, told by its content, plain or compressed, in one pass into `layout` (opened
 * for writing); then use the layout. Every blob is verified (ERR_INTEGRITY); blobs that nothing names may be
 * left in the layout. An archive with index.json keeps its manifests byte for byte; from one with
 * manifest.json alone (docker save before 25, podman save) an OCI manifest is made over the config and layers
 * as they are, whose plain bytes must have the config's diff IDs.
 *
 * Images are tagged with the names that the archive gives them. Those that are references stand in the layout
 * also in their short and full form ("app:1", "docker.io/library/app:1"); an image without a name is tagged
 * with its digest. *names (cleared first) lists one name for each image and name in the archive. ERR_INPUT
 * for what is no such archive, ERR_UNSUPPORTED for docker's form before 1.10.
 */
MUST_USE struct err *archive_import(struct store *layout, struct source *from, const char *name,
                                    struct strlist *names);

#endif
