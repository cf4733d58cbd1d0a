/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/build_request.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/proc.h"
#include "cli/session.h"
#include "layers/compress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EPOCH_MAX INT64_C(253402300799) /* the end of the year 9999, the last that RFC 3339 can write */
#define EPOCH_NAME "SOURCE_DATE_EPOCH"
#define INLINE_CACHE "BUILDKIT_INLINE_CACHE"
#define LEVEL_MAX 99 /* compress_check_level knows better */
#define GIT_OUTPUT_MAX 4096
#define GIT_TIMEOUT_MS 60000
#define GIT_NO_FETCH "GIT_ALLOW_PROTOCOL=none"

/* "key=value"; the value is NULL when there is no "=". New string in *key. */
static struct err *split_pair(const char *option, const char *text, char **key, const char **value)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : strlen(text);
    if (len == 0) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_new(ERR_USAGE, "%s: expected key=value, found \"%s\"", option, safe);
    }
    *key = mem_strndup(text, len);
    *value = equals ? equals + 1 : NULL;
    return NULL;
}

static struct err *add_build_args(struct strmap *out, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        AUTO(mem_free) char *key = NULL;
        const char *value = NULL;
        TRY(split_pair("--build-arg", texts->item[i], &key, &value));
        if (!value)
            value = getenv(key);
        if (value)
            strmap_set(out, key, value);
    }
    return NULL;
}

static struct err *add_labels(struct strmap *out, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        AUTO(mem_free) char *key = NULL;
        const char *value = NULL;
        TRY(split_pair("--label", texts->item[i], &key, &value));
        strmap_set(out, key, value ? value : "");
    }
    return NULL;
}

/* "manifest", or a list of such, before the ":" of an annotation. */
static struct err *check_levels(const char *text, const char *levels)
{
    static const char *const others[] = {"index", "manifest-descriptor", "index-descriptor"};
    AUTO_VALUE(strlist_wipe) struct strlist list = {0};
    AUTO(mem_free) char *safe = str_safe(text);
    strlist_split(&list, levels, ',');
    for (size_t i = 0; i < list.count; i++) {
        const char *level = list.item[i];
        if (str_eq(level, "manifest"))
            continue;
        size_t len = strcspn(level, "[");
        bool known = len == strlen("manifest") && strncmp(level, "manifest", len) == 0;
        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            known = known || (strlen(others[k]) == len && strncmp(level, others[k], len) == 0);
        if (known)
            return err_new(ERR_UNSUPPORTED, "--annotation %s: only annotations of the manifest are supported",
                           safe);
        return err_new(ERR_USAGE, "--annotation %s: expected \"manifest\" before the \":\"", safe);
    }
    return list.count ? NULL
                      : err_new(ERR_USAGE, "--annotation %s: a level is missing before the \":\"", safe);
}

static struct err *add_annotations(struct strmap *out, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        AUTO(mem_free) char *key = NULL;
        const char *value = NULL;
        TRY(split_pair("--annotation", texts->item[i], &key, &value));
        if (!value) {
            AUTO(mem_free) char *safe = str_safe(texts->item[i]);
            return err_new(ERR_USAGE, "--annotation: expected key=value, found \"%s\"", safe);
        }
        char *colon = strchr(key, ':');
        if (colon) {
            *colon = '\0';
            TRY(check_levels(texts->item[i], key));
        }
        strmap_set(out, colon ? colon + 1 : key, value);
    }
    return NULL;
}

static struct err *add_tag(struct build_request *r, const char *text)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    TRY(err_wrap(ref_parse(&ref, text), "--tag"));
    if (digest_is_set(&ref.digest)) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_new(ERR_USAGE, "--tag %s: the name of a new image has no digest", safe);
    }
    AUTO(mem_free) char *name = ref_text(&ref);
    for (size_t i = 0; i < r->tag_count; i++) {
        AUTO(mem_free) char *before = ref_text(&r->tags[i]);
        if (str_eq(before, name))
            return NULL;
    }
    struct ref copy = {0};
    ref_copy(&copy, &ref);
    MEM_PUSH(r->tags, r->tag_count, r->tag_room, copy);
    return NULL;
}

static struct err *add_tags(struct build_request *r, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        TRY(add_tag(r, texts->item[i]));
    return NULL;
}

static struct err *set_epoch(struct build_options *o, const char *where, const char *text)
{
    if (num_parse_signed(text, 0, EPOCH_MAX, &o->epoch))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "%s: expected seconds since 1970, found \"%s\"", where, safe);
}

