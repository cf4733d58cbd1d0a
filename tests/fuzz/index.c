/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "layers/indexfile.h"

/* A layer's index in the cache, with its checksum set right: refused, or a tree that is written and read the
 * same again. (The first bytes may have longer numbers than needed, and other numbers of link groups.) */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf whole = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf second = BUF(BUF_NO_LIMIT), third = BUF(BUF_NO_LIMIT);
    AUTO(tree_free) struct tree *t = NULL, *again = NULL;
    struct indexfile head;
    struct digest sum = digest_of(data, size);

    buf_add(&whole, data, size);
    buf_add(&whole, sum.bytes, 32);
    if (fuzz_refused(indexfile_read(&head, &t, whole.data, whole.len)))
        return 0;
    indexfile_write(&second, &head, t);
    fuzz_ok(indexfile_read(&head, &again, second.data, second.len));
    indexfile_write(&third, &head, again);
    fuzz_need(third.len == second.len && memcmp(third.data, second.data, third.len) == 0);
    return 0;
}
