/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_SANDBOX_INSIDE_H
#define LADE_SANDBOX_INSIDE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "sandbox/emulate.h"
#include "sandbox/filter.h"
#include "sandbox/mountfd.h"
#include "sandbox/sandbox.h"
#include "sandbox/targets.h"

#include <stdbool.h>

/* A file that was written over where nothing can be mounted: what it was, and when we changed it. */
struct bare_file {
    int fd;
    struct buf before;
    struct timespec times[2], after;
};
struct bare_files {
    struct bare_file *item;
    size_t count, room;
};

/*
 * What the processes of one sandbox know, and their steps in order. Process 0 ("lade-sandbox") leaves lade's
 * namespaces and waits; process 1, the supervisor, mounts, and answers the command; process 2 becomes the
 * command. Each is forked from the one before, with one thread. None of them frees anything: they end soon.
 */
struct inside {
    struct sandbox_spec spec;
    int control; /* to lade: its end means that lade is gone, or wants the end */
    int output;  /* what the command writes goes here */
    int guard;   /* process 0's end of this pipe closes when that dies */
    int root;    /* the mounted root, with all that is mounted in it */
    int clean;   /* the root alone; -1 without mounts */
    int upper;   /* what changes: the overlay's upper directory, or the root */
    int proc;    /* shows the command's processes by the supervisor's numbers; -1: none */
    int *kept;  /* for each of spec.mount that keeps owners: it again, without what is mounted in it here; -1.
                   NULL: nothing was mounted */
    int binfmt; /* keeps the emulator registered */
    enum filter_emulation emulation;
    struct filter filter;
    struct targets targets;
    struct mountfd_list mounts;
    struct bare_files bare;
};

/* root.c: mount the root, without anything in it. */
MUST_USE struct err *root_mount(struct inside *in);
/* Make it the root directory of all processes of the sandbox, and let go of the old one. */
MUST_USE struct err *root_enter(struct inside *in);

/* mounts.c: /dev and /sys; and /proc, whose mount process 2 makes when it has process numbers of its own. */
MUST_USE struct err *mounts_system(struct inside *in);
MUST_USE struct err *mounts_new_proc(int *out);
MUST_USE struct err *mounts_proc(struct inside *in, int *mount);
/* masks.c: what nobody in a container should see or write. `what` is where `mount` is attached. */
MUST_USE struct err *masks_hide(int mount, const char *const *paths, const char *what);
MUST_USE struct err *masks_keep(int mount, const char *const *paths, const char *what);
/* given.c: what the caller wants mounted. The bytes of files go through a file system that is on /dev before
 * mounts_system covers it. */
struct given;
MUST_USE struct err *given_open(struct given **out, struct inside *in);
MUST_USE struct err *given_mount(struct given *given, struct inside *in, struct emulate *e);

/* supervise.c: process 1. */
_Noreturn void supervise(struct inside *in);
/* init.c: process 2. `line` is a socket to the supervisor. */
_Noreturn void init_become(struct inside *in, int line);
/* owners.c: what the records say of all that is in the upper directory. */
MUST_USE struct err *owners_collect(struct owner_list *out, const struct inside *in, const struct emulate *e);

/* kept.c: what they say of the mounts that keep owners. What cannot be looked at is passed over, as it is
 * what others who use the same mount have removed, or too much. */
void kept_collect(struct sandbox_result *out, const struct inside *in, const struct emulate *e);

#endif
