/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_SANDBOX_H
#define LADE_SANDBOX_SANDBOX_H

#include "base/attr.h"
#include "base/err.h"
#include "base/owner.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/*
 * Run one command in a root file system without privilege. Nothing here knows of images: the caller gives
 * directories, and gets an exit status and what the command changed in an upper directory.
 *
 * Processes: lade starts itself again as "lade-sandbox" (base/proc.h), which makes the namespaces and becomes
 * the supervisor; below it the command is process 1 of a process namespace of its own. The supervisor dies
 * with lade, and everything in its namespace dies with the supervisor.
 */

/* How root is had. Tried in the order SINGLE, HOST, RANGE, FAKE, CHROOT: what needs nobody's leave comes
 * first, and what forgets owners last but one. A way with an overlay wins over one without. */
enum sandbox_ids {
    SANDBOX_SINGLE, /* a user namespace of one id; a supervisor emulates root */
    SANDBOX_RANGE,  /* we run as root of a user namespace with a range of ids (sandbox_enter_range): owners
                       are real there, only devices are emulated */
    SANDBOX_FAKE,   /* as SINGLE without a supervisor: changes of owner succeed and are forgotten */
    SANDBOX_HOST,   /* real root with CAP_SYS_ADMIN: no user namespace, capabilities dropped */
    SANDBOX_CHROOT, /* chroot(2) only: no mounts, no namespaces */
};
struct sandbox_way {
    enum sandbox_ids ids;
    bool
        overlay; /* else the command works on a plain directory, which the caller compares before and after */
    bool own_proc; /* a new /proc can be mounted; else the host's is bound, and there is no process namespace
                    */
};
const char *sandbox_ids_name(enum sandbox_ids ids); /* "single" */

/* What was tried on this machine, for `lade doctor` and for messages: each by doing it, in a child that may
 * fail. `dir` is where upper directories will be. */
struct sandbox_probe {
    const char *name; /* "user namespace", "overlay", "supervisor", … */
    bool works;
    char *why; /* when not: "unshare: Operation not permitted" */
};
struct sandbox_report {
    struct sandbox_probe *item;
    size_t count, room;
    bool found;
    struct sandbox_way way; /* the first in order that works */
};
enum sandbox_wanted {
    SANDBOX_WANT_AUTO,
    SANDBOX_WANT_SINGLE,
    SANDBOX_WANT_RANGE,
    SANDBOX_WANT_HOST,
};
/* What was tried before a way was found; `found` is false when nothing works, or not what was wanted. RANGE
 * from outside of such a namespace says only that sandbox_enter_range will work. */
MUST_USE struct err *sandbox_find(struct sandbox_report *out, const char *dir, enum sandbox_wanted wanted);
/* The error that says why there is no way. */
MUST_USE struct err *sandbox_refusal(const struct sandbox_report *report);
void sandbox_report_wipe(struct sandbox_report *report);

enum sandbox_mount_kind {
    SANDBOX_BIND,  /* `source`, a directory or file of the host */
    SANDBOX_TMPFS, /* empty; `size` 0: no limit of its own */
    SANDBOX_DATA,  /* a file with these bytes, on a tmpfs: secrets, here-documents, resolv.conf */
};
struct sandbox_mount {
    enum sandbox_mount_kind kind;
    char *source;
    char *target; /* absolute, in the root; links in it are followed within the root; made when absent and
                     removed again after the command */
    bool read_only;
    bool secret; /* DATA: must never be on a disk; ERR_UNSUPPORTED where that cannot be (CHROOT) */
    char *data;
    size_t data_len;
    uint64_t size;
    uint32_t mode, uid, gid;  /* DATA; TMPFS: 0 is 01777; nothing with BIND */
    struct owner_list owners; /* BIND with SINGLE: of what is not 0:0 below `source`, "" for itself */
    bool keeps_owners;        /* BIND with SINGLE: tell them after the command (sandbox_result.mount) */
};

