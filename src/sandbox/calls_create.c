/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/emulate_inner.h"
struct answer answer_create(struct ask *a)
{
    (void)a;
    return answer_continue();
}
struct answer answer_device(struct ask *a)
{
    (void)a;
    return answer_continue();
}
