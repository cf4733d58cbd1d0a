/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/untar.h"

#include "base/mem.h"
#include "base/stop.h"
#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A hole is given out in pieces of this. */
static const uint8_t zeros[16 * 1024];

/* What libarchive reads from. */
struct feed {
    struct source *from;
    size_t given;       /* what the last call gave and libarchive has used up by the next */
    struct err *failed; /* the source's own error, which counts more than libarchive's words about it */
};

struct untar {
    struct archive *archive;
    struct archive_entry *entry; /* borrowed from `archive` */
    struct feed feed;

    /* The data of the entry. */
    struct source data;
    uint64_t size, at;
    const uint8_t *block;
    size_t block_left;
    uint64_t block_at; /* where in the file the rest of the block stands */
    bool data_ended;
};

static la_ssize_t feed_read(struct archive *a, void *ctx, const void **data)
{
    struct feed *f = ctx;
    const uint8_t *piece = NULL;
    size_t len = 0;

    if (!f->failed) {
        source_advance(f->from, f->given);
        f->given = 0;
        f->failed = stop_check();
    }
    if (!f->failed)
        f->failed = source_peek(f->from, &piece, &len);
    if (f->failed) {
        archive_set_error(a, EIO, "the data cannot be read");
        return ARCHIVE_FATAL;
    }
    f->given = len;
    *data = piece;
    return (la_ssize_t)len;
}

static struct err *feed_drain(struct feed *f)
{
    source_advance(f->from, f->given);
    f->given = 0;
    return source_drain(f->from);
}

static struct err *feed_error(struct feed *f, struct archive *a, const char *what)
{
    if (f->failed)
        return TAKE(f->failed);
    const char *said = archive_error_string(a);
    if (!said)
        return err_new(ERR_INPUT, "%s", what);
    AUTO(mem_free) char *text = str_safe(said);
    return err_new(ERR_INPUT, "%s: %s", what, text);
}

/* The one warning that is none: a pax name is UTF-8 by its standard, and anything else stays the bytes that
 * it is. */
static bool harmless(struct archive *a)
{
    const char *said = archive_error_string(a);
    return said && strstr(said, "can't be converted from") != NULL;
}

static struct err *data_peek(struct source *s, const uint8_t **data, size_t *len);
static void data_advance(struct source *s, size_t len);
static void data_free(struct source *s);
static const struct source_ops data_ops = {.peek = data_peek, .advance = data_advance, .free = data_free};

struct err *untar_open(struct untar **out, struct source *from)
{
    AUTO(untar_free) struct untar *u = mem_zero(1, sizeof *u);

    u->feed.from = from;
    u->data.ops = &data_ops;
    u->archive = archive_read_new();
    if (!u->archive)
        mem_exhausted();
    if (archive_read_support_format_tar(u->archive) != ARCHIVE_OK)
        return feed_error(&u->feed, u->archive, "set up the tar reader");
    if (archive_read_open(u->archive, &u->feed, NULL, feed_read, NULL) != ARCHIVE_OK)
        return feed_error(&u->feed, u->archive, "not a tar archive");
    *out = TAKE(u);
    return NULL;
}

void untar_free(struct untar *u)
{
    if (!u)
        return;
    archive_read_free(u->archive);
    err_free(u->feed.failed);
    mem_free(u);
}

static struct err *entry_error(const char *path, const char *why)
{
    AUTO(mem_free) char *name = str_safe(path);
    return err_new(ERR_INPUT, "entry \"%s\": %s", name, why);
}

static struct err *entry_type(struct archive_entry *a, struct entry *e)
{
    switch (archive_entry_filetype(a)) {
    case AE_IFREG:
        e->type = ENTRY_FILE;
        return NULL;
    case AE_IFDIR:
        e->type = ENTRY_DIR;
        return NULL;
    case AE_IFLNK:
        e->type = ENTRY_SYMLINK;
        e->target = archive_entry_symlink(a);
        return e->target ? NULL : entry_error(e->path, "a symbolic link without a target");
    case AE_IFCHR:
        e->type = ENTRY_CHAR;
        return NULL;
    case AE_IFBLK:
        e->type = ENTRY_BLOCK;
        return NULL;
    case AE_IFIFO:
        e->type = ENTRY_FIFO;
        return NULL;
    default:
        return entry_error(e->path, "is of a type that no image has");
    }
}

