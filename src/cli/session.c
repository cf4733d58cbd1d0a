/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/newfile.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/str.h"
#include "builder/usage.h"
#include "cli/user.h"
#include "layers/cachelimit.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_MS 1000000

static struct err *parse_time(const char *option, const char *text, unsigned *ms)
{
    int64_t ns = 0;
    if (!text)
        return NULL;
    if (num_parse_duration(text, &ns) && ns > 0 && ns / NS_PER_MS <= (int64_t)UINT_MAX) {
        *ms = ns < NS_PER_MS ? 1 : (unsigned)(ns / NS_PER_MS);
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--%s: expected a time as 30s or 2m, found \"%s\"", option, safe);
}

struct err *session_timeout(const struct shared *shared)
{
    unsigned ms = 0;
    TRY(parse_time("timeout", shared->timeout, &ms));
    if (ms)
        stop_after_ms(ms, "the time of the run (--timeout)");
    return NULL;
}

struct err *session_progress(const struct shared *shared, enum progress_kind *kind)
{
    const char *wanted = shared->progress ? shared->progress : getenv("BUILDKIT_PROGRESS");
    TRY(progress_kind_parse(kind, wanted));
    if (shared->quiet)
        *kind = PROGRESS_QUIET;
    return NULL;
}

struct err *session_open(struct session *out, const struct shared *shared)
{
    enum progress_kind kind = PROGRESS_AUTO;
    TRY(session_progress(shared, &kind));
    TRY(session_timeout(shared));
    TRY(cachelimit_check());
    out->shared = shared;
    out->quiet = kind == PROGRESS_QUIET;
    out->json = kind == PROGRESS_JSON;
    out->progress = progress_new(kind, STDERR_FILENO);
    out->events = progress_events(out->progress);
    return user_password(shared, &out->password);
}

static char *cache_place(const struct shared *shared)
{
    const char *own = getenv("LADE_CACHE");
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (shared->cache)
        return mem_strdup(shared->cache);
    if (!str_empty(own))
        return mem_strdup(own);
    /* The XDG specification: relative paths are not valid and ignored. */
    if (cache && *cache == '/')
        return path_join(cache, "lade");
    return str_empty(home) ? NULL : path_join(home, ".cache/lade");
}

struct err *session_registry(struct session *s, struct registry **out)
{
    const struct shared *shared = s->shared;
    AUTO(mem_free) char *cache = cache_place(shared);
    struct registry_options options = {
        .cache_dir = cache,
        .authfile = shared->authfile,
        .username = shared->username,
        .password = s->password,
        .login_host = shared->login_host,
        .cert_dir = shared->cert_dir,
        .config = shared->config,
        .plain_http = shared->plain_http,
        .insecure_skip_verify = shared->insecure_skip_verify,
        .tries = (unsigned)shared->tries,
        .events = &s->events,
    };
    if (!s->registry) {
        TRY(parse_time("retry-budget", shared->retry_budget, &options.budget_ms));
        TRY(registry_new(&s->registry, &options));
    }
    *out = s->registry;
    return NULL;
}

/* Whoever removes waits for the others, and should not do so in silence. */
static void tell_of_waiting(const struct session *s)
{
    AUTO(mem_free) char *path = s->shared->store ? mem_strdup(s->shared->store) : layout_default_path();
    if (path && layout_is_busy(path))
        event_note(&s->events, "waiting for other lade processes that use the store");
}

struct err *session_layout(struct session *s, enum layout_mode mode, struct store **out)
{
    if (!s->layout && mode == LAYOUT_REMOVE)
        tell_of_waiting(s);
    if (!s->layout && s->shared->store)
        TRY(layout_open(&s->layout, s->shared->store, mode));
    if (!s->layout)
        TRY(layout_open_default(&s->layout, mode));
    *out = s->layout;
    return NULL;
}

struct err *session_enter_range(const struct shared *shared)
{
    bool inside = false;
    return sandbox_enter_range(shared->argc, shared->argv, &inside);
}

void session_say(const struct session *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *text = mem_vprintf(format, args);
    va_end(args);
    AUTO(mem_free) char *line = s->json ? progress_json_note(text) : mem_strdup(text);
    fprintf(stderr, "%s\n", line);
}

void session_quiet(struct session *s)
{
    progress_free(TAKE(s->progress));
    s->events.emit = NULL;
}

void session_wipe(struct session *s)
{
    store_free(s->layout);
    registry_free(s->registry);
    progress_free(s->progress);
    if (s->password)
        mem_wipe(s->password, strlen(s->password));
    free(s->password);
    json_decref(s->report);
}

struct err *session_cache_path(const struct session *s, char **out)
{
    AUTO(mem_free) char *path = cache_place(s->shared);
    if (!path)
        return err_hint(err_new(ERR_USAGE, "no place for the cache: $HOME is not set"),
                        "set LADE_CACHE, or give --cache");
    TRY(err_wrap(fs_mkdir_all(AT_FDCWD, path), "cache"));
    *out = TAKE(path);
    return NULL;
}

void session_limit_cache(struct session *s)
{
    AUTO(mem_free) char *path = NULL;
    AUTO(err_free) struct err *e = session_cache_path(s, &path);
    if (!e)
        usage_limit(path, s->layout);
}

struct err *session_check_stdout(void)
{
    if (!isatty(STDOUT_FILENO))
        return NULL;
    return err_hint(err_new(ERR_USAGE, "standard output is a terminal, and an archive is not for reading"),
                    "send it to a file or a pipe");
}

static struct err *standard_output(bool binary, struct sink **out)
{
    if (binary)
        TRY(session_check_stdout());
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return err_sys("standard output");
    *out = sink_fd(fd);
    return NULL;
}

struct err *session_file(const struct session *s, const char *path, bool binary, struct sink **out)
{
    struct stat st;
    if (str_eq(path, "-"))
        return standard_output(binary, out);
    bool there = stat(path, &st) == 0;
    if (there && !S_ISREG(st.st_mode)) {
        AUTO(fd_close) int fd = -1;
        TRY(fs_open(&fd, AT_FDCWD, path, O_WRONLY | O_NOCTTY, 0));
        *out = sink_fd(fd_take(&fd));
        return NULL;
    }
    /* A link to the file stays a link. */
    AUTO(mem_free) char *real = there ? realpath(path, NULL) : NULL;
    return newfile_open(out, AT_FDCWD, real ? real : path, s->shared->file_mode, true, false);
}

struct err *session_write_file(const struct session *s, const char *path, const char *text)
{
    AUTO(sink_free) struct sink *to = NULL;
    TRY(session_file(s, path, false, &to));
    TRY(sink_write(to, text, strlen(text)));
    return sink_commit(to);
}

mode_t session_dir_mode(const struct session *s)
{
    mode_t files = s->shared->file_mode;
    return files | (files & 0444) >> 2;
}

struct err *session_platform(struct platform *out, const char *text)
{
    if (str_empty(text))
        return NULL;
    if (strchr(text, ',')) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_new(ERR_UNSUPPORTED, "--platform %s: several platforms at once are not supported", safe);
    }
    return err_wrap(platform_parse(out, text), "--platform");
}
