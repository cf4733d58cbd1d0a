/* SPDX-License-Identifier: Apache-2.0 */
#include "image/copy.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/stop.h"
#include "base/str.h"
#include "image/digestset.h"
#include "image/manifest.h"
#include "image/mediatype.h"
#include "image/watch.h"

#include <stdatomic.h>
#include <string.h>

#define JOBS 4
#define DEPTH_MAX 8
#define DESCRIPTORS_MAX 10000
#define MANIFEST_BYTES_MAX (UINT64_C(256) << 20)

/* A manifest or an index, in memory. */
struct node {
    struct desc desc;
    char *data;
    unsigned height; /* above its highest child: 1 + height; without child manifests: 0 */
    bool refers;     /* it has a subject */
    bool there;      /* `to` has it, and is believed to have all below */
};

struct copy {
    struct store *to, *from;
    const struct copy_options *options;
    char *place; /* "push localhost:5000/app", for events */

    struct digestset node_set, blob_set;
    struct node *node; /* by number in node_set */
    size_t node_count, node_room;
    struct desclist blob; /* by number in blob_set */
    size_t *order; /* numbers of blobs, the largest first, so that no large one is left alone at the end */
    uint64_t manifest_bytes;
    bool believes;   /* something is there, and nobody looks below it */
    unsigned height; /* the nodes that are being sent */

    struct lock *lock;
    struct err *failed; /* the first error; with `stopping` */
    bool at_manifest;   /* it is of a manifest */
    atomic_bool stopping;
    struct copy_report report;
};

static void copy_wipe(struct copy *c)
{
    for (size_t i = 0; i < c->node_count; i++) {
        desc_wipe(&c->node[i].desc);
        free(c->node[i].data);
    }
    free(c->node);
    free(c->place);
    desclist_wipe(&c->blob);
    free(c->order);
    digestset_wipe(&c->node_set);
    digestset_wipe(&c->blob_set);
    lock_free(c->lock);
    err_free(c->failed);
}

static unsigned jobs_of(const struct copy *c)
{
    return c->options->jobs ? c->options->jobs : JOBS;
}

/* The graph, read before anything is sent. */

static struct err *check_count(const struct copy *c)
{
    if (c->node_set.count + c->blob_set.count > DESCRIPTORS_MAX)
        return err_new(ERR_RESOURCE, "it refers to more than %d blobs", DESCRIPTORS_MAX);
    return NULL;
}

static struct err *check_same(const struct desc *known, const struct desc *again)
{
    char digest[DIGEST_SHORT];
    if (known->size == again->size)
        return NULL;
    return err_new(ERR_INTEGRITY, "%s has %llu bytes by one descriptor and %llu by another",
                   digest_short(&known->digest, digest), (unsigned long long)known->size,
                   (unsigned long long)again->size);
}

static struct err *add_blob(struct copy *c, const struct desc *d)
{
    size_t number;
    if (c->options->skip_foreign && mediatype_is_foreign(d->media_type))
        return NULL;
    if (c->options->present && digestset_has(c->options->present, &d->digest))
        return NULL;
    if (!digestset_add(&c->blob_set, &d->digest, &number))
        return check_same(&c->blob.item[number], d);
    desc_copy(desclist_add(&c->blob), d);
    return check_count(c);
}

static struct err *read_manifest(struct store *from, const struct desc *d, struct manifest *out, char **data)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    TRY(store_read(from, d, &bytes));
    TRY(manifest_parse(out, buf_text(&bytes), bytes.len, d->media_type, "manifest"));
    if (data)
        *data = buf_take(&bytes);
    return NULL;
}

/* The same, naming the digest where the caller's message does not: the root's is in every message. */
static struct err *read_node(struct copy *c, size_t number, unsigned depth, struct manifest *out)
{
    char digest[DIGEST_SHORT];
    struct node *node = &c->node[number];
    struct err *e = read_manifest(c->from, &node->desc, out, &node->data);
    return depth == 1 ? e : err_wrap(e, "%s", digest_short(&node->desc.digest, digest));
}

/* What is there may not be noted yet among what refers to its subject, when a push ended between the two: it
 * is sent again. */
static struct err *ask_node(struct copy *c, size_t number)
{
    struct node *node = &c->node[number];
    if (!c->options->from_top || node->refers)
        return NULL;
    struct err *e = store_has(c->to, &node->desc, &node->there);
    if (e && (err_kind_of(e) == ERR_NETWORK || err_kind_of(e) == ERR_STOPPED) && !err_http_status(e))
        return e;
    if (e) /* who lets nobody look may still take it */
        node->there = false;
    err_free(e);
    return NULL;
}

