/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds.h"
#include "base/log.h"
#include "base/mem.h"
#include "registry/authfile.h"
#include "registry/creds_place.h"

#include <stdlib.h>
#include <string.h>

static struct err *find_in(const char *path, bool must, struct creds *out, const char *host,
                           const char *repository, bool *found)
{
    AUTO_VALUE(authfile_wipe) struct authfile f = {0};
    bool exists = false;
    TRY(authfile_read(&f, path, &exists));
    if (!exists && must)
        return err_new(ERR_NOT_FOUND, "there is no file %s for credentials", path);
    return exists ? authfile_find(&f, out, host, repository, found) : NULL;
}

static struct err *find_in_env(struct creds *out, const char *host, const char *repository, bool *found)
{
    const char *text = getenv("DOCKER_AUTH_CONFIG");
    if (!text || !*text)
        return NULL;
    AUTO_VALUE(authfile_wipe) struct authfile f = {0};
    TRY(authfile_parse(&f, text, strlen(text), "$DOCKER_AUTH_CONFIG"));
    return authfile_find(&f, out, host, repository, found);
}

static struct err *find_anywhere(struct creds *out, const struct creds_options *options, const char *host,
                                 const char *repository, bool *found)
{
    AUTO_VALUE(strlist_wipe) struct strlist places = {0};
    if (options && options->authfile)
        TRY(find_in(options->authfile, true, out, host, repository, found));
    if (!*found)
        TRY(find_in_env(out, host, repository, found));
    creds_place_all(&places);
    for (size_t i = 0; i < places.count && !*found; i++)
        TRY(find_in(places.item[i], false, out, host, repository, found));
    return NULL;
}

struct err *creds_find(struct creds *out, const struct creds_options *options, const char *host,
                       const char *repository)
{
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    bool found = options && options->username && options->password;
    if (found) {
        made.username = mem_strdup(options->username);
        made.password = mem_strdup(options->password);
        made.source = mem_strdup("the command line");
    } else {
        TRY(err_hint(find_anywhere(&made, options, host, repository, &found),
                     "credentials for %s are looked for there; mend the file, or remove it", host));
    }
    log_debug("credentials for %s: %s", host, found ? made.source : "none");
    creds_wipe(out);
    *out = made;
    made = (struct creds){0};
    return NULL;
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
