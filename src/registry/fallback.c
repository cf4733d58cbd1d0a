/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/fallback.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "image/mediatype.h"
#include "registry/manifests.h"

#include <string.h>
#include <sys/random.h>

/* Before the look back: longer than others need from their reading to their writing, if they are as fast as
 * we are. */
#define LOOK_BACK_TIMES 3
#define LOOK_BACK_MIN_MS 20
#define LOOK_BACK_MAX_MS 1000

const char *fallback_tag(const struct digest *subject, char text[FALLBACK_TAG])
{
    char hex[DIGEST_TEXT];
    snprintf(text, FALLBACK_TAG, "%.32s-%.64s", digest_alg_name(subject), digest_hex(subject, hex));
    return text;
}

bool fallback_is_tag(const char *tag, struct digest *subject)
{
    char text[sizeof "sha256:" + 64];
    size_t len = strlen("sha256-") + 64;
    if (!str_starts(tag, "sha256-") || strlen(tag) < len || (tag[len] != '\0' && tag[len] != '.'))
        return false;
    snprintf(text, sizeof text, "sha256:%.64s", tag + strlen("sha256-"));
    struct err *e = digest_parse(subject, text);
    err_free(e);
    return !e;
}

void fallback_describe(struct desc *out, const struct desc *d, const struct manifest *m)
{
    const char *artifact = m->artifact_type ? m->artifact_type : m->config.media_type;
    desc_set(out, d->media_type, &d->digest, d->size);
    mem_free(out->artifact_type);
    out->artifact_type = mem_strdup(artifact);
    strmap_copy(&out->annotations, &m->annotations);
}

struct err *fallback_parse(json_t **index, const char *data, size_t len, const char *what)
{
    AUTO(json_decref) json_t *made = NULL;
    const json_t *array = NULL;
    const char *type = NULL;
    TRY(json_parse(&made, data, len, what));
    if (!json_is_object(made))
        return err_new(ERR_INPUT, "%s: expected an index", what);
    TRY(json_get_str(made, "mediaType", what, &type));
    TRY(json_get_array(made, "manifests", what, &array));
    if ((type && !str_eq(type, MEDIATYPE_OCI_INDEX)) || json_object_get(made, "layers") ||
        json_object_get(made, "config"))
        return err_new(ERR_INPUT, "%s: expected an OCI index", what);
    if (json_array_size(array) > FALLBACK_ENTRIES_MAX)
        return err_new(ERR_RESOURCE, "%s: %zu manifests; at most %d are read", what, json_array_size(array),
                       FALLBACK_ENTRIES_MAX);
    if (!array)
        json_put(made, "manifests", json_array());
    *index = TAKE(made);
    return NULL;
}

static json_t *empty_index(void)
{
    json_t *index = json_object();
    json_put(index, "schemaVersion", json_integer(2));
    json_put(index, "mediaType", json_new_str(MEDIATYPE_OCI_INDEX));
    json_put(index, "manifests", json_array());
    return index;
}

size_t fallback_list(const json_t *index, struct desclist *out)
{
    const json_t *item;
    size_t i, bad = 0;
    json_array_foreach (json_object_get(index, "manifests"), i, item) {
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        struct err *e = desc_from_json(&d, item, "manifests");
        if (e)
            bad++;
        else
            desc_copy(desclist_add(out), &d);
        err_free(e);
    }
    return bad;
}

static const char *digest_in(const json_t *item)
{
    return json_string_value(json_object_get(item, "digest"));
}

static bool find(const json_t *index, const char *digest, size_t *where)
{
    const json_t *item;
    size_t i;
    json_array_foreach (json_object_get(index, "manifests"), i, item) {
        if (digest && str_eq(digest_in(item), digest)) {
            *where = i;
            return true;
        }
    }
    return false;
}

bool fallback_has(const json_t *index, const char *digest)
{
    size_t where;
    return find(index, digest, &where);
}

bool fallback_merge(json_t *to, const json_t *from)
{
    json_t *array = json_object_get(to, "manifests");
    json_t *item;
    size_t i;
    bool any = false;
    json_array_foreach (json_object_get(from, "manifests"), i, item) {
        if (!digest_in(item) || fallback_has(to, digest_in(item)))
            continue;
        json_push(array, json_incref(item));
        any = true;
    }
    return any;
}

