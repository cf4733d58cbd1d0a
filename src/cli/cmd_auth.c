/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/form.h"
#include "cli/place.h"
#include "cli/table.h"
#include "registry/blob.h"
#include "registry/creds.h"
#include "registry/host.h"
#include "registry/http.h"
#include "registry/registry.h"

#include <stdio.h>
#include <string.h>

struct auth_settings {
    struct shared shared;
    const char *format;
};

static const struct opt auth_options[] = {
    {"authfile", 0, OPT_TEXT, "FILE", "a file of credentials that comes before all others",
     offsetof(struct shared, authfile), 0, NULL},
    {"format", 0, OPT_TEXT, "table|json", "how the answer is written (table)",
     offsetof(struct auth_settings, format), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", auth_options, ARRAY_LEN(auth_options)},
    SHARED_GENERAL,
};

/* What is to be explained, and what was found. */
struct explained {
    struct ref ref; /* `repository` NULL: the registry as a whole */
    /* Where that is; differs when the configuration file says so. */
    const char *host, *repository;
    struct registry *registry;
    struct creds creds;
    struct creds_trace trace;
};

static void explained_wipe(struct explained *x)
{
    ref_wipe(&x->ref);
    registry_free(x->registry);
    creds_wipe(&x->creds);
    creds_trace_wipe(&x->trace);
}

/* "alpine:3" is an image; "localhost:5000" and "ghcr.io" are registries. */
static bool is_image(const char *text)
{
    size_t len = strcspn(text, ":/");
    return text[len] == ':' && !strchr(text, '/') && !memchr(text, '.', len) &&
           !(len == strlen("localhost") && str_starts(text, "localhost"));
}

static struct err *parse(struct ref *out, const char *text)
{
    const char *bare = str_starts(text, "docker://") ? text + strlen("docker://") : text;
    AUTO(mem_free) char *place = mem_printf("docker://%s", bare);
    struct err *e = is_image(bare) ? err_new(ERR_USAGE, "an image") : place_parse_repository(out, place);
    if (!e)
        return NULL;
    err_free(e);
    return place_parse_ref(out, text);
}

/* The credentials are those of the place that a reference leads to. */
static struct err *locate(struct explained *x)
{
    static const struct registry_options none = {0};
    struct repo repo = {0};
    x->host = x->ref.registry;
    x->repository = x->ref.repository;
    if (!x->repository)
        return NULL;
    TRY(registry_new(&x->registry, &none));
    TRY(registry_repo(x->registry, &x->ref, false, &repo));
    x->host = repo.host->name;
    x->repository = repo.name;
    return NULL;
}

static bool is_moved(const struct explained *x)
{
    return !str_eq(x->host, x->ref.registry) || !str_eq(x->repository, x->ref.repository);
}

static const char *kind_of(const struct creds *c)
{
    return c->registry_token   ? "registry token"
           : c->identity_token ? "identity token"
           : c->password       ? "password"
                               : "none";
}

static void print_json(const struct explained *x)
{
    AUTO(json_decref) json_t *all = json_object();
    json_t *looked = json_array();
    for (size_t i = 0; i < x->trace.count; i++) {
        json_t *step = json_object();
        json_put(step, "source", json_new_str(x->trace.step[i].source));
        json_put(step, "result", json_new_str(x->trace.step[i].result));
        json_push(looked, step);
    }
    json_put(all, "registry", json_new_str(x->ref.registry));
    if (x->ref.repository)
        json_put(all, "repository", json_new_str(x->ref.repository));
    AUTO(mem_free) char *place = is_moved(x) ? mem_printf("%s/%s", x->host, x->repository) : NULL;
    if (place)
        json_put(all, "location", json_new_str(place));
    json_put(all, "found", json_boolean(!creds_empty(&x->creds)));
    if (x->creds.source)
        json_put(all, "source", json_new_str(x->creds.source));
    if (x->creds.username)
        json_put(all, "username", json_new_str(x->creds.username));
    json_put(all, "kind", json_new_str(kind_of(&x->creds)));
    json_put(all, "looked", looked);
    AUTO(mem_free) char *text = json_text_pretty(all);
    fputs(text, stdout);
}

static void print_table(const struct explained *x)
{
    AUTO_VALUE(table_wipe) struct table t = {0};
    for (size_t i = 0; i < x->trace.count; i++) {
        const char *cells[] = {x->trace.step[i].source, x->trace.step[i].result};
        table_row(&t, ARRAY_LEN(cells), cells);
    }
    table_print(&t, stdout);
    AUTO(mem_free) char *registry = str_safe(x->host);
    if (is_moved(x))
        printf("%s/%s is at %s/%s by the configuration file\n", x->ref.registry, x->ref.repository, x->host,
               x->repository);
    if (creds_empty(&x->creds)) {
        printf("no credentials for %s: lade asks as nobody\n", registry);
        return;
    }
    AUTO(mem_free) char *source = str_safe(x->creds.source);
    AUTO(mem_free) char *user = str_safe(x->creds.username ? x->creds.username : "");
    printf("%s: %s%s%s%s with the %s from %s\n", registry, *user ? "user " : "as ", *user ? "\"" : "",
           *user ? user : "whom it names", *user ? "\"" : "", kind_of(&x->creds), source);
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct auth_settings *a = settings;
    AUTO_VALUE(explained_wipe) struct explained x = {0};
    struct http_counts counts = {0};
    const struct creds_options options = {.authfile = a->shared.authfile, .counts = &counts};
    bool json;
    if (!str_eq(args->item[0], "explain")) {
        AUTO(mem_free) char *safe = str_safe(args->item[0]);
        return err_new(ERR_USAGE, "lade auth: expected \"explain\", found \"%s\"", safe);
    }
    TRY(form_parse(a->format, &json));
    TRY(parse(&x.ref, args->item[1]));
    TRY(locate(&x));
    TRY(http_start());
    struct err *e = creds_find(&x.creds, &options, x.host, x.repository, &x.trace);
    http_end();
    if (json && !e)
        print_json(&x);
    else if (!json && !e)
        print_table(&x);
    /* What is in the way is known by what was passed before. */
    for (size_t i = 0; e && i < x.trace.count; i++)
        fprintf(stderr, "%s: %s\n", x.trace.step[i].source, x.trace.step[i].result);
    return e;
}

const struct command cmd_auth = {
    .name = "auth",
    .arguments = "explain REF",
    .summary = "Say which credentials a registry would get, and where from",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct auth_settings),
    .args_min = 2,
    .args_max = 2,
    .run = run,
};
