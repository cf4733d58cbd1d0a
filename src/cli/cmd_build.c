/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "builder/build.h"
#include "cli/build_export.h"
#include "cli/build_request.h"
#include "cli/cli.h"
#include "cli/endpoint.h"
#include "cli/publish.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/user.h"
#include "registry/origin.h"

#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct build_settings, member)
#define FLAG(name, letter, member, help)                        \
    {                                                           \
        name, letter, OPT_FLAG, NULL, help, AT(member), 0, NULL \
    }
#define TEXT(name, letter, value, member, help)                  \
    {                                                            \
        name, letter, OPT_TEXT, value, help, AT(member), 0, NULL \
    }
#define LIST(name, letter, value, member, help)                  \
    {                                                            \
        name, letter, OPT_LIST, value, help, AT(member), 0, NULL \
    }
#define NOTHING(name, help)                          \
    {                                                \
        name, 0, OPT_NOTHING, NULL, help, 0, 0, NULL \
    }
#define MISSING(name, letter, value, fine)                 \
    {                                                      \
        name, letter, OPT_MISSING, value, NULL, 0, 0, fine \
    }

static const struct opt build_options[] = {
    LIST("annotation", 0, "[manifest:]KEY=VALUE", annotations, "add an annotation to the manifest; repeat"),
    LIST("build-arg", 0, "KEY[=VALUE]", build_args,
         "set an ARG; without a value, from the environment; repeat"),
    TEXT("builder", 0, "NAME", builder, "accepted for buildx; there are no builders here"),
    LIST("cache-from", 0, "CACHE", cache_from,
         "take steps from a cache of others: type=registry,ref=REF, type=local,src=DIR, s3 or gha; repeat"),
    LIST("cache-to", 0, "CACHE", cache_to,
         "leave a cache for others: type=registry,ref=REF, type=local,dest=DIR, s3, gha or inline; repeat"),
    FLAG("complete", 0, complete, "fetch all blobs of base images into the local store"),
    TEXT("compression", 0, "KIND", compression,
         "compress layers with gzip (the default), zstd, as estargz, or leave them uncompressed"),
    TEXT("compression-level", 0, "LEVEL", compression_level,
         "fast, default, best, or a number: higher is smaller and slower"),
    FLAG("explain-cache", 0, explain,
         "say of each step where it was taken from, or what differs from the nearest one that a cache knows"),
    FLAG("estargz", 0, estargz, "make layers that runtimes can pull lazily, as --compression estargz"),
    TEXT("file", 'f', "FILE", file, "the Dockerfile (Dockerfile in the context); - is standard input"),
    TEXT("iidfile", 0, "FILE", iidfile, "write the manifest's digest to a file"),
    LIST("label", 0, "KEY=VALUE", labels, "add a label to the image; repeat"),
    NOTHING("load", "accepted: the image goes to the local store anyway"),
    TEXT("metadata-file", 0, "FILE", metadata_file, "write digests and names to a file, as JSON"),
    FLAG("no-cache", 0, no_cache, "run all steps and read all files again"),
    LIST("output", 'o', "OUTPUT", outputs,
         "where the result goes besides: type=oci|docker|tar|local,dest=PATH, or a directory, or -; repeat"),
    LIST("platform", 0, "PLATFORM", platforms, "os/architecture[/variant] (this machine's)"),
    FLAG("pull", 0, pull, "always ask the registries for base images"),
    FLAG("push", 0, push, "push the image under all its names"),
    TEXT("source-date-epoch", 0, "N|git|none", epoch,
         "the time that the image carries: seconds since 1970, that of the commit, or the real ones"),
    LIST("tag", 't', "REF", tags, "name the image; repeat"),
    TEXT("target", 0, "STAGE", target, "the stage to build (the last)"),
    FLAG("trust-file-times", 0, trust_times,
         "believe inode, size and times of the context's files on any file system"),
    MISSING("attest", 0, "WHAT", NULL),
    MISSING("build-context", 0, "NAME=PATH", NULL),
    MISSING("call", 0, "METHOD", "build"),
    MISSING("cgroup-parent", 0, "PARENT", NULL),
    MISSING("check", 0, NULL, NULL),
    MISSING("compress", 0, NULL, NULL),
    MISSING("cpu-period", 0, "N", NULL),
    MISSING("cpu-quota", 0, "N", NULL),
    MISSING("cpu-shares", 'c', "N", NULL),
    MISSING("cpuset-cpus", 0, "LIST", NULL),
    MISSING("cpuset-mems", 0, "LIST", NULL),
    MISSING("disable-content-trust", 0, NULL, NULL),
    MISSING("force-rm", 0, NULL, NULL),
    MISSING("isolation", 0, "KIND", NULL),
    MISSING("memory-swap", 0, "SIZE", NULL),
    MISSING("policy", 0, "POLICY", NULL),
    MISSING("provenance", 0, "WHAT", "false"),
    MISSING("resource", 0, "WHAT", NULL),
    MISSING("rm", 0, NULL, NULL),
    MISSING("sbom", 0, "WHAT", "false"),
    MISSING("security-opt", 0, "WHAT", NULL),
    MISSING("squash", 0, NULL, NULL),
};