static struct err *entry_numbers(struct archive_entry *a, struct entry *e)
{
    int64_t size = archive_entry_size(a);
    int64_t uid = archive_entry_uid(a), gid = archive_entry_gid(a);
    long ns = archive_entry_mtime_nsec(a);
    uint64_t major = archive_entry_rdevmajor(a), minor = archive_entry_rdevminor(a);

    if (size < 0)
        return entry_error(e->path, "its size is negative");
    if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
        return entry_error(e->path, "its owner is not between 0 and 4294967294");
    if (ns < 0 || ns > 999999999)
        return entry_error(e->path, "its time is out of range");
    if (major > UINT32_MAX || minor > UINT32_MAX)
        return entry_error(e->path, "its device number is out of range");
    if (size > 0 && e->type != ENTRY_FILE)
        return entry_error(e->path, "is no file and has data");
    e->size = (uint64_t)size;
    e->uid = (uint32_t)uid;
    e->gid = (uint32_t)gid;
    e->mode = archive_entry_perm(a) & 07777;
    e->mtime = archive_entry_mtime(a);
    e->mtime_ns = (uint32_t)ns;
    if (e->type == ENTRY_CHAR || e->type == ENTRY_BLOCK) {
        e->device_major = (uint32_t)major;
        e->device_minor = (uint32_t)minor;
    }
    return NULL;
}

struct err *untar_next(struct untar *u, struct entry *entry, bool *more)
{
    struct entry e = {0};
    int status = archive_read_next_header(u->archive, &u->entry);

    *more = false;
    if (u->feed.failed)
        return TAKE(u->feed.failed);
    if (status == ARCHIVE_EOF)
        return NULL;
    if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && harmless(u->archive)))
        return feed_error(&u->feed, u->archive, "the archive is damaged");

    e.path = archive_entry_pathname(u->entry);
    if (!e.path)
        return err_new(ERR_INPUT, "an entry has no name");
    e.target = archive_entry_hardlink(u->entry);
    if (e.target)
        e.type = ENTRY_HARDLINK;
    else
        TRY(entry_type(u->entry, &e));
    TRY(entry_numbers(u->entry, &e));
    archive_entry_xattr_reset(u->entry);
    u->size = e.size;
    u->at = u->block_at = 0;
    u->block_left = 0;
    u->data_ended = false;
    *entry = e;
    *more = true;
    return NULL;
}

bool untar_next_xattr(struct untar *u, const char **name, const void **value, size_t *len)
{
    return archive_entry_xattr_next(u->entry, name, value, len) == ARCHIVE_OK;
}

static struct err *next_block(struct untar *u)
{
    const void *block = NULL;
    size_t len = 0;
    la_int64_t at = 0;
    int status = archive_read_data_block(u->archive, &block, &len, &at);

    if (u->feed.failed)
        return TAKE(u->feed.failed);
    if (status == ARCHIVE_EOF) {
        u->data_ended = true;
        return NULL;
    }
    if (status != ARCHIVE_OK)
        return feed_error(&u->feed, u->archive, "the archive is damaged");
    if (at < 0 || (uint64_t)at < u->at || (uint64_t)at > u->size || len > u->size - (uint64_t)at)
        return err_new(ERR_INPUT, "the archive is damaged: the pieces of a file do not fit together");
    u->block = block;
    u->block_left = len;
    u->block_at = (uint64_t)at;
    return NULL;
}

static struct err *data_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct untar *u = (struct untar *)(void *)((char *)s - offsetof(struct untar, data));

    while (u->block_left == 0 && !u->data_ended)
        TRY(next_block(u));
    uint64_t hole = (u->block_left ? u->block_at : u->size) - u->at;
    if (hole > 0) {
        *data = zeros;
        *len = hole < sizeof zeros ? (size_t)hole : sizeof zeros;
    } else {
        *data = u->block;
        *len = u->block_left;
    }
    return NULL;
}

static void data_advance(struct source *s, size_t len)
{
    struct untar *u = (struct untar *)(void *)((char *)s - offsetof(struct untar, data));

    if (u->block_left > 0 && u->at == u->block_at) {
        assert(len <= u->block_left);
        u->block += len;
        u->block_left -= len;
        u->block_at += len;
    }
    assert(len <= u->size - u->at);
    u->at += len;
}

static void data_free(struct source *s)
{
    (void)s; /* belongs to the reader */
}

struct source *untar_data(struct untar *u)
{
    return &u->data;
}

struct err *untar_end(struct untar *u)
{
    return feed_drain(&u->feed);
}

