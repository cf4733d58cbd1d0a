/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/authfile.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/creds_kube.h"
#include "registry/helper.h"

#include <fcntl.h>
#include <string.h>

#define TOKEN_USER "<token>"

char *authfile_host(const char *host)
{
    static const char *const hub[] = {"docker.io", "index.docker.io", "registry-1.docker.io",
                                      "registry.hub.docker.com"};
    size_t len = strlen(host) - (str_ends(host, ":443") ? strlen(":443") : 0);
    char *made = mem_strndup(host, len);
    for (char *c = made; *c; c++)
        *c = str_lower(*c);
    for (size_t i = 0; i < ARRAY_LEN(hub); i++)
        if (str_eq(made, hub[i])) {
            mem_free(made);
            return mem_strdup("docker.io");
        }
    return made;
}

bool authfile_same_host(const char *a, const char *b)
{
    AUTO(mem_free) char *one = authfile_host(a);
    AUTO(mem_free) char *other = authfile_host(b);
    return str_eq(one, other);
}

const char *authfile_server(const char *host)
{
    return authfile_same_host(host, "docker.io") ? "https://index.docker.io/v1/" : host;
}

char *authfile_key(const char *key, bool path_of_url)
{
    bool is_url = str_starts(key, "https://") || str_starts(key, "http://");
    const char *rest = is_url ? strstr(key, "://") + 3 : key;
    size_t host_len = strcspn(rest, "/");
    AUTO(mem_free) char *written = mem_strndup(rest, host_len);
    AUTO(mem_free) char *host = authfile_host(written);
    const char *path = rest + host_len;
    /* The path of an old API version never counts. */
    if ((is_url && !path_of_url) || str_eq(path, "/v1/") || str_eq(path, "/v2/") || str_eq(path, "/v1") ||
        str_eq(path, "/v2"))
        path = "";
    char *made = mem_printf("%s%s", host, path);
    for (size_t len = strlen(made); len > 1 && made[len - 1] == '/'; len--)
        made[len - 1] = '\0';
    return made;
}

struct err *authfile_parse(struct authfile *out, const char *text, size_t len, const char *name)
{
    AUTO(json_decref) json_t *document = NULL;
    TRY(json_parse(&document, text, len, name));
    if (!json_is_object(document))
        return err_new(ERR_INPUT, "%s: expected a JSON object", name);
    *out = (struct authfile){.name = mem_strdup(name), .document = TAKE(document)};
    return NULL;
}

/* The oldest form has no "auths" around its entries. */
static void wrap_old(struct authfile *f, const char *path)
{
    if (!str_ends(path, ".dockercfg") || json_object_get(f->document, "auths"))
        return;
    json_t *document = json_object();
    json_put(document, "auths", f->document);
    f->document = document;
}

struct err *authfile_read(struct authfile *out, const char *path, bool *found)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(AUTHFILE_MAX);
    TRY(fs_read_file(&text, AT_FDCWD, path, found));
    if (!*found)
        return NULL;
    struct err *e = authfile_parse(out, buf_text(&text), text.len, path);
    if (text.data)
        mem_wipe(text.data, text.len);
    if (!e)
        wrap_old(out, path);
    return e;
}

/* "user:password" in base64; Docker pads with NULs and splits at the first colon. */
static struct err *decode_auth(struct creds *out, const char *auth, const char *what)
{
    AUTO_VALUE(buf_wipe) struct buf plain = BUF(AUTHFILE_MAX);
    if (!codec_unbase64(auth, strlen(auth), &plain))
        return err_new(ERR_INPUT, "%s: \"auth\" is not base64", what);
    const char *text = buf_text(&plain);
    const char *colon = strchr(text, ':');
    if (colon) {
        out->username = mem_strndup(text, (size_t)(colon - text));
        out->password = mem_strdup(colon + 1);
    }
    mem_wipe(plain.data, plain.len);
    return colon ? NULL : err_new(ERR_INPUT, "%s: \"auth\" is not user:password in base64", what);
}

/* An empty entry marks what a helper keeps, and is none. */
static struct err *take_entry(struct creds *out, const json_t *entry, const char *what, bool *found)
{
    const char *auth, *username, *password, *identity, *bearer;
    if (!json_is_object(entry))
        return err_new(ERR_INPUT, "%s: expected an object", what);
    TRY(json_get_str(entry, "auth", what, &auth));
    TRY(json_get_str(entry, "username", what, &username));
    TRY(json_get_str(entry, "password", what, &password));
    TRY(json_get_str(entry, "identitytoken", what, &identity));
    TRY(json_get_str(entry, "registrytoken", what, &bearer));
    if (!str_empty(auth))
        TRY(decode_auth(out, auth, what));
    else if (!str_empty(username) || !str_empty(password)) {
        out->username = mem_strdup(username ? username : "");
        out->password = mem_strdup(password ? password : "");
    }
    if (!str_empty(identity))
        out->identity_token = mem_strdup(identity);
    if (!str_empty(bearer))
        out->registry_token = mem_strdup(bearer);
    *found = !creds_empty(out);
    return NULL;
}

/* An exact key wins over another spelling of it. Returns the key as it is written, or NULL. */
static const char *key_of(const json_t *auths, const char *wanted)
{
    void *at = json_object_iter_at((json_t *)(uintptr_t)auths, wanted);
    if (at)
        return json_object_iter_key(at);
    for (at = json_object_iter((json_t *)(uintptr_t)auths); at;
         at = json_object_iter_next((json_t *)(uintptr_t)auths, at)) {
        AUTO(mem_free) char *key = authfile_key(json_object_iter_key(at), false);
        if (str_eq(key, wanted) && json_object_size(json_object_iter_value(at)) > 0)
            return json_object_iter_key(at);
    }
    return NULL;
}

