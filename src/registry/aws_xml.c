/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/aws_xml.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

struct reader {
    const char *at, *end;
    struct strlist open; /* names of the elements that we are in */
    const char *path;
    struct buf text;
    bool wanted, found, ended;
};

static bool is_name(char c)
{
    return str_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ':';
}

static bool take(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

static void skip_space(struct reader *r)
{
    while (r->at < r->end && str_is_space(*r->at))
        r->at++;
}

static char *take_name(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && is_name(*r->at))
        r->at++;
    return r->at > from ? mem_strndup(from, (size_t)(r->at - from)) : NULL;
}

/* name="value", any number of them. */
static bool skip_attributes(struct reader *r)
{
    for (skip_space(r); r->at < r->end && is_name(*r->at); skip_space(r)) {
        mem_free(take_name(r));
        if (!take(r, "=") || r->at == r->end || (*r->at != '"' && *r->at != '\''))
            return false;
        const char *close = memchr(r->at + 1, *r->at, (size_t)(r->end - r->at - 1));
        if (!close)
            return false;
        r->at = close + 1;
    }
    return true;
}

static bool is_wanted(const struct reader *r)
{
    AUTO(mem_free) char *here = strlist_join(&r->open, "/");
    return !r->found && str_eq(here, r->path);
}

static bool close_element(struct reader *r, const char *name)
{
    if (r->open.count == 0 || !str_eq(r->open.item[r->open.count - 1], name))
        return false;
    r->found = r->found || is_wanted(r);
    strlist_remove(&r->open, r->open.count - 1);
    r->wanted = is_wanted(r);
    r->ended = r->open.count == 0;
    return true;
}

static bool read_tag(struct reader *r)
{
    bool closing = take(r, "/");
    AUTO(mem_free) char *name = take_name(r);
    if (!name || r->ended)
        return false;
    if (closing) {
        skip_space(r);
        return take(r, ">") && close_element(r, name);
    }
    if (r->open.count == AWS_XML_DEPTH || !skip_attributes(r))
        return false;
    strlist_add(&r->open, name);
    r->wanted = is_wanted(r);
    if (take(r, "/"))
        return take(r, ">") && close_element(r, name);
    return take(r, ">");
}

static bool read_entity(struct reader *r, char *out)
{
    static const struct {
        const char *name;
        char is;
    } entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    for (size_t i = 0; i < ARRAY_LEN(entities); i++)
        if (take(r, entities[i].name)) {
            *out = entities[i].is;
            return true;
        }
    return false;
}

static bool read_all(struct reader *r)
{
    if (take(r, "<?xml ")) {
        const char *close = memmem(r->at, (size_t)(r->end - r->at), "?>", 2);
        if (!close)
            return false;
        r->at = close + 2;
    }
    while (r->at < r->end) {
        char c = *r->at++;
        if (c == '<') {
            if (!read_tag(r))
                return false;
            continue;
        }
        if (c == '\0' || (c == '&' && !read_entity(r, &c)))
            return false;
        if (r->open.count == 0 && !str_is_space(c))
            return false;
        if (r->wanted)
            buf_byte(&r->text, c);
    }
    return r->ended;
}

bool aws_xml_text(char **out, const char *document, size_t len, const char *path)
{
    struct reader r = {.at = document, .end = document + len, .path = path, .text = BUF(len)};
    bool good = read_all(&r);
    *out = good && r.found ? mem_strdup(buf_text(&r.text)) : NULL;
    if (r.text.data)
        mem_wipe(r.text.data, r.text.len);
    buf_wipe(&r.text);
    strlist_wipe(&r.open);
    return good;
}