static struct err *gather(struct copy *c, const struct desc *d, unsigned depth, unsigned *height)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    size_t number;
    *height = 0;
    if (depth > DEPTH_MAX)
        return err_new(ERR_RESOURCE, "its indexes are nested deeper than %d levels", DEPTH_MAX);
    if (!digestset_add(&c->node_set, &d->digest, &number)) {
        *height = c->node[number].height;
        return check_same(&c->node[number].desc, d);
    }
    MEM_PUSH(c->node, c->node_count, c->node_room, (struct node){0});
    desc_copy(&c->node[number].desc, d);
    TRY(check_count(c));
    c->manifest_bytes += d->size < MANIFEST_SIZE_MAX ? d->size : MANIFEST_SIZE_MAX;
    if (c->manifest_bytes > MANIFEST_BYTES_MAX)
        return err_new(ERR_RESOURCE, "its manifests have more than %llu bytes",
                       (unsigned long long)MANIFEST_BYTES_MAX);
    TRY(stop_check());
    TRY(read_node(c, number, depth, &m));
    c->node[number].refers = m.subject.media_type != NULL;
    if (depth == 1)
        TRY(ask_node(c, 0));
    for (size_t i = 0; i < m.manifests.count; i++) {
        const struct desc *child = &m.manifests.item[i];
        unsigned below = 0;
        if (!mediatype_is_manifest(child->media_type))
            continue;
        TRY(gather(c, child, depth + 1, &below));
        if (below + 1 > *height)
            *height = below + 1;
    }
    c->node[number].height = *height;
    return NULL;
}

/* What is below the manifests that are not there. A child of an unknown kind is a blob without children. */
static struct err *gather_blobs(struct copy *c, const struct node *node)
{
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    c->believes = c->believes || node->there;
    if (node->there)
        return NULL;
    TRY(manifest_parse(&m, node->data, (size_t)node->desc.size, node->desc.media_type, "manifest"));
    for (size_t i = 0; i < m.manifests.count; i++)
        if (!mediatype_is_manifest(m.manifests.item[i].media_type))
            TRY(add_blob(c, &m.manifests.item[i]));
    if (m.config.media_type)
        TRY(add_blob(c, &m.config));
    for (size_t i = 0; i < m.layers.count; i++)
        TRY(add_blob(c, &m.layers.item[i]));
    return NULL;
}

static struct err *ask_child(void *ctx, size_t i)
{
    struct copy *c = ctx;
    if (i == 0)
        return NULL;
    if (!c->node[0].there)
        return ask_node(c, i);
    c->node[i].there = !c->node[i].refers;
    return NULL;
}

/* The graph, and what of it there is to send. */
static struct err *gather_all(struct copy *c, const struct desc *root, unsigned *height)
{
    TRY(gather(c, root, 1, height));
    if (c->options->from_top && c->node_count > 1)
        TRY(pool_each(jobs_of(c), c->node_count, ask_child, c));
    for (size_t i = 0; i < c->node_count; i++)
        TRY(gather_blobs(c, &c->node[i]));
    return NULL;
}

static bool is_cancelled(const struct copy *c)
{
    return c->options->cancel && atomic_load(c->options->cancel);
}

static struct err *cancelled(const struct copy *c)
{
    return is_cancelled(c) ? err_new(ERR_STOPPED, "stopped, because nobody waits for it") : NULL;
}

/* The root goes last, so its name may come with it; whether the root itself is there makes no difference. */
static bool is_named_root(const struct copy *c, const struct desc *d)
{
    return c->options->tag && c->node_count > 0 && d == &c->node[0].desc && store_can_put_tagged(c->to);
}

enum outcome { PRESENT, MOUNTED, SENT };

static struct source *watch(struct copy *c, const struct desc *d, struct source *inner_take)
{
    return watch_source(inner_take, d, c->options->events, &c->stopping, c->options->cancel);
}

static struct err *send_bytes(struct copy *c, const struct desc *d)
{
    AUTO(source_free) struct source *from = NULL;
    TRY(store_get(c->from, d, &from));
    from = watch(c, d, TAKE(from));
    return store_put(c->to, d, from);
}

/* Who takes an index looks for its images only, and for the blobs of an image only when that is put: so each
 * image is, and what was lost is told. Who does not let it be put has it. */
static struct err *put_again(struct copy *c, const struct node *node)
{
    AUTO(source_free) struct source *from = source_mem(node->data, (size_t)node->desc.size);
    struct err *e = store_put(c->to, &node->desc, from);
    bool denied = e && (err_kind_of(e) == ERR_DENIED || err_kind_of(e) == ERR_CONFLICT);
    err_free(denied ? e : NULL);
    return denied ? NULL : e;
}

