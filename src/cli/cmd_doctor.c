/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/run_request.h"
#include "cli/session.h"
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <stdio.h>

struct doctor_settings {
    struct shared shared;
    const char *userns;
};

static const struct opt doctor_options[] = {
    {"userns", 0, OPT_TEXT, "MODE", "what RUN would be asked for: auto, single, subuid or host",
     offsetof(struct doctor_settings, userns), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", doctor_options, ARRAY_LEN(doctor_options)},
    SHARED_CACHE,
    SHARED_GENERAL,
};

static const char *meaning(enum sandbox_ids ids)
{
    switch (ids) {
    case SANDBOX_SINGLE:
        return "a user namespace of one id, root is emulated: layers have all owners, modes and devices";
    case SANDBOX_RANGE:
        return "a user namespace with your subordinate ids: layers have all owners and modes";
    case SANDBOX_FAKE:
        return "a user namespace of one id, and root cannot be emulated: all files of layers are root's";
    case SANDBOX_HOST:
        return "real root, with fewer capabilities";
    case SANDBOX_CHROOT:
        return "chroot only: no mounts, no secrets, no network=none, and commands see the host's processes";
    }
    return "";
}

static void print_way(const struct sandbox_way *way)
{
    printf("RUN works: %s (%s)\n", sandbox_ids_name(way->ids), meaning(way->ids));
    if (!way->overlay)
        puts("  file systems cannot be laid over each other here: layers are copied for each stage");
    if (!way->own_proc && way->ids != SANDBOX_CHROOT)
        puts("  /proc is masked here: commands see the processes that lade sees");
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct doctor_settings *d = settings;
    AUTO_VALUE(session_wipe) struct session s = {.shared = &d->shared};
    AUTO_VALUE(sandbox_report_wipe) struct sandbox_report report = {0};
    AUTO(mem_free) char *cache = NULL;
    enum sandbox_wanted wanted;

    (void)args;
    TRY(run_request_userns(&wanted, d->userns));
    TRY(session_cache_path(&s, &cache));
    TRY(sandbox_find(&report, cache, wanted));
    for (size_t i = 0; i < report.count; i++) {
        const struct sandbox_probe *probe = &report.item[i];
        printf("%-4s %s%s%s\n", probe->works ? "yes" : "no", probe->name, probe->why ? ": " : "",
               probe->why ? probe->why : "");
    }
    if (!report.found)
        return sandbox_refusal(&report);
    print_way(&report.way);
    return NULL;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Say whether and how RUN works on this machine",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct doctor_settings),
    .args_min = 0,
    .args_max = 0,
    .run = run,
};
