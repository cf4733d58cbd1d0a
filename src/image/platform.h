/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_PLATFORM_H
#define LADE_IMAGE_PLATFORM_H

#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

/* os/architecture[/variant], normalised as containerd does: aarch64 is arm64, x86_64 is amd64, arm without
 * variant is v7, arm64/v8 is arm64. What is read from JSON is kept as it is written there; matching and
 * comparing look at the normalised form. A plain value. */
#define PLATFORM_PART 32
struct platform {
    char os[PLATFORM_PART];
    char architecture[PLATFORM_PART];
    char variant[PLATFORM_PART];
    char os_version[PLATFORM_PART];
};

/* "linux/arm64/v8", "linux", "arm64" (the missing part is this machine's). ERR_USAGE. */
MUST_USE struct err *platform_parse(struct platform *out, const char *text);
struct platform platform_host(void);
/* "linux/arm/v7". */
#define PLATFORM_TEXT (3 * PLATFORM_PART)
const char *platform_text(const struct platform *p, char text[PLATFORM_TEXT]);
bool platform_is_set(const struct platform *p);
bool platform_equal(const struct platform *a, const struct platform *b);
/* How well an image for `have` runs on `want`: 0 not at all, larger is better (an exact match is best; arm/v6
 * runs on v7, …). */
int platform_match(const struct platform *want, const struct platform *have);
/* The "platform" object of a descriptor; NULL object gives an unset one. ERR_INPUT. */
MUST_USE struct err *platform_from_json(struct platform *out, const json_t *object, const char *what);
json_t *platform_to_json(const struct platform *p);

#endif
