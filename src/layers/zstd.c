/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/zstd.h"

#include "base/mem.h"

#include <zstd.h>

struct zstd {
    ZSTD_CCtx *context;
};

static struct err *failed(size_t result)
{
    return ZSTD_isError(result)
               ? err_new(ERR_INTERNAL, "compress: libzstd reports: %s", ZSTD_getErrorName(result))
               : NULL;
}

struct err *zstd_new(struct zstd **out, int level)
{
    AUTO(zstd_free) struct zstd *z = mem_zero(1, sizeof *z);

    z->context = ZSTD_createCCtx();
    if (!z->context)
        mem_exhausted();
    TRY(failed(ZSTD_CCtx_setParameter(z->context, ZSTD_c_compressionLevel, level)));
    *out = TAKE(z);
    return NULL;
}

void zstd_free(struct zstd *z)
{
    if (!z)
        return;
    ZSTD_freeCCtx(z->context);
    mem_free(z);
}

size_t zstd_bound(size_t len)
{
    return ZSTD_compressBound(len);
}

struct err *zstd_frame(struct zstd *z, const uint8_t *in, size_t len, uint8_t *out, size_t room,
                       size_t *out_len)
{
    size_t result = ZSTD_compress2(z->context, out, room, in, len);

    TRY(failed(result));
    *out_len = result;
    return NULL;
}

const char *zstd_version(void)
{
    return ZSTD_versionString();
}