static void move(struct creds *to, struct creds *from)
{
    *to = *from;
    *from = (struct creds){0};
}

struct err *authfile_auths(const struct authfile *f, const json_t **auths)
{
    return json_get_object(f->document, "auths", f->name, auths);
}

struct err *authfile_entry(const struct authfile *f, const char *key, struct creds *out, bool *found)
{
    const json_t *auths;
    TRY(authfile_auths(f, &auths));
    AUTO(mem_free) char *safe = str_safe(key);
    AUTO(mem_free) char *what = mem_printf("%s: auths: %s", f->name, safe);
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    TRY(take_entry(&made, json_object_get(auths, key), what, found));
    if (*found) {
        made.source = mem_printf("%s (auths: %s)", f->name, safe);
        move(out, &made);
    }
    return NULL;
}

static struct err *find_entry(const struct authfile *f, struct creds *out, const char *wanted, bool *found)
{
    const json_t *auths;
    TRY(authfile_auths(f, &auths));
    const char *key = key_of(auths, wanted);
    return key ? authfile_entry(f, key, out, found) : NULL;
}

struct err *authfile_helper(const struct authfile *f, const char *host, const char **helper)
{
    const json_t *helpers;
    AUTO(mem_free) char *wanted = authfile_host(host);
    *helper = NULL;
    TRY(json_get_object(f->document, "credHelpers", f->name, &helpers));
    void *at = helpers ? json_object_iter((json_t *)(uintptr_t)helpers) : NULL;
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)helpers, at)) {
        AUTO(mem_free) char *key = authfile_key(json_object_iter_key(at), false);
        if (!str_eq(key, wanted))
            continue;
        TRY(json_get_str(helpers, json_object_iter_key(at), f->name, helper));
        break;
    }
    if (str_empty(*helper))
        TRY(json_get_str(f->document, "credsStore", f->name, helper));
    if (str_empty(*helper))
        *helper = NULL;
    return NULL;
}

static struct err *ask_helper(const struct authfile *f, struct creds *out, const struct authfile_query *q,
                              bool *found)
{
    const char *helper;
    TRY(authfile_helper(f, q->host, &helper));
    if (!helper)
        return NULL;
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    TRY(err_wrap(helper_get(helper, authfile_server(q->host), &made.username, &made.password), "%s",
                 f->name));
    if (!made.username) {
        creds_trace_add(q->trace, f->name, "docker-credential-%s has none", helper);
        return NULL;
    }
    if (str_eq(made.username, TOKEN_USER)) {
        made.identity_token = TAKE(made.password);
        mem_free(TAKE(made.username));
    }
    made.source = mem_printf("docker-credential-%s (%s)", helper, f->name);
    move(out, &made);
    *found = true;
    return NULL;
}

/* Below "host/a/b" comes "host/a". */
static struct err *find_with_path(const struct authfile *f, struct creds *out, const char *server,
                                  const char *repository, bool *found)
{
    AUTO(mem_free) char *path = mem_strdup(repository ? repository : "");
    while (*path && !*found) {
        AUTO(mem_free) char *key = mem_printf("%s/%s", server, path);
        TRY(find_entry(f, out, key, found));
        char *cut = strrchr(path, '/');
        *(cut ? cut : path) = '\0';
    }
    return NULL;
}

static struct err *find_any(const struct authfile *f, struct creds *out, const struct authfile_query *q,
                            bool *found)
{
    AUTO(mem_free) char *server = authfile_host(q->host);
    *found = false;
    if (creds_kube_is_secret(f->name))
        return creds_kube_find(f, out, q, false, found);
    TRY(find_with_path(f, out, server, q->repository, found));
    if (!*found)
        TRY(ask_helper(f, out, q, found));
    if (!*found)
        TRY(find_entry(f, out, server, found));
    return *found ? NULL : creds_kube_find(f, out, q, true, found);
}

static const char *kind_of(const struct creds *c)
{
    return c->identity_token ? "an identity token" : c->registry_token ? "a registry token" : "a password";
}

struct err *authfile_find(const struct authfile *f, struct creds *out, const struct authfile_query *q,
                          bool *found)
{
    TRY(find_any(f, out, q, found));
    if (!*found)
        creds_trace_add(q->trace, f->name, "no entry for %s", q->host);
    else if (out->username)
        creds_trace_add(q->trace, f->name, "found: user \"%s\" with %s", out->username, kind_of(out));
    else
        creds_trace_add(q->trace, f->name, "found: %s", kind_of(out));
    return NULL;
}

void authfile_drop(struct authfile *f, const char *host, bool *found)
{
    json_t *auths = json_object_get(f->document, "auths");
    AUTO(mem_free) char *wanted = authfile_host(host);
    AUTO_VALUE(strlist_wipe) struct strlist drop = {0};
    for (void *at = json_object_iter(auths); at; at = json_object_iter_next(auths, at)) {
        AUTO(mem_free) char *key = authfile_key(json_object_iter_key(at), false);
        if (str_eq(key, wanted))
            strlist_add(&drop, json_object_iter_key(at));
    }
    for (size_t i = 0; i < drop.count; i++)
        json_object_del(auths, drop.item[i]);
    *found = drop.count > 0;
}

void authfile_wipe(struct authfile *f)
{
    mem_free(f->name);
    json_decref(f->document);
    *f = (struct authfile){0};
}
