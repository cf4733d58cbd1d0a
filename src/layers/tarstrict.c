/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarstrict.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "layers/tarfield.h"
#include "layers/tarpax.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define BLOCK TARSTRICT_BLOCK
/* Regions in one block that goes on with the map of an old GNU sparse file. */
#define SPARSE_IN_BLOCK 21

enum state {
    AT_HEADER,
    AT_EXTENDED,    /* the body of a pax header or long name */
    AT_SPARSE_MAP,  /* a further block of an old GNU sparse map */
    AT_SPARSE_DATA, /* the first block of data, where a sparse map of version 1.0 begins */
    AT_DATA,        /* content and padding, passed over */
    AT_END,         /* after two zero blocks */
};

struct tarstrict {
    struct source source;
    struct source *from;
    struct tarlimits limits;
    enum state state;
    size_t ahead;   /* what was checked beyond what the reader took */
    uint64_t bytes; /* checked in all */
    uint64_t entries;

    uint8_t block[BLOCK];
    size_t filled;
    unsigned zero_blocks;
    uint64_t left;  /* AT_DATA, AT_EXTENDED: bytes with padding */
    uint64_t pad;   /* AT_DATA: how many of them are padding */
    size_t made_up; /* padding that is missing at the end, and given to the reader all the same */

    char extended; /* the type of the header whose body is collected */
    size_t extended_len;
    struct buf body;

    /* What stands before the next entry and belongs to it. */
    bool has_pax, has_long_name, has_long_link;
    struct tarpax pax;
    unsigned sparse_regions;
    uint64_t data_size; /* AT_SPARSE_MAP: what follows the map */
};

static bool all_zero(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i])
            return false;
    }
    return true;
}

bool tarstrict_is_header(const uint8_t block[TARSTRICT_BLOCK])
{
    return !all_zero(block, BLOCK) && tarfield_checksum(block);
}

static struct err *field_error(const struct tarstrict *t, const char *field)
{
    AUTO(mem_free) char *name = str_escape((const char *)t->block, strnlen((const char *)t->block, 100), 100);
    return err_new(ERR_INPUT, "entry \"%s\": its %s is no valid number", name, field);
}

static struct err *check_numbers(const struct tarstrict *t)
{
    const uint8_t *b = t->block;
    int64_t value;

    if (!tarfield_number(b + 100, 8, &value) || value < 0)
        return field_error(t, "mode");
    if (!tarfield_number(b + 108, 8, &value) || value < 0 || value >= UINT32_MAX)
        return field_error(t, "user id");
    if (!tarfield_number(b + 116, 8, &value) || value < 0 || value >= UINT32_MAX)
        return field_error(t, "group id");
    if (!tarfield_number(b + 136, 12, &value))
        return field_error(t, "time");
    if (b[156] != '3' && b[156] != '4')
        return NULL;
    if (!tarfield_number(b + 329, 8, &value) || value < 0 || value > UINT32_MAX ||
        !tarfield_number(b + 337, 8, &value) || value < 0 || value > UINT32_MAX)
        return field_error(t, "device number");
    return NULL;
}

