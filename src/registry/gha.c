/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/gha.h"
#include "base/mem.h"
struct err *gha_open(struct store **out, const struct gha_options *options)
{
    (void)out;
    (void)options;
    return err_new(ERR_UNSUPPORTED, "not yet");
}