static struct err *move_node(struct copy *c, const struct node *node, enum outcome *how)
{
    const struct desc *d = &node->desc;
    bool named = is_named_root(c, d), done = node->there;
    AUTO(source_free) struct source *from = NULL;
    if (!named && !c->options->from_top && !node->refers)
        TRY(store_has(c->to, d, &done));
    if (done && !named)
        return node->there && node != c->node ? put_again(c, node) : NULL;
    *how = SENT;
    from = watch(c, d, source_mem(node->data, (size_t)d->size));
    return named ? store_put_tagged(c->to, d, c->options->tag, from) : store_put(c->to, d, from);
}

/* `node`: the one whose descriptor it is; NULL: it is no manifest. */
static struct err *move(struct copy *c, const struct desc *d, const struct node *node, enum outcome *how)
{
    bool done = false;
    *how = PRESENT;
    TRY(stop_check());
    if (node)
        return move_node(c, node, how);
    TRY(store_has(c->to, d, &done));
    if (done)
        return NULL;
    AUTO(mem_free) char *origin = store_origin(c->from, d);
    *how = MOUNTED;
    if (origin)
        TRY(store_mount(c->to, d, origin, &done));
    if (done)
        return NULL;
    *how = SENT;
    struct err *e = send_bytes(c, d);
    /* Something on the way may have mixed up one answer, and a mirror that did is not asked again. */
    if (!e || err_kind_of(e) != ERR_INTEGRITY)
        return e;
    struct err *again = send_bytes(c, d);
    bool first = again && err_kind_of(again) != ERR_STOPPED; /* says more: an archive takes no blob twice */
    err_free(first ? again : e);
    return first ? e : again;
}

static const char *word(const struct copy *c, enum outcome how)
{
    if (how == PRESENT)
        return "exists";
    if (how == MOUNTED)
        return "mounted";
    if (str_eq(c->options->verb, "push"))
        return "uploaded";
    return str_eq(c->options->verb, "pull") ? "downloaded" : "copied";
}

static void count(struct copy *c, const struct desc *d, bool is_blob, enum outcome how)
{
    AUTO(lock_release) struct lock *held = lock_hold(c->lock);
    if (is_blob) {
        c->report.blobs_present += how == PRESENT;
        c->report.blobs_mounted += how == MOUNTED;
        c->report.blobs_sent += how == SENT;
    }
    if (how == SENT)
        c->report.bytes_sent += d->size;
}

/* Whoever fails first is reported; those that were stopped by it say nothing. */
static void fail(struct copy *c, const struct desc *d, bool is_manifest, struct err *e)
{
    AUTO(lock_release) struct lock *held = lock_hold(c->lock);
    char digest[DIGEST_SHORT];
    if (c->failed)
        err_free(e);
    else {
        c->failed = err_wrap(e, "%s %s", c->options->verb, digest_short(&d->digest, digest));
        c->at_manifest = is_manifest;
    }
    atomic_store(&c->stopping, true);
}

static void send(struct copy *c, const struct desc *d, const struct node *node)
{
    const struct events *events = c->options->events;
    enum outcome how = PRESENT;
    if (atomic_load(&c->stopping) || is_cancelled(c))
        return;
    event_emit(events, &(struct event){.kind = EVENT_BLOB, .desc = d, .name = c->place, .total = d->size});
    struct err *e = move(c, d, node, &how);
    if (e) {
        fail(c, d, node != NULL, e);
        return;
    }
    count(c, d, !node, how);
    event_emit(events, &(struct event){.kind = EVENT_BLOB_END,
                                       .desc = d,
                                       .name = c->place,
                                       .text = word(c, how),
                                       .done = how == SENT ? d->size : 0,
                                       .total = d->size});
}

