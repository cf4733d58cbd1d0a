/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/explain_inner.h"
#include "image/ref.h"

#include <stdlib.h>
#include <string.h>

#define NAME "base"
#define DIGEST "base digest"
#define LAYERS "base layers"
#define ARROW " \xe2\x86\x92 "

void base_notes_wipe(struct base_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->item[i].name);
        free(notes->item[i].digest);
        free(notes->item[i].layers);
    }
    free(notes->item);
}

bool base_notes_add(struct base_notes *notes, const struct step_record *r)
{
    const struct step_input *name = steprecord_input(r, NAME), *digest = steprecord_input(r, DIGEST),
                            *layers = steprecord_input(r, LAYERS);
    struct base_note note = {0};
    if (!name || !digest || !layers)
        return false;
    note.name = mem_strdup(name->value);
    note.digest = mem_strdup(digest->value);
    note.layers = mem_strdup(layers->value);
    MEM_PUSH(notes->item, notes->count, notes->room, note);
    return true;
}

static size_t count_base_parts(const struct stage *s)
{
    size_t count = 0;
    while (count < s->parts.count && s->parts.item[count]->base)
        count++;
    return count;
}

/* As people write it, without digest. */
static char *name_of(const struct stage *s)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    if (!s->base_name)
        return mem_strdup("scratch");
    struct err *e = ref_parse(&ref, s->base_name);
    bool parsed = !e;
    err_free(e);
    ref.digest = (struct digest){0};
    return parsed ? ref_familiar(&ref) : mem_strdup(s->base_name);
}

/* One text for a list of layers. */
static void add_layer(struct hash *hash, const char *diff_id)
{
    hash_add(hash, diff_id, strlen(diff_id) + 1);
}

bool explain_base_record(const struct stage *s, struct step_record *out)
{
    char text[DIGEST_TEXT];
    size_t count = count_base_parts(s);
    if (count == 0 || !s->base_name || !digest_is_set(&s->base_digest))
        return false;
    AUTO(mem_free) char *name = name_of(s);
    AUTO(hash_free) struct hash *hash = hash_new(DIGEST_SHA256);
    for (size_t i = 0; i < count; i++)
        add_layer(hash, digest_text(&s->parts.item[i]->diff_id, text));
    struct digest layers = hash_value(hash);
    steprecord_add_text(out, NAME, name);
    steprecord_add_text(out, DIGEST, digest_text(&s->base_digest, text));
    steprecord_add_text(out, LAYERS, digest_text(&layers, text));
    return true;
}

/* Of the image that the first `count` layers of the record are, the note; one of that name rather than any.
 */
static const struct base_note *find_note(const struct comparison *c, const char *prefix, size_t count,
                                         const char *name)
{
    char text[DIGEST_TEXT];
    const struct base_note *found = NULL;
    AUTO(hash_free) struct hash *hash = hash_new(DIGEST_SHA256);
    for (size_t i = 0; i < count; i++)
        add_layer(hash, explain_layer(c->old, prefix, i)->value);
    struct digest layers = hash_value(hash);
    digest_text(&layers, text);
    for (size_t i = 0; i < c->bases->count; i++)
        if (str_eq(c->bases->item[i].layers, text) && (!found || str_eq(c->bases->item[i].name, name)))
            found = &c->bases->item[i];
    return found;
}

/* The longest list of layers that is known as an image; where one has the name, that. */
static const struct base_note *find_old(const struct comparison *c, const char *prefix, const char *name,
                                        size_t *count)
{
    const struct base_note *best = NULL;
    for (size_t k = 1; explain_layer(c->old, prefix, k - 1); k++) {
        const struct base_note *note = find_note(c, prefix, k, name);
        if (!note || (best && str_eq(best->name, name) && !str_eq(note->name, name)))
            continue;
        best = note;
        *count = k;
    }
    return best;
}

static bool layers_differ(const struct comparison *c, const struct stage *s, const char *prefix, size_t count)
{
    char text[DIGEST_TEXT];
    for (size_t i = 0; i < count; i++) {
        const struct step_input *old = explain_layer(c->old, prefix, i);
        if (!old || !str_eq(old->value, digest_text(&s->parts.item[i]->diff_id, text)))
            return true;
    }
    return false;
}

static const char *subject(const struct comparison *c, const struct stage *s)
{
    if (s == c->s)
        return "the base image is another one";
    return s->plan ? "the base image of the stage that it takes files from is another one"
                   : "the image that it takes files from is another one";
}

static void tell(const struct comparison *c, const struct stage *s, const char *name,
                 const struct base_note *old)
{
    char before[DIGEST_SHORT] = "", after[DIGEST_SHORT] = "", now[DIGEST_TEXT] = "";
    struct digest was = {0};
    struct err *e = old ? digest_parse(&was, old->digest) : NULL;
    err_free(e);
    if (digest_is_set(&was))
        digest_short(&was, before);
    if (digest_is_set(&s->base_digest)) {
        digest_short(&s->base_digest, after);
        digest_text(&s->base_digest, now);
    }
    struct cause cause = {.kind = s == c->s ? "base" : "image",
                          .name = name,
                          .now = *now ? now : NULL,
                          .old = old && digest_is_set(&was) ? old->digest : NULL};
    AUTO(mem_free) char *old_name = old ? str_safe(old->name) : NULL;
    if (!*after && !*before)
        told_add(c->told, cause, mem_printf("%s: %s", subject(c, s), name));
    else if (!*before)
        told_add(c->told, cause, mem_printf("%s: %s is %s now", subject(c, s), name, after));
    else if (str_eq(old_name, name))
        told_add(c->told, cause, mem_printf("%s: %s %s" ARROW "%s", subject(c, s), name, before, after));
    else
        told_add(c->told, cause,
                 mem_printf("%s: %s %s" ARROW "%s%s%s", subject(c, s), old_name, before, name,
                            *after ? " " : "", after));
}

bool explain_base(const struct comparison *c, const struct stage *s, const char *prefix, size_t *now_count,
                  size_t *old_count)
{
    AUTO(mem_free) char *name = name_of(s);
    size_t known = 0, old_layers = 0;
    while (explain_layer(c->old, prefix, old_layers))
        old_layers++;
    *now_count = count_base_parts(s);
    *old_count = *now_count < old_layers ? *now_count : old_layers;
    const struct base_note *old = find_old(c, prefix, name, &known);
    /* Layers above the same base may be an image too, by another name. */
    bool shorter = old && known > *now_count && str_eq(old->name, name);
    if (!layers_differ(c, s, prefix, *now_count) && !shorter)
        return false;
    if (old)
        *old_count = known;
    tell(c, s, name, old);
    return true;
}
