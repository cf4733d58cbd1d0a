/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/publish.h"

#include "base/mem.h"

struct err *publish_check_digest(const struct ref *ref, const struct desc *root)
{
    char digest[DIGEST_TEXT];
    if (!digest_is_set(&ref->digest) || digest_equal(&ref->digest, &root->digest))
        return NULL;
    AUTO(mem_free) char *name = ref_familiar(ref);
    return err_hint(
        err_new(ERR_USAGE, "%s: the image has another digest, %s", name, digest_text(&root->digest, digest)),
        "a target needs no digest");
}

/* What the build says goes on to the progress; a blob that is ready also goes ahead. */
static void emit(void *ctx, const struct event *e)
{
    struct publish *p = ctx;
    event_emit(&p->session->events, e);
    if (e->kind == EVENT_READY)
        push_ready(p->push, e->desc);
}

struct err *publish_begin(struct publish *p, struct session *s, struct store *from, const struct ref *refs,
                          size_t count)
{
    struct push_options options = {.jobs = (unsigned)s->shared->jobs, .events = &s->events};
    struct registry *registry = NULL;
    p->session = s;
    p->events = (struct events){emit, p};
    p->target = mem_zero(count + 1, sizeof *p->target);
    for (size_t i = 0; i < count; i++)
        ref_copy(&p->target[p->count++].ref, &refs[i]);
    TRY(session_registry(s, &registry));
    return push_begin(&p->push, registry, from, p->target, p->count, &options);
}

struct err *publish_finish(struct publish *p, const struct desc *root, struct strlist *results)
{
    for (size_t i = 0; i < p->count; i++)
        TRY(publish_check_digest(&p->target[i].ref, root));
    TRY(push_finish(p->push, root));
    for (size_t i = 0; i < p->count; i++)
        publish_result(results, &p->target[i].ref, root);
    return NULL;
}

void publish_wipe(struct publish *p)
{
    if (p->push)
        push_free(p->push);
    for (size_t i = 0; i < p->count; i++) {
        ref_wipe(&p->target[i].ref);
        desc_wipe(&p->target[i].pushed);
    }
    free(p->target);
    *p = (struct publish){0};
}

void publish_result(struct strlist *results, const struct ref *ref, const struct desc *root)
{
    char digest[DIGEST_TEXT];
    AUTO_VALUE(ref_wipe) struct ref plain = {0};
    ref_copy(&plain, ref);
    plain.digest = (struct digest){0};
    AUTO(mem_free) char *name = ref_familiar(&plain);
    strlist_add_take(results, mem_printf("%s@%s", name, digest_text(&root->digest, digest)));
}
