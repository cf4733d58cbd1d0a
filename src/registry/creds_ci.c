/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds_ci.h"
#include "base/mem.h"
#include "base/str.h"
#include "registry/authfile.h"

#include <stdlib.h>

/* One pair of variables, and for which registry. */
struct pair {
    const char *system; /* for people */
    const char *mark;   /* "true" in jobs of that system */
    const char *host;   /* the registry, or NULL: named by host_variable */
    const char *host_variable;
    const char *user, *user_default; /* the default counts when the variable is absent; NULL: none */
    const char *password;
};

static const struct pair pairs[] = {
    {"GitHub Actions", "GITHUB_ACTIONS", "ghcr.io", NULL, "GITHUB_ACTOR", "github-actions", "GITHUB_TOKEN"},
    {"GitLab CI", "GITLAB_CI", NULL, "CI_REGISTRY", "CI_REGISTRY_USER", NULL, "CI_REGISTRY_PASSWORD"},
    {"GitLab CI", "GITLAB_CI", NULL, "CI_REGISTRY", NULL, "gitlab-ci-token", "CI_JOB_TOKEN"},
    {"GitLab CI", "GITLAB_CI", NULL, "CI_REGISTRY", "CI_DEPLOY_USER", NULL, "CI_DEPLOY_PASSWORD"},
    {"GitLab CI", "GITLAB_CI", NULL, "CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY_USER", NULL,
     "CI_DEPENDENCY_PROXY_PASSWORD"},
};

static const char *env(const char *name)
{
    const char *value = name ? getenv(name) : NULL;
    return str_empty(value) ? NULL : value;
}

static bool is_for(const struct pair *p, const char *host)
{
    const char *wanted = p->host ? p->host : env(p->host_variable);
    return wanted && str_eq(env(p->mark), "true") && authfile_same_host(wanted, host);
}

static const char *user_of(const struct pair *p)
{
    const char *user = env(p->user);
    return user ? user : p->user_default;
}

static char *name_of(const struct pair *p)
{
    return mem_printf("%s ($%s)", p->system, p->password);
}

static void take(struct creds *out, const struct pair *p, struct creds_trace *trace, bool more)
{
    const char *user = user_of(p);
    out->username = mem_strdup(user);
    out->password = mem_strdup(env(p->password));
    out->source = name_of(p);
    out->more = more;
    creds_trace_add(trace, out->source, "found: user \"%s\"", user);
}

void creds_ci_find(struct creds *out, const char *host, unsigned skip, struct creds_trace *trace, bool *found)
{
    const struct pair *fits = NULL;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        const struct pair *p = &pairs[i];
        if (!is_for(p, host))
            continue;
        AUTO(mem_free) char *name = name_of(p);
        bool has = env(p->password) && user_of(p);
        if (!has)
            creds_trace_skip(trace, name, "not set");
        else if (skip > 0) {
            skip--;
            creds_trace_add(trace, name, "refused before");
        } else if (!fits)
            fits = p;
        else {
            take(out, fits, trace, true);
            *found = true;
            return;
        }
    }
    if (fits)
        take(out, fits, trace, false);
    *found = fits != NULL;
}
