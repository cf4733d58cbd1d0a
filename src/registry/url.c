/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/url.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "registry/address.h"

#include <curl/curl.h>
#include <string.h>

#define PORT_MAX 65535
#define SHOWN_MAX 300

static inline void curl_url_cleanup_auto(CURLU **u)
{
    curl_url_cleanup(*u);
}

static inline void curl_free_auto(char **text)
{
    curl_free(*text);
}

static char *shown(const char *text)
{
    size_t path = strcspn(text, "?#");
    const char *at = memchr(text, '@', path);
    const char *from = at ? at + 1 : text;
    AUTO(mem_free) char *safe = str_escape(from, path - (size_t)(from - text), SHOWN_MAX);
    return mem_printf("%s%s%s", at ? "…@" : "", safe, text[path] ? "?…" : "");
}

static struct err *check_text(const char *text)
{
    size_t len = strlen(text);
    if (len > URL_SIZE_MAX)
        return err_new(ERR_INPUT, "a URL is longer than %u bytes", URL_SIZE_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
            return err_new(ERR_INPUT, "a URL has a space, a control character or a byte that is not ASCII");
    return NULL;
}

static bool host_is_plain(const char *host)
{
    if (host[0] == '[')
        return address_is_literal(host);
    for (const char *c = host; *c; c++)
        if (!str_is_alnum(*c) && !strchr(".-_", *c))
            return false;
    return *host != '\0';
}

static char *get_part(CURLU *u, CURLUPart part, unsigned flags)
{
    AUTO(curl_free) char *value = NULL;
    CURLUcode code = curl_url_get(u, part, &value, flags);
    if (code == CURLUE_OUT_OF_MEMORY)
        mem_exhausted();
    return code == CURLUE_OK ? mem_strdup(value) : NULL;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = str_lower(*text);
}

static void move(struct url *to, struct url *from)
{
    url_wipe(to);
    *to = *from;
    *from = (struct url){0};
}

static struct err *take_parts(struct url *out, CURLU *u, const char *what)
{
    AUTO(mem_free) char *bad = shown(what);
    AUTO(mem_free) char *user = get_part(u, CURLUPART_USER, 0);
    AUTO(mem_free) char *password = get_part(u, CURLUPART_PASSWORD, 0);
    if (user || password)
        return err_new(ERR_INPUT, "the URL %s has a user or password in it", bad);
    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    AUTO_VALUE(url_wipe)
    struct url made = {.scheme = get_part(u, CURLUPART_SCHEME, 0),
                       .host = get_part(u, CURLUPART_HOST, 0),
                       .text = get_part(u, CURLUPART_URL, 0)};
    AUTO(mem_free) char *port = get_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    uint64_t number = 0;
    if (!made.scheme || !made.host || !made.text || !port || !num_parse(port, PORT_MAX, &number) ||
        number == 0)
        return err_new(ERR_INPUT, "%s is not a URL of http or https", bad);
    lower(made.scheme);
    lower(made.host);
    if (!str_eq(made.scheme, "http") && !str_eq(made.scheme, "https"))
        return err_new(ERR_INPUT, "%s is not a URL of http or https", bad);
    if (!host_is_plain(made.host))
        return err_new(ERR_INPUT, "the URL %s has a host that cannot be", bad);
    made.port = (unsigned)number;
    move(out, &made);
    return NULL;
}

static struct err *parse_code(CURLUcode code, const char *text)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        mem_exhausted();
    AUTO(mem_free) char *bad = shown(text);
    return code == CURLUE_OK ? NULL : err_new(ERR_INPUT, "%s is not a URL of http or https", bad);
}

struct err *url_parse(struct url *out, const char *text)
{
    TRY(check_text(text));
    AUTO(curl_url_cleanup) CURLU *u = curl_url();
    if (!u)
        mem_exhausted();
    TRY(parse_code(curl_url_set(u, CURLUPART_URL, text, CURLU_PATH_AS_IS), text));
    return take_parts(out, u, text);
}

static bool same_authority(const struct url *https, CURLU *http)
{
    AUTO(mem_free) char *host = get_part(http, CURLUPART_HOST, 0);
    AUTO(mem_free) char *port = get_part(http, CURLUPART_PORT, 0);
    uint64_t number = https->port;
    if (port && !num_parse(port, PORT_MAX, &number))
        return false;
    return str_eq_nocase(host, https->host) && number == https->port && (port || https->port == 443);
}

/* "host:5000/v2/…", as some registries have it: the scheme is missing. Only where it is the host itself that
 * is named; else it would be a path. NULL: it is not like this. New string. */
static char *with_scheme(const struct url *base, const char *location)
{
    AUTO(mem_free) char *own = url_host_port(base);
    AUTO(mem_free) char *begin = mem_printf("%s/", own);
    return str_starts(location, begin) ? mem_printf("%s://%s", base->scheme, location) : NULL;
}

struct err *url_resolve(struct url *out, const struct url *base, const char *given)
{
    AUTO(mem_free) char *whole = with_scheme(base, given);
    const char *location = whole ? whole : given;
    TRY(check_text(location));
    AUTO(curl_url_cleanup) CURLU *u = curl_url();
    if (!u)
        mem_exhausted();
    TRY(parse_code(curl_url_set(u, CURLUPART_URL, base->text, CURLU_PATH_AS_IS), base->text));
    TRY(parse_code(curl_url_set(u, CURLUPART_URL, location, CURLU_PATH_AS_IS), location));
    AUTO(mem_free) char *scheme = get_part(u, CURLUPART_SCHEME, 0);
    if (str_eq(base->scheme, "https") && str_eq_nocase(scheme, "http")) {
        AUTO(mem_free) char *bad = shown(location);
        if (!same_authority(base, u))
            return err_new(ERR_DENIED, "refused to go from https to %s", bad);
        curl_url_set(u, CURLUPART_SCHEME, "https", 0);
    }
    return take_parts(out, u, location);
}

void url_add_query(struct url *u, const char *key, const char *value)
{
    AUTO(mem_free) char *encoded = url_encode(value);
    const char *query = strchr(u->text, '?');
    size_t len = strlen(u->text);
    const char *between = !query ? "?" : strchr("?&", u->text[len - 1]) ? "" : "&";
    char *text = mem_printf("%s%s%s=%s", u->text, between, key, encoded);
    mem_free(u->text);
    u->text = text;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return str_eq(a->scheme, b->scheme) && str_eq(a->host, b->host) && a->port == b->port;
}

char *url_host_port(const struct url *u)
{
    unsigned usual = str_eq(u->scheme, "https") ? 443 : 80;
    return u->port == usual ? mem_strdup(u->host) : mem_printf("%s:%u", u->host, u->port);
}

char *url_shown(const struct url *u)
{
    return shown(u->text ? u->text : "");
}

char *url_encode(const char *text)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    for (const char *c = text; *c; c++) {
        if (str_is_alnum(*c) || strchr("-._~", *c))
            buf_byte(&out, *c);
        else
            buf_printf(&out, "%%%02X", (unsigned char)*c);
    }
    return buf_take(&out);
}

void url_copy(struct url *to, const struct url *from)
{
    struct url made = {.text = mem_strdup(from->text),
                       .scheme = mem_strdup(from->scheme),
                       .host = mem_strdup(from->host),
                       .port = from->port};
    url_wipe(to);
    *to = made;
}

void url_wipe(struct url *u)
{
    mem_free(u->text);
    mem_free(u->scheme);
    mem_free(u->host);
    *u = (struct url){0};
}
