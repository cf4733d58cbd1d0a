/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/tls.h"
#include "base/buf.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORITIES_MAX (8u << 20)
#define FILES_MAX 1000

/* Where distributions keep the system's authorities. */
static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                      "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                      "/etc/ssl/cert.pem"};

struct search {
    struct buf ca;
    struct strlist dirs;
    char *cert, *key;
};

static void search_wipe(struct search *s)
{
    buf_wipe(&s->ca);
    strlist_wipe(&s->dirs);
    mem_free(s->cert);
    mem_free(s->key);
}

/* The names in a directory, sorted, so that the order on the disk decides nothing. */
static struct err *list_dir(struct strlist *names, const char *path, bool *found)
{
    AUTO(closedir) DIR *d = opendir(path);
    *found = d != NULL;
    if (!d)
        return errno == ENOENT || errno == ENOTDIR ? NULL : err_sys("read %s", path);
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (names->count == FILES_MAX)
            return err_new(ERR_RESOURCE, "%s holds more than %d files", path, FILES_MAX);
        strlist_add(names, e->d_name);
    }
    strlist_sort(names);
    return NULL;
}

static struct err *need(const char *path, const char *for_what)
{
    AUTO(fd_close) int fd = -1;
    return err_as(
        err_wrap(fs_open(&fd, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0), "%s needs its other half", for_what),
        ERR_INPUT);
}

static char *other_half(const char *path, size_t cut, const char *ending)
{
    AUTO(mem_free) char *stem = mem_strndup(path, strlen(path) - cut);
    return mem_printf("%s%s", stem, ending);
}

static struct err *take_file(struct search *s, const char *path)
{
    if (str_ends(path, ".crt")) {
        bool found;
        TRY(fs_read_file(&s->ca, AT_FDCWD, path, &found));
        buf_byte(&s->ca, '\n');
        return NULL;
    }
    if (str_ends(path, ".key")) {
        AUTO(mem_free) char *cert = other_half(path, 4, ".cert");
        return need(cert, path);
    }
    if (str_ends(path, ".cert")) {
        AUTO(mem_free) char *key = other_half(path, 5, ".key");
        TRY(need(key, path));
        if (!s->cert) {
            s->cert = mem_strdup(path);
            s->key = TAKE(key);
        }
    }
    return NULL;
}

static struct err *take_dir(struct search *s, const char *path, bool *found)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    TRY(list_dir(&names, path, found));
    for (size_t i = 0; i < names.count; i++) {
        AUTO(mem_free) char *file = path_join(path, names.item[i]);
        TRY(take_file(s, file));
    }
    return NULL;
}

static void default_dirs(struct strlist *dirs, const char *host)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (!str_empty(config))
        strlist_add_take(dirs, mem_printf("%s/containers/certs.d/%s", config, host));
    else if (!str_empty(home))
        strlist_add_take(dirs, mem_printf("%s/.config/containers/certs.d/%s", home, host));
    strlist_add_take(dirs, mem_printf("/etc/containers/certs.d/%s", host));
    strlist_add_take(dirs, mem_printf("/etc/docker/certs.d/%s", host));
}

/* libcurl takes authorities from a text or from a file, not from both: the text gets the system's too. */
static struct err *add_system(struct buf *ca, const char *file)
{
    bool found = false;
    if (file)
        return fs_read_file(ca, AT_FDCWD, file, NULL);
    for (size_t i = 0; i < ARRAY_LEN(bundles) && !found; i++)
        TRY(fs_read_file(ca, AT_FDCWD, bundles[i], &found));
    return NULL;
}

static char *from_env(const char *name)
{
    const char *value = getenv(name);
    return str_empty(value) ? NULL : mem_strdup(value);
}

static void move(struct tls *to, struct tls *from)
{
    *to = *from;
    *from = (struct tls){0};
}

static struct err *take_named_dir(struct search *s, const char *path)
{
    bool found = true;
    if (path)
        TRY(take_dir(s, path, &found));
    return found ? NULL : err_new(ERR_NOT_FOUND, "there is no directory %s for certificates", path);
}

static struct err *must_open(const char *path)
{
    AUTO(fd_close) int fd = -1;
    return fs_open(&fd, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
}

static struct err *take_settings(struct search *s, const struct host_settings *settings)
{
    if (settings->ca) {
        TRY(fs_read_file(&s->ca, AT_FDCWD, settings->ca, NULL));
        buf_byte(&s->ca, '\n');
    }
    if (settings->cert && !s->cert) {
        TRY(must_open(settings->cert));
        TRY(must_open(settings->key));
        s->cert = mem_strdup(settings->cert);
        s->key = mem_strdup(settings->key);
    }
    return take_named_dir(s, settings->cert_dir);
}

struct err *tls_find(struct tls *out, const char *host, const char *cert_dir)
{
    return tls_find_for(out, host, cert_dir, NULL);
}

struct err *tls_find_for(struct tls *out, const char *host, const char *cert_dir,
                         const struct host_settings *settings)
{
    AUTO_VALUE(search_wipe) struct search s = {.ca = BUF(AUTHORITIES_MAX)};
    bool found = true;
    TRY(take_named_dir(&s, cert_dir));
    if (settings)
        TRY(err_wrap(take_settings(&s, settings), "configuration of %s", host));
    default_dirs(&s.dirs, host);
    for (size_t i = 0; i < s.dirs.count; i++)
        TRY(take_dir(&s, s.dirs.item[i], &found));
    AUTO_VALUE(tls_wipe)
    struct tls made = {.ca_file = from_env("SSL_CERT_FILE"), .ca_dir = from_env("SSL_CERT_DIR")};
    if (s.ca.len) {
        TRY(add_system(&s.ca, made.ca_file));
        made.ca = buf_take(&s.ca);
    }
    made.cert = TAKE(s.cert);
    made.key = TAKE(s.key);
    move(out, &made);
    return NULL;
}

void tls_wipe(struct tls *t)
{
    mem_free(t->ca);
    mem_free(t->ca_file);
    mem_free(t->ca_dir);
    mem_free(t->cert);
    mem_free(t->key);
    *t = (struct tls){0};
}