#define RUN_TEXT(name, letter, value, member, help) TEXT(name, letter, value, run.member, help)
#define RUN_LIST(name, value, member, help) LIST(name, 0, value, run.member, help)

static const struct opt run_options[] = {
    RUN_LIST("add-host", "NAME:ADDRESS", hosts, "add a line to /etc/hosts; repeat"),
    RUN_LIST("allow", "WHAT", allow, "allow security.insecure, or network.host; repeat"),
    RUN_TEXT("memory", 'm', "SIZE", memory, "the most memory that one process may have"),
    RUN_TEXT("network", 0, "MODE", network, "default, none or host"),
    RUN_LIST("no-cache-filter", "STAGE", no_cache_filters, "run all steps of a stage again; repeat"),
    RUN_LIST("secret", "SECRET", secrets,
             "id=NAME[,src=FILE|,env=VARIABLE]: a secret for --mount=type=secret; repeat"),
    RUN_TEXT("shm-size", 0, "SIZE", shm_size, "the size of /dev/shm (64m)"),
    RUN_LIST("ssh", "default|ID[=SOCKET]", agents, "an SSH agent for --mount=type=ssh; repeat"),
    RUN_TEXT("step-timeout", 0, "TIME", step_timeout, "end a command that takes longer"),
    RUN_TEXT("timeout", 0, "TIME", timeout, "end a build that takes longer"),
    RUN_LIST("ulimit", "NAME=SOFT[:HARD]", ulimits, "a limit of each process; repeat"),
    RUN_TEXT("userns", 0, "MODE", userns, "how root is had: auto, single, subuid or host (see lade doctor)"),
};

static const struct opt_group groups[] = {
    {"Options", build_options, ARRAY_LEN(build_options)},
    {"RUN", run_options, ARRAY_LEN(run_options)},
    SHARED_PUBLISH,
    SHARED_REGISTRY,
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_JOBS,
    SHARED_PROGRESS,
    SHARED_GENERAL,
};

static void print_summary(const struct session *s, const struct build_request *request,
                          const struct build_result *result)
{
    char digest[DIGEST_TEXT], size[NUM_SIZE_TEXT];
    uint64_t bytes = 0;
    for (size_t i = 0; i < result->layers.count; i++)
        bytes += result->layers.item[i].size;
    session_say(s, "built %s: %zu layer%s, %s", digest_text(&result->manifest.digest, digest),
                result->layers.count, result->layers.count == 1 ? "" : "s", num_size_text(bytes, size));
    for (size_t i = 0; i < request->tag_count; i++) {
        AUTO(mem_free) char *name = ref_familiar(&request->tags[i]);
        session_say(s, "named %s", name);
    }
}

/* In the words of people: "run, because: src/main.c: content 4f1b… → 9e10… (compared with this machine)". */
static char *explanation(const json_t *entry)
{
    AUTO_VALUE(strlist_wipe) struct strlist causes = {0};
    const char *outcome = json_string_value(json_object_get(entry, "outcome"));
    const char *from = json_string_value(json_object_get(entry, "from"));
    err_free(json_get_strlist(entry, "causes", "causes", &causes));
    AUTO(mem_free) char *why = strlist_join(&causes, "; ");
    if (str_eq(outcome, "taken"))
        return mem_printf("taken from %s", from ? from : "a cache");
    if (str_eq(outcome, "same"))
        return mem_printf("the same files as %s knows", from ? from : "a cache");
    return mem_printf("%s, because: %s%s%s%s", outcome, why, from ? " (compared with " : "", from ? from : "",
                      from ? ")" : "");
}

static void explain(const struct session *s, const json_t *explained)
{
    const json_t *entry;
    size_t i;
    json_array_foreach (explained, i, entry) {
        AUTO(mem_free) char *text = explanation(entry);
        AUTO(mem_free)
        char *line = mem_printf("cache: %s: %s", json_string_value(json_object_get(entry, "step")), text);
        AUTO(mem_free) char *safe = str_escape(line, strlen(line), strlen(line));
        session_say(s, "%s", safe);
    }
}

static void print_results(const struct session *s, const struct build_request *request,
                          const struct build_result *result, const struct strlist *pushed)
{
    char digest[DIGEST_TEXT];
    if (!s->quiet)
        print_summary(s, request, result);
    explain(s, result->explained);
    if (request->stdout_taken)
        return;
    if (s->quiet)
        puts(digest_text(&result->manifest.digest, digest));
    else
        endpoint_print(pushed);
}

