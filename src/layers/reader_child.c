/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/reader.h"

#include "base/confine.h"
#include "base/mem.h"
#include "base/str.h"
#include "layers/ahead.h"
#include "layers/compress.h"
#include "layers/entries_tar.h"
#include "layers/reader_wire.h"
#include "layers/untar.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The process that reads. It writes to nobody but lade, so a failed write has nobody to be told to. */

#define PIECE (256u * 1024)
/* Data from this on is written from where it is. */
#define DIRECT (32u * 1024)
#define EXIT_PIPE 1

struct input {
    struct source source;
    uint8_t *piece;
    size_t start, end;
};

struct output {
    uint8_t *data;
    size_t len;
    uint64_t plain, ticked; /* bytes that came out of the decompressor; those at the last sign of life */
    struct hash *hash;
};

static size_t read_some(void *to, size_t len)
{
    ssize_t got;

    do
        got = read(STDIN_FILENO, to, len);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        _exit(EXIT_PIPE);
    return (size_t)got;
}

static void write_all(const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(STDOUT_FILENO, data, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            _exit(EXIT_PIPE);
        data += wrote;
        len -= (size_t)wrote;
    }
}

static struct err *input_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct input *in = (struct input *)s;

    if (in->start == in->end) {
        in->start = 0;
        in->end = read_some(in->piece, PIECE);
    }
    *data = in->piece + in->start;
    *len = in->end - in->start;
    return NULL;
}

static void input_advance(struct source *s, size_t len)
{
    ((struct input *)s)->start += len;
}

static void input_free(struct source *s)
{
    (void)s; /* lives as long as the process */
}

static const struct source_ops input_ops = {.peek = input_peek, .advance = input_advance, .free = input_free};

static void flush(struct output *out)
{
    write_all(out->data, out->len);
    out->len = 0;
}

