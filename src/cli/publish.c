/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/publish.h"

#include "base/mem.h"
#include "cli/report.h"

static struct err *parse_exists(const char *text, enum push_exists *out)
{
    static const struct {
        const char *name;
        enum push_exists value;
    } names[] = {{"overwrite", PUSH_OVERWRITE}, {"skip", PUSH_SKIP}, {"fail", PUSH_FAIL}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!text || str_eq(text, names[i].name)) {
            *out = names[i].value;
            return NULL;
        }
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--if-exists: expected overwrite, skip or fail, found \"%s\"", safe);
}

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
    struct push_options options = {.jobs = (unsigned)s->shared->jobs,
                                   .by_digest = s->shared->push_by_digest,
                                   .with_foreign = s->shared->foreign_layers,
                                   .companions = p->companions,
                                   .companion_count = p->companion_count,
                                   .events = &s->events};
    struct registry *registry = NULL;
    TRY(parse_exists(s->shared->if_exists, &options.if_exists));
    p->session = s;
    p->events = (struct events){emit, p};
    p->target = mem_zero(count + 1, sizeof *p->target);
    for (size_t i = 0; i < count; i++)
        ref_copy(&p->target[p->count++].ref, &refs[i]);
    TRY(session_registry(s, &registry));
    return push_begin(&p->push, registry, from, p->target, p->count, &options);
}

/* What was skipped is not told of as published. */
static void add_result(struct strlist *results, const struct push_target *target, bool by_digest)
{
    AUTO_VALUE(ref_wipe) struct ref named = {0};
    if (target->skipped)
        return;
    ref_copy(&named, &target->ref);
    if (by_digest)
        mem_free(TAKE(named.tag));
    publish_result(results, &named, &target->pushed);
}

struct err *publish_finish(struct publish *p, const struct desc *root, struct strlist *results)
{
    for (size_t i = 0; i < p->count; i++)
        TRY(publish_check_digest(&p->target[i].ref, root));
    TRY(push_finish(p->push, root));
    for (size_t i = 0; i < p->count; i++) {
        report_add(p->session, &p->target[i]);
        add_result(results, &p->target[i], p->session->shared->push_by_digest);
    }
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
