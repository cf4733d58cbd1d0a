/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/reader.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/mediatype.h"
#include "layers/reader_pipe.h"
#include "layers/reader_wire.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct reader {
    struct entries entries;
    struct source data; /* of the entry at hand; or all the plain bytes */
    struct reader_pipe *pipe;
    struct source *owned; /* the packed bytes, when they belong to us */
    struct tarlimits limits;
    enum reader_data mode;
    enum digest_alg alg;
    bool plain, ended;
    struct wire_frame frame; /* that comes next; kind 0: not looked at yet */
    uint64_t ticks_left;
    uint64_t data_left;  /* of the entry's, that have to come */
    uint32_t frame_left; /* of the data frame at hand */
    char *path, *target; /* of the entry at hand, room for the longest */
    char *name;          /* of the attribute at hand */
    uint64_t count;
    struct wire_end end;
};

enum reader_packing reader_packing_of(const char *media_type)
{
    switch (mediatype_compression_of(media_type)) {
    case COMPRESSION_NONE:
        return READER_PLAIN;
    case COMPRESSION_GZIP:
        return READER_GZIP;
    case COMPRESSION_ZSTD:
        return READER_ZSTD;
    case COMPRESSION_UNKNOWN:
        break;
    }
    return READER_LAYER;
}

static struct err *nonsense(const char *what)
{
    return err_new(ERR_INTERNAL, "the process that reads it broke the protocol: %s", what);
}

/* An error about the bytes, in the words of whoever reads them: so only its kind can be trusted, and only
 * some kinds. */
static struct err *told_error(struct reader *r)
{
    const uint8_t *payload;
    struct wire_error w;

    if (r->frame.len < sizeof w || r->frame.len > sizeof w + WIRE_TEXT_MAX)
        return nonsense("an error of a strange size");
    TRY(reader_pipe_need(r->pipe, r->frame.len, &payload));
    memcpy(&w, payload, sizeof w);
    AUTO(mem_free)
    char *text = str_escape((const char *)payload + sizeof w, r->frame.len - sizeof w, WIRE_TEXT_MAX);
    if (w.kind != ERR_INPUT && w.kind != ERR_RESOURCE && w.kind != ERR_UNSUPPORTED)
        w.kind = ERR_INTERNAL;
    return err_new((enum err_kind)w.kind, "%s", text);
}

/* The head of the next frame that means something. It stays until take_frame or the like used it. */
static struct err *look(struct reader *r)
{
    const uint8_t *head;

    while (r->frame.kind == 0) {
        TRY(reader_pipe_need(r->pipe, sizeof r->frame, &head));
        memcpy(&r->frame, head, sizeof r->frame);
        reader_pipe_used(r->pipe, sizeof r->frame);
        if (r->frame.kind == 0 || r->frame.len > WIRE_PAYLOAD_MAX)
            return nonsense("a frame of a strange kind or size");
        if (r->frame.kind == WIRE_ERROR)
            return told_error(r);
        if (r->frame.kind != WIRE_TICK)
            return NULL;
        if (r->frame.len != 0 || r->ticks_left-- == 0)
            return nonsense("too many signs of life");
        r->frame.kind = 0;
    }
    return NULL;
}

/* The whole payload of the frame that was looked at; reader_pipe_used is the caller's. */
static struct err *payload(struct reader *r, size_t least, const uint8_t **out)
{
    if (r->frame.len < least)
        return nonsense("a frame that is too short");
    TRY(reader_pipe_need(r->pipe, r->frame.len, out));
    r->frame.kind = 0;
    return NULL;
}

/* Text of `len` bytes; false for a NUL in it. */
static bool copy_text(char *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, len);
    to[len] = '\0';
    return strlen(to) == len;
}

static bool entry_is_sane(const struct wire_entry *w)
{
    bool link = w->type == ENTRY_SYMLINK || w->type == ENTRY_HARDLINK;
    bool device = w->type == ENTRY_CHAR || w->type == ENTRY_BLOCK;

    return w->type <= ENTRY_FIFO && w->mode <= 07777 && w->uid != UINT32_MAX && w->gid != UINT32_MAX &&
           w->mtime_ns <= 999999999 && w->size <= INT64_MAX && (w->size == 0 || w->type == ENTRY_FILE) &&
           (link || w->target_len == 0) && (device || (w->device_major == 0 && w->device_minor == 0));
}

