/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/referrers.h"
#include "base/mem.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "registry/fallback.h"
#include "registry/http_head.h"
#include "registry/manifests.h"
#include "registry/pages.h"

/* Registries without this call say so in many ways; a web page with 200 is one. */
static bool is_absent(const struct client_reply *page)
{
    AUTO(mem_free) char *type = http_head_type(&page->headers);
    int status = page->status;
    if (status == 200)
        return !str_eq(type, MEDIATYPE_OCI_INDEX);
    return status == 400 || status == 404 || status == 405 || status == 406 || status == 501;
}

static struct err *begin(struct pages *p, const struct repo *r, const struct digest *subject)
{
    char text[DIGEST_TEXT];
    *p = (struct pages){.host = r->host,
                        .want = {.repository = r->name, .push = r->push},
                        .accept = MEDIATYPE_OCI_INDEX,
                        .page_max = MANIFEST_SIZE_MAX};
    return host_url(r->host, &p->next, "/v2/%s/referrers/%s", r->name, digest_text(subject, text));
}

static bool names_word(const char *list, const char *word)
{
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    if (!list)
        return false;
    strlist_split(&words, list, ',');
    for (size_t i = 0; i < words.count; i++) {
        AUTO(mem_free) char *trimmed = str_trim(words.item[i]);
        if (str_eq_nocase(trimmed, word))
            return true;
    }
    return false;
}

/* A descriptor that the registry chose itself may leave the type out. */
static void filter(struct desclist *list, size_t begin, const char *artifact_type, bool filtered)
{
    size_t kept = begin;
    for (size_t i = begin; i < list->count; i++) {
        struct desc *d = &list->item[i];
        bool fits =
            !artifact_type || str_eq(d->artifact_type, artifact_type) || (filtered && !d->artifact_type);
        if (!fits)
            desc_wipe(d);
        else if (kept++ != i)
            list->item[kept - 1] = *d;
    }
    list->count = kept;
}

static struct err *read_page(struct pages *p, const struct client_reply *page, const char *artifact_type,
                             struct desclist *out)
{
    AUTO(mem_free) char *what = url_shown(&page->url);
    AUTO(json_decref) json_t *index = NULL;
    size_t before = out->count;
    TRY(fallback_parse(&index, buf_text(&page->body), page->body.len, what));
    size_t bad = fallback_list(index, out);
    TRY(pages_brought(p, out->count - before + bad));
    if (bad)
        event_warn(p->host->config->options.events, "%s has %zu entries that cannot be read", what, bad);
    filter(out, before, artifact_type,
           names_word(strmap_get(&page->headers, "oci-filters-applied"), "artifactType"));
    return NULL;
}

static struct err *read_pages(struct pages *p, const char *artifact_type, struct desclist *out, bool *absent)
{
    for (bool first = true; p->next.text; first = false) {
        AUTO_VALUE(client_reply_wipe) struct client_reply page = {0};
        TRY(pages_next(p, &page));
        *absent = first && is_absent(&page);
        if (*absent)
            return NULL;
        if (page.status != 200)
            return pages_unexpected(p, &page);
        TRY(read_page(p, &page, artifact_type, out));
    }
    return NULL;
}

struct err *referrers_list(const struct repo *r, const struct digest *subject, const char *artifact_type,
                           struct desclist *out)
{
    AUTO_VALUE(pages_wipe) struct pages p = {0};
    bool absent = false;
    TRY(begin(&p, r, subject));
    if (artifact_type)
        url_add_query(&p.next, "artifactType", artifact_type);
    TRY(read_pages(&p, artifact_type, out, &absent));
    if (!absent)
        return NULL;
    size_t before = out->count;
    TRY(fallback_read(r, subject, out));
    filter(out, before, artifact_type, false);
    return NULL;
}

static struct err *knows_referrers(const struct repo *r, const struct digest *subject, bool *yes)
{
    AUTO_VALUE(pages_wipe) struct pages p = {0};
    AUTO_VALUE(client_reply_wipe) struct client_reply page = {0};
    TRY(begin(&p, r, subject));
    TRY(pages_next(&p, &page));
    *yes = !is_absent(&page);
    return NULL;
}

/* What it refers to must be read before it is gone. */
static struct err *read_subject(const struct repo *r, const struct desc *d, struct digest *subject)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    struct err *e = manifests_get(r, d, &bytes);
    if (e && (err_kind_of(e) == ERR_NETWORK || err_kind_of(e) == ERR_STOPPED))
        return e;
    /* One that is broken, or of a kind that lade does not read, can be deleted all the same. */
    if (!e)
        e = manifest_parse(&m, buf_text(&bytes), bytes.len, d->media_type, "manifest");
    if (!e && m.subject.media_type)
        *subject = m.subject.digest;
    err_free(e);
    return NULL;
}

struct err *referrers_delete(const struct repo *r, const struct desc *d)
{
    struct digest subject = {0};
    bool known = false;
    TRY(read_subject(r, d, &subject));
    TRY(manifests_delete(r, &d->digest));
    if (!digest_is_set(&subject))
        return NULL;
    TRY(knows_referrers(r, &subject, &known));
    return known ? NULL : fallback_remove(r, &subject, &d->digest);
}
