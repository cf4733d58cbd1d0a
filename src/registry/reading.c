/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/reading.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/json_place.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/suggest.h"
#include "image/ref.h"
#include "registry/authfile.h"

#include <limits.h>
#include <string.h>

#define RATE_MAX 10000
#define CHUNK_MIN (UINT64_C(64) << 10)
#define CHUNK_MAX (UINT64_C(64) << 30)
#define NS_PER_MS 1000000

void reading_wipe(struct reading *r)
{
    diag_wipe(&r->diag);
    mem_free(r->dir);
    strlist_wipe(&r->path);
}

void reading_enter(struct reading *r, const char *key)
{
    strlist_add(&r->path, key);
}

void reading_leave(struct reading *r)
{
    strlist_remove(&r->path, r->path.count - 1);
}

unsigned reading_line(const struct reading *r)
{
    return json_place(r->text, &r->path, true).line;
}

void reading_wrong(struct reading *r, const char *expected, const char *message)
{
    const char *key = r->path.count ? r->path.item[r->path.count - 1] : NULL;
    struct span at = json_place(r->text, &r->path, false);
    if (message)
        diag_mistake(&r->diag, at, expected, NULL, "%s", message);
    else if (key)
        diag_mistake(&r->diag, at, expected, NULL, "\"%s\" has a wrong value", key);
    else
        diag_mistake(&r->diag, at, expected, NULL, "this is no configuration");
}

void reading_wrong_name(struct reading *r, const char *expected, const char *hint, const char *message)
{
    diag_mistake(&r->diag, json_place(r->text, &r->path, true), expected, hint, "%s", message);
}

bool reading_parse_place(const char *text, struct settings_place *out, const char **hint)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    AUTO(mem_free) char *whole = mem_printf("%s/x/x", text);
    size_t host = strcspn(text, "/");
    bool is_host =
        memchr(text, '.', host) || memchr(text, ':', host) || (host == 9 && !memcmp(text, "localhost", 9));
    *hint = NULL;
    if (strstr(text, "://")) {
        *hint = "leave the scheme out; \"plain-http\" in the entry of a host says that it has no TLS";
        return false;
    }
    if (!is_host) {
        *hint = "names without a registry are at docker.io, as in \"docker.io/library\"";
        return false;
    }
    struct err *bad = ref_parse(&ref, whole);
    size_t len = strlen(ref.repository ? ref.repository : "");
    if (bad || ref.tag == NULL || !str_eq(ref.tag, "latest") || len == 0) {
        err_free(bad);
        return false;
    }
    out->host = authfile_host(ref.registry);
    /* Without the "/x/x", of which there are two because a single one at Docker Hub is library/x. */
    out->path = mem_strndup(ref.repository, len > 3 ? len - 4 : 0);
    return true;
}

void reading_flag(struct reading *r, const json_t *value, bool *out)
{
    if (json_is_boolean(value))
        *out = json_is_true(value);
    else
        reading_wrong(r, "true or false", NULL);
}

void reading_count(struct reading *r, const json_t *value, unsigned most, unsigned *out)
{
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 1 && number <= (json_int_t)most) {
        *out = (unsigned)number;
        return;
    }
    AUTO(mem_free) char *expected = mem_printf("a whole number from 1 to %u", most);
    reading_wrong(r, expected, NULL);
}

void reading_rate(struct reading *r, const json_t *value, double *out)
{
    double number = json_number_value(value);
    if (json_is_number(value) && number >= 0.01 && number <= RATE_MAX)
        *out = number;
    else
        reading_wrong(r, "a number from 0.01 to 10000", NULL);
}

void reading_size(struct reading *r, const json_t *value, uint64_t *out)
{
    uint64_t bytes = 0;
    const char *text = json_string_value(value);
    bool good = text && num_parse_size(text, CHUNK_MAX, &bytes);
    if (json_is_integer(value) && json_integer_value(value) > 0) {
        bytes = (uint64_t)json_integer_value(value);
        good = true;
    }
    if (good && bytes >= CHUNK_MIN && bytes <= CHUNK_MAX)
        *out = bytes;
    else
        reading_wrong(r, "a size from \"64k\" to \"64g\", as \"10m\"", NULL);
}

void reading_time(struct reading *r, const json_t *value, unsigned *out)
{
    int64_t ns = 0;
    const char *text = json_string_value(value);
    if (text && num_parse_duration(text, &ns) && ns >= NS_PER_MS && ns / NS_PER_MS <= (int64_t)UINT_MAX)
        *out = (unsigned)(ns / NS_PER_MS);
    else
        reading_wrong(r, "a time as \"30s\" or \"2m\"", NULL);
}

void reading_file(struct reading *r, const json_t *value, char **out)
{
    const char *text = json_string_value(value);
    if (str_empty(text))
        reading_wrong(r, "the name of a file; relative ones are beside this file", NULL);
    else
        *out = path_join(r->dir, text);
}

void reading_place(struct reading *r, const json_t *value, struct settings_place *out)
{
    const char *hint = NULL;
    const char *text = json_string_value(value);
    if (text && reading_parse_place(text, out, &hint))
        return;
    struct span at = json_place(r->text, &r->path, false);
    const char *expected = "a registry as \"host:port\", or \"host/repository\"";
    if (text)
        diag_mistake(&r->diag, at, expected, hint, "\"%s\" names no registry", text);
    else
        reading_wrong(r, expected, "this names no registry");
}

void reading_unknown(struct reading *r, const char *key, const char *const *known, size_t count)
{
    AUTO(mem_free) char *hint = suggest_hint(key, known, count, false);
    AUTO_VALUE(buf_wipe) struct buf list = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", known[i]);
    AUTO(mem_free) char *message = mem_printf("unknown key \"%s\"", key);
    reading_wrong_name(r, buf_text(&list), hint, message);
}
