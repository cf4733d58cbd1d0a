/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/retention.h"

#include "base/mem.h"
#include "base/num.h"
#include "registry/fallback.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
#define NS_PER_S 1000000000
#define DAYS_MAX 100000

bool retention_matches(const struct strlist *match, const char *tag)
{
    for (size_t i = 0; i < match->count; i++)
        if (fnmatch(match->item[i], tag, 0) == 0)
            return true;
    return match->count == 0;
}

/* Numbers by their value, without a limit to their length. */
static int compare_numbers(const char **a, const char **b)
{
    *a += strspn(*a, "0");
    *b += strspn(*b, "0");
    size_t a_len = strspn(*a, "0123456789"), b_len = strspn(*b, "0123456789");
    int order = a_len != b_len ? (a_len < b_len ? -1 : 1) : strncmp(*a, *b, a_len);
    *a += a_len;
    *b += b_len;
    return order;
}

/* What follows the end of the other: "-rc1" makes it older, ".1" newer. No other character of a tag comes
 * before
 * "-", so this is an order. */
static int beyond(const char *rest)
{
    return *rest == '-' ? -1 : 1;
}

int retention_compare_versions(const char *a, const char *b)
{
    a += *a == 'v' && str_is_digit(a[1]);
    b += *b == 'v' && str_is_digit(b[1]);
    while (*a && *b) {
        if (str_is_digit(*a) && str_is_digit(*b)) {
            int order = compare_numbers(&a, &b);
            if (order)
                return order;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    if (*a)
        return beyond(a);
    return *b ? -beyond(b) : 0;
}

struct err *retention_parse_age(const char *text, const char *option, int64_t *seconds)
{
    size_t len = strlen(text);
    AUTO(mem_free) char *digits = mem_strndup(text, len ? len - 1 : 0);
    char unit = len ? text[len - 1] : '\0';
    uint64_t days = 0;
    int64_t ns = 0;
    if ((unit == 'd' || unit == 'w') && num_parse(digits, DAYS_MAX, &days)) {
        *seconds = (int64_t)days * DAY_S * (unit == 'w' ? 7 : 1);
        return NULL;
    }
    if (num_parse_duration(text, &ns) && ns >= 0) {
        *seconds = ns / NS_PER_S;
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "%s: expected a time as 90d, 2w or 36h, found \"%s\"", option, safe);
}

/* Of the image's tags, the one with the highest version that matches; NULL when none does. */
static const char *best_tag(const struct image *image, const struct strlist *match)
{
    const char *best = NULL;
    struct digest subject;
    for (size_t i = 0; i < image->tags.count; i++) {
        const char *tag = image->tags.item[i];
        if (!fallback_is_tag(tag, &subject) && retention_matches(match, tag) &&
            (!best || retention_compare_versions(tag, best) > 0))
            best = tag;
    }
    return best;
}

static bool is_timed(const struct image *image)
{
    return image->has_age && image->created >= RETENTION_REAL_TIME;
}

/* The newest first; what does not match behind. */
static int compare(const void *a, const void *b, void *ctx)
{
    const struct retention_rule *rule = ctx;
    const struct image *x = a, *y = b;
    const char *x_tag = best_tag(x, rule->match), *y_tag = best_tag(y, rule->match);
    if (!x_tag || !y_tag)
        return !x_tag - !y_tag;
    if (!rule->by_version) {
        if (is_timed(x) != is_timed(y))
            return is_timed(x) ? -1 : 1;
        if (is_timed(x) && x->created != y->created)
            return x->created > y->created ? -1 : 1;
    }
    int order = retention_compare_versions(y_tag, x_tag);
    return order ? order : strcmp(y_tag, x_tag);
}

static void set_fate(struct image *image, enum fate fate, char *why_take)
{
    image->fate = fate;
    mem_free(image->why);
    image->why = why_take;
}

/* A tag that is not for us to take away. */
static const char *foreign_tag(const struct image *image, const struct strlist *match)
{
    struct digest subject;
    for (size_t i = 0; i < image->tags.count; i++)
        if (!fallback_is_tag(image->tags.item[i], &subject) && !retention_matches(match, image->tags.item[i]))
            return image->tags.item[i];
    return NULL;
}

static void judge(struct image *image, const struct retention_rule *rule, uint64_t *rank)
{
    const char *other = foreign_tag(image, rule->match);
    bool needs_age = !rule->by_version || rule->not_after_unix != INT64_MAX;
    if (needs_age && !is_timed(image)) {
        set_fate(image, FATE_KEEP, mem_strdup("does not say when it was made"));
        return;
    }
    if ((*rank)++ < rule->keep)
        set_fate(image, FATE_KEEP, mem_printf("number %llu", (unsigned long long)*rank));
    else if (other)
        set_fate(image, FATE_KEEP, mem_printf("also named %s", other));
    else if (image->created > rule->not_after_unix)
        set_fate(image, FATE_KEEP, mem_strdup("not old enough"));
    else
        set_fate(image, FATE_REMOVE, mem_strdup("old"));
}

/* An image whose tags are all about other images. */
static bool is_companion(const struct image *image)
{
    struct digest subject;
    for (size_t i = 0; i < image->tags.count; i++)
        if (!fallback_is_tag(image->tags.item[i], &subject))
            return false;
    return image->tags.count > 0;
}

/* What stays needs what it holds, and that what it holds, to the end. */
static bool spare_needed(struct images *images)
{
    bool any = false;
    for (size_t i = 0; i < images->count; i++) {
        const struct image *staying = &images->item[i];
        if (staying->fate == FATE_REMOVE || is_companion(staying))
            continue;
        for (size_t k = 0; k < images->count; k++) {
            struct image *image = &images->item[k];
            if (image->fate != FATE_REMOVE || !digestset_has(&staying->needs, &image->desc.digest))
                continue;
            set_fate(image, FATE_KEEP, mem_printf("needed by %s", staying->tags.item[0]));
            any = true;
        }
    }
    return any;
}

static bool is_removed(const struct images *images, const struct digest *digest)
{
    for (size_t i = 0; i < images->count; i++)
        if (images->item[i].fate == FATE_REMOVE && digest_equal(&images->item[i].desc.digest, digest))
            return true;
    return false;
}

/* Signatures and the like go with all that they are about. */
static void remove_companions(struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        struct image *image = &images->item[i];
        struct digest subject = {0};
        bool goes = is_companion(image);
        for (size_t k = 0; goes && k < image->tags.count; k++)
            goes = fallback_is_tag(image->tags.item[k], &subject) && is_removed(images, &subject);
        if (goes)
            set_fate(image, FATE_REMOVE, mem_strdup("belongs to a removed image"));
    }
}

void retention_decide(struct images *images, const struct retention_rule *rule)
{
    struct retention_rule copy = *rule;
    uint64_t rank = 0;
    if (images->count)
        qsort_r(images->item, images->count, sizeof *images->item, compare, &copy);
    for (size_t i = 0; i < images->count; i++)
        if (best_tag(&images->item[i], rule->match))
            judge(&images->item[i], rule, &rank);
    while (spare_needed(images))
        ;
    remove_companions(images);
}

void images_wipe(struct images *images)
{
    for (size_t i = 0; i < images->count; i++) {
        desc_wipe(&images->item[i].desc);
        strlist_wipe(&images->item[i].tags);
        digestset_wipe(&images->item[i].needs);
        mem_free(images->item[i].why);
    }
    mem_free(images->item);
    *images = (struct images){0};
}
