/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/entries_tar.h"

#include "base/mem.h"
#include "layers/tarstrict.h"
#include "layers/untar.h"

#include <inttypes.h>

struct tar_entries {
    struct entries entries;
    struct tarstrict *strict;
    struct untar *untar;
};

static struct err *tar_next(struct entries *s, struct entry *entry, bool *more)
{
    return untar_next(((struct tar_entries *)s)->untar, entry, more);
}

static struct err *tar_xattr(struct entries *s, const char **name, const void **value, size_t *len,
                             bool *more)
{
    *more = untar_next_xattr(((struct tar_entries *)s)->untar, name, value, len);
    return NULL;
}

static struct source *tar_data(struct entries *s)
{
    return untar_data(((struct tar_entries *)s)->untar);
}

static struct err *tar_end(struct entries *s, uint64_t count)
{
    struct tar_entries *t = (struct tar_entries *)s;

    TRY(untar_end(t->untar));
    if (count != tarstrict_entries(t->strict))
        return err_new(ERR_INPUT, "%" PRIu64 " entries that readers do not agree on",
                       tarstrict_entries(t->strict));
    return NULL;
}

static void tar_free(struct entries *s)
{
    struct tar_entries *t = (struct tar_entries *)s;

    untar_free(t->untar);
    tarstrict_free(t->strict);
    mem_free(t);
}

static const struct entries_ops tar_ops = {
    .next = tar_next, .xattr = tar_xattr, .data = tar_data, .end = tar_end, .free = tar_free};

struct err *entries_tar(struct entries **out, struct source *from, const struct tarlimits *limits)
{
    struct tar_entries *t = mem_zero(1, sizeof *t);
    AUTO(entries_free) struct entries *made = &t->entries;

    t->entries.ops = &tar_ops;
    t->strict = tarstrict_new(from, limits);
    TRY(untar_open(&t->untar, tarstrict_source(t->strict)));
    *out = TAKE(made);
    return NULL;
}