enum sandbox_network { SANDBOX_NETWORK_HOST, SANDBOX_NETWORK_NONE };

struct sandbox_limit {
    int what; /* RLIMIT_… */
    uint64_t soft, hard;
};

/* All borrowed for the call. Paths of the host are absolute. */
struct sandbox_spec {
    struct sandbox_way way;
    struct strlist lower;     /* with overlay: directories, the lowest first, at least one */
    const char *upper;        /* with overlay: empty or from an earlier command of the same root */
    const char *work;         /* with overlay: empty, same file system as `upper` */
    const char *root;         /* an empty directory to mount on; without overlay: the root itself */
    struct owner_list owners; /* SINGLE: of what is not 0:0 in the root */

    struct strlist argv; /* argv[0] is looked up in PATH of env, in the root */
    struct strlist env;  /* "KEY=value" */
    const char *cwd;     /* in the root; made by the caller */
    uint32_t uid, gid;
    const uint32_t *groups;
    size_t group_count;

    const char *hostname; /* NULL: the host's */
    enum sandbox_network network;
    bool insecure; /* all capabilities, no deny list, no masked paths */
    bool init;     /* the command is not process 1, but the child of one that reaps */
    struct sandbox_mount *mount;
    size_t mount_count;
    uint64_t shm_size; /* 0: 64 MiB */
    struct sandbox_limit *limit;
    size_t limit_count;
    uint64_t timeout_ms;  /* 0: none */
    int cancel_fd;        /* readable: stop with ERR_STOPPED; -1: none. base/stop.h is watched too */
    const char *emulator; /* qemu for the root's programs, absolute on the host; NULL: they run as they are.
                             With `binfmt`, how the kernel knows them (the line for binfmt_misc/register) */
    const char *binfmt;

    /* What the command writes to standard output and error, as it comes. */
    void (*output)(void *ctx, const char *data, size_t len);
    void *ctx;
};

struct sandbox_result {
    int status; /* exit status, or 128 + signal */
    bool timed_out;
    struct owner_list
        owners; /* SINGLE and RANGE: of what is in `upper` now and not 0:0, or a device; sorted */
    struct owner_list *mount; /* SINGLE: for each of spec.mount; of those that keep owners, what is not 0:0,
                                 or a device, below them now, as far as this command can tell; sorted */
    size_t mount_count;       /* 0: nothing is known */
    bool faked; /* FAKE: owners and devices that were asked for, if any, are lost; nobody could tell */
};

/* Run to the end. A status other than 0 is no error. ERR_STEP when the command could not be started (exit
 * status 127 or 126 is set too); ERR_RESOURCE for a full disk; ERR_UNSUPPORTED when the machine does not let
 * us; ERR_INPUT for what is wrong in the root. Nothing of it runs any more on return, whatever the result. */
MUST_USE struct err *sandbox_run(struct sandbox_result *out, const struct sandbox_spec *spec);
void sandbox_result_wipe(struct sandbox_result *result);

/* In main, before anything else: is this process the sandbox's? Then sandbox_child() never returns. */
bool sandbox_is_child(const char *argv0);
_Noreturn void sandbox_child(void);

/* Start this whole command line again as root of a user namespace with the caller's subordinate ids
 * (newuidmap), for SANDBOX_RANGE; returns only when it cannot, or as that process: *inside. Before threads.
 */
bool sandbox_in_range(void);
MUST_USE struct err *sandbox_enter_range(int argc, const char *const *argv, bool *inside);

/* Give files their capabilities as root would: `value` is a security.capability attribute of version 2, and
 * becomes what this user's namespace needs. For unpacked layers, with SINGLE and FAKE. */
struct sandbox_capability {
    const char *path; /* beneath dirfd */
    const void *value;
    size_t value_len;
};
MUST_USE struct err *sandbox_set_capabilities(int dirfd, const struct sandbox_capability *item, size_t count);

#endif
