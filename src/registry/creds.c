/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/authfile.h"
#include "registry/cloud.h"
#include "registry/creds_ci.h"
#include "registry/creds_place.h"

#include <stdlib.h>
#include <string.h>

/* What is looked for, and what was found. */
struct search {
    const struct creds_options *options;
    struct authfile_query query;
    struct creds *out;
    bool found;
};

static struct err *in_flags(struct search *s)
{
    const struct creds_options *o = s->options;
    if (!o->username || !o->password) {
        creds_trace_skip(s->query.trace, "--username", "not given");
        return NULL;
    }
    if (o->login_host && !authfile_same_host(o->login_host, s->query.host)) {
        creds_trace_skip(s->query.trace, "--username", "given for %s", o->login_host);
        return NULL;
    }
    s->out->username = mem_strdup(o->username);
    s->out->password = mem_strdup(o->password);
    s->out->source = mem_strdup("the command line");
    s->found = true;
    creds_trace_add(s->query.trace, "--username", "found: user \"%s\"", o->username);
    return NULL;
}

static struct err *in_document(struct search *s, const struct authfile *f)
{
    return authfile_find(f, s->out, &s->query, &s->found);
}

static struct err *in_file(struct search *s, const char *path, bool must)
{
    AUTO_VALUE(authfile_wipe) struct authfile f = {0};
    bool exists = false;
    TRY(authfile_read(&f, path, &exists));
    if (!exists && must)
        return err_new(ERR_NOT_FOUND, "there is no file %s for credentials", path);
    if (!exists)
        creds_trace_add(s->query.trace, path, "no such file");
    return exists ? in_document(s, &f) : NULL;
}

static struct err *in_authfile(struct search *s)
{
    if (s->options->authfile)
        return in_file(s, s->options->authfile, true);
    creds_trace_skip(s->query.trace, "--authfile", "not given");
    return NULL;
}

static struct err *in_environment(struct search *s)
{
    const char *text = getenv("DOCKER_AUTH_CONFIG");
    if (!text || !*text) {
        creds_trace_skip(s->query.trace, "$DOCKER_AUTH_CONFIG", "not set");
        return NULL;
    }
    AUTO_VALUE(authfile_wipe) struct authfile f = {0};
    TRY(authfile_parse(&f, text, strlen(text), "$DOCKER_AUTH_CONFIG"));
    return in_document(s, &f);
}

static struct err *in_files(struct search *s)
{
    AUTO_VALUE(strlist_wipe) struct strlist places = {0};
    if (str_empty(getenv("REGISTRY_AUTH_FILE")))
        creds_trace_skip(s->query.trace, "$REGISTRY_AUTH_FILE", "not set");
    creds_place_all(&places);
    for (size_t i = 0; i < places.count && !s->found; i++)
        if (creds_place_is_closed(places.item[i]))
            creds_trace_add(s->query.trace, places.item[i], "in a directory of somebody else");
        else
            TRY(in_file(s, places.item[i], false));
    return NULL;
}

static struct err *in_ci(struct search *s)
{
    creds_ci_find(s->out, s->query.host, s->query.skip, s->query.trace, &s->found);
    return NULL;
}

static struct err *in_cloud(struct search *s)
{
    const struct creds_options *o = s->options;
    if (o->cloud) {
        creds_copy(s->out, o->cloud);
        s->found = true;
        return NULL;
    }
    return o->counts ? cloud_find(s->out, o->counts, s->query.host, s->query.trace, &s->found) : NULL;
}

static struct err *(*const sources[])(struct search *) = {in_flags, in_authfile, in_environment,
                                                          in_files, in_ci,       in_cloud};

static struct err *find_anywhere(struct search *s)
{
    for (size_t i = 0; i < ARRAY_LEN(sources) && !s->found; i++)
        TRY(sources[i](s));
    return NULL;
}

struct err *creds_find(struct creds *out, const struct creds_options *options, const char *host,
                       const char *repository, struct creds_trace *trace)
{
    static const struct creds_options none = {0};
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    struct search s = {.options = options ? options : &none, .out = &made};
    s.query = (struct authfile_query){
        .host = host, .repository = repository, .skip = s.options->skip, .trace = trace};
    TRY(err_hint(find_anywhere(&s), "credentials for %s are looked for there; mend the file, or remove it",
                 host));
    log_debug("credentials for %s: %s", host, s.found ? made.source : "none");
    creds_wipe(out);
    *out = made;
    made = (struct creds){0};
    return NULL;
}

bool creds_equal(const struct creds *a, const struct creds *b)
{
    return str_eq(a->username, b->username) && str_eq(a->password, b->password) &&
           str_eq(a->identity_token, b->identity_token) && str_eq(a->registry_token, b->registry_token);
}

void creds_copy(struct creds *to, const struct creds *from)
{
    struct creds made = {.username = mem_strdup(from->username),
                         .password = mem_strdup(from->password),
                         .identity_token = mem_strdup(from->identity_token),
                         .registry_token = mem_strdup(from->registry_token),
                         .source = mem_strdup(from->source),
                         .end_ms = from->end_ms,
                         .from_cloud = from->from_cloud,
                         .more = from->more};
    creds_wipe(to);
    *to = made;
}

bool creds_empty(const struct creds *c)
{
    return !c->username && !c->password && !c->identity_token && !c->registry_token;
}

static void wipe_text(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    mem_free(text);
}

void creds_wipe(struct creds *c)
{
    mem_free(c->username);
    wipe_text(c->password);
    wipe_text(c->identity_token);
    wipe_text(c->registry_token);
    mem_free(c->source);
    *c = (struct creds){0};
}
