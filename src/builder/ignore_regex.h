/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_IGNORE_REGEX_H
#define LADE_BUILDER_IGNORE_REGEX_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The regular expressions that ignore_pattern.c writes: literals, classes, a class repeated, "any text", "any
 * text and a slash, or nothing", and "|" between them, which stands between all that is on either side. They
 * run as a list of states: the time is at most states times characters, and nothing is ever tried twice.
 */
struct ignore_regex;

/* `text` is without the anchors at its ends: they are implied, the first for what stands before the first "|"
 * and the last for what stands behind the last. *fault as in ignore_pattern_new. */
struct ignore_regex *ignore_regex_new(const char *text, size_t len, const char **fault);
bool ignore_regex_match(const struct ignore_regex *r, const char *path, size_t len);
void ignore_regex_free(struct ignore_regex *r);
AUTO_DEFINE(struct ignore_regex *, ignore_regex_free)

/* Inside: the sets of characters, in ignore_class.c. */
struct ignore_range {
    uint32_t low, high;
};
struct ignore_class {
    struct ignore_range *range;
    size_t count, room;
    bool negated;
};
bool ignore_class_has(const struct ignore_class *c, uint32_t code);
/* Read what stands after "[", up to and with "]"; the bytes read, or 0 and a fault. */
size_t ignore_class_parse(struct ignore_class *c, const char *text, size_t len, const char **fault);
/* Read what stands after a "\": a character (true, *code) or a class like \d (false, added to `c`). The bytes
 * read, or 0 and a fault. */
size_t ignore_class_escape(struct ignore_class *c, const char *text, size_t len, bool *is_code,
                           uint32_t *code, const char **fault);
void ignore_class_wipe(struct ignore_class *c);

#endif