/* Of a build that had nothing to do. */
static void tell_known(const struct session *s, const struct build_result *result,
                       const struct publish *publish)
{
    bool everywhere = publish->count > 0;
    for (size_t i = 0; i < publish->count; i++)
        everywhere = everywhere && publish->target[i].known;
    if (result->known)
        event_note(&s->events, "all of it was known: nothing was run or made%s",
                   everywhere ? ", and the image was there: it only got its names" : "");
}

/* A cache of others may have said that a blob is a layer which it is not, and nobody has read it before the
 * image's files are wanted. */
static struct err *build_without(struct session *s, const struct build_request *request,
                                 struct build_result *result, struct build_options *options,
                                 struct store *blobs, struct err *cause_take)
{
    AUTO(err_free) struct err *cause = cause_take;
    struct registry *registry = NULL;
    struct store *layout = NULL;
    event_warn(&s->events, "%s; once more, without caches of others", err_message(cause));
    build_result_wipe(result);
    options->cache_from_count = 0;
    TRY(session_registry(s, &registry));
    TRY(session_layout(s, LAYOUT_WRITE, &layout));
    TRY(build_run(result, options, layout, registry));
    return build_export(s, request, result, blobs);
}

/* Build, and give the image to all that want it. With --push, layers upload while later ones are made. */
static struct err *build(struct session *s, struct build_request *request, struct build_result *result,
                         struct strlist *pushed, json_t *exported)
{
    struct registry *registry = NULL;
    struct store *layout = NULL;
    AUTO(mem_free) char *cache = NULL;
    TRY(session_cache_path(s, &cache));
    TRY(session_registry(s, &registry));
    TRY(session_layout(s, LAYOUT_WRITE, &layout));
    AUTO(store_free) struct store *blobs = origin_store(layout, registry, false);
    AUTO_VALUE(publish_wipe) struct publish publish = {0};
    AUTO_VALUE(cache_sources_wipe) struct cache_sources caches = {0};
    TRY(cache_sources_open(&caches, s, &request->cache_from));
    if (request->push)
        TRY(publish_begin(&publish, s, blobs, request->tags, request->tag_count));
    struct build_options options = request->options; /* borrowed members */
    options.cache = cache;
    options.cache_from = caches.source;
    options.cache_from_count = caches.count;
    options.events = request->push ? &publish.events : &s->events;
    TRY(build_run(result, &options, layout, registry));
    struct err *e = build_export(s, request, result, blobs);
    if (e && err_kind_of(e) == ERR_INTEGRITY && caches.count > 0)
        e = build_without(s, request, result, &options, blobs, e);
    TRY(e);
    if (request->push)
        TRY(publish_finish(&publish, &result->manifest, pushed));
    tell_known(s, result, &publish);
    /* A directory that is read and written is locked no more. */
    cache_sources_wipe(&caches);
    return cache_export(s, &request->cache_to, result, blobs, request->push ? &request->tags[0] : NULL,
                        exported);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct build_settings *b = settings;
    AUTO_VALUE(session_wipe) struct session s = {0};
    AUTO_VALUE(build_request_wipe) struct build_request request = {0};
    AUTO_VALUE(build_result_wipe) struct build_result result = {0};
    AUTO_VALUE(strlist_wipe) struct strlist pushed = {0};
    TRY(build_request_make(&request, b, args->item[0]));
    if (request.options.run.userns == SANDBOX_WANT_RANGE)
        TRY(err_wrap(session_enter_range(&b->shared), "--userns subuid"));
    if (request.stdout_taken)
        TRY(session_check_stdout());
    TRY(report_forget("--iidfile", b->iidfile));
    TRY(report_forget("--metadata-file", b->metadata_file));
    TRY(session_open(&s, &b->shared));
    if (request.push)
        report_begin(&s, b->metadata_file);
    if (b->builder)
        event_note(&s.events, "--builder changes nothing: lade builds itself");
    AUTO(json_decref) json_t *exported = json_array();
    struct err *e = build(&s, &request, &result, &pushed, exported);
    if (e) {
        session_quiet(&s);
        explain(&s, result.explained);
        return e;
    }
    session_quiet(&s);
    TRY(build_export_about(&s, &request, &result, exported, b->iidfile, b->metadata_file));
    print_results(&s, &request, &result, &pushed);
    session_limit_cache(&s);
    return NULL;
}

/* The names that the image gets say for which registry --username is. */
static struct err *registries(const void *settings, const struct strlist *args, struct strlist *out)
{
    const struct build_settings *b = settings;
    (void)args;
    if (str_eq(b->file, "-"))
        return err_new(ERR_USAGE, "standard input cannot be both the password and the Dockerfile");
    return user_registries_of_refs(b, &b->tags, out);
}

const struct command cmd_build = {
    .name = "build",
    .arguments = "CONTEXT",
    .summary = "Build an image from a Dockerfile",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct build_settings),
    .args_min = 1,
    .args_max = 1,
    .run = run,
    .registries = registries,
};
