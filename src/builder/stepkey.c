/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stepkey.h"

#include "base/buf.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#define NAME_MAX_LEN 64
#define ANY_CACHE "any"

static void add_digest(struct step_record *r, const char *name, const struct digest *d)
{
    char text[DIGEST_TEXT];
    steprecord_add_text(r, name, digest_text(d, text));
}

static void add_layers(struct step_record *r, const char *prefix, const struct stage *s)
{
    for (size_t i = 0; i < s->parts.count; i++) {
        char name[NAME_MAX_LEN];
        snprintf(name, sizeof name, "%slayer %zu", prefix, i);
        add_digest(r, name, &s->parts.item[i]->diff_id);
    }
}

static void add_epoch(struct step_record *r, const struct builder *b)
{
    AUTO(mem_free) char *epoch = mem_printf("%" PRId64, b->epoch);
    steprecord_add_text(r, "epoch", b->options->time == BUILD_TIME_EPOCH ? epoch : "none");
}

/* Layers in the form of estargz have other files, and so another diff ID. */
static void add_form(struct step_record *r, const struct builder *b, const struct stage *s)
{
    if (b->options->layer.estargz && s->plan->result)
        steprecord_add_text(r, "form", "estargz");
}

static void add_list(struct step_record *r, const char *what, const struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++) {
        AUTO(mem_free) char *name = mem_printf("%s %zu", what, i);
        steprecord_add_text(r, name, list->item[i]);
    }
}

static void add_env(struct step_record *r, const struct strlist *env)
{
    for (size_t i = 0; i < env->count; i++) {
        const char *pair = env->item[i];
        size_t key = strcspn(pair, "=");
        AUTO(mem_free) char *name = mem_printf("env %.*s", (int)key, pair);
        steprecord_add_text(r, name, pair[key] ? pair + key + 1 : "");
    }
}

static void add_user(struct step_record *r, const struct run_plan *plan)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    buf_printf(&text, "%" PRIu32 ":%" PRIu32, plan->uid, plan->gid);
    for (size_t i = 0; i < plan->group_count; i++)
        buf_printf(&text, ",%" PRIu32, plan->groups[i]);
    steprecord_add_text(r, "user", buf_text(&text));
}

/* Names alone: where a machine has what they stand for is its own affair. */
static void add_hosts(struct step_record *r, const struct builder *b)
{
    AUTO_VALUE(buf_wipe) struct buf names = BUF(BUF_NO_LIMIT);
    const struct strmap *hosts = &b->options->run.hosts;
    for (size_t i = 0; i < hosts->count; i++)
        buf_printf(&names, "%s%s", i ? " " : "", hosts->key[i]);
    steprecord_add_text(r, "hosts", buf_text(&names));
}

/* What a command can see of what it may use. Time, workers and memory (--memory, which is a limit of data)
 * are not that: by them a command fails, or it makes what it makes. */
static void add_limits(struct step_record *r, const struct run_options *o)
{
    for (size_t i = 0; i < o->limit_count; i++) {
        const struct sandbox_limit *l = &o->limit[i];
        char name[NAME_MAX_LEN];
        if (l->what == RLIMIT_DATA)
            continue;
        AUTO(mem_free) char *text = mem_printf("%d=%" PRIu64 ":%" PRIu64, l->what, l->soft, l->hard);
        snprintf(name, sizeof name, "ulimit %zu", i);
        steprecord_add_text(r, name, text);
    }
    AUTO(mem_free) char *size = mem_printf("%" PRIu64, o->shm_size);
    if (o->shm_size)
        steprecord_add_text(r, "shm-size", size);
}

static const char *kind_name(enum run_mount_kind kind)
{
    switch (kind) {
    case RUN_BIND:
        return "bind";
    case RUN_CACHE:
        return "cache";
    case RUN_TMPFS:
        return "tmpfs";
    case RUN_SECRET:
        return "secret";
    case RUN_SSH:
        return "ssh";
    }
    return "";
}

/* Which of the caches a mount is does not count, nor who shares it, as with BuildKit, unless it is the one
 * that has its name from where it is shown. */
static bool is_any_cache(const struct run_mount *m)
{
    const char *slash = m->id ? strchr(m->id, '/') : NULL;
    return m->kind == RUN_CACHE && (m->sharing != RUN_SHARED || !slash || !str_eq(slash + 1, m->target));
}

/* The options are one line; strings in it stand last or have a place of their own. */
static void add_mount_options(struct step_record *r, size_t number, const struct run_mount *m)
{
    static const char *const text[] = {"target", "id", "env"};
    const char *value[] = {m->target, is_any_cache(m) ? ANY_CACHE : m->id, m->env};
    AUTO(mem_free)
    char *options =
        mem_printf("%s ro=%d size=%" PRIu64 " mode=%o uid=%" PRIu32 " gid=%" PRIu32 " required=%d",
                   kind_name(m->kind), m->read_only, m->size, m->mode, m->uid, m->gid, m->required);
    char name[NAME_MAX_LEN];
    snprintf(name, sizeof name, "mount %zu", number);
    steprecord_add_text(r, name, options);
    for (size_t i = 0; i < ARRAY_LEN(text); i++) {
        snprintf(name, sizeof name, "mount %zu %s", number, text[i]);
        if (value[i])
            steprecord_add_text(r, name, value[i]);
    }
}

/* A cache begins as what it is from, where that is told. */
static bool shows_files(const struct run_mount *m)
{
    return m->node && (m->kind == RUN_BIND || m->kind == RUN_CACHE);
}