static void add(struct output *out, const void *data, size_t len)
{
    if (len > WIRE_BUFFER - out->len)
        flush(out);
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void begin(struct output *out, enum wire_kind kind, size_t len)
{
    struct wire_frame frame = {.kind = kind, .len = (uint32_t)len};
    add(out, &frame, sizeof frame);
}

static void send_data(struct output *out, const uint8_t *data, size_t len)
{
    begin(out, WIRE_DATA, len);
    if (len < DIRECT) {
        add(out, data, len);
        return;
    }
    flush(out);
    write_all(data, len);
}

static struct err *send_all(struct output *out, struct source *from)
{
    for (;;) {
        const uint8_t *data;
        size_t len;
        TRY(source_peek(from, &data, &len));
        if (len == 0)
            return NULL;
        if (len > WIRE_PAYLOAD_MAX)
            len = WIRE_PAYLOAD_MAX;
        send_data(out, data, len);
        source_advance(from, len);
    }
}

static void send_entry(struct output *out, const struct entry *e, size_t longest)
{
    struct wire_entry w = {
        .size = e->size,
        .mtime = e->mtime,
        .type = e->type,
        .mode = e->mode,
        .uid = e->uid,
        .gid = e->gid,
        .device_major = e->device_major,
        .device_minor = e->device_minor,
        .mtime_ns = e->mtime_ns,
        .path_len = (uint32_t)strnlen(e->path, longest + 1),
        .target_len = e->target ? (uint32_t)strnlen(e->target, longest + 1) : 0,
    };

    begin(out, WIRE_ENTRY, sizeof w + w.path_len + w.target_len);
    add(out, &w, sizeof w);
    add(out, e->path, w.path_len);
    add(out, e->target ? e->target : "", w.target_len);
}

static struct err *send_xattrs(struct output *out, struct entries *from, uint64_t longest)
{
    for (;;) {
        const char *name;
        const void *value;
        size_t len;
        bool more;
        TRY(from->ops->xattr(from, &name, &value, &len, &more));
        if (!more)
            return NULL;
        struct wire_xattr w = {.name_len = name ? (uint32_t)strnlen(name, WIRE_TEXT_MAX + 1) : 0,
                               .value_len = len > longest ? (uint32_t)longest + 1 : (uint32_t)len};
        begin(out, WIRE_XATTR, sizeof w + w.name_len + w.value_len);
        add(out, &w, sizeof w);
        add(out, name ? name : "", w.name_len);
        add(out, value, w.value_len);
    }
}

static struct err *send_entries(struct output *out, struct source *plain, const struct wire_request *request,
                                uint64_t *count)
{
    const struct tarlimits limits = wire_limits(request);
    AUTO(entries_free) struct entries *from = NULL;

    TRY(entries_tar(&from, plain, &limits));
    for (*count = 0;; ++*count) {
        struct entry e;
        bool more;
        TRY(from->ops->next(from, &e, &more));
        if (!more)
            break;
        send_entry(out, &e, limits.path);
        TRY(send_xattrs(out, from, limits.xattr));
        if (wire_sends_data((enum reader_data)request->data, &e))
            TRY(send_all(out, from->ops->data(from)));
    }
    return from->ops->end(from, *count);
}

/* Between two entries may be much to pass over: lade is told that somebody is at work. No frame is half
 * written when bytes are read. */
static void see_plain(void *ctx, const uint8_t *data, size_t len)
{
    struct output *out = ctx;

    if (out->hash)
        hash_add(out->hash, data, len);
    out->plain += len;
    if (out->plain - out->ticked < WIRE_TICK_BYTES)
        return;
    out->ticked = out->plain;
    begin(out, WIRE_TICK, 0);
    flush(out);
}

static struct err *unpack(struct source **out, struct source *packed, enum reader_packing packing)
{
    switch (packing) {
    case READER_PLAIN:
        return decompress_source(out, packed, COMPRESSION_NONE, "decompress");
    case READER_GZIP:
        return decompress_source(out, packed, COMPRESSION_GZIP, "decompress");
    case READER_ZSTD:
        return decompress_source(out, packed, COMPRESSION_ZSTD, "decompress");
    case READER_LAYER:
        return decompress_source(out, packed, COMPRESSION_UNKNOWN, "decompress");
    case READER_ANY:
        break;
    }
    return decompress_any_source(out, packed, "decompress");
}

/* What is made here is not freed: the process ends after it, and the thread may wait for bytes. */
static struct err *work(struct output *out, struct source *packed, struct ahead *ahead,
                        const struct wire_request *request)
{
    struct wire_end end = {.alg = request->digest};
    struct source *plain = NULL;

    TRY(unpack(&plain, packed, (enum reader_packing)request->packing));
    struct source *watched = source_watch(ahead_source(ahead, plain), see_plain, out);
    if (request->plain)
        TRY(send_all(out, watched));
    else
        TRY(send_entries(out, watched, request, &end.entries));
    if (out->hash) {
        struct digest digest = hash_value(out->hash);
        memcpy(end.digest, digest.bytes, sizeof end.digest);
    }
    begin(out, WIRE_END, sizeof end);
    add(out, &end, sizeof end);
    return NULL;
}

static void send_error(struct output *out, const struct err *e)
{
    struct wire_error w = {.kind = err_kind_of(e)};
    size_t len = strnlen(err_message(e), WIRE_TEXT_MAX);

    begin(out, WIRE_ERROR, sizeof w + len);
    add(out, &w, sizeof w);
    add(out, err_message(e), len);
}

/* What takes memory, files or time to set up comes before the doors are shut. */
_Noreturn void reader_child(void)
{
    struct wire_request request = {0};
    struct input in = {.source.ops = &input_ops, .piece = mem_alloc(PIECE)};
    struct output out = {.data = mem_alloc(WIRE_BUFFER)};
    size_t got = 0;

    (void)prctl(PR_SET_NAME, READER_MODE, 0, 0, 0);
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    for (size_t n = 1; n > 0 && got < sizeof request; got += n)
        n = read_some((char *)&request + got, sizeof request - got);
    if (got < sizeof request)
        _exit(EXIT_PIPE);
    if (request.digest != DIGEST_NONE)
        out.hash = hash_new((enum digest_alg)request.digest);
    if (!request.plain)
        untar_warm_up();
    struct ahead *ahead = ahead_new();
    struct wire_ready ready = {.confined = confine_to_pipes(READER_MEMORY)};
    begin(&out, WIRE_READY, sizeof ready);
    add(&out, &ready, sizeof ready);
    flush(&out);
    struct err *e = work(&out, &in.source, ahead, &request);
    if (e)
        send_error(&out, e);
    flush(&out);
    _exit(0);
}

bool reader_is_child(const char *argv0)
{
    return argv0 && str_eq(argv0, READER_MODE);
}
