/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/creds_kube.h"
#include "base/fs.h"
#include "base/mem.h"

#include <fnmatch.h>
#include <string.h>

/* A key that fits. */
struct fit {
    const char *key;
    size_t path_len, host_len;
    bool pattern;
};
struct fits {
    struct fit *item;
    size_t count, room;
};

static void fits_wipe(struct fits *f)
{
    mem_free(f->item);
}

bool creds_kube_is_secret(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return str_eq(name, ".dockerconfigjson") || str_eq(name, ".dockercfg");
}

static size_t host_len_of(const char *key)
{
    return strcspn(key, "/");
}

static bool has_pattern(const char *key)
{
    return strcspn(key, "*?[") < host_len_of(key) && *key != '[';
}

/* "[::1]:5000" has no labels, and its brackets are no pattern. */
static bool host_fits(const char *pattern, const char *host)
{
    AUTO_VALUE(strlist_wipe) struct strlist a = {0};
    AUTO_VALUE(strlist_wipe) struct strlist b = {0};
    const char *port_a = strrchr(pattern, ':');
    const char *port_b = strrchr(host, ':');
    if (*host == '[' || *pattern == '[')
        return str_eq(pattern, host);
    if (!str_eq(port_a, port_b))
        return false;
    AUTO(mem_free)
    char *name_a = mem_strndup(pattern, port_a ? (size_t)(port_a - pattern) : strlen(pattern));
    AUTO(mem_free) char *name_b = mem_strndup(host, port_b ? (size_t)(port_b - host) : strlen(host));
    strlist_split(&a, name_a, '.');
    strlist_split(&b, name_b, '.');
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++)
        if (fnmatch(a.item[i], b.item[i], 0) != 0)
            return false;
    return true;
}

static bool path_fits(const char *path, const char *repository)
{
    size_t len = strlen(path);
    if (len == 0)
        return true;
    return repository && strncmp(path, repository, len) == 0 && (!repository[len] || repository[len] == '/');
}

static bool fits(const char *normal, const char *host, const char *repository)
{
    size_t len = host_len_of(normal);
    AUTO(mem_free) char *pattern = mem_strndup(normal, len);
    return host_fits(pattern, host) && path_fits(normal[len] ? normal + len + 1 : "", repository);
}

bool creds_kube_fits(const char *key, const char *host, const char *repository)
{
    AUTO(mem_free) char *normal = authfile_key(key, true);
    AUTO(mem_free) char *server = authfile_host(host);
    return fits(normal, server, repository);
}

static int compare(const void *left, const void *right)
{
    const struct fit *a = left;
    const struct fit *b = right;
    if (a->path_len != b->path_len)
        return a->path_len > b->path_len ? -1 : 1;
    if (a->pattern != b->pattern)
        return a->pattern ? 1 : -1;
    if (a->host_len != b->host_len)
        return a->host_len > b->host_len ? -1 : 1;
    return strcmp(a->key, b->key);
}

static void collect(struct fits *all, const json_t *auths, const struct authfile_query *q, bool patterns)
{
    AUTO(mem_free) char *host = authfile_host(q->host);
    void *at = json_object_iter((json_t *)(uintptr_t)auths);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)auths, at)) {
        const char *key = json_object_iter_key(at);
        AUTO(mem_free) char *normal = authfile_key(key, true);
        bool pattern = has_pattern(normal);
        if ((patterns && !pattern) || !fits(normal, host, q->repository))
            continue;
        size_t len = host_len_of(normal);
        struct fit fit = {.key = key, .host_len = len, .path_len = strlen(normal) - len, .pattern = pattern};
        MEM_PUSH(all->item, all->count, all->room, fit);
    }
    if (all->count > 1)
        qsort(all->item, all->count, sizeof *all->item, compare);
}

struct err *creds_kube_find(const struct authfile *f, struct creds *out, const struct authfile_query *q,
                            bool patterns, bool *found)
{
    AUTO_VALUE(fits_wipe) struct fits all = {0};
    const json_t *auths;
    *found = false;
    TRY(authfile_auths(f, &auths));
    collect(&all, auths, q, patterns);
    for (size_t i = q->skip; i < all.count && !*found; i++) {
        TRY(authfile_entry(f, all.item[i].key, out, found));
        out->more = *found && i + 1 < all.count;
    }
    return NULL;
}
