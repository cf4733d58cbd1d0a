/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/toc.h"

#include "base/codec.h"
#include "base/mem.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PREFETCH_LANDMARK ".prefetch.landmark"
#define YEAR_MAX 9999

void toc_notes_clear(struct toc_notes *n)
{
    n->text.max = BUF_NO_LIMIT;
    buf_clear(&n->text);
    n->count = 0;
}

void toc_notes_wipe(struct toc_notes *n)
{
    buf_wipe(&n->text);
    mem_free(n->hole);
    *n = (struct toc_notes){0};
}

static struct err *refuse(const struct tar_entry *e, const char *why)
{
    AUTO(mem_free) char *safe = str_safe(e->name);
    return err_hint(err_new(ERR_INPUT, "%s: %s", safe, why),
                    "rename it, leave it out with .dockerignore, or build without --estargz");
}

static bool is_utf8(const char *text)
{
    return str_utf8_valid(text, strlen(text));
}

bool toc_is_reserved(const char *name)
{
    return str_eq(name, TOC_NAME) || str_eq(name, TOC_LANDMARK) || str_eq(name, PREFETCH_LANDMARK);
}

struct err *toc_check(const struct tar_entry *e)
{
    AUTO(mem_free) char *top = mem_strndup(e->name, strcspn(e->name, "/"));

    if (toc_is_reserved(top))
        return refuse(e, "this name is reserved in eStargz layers");
    if (!is_utf8(e->name))
        return refuse(e, "eStargz has no names that are not UTF-8");
    if (e->link && !is_utf8(e->link))
        return refuse(e, "eStargz has no links whose targets are not UTF-8");
    for (size_t i = 0; i < e->xattr_count; i++)
        if (!is_utf8(e->xattr[i].name))
            return refuse(e, "eStargz has no extended attributes whose names are not UTF-8");
    return NULL;
}

static void put_text(struct buf *out, const char *text)
{
    buf_byte(out, '"');
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ') {
            buf_printf(out, "\\u%04x", (unsigned)*c);
            continue;
        }
        if (*c == '"' || *c == '\\')
            buf_byte(out, '\\');
        buf_byte(out, *c);
    }
    buf_byte(out, '"');
}

static const char *type_name(enum tar_type type)
{
    switch (type) {
    case TAR_FILE:
        return "reg";
    case TAR_HARD_LINK:
        return "hardlink";
    case TAR_SYMLINK:
        return "symlink";
    case TAR_CHAR:
        return "char";
    case TAR_BLOCK_DEVICE:
        return "block";
    case TAR_DIR:
        return "dir";
    case TAR_FIFO:
        break;
    }
    return "fifo";
}

/* As upstream: 1970-01-01 is "not known". */
static void put_time(struct buf *out, int64_t mtime)
{
    time_t seconds = (time_t)mtime;
    struct tm tm;

    if (mtime == 0 || !gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > YEAR_MAX - 1900)
        return;
    buf_printf(out, ",\"modtime\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void put_xattrs(struct buf *out, const struct tar_entry *e)
{
    if (e->xattr_count == 0)
        return;
    buf_str(out, ",\"xattrs\":{");
    for (size_t i = 0; i < e->xattr_count; i++) {
        AUTO(mem_free) char *value = codec_base64(e->xattr[i].value, e->xattr[i].value_len);
        if (i > 0)
            buf_byte(out, ',');
        put_text(out, e->xattr[i].name);
        buf_printf(out, ":\"%s\"", value);
    }
    buf_byte(out, '}');
}

static void put_entry(struct buf *out, const struct tar_entry *e)
{
    buf_str(out, ",\n{\"name\":");
    put_text(out, e->name);
    buf_printf(out, ",\"type\":\"%s\"", type_name(e->type));
    if (e->size > 0)
        buf_printf(out, ",\"size\":%" PRIu64, e->size);
    put_time(out, e->mtime);
    if (e->link) {
        buf_str(out, ",\"linkName\":");
        put_text(out, e->link);
    }
    buf_printf(out, ",\"mode\":%" PRIu32 ",\"uid\":%" PRIu32 ",\"gid\":%" PRIu32, e->mode, e->uid, e->gid);
    if (e->type == TAR_CHAR || e->type == TAR_BLOCK_DEVICE)
        buf_printf(out, ",\"devMajor\":%" PRIu32 ",\"devMinor\":%" PRIu32, e->device_major, e->device_minor);
    put_xattrs(out, e);
}

void toc_note_entry(struct toc_notes *n, const struct tar_entry *e)
{
    char text[DIGEST_TEXT];

    put_entry(&n->text, e);
    if (e->type == TAR_FILE) {
        struct digest empty = digest_of("", 0);
        buf_printf(&n->text, ",\"digest\":\"%s\"", digest_text(&empty, text));
    }
    buf_byte(&n->text, '}');
}

void toc_note_piece(struct toc_notes *n, const struct tar_entry *e, uint64_t offset, size_t len)
{
    bool last = offset + len == e->size;

    if (offset == 0) {
        put_entry(&n->text, e);
    } else {
        buf_str(&n->text, ",\n{\"name\":");
        put_text(&n->text, e->name);
        buf_printf(&n->text, ",\"type\":\"chunk\",\"chunkOffset\":%" PRIu64, offset);
    }
    if (!last)
        buf_printf(&n->text, ",\"chunkSize\":%zu", len);
    MEM_PUSH(n->hole, n->count, n->room, n->text.len);
    buf_byte(&n->text, '}');
}