/* What a mount shows: by content, or, in packed layers, by where it is. */
static struct err *add_mount_files(struct step_record *r, struct builder *b, size_t number,
                                   const struct run_mount *m, enum stepkey_mounts how)
{
    char name[NAME_MAX_LEN], layers[NAME_MAX_LEN];
    struct digest files = {0};
    bool known = how != STEPKEY_BY_LAYERS || !m->from;
    snprintf(name, sizeof name, "mount %zu files", number);
    if (known)
        TRY(stepkey_mount(b, m, how == STEPKEY_READ, &known, &files));
    if (known) {
        add_digest(r, name, &files);
        return NULL;
    }
    TRY(stage_diff_ids(b, m->from));
    snprintf(layers, sizeof layers, "mount %zu ", number);
    steprecord_add_text(r, name, m->source);
    add_layers(r, layers, m->from);
    return NULL;
}

static struct err *add_mounts(struct step_record *r, struct builder *b, const struct run_plan *plan,
                              enum stepkey_mounts how)
{
    for (size_t i = 0; i < plan->mount_count; i++) {
        add_mount_options(r, i, &plan->mount[i]);
        if (shows_files(&plan->mount[i]))
            TRY(add_mount_files(r, b, i, &plan->mount[i], how));
    }
    return NULL;
}

struct err *stepkey_make(struct step_record *out, struct builder *b, struct stage *s,
                         const struct run_plan *plan, enum stepkey_mounts how)
{
    char platform[PLATFORM_TEXT];
    TRY(stage_diff_ids(b, s));
    steprecord_add_text(out, "format", "tar/1");
    steprecord_add_text(out, "root", STEPKEY_ROOT);
    steprecord_add_text(out, "platform", platform_text(&plan->platform, platform));
    add_layers(out, "", s);
    add_list(out, "word", &plan->argv);
    add_env(out, &plan->env);
    steprecord_add_text(out, "directory", plan->cwd);
    add_user(out, plan);
    TRY(add_mounts(out, b, plan, how));
    if (plan->script) {
        steprecord_add_text(out, "script name", plan->script_name);
        steprecord_add_text(out, "script", plan->script);
    }
    steprecord_add_text(out, "network", plan->network == SANDBOX_NETWORK_NONE ? "none" : "host");
    steprecord_add_text(out, "security", plan->insecure ? "insecure" : "sandbox");
    steprecord_add_text(out, "hostname", plan->hostname);
    add_hosts(out, b);
    add_limits(out, &b->options->run);
    add_epoch(out, b);
    add_form(out, b, s);
    return NULL;
}

bool stepkey_has_two(const struct run_plan *plan)
{
    for (size_t i = 0; i < plan->mount_count; i++)
        if (shows_files(&plan->mount[i]) && plan->mount[i].from)
            return true;
    return false;
}

bool stepkey_is_whole(const struct step_record *r)
{
    for (size_t i = 0; i < r->input_count; i++)
        if (str_starts(r->input[i].name, "mount ") && strstr(r->input[i].name, " layer "))
            return false;
    return true;
}

static void add_documents(struct step_record *r, const struct copy_step *step)
{
    for (size_t i = 0; i < step->document_count; i++) {
        char name[NAME_MAX_LEN];
        snprintf(name, sizeof name, "document %zu", i);
        steprecord_add_text(r, name, step->documents[i].name);
        snprintf(name, sizeof name, "document %zu text", i);
        steprecord_add(r, name, step->documents[i].content, step->documents[i].content_len);
    }
}

/* copy_plan looks into the stage for links on the way, and for the names of owners. */
static bool looks_at_stage(const struct copy_step *step)
{
    return !step->link || !str_empty(step->chown) || !str_empty(step->chmod);
}

struct err *stepkey_copy(struct step_record *out, struct builder *b, struct stage *s, struct stage *from,
                         const struct copy_step *step)
{
    TRY(stage_diff_ids(b, from));
    steprecord_add_text(out, "format", "tar/1");
    steprecord_add_text(out, "copy", STEPKEY_COPY);
    if (looks_at_stage(step)) {
        TRY(stage_diff_ids(b, s));
        add_layers(out, "", s);
    }
    add_layers(out, "from ", from);
    add_list(out, "source", step->sources);
    add_list(out, "exclude", step->excludes);
    add_documents(out, step);
    steprecord_add_text(out, "destination", step->dest);
    steprecord_add_text(out, "directory", step->workdir);
    steprecord_add_text(out, "chown", step->chown);
    steprecord_add_text(out, "chmod", step->chmod);
    AUTO(mem_free)
    char *flags =
        mem_printf("parents=%d link=%d add=%d unpack=%d", step->parents, step->link, step->add, step->unpack);
    steprecord_add_text(out, "flags", flags);
    add_epoch(out, b);
    add_form(out, b, s);
    return NULL;
}

void stepkey_copied(struct step_record *out, const struct builder *b, struct stage *s,
                    const struct copy_step *step)
{
    const struct part *made = s->parts.item[s->parts.count - 1];
    steprecord_add_text(out, "format", "tar/1");
    steprecord_add_text(out, "copy", STEPKEY_COPY);
    if (looks_at_stage(step)) {
        s->parts.count--;
        add_layers(out, "", s);
        s->parts.count++;
    }
    add_digest(out, "copied", &made->diff_id);
    add_epoch(out, b);
    add_form(out, b, s);
}