static struct err *take_entry(struct reader *r, struct entry *out)
{
    const uint8_t *at;
    struct wire_entry w;
    uint32_t len = r->frame.len;
    size_t longest = r->limits.path + 1;

    TRY(payload(r, sizeof w, &at));
    memcpy(&w, at, sizeof w);
    if (w.path_len > longest || w.target_len > longest || len != sizeof w + w.path_len + w.target_len ||
        !entry_is_sane(&w) || !copy_text(r->path, at + sizeof w, w.path_len) ||
        !copy_text(r->target, at + sizeof w + w.path_len, w.target_len))
        return nonsense("an entry that cannot be");
    reader_pipe_used(r->pipe, len);
    *out = (struct entry){
        .type = (enum entry_type)w.type,
        .path = r->path,
        .target = w.type == ENTRY_SYMLINK || w.type == ENTRY_HARDLINK ? r->target : NULL,
        .size = w.size,
        .mode = w.mode,
        .uid = w.uid,
        .gid = w.gid,
        .device_major = w.device_major,
        .device_minor = w.device_minor,
        .mtime = w.mtime,
        .mtime_ns = w.mtime_ns,
    };
    r->data_left = wire_sends_data(r->mode, out) ? out->size : 0;
    return NULL;
}

static struct err *take_end(struct reader *r)
{
    const uint8_t *at;
    uint32_t len = r->frame.len;

    TRY(payload(r, sizeof r->end, &at));
    memcpy(&r->end, at, sizeof r->end);
    reader_pipe_used(r->pipe, len);
    if (len != sizeof r->end || r->end.alg != r->alg)
        return nonsense("a strange end");
    if (!reader_pipe_all_sent(r->pipe))
        return nonsense("it ended before it had read everything");
    r->ended = true;
    return NULL;
}

static struct err *data_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct reader *r = (struct reader *)(void *)((char *)s - offsetof(struct reader, data));

    *len = 0;
    if (r->ended || r->data_left == 0)
        return NULL;
    while (r->frame_left == 0) {
        TRY(look(r));
        if (r->plain && r->frame.kind == WIRE_END)
            return take_end(r);
        if (r->frame.kind != WIRE_DATA || r->frame.len == 0 || r->frame.len > r->data_left)
            return nonsense("data that does not fit its entry");
        r->frame_left = r->frame.len;
        r->frame.kind = 0;
    }
    TRY(reader_pipe_need(r->pipe, 1, data));
    *len = reader_pipe_there(r->pipe);
    if (*len > r->frame_left)
        *len = r->frame_left;
    return NULL;
}

static void data_advance(struct source *s, size_t len)
{
    struct reader *r = (struct reader *)(void *)((char *)s - offsetof(struct reader, data));

    assert(len <= r->frame_left && len <= r->data_left);
    reader_pipe_used(r->pipe, len);
    r->frame_left -= (uint32_t)len;
    if (!r->plain)
        r->data_left -= len;
}

static void reader_close(struct reader *r)
{
    reader_pipe_free(r->pipe);
    source_free(r->owned);
    mem_free(r->path);
    mem_free(r->target);
    mem_free(r->name);
    mem_free(r);
}

static void data_free(struct source *s)
{
    struct reader *r = (struct reader *)(void *)((char *)s - offsetof(struct reader, data));

    if (r->plain)
        reader_close(r);
}

static const struct source_ops data_ops = {.peek = data_peek, .advance = data_advance, .free = data_free};

static struct err *next(struct entries *s, struct entry *entry, bool *more)
{
    struct reader *r = (struct reader *)s;
    const char *name;
    const void *value;
    size_t len;

    *more = false;
    for (bool xattr = r->count > 0; xattr;)
        TRY(s->ops->xattr(s, &name, &value, &len, &xattr));
    TRY(source_drain(&r->data));
    TRY(look(r));
    if (r->frame.kind == WIRE_END)
        return take_end(r);
    if (r->frame.kind != WIRE_ENTRY)
        return nonsense("a frame out of place");
    r->count++;
    *more = true;
    return take_entry(r, entry);
}

static struct err *xattr(struct entries *s, const char **name, const void **value, size_t *len, bool *more)
{
    struct reader *r = (struct reader *)s;
    const uint8_t *at;
    struct wire_xattr w;

