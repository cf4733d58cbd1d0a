/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/blob.h"
#include "registry/upload.h"

void upload_begin(struct upload *u, const struct repo *r, const struct desc *d, struct source *from)
{
    struct host *h = r->host;
    *u = (struct upload){.repo = r, .desc = d, .quirks = quirks_of(h->name), .policy = h->retry};
    lessons_plan(h->lessons, u->quirks, h->settings.chunk_size, d->size, &u->plan);
    upload_body_init(&u->body, from);
}

void upload_end(struct upload *u)
{
    journal_close(u->journal);
    url_wipe(&u->session);
}

static struct err *attempt(struct upload *u)
{
    bool there = false;
    u->fault = UPLOAD_FINAL;
    if (!u->session.text) {
        /* It may have come about since we looked last. */
        if (u->doubtful)
            TRY(blob_has(u->repo, u->desc, &there));
        u->done = there;
        if (!there)
            TRY(upload_open(u));
    }
    if (!u->done)
        TRY(upload_send(u));
    return u->done ? NULL : upload_finish(u);
}

struct err *blob_put(const struct repo *r, const struct desc *d, struct source *from,
                     const struct url *session)
{
    AUTO_VALUE(upload_end) struct upload u;
    char text[DIGEST_SHORT];
    struct err *e;
    upload_begin(&u, r, d, from);
    TRY(quirks_check_size(u.quirks, digest_short(&d->digest, text), d->size));
    TRY(upload_take_up(&u));
    if (!u.session.text && !u.doubtful && session && session->text) {
        url_copy(&u.session, session);
        u.sessions = 1;
    }
    do
        e = attempt(&u);
    while (upload_recover(&u, &e));
    if (!e) {
        journal_write(u.journal, NULL);
        if (u.tried && u.done)
            lessons_form(r->host->lessons, u.plan.form);
    }
    return e;
}
