/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_EXPLAIN_INNER_H
#define LADE_BUILDER_EXPLAIN_INNER_H

#include "base/json.h"
#include "base/str.h"
#include "builder/explain.h"

#include <stdbool.h>
#include <stddef.h>

/* What the sources of explain.h share. */

/* What differs: lines for people, and an object for each for programs. */
struct told {
    struct strlist causes;
    json_t *differs;
};
struct cause {
    const char *kind;                            /* doc/cache.md lists them */
    const char *name, *what, *old, *now, *mount; /* NULL: not told */
};
void told_wipe(struct told *t);
/* Nothing happens when the same line is there already. */
void told_add(struct told *t, struct cause cause, char *text_take);

/* How bases were called, as records tell (explain_base_record). */
struct base_note {
    char *name, *digest, *layers;
};
struct base_notes {
    struct base_note *item;
    size_t count, room;
};
void base_notes_wipe(struct base_notes *notes);
/* Remember it if `r` is one. */
bool base_notes_add(struct base_notes *notes, const struct step_record *r);

struct comparison {
    struct builder *b;
    const struct stage *s;
    const struct explain_step *step;
    const struct step_record *now, *old;
    const struct base_notes *bases;
    struct told *told;
};

bool explain_same(const struct step_input *a, const struct step_input *b);
bool explain_differs(const struct comparison *c, const char *name); /* that input */
/* Input `PREFIXlayer N` of `r`, or NULL. */
const struct step_input *explain_layer(const struct step_record *r, const char *prefix, size_t number);

/* Tell of all inputs that differ. */
void explain_compare(const struct comparison *c);
/* Of those "mount N …". */
void explain_mounts(const struct comparison *c);
/* Of the layers of the images below: those of `s`, which stand in records as `PREFIXlayer N`. *now_count and
 * *old_count are how many belong to the images. True when they differ. */
bool explain_base(const struct comparison *c, const struct stage *s, const char *prefix, size_t *now_count,
                  size_t *old_count);
/* The differences of two listings; true when there are any. `mount`: its target, or NULL. */
bool explain_listings(struct told *told, const char *old, const char *now, const char *mount);
/* The files of a layer beside those of the layer `old_id`; true when there is something to say. */
bool explain_part(struct builder *b, const struct part *part, const char *old_id, struct told *told);

#endif
