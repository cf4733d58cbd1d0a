/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/probe.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sandbox/namespaces.h"
#include "sandbox/probe_chain.h"
#include "sandbox/range.h"
#include "sandbox/spec_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 16)

struct search {
    struct sandbox_report *report;
    char *dir; /* for trials */
};

static void record(struct search *s, struct wire_in *in)
{
    AUTO(mem_free) char *name = wire_get_text(in);
    AUTO(err_free) struct err *why = wire_get_err(in);
    struct sandbox_probe probe = {.works = !why, .why = mem_strdup(why ? err_message(why) : NULL)};

    probe.name = probe_chain_name(name);
    MEM_PUSH(s->report->item, s->report->count, s->report->room, probe);
}

/* What it says until it ends; a probe that kills its process has failed too, by not being among them. */
static struct err *try_chain(struct search *s, enum probe_chain chain)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(MESSAGE_MAX);
    AUTO(fd_close) int ours = -1;
    /* An overlay leaves in its directories what another one would stumble over. */
    AUTO(mem_free) char *dir = mem_printf("%s/%d", s->dir, (int)chain);
    int pair[2], status;
    bool ended = false;

    TRY(probe_chain_prepare(dir));
    TRY(wire_pair(pair));
    ours = pair[0];
    pid_t pid = namespaces_fork(true);
    if (pid == 0)
        probe_chain_run(chain, dir, pair[1]);
    fd_close(pair[1]);
    if (pid < 0)
        return err_sys("start a process to try with");
    for (;;) {
        TRY(wire_receive(ours, &message, NULL, &ended));
        if (ended)
            break;
        struct wire_in in = {.at = message.data, .left = message.len};
        record(s, &in);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return NULL;
}

/* The last word on each counts: chains have steps in common. */
static bool works(const struct search *s, size_t from, enum probe_step step)
{
    bool yes = false;

    for (size_t i = from; i < s->report->count; i++)
        if (str_eq(s->report->item[i].name, probe_step_name(step)))
            yes = s->report->item[i].works;
    return yes;
}

static struct err *try_way(struct search *s, enum sandbox_ids ids, bool *found, struct sandbox_way *way)
{
    static const enum probe_chain chains[] = {
        [SANDBOX_SINGLE] = PROBE_SINGLE, [SANDBOX_RANGE] = PROBE_RANGE,   [SANDBOX_FAKE] = PROBE_FAKE,
        [SANDBOX_HOST] = PROBE_HOST,     [SANDBOX_CHROOT] = PROBE_CHROOT,
    };
    static const enum probe_step decisive[] = {
        [SANDBOX_SINGLE] = STEP_SUPERVISOR, [SANDBOX_RANGE] = STEP_RANGE,   [SANDBOX_FAKE] = STEP_FAKE,
        [SANDBOX_HOST] = STEP_NAMESPACES,   [SANDBOX_CHROOT] = STEP_CHROOT,
    };
    size_t from = s->report->count;

    TRY(try_chain(s, chains[ids]));
    *found = works(s, from, decisive[ids]);
    /* What a range of ids can do shows only inside it. */
    bool later = ids == SANDBOX_RANGE;
    *way = (struct sandbox_way){
        .ids = ids,
        .overlay = later || works(s, from, STEP_OVERLAY),
        .own_proc = later || works(s, from, STEP_PROC),
    };
    if (ids == SANDBOX_HOST && *found && !works(s, from, STEP_DEVICES))
        way->ids = SANDBOX_RANGE;
    return NULL;
}

/* One id first: it needs nothing that others have to grant. A way without an overlay is slower than any with
 * one; and what forgets owners is better than nothing only. */
static struct err *find_any(struct search *s)
{
    static const enum sandbox_ids order[] = {SANDBOX_SINGLE, SANDBOX_HOST, SANDBOX_RANGE, SANDBOX_FAKE,
                                             SANDBOX_CHROOT};
    struct sandbox_report *r = s->report;

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct sandbox_way way;
        bool works_here;
        if (r->found && (order[i] == SANDBOX_FAKE || order[i] == SANDBOX_CHROOT))
            break;
        TRY(try_way(s, order[i], &works_here, &way));
        if (works_here && (!r->found || way.overlay)) {
            r->found = true;
            r->way = way;
        }
        if (r->found && r->way.overlay)
            break;
    }
    return NULL;
}

static struct err *find(struct search *s, enum sandbox_wanted wanted)
{
    struct sandbox_report *r = s->report;

    switch (wanted) {
    case SANDBOX_WANT_AUTO:
        return find_any(s);
    case SANDBOX_WANT_SINGLE:
        return try_way(s, SANDBOX_SINGLE, &r->found, &r->way);
    case SANDBOX_WANT_HOST:
        return try_way(s, SANDBOX_HOST, &r->found, &r->way);
    case SANDBOX_WANT_RANGE:
        break;
    }
    TRY(try_way(s, range_is_inside() ? SANDBOX_HOST : SANDBOX_RANGE, &r->found, &r->way));
    r->way.ids = SANDBOX_RANGE;
    return NULL;
}

static struct err *answer(const struct sandbox_report *r, int control)
{
    AUTO_VALUE(buf_wipe) struct buf message = BUF(WIRE_MAX);

    wire_put_u64(&message, 0);
    wire_put_u64(&message, r->found);
    wire_put_u64(&message, r->way.ids);
    wire_put_u64(&message, r->way.overlay);
    wire_put_u64(&message, r->way.own_proc);
    wire_put_u64(&message, r->count);
    for (size_t i = 0; i < r->count; i++) {
        wire_put_text(&message, r->item[i].name);
        wire_put_u64(&message, r->item[i].works);
        wire_put_text(&message, r->item[i].why);
    }
    errno = wire_send(control, &message, -1);
    return errno ? err_sys("answer") : NULL;
}

struct err *probe_serve(struct wire_in *request, int control)
{
    enum sandbox_wanted wanted = (enum sandbox_wanted)wire_get_u64(request);
    AUTO(mem_free) char *dir = wire_get_text(request);
    struct sandbox_report report = {0};
    struct search s = {.report = &report};
    char name[FS_NEW_NAME];

    if (!dir)
        return err_new(ERR_INTERNAL, "a request to the sandbox is damaged");
    fs_new_name(name);
    s.dir = path_join(dir, name);
    TRY(fs_mkdir_all(AT_FDCWD, s.dir));
    struct err *e = find(&s, wanted);
    struct err *left = fs_remove_tree(AT_FDCWD, s.dir);
    if (e) {
        err_free(left);
        return e;
    }
    TRY(left);
    return answer(&report, control);
}
