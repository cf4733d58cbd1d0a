/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_body.h"

static struct err *body_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct upload_body *b = (struct upload_body *)s;
    struct err *e = source_peek(b->from, data, len);
    b->failed = b->failed || e;
    return e;
}

static void body_advance(struct source *s, size_t len)
{
    struct upload_body *b = (struct upload_body *)s;
    b->at += len;
    source_advance(b->from, len);
}

static struct err *seek(struct upload_body *b, uint64_t offset)
{
    struct err *e = source_reopen(b->from, offset);
    b->failed = b->failed || e;
    b->at = offset;
    return e;
}

static struct err *body_reopen(struct source *s, uint64_t offset)
{
    struct upload_body *b = (struct upload_body *)s;
    return seek(b, b->begin + offset);
}

/* It lives in its upload. */
static void body_free(struct source *s)
{
    (void)s;
}

void upload_body_init(struct upload_body *b, struct source *from)
{
    static const struct source_ops once = {.peek = body_peek, .advance = body_advance, .free = body_free};
    static const struct source_ops again = {
        .peek = body_peek, .advance = body_advance, .reopen = body_reopen, .free = body_free};
    *b = (struct upload_body){.source.ops = source_can_reopen(from) ? &again : &once, .from = from};
}

struct err *upload_body_set(struct upload_body *b, uint64_t offset)
{
    b->begin = offset;
    return b->at == offset ? NULL : seek(b, offset);
}

bool upload_body_can(const struct upload_body *b, uint64_t offset)
{
    return b->at == offset || source_can_reopen(b->from);
}
