/* SPDX-License-Identifier: Apache-2.0 */
#include "push/companions.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "image/digestset.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "registry/referrers.h"

#include <stdlib.h>

#define REQUESTS_AT_ONCE 4

/* Manifests whose companions are looked for, in rounds: those of the image, then what was found for them, …
 */
struct search {
    const struct repo *repo;
    struct store *from;
    struct companions *out;
    struct lock *lock;      /* of `out`, `known` and `subject` */
    struct digestset known; /* subjects */
    struct desclist subject;
    size_t round; /* the first one of this round */
};

static void search_wipe(struct search *s)
{
    lock_free(s->lock);
    digestset_wipe(&s->known);
    desclist_wipe(&s->subject);
}

/* False when it is known already. */
static bool add_subject(struct search *s, const struct desc *d)
{
    if (!mediatype_is_manifest(d->media_type) || !digestset_add(&s->known, &d->digest, NULL))
        return false;
    desc_copy(desclist_add(&s->subject), d);
    return true;
}

static struct err *check_count(const struct search *s)
{
    if (s->subject.count <= COMPANIONS_MAX)
        return NULL;
    return err_new(ERR_RESOURCE, "more than %d manifests refer to it", COMPANIONS_MAX);
}

/* The manifests of the image, all levels of indexes. */
static struct err *add_parts(struct search *s)
{
    for (size_t i = 0; i < s->subject.count; i++) {
        AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        AUTO_VALUE(desc_wipe) struct desc at = {0}; /* the list may move */
        desc_copy(&at, &s->subject.item[i]);
        if (mediatype_kind_of(at.media_type) != MEDIATYPE_INDEX)
            continue;
        TRY(store_read(s->from, &at, &bytes));
        TRY(manifest_parse(&m, buf_text(&bytes), bytes.len, at.media_type, "index"));
        for (size_t k = 0; k < m.manifests.count; k++)
            add_subject(s, &m.manifests.item[k]);
        TRY(check_count(s));
    }
    return NULL;
}

static struct err *found(struct search *s, const struct desc *d, char *tag_take)
{
    AUTO(mem_free) char *tag = tag_take;
    AUTO(lock_release) struct lock *held = lock_hold(s->lock);
    struct push_companion made = {0};
    if (!add_subject(s, d))
        return NULL;
    desc_copy(&made.desc, d);
    made.tag = TAKE(tag);
    MEM_PUSH(s->out->item, s->out->count, s->out->room, made);
    return check_count(s);
}

static struct err *find_by_tag(struct search *s, const struct digest *digest, const char *suffix)
{
    char hex[DIGEST_TEXT];
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool there = false;
    AUTO(mem_free)
    char *tag = mem_printf("%s-%s.%s", digest_alg_name(digest), digest_hex(digest, hex), suffix);
    TRY(store_resolve(s->from, tag, &d, &there));
    return there ? found(s, &d, TAKE(tag)) : NULL;
}

static struct err *find(void *ctx, size_t i)
{
    static const char *const suffixes[] = {"sig", "att", "sbom"};
    struct search *s = ctx;
    AUTO_VALUE(desclist_wipe) struct desclist list = {0};
    struct digest digest;
    {
        AUTO(lock_release) struct lock *held = lock_hold(s->lock);
        digest = s->subject.item[s->round + i].digest;
    }
    TRY(referrers_list(s->repo, &digest, NULL, &list));
    for (size_t k = 0; k < list.count; k++)
        TRY(found(s, &list.item[k], NULL));
    for (size_t k = 0; k < ARRAY_LEN(suffixes); k++)
        TRY(find_by_tag(s, &digest, suffixes[k]));
    return NULL;
}

struct err *companions_find(struct companions *out, const struct repo *r, struct store *from,
                            const struct desc *root)
{
    AUTO_VALUE(search_wipe) struct search s = {.repo = r, .from = from, .out = out, .lock = lock_new()};
    add_subject(&s, root);
    TRY(add_parts(&s));
    while (s.round < s.subject.count) {
        size_t end = s.subject.count;
        TRY(pool_each(REQUESTS_AT_ONCE, end - s.round, find, &s));
        s.round = end;
    }
    return NULL;
}

void companions_wipe(struct companions *c)
{
    for (size_t i = 0; i < c->count; i++) {
        desc_wipe(&c->item[i].desc);
        free(c->item[i].tag);
    }
    free(c->item);
    *c = (struct companions){0};
}
