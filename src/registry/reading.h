/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_READING_H
#define LADE_REGISTRY_READING_H

#include "base/diag.h"
#include "base/json.h"
#include "base/str.h"
#include "registry/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* A configuration file on the way to settings: where we are in it, what was wrong so far, and values by their
 * kinds. A wrong value is shown with its place and leaves *out as it is. */
struct reading {
    struct diag diag;
    const char *text; /* borrowed */
    char *dir;        /* of the file */
    struct strlist path;
    struct settings *out;
};

void reading_wipe(struct reading *r);
void reading_enter(struct reading *r, const char *key);
void reading_leave(struct reading *r);

/* Where we are. */
unsigned reading_line(const struct reading *r);
/* The value where we are is not what it must be. `expected` and `message` may be NULL. */
void reading_wrong(struct reading *r, const char *expected, const char *message);
/* The name of the member where we are is not what it must be. `expected` and `hint` may be NULL. */
void reading_wrong_name(struct reading *r, const char *expected, const char *hint, const char *message);
/* A name that no object here has. */
void reading_unknown(struct reading *r, const char *key, const char *const *known, size_t count);

void reading_flag(struct reading *r, const json_t *value, bool *out);
void reading_count(struct reading *r, const json_t *value, unsigned most, unsigned *out);
void reading_rate(struct reading *r, const json_t *value, double *out);
void reading_size(struct reading *r, const json_t *value, uint64_t *out);
void reading_time(struct reading *r, const json_t *value, unsigned *out);
/* Relative names are beside the file. New string. */
void reading_file(struct reading *r, const json_t *value, char **out);
void reading_place(struct reading *r, const json_t *value, struct settings_place *out);
/* "host", "host:port", "host/some/repository"; false with a hint, or NULL, when it is none. */
bool reading_parse_place(const char *text, struct settings_place *out, const char **hint);

#endif
