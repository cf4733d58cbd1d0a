/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/verify.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "layers/verify_inner.h"

/* A whole layout, and its repair. */

/* A blob that nothing refers to is no fault, but it should be what its name says. */
static struct err *check_file(struct verify *v, const struct layout_file *file)
{
    struct desc d = {.digest = file->digest, .size = file->size};
    char size[NUM_SIZE_TEXT];
    AUTO(mem_free) char *path = str_safe(file->path);
    struct verify_state one;

    if (!digest_is_set(&file->digest)) {
        verify_say(v, VERIFY_NOTE, "%s is no blob", path);
        return NULL;
    }
    if (digestset_has(&v->set, &file->digest))
        return NULL;
    uint64_t broken = v->counts.broken;
    TRY(verify_blob(v, &d, NULL, "referred to by nothing", &one));
    if (v->counts.broken == broken)
        verify_say(v, VERIFY_NOTE, "%s: nothing refers to it (%s)", path, num_size_text(file->size, size));
    return NULL;
}

struct err *verify_layout(struct verify *v, struct store *layout)
{
    AUTO_VALUE(layout_files_wipe) struct layout_files files = {0};

    v->layout = layout;
    TRY(layout_list(layout, &v->images));
    if (v->images.unreadable)
        verify_say(v, VERIFY_BROKEN, "index.json: %zu of its entries are no descriptors",
                   v->images.unreadable);
    for (size_t i = 0; i < v->images.count; i++) {
        const struct layout_entry *image = &v->images.item[i];
        char text[DIGEST_SHORT];
        AUTO(mem_free)
        char *name = image->name ? str_safe(image->name)
                                 : mem_printf("the image %s", digest_short(&image->desc.digest, text));
        TRY(verify_image(v, &image->desc, name));
    }
    TRY(layout_files(layout, &files));
    for (size_t i = 0; i < files.count; i++)
        TRY(check_file(v, &files.item[i]));
    return NULL;
}

struct err *verify_repair(struct verify *v, struct store *layout)
{
    char text[DIGEST_TEXT];

    for (size_t i = 0; i < v->count; i++) {
        if (!v->seen[i].bad_bytes)
            continue;
        TRY(layout_drop_blob(layout, &v->set.item[i]));
        verify_say(v, VERIFY_NOTE, "%s: removed", digest_text(&v->set.item[i], text));
    }
    for (size_t i = 0; i < v->images.count; i++) {
        const struct layout_entry *image = &v->images.item[i];
        size_t number;
        if (digestset_add(&v->set, &image->desc.digest, &number))
            return err_new(ERR_INTERNAL, "an image was not looked at");
        const struct verify_seen *s = &v->seen[number];
        if ((s->sound || s->mends) && s->size == image->desc.size)
            continue;
        AUTO(mem_free) char *name = str_safe(image->name ? image->name : "without a name");
        TRY(layout_drop_entries(layout, &image->desc.digest));
        verify_say(v, VERIFY_NOTE, "%s: the image is named no more (%s)", name,
                   digest_text(&image->desc.digest, text));
    }
    if (v->images.unreadable) {
        TRY(layout_drop_entries(layout, NULL));
        verify_say(v, VERIFY_NOTE, "index.json: %zu entries removed", v->images.unreadable);
    }
    return NULL;
}
