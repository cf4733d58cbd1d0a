/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/splitter.h"
#include "base/runes.h"

void splitter_flush(struct splitter *w)
{
    if (w->pending.len == 0)
        return;
    strlist_add(w->list, w->pending.data);
    buf_clear(&w->pending);
    w->in_word = false;
}

void splitter_add(struct splitter *w, const char *text, size_t len)
{
    if (!w)
        return;
    buf_add(&w->pending, text, len);
    w->in_word = true;
}

void splitter_text(struct splitter *w, const char *text, size_t len)
{
    for (size_t at = 0; w && at < len;) {
        uint32_t code;
        size_t step = rune_next(text + at, len - at, &code);
        if (!rune_is_space(code))
            splitter_add(w, text + at, step);
        else if (w->in_word)
            splitter_flush(w);
        at += step;
    }
}

void splitter_wipe(struct splitter *w)
{
    buf_wipe(&w->pending);
}
