/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarheader.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_ROOM 100
#define PREFIX_ROOM 155
#define OCTAL_7_MAX UINT64_C(07777777)
#define OCTAL_11_MAX UINT64_C(077777777777)
#define PAX_PREFIX "PaxHeaders.0/"
#define PAX_XATTR "SCHILY.xattr."

/* POSIX.1-1988 ustar, as POSIX.1-2017 has it under pax, "ustar Interchange Format". */
struct ustar {
    char name[NAME_ROOM];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[PREFIX_ROOM];
    char unused[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "a header is one block");

static void put_octal(char *field, size_t room, uint64_t value)
{
    field[room - 1] = '\0';
    for (size_t i = room - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
    assert(value == 0);
}

static void seal(struct ustar *h, char type)
{
    const unsigned char *bytes = (const unsigned char *)h;
    unsigned sum = 0;

    h->type = type;
    memcpy(h->magic, "ustar", sizeof h->magic);
    memcpy(h->version, "00", sizeof h->version);
    memset(h->checksum, ' ', sizeof h->checksum);
    for (size_t i = 0; i < sizeof *h; i++)
        sum += bytes[i];
    put_octal(h->checksum, 7, sum);
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* What an old reader is shown of a text that stands whole in the pax header. */
static void put_shadow(char *field, size_t room, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len && i < room; i++)
        field[i] = (unsigned char)text[i] < 0x80 ? text[i] : '_';
    /* A cut that ends in a slash would look like a directory. */
    for (size_t i = room; len > room && i > 0 && field[i - 1] == '/'; i--)
        field[i - 1] = '\0';
}

/* Where ustar splits the name: 0 not at all, else at this slash; SIZE_MAX when it does not fit. */
static size_t split_place(const char *name, size_t len)
{
    if (len <= NAME_ROOM)
        return 0;
    for (size_t i = len - 2 < PREFIX_ROOM ? len - 2 : PREFIX_ROOM; i > 0; i--)
        if (name[i] == '/')
            return len - i - 1 <= NAME_ROOM ? i : SIZE_MAX;
    return SIZE_MAX;
}

/* One record: "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void pax_add(struct buf *records, const char *key_1, const char *key_2, const void *value, size_t len)
{
    size_t rest = strlen(key_1) + strlen(key_2) + len + 3;
    size_t digits = 1;

    for (size_t power = 10; rest + digits >= power; power *= 10)
        digits++;
    buf_printf(records, "%zu %s%s=", rest + digits, key_1, key_2);
    buf_add(records, value, len);
    buf_byte(records, '\n');
}

static void pax_add_text(struct buf *records, const char *key, const char *value)
{
    pax_add(records, key, "", value, strlen(value));
}

static void pax_add_number(struct buf *records, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, value);
    pax_add_text(records, key, text);
}

/* Fill the ustar header; what does not fit goes to the records, in the order of keys. */
static void fill(struct ustar *h, struct buf *records, const struct tar_entry *e)
{
    size_t len = strlen(e->name);
    size_t split = is_ascii(e->name) ? split_place(e->name, len) : SIZE_MAX;
    bool mtime_fits = e->mtime >= 0 && (uint64_t)e->mtime <= OCTAL_11_MAX;

    for (size_t i = 0; i < e->xattr_count; i++)
        pax_add(records, PAX_XATTR, e->xattr[i].name, e->xattr[i].value, e->xattr[i].value_len);
    put_octal(h->mode, sizeof h->mode, e->mode & 07777);
    put_octal(h->gid, sizeof h->gid, e->gid <= OCTAL_7_MAX ? e->gid : 0);
    if (e->gid > OCTAL_7_MAX)
        pax_add_number(records, "gid", e->gid);
    if (e->link && strlen(e->link) <= sizeof h->link && is_ascii(e->link)) {
        memcpy(h->link, e->link, strlen(e->link));
    } else if (e->link) {
        put_shadow(h->link, sizeof h->link, e->link);
        pax_add_text(records, "linkpath", e->link);
    }
    put_octal(h->mtime, sizeof h->mtime, mtime_fits ? (uint64_t)e->mtime : 0);
    if (!mtime_fits)
        pax_add_number(records, "mtime", e->mtime);
    if (split == SIZE_MAX) {
        put_shadow(h->name, sizeof h->name, e->name);
        pax_add_text(records, "path", e->name);
    } else if (split > 0) {
        memcpy(h->prefix, e->name, split);
        memcpy(h->name, e->name + split + 1, len - split - 1);
    } else {
        memcpy(h->name, e->name, len);
    }
    put_octal(h->size, sizeof h->size, e->size <= OCTAL_11_MAX ? e->size : 0);
    if (e->size > OCTAL_11_MAX)
        pax_add_number(records, "size", (int64_t)e->size);
    put_octal(h->uid, sizeof h->uid, e->uid <= OCTAL_7_MAX ? e->uid : 0);
    if (e->uid > OCTAL_7_MAX)
        pax_add_number(records, "uid", e->uid);
    put_octal(h->device_major, sizeof h->device_major, e->device_major);
    put_octal(h->device_minor, sizeof h->device_minor, e->device_minor);
    seal(h, (char)e->type);
}

static void pax_write(struct buf *out, const struct buf *records, const char *name)
{
    static const char zeros[TAR_BLOCK];
    struct ustar h = {0};
    char *fields[] = {h.mode, h.uid, h.gid, h.device_major, h.device_minor};
    size_t len = strlen(name);
    size_t end = len > 1 && name[len - 1] == '/' ? len - 1 : len;
    size_t base = end;

    while (base > 0 && name[base - 1] != '/')
        base--;
    AUTO(mem_free) char *last = mem_strndup(name + base, end - base);
    AUTO(mem_free) char *shown = mem_printf("%s%s", PAX_PREFIX, last);
    put_shadow(h.name, sizeof h.name, shown);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        put_octal(fields[i], sizeof h.mode, 0);
    put_octal(h.size, sizeof h.size, records->len);
    put_octal(h.mtime, sizeof h.mtime, 0);
    seal(&h, 'x');
    buf_add(out, &h, sizeof h);
    buf_add(out, records->data, records->len);
    buf_add(out, zeros, (TAR_BLOCK - records->len % TAR_BLOCK) % TAR_BLOCK);
}

static struct err *refuse(const struct tar_entry *e, const char *why)
{
    AUTO(mem_free) char *safe = str_safe(e->name);
    return err_new(ERR_INPUT, "%s: %s", safe, why);
}

static struct err *check(const struct tar_entry *e)
{
    size_t len = strlen(e->name);

    if (len - (len > 0 && e->name[len - 1] == '/') > TAR_PATH_MAX)
        return refuse(e, "the path is longer than 4095 bytes");
    if (e->link && strlen(e->link) > TAR_PATH_MAX)
        return refuse(e, "the link leads to a path longer than 4095 bytes");
    if (e->device_major > OCTAL_7_MAX || e->device_minor > OCTAL_7_MAX)
        return refuse(e, "a layer cannot hold so large a device number");
    if (e->size > INT64_MAX)
        return refuse(e, "a layer cannot hold so large a file");
    for (size_t i = 0; i < e->xattr_count; i++)
        if (strchr(e->xattr[i].name, '=') || e->xattr[i].name[0] == '\0')
            return refuse(e, "a layer cannot hold an extended attribute whose name has \"=\"");
    return NULL;
}

struct err *tarheader_write(struct buf *out, const struct tar_entry *e)
{
    AUTO_VALUE(buf_wipe) struct buf records = BUF(TAR_PAX_MAX);
    struct ustar h = {0};

    TRY(check(e));
    fill(&h, &records, e);
    if (records.full)
        return err_as(refuse(e, "the extended attributes are larger than 1 MiB"), ERR_RESOURCE);
    if (records.len > 0)
        pax_write(out, &records, e->name);
    buf_add(out, &h, sizeof h);
    return buf_check(out, "a tar header");
}
