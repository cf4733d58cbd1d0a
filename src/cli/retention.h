/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_RETENTION_H
#define LADE_CLI_RETENTION_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "image/desc.h"
#include "image/digestset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which images of a repository stay: of those that have a tag like one of the patterns, the newest N, and
 * whatever is needed by what stays. Pure: cli/inventory.h reads what there is.
 *
 * Registries delete by digest, and with a manifest all its tags. So an image goes only when all its tags
 * match; and one that a remaining index holds, or that a remaining manifest refers to, stays. Tags like
 * "sha256-<hex>.sig" (signatures, referrers) are no images: they go with the image that they are about.
 */
enum fate {
    FATE_OTHER,  /* no tag of it matches */
    FATE_KEEP,   /* it matches, and stays */
    FATE_REMOVE, /* it goes */
};
struct image {
    struct desc desc;
    struct strlist tags;
    struct digestset needs; /* what it holds or refers to */
    bool has_age;
    int64_t created; /* seconds since 1970, when has_age */
    enum fate fate;
    char *why; /* of FATE_KEEP and FATE_REMOVE */
};
struct images {
    struct image *item;
    size_t count, room;
};

struct retention_rule {
    const struct strlist *match; /* shell patterns; empty: every tag */
    uint64_t keep;
    bool by_version;        /* newest by the version in the tag, else by when the image was made */
    int64_t not_after_unix; /* what was made later stays; INT64_MAX: no matter */
};

/* Images made before this moment do not say when they were made: reproducible builds write 0001, 1970 or
 * 1980. */
#define RETENTION_REAL_TIME INT64_C(315619200)

/* Sets fates, and sorts: what matches first, the newest first. */
void retention_decide(struct images *images, const struct retention_rule *rule);
bool retention_matches(const struct strlist *match, const char *tag);
/* "1.9" before "1.10", "2.0-rc1" before "2.0", "v1" like "1": as strcmp. */
int retention_compare_versions(const char *a, const char *b);
/* "90d", "2w", or a duration of Go ("36h"). ERR_USAGE naming `option`. */
MUST_USE struct err *retention_parse_age(const char *text, const char *option, int64_t *seconds);
void images_wipe(struct images *images);

#endif