/* Ours, and before it that git fetches nothing: the repository says with which program that is done. */
static const char **environment_for_git(void)
{
    size_t count = 0;
    while (environ[count])
        count++;
    const char **env = mem_zero(count + 2, sizeof *env);
    env[0] = GIT_NO_FETCH;
    size_t kept = 1;
    for (size_t i = 0; i < count; i++)
        if (!str_starts(environ[i], "DOCKER_AUTH_CONFIG="))
            env[kept++] = environ[i];
    return env;
}

/* When the commit that is checked out was made. No program that the context's repository names may run:
 * gpg for signatures is another. */
static struct err *ask_git(struct build_options *o, const char *context)
{
    const char *const argv[] = {"git",          "-C", context, "log", "-1", "--no-show-signature",
                                "--format=%ct", NULL};
    AUTO(mem_free) const char **env = environment_for_git();
    const struct proc_spec spec = {.argv = argv, .env = env, .timeout_ms = GIT_TIMEOUT_MS};
    AUTO_VALUE(proc_result_wipe)
    struct proc_result result = {.out = BUF(GIT_OUTPUT_MAX), .err = BUF(GIT_OUTPUT_MAX)};
    if (str_eq(context, "-"))
        return err_new(ERR_USAGE, "--source-date-epoch git: the context is standard input");
    TRY(err_wrap(proc_run(&spec, &result), "--source-date-epoch git"));
    AUTO(mem_free) char *out = str_trim(buf_text(&result.out));
    if (result.status == 0)
        return set_epoch(o, "--source-date-epoch git", out);
    AUTO(mem_free) char *said = str_trim(buf_text(&result.err));
    AUTO(mem_free) char *safe = str_safe(said);
    return err_new(ERR_INPUT, "--source-date-epoch git: git says: %s", safe);
}

static struct err *choose_time(struct build_options *o, const char *option, const char *context)
{
    const char *argument = strmap_get(&o->build_args, EPOCH_NAME);
    const char *environment = getenv(EPOCH_NAME);
    o->time = BUILD_TIME_EPOCH;
    o->epoch = BUILD_EPOCH_DEFAULT;
    if (str_eq(option, "git"))
        return ask_git(o, context);
    if (str_eq(option, "none")) {
        o->time = BUILD_TIME_REAL;
        return NULL;
    }
    if (option)
        return set_epoch(o, "--source-date-epoch", option);
    if (!str_empty(argument))
        return set_epoch(o, "--build-arg " EPOCH_NAME, argument);
    if (!str_empty(environment))
        return set_epoch(o, "$" EPOCH_NAME, environment);
    return NULL;
}

static struct err *set_level(struct layer_options *layer, const char *option, const char *text)
{
    static const struct {
        const char *word;
        int level;
    } words[] = {
        {"fast", COMPRESS_FAST_LEVEL}, {"default", COMPRESS_DEFAULT_LEVEL}, {"best", COMPRESS_BEST_LEVEL}};
    uint64_t level = 0;
    if (!text)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(text, words[i].word)) {
            layer->level = words[i].level;
            return NULL;
        }
    if (!num_parse(text, LEVEL_MAX, &level)) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_new(ERR_USAGE, "%s: expected fast, default, best or a number, found \"%s\"", option, safe);
    }
    layer->level = (int)level;
    return NULL;
}

static bool differs(const struct output_form *a, const struct output_form *b)
{
    return a->compression && b->compression && (a->compression != b->compression || a->estargz != b->estargz);
}

/* An image has one set of layers, so the outputs cannot want different ones. */
static struct err *choose_compression(struct build_request *r, const struct build_settings *s)
{
    struct layer_options *layer = &r->options.layer;
    struct output_form wanted = {0};
    layer->level = COMPRESS_DEFAULT_LEVEL;
    if (s->compression)
        TRY(output_compression(&wanted, s->compression, "--compression"));
    if (s->estargz && wanted.compression && wanted.compression != COMPRESSION_GZIP)
        return err_new(ERR_USAGE, "--estargz is a form of gzip: it does not go with --compression %s",
                       s->compression);
    if (s->estargz)
        wanted = (struct output_form){COMPRESSION_GZIP, true};
    TRY(set_level(layer, "--compression-level", s->compression_level));
    for (size_t i = 0; i < r->outputs.count; i++) {
        const struct output *o = &r->outputs.item[i];
        int before = layer->level;
        TRY(set_level(layer, "--output: compression-level", o->level));
        bool other_level = before != COMPRESS_DEFAULT_LEVEL && layer->level != before;
        bool other = differs(&wanted, &o->form);
        if (other || other_level)
            return err_new(ERR_UNSUPPORTED,
                           "--output: different compressions for one image are not supported");
        if (o->form.compression)
            wanted = o->form;
    }
    layer->compression = wanted.compression ? wanted.compression : COMPRESSION_GZIP;
    layer->estargz = wanted.estargz;
    TRY(err_wrap(compress_check_level(layer->compression, layer->level), "--compression-level"));
    layer->workers = (unsigned)s->shared.jobs;
    return NULL;
}

