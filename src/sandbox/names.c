/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <assert.h>

const char *sandbox_ids_name(enum sandbox_ids ids)
{
    switch (ids) {
    case SANDBOX_SINGLE:
        return "single";
    case SANDBOX_RANGE:
        return "subuid";
    case SANDBOX_FAKE:
        return "fake";
    case SANDBOX_HOST:
        return "host";
    case SANDBOX_CHROOT:
        return "chroot";
    }
    assert(!"a way that does not exist");
    return "";
}
