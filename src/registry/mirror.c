/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/mirror.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/mediatype.h"
#include "registry/remote.h"

#include <stdatomic.h>
#include <string.h>

struct mirror {
    struct store *store;
    struct host *host;
    bool digest_only;
    atomic_bool lacks; /* a manifest or a tag: most likely the whole repository */
};

struct mirrored {
    struct store store;
    struct store *origin;
    const struct events *events;
    struct mirror **mirror;
    size_t count, room;
};

static struct mirrored *self(struct store *s)
{
    return (struct mirrored *)s;
}

static bool is_of_use(const struct mirror *m, bool by_digest)
{
    return !atomic_load(&m->host->given_up) && !atomic_load(&m->lacks) && (by_digest || !m->digest_only);
}

/* The mirror failed. The cause is freed, but for a stop, which is nobody's fault. */
static struct err *give_up(struct mirrored *s, struct mirror *m, struct err *cause)
{
    if (err_kind_of(cause) == ERR_STOPPED)
        return cause;
    if (!atomic_exchange(&m->host->given_up, true))
        event_note(s->events, "mirror %s is not asked any more: %s", m->host->name, err_message(cause));
    err_free(cause);
    return NULL;
}

static struct err *mirrored_resolve(struct store *store, const char *tag, struct desc *out, bool *found)
{
    struct mirrored *s = self(store);
    bool by_digest = tag && strchr(tag, ':');
    for (size_t i = 0; i < s->count; i++) {
        struct mirror *m = s->mirror[i];
        if (!is_of_use(m, by_digest))
            continue;
        struct err *e = store_resolve(m->store, tag, out, found);
        if (!e && *found)
            return NULL;
        if (e)
            TRY(give_up(s, m, e));
        else
            atomic_store(&m->lacks, true);
    }
    return store_resolve(s->origin, tag, out, found);
}

/* The first place from `*next` on that has it; *next is then the one behind it. The repository itself comes
 * after all mirrors, and its error is the answer. */
static struct err *open_next(struct mirrored *s, const struct desc *d, size_t *next, struct source **out)
{
    while (*next < s->count) {
        struct mirror *m = s->mirror[(*next)++];
        if (!is_of_use(m, true))
            continue;
        struct err *e = store_get(m->store, d, out);
        if (!e)
            return NULL;
        if (err_kind_of(e) != ERR_NOT_FOUND) {
            TRY(give_up(s, m, e));
            continue;
        }
        err_free(e);
        if (mediatype_is_manifest(d->media_type))
            atomic_store(&m->lacks, true);
    }
    *next = s->count + 1;
    return store_get(s->origin, d, out);
}

/* A blob on its way from one place after the other. */
struct relay {
    struct source source;
    struct mirrored *from;
    struct desc desc;
    struct source *inner; /* from place next - 1 */
    size_t next;
    uint64_t at;
};

static struct err *relay_peek(struct source *source, const uint8_t **data, size_t *len)
{
    struct relay *r = (struct relay *)source;
    for (;;) {
        struct err *e = source_peek(r->inner, data, len);
        if (!e || r->next > r->from->count)
            return e;
        bool wrong = err_kind_of(e) == ERR_INTEGRITY && r->at > 0;
        AUTO(mem_free) char *message = mem_strdup(err_message(e));
        TRY(give_up(r->from, r->from->mirror[r->next - 1], e));
        if (wrong)
            return err_new(ERR_INTEGRITY, "%s", message);
        source_free(TAKE(r->inner));
        TRY(open_next(r->from, &r->desc, &r->next, &r->inner));
        if (r->at > 0)
            TRY(source_reopen(r->inner, r->at));
    }
}

static void relay_advance(struct source *source, size_t len)
{
    struct relay *r = (struct relay *)source;
    r->at += len;
    source_advance(r->inner, len);
}

static struct err *relay_reopen(struct source *source, uint64_t offset)
{
    struct relay *r = (struct relay *)source;
    if (!r->inner) {
        r->next = 0;
        TRY(open_next(r->from, &r->desc, &r->next, &r->inner));
    }
    TRY(source_reopen(r->inner, offset));
    r->at = offset;
    return NULL;
}

static void relay_free(struct source *source)
{
    struct relay *r = (struct relay *)source;
    source_free(r->inner);
    desc_wipe(&r->desc);
    mem_free(r);
}

static const struct source_ops relay_ops = {
    .peek = relay_peek, .advance = relay_advance, .reopen = relay_reopen, .free = relay_free};

static struct err *mirrored_get(struct store *store, const struct desc *d, struct source **out)
{
    char text[DIGEST_SHORT];
    struct mirrored *s = self(store);
    AUTO(source_free) struct source *inner = NULL;
    size_t next = 0;
    TRY(open_next(s, d, &next, &inner));
    if (next > s->count) {
        *out = TAKE(inner);
        return NULL;
    }
    struct relay *r = mem_zero(1, sizeof *r);
    r->source.ops = &relay_ops;
    r->from = s;
    r->next = next;
    r->inner = TAKE(inner);
    desc_copy(&r->desc, d);
    /* Each place checks what it gives; this checks that parts from two places make one. */
    AUTO(mem_free) char *what = mem_printf("%s from %s", digest_short(&d->digest, text), store_name(store));
    *out = source_verify(&r->source, &d->digest, d->size, what);
    return NULL;
}

static struct err *mirrored_has(struct store *s, const struct desc *d, bool *yes)
{
    return store_has(self(s)->origin, d, yes);
}

static struct err *read_only(const struct store *s)
{
    return err_new(ERR_INTERNAL, "%s was opened to be read", store_name(s));
}

static struct err *mirrored_put(struct store *s, const struct desc *d, struct source *from)
{
    (void)d;
    (void)from;
    return read_only(s);
}

static struct err *mirrored_tag(struct store *s, const char *tag, const struct desc *d)
{
    (void)tag;
    (void)d;
    return read_only(s);
}

static char *mirrored_origin(struct store *s, const struct desc *d)
{
    return store_origin(self(s)->origin, d);
}

static const char *mirrored_name(const struct store *s)
{
    return store_name(((const struct mirrored *)s)->origin);
}

static void mirrored_free(struct store *store)
{
    struct mirrored *s = self(store);
    for (size_t i = 0; i < s->count; i++) {
        store_free(s->mirror[i]->store);
        mem_free(s->mirror[i]);
    }
    mem_free(s->mirror);
    store_free(s->origin);
    mem_free(s);
}

static const struct store_ops mirrored_ops = {.has = mirrored_has,
                                              .get = mirrored_get,
                                              .put = mirrored_put,
                                              .resolve = mirrored_resolve,
                                              .tag = mirrored_tag,
                                              .origin = mirrored_origin,
                                              .name = mirrored_name,
                                              .free = mirrored_free};

struct store *mirror_new(struct store *origin_take, const struct events *events)
{
    struct mirrored *s = mem_zero(1, sizeof *s);
    s->store.ops = &mirrored_ops;
    s->origin = origin_take;
    s->events = events;
    return &s->store;
}

void mirror_add(struct store *mirrored, struct host *host, const char *repository, bool digest_only)
{
    struct mirrored *s = self(mirrored);
    struct mirror *m = mem_zero(1, sizeof *m);
    m->store = remote_new(host, repository, false);
    m->host = host;
    m->digest_only = digest_only;
    MEM_PUSH(s->mirror, s->count, s->room, m);
}
