/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_head.h"
#include "base/mem.h"
#include "base/num.h"

#include <string.h>

enum http_head_kind http_head_line(struct strmap *headers, const char *data, size_t len)
{
    AUTO(mem_free) char *raw = mem_strndup(data, len);
    AUTO(mem_free) char *line = str_trim(raw);
    if (str_starts(line, "HTTP/"))
        return HTTP_HEAD_BEGIN;
    if (!*line)
        return HTTP_HEAD_END;
    char *colon = strchr(line, ':');
    if (!colon)
        return HTTP_HEAD_LINE;
    *colon = '\0';
    for (char *name = line; *name; name++)
        *name = str_lower(*name);
    AUTO(mem_free) char *value = str_trim(colon + 1);
    strmap_add(headers, line, value);
    return HTTP_HEAD_LINE;
}

bool http_head_length(const struct strmap *headers, uint64_t *bytes)
{
    const char *value = strmap_get(headers, "content-length");
    return value && num_parse(value, INT64_MAX, bytes);
}

bool http_head_range_start(const struct strmap *headers, uint64_t *first)
{
    const char *value = strmap_get(headers, "content-range");
    if (!value || !str_starts(value, "bytes "))
        return false;
    AUTO(mem_free) char *start = mem_strndup(value + 6, strcspn(value + 6, "-"));
    return num_parse(start, INT64_MAX, first);
}

char *http_head_type(const struct strmap *headers)
{
    const char *value = strmap_get(headers, "content-type");
    if (!value)
        return NULL;
    AUTO(mem_free) char *first = mem_strndup(value, strcspn(value, ";"));
    char *type = str_trim(first);
    for (char *c = type; *c; c++)
        *c = str_lower(*c);
    return type;
}