static int by_size(const void *a, const void *b, void *ctx)
{
    const struct copy *c = ctx;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    uint64_t x_size = c->blob.item[x].size, y_size = c->blob.item[y].size;
    if (x_size != y_size)
        return x_size > y_size ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void set_order(struct copy *c)
{
    c->order = mem_zero(c->blob.count + 1, sizeof *c->order);
    for (size_t i = 0; i < c->blob.count; i++)
        c->order[i] = i;
    qsort_r(c->order, c->blob.count, sizeof *c->order, by_size, c);
}

static struct err *send_blob(void *ctx, size_t i)
{
    struct copy *c = ctx;
    send(c, &c->blob.item[c->order[i]], NULL);
    return NULL;
}

static struct err *send_node(void *ctx, size_t i)
{
    struct copy *c = ctx;
    if (c->node[i].height == c->height)
        send(c, &c->node[i].desc, &c->node[i]);
    return NULL;
}

static struct err *send_all(struct copy *c, unsigned height)
{
    unsigned jobs = jobs_of(c);
    set_order(c);
    TRY(pool_each(jobs, c->blob.count, send_blob, c));
    for (c->height = 0; c->height <= height && !c->failed; c->height++)
        TRY(pool_each(jobs, c->node_count, send_node, c));
    return c->failed ? TAKE(c->failed) : cancelled(c);
}

static void begin(struct copy *c)
{
    c->lock = lock_new();
    c->place = mem_printf("%s%s %s", c->options->verb, str_eq(c->options->verb, "push") ? "" : " to",
                          store_name(c->to));
}

static void add_report(struct copy_report *sum, const struct copy_report *report)
{
    if (!sum)
        return;
    sum->blobs_sent += report->blobs_sent;
    sum->blobs_mounted += report->blobs_mounted;
    sum->blobs_present += report->blobs_present;
    sum->bytes_sent += report->bytes_sent;
    sum->known = report->known;
}

struct err *copy_blob(struct store *to, struct store *from, const struct desc *d,
                      const struct copy_options *options, struct copy_report *report)
{
    AUTO_VALUE(copy_wipe) struct copy c = {.to = to, .from = from, .options = options};
    begin(&c);
    send(&c, d, NULL);
    add_report(report, &c.report);
    return c.failed ? TAKE(c.failed) : cancelled(&c);
}

/* *lost: a manifest was refused, because of something below it. */
static struct err *copy_once(struct store *to, struct store *from, const struct desc *root,
                             const struct copy_options *options, struct copy_report *report, bool *lost)
{
    AUTO_VALUE(copy_wipe) struct copy c = {.to = to, .from = from, .options = options};
    char digest[DIGEST_SHORT];
    unsigned height = 0;
    *lost = false;
    begin(&c);
    TRY(err_wrap(gather_all(&c, root, &height), "%s %s", options->verb, digest_short(&root->digest, digest)));
    /* Before the first of them is sent. */
    for (size_t i = 0; i < c.blob.count; i++)
        TRY(err_wrap(store_fits(to, &c.blob.item[i]), "%s to %s", options->verb, store_name(to)));
    struct err *e = send_all(&c, height);
    *lost = c.at_manifest && copy_is_of_lost_blob(e, c.believes);
    c.report.known = c.node[0].there;
    if (!e)
        add_report(report, &c.report);
    return e;
}

bool copy_is_of_lost_blob(const struct err *e, bool believed)
{
    int status = e ? err_http_status(e) : 0;
    bool refused = status == 400 || status == 404 || (believed && status == 422);
    return refused && (err_kind_of(e) == ERR_NETWORK || (believed && err_kind_of(e) != ERR_CONFLICT));
}

struct err *copy_graph(struct store *to, struct store *from, const struct desc *root,
                       const struct copy_options *options, struct copy_report *report)
{
    bool lost;
    struct err *e = copy_once(to, from, root, options, report, &lost);
    if (!lost)
        return e;
    /* Look at each anew, whatever was known of it, and send what is not there. */
    struct copy_options again = *options;
    again.present = NULL;
    again.from_top = false;
    event_note(options->events, "%s; looking again at all that it refers to", err_message(e));
    err_free(e);
    return copy_once(to, from, root, &again, report, &lost);
}

struct err *copy_choose(struct store *from, const struct desc *root, const struct platform *want,
                        struct desc *out)
{
    AUTO_VALUE(desc_wipe) struct desc at = {0};
    char digest[DIGEST_SHORT];
    desc_copy(&at, root);
    for (unsigned depth = 1; depth <= DEPTH_MAX; depth++) {
        AUTO_VALUE(manifest_wipe) struct manifest m = {0};
        const struct desc *child = NULL;
        if (mediatype_kind_of(at.media_type) == MEDIATYPE_MANIFEST) {
            desc_copy(out, &at);
            return NULL;
        }
        TRY(err_wrap(read_manifest(from, &at, &m, NULL), "%s: %s", store_name(from),
                     digest_short(&at.digest, digest)));
        if (mediatype_kind_of(m.media_type) == MEDIATYPE_MANIFEST) {
            desc_copy(out, &at);
            return NULL;
        }
        TRY(manifest_choose(&m, want, store_name(from), &child));
        desc_copy(&at, child);
    }
    return err_new(ERR_RESOURCE, "%s: its indexes are nested deeper than %d levels", store_name(from),
                   DEPTH_MAX);
}