static struct err *add_outputs(struct build_request *r, const struct build_settings *s)
{
    TRY(outputs_parse(&r->outputs, &s->outputs));
    r->push = s->push;
    for (size_t i = 0; i < r->outputs.count; i++) {
        const struct output *o = &r->outputs.item[i];
        TRY(add_tags(r, &o->names));
        r->push = r->push || o->push;
        for (size_t k = 0; k < o->annotations.count; k++)
            strmap_set(&r->options.annotations, o->annotations.key[k], o->annotations.value[k]);
        if (!str_eq(o->dest, "-"))
            continue;
        if (r->stdout_taken)
            return err_new(ERR_USAGE, "--output: only one output can be standard output");
        r->stdout_taken = true;
    }
    if (r->push && r->tag_count == 0)
        return err_hint(err_new(ERR_USAGE, "nothing says where to push to"), "name the image with --tag");
    return NULL;
}

static struct err *take_caches(struct build_request *r, const struct build_settings *s)
{
    const char *asked = strmap_get(&r->options.build_args, INLINE_CACHE);
    TRY(cache_places_parse(&r->cache_from, &s->cache_from, false));
    TRY(cache_places_parse(&r->cache_to, &s->cache_to, true));
    r->options.cache_inline = asked && (str_eq(asked, "1") || str_eq(asked, "true"));
    for (size_t i = 0; i < r->cache_to.count; i++) {
        const struct cache_place *p = &r->cache_to.item[i];
        if (p->kind == CACHE_INLINE)
            r->options.cache_inline = true;
        else
            r->options.cache_to = true;
        r->options.cache_max = r->options.cache_max || p->max;
    }
    return NULL;
}

static struct err *make(struct build_request *r, const struct build_settings *s, const char *context)
{
    AUTO(mem_free) char *platforms = strlist_join(&s->platforms, ",");
    struct build_options *o = &r->options;
    o->context = context;
    o->file = s->file;
    o->target = str_empty(s->target) ? NULL : s->target;
    o->pull = s->pull;
    o->explain = s->explain;
    o->trust_times = s->trust_times;
    o->layer.fresh = s->no_cache;
    o->run.no_cache = s->no_cache;
    o->complete = s->complete;
    o->jobs = (unsigned)s->shared.jobs;
    TRY(session_platform(&o->platform, *platforms ? platforms : getenv("DOCKER_DEFAULT_PLATFORM")));
    TRY(add_build_args(&o->build_args, &s->build_args));
    TRY(add_labels(&o->labels, &s->labels));
    TRY(add_annotations(&o->annotations, &s->annotations));
    TRY(add_tags(r, &s->tags));
    TRY(add_outputs(r, s));
    TRY(choose_compression(r, s));
    TRY(run_request_make(&o->run, &s->run));
    TRY(take_caches(r, s));
    return choose_time(o, s->epoch, context);
}

struct err *build_request_make(struct build_request *out, const struct build_settings *settings,
                               const char *context)
{
    AUTO_VALUE(build_request_wipe) struct build_request r = {0};
    TRY(make(&r, settings, context));
    *out = r;
    r = (struct build_request){0};
    return NULL;
}

void build_request_wipe(struct build_request *r)
{
    for (size_t i = 0; i < r->tag_count; i++)
        ref_wipe(&r->tags[i]);
    free(r->tags);
    strmap_wipe(&r->options.build_args);
    strmap_wipe(&r->options.labels);
    strmap_wipe(&r->options.annotations);
    outputs_wipe(&r->outputs);
    run_request_wipe(&r->options.run);
    cache_places_wipe(&r->cache_from);
    cache_places_wipe(&r->cache_to);
    *r = (struct build_request){0};
}
