/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/settings.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "registry/authfile.h"

#include <fcntl.h>
#include <string.h>

static char *default_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    /* The XDG specification: relative paths are not valid and ignored. */
    if (config && *config == '/')
        return path_join(config, "lade/config.json");
    return str_empty(home) ? NULL : path_join(home, ".config/lade/config.json");
}

struct err *settings_read(struct settings *out, const char *path)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(SETTINGS_SIZE_MAX);
    AUTO(mem_free) char *usual = default_path();
    const char *named = path ? path : getenv("LADE_CONFIG");
    bool must = !str_empty(named);
    const char *file = must ? named : usual;
    bool found = false;
    if (!file)
        return NULL;
    struct err *e = fs_read_file(&text, AT_FDCWD, file, &found);
    if (e && path && err_kind_of(e) == ERR_INPUT)
        return err_hint(e,
                        "--config-file takes lade's own file; Docker's directory is named by $DOCKER_CONFIG");
    TRY(err_wrap(e, "configuration"));
    if (!found && must)
        return err_new(ERR_NOT_FOUND, "there is no configuration file %s (%s)", file,
                       path ? "--config-file" : "$LADE_CONFIG");
    return found ? settings_parse(out, buf_text(&text), text.len, file) : NULL;
}

static void place_wipe(struct settings_place *p)
{
    mem_free(p->host);
    mem_free(p->path);
    *p = (struct settings_place){0};
}

void host_settings_copy(struct host_settings *to, const struct host_settings *from)
{
    struct host_settings made = *from;
    made.ca = mem_strdup(from->ca);
    made.cert = mem_strdup(from->cert);
    made.key = mem_strdup(from->key);
    made.cert_dir = mem_strdup(from->cert_dir);
    host_settings_wipe(to);
    *to = made;
}

void host_settings_wipe(struct host_settings *s)
{
    mem_free(s->ca);
    mem_free(s->cert);
    mem_free(s->key);
    mem_free(s->cert_dir);
    *s = (struct host_settings){0};
}

static void entry_wipe(struct settings_entry *e)
{
    place_wipe(&e->prefix);
    mem_free(e->shown);
    place_wipe(&e->location);
    for (size_t i = 0; i < e->mirror_count; i++)
        place_wipe(&e->mirror[i].place);
    mem_free(e->mirror);
    host_settings_wipe(&e->host);
}

void settings_wipe(struct settings *s)
{
    for (size_t i = 0; i < s->count; i++)
        entry_wipe(&s->entry[i]);
    mem_free(s->entry);
    mem_free(s->file);
    *s = (struct settings){0};
}

/* How much of a host's name the prefix says; 0: it does not match. The whole name is more than any ending. */
static size_t host_match(const struct settings_place *prefix, const char *host)
{
    size_t wanted = strlen(prefix->host), len = strlen(host);
    if (*prefix->host != '.')
        return str_eq_nocase(prefix->host, host) ? len + 1 : 0;
    return len > wanted && str_eq_nocase(host + len - wanted, prefix->host) ? wanted : 0;
}

static bool path_matches(const char *path, const char *repository)
{
    size_t len = strlen(path);
    return len == 0 || (str_starts(repository, path) && (repository[len] == '/' || repository[len] == '\0'));
}

const struct settings_entry *settings_for(const struct settings *s, const char *host, const char *repository)
{
    AUTO(mem_free) char *name = authfile_host(host);
    const struct settings_entry *best = NULL;
    size_t best_host = 0, best_path = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct settings_place *prefix = &s->entry[i].prefix;
        size_t of_host = host_match(prefix, name), of_path = strlen(prefix->path);
        bool better = of_host > best_host || (of_host == best_host && of_path > best_path);
        if (!of_host || !path_matches(prefix->path, repository) || (best && !better))
            continue;
        best = &s->entry[i];
        best_host = of_host;
        best_path = of_path;
    }
    return best;
}

const struct host_settings *settings_of_host(const struct settings *s, const char *host)
{
    static const struct host_settings nothing;
    const struct settings_entry *e = settings_for(s, host, "");
    return e ? &e->host : &nothing;
}

char *settings_moved(const struct settings_entry *e, const struct settings_place *to, const char *repository)
{
    const char *rest = repository + strlen(e->prefix.path);
    rest += *rest == '/';
    return mem_printf("%s%s%s", to->path, *to->path && *rest ? "/" : "", rest);
}
