/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tarpax.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER_TEXT 64

struct record {
    const char *key; /* not ended by NUL */
    size_t key_len;
    const char *value;
    size_t value_len;
};

static bool key_is(const struct record *r, const char *key)
{
    return strlen(key) == r->key_len && memcmp(key, r->key, r->key_len) == 0;
}

static bool key_starts(const struct record *r, const char *prefix)
{
    size_t len = strlen(prefix);
    return r->key_len >= len && memcmp(prefix, r->key, len) == 0;
}

static struct err *bad_record(const struct record *r, const char *why)
{
    AUTO(mem_free) char *key = str_escape(r->key, r->key_len, 80);
    return err_new(ERR_INPUT, "extended header: record \"%s\": %s", key, why);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts all of it. */
static struct err *next_record(const char **at, size_t *left, struct record *r)
{
    const char *start = *at;
    size_t digits = 0;
    size_t len = 0;

    while (digits < *left && str_is_digit(start[digits]) && len <= *left) {
        len = len * 10 + (size_t)(start[digits] - '0');
        digits++;
    }
    if (digits == 0 || digits >= *left || start[digits] != ' ' || len > *left || len < digits + 2 ||
        start[len - 1] != '\n')
        return err_new(ERR_INPUT, "extended header: a record's length is wrong");
    const char *key = start + digits + 1;
    size_t rest = len - digits - 2;
    const char *equals = memchr(key, '=', rest);
    if (!equals || equals == key)
        return err_new(ERR_INPUT, "extended header: a record has no key");
    r->key = key;
    r->key_len = (size_t)(equals - key);
    r->value = equals + 1;
    r->value_len = rest - r->key_len - 1;
    if (memchr(r->key, '\0', r->key_len))
        return bad_record(r, "its key has a NUL byte");
    *at += len;
    *left -= len;
    return NULL;
}

static struct err *check_name(const struct record *r, bool *seen)
{
    if (memchr(r->value, '\0', r->value_len))
        return bad_record(r, "its value has a NUL byte");
    if (r->value_len == 0)
        return bad_record(r, "its value is empty");
    if (*seen)
        return bad_record(r, "stands there twice");
    *seen = true;
    return NULL;
}

static bool to_text(const struct record *r, char text[NUMBER_TEXT])
{
    if (r->value_len >= NUMBER_TEXT || memchr(r->value, '\0', r->value_len))
        return false;
    memcpy(text, r->value, r->value_len);
    text[r->value_len] = '\0';
    return true;
}

static struct err *check_number(const struct record *r, uint64_t max, uint64_t *value)
{
    char text[NUMBER_TEXT];

    if (!to_text(r, text) || !num_parse(text, max, value))
        return bad_record(r, "its value is no number in range");
    return NULL;
}

/* "-12.345": seconds, and a fraction of any length. */
static struct err *check_time(const struct record *r)
{
    char text[NUMBER_TEXT];
    int64_t seconds;

    if (!to_text(r, text))
        return bad_record(r, "its value is no time");
    char *point = strchr(text, '.');
    if (point) {
        if (strspn(point + 1, "0123456789") != strlen(point + 1))
            return bad_record(r, "its value is no time");
        *point = '\0';
    }
    if (!num_parse_signed(text, INT64_MIN, INT64_MAX, &seconds))
        return bad_record(r, "its value is no time");
    return NULL;
}

static struct err *check_xattr(const struct record *r, unsigned *count, const struct tarlimits *limits)
{
    size_t prefix = strlen(key_starts(r, "SCHILY.xattr.") ? "SCHILY.xattr." : "LIBARCHIVE.xattr.");

    if (r->key_len == prefix || r->key_len - prefix > limits->component)
        return bad_record(r, "an attribute's name is empty or too long");
    if (r->value_len > limits->xattr)
        return err_new(ERR_RESOURCE, "an extended attribute has %zu bytes, the limit is %" PRIu64,
                       r->value_len, limits->xattr);
    if (++*count > limits->xattrs)
        return err_new(ERR_RESOURCE, "an entry has more than %u extended attributes", limits->xattrs);
    return NULL;
}

static struct err *check_record(struct tarpax *out, const struct record *r, unsigned *xattrs,
                                const struct tarlimits *limits)
{
    uint64_t number;
    bool once = false;

    if (key_is(r, "path"))
        return check_name(r, &out->path);
    if (key_is(r, "linkpath"))
        return check_name(r, &out->linkpath);
    if (key_is(r, "GNU.sparse.name"))
        return check_name(r, &once);
    if (key_is(r, "size")) {
        if (out->size)
            return bad_record(r, "stands there twice");
        out->size = true;
        return check_number(r, INT64_MAX, &out->size_value);
    }
    if (key_is(r, "uid") || key_is(r, "gid"))
        return check_number(r, UINT32_MAX - 1, &number);
    if (key_is(r, "mtime"))
        return check_time(r);
    if (key_is(r, "SCHILY.devmajor") || key_is(r, "SCHILY.devminor"))
        return check_number(r, UINT32_MAX, &number);
    if (key_starts(r, "SCHILY.xattr.") || key_starts(r, "LIBARCHIVE.xattr."))
        return check_xattr(r, xattrs, limits);
    if (key_is(r, "SUN.holesdata"))
        return err_new(ERR_UNSUPPORTED, "sparse files in the form of Solaris are not supported");
    if (key_is(r, "GNU.sparse.major")) {
        TRY(check_number(r, 1, &number));
        out->sparse_data = number == 1;
        return NULL;
    }
    if (key_is(r, "GNU.sparse.size") || key_is(r, "GNU.sparse.realsize"))
        return check_number(r, INT64_MAX, &number);
    return NULL;
}

struct err *tarpax_check(struct tarpax *out, const char *data, size_t len, bool global,
                         const struct tarlimits *limits)
{
    struct tarpax pax = {0};
    unsigned records = 0, xattrs = 0;

    while (len > 0) {
        struct record r;
        TRY(next_record(&data, &len, &r));
        if (++records > limits->records)
            return err_new(ERR_RESOURCE, "an extended header has more than %u records", limits->records);
        TRY(check_record(&pax, &r, &xattrs, limits));
    }
    if (global && (pax.path || pax.linkpath || pax.size || pax.sparse_data))
        return err_new(ERR_INPUT, "a global extended header gives a name or a size to all entries");
    *out = pax;
    return NULL;
}
