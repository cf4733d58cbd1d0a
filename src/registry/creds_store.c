/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "registry/authfile.h"
#include "registry/creds.h"
#include "registry/creds_place.h"
#include "registry/helper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The file that a login changes, open for one writer at a time. */
struct change {
    char *path; /* as the user knows it */
    char *name; /* within the directory, behind all links */
    int dir;
    int lock;
    struct authfile file;
};

static void change_end(struct change *c)
{
    mem_free(c->path);
    mem_free(c->name);
    fd_close_auto(&c->dir);
    fd_close_auto(&c->lock);
    authfile_wipe(&c->file);
}

/* Writing replaces the file: where its name is a link, the file behind it. */
static struct err *open_dir(struct change *c)
{
    AUTO(mem_free) char *real = realpath(c->path, NULL);
    const char *path = real ? real : c->path;
    const char *slash = strrchr(path, '/');
    AUTO(mem_free)
    char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + (slash == path)) : mem_strdup(".");
    c->name = mem_strdup(slash ? slash + 1 : path);
    return fs_mkdir_open(&c->dir, AT_FDCWD, dir);
}

static struct err *change_begin(struct change *c, const char *authfile)
{
    bool got;
    bool found;
    c->path = creds_place_login(authfile);
    if (!c->path)
        return err_new(ERR_USAGE, "no place for credentials: HOME is not set");
    TRY(open_dir(c));
    TRY(fs_open(&c->lock, c->dir, ".", O_RDONLY | O_DIRECTORY, 0));
    TRY(fs_lock(c->lock, true, true, &got));
    TRY(authfile_read(&c->file, c->path, &found));
    if (!found)
        TRY(authfile_parse(&c->file, "{}", 2, c->path));
    return NULL;
}

static struct err *change_write(struct change *c)
{
    AUTO(mem_free) char *text = json_text_pretty(c->file.document);
    struct err *e = newfile_write(c->dir, c->name, 0600, text, strlen(text), true);
    mem_wipe(text, strlen(text));
    return err_wrap(e, "write %s", c->path);
}

static json_t *make_entry(const char *username, const char *password)
{
    json_t *entry = json_object();
    AUTO(mem_free) char *plain = mem_printf("%s:%s", username, password);
    AUTO(mem_free) char *auth = codec_base64(plain, strlen(plain));
    json_put(entry, "auth", json_new_str(auth));
    mem_wipe(plain, strlen(plain));
    mem_wipe(auth, strlen(auth));
    return entry;
}

static json_t *auths_of(struct change *c)
{
    json_t *auths = json_object_get(c->file.document, "auths");
    if (!json_is_object(auths)) {
        auths = json_object();
        json_put(c->file.document, "auths", auths);
    }
    return auths;
}

struct err *creds_store(const char *authfile, const char *host, const char *username, const char *password,
                        char **where)
{
    AUTO_VALUE(change_end) struct change c = {.dir = -1, .lock = -1};
    const char *helper;
    bool replaced;
    if (strchr(username, ':'))
        return err_new(ERR_USAGE, "a user name cannot have a colon in it");
    TRY(change_begin(&c, authfile));
    TRY(authfile_helper(&c.file, host, &helper));
    if (helper)
        TRY(helper_store(helper, authfile_server(host), username, password));
    authfile_drop(&c.file, host, &replaced);
    /* With a helper an empty entry says for which hosts there is something. */
    json_put(auths_of(&c), authfile_server(host), helper ? json_object() : make_entry(username, password));
    TRY(change_write(&c));
    *where = helper ? mem_printf("docker-credential-%s", helper) : mem_strdup(c.path);
    return NULL;
}

static struct err *erase_in_helper(const char *helper, const char *host, bool *found)
{
    AUTO_VALUE(creds_wipe) struct creds old = {0};
    TRY(helper_get(helper, authfile_server(host), &old.username, &old.password));
    *found = old.username != NULL;
    return *found ? helper_erase(helper, authfile_server(host)) : NULL;
}

struct err *creds_erase(const char *authfile, const char *host, bool *found, char **where)
{
    AUTO_VALUE(change_end) struct change c = {.dir = -1, .lock = -1};
    const char *helper;
    bool in_helper = false;
    bool in_file;
    TRY(change_begin(&c, authfile));
    TRY(authfile_helper(&c.file, host, &helper));
    if (helper)
        TRY(erase_in_helper(helper, host, &in_helper));
    authfile_drop(&c.file, host, &in_file);
    if (in_file)
        TRY(change_write(&c));
    *found = in_helper || in_file;
    *where = in_helper ? mem_printf("docker-credential-%s", helper) : mem_strdup(c.path);
    return NULL;
}
