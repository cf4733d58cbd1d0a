/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_PAGES_H
#define LADE_REGISTRY_PAGES_H

#include "base/attr.h"
#include "base/err.h"
#include "image/digestset.h"
#include "registry/client.h"
#include "registry/host.h"
#include "registry/url.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Answers that come in pages (distribution-spec v1.1 "Listing tags", RFC 8288): each names the next one in a
 * Link header. The list stays at the registry that was asked, and ends: a page that was there before, too
 * many pages, and pages that bring nothing are errors.
 *
 *     AUTO_VALUE(pages_wipe) struct pages p = {.host = h, …};
 *     TRY(host_url(h, &p.next, "/v2/…"));
 *     while (p.next.text) {
 *         AUTO_VALUE(client_reply_wipe) struct client_reply page = {0};
 *         TRY(pages_next(&p, &page));
 *         … TRY(pages_brought(&p, items)) …
 *     }
 */
#define PAGES_MAX 2000
#define PAGES_EMPTY_MAX 16 /* in a row */
#define PAGES_ITEMS_MAX 1000000
#define PAGES_BYTES_MAX (UINT64_C(256) << 20)

struct pages {
    struct host *host;
    struct auth_want want;
    const char *accept; /* the types that are understood; NULL: any */
    uint64_t page_max;  /* bytes of one page */
    struct url next;    /* nothing: the last page was read */
    struct digestset seen;
    unsigned count, empty;
    uint64_t items, bytes;
};

/* Fetch p->next. Any status is success; only a 200 is a page and leads on. */
MUST_USE struct err *pages_next(struct pages *p, struct client_reply *page);
/* The caller found so many items in the page. */
MUST_USE struct err *pages_brought(struct pages *p, size_t items);
/* The reply's status as an error. */
MUST_USE struct err *pages_unexpected(const struct pages *p, const struct client_reply *page);
/* The target of rel="next" among the Link headers, or NULL. New string. Pure. */
char *pages_link(const struct strmap *headers);
void pages_wipe(struct pages *p);

#endif
