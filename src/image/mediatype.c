/* SPDX-License-Identifier: Apache-2.0 */
#include "image/mediatype.h"

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct known {
    const char *type;
    enum mediatype_kind kind;
    enum mediatype_compression compression;
    bool foreign;
    const char *oci; /* the OCI twin of a Docker type */
};

#define OCI_FOREIGN "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define DOCKER_FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct known table[] = {
    {MEDIATYPE_OCI_INDEX, MEDIATYPE_INDEX, COMPRESSION_NONE, false, NULL},
    {MEDIATYPE_OCI_MANIFEST, MEDIATYPE_MANIFEST, COMPRESSION_NONE, false, NULL},
    {MEDIATYPE_OCI_CONFIG, MEDIATYPE_CONFIG, COMPRESSION_NONE, false, NULL},
    {MEDIATYPE_OCI_LAYER, MEDIATYPE_LAYER, COMPRESSION_NONE, false, NULL},
    {MEDIATYPE_OCI_LAYER_GZIP, MEDIATYPE_LAYER, COMPRESSION_GZIP, false, NULL},
    {MEDIATYPE_OCI_LAYER_ZSTD, MEDIATYPE_LAYER, COMPRESSION_ZSTD, false, NULL},
    {OCI_FOREIGN, MEDIATYPE_LAYER, COMPRESSION_NONE, true, NULL},
    {OCI_FOREIGN "+gzip", MEDIATYPE_LAYER, COMPRESSION_GZIP, true, NULL},
    {OCI_FOREIGN "+zstd", MEDIATYPE_LAYER, COMPRESSION_ZSTD, true, NULL},
    {MEDIATYPE_DOCKER_LIST, MEDIATYPE_INDEX, COMPRESSION_NONE, false, MEDIATYPE_OCI_INDEX},
    {MEDIATYPE_DOCKER_MANIFEST, MEDIATYPE_MANIFEST, COMPRESSION_NONE, false, MEDIATYPE_OCI_MANIFEST},
    {MEDIATYPE_DOCKER_CONFIG, MEDIATYPE_CONFIG, COMPRESSION_NONE, false, MEDIATYPE_OCI_CONFIG},
    {MEDIATYPE_DOCKER_LAYER, MEDIATYPE_LAYER, COMPRESSION_NONE, false, MEDIATYPE_OCI_LAYER},
    {MEDIATYPE_DOCKER_LAYER_GZIP, MEDIATYPE_LAYER, COMPRESSION_GZIP, false, MEDIATYPE_OCI_LAYER_GZIP},
    /* In no document, but containerd writes it. */
    {MEDIATYPE_DOCKER_LAYER ".zstd", MEDIATYPE_LAYER, COMPRESSION_ZSTD, false, MEDIATYPE_OCI_LAYER_ZSTD},
    {DOCKER_FOREIGN, MEDIATYPE_LAYER, COMPRESSION_NONE, true, OCI_FOREIGN},
    {DOCKER_FOREIGN ".gzip", MEDIATYPE_LAYER, COMPRESSION_GZIP, true, OCI_FOREIGN "+gzip"},
};

static const struct known *find(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_LEN(table); i++)
        if (str_eq(table[i].type, type))
            return &table[i];
    return NULL;
}

enum mediatype_kind mediatype_kind_of(const char *type)
{
    const struct known *known = find(type);
    return known ? known->kind : MEDIATYPE_OTHER;
}

enum mediatype_compression mediatype_compression_of(const char *type)
{
    const struct known *known = find(type);
    return known ? known->compression : COMPRESSION_UNKNOWN;
}

bool mediatype_is_foreign(const char *type)
{
    const struct known *known = find(type);
    return known && known->foreign;
}

bool mediatype_is_manifest(const char *type)
{
    enum mediatype_kind kind = mediatype_kind_of(type);
    return kind == MEDIATYPE_INDEX || kind == MEDIATYPE_MANIFEST;
}

bool mediatype_is_docker(const char *type)
{
    return type && str_starts(type, "application/vnd.docker.");
}

const char *mediatype_to_oci(const char *type)
{
    const struct known *known = find(type);
    return known && known->oci ? known->oci : type;
}

const char *mediatype_to_docker(const char *type)
{
    if (mediatype_is_docker(type))
        return type;
    for (size_t i = 0; type && i < ARRAY_LEN(table); i++)
        if (table[i].oci && str_eq(table[i].oci, type) && table[i].compression != COMPRESSION_ZSTD)
            return table[i].type;
    return NULL;
}

const char *mediatype_accept(void)
{
    return MEDIATYPE_OCI_INDEX ", " MEDIATYPE_OCI_MANIFEST ", " MEDIATYPE_DOCKER_LIST
                               ", " MEDIATYPE_DOCKER_MANIFEST;
}
