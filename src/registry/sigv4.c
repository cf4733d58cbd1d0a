/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/sigv4.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/url.h"

#include <string.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define MAC 32

void sigv4_date(int64_t unix_seconds, char text[SIGV4_DATE])
{
    time_t seconds = (time_t)unix_seconds;
    struct tm when;
    gmtime_r(&seconds, &when);
    if (strftime(text, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &when) == 0)
        text[0] = '\0'; /* a year beyond 9999 */
}

static void add_hash(struct buf *out, const void *data, size_t len)
{
    struct digest d = digest_of(len ? data : "", len);
    char hex[DIGEST_TEXT];
    buf_str(out, digest_hex(&d, hex));
}

/* Each segment percent-encoded; "." and ".." taken out, one slash for many, unless it is to stay as it is. */
static void add_path(struct buf *out, const char *path, bool as_is)
{
    AUTO(mem_free) char *clean = as_is ? mem_strdup(path) : path_clean(path);
    AUTO_VALUE(strlist_wipe) struct strlist segments = {0};
    strlist_split(&segments, str_eq(clean, "/") ? "" : clean + 1, '/');
    for (size_t i = 0; i < segments.count; i++) {
        AUTO(mem_free) char *encoded = url_encode(segments.item[i]);
        buf_printf(out, "/%s", encoded);
    }
    if (segments.count == 0 || (!as_is && str_ends(path, "/")))
        buf_byte(out, '/');
    buf_byte(out, '\n');
}

static void add_query(struct buf *out, const struct strmap *query)
{
    AUTO_VALUE(strlist_wipe) struct strlist pairs = {0};
    for (size_t i = 0; query && i < query->count; i++) {
        AUTO(mem_free) char *key = url_encode(query->key[i]);
        AUTO(mem_free) char *value = url_encode(query->value[i]);
        /* No byte of an encoded text is lower: keys are ordered before values. */
        strlist_add_take(&pairs, mem_printf("%s\x01%s", key, value));
    }
    strlist_sort(&pairs);
    for (size_t i = 0; i < pairs.count; i++) {
        char *between = strchr(pairs.item[i], '\x01');
        *between = '=';
        buf_printf(out, "%s%s", i ? "&" : "", pairs.item[i]);
    }
    buf_byte(out, '\n');
}

/* White space at the ends goes, and within becomes one space. */
static char *plain_value(const char *value)
{
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    AUTO(mem_free) char *trimmed = str_trim(value);
    for (const char *c = trimmed; *c; c++)
        if (!str_is_space(*c))
            buf_byte(&out, *c);
        else if (!str_is_space(c[1]))
            buf_byte(&out, ' ');
    buf_str(&out, "");
    return mem_strdup(buf_text(&out));
}

/* Values of a name that stands several times are joined by commas. */
static void add_header(struct strmap *headers, const char *name, const char *value)
{
    AUTO(mem_free) char *lower = mem_strdup(name);
    AUTO(mem_free) char *plain = plain_value(value);
    for (char *c = lower; *c; c++)
        *c = str_lower(*c);
    const char *before = strmap_get(headers, lower);
    AUTO(mem_free) char *joined = before ? mem_printf("%s,%s", before, plain) : mem_strdup(plain);
    strmap_set(headers, lower, joined);
}

static void list_headers(struct strmap *headers, const struct sigv4_request *q, const struct sigv4_key *key,
                         const char *date)
{
    for (size_t i = 0; q->headers && i < q->headers->count; i++)
        add_header(headers, q->headers->key[i], q->headers->value[i]);
    add_header(headers, "host", q->host);
    add_header(headers, "x-amz-date", date);
    if (key->token)
        add_header(headers, "x-amz-security-token", key->token);
    strmap_sort(headers);
}

static void derive(uint8_t out[MAC], const struct sigv4_key *key, const char *day)
{
    AUTO(mem_free) char *secret = mem_printf("AWS4%s", key->secret);
    const char *const parts[] = {day, key->region, key->service, "aws4_request"};
    uint8_t next[MAC];
    hash_hmac(secret, strlen(secret), parts[0], strlen(parts[0]), out);
    for (size_t i = 1; i < ARRAY_LEN(parts); i++) {
        hash_hmac(out, MAC, parts[i], strlen(parts[i]), next);
        memcpy(out, next, MAC);
    }
    mem_wipe(next, sizeof next);
    mem_wipe(secret, strlen(secret));
}

static void wipe_secret(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->len);
    buf_wipe(b);
}

static void wipe_headers(struct strmap *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        mem_wipe(headers->value[i], strlen(headers->value[i]));
    strmap_wipe(headers);
}

char *sigv4_sign(const struct sigv4_request *q, const struct sigv4_key *key, int64_t unix_seconds)
{
    AUTO_VALUE(wipe_secret) struct buf canonical = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf to_sign = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(wipe_headers) struct strmap headers = {0};
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    char date[SIGV4_DATE];
    char hex[2 * MAC + 1];
    uint8_t signing[MAC];
    uint8_t mac[MAC];

    sigv4_date(unix_seconds, date);
    list_headers(&headers, q, key, date);
    buf_printf(&canonical, "%s\n", q->method);
    add_path(&canonical, q->path, q->path_as_is);
    add_query(&canonical, q->query);
    for (size_t i = 0; i < headers.count; i++) {
        buf_printf(&canonical, "%s:%s\n", headers.key[i], headers.value[i]);
        strlist_add(&names, headers.key[i]);
    }
    AUTO(mem_free) char *signed_names = strlist_join(&names, ";");
    buf_printf(&canonical, "\n%s\n", signed_names);
    if (q->body_hash)
        buf_str(&canonical, q->body_hash);
    else
        add_hash(&canonical, q->body, q->body_len);

    AUTO(mem_free) char *day = mem_strndup(date, 8);
    AUTO(mem_free) char *scope = mem_printf("%s/%s/%s/aws4_request", day, key->region, key->service);
    buf_printf(&to_sign, ALGORITHM "\n%s\n%s\n", date, scope);
    add_hash(&to_sign, canonical.data, canonical.len);
    derive(signing, key, day);
    hash_hmac(signing, MAC, to_sign.data, to_sign.len, mac);
    mem_wipe(signing, sizeof signing);
    codec_hex(mac, sizeof mac, hex);
    return mem_printf(ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", key->id, scope,
                      signed_names, hex);
}
