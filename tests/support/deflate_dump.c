/* SPDX-License-Identifier: Apache-2.0 */

/* Writes the encoder's output for all inputs of deflate_inputs.h at all levels, for tests/portable/deflate.
 */

#include "../unit/layers/deflate_inputs.h"

#include "base/mem.h"
#include "layers/deflate.h"

#include <stdio.h>

int main(void)
{
    AUTO(deflate_free) struct deflate *d = deflate_new();
    size_t room = deflate_bound(DEFLATE_CHUNK_MAX);
    AUTO(mem_free) uint8_t *in = mem_alloc(DEFLATE_CHUNK_MAX);
    AUTO(mem_free) uint8_t *out = mem_alloc(room);

    for (size_t kind = 0; kind < INPUTS_COUNT; kind++)
        for (unsigned level = DEFLATE_FAST; level <= DEFLATE_BEST; level++)
            for (size_t i = 0; i < INPUTS_SIZES; i++) {
                size_t len = inputs_sizes[i];
                inputs_fill(kind, len, in);
                size_t size = deflate_chunk(d, (enum deflate_level)level, in, len, out, room, false);
                if (fwrite(out, 1, size, stdout) != size)
                    return 1;
            }
    return fflush(stdout) != 0;
}
