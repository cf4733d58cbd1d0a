/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/names.h"
#include "base/json.h"
#include "base/mem.h"
#include "image/ref.h"
#include "registry/pages.h"

struct names {
    const char *key;  /* of the list in a page */
    const char *what; /* they are, for the warning: "tags" */
    bool (*valid)(const struct host *h, const char *name);
    struct strlist *out;
    size_t bad;
};

static bool is_tag(const struct host *h, const char *name)
{
    (void)h;
    return ref_tag_valid(name);
}

static bool is_repository(const struct host *h, const char *name)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    AUTO(mem_free) char *text = mem_printf("%s/%s", h->name, name);
    struct err *e = ref_parse(&ref, text);
    bool good = !e && str_eq(ref.repository, name);
    err_free(e);
    return good;
}

static struct err *read_page(struct names *n, struct pages *p, const struct client_reply *page)
{
    AUTO(mem_free) char *what = url_shown(&page->url);
    AUTO(json_decref) json_t *object = NULL;
    const json_t *array = NULL;
    const json_t *item;
    size_t i;
    TRY(json_parse(&object, buf_text(&page->body), page->body.len, what));
    if (!json_is_object(object))
        return err_new(ERR_INPUT, "%s: expected an object with \"%s\"", what, n->key);
    TRY(json_get_array(object, n->key, what, &array));
    TRY(pages_brought(p, json_array_size(array)));
    json_array_foreach (array, i, item) {
        const char *name = json_string_value(item);
        if (name && n->valid(p->host, name))
            strlist_add(n->out, name);
        else
            n->bad++;
    }
    return NULL;
}

/* Registries that page may give a name twice when the list changes meanwhile. */
static void sort_once(struct strlist *list)
{
    size_t kept = 0;
    strlist_sort(list);
    for (size_t i = 0; i < list->count; i++) {
        if (kept && str_eq(list->item[kept - 1], list->item[i]))
            mem_free(list->item[i]);
        else
            list->item[kept++] = list->item[i];
    }
    list->count = kept;
}

/* *first: the status of the first page, and the rest is read when it is 200. A registry that does not like
 * how many are asked for at once is asked without. */
static struct err *read_all(struct names *n, struct pages *p, const struct url *plain,
                            struct client_reply *first)
{
    TRY(pages_next(p, first));
    if (first->status == 400) {
        client_reply_wipe(first);
        url_copy(&p->next, plain);
        TRY(pages_next(p, first));
    }
    if (first->status != 200)
        return NULL;
    TRY(read_page(n, p, first));
    while (p->next.text) {
        AUTO_VALUE(client_reply_wipe) struct client_reply page = {0};
        TRY(pages_next(p, &page));
        if (page.status != 200)
            return pages_unexpected(p, &page);
        TRY(read_page(n, p, &page));
    }
    sort_once(n->out);
    if (n->bad)
        event_warn(p->host->config->options.events, "%s names %zu %s that cannot be; they are left out",
                   p->host->name, n->bad, n->what);
    return NULL;
}

static void ask_for_many(struct pages *p, const struct url *plain)
{
    AUTO(mem_free) char *many = mem_printf("%d", NAMES_PAGE_ITEMS);
    url_copy(&p->next, plain);
    url_add_query(&p->next, "n", many);
}

struct err *names_tags(const struct repo *r, struct strlist *out)
{
    struct names n = {.key = "tags", .what = "tags", .valid = is_tag, .out = out};
    AUTO_VALUE(pages_wipe)
    struct pages p = {
        .host = r->host, .want = {.repository = r->name, .push = r->push}, .page_max = NAMES_PAGE_MAX};
    AUTO_VALUE(client_reply_wipe) struct client_reply first = {0};
    AUTO_VALUE(url_wipe) struct url plain = {0};
    TRY(host_url(r->host, &plain, "/v2/%s/tags/list", r->name));
    ask_for_many(&p, &plain);
    TRY(read_all(&n, &p, &plain, &first));
    if (first.status == 404)
        return err_new(ERR_NOT_FOUND, "%s has no repository %s", r->host->name, r->name);
    return first.status == 200 ? NULL : pages_unexpected(&p, &first);
}

struct err *names_repositories(struct host *h, struct strlist *out)
{
    struct names n = {.key = "repositories", .what = "repositories", .valid = is_repository, .out = out};
    AUTO_VALUE(pages_wipe)
    struct pages p = {.host = h, .want = {.scope = "registry:catalog:*"}, .page_max = NAMES_PAGE_MAX};
    AUTO_VALUE(client_reply_wipe) struct client_reply first = {0};
    AUTO_VALUE(url_wipe) struct url plain = {0};
    TRY(host_url(h, &plain, "/v2/_catalog"));
    ask_for_many(&p, &plain);
    TRY(read_all(&n, &p, &plain, &first));
    if (first.status == 200)
        return NULL;
    struct err *e = pages_unexpected(&p, &first);
    if (first.status == 404 || first.status == 405 || first.status == 501)
        return err_hint(err_as(e, ERR_UNSUPPORTED),
                        "%s does not tell which repositories it has; lade ls docker://REPOSITORY lists tags",
                        h->name);
    return e;
}
