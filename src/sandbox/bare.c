/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/bare.h"

struct err *bare_place(struct inside *in)
{
    (void)in;
    return err_new(ERR_UNSUPPORTED, "chroot is not there yet");
}