static uint64_t padded(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static struct err *ambiguous(const char *what)
{
    return err_new(ERR_INPUT, "%s for one entry: readers do not agree on which one counts", what);
}

static struct err *begin_extended(struct tarstrict *t, uint64_t size)
{
    char type = (char)t->block[156];

    if (size > t->limits.header)
        return err_new(ERR_RESOURCE,
                       "an extended header or long name has %" PRIu64 " bytes, the limit is %" PRIu64, size,
                       t->limits.header);
    if ((type == 'x' || type == 'X') && t->has_pax)
        return ambiguous("two extended headers");
    if ((type == 'L' && t->has_long_name) || (type == 'K' && t->has_long_link))
        return ambiguous("two long names");
    t->extended = type;
    t->extended_len = (size_t)size;
    buf_clear(&t->body);
    t->left = padded(size);
    t->state = AT_EXTENDED;
    return NULL;
}

static struct err *end_extended(struct tarstrict *t)
{
    const char *body = buf_text(&t->body);
    struct tarpax ignored;

    t->state = AT_HEADER;
    switch (t->extended) {
    case 'x':
    case 'X':
        t->has_pax = true;
        return tarpax_check(&t->pax, body, t->extended_len, false, &t->limits);
    case 'g':
        return tarpax_check(&ignored, body, t->extended_len, true, &t->limits);
    default:
        if (strnlen(body, t->extended_len) == 0)
            return err_new(ERR_INPUT, "a long name is empty");
        if (t->extended == 'L')
            t->has_long_name = true;
        else
            t->has_long_link = true;
        return NULL;
    }
}

static void begin_data(struct tarstrict *t, uint64_t size)
{
    t->left = padded(size);
    t->pad = t->left - size;
    t->state = t->left ? AT_DATA : AT_HEADER;
}

static struct err *check_sparse_count(struct tarstrict *t, uint64_t regions)
{
    if (regions > t->limits.sparse)
        return err_new(ERR_RESOURCE, "a sparse file has more than %u regions", t->limits.sparse);
    return NULL;
}

/* The size that counts: the pax header's, as Go's reader (that is, docker and containerd) takes it. */
static struct err *entry_size(struct tarstrict *t, int64_t in_header, uint64_t *size)
{
    *size = (uint64_t)in_header;
    if (!t->pax.size)
        return NULL;
    if (in_header != 0 && (uint64_t)in_header != t->pax.size_value)
        return ambiguous("two different sizes");
    *size = t->pax.size_value;
    return NULL;
}

static struct err *begin_entry(struct tarstrict *t, uint64_t size)
{
    char type = (char)t->block[156];
    bool sparse_data = t->pax.sparse_data;

    if (t->has_long_name && t->pax.path)
        return ambiguous("a GNU long name and a pax path");
    if (t->has_long_link && t->pax.linkpath)
        return ambiguous("a GNU long link and a pax linkpath");
    if (++t->entries > t->limits.entries)
        return err_new(ERR_RESOURCE, "more than %" PRIu64 " entries", t->limits.entries);
    t->has_pax = t->has_long_name = t->has_long_link = false;
    t->pax = (struct tarpax){0};

    switch (type) {
    case '\0':
    case '0':
    case '7':
        begin_data(t, size);
        if (!sparse_data)
            return NULL;
        if (size == 0)
            return err_new(ERR_INPUT, "a sparse file has no map");
        t->state = AT_SPARSE_DATA;
        return NULL;
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
        if (size != 0)
            return err_new(ERR_INPUT, "an entry that is no file says that it has %" PRIu64 " bytes of data",
                           size);
        return NULL;
    case 'S':
        t->sparse_regions = 4;
        t->data_size = size;
        if (t->block[482])
            t->state = AT_SPARSE_MAP;
        else
            begin_data(t, size);
        return NULL;
    default:
        return err_new(ERR_UNSUPPORTED, "entries of type 0x%02x are not supported", (unsigned char)type);
    }
}

static struct err *on_header(struct tarstrict *t)
{
    char type = (char)t->block[156];
    int64_t in_header;
    uint64_t size;

    if (all_zero(t->block, BLOCK)) {
        if (t->has_pax || t->has_long_name || t->has_long_link)
            return err_new(ERR_INPUT, "the archive ends after an extended header");
        if (++t->zero_blocks == 2)
            t->state = AT_END;
        return NULL;
    }
    if (t->zero_blocks)
        return err_new(
            ERR_INPUT,
            "a lone zero block stands between entries: readers do not agree on whether that is the end");
    if (!tarfield_checksum(t->block))
        return t->bytes < BLOCK
                   ? err_new(ERR_INPUT, "not a tar archive")
                   : err_new(ERR_INPUT, "the header after entry %" PRIu64 " has a wrong checksum",
                             t->entries);
    if (!tarfield_number(t->block + 124, 12, &in_header) || in_header < 0)
        return field_error(t, "size");
    if (type == 'x' || type == 'X' || type == 'g' || type == 'L' || type == 'K')
        return begin_extended(t, (uint64_t)in_header);
    TRY(check_numbers(t));
    TRY(entry_size(t, in_header, &size));
    if (size > t->limits.bytes)
        return err_new(ERR_RESOURCE, "a file has %" PRIu64 " bytes, the limit is %" PRIu64, size,
                       t->limits.bytes);
    return begin_entry(t, size);
}

static struct err *on_sparse_map(struct tarstrict *t)
{
    t->sparse_regions += SPARSE_IN_BLOCK;
    TRY(check_sparse_count(t, t->sparse_regions));
    if (!t->block[504])
        begin_data(t, t->data_size);
    return NULL;
}

/* The map of a sparse file of version 1.0: first, on a line of its own, how many regions there are. */
static struct err *on_sparse_data(struct tarstrict *t)
{
    const uint8_t *line_end = memchr(t->block, '\n', BLOCK);
    uint64_t regions;
    char text[24];
    size_t len = line_end ? (size_t)(line_end - t->block) : 0;

    if (len == 0 || len >= sizeof text)
        return err_new(ERR_INPUT, "a sparse file's map does not begin with a number");
    memcpy(text, t->block, len);
    text[len] = '\0';
    if (!num_parse(text, UINT64_MAX, &regions))
        return err_new(ERR_INPUT, "a sparse file's map does not begin with a number");
    TRY(check_sparse_count(t, regions));
    t->left -= BLOCK;
    t->state = t->left ? AT_DATA : AT_HEADER;
    return NULL;
}

static struct err *on_block(struct tarstrict *t)
{
    if (t->state == AT_HEADER)
        return on_header(t);
    return t->state == AT_SPARSE_MAP ? on_sparse_map(t) : on_sparse_data(t);
}

/* One state's worth of the bytes; *used says how many. */
static struct err *step(struct tarstrict *t, const uint8_t *data, size_t len, size_t *used)
{
    size_t n = len;

    switch (t->state) {
    case AT_HEADER:
    case AT_SPARSE_MAP:
    case AT_SPARSE_DATA:
        if (n > BLOCK - t->filled)
            n = BLOCK - t->filled;
        memcpy(t->block + t->filled, data, n);
        t->filled += n;
        if (t->filled == BLOCK) {
            t->filled = 0;
            TRY(on_block(t));
        }
        break;
    case AT_EXTENDED:
        if (n > t->left)
            n = (size_t)t->left;
        buf_add(&t->body, data, n);
        t->left -= n;
        break;
    case AT_DATA:
        if (n > t->left)
            n = (size_t)t->left;
        t->left -= n;
        if (t->left == 0)
            t->state = AT_HEADER;
        break;
    case AT_END:
        if (!all_zero(data, n))
            return err_new(ERR_INPUT, "there are bytes after the end of the archive");
        break;
    }
    if (t->state == AT_EXTENDED && t->left == 0)
        TRY(end_extended(t));
    *used = n;
    return NULL;
}

static struct err *check_end(const struct tarstrict *t)
{
    bool pending = t->has_pax || t->has_long_name || t->has_long_link;

    if (t->bytes < BLOCK)
        return err_new(ERR_INPUT, "not a tar archive: it has only %" PRIu64 " bytes", t->bytes);
    if ((t->state == AT_HEADER && t->filled == 0 && !pending) || t->state == AT_END)
        return NULL;
    return err_new(ERR_INPUT, "the archive is cut off after %" PRIu64 " bytes, in or after entry %" PRIu64,
                   t->bytes, t->entries);
}

/* umoci writes no padding behind the last file; readers in Go take that for the end. */
static void make_up_padding(struct tarstrict *t)
{
    if (t->state != AT_DATA || t->left > t->pad)
        return;
    t->made_up = (size_t)t->left;
    t->left = 0;
    t->state = AT_HEADER;
}

static struct err *strict_peek(struct source *s, const uint8_t **data, size_t *len)
{
    static const uint8_t zeros[BLOCK];
    struct tarstrict *t = (struct tarstrict *)s;
    const uint8_t *piece = NULL;
    size_t n = 0;

    TRY(source_peek(t->from, &piece, &n));
    if (n == 0)
        make_up_padding(t);
    if (t->made_up > 0) {
        *data = zeros;
        *len = t->made_up;
        return NULL;
    }
    if (n == 0)
        TRY(check_end(t));
    while (t->ahead < n) {
        size_t used = 0;
        TRY(step(t, piece + t->ahead, n - t->ahead, &used));
        t->ahead += used;
        t->bytes += used;
        if (t->bytes > t->limits.bytes)
            return err_new(ERR_RESOURCE, "the archive is larger than %" PRIu64 " bytes", t->limits.bytes);
    }
    *data = piece;
    *len = n;
    return NULL;
}

static void strict_advance(struct source *s, size_t len)
{
    struct tarstrict *t = (struct tarstrict *)s;

    if (t->made_up > 0) {
        t->made_up -= len;
        return;
    }
    assert(len <= t->ahead);
    t->ahead -= len;
    source_advance(t->from, len);
}

static void strict_free(struct source *s)
{
    struct tarstrict *t = (struct tarstrict *)s;

    buf_wipe(&t->body);
    mem_free(t);
}

static const struct source_ops strict_ops = {
    .peek = strict_peek, .advance = strict_advance, .free = strict_free};

struct tarstrict *tarstrict_new(struct source *from, const struct tarlimits *limits)
{
    struct tarstrict *t = mem_zero(1, sizeof *t);

    t->source.ops = &strict_ops;
    t->from = from;
    t->limits = *limits;
    t->body = BUF((size_t)limits->header + 2 * BLOCK);
    return t;
}

struct source *tarstrict_source(struct tarstrict *t)
{
    return &t->source;
}

uint64_t tarstrict_entries(const struct tarstrict *t)
{
    return t->entries;
}

void tarstrict_free(struct tarstrict *t)
{
    source_free(t ? &t->source : NULL);
}
