/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_MEDIATYPE_H
#define LADE_IMAGE_MEDIATYPE_H

#include <stdbool.h>

/* One table of media types, OCI image-spec v1.1 media-types.md and Docker's twins. */

#define MEDIATYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIATYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIATYPE_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIATYPE_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIATYPE_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIATYPE_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIATYPE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIATYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIATYPE_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIATYPE_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"
#define MEDIATYPE_DOCKER_LAYER_GZIP "application/vnd.docker.image.rootfs.diff.tar.gzip"

enum mediatype_kind {
    MEDIATYPE_OTHER,
    MEDIATYPE_INDEX,    /* has child manifests */
    MEDIATYPE_MANIFEST, /* has a config and layers */
    MEDIATYPE_CONFIG,
    MEDIATYPE_LAYER,
};
enum mediatype_compression { COMPRESSION_UNKNOWN, COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

enum mediatype_kind mediatype_kind_of(const char *type);
enum mediatype_compression mediatype_compression_of(const char *type);
bool mediatype_is_foreign(const char *type); /* non-distributable layers */
/* An index or a manifest: what a registry keeps under /manifests/. */
bool mediatype_is_manifest(const char *type);
bool mediatype_is_docker(const char *type);
/* The OCI twin of a Docker type (for new manifests over a Docker base: same bytes, OCI name); others as they
 * are. */
const char *mediatype_to_oci(const char *type);
/* The Docker twin of an OCI type, or NULL when Docker has none. Docker types as they are. */
const char *mediatype_to_docker(const char *type);
/* All manifest and index types, comma separated, for an Accept header. */
const char *mediatype_accept(void);

#endif
