/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/num.h"
#include "builder/base.h"
#include "builder/run_caches_prune.h"
#include "builder/stepcache.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "layers/layer.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <stdio.h>

struct prune_settings {
    struct shared shared;
    bool all;
    const char *keep;
};

static const struct opt prune_options[] = {
    {"all", 'a', OPT_FLAG, NULL, "forget manifests of base images and caches of RUN too",
     offsetof(struct prune_settings, all), 0, NULL},
    {"force", 'f', OPT_NOTHING, NULL, "accepted: nothing is asked", 0, 0, NULL},
    {"keep-storage", 0, OPT_TEXT, "SIZE", "keep so much of the cache, what was used last (0)",
     offsetof(struct prune_settings, keep), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", prune_options, ARRAY_LEN(prune_options)},
    SHARED_STORE,
    SHARED_CACHE,
    SHARED_GENERAL,
};

/* Blobs that no name leads to, as every build of a changed image leaves some. */
static struct err *prune_store(struct session *s, struct store **out, uint64_t *freed)
{
    struct store *layout = NULL;
    struct err *e = session_layout(s, LAYOUT_REMOVE, &layout);

    *freed = 0;
    *out = NULL;
    if (e && err_kind_of(e) == ERR_NOT_FOUND) {
        err_free(e);
        return NULL;
    }
    TRY(e);
    *out = layout;
    return layout_sweep(layout, freed);
}

/* `layout` (NULL: none) is what was pruned before. */
static struct err *prune_cache(const struct session *s, struct store *layout, uint64_t keep, bool all,
                               uint64_t *freed)
{
    AUTO(mem_free) char *path = NULL;
    AUTO(fd_close) int cache = -1;
    uint64_t more = 0, steps = 0, mounts = 0, most = keep > 0 || all ? keep : RUN_CACHES_MAX;

    TRY(session_cache_path(s, &path));
    TRY(fs_open(&cache, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
    TRY(layer_prune(cache, keep, freed));
    TRY(stepcache_prune(cache, layout, keep, &steps));
    TRY(run_caches_prune(cache, most, &mounts));
    if (all)
        TRY(base_forget(path, &more));
    *freed += more + steps + mounts;
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct prune_settings *p = settings;
    AUTO_VALUE(session_wipe) struct session s = {.shared = &p->shared};
    struct store *layout = NULL;
    uint64_t keep = 0, store = 0, cache = 0;
    char size[NUM_SIZE_TEXT];

    (void)args;
    if (p->keep && !num_parse_size(p->keep, UINT64_MAX, &keep)) {
        AUTO(mem_free) char *safe = str_safe(p->keep);
        return err_new(ERR_USAGE, "--keep-storage: expected a size as 500m or 2gb, found \"%s\"", safe);
    }
    TRY(prune_store(&s, &layout, &store));
    struct err *e = prune_cache(&s, layout, keep, p->all, &cache);
    /* What a build with --userns subuid unpacked belongs to our subordinate ids. The locks are given up, so
     * that the process there can have them. */
    if (e && err_kind_of(e) == ERR_DENIED && !sandbox_in_range()) {
        session_wipe(&s);
        s = (struct session){.shared = &p->shared};
        err_free(session_enter_range(&p->shared));
    }
    TRY(e);
    fprintf(stderr, "freed %s\n", num_size_text(store + cache, size));
    return NULL;
}

const struct command cmd_prune = {
    .name = "prune",
    .arguments = "",
    .summary = "Remove blobs that no name leads to, and the cache",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct prune_settings),
    .args_min = 0,
    .args_max = 0,
    .run = run,
};