bool fallback_drop(json_t *index, const char *digest)
{
    size_t where;
    bool any = false;
    for (; find(index, digest, &where); any = true)
        json_array_remove(json_object_get(index, "manifests"), where);
    return any;
}

static struct err *read_index(const struct repo *r, const char *tag, json_t **index)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO(mem_free) char *what = mem_printf("%s/%s:%s", r->host->name, r->name, tag);
    bool found = false;
    TRY(manifests_fetch(r, tag, &bytes, &found));
    if (!found) {
        *index = empty_index();
        return NULL;
    }
    return fallback_parse(index, buf_text(&bytes), bytes.len, what);
}

static struct err *write_index(const struct repo *r, const char *tag, const json_t *index)
{
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO(mem_free) char *text = json_text(index);
    struct digest digest = digest_of(text, strlen(text));
    desc_set(&d, MEDIATYPE_OCI_INDEX, &digest, strlen(text));
    return manifests_put(r, &d, tag, text, strlen(text));
}

/* `took_ms`: from our own reading to our writing. */
static struct err *wait_for_others(uint64_t took_ms)
{
    uint32_t random = 0;
    uint64_t wait = took_ms * LOOK_BACK_TIMES;
    wait = wait < LOOK_BACK_MIN_MS ? LOOK_BACK_MIN_MS : wait > LOOK_BACK_MAX_MS ? LOOK_BACK_MAX_MS : wait;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = 0;
    return stop_sleep_ms((unsigned)(wait + random % (wait / 2)));
}

/* What is to be in the index, and what not. */
struct change {
    const struct repo *repo;
    const char *tag;
    json_t *with;        /* an index of what is to be there; grows by what was seen */
    const char *without; /* a digest; NULL: none */
};

/* One round: read, change, write. *quiet: there was nothing to do. */
static struct err *change_once(struct change *c, bool *quiet)
{
    AUTO(json_decref) json_t *index = NULL;
    TRY(read_index(c->repo, c->tag, &index));
    bool added = fallback_merge(index, c->with);
    bool dropped = c->without && fallback_drop(index, c->without);
    *quiet = !added && !dropped;
    fallback_merge(c->with, index);
    return *quiet ? NULL : write_index(c->repo, c->tag, index);
}

/* Written until a later look finds all that we know of. Others of this process wait. */
static struct err *change(struct change *c)
{
    AUTO(lock_release) struct lock *held = lock_hold(c->repo->host->referrers);
    bool quiet = false;
    for (unsigned round = 0; round <= FALLBACK_ROUNDS; round++) {
        uint64_t begin_ms = clock_ms();
        TRY(change_once(c, &quiet));
        if (quiet)
            return NULL;
        TRY(wait_for_others(clock_ms() - begin_ms));
    }
    return err_hint(err_new(ERR_CONFLICT, "the tag %s of %s/%s is changed by others all the time", c->tag,
                            c->repo->host->name, c->repo->name),
                    "try again when nobody else adds signatures or the like to this image");
}

struct err *fallback_read(const struct repo *r, const struct digest *subject, struct desclist *out)
{
    char tag[FALLBACK_TAG];
    AUTO(json_decref) json_t *index = NULL;
    TRY(read_index(r, fallback_tag(subject, tag), &index));
    size_t bad = fallback_list(index, out);
    if (bad)
        event_warn(r->host->config->options.events, "%s/%s:%s has %zu entries that cannot be read",
                   r->host->name, r->name, tag, bad);
    return NULL;
}

struct err *fallback_add(const struct repo *r, const struct digest *subject, const struct desc *d)
{
    char tag[FALLBACK_TAG];
    AUTO(json_decref) json_t *with = empty_index();
    struct change c = {.repo = r, .tag = fallback_tag(subject, tag), .with = with};
    json_push(json_object_get(with, "manifests"), desc_to_json(d));
    return err_wrap(change(&c), "note what refers to it");
}

struct err *fallback_remove(const struct repo *r, const struct digest *subject, const struct digest *d)
{
    char tag[FALLBACK_TAG], text[DIGEST_TEXT];
    AUTO(json_decref) json_t *with = empty_index();
    struct change c = {
        .repo = r, .tag = fallback_tag(subject, tag), .with = with, .without = digest_text(d, text)};
    return err_wrap(change(&c), "note what refers to it no longer");
}