    *more = false;
    /* Behind the data is no attribute. */
    if (r->frame_left > 0)
        return NULL;
    TRY(look(r));
    if (r->frame.kind != WIRE_XATTR)
        return NULL;
    uint32_t frame_len = r->frame.len;
    TRY(payload(r, sizeof w, &at));
    memcpy(&w, at, sizeof w);
    if (w.name_len > WIRE_TEXT_MAX + 1 || w.value_len > r->limits.xattr + 1 ||
        frame_len != sizeof w + w.name_len + w.value_len || !copy_text(r->name, at + sizeof w, w.name_len))
        return nonsense("an attribute that cannot be");
    reader_pipe_used(r->pipe, frame_len);
    *name = r->name;
    /* Stays where it is until the pipe is read again. */
    *value = at + sizeof w + w.name_len;
    *len = w.value_len;
    *more = true;
    return NULL;
}

static struct source *data(struct entries *s)
{
    return &((struct reader *)s)->data;
}

static struct err *end(struct entries *s, uint64_t count)
{
    const struct reader *r = (const struct reader *)s;

    if (!r->ended || r->end.entries != count)
        return nonsense("it counted other entries than it sent");
    return NULL;
}

static void free_nothing(struct entries *s)
{
    (void)s; /* goes with the reader */
}

static const struct entries_ops entries_ops = {
    .next = next, .xattr = xattr, .data = data, .end = end, .free = free_nothing};

static struct err *take_ready(struct reader *r)
{
    const uint8_t *at;
    struct wire_ready ready;

    TRY(look(r));
    if (r->frame.kind != WIRE_READY || r->frame.len != sizeof ready)
        return nonsense("it did not say that it is ready");
    TRY(payload(r, sizeof ready, &at));
    memcpy(&ready, at, sizeof ready);
    reader_pipe_used(r->pipe, sizeof ready);
    if (!ready.confined)
        log_warn_once(LOG_NO_FILTER, "this machine does not allow seccomp filters: archives are read in a "
                                     "process with limits, but without a filter");
    return NULL;
}

static struct err *start(struct reader *r, struct source *packed, const struct reader_options *o)
{
    struct wire_request request = {
        .plain = r->plain, .packing = o->packing, .data = o->data, .digest = o->digest};

    wire_set_limits(&request, &r->limits);
    TRY(reader_pipe_open(&r->pipe, packed, o->mode ? o->mode : READER_MODE,
                         o->silence_ms ? o->silence_ms : READER_SILENCE_MS));
    TRY(reader_pipe_say(r->pipe, &request, sizeof request));
    return take_ready(r);
}

static struct reader *new_reader(const struct reader_options *o)
{
    struct reader *r = mem_zero(1, sizeof *r);

    r->entries.ops = &entries_ops;
    r->data.ops = &data_ops;
    r->limits = o->limits ? *o->limits : TARLIMITS;
    r->mode = o->data;
    r->alg = o->digest;
    r->ticks_left = r->limits.bytes / WIRE_TICK_BYTES + 1;
    /* What is sent is cut to one byte more than is good. */
    r->path = mem_alloc(r->limits.path + 2);
    r->target = mem_alloc(r->limits.path + 2);
    r->name = mem_alloc(WIRE_TEXT_MAX + 2);
    return r;
}

struct err *reader_open(struct reader **out, struct source *packed, const struct reader_options *options)
{
    AUTO(reader_free) struct reader *r = new_reader(options);

    TRY(start(r, packed, options));
    *out = TAKE(r);
    return NULL;
}

struct err *reader_plain(struct source **out, struct source *packed, enum reader_packing packing)
{
    const struct reader_options options = {.packing = packing};
    AUTO(reader_free) struct reader *r = new_reader(&options);

    r->plain = true;
    r->owned = packed;
    r->data_left = UINT64_MAX;
    TRY(start(r, packed, &options));
    *out = &TAKE(r)->data;
    return NULL;
}

struct entries *reader_entries(struct reader *r)
{
    return &r->entries;
}

struct digest reader_digest(const struct reader *r)
{
    struct digest d = {.alg = r->alg};

    assert(r->ended);
    memcpy(d.bytes, r->end.digest, r->alg == DIGEST_SHA512 ? 64 : 32);
    return d;
}

void reader_free(struct reader *r)
{
    if (r)
        reader_close(r);
}
