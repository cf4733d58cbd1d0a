/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_LAYERS_ARCHIVE_INNER_H
#define LADE_LAYERS_ARCHIVE_INNER_H

/* What writing and reading archives have in common: the names of an OCI layout's files (image-spec v1.1
 * image-layout.md), docker's file, and the annotations that name an image. */
#define ARCHIVE_INDEX "index.json"
#define ARCHIVE_LAYOUT "oci-layout"
#define ARCHIVE_DOCKER_MANIFEST "manifest.json"
#define ARCHIVE_REF_NAME "org.opencontainers.image.ref.name"
#define ARCHIVE_CONTAINERD_NAME "io.containerd.image.name"

#endif
