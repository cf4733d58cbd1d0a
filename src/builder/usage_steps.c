/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/stepcache.h"
#include "builder/usage.h"

#include <string.h>

#define ABOUT_MAX 200

/* The words of the step. Values of variables are not shown: they may be secrets. */
static char *about(const struct step_record *r)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(ABOUT_MAX * 4);
    for (size_t i = 0; i < r->input_count; i++) {
        const struct step_input *input = &r->input[i];
        bool word = str_starts(input->name, "word ") || str_starts(input->name, "source ") ||
                    str_eq(input->name, "destination") || str_eq(input->name, "base");
        if (word && text.len < ABOUT_MAX && input->len < ABOUT_MAX)
            buf_printf(&text, "%s%.*s", text.len ? " " : "", (int)input->len, input->value);
    }
    return text.len ? str_escape(buf_text(&text), text.len, ABOUT_MAX) : NULL;
}

/* A record that cannot be read is of no use. */
static struct err *read_record(struct usage_entry *e, int cache, struct store *layout)
{
    const char *name = strrchr(e->id, '/') + 1;
    AUTO_VALUE(buf_wipe) struct buf data = BUF(STEPRECORD_MAX);
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    struct digest key = {.alg = DIGEST_SHA256};
    char text[DIGEST_TEXT];
    e->useless = true;
    if (!codec_unhex(name, strlen(name), key.bytes, 32))
        return NULL;
    AUTO(err_free) struct err *damaged = fs_read_file(&data, cache, e->id, NULL);
    if (!damaged)
        damaged = steprecord_decode(&r, &key, buf_text(&data), data.len);
    if (damaged)
        return err_kind_of(damaged) == ERR_STOPPED ? TAKE(damaged) : NULL;
    e->useless = false;
    e->about = about(&r);
    for (size_t i = 0; layout && i < r.form_count; i++) {
        bool there = false;
        TRY(store_has(layout, &r.form[i].desc, &there));
        if (there)
            strlist_add(&e->blobs, digest_text(&r.form[i].desc.digest, text));
    }
    if (r.has_layer)
        e->layer = mem_strdup(digest_text(&r.diff_id, text));
    return NULL;
}

struct err *usage_read_steps(struct usage *u, int cache, struct store *layout)
{
    for (size_t i = 0; i < u->count; i++)
        if (u->item[i].kind == USAGE_STEPS)
            TRY(read_record(&u->item[i], cache, layout));
    return NULL;
}
