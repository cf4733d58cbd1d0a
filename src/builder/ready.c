/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/ready.h"

#include "image/event.h"

static void tell(const struct builder *b, const struct desc *d)
{
    event_emit(b->options->events, &(struct event){.kind = EVENT_READY, .desc = d});
}

void ready_tell(struct builder *b, const struct desc *d)
{
    if (b->passes->made)
        tell(b, d);
    else
        desc_copy(desclist_add(&b->kept_back), d);
}

void ready_made(struct builder *b)
{
    b->passes->made = true;
    for (size_t i = 0; i < b->kept_back.count; i++)
        tell(b, &b->kept_back.item[i]);
    desclist_wipe(&b->kept_back);
}