/* A file with a pax header, whose texts libarchive converts: that is what loads the tables of characters. */
static size_t warm_header(char *block, const char *name, char type, size_t size)
{
    unsigned sum = 0;

    memset(block, 0, 512);
    snprintf(block, 100, "%s", name);
    memcpy(block + 100, "0000644\0000000000\0000000000", 24);
    snprintf(block + 124, 12, "%011zo", size);
    memcpy(block + 136, "00000000000\0        ", 20);
    block[156] = type;
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    return 512;
}

void untar_warm_up(void)
{
    static const char records[] =
        "9 path=a\n14 linkpath=b\n11 uname=c\n11 gname=c\n25 SCHILY.xattr.user.a=d\n";
    char tar[5 * 512] = {0};
    size_t at = warm_header(tar, "x", 'x', sizeof records - 1);

    memcpy(tar + at, records, sizeof records - 1);
    warm_header(tar + at + 512, "y", '0', 0);
    AUTO(source_free) struct source *from = source_mem(tar, sizeof tar);
    AUTO(untar_free) struct untar *u = NULL;
    struct entry entry;
    bool more = true;
    struct err *e = untar_open(&u, from);
    while (!e && more)
        e = untar_next(u, &entry, &more);
    err_free(e);
}

/* Decompression: libarchive's "raw" format behind one filter, which is forced and not guessed. */
struct filter_source {
    struct source source;
    struct archive *archive;
    struct feed feed; /* its source is owned here */
    const uint8_t *block;
    size_t left;
    bool opened, ended;
};

static struct err *filter_peek(struct source *s, const uint8_t **data, size_t *len)
{
    struct filter_source *f = (struct filter_source *)s;
    const char *const broken = "the compressed data is damaged or needs too much memory";

    if (!f->opened) {
        struct archive_entry *ignored;
        if (archive_read_open(f->archive, &f->feed, NULL, feed_read, NULL) != ARCHIVE_OK ||
            archive_read_next_header(f->archive, &ignored) != ARCHIVE_OK)
            return feed_error(&f->feed, f->archive, broken);
        f->opened = true;
    }
    while (f->left == 0 && !f->ended) {
        const void *block = NULL;
        la_int64_t at;
        int status = archive_read_data_block(f->archive, &block, &f->left, &at);
        if (f->feed.failed || (status != ARCHIVE_OK && status != ARCHIVE_EOF)) {
            f->left = 0;
            return feed_error(&f->feed, f->archive, broken);
        }
        f->block = block;
        f->ended = status == ARCHIVE_EOF;
    }
    if (f->left == 0)
        TRY(feed_drain(&f->feed));
    *data = f->block;
    *len = f->left;
    return NULL;
}

static void filter_advance(struct source *s, size_t len)
{
    struct filter_source *f = (struct filter_source *)s;

    assert(len <= f->left);
    f->block += len;
    f->left -= len;
}

static void filter_free(struct source *s)
{
    struct filter_source *f = (struct filter_source *)s;

    archive_read_free(f->archive);
    source_free(f->feed.from);
    err_free(f->feed.failed);
    mem_free(f);
}

static const struct source_ops filter_ops = {
    .peek = filter_peek, .advance = filter_advance, .free = filter_free};

struct err *untar_filter_source(struct source **out, struct source *from, enum untar_filter filter)
{
    static const struct {
        int code;
        const char *name;
    } filters[] = {
        [UNTAR_BZIP2] = {ARCHIVE_FILTER_BZIP2, "bzip2"},
        [UNTAR_XZ] = {ARCHIVE_FILTER_XZ, "xz"},
        [UNTAR_ZSTD] = {ARCHIVE_FILTER_ZSTD, "zstd"},
    };
    struct filter_source *f = mem_zero(1, sizeof *f);
    AUTO(source_free) struct source *made = &f->source;

    f->source.ops = &filter_ops;
    f->feed.from = from;
    f->archive = archive_read_new();
    if (!f->archive)
        mem_exhausted();
    /* A libarchive that was built without this filter would run a program of that name and says so by a
     * warning. */
    if (archive_read_append_filter(f->archive, filters[filter].code) != ARCHIVE_OK)
        return err_new(ERR_UNSUPPORTED, "the libarchive of this machine cannot read %s",
                       filters[filter].name);
    if (archive_read_support_format_raw(f->archive) != ARCHIVE_OK ||
        archive_read_support_format_empty(f->archive) != ARCHIVE_OK)
        return feed_error(&f->feed, f->archive, "set up decompression");
    *out = TAKE(made);
    return NULL;
}
