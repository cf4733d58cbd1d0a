/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/pages.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* One parameter of a link: ;name=value or ;name="value". *at is moved behind it. */
static bool next_parameter(const char **at, char **name, char **value)
{
    const char *c = *at + strspn(*at, " \t");
    if (*c != ';')
        return false;
    c += 1 + strspn(c + 1, " \t");
    size_t len = strcspn(c, "=;, \t");
    *name = mem_strndup(c, len);
    c += len;
    c += strspn(c, " \t");
    if (*c == '=') {
        struct buf text = BUF(URL_SIZE_MAX);
        c += 1 + strspn(c + 1, " \t");
        bool quoted = *c == '"';
        for (c += quoted; *c && (quoted ? *c != '"' : !strchr(";, \t", *c)); c++) {
            if (quoted && *c == '\\' && c[1])
                c++;
            buf_byte(&text, *c);
        }
        c += quoted && *c == '"';
        *value = buf_take(&text);
    }
    *at = c;
    return true;
}

/* rel is a list of words, and the first one counts (RFC 8288 section 3.3). */
static bool says_next(const char *rel)
{
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    strlist_split(&words, rel, ' ');
    for (size_t i = 0; i < words.count; i++)
        if (str_eq_nocase(words.item[i], "next"))
            return true;
    return false;
}

/* One header may hold several links with commas between them. */
static char *find_next(const char *text)
{
    for (const char *open; (open = strchr(text, '<'));) {
        const char *close = strchr(open, '>');
        bool found = false, has_rel = false;
        if (!close)
            return NULL;
        text = close + 1;
        for (;;) {
            AUTO(mem_free) char *name = NULL;
            AUTO(mem_free) char *value = NULL;
            if (!next_parameter(&text, &name, &value))
                break;
            if (has_rel || !value || !str_eq_nocase(name, "rel"))
                continue;
            has_rel = true;
            found = says_next(value);
        }
        if (found)
            return mem_strndup(open + 1, (size_t)(close - open - 1));
    }
    return NULL;
}

char *pages_link(const struct strmap *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        char *target = str_eq(headers->key[i], "link") ? find_next(headers->value[i]) : NULL;
        if (target)
            return target;
    }
    return NULL;
}

/* The list goes on where it was, and nowhere else. `from` is where the page came from. */
static struct err *go_on(struct pages *p, const struct url *from, const struct strmap *headers)
{
    AUTO_VALUE(url_wipe) struct url next = {0};
    AUTO(mem_free) char *link = pages_link(headers);
    if (!link)
        return NULL;
    TRY(url_resolve(&next, from, link));
    if (!url_same_origin(&next, &p->host->base)) {
        AUTO(mem_free) char *shown = url_shown(&next);
        return err_new(ERR_DENIED, "refused to go on at %s, which is another server", shown);
    }
    p->next = next;
    next = (struct url){0};
    return NULL;
}

static struct err *check_page(struct pages *p, const struct url *u)
{
    struct digest digest = digest_of(u->text, strlen(u->text));
    if (!digestset_add(&p->seen, &digest, NULL))
        return err_new(ERR_INPUT, "the list does not end: a page leads to one that was there before");
    if (++p->count > PAGES_MAX)
        return err_new(ERR_RESOURCE, "the list has more than %d pages", PAGES_MAX);
    return NULL;
}

struct err *pages_next(struct pages *p, struct client_reply *page)
{
    AUTO_VALUE(url_wipe) struct url u = p->next;
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(mem_free) char *shown = url_shown(&u);
    p->next = (struct url){0};
    if (p->accept)
        strlist_add_take(&headers, mem_printf("Accept: %s", p->accept));
    struct client_request q = {
        .method = "GET", .url = &u, .want = p->want, .headers = &headers, .body_max = p->page_max};
    TRY(err_wrap(check_page(p, &u), "GET %s", shown));
    TRY(client_send(page, p->host, &q));
    if (page->status != 200)
        return NULL;
    p->bytes += page->body.len;
    if (p->bytes > PAGES_BYTES_MAX)
        return err_new(ERR_RESOURCE, "GET %s: the list has more than %llu bytes", shown,
                       (unsigned long long)PAGES_BYTES_MAX);
    return err_wrap(go_on(p, &u, &page->headers), "GET %s", shown);
}

struct err *pages_brought(struct pages *p, size_t items)
{
    p->items += items;
    p->empty = items ? 0 : p->empty + 1;
    if (p->items > PAGES_ITEMS_MAX)
        return err_new(ERR_RESOURCE, "the list has more than %d items", PAGES_ITEMS_MAX);
    if (p->empty > PAGES_EMPTY_MAX && p->next.text)
        return err_new(ERR_INPUT, "the list does not end: %u pages in a row have nothing in them", p->empty);
    return NULL;
}

struct err *pages_unexpected(const struct pages *p, const struct client_reply *page)
{
    return client_refusal(p->host, &page->url, "GET", page->status, &page->body);
}

void pages_wipe(struct pages *p)
{
    url_wipe(&p->next);
    digestset_wipe(&p->seen);
}
