/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/authfile.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/helper.h"

#include <fcntl.h>
#include <string.h>

#define TOKEN_USER "<token>"

const char *authfile_host(const char *host)
{
    static const char *const hub[] = {"docker.io", "index.docker.io", "registry-1.docker.io",
                                      "registry.hub.docker.com"};
    for (size_t i = 0; i < ARRAY_LEN(hub); i++)
        if (str_eq_nocase(host, hub[i]))
            return "docker.io";
    return host;
}

const char *authfile_server(const char *host)
{
    return str_eq(authfile_host(host), "docker.io") ? "https://index.docker.io/v1/" : host;
}

/* A key as "host" or "host/path". Of a URL only the host counts, and the path of an old API version never
 * does. */
static char *normal_key(const char *key)
{
    bool is_url = str_starts(key, "https://") || str_starts(key, "http://");
    const char *rest = is_url ? strstr(key, "://") + 3 : key;
    size_t host_len = strcspn(rest, "/");
    AUTO(mem_free) char *host = mem_strndup(rest, host_len);
    const char *path = rest + host_len;
    if (is_url || str_eq(path, "/v1/") || str_eq(path, "/v2/") || str_eq(path, "/v1") || str_eq(path, "/v2"))
        path = "";
    char *made = mem_printf("%s%s", authfile_host(host), path);
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

struct err *authfile_read(struct authfile *out, const char *path, bool *found)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(AUTHFILE_MAX);
    TRY(fs_read_file(&text, AT_FDCWD, path, found));
    if (!*found)
        return NULL;
    struct err *e = authfile_parse(out, buf_text(&text), text.len, path);
    if (text.data)
        mem_wipe(text.data, text.len);
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

/* An exact key wins over another spelling of it. */
static const json_t *entry_of(const json_t *auths, const char *wanted)
{
    const json_t *exact = json_object_get(auths, wanted);
    if (exact)
        return exact;
    void *at = json_object_iter((json_t *)(uintptr_t)auths);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)auths, at)) {
        AUTO(mem_free) char *key = normal_key(json_object_iter_key(at));
        if (str_eq(key, wanted) && json_object_size(json_object_iter_value(at)) > 0)
            return json_object_iter_value(at);
    }
    return NULL;
}

static void move(struct creds *to, struct creds *from)
{
    *to = *from;
    *from = (struct creds){0};
}

static struct err *find_entry(const struct authfile *f, struct creds *out, const char *key, bool *found)
{
    const json_t *auths;
    TRY(json_get_object(f->document, "auths", f->name, &auths));
    const json_t *entry = entry_of(auths, key);
    if (!entry)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(key);
    AUTO(mem_free) char *what = mem_printf("%s: auths: %s", f->name, safe);
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    TRY(take_entry(&made, entry, what, found));
    if (*found) {
        made.source = mem_printf("%s (auths)", f->name);
        move(out, &made);
    }
    return NULL;
}

struct err *authfile_helper(const struct authfile *f, const char *host, const char **helper)
{
    const json_t *helpers;
    const char *wanted = authfile_host(host);
    *helper = NULL;
    TRY(json_get_object(f->document, "credHelpers", f->name, &helpers));
    void *at = helpers ? json_object_iter((json_t *)(uintptr_t)helpers) : NULL;
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)helpers, at)) {
        AUTO(mem_free) char *key = normal_key(json_object_iter_key(at));
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

static struct err *ask_helper(const struct authfile *f, struct creds *out, const char *host, bool *found)
{
    const char *helper;
    TRY(authfile_helper(f, host, &helper));
    if (!helper)
        return NULL;
    AUTO_VALUE(creds_wipe) struct creds made = {0};
    TRY(err_wrap(helper_get(helper, authfile_server(host), &made.username, &made.password), "%s", f->name));
    if (!made.username)
        return NULL;
    if (str_eq(made.username, TOKEN_USER)) {
        made.identity_token = TAKE(made.password);
        mem_free(TAKE(made.username));
    }
    made.source = mem_printf("docker-credential-%s (%s)", helper, f->name);
    move(out, &made);
    *found = true;
    return NULL;
}

struct err *authfile_find(const struct authfile *f, struct creds *out, const char *host,
                          const char *repository, bool *found)
{
    const char *server = authfile_host(host);
    AUTO(mem_free) char *path = mem_strdup(repository ? repository : "");
    *found = false;
    while (*path) {
        AUTO(mem_free) char *key = mem_printf("%s/%s", server, path);
        TRY(find_entry(f, out, key, found));
        if (*found)
            return NULL;
        char *cut = strrchr(path, '/');
        *(cut ? cut : path) = '\0';
    }
    TRY(ask_helper(f, out, host, found));
    return *found ? NULL : find_entry(f, out, server, found);
}

void authfile_drop(struct authfile *f, const char *host, bool *found)
{
    json_t *auths = json_object_get(f->document, "auths");
    const char *wanted = authfile_host(host);
    AUTO_VALUE(strlist_wipe) struct strlist drop = {0};
    for (void *at = json_object_iter(auths); at; at = json_object_iter_next(auths, at)) {
        AUTO(mem_free) char *key = normal_key(json_object_iter_key(at));
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
