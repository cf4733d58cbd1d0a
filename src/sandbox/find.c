/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "sandbox/probe_chain.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX (1u << 20)
#define END_MS 10000

static struct err *decode(struct sandbox_report *out, struct wire_in *in)
{
    struct sandbox_result none = {0};

    if (wire_get_u64(in) != 0)
        return result_wire_get(&none, in);
    out->found = wire_get_u64(in) != 0;
    out->way.ids = (enum sandbox_ids)wire_get_u64(in);
    out->way.overlay = wire_get_u64(in) != 0;
    out->way.own_proc = wire_get_u64(in) != 0;
    size_t count = wire_get_count(in);
    for (size_t i = 0; i < count && !in->bad; i++) {
        AUTO(mem_free) char *name = wire_get_text(in);
        struct sandbox_probe probe = {.name = probe_chain_name(name)};
        probe.works = wire_get_u64(in) != 0;
        probe.why = wire_get_text(in);
        MEM_PUSH(out->item, out->count, out->room, probe);
    }
    return in->bad ? err_new(ERR_INTERNAL, "an answer of the sandbox is damaged") : NULL;
}

static struct err *ask(struct sandbox_report *out, struct proc_child *child, const struct buf *request)
{
    AUTO_VALUE(buf_wipe) struct buf answer = BUF(ANSWER_MAX);
    AUTO(fd_close) int ours = -1;
    AUTO(fd_close) int theirs = -1;
    int pair[2], status;
    bool ended;

    TRY(wire_pair(pair));
    ours = pair[0];
    theirs = pair[1];
    const struct proc_fd fds[] = {{theirs, SANDBOX_CONTROL}};
    TRY(proc_start_self(child, SANDBOX_MODE, fds, ARRAY_LEN(fds)));
    fd_close(fd_take(&theirs));
    errno = wire_send(ours, request, -1);
    if (errno && errno != EPIPE)
        return err_sys("talk to the process that tries sandboxes");
    TRY(wire_receive(ours, &answer, NULL, &ended));
    if (ended)
        return err_new(ERR_UNSUPPORTED, "the process that tries sandboxes ended early");
    struct wire_in in = {.at = answer.data, .left = answer.len};
    TRY(decode(out, &in));
    return proc_child_wait(child, END_MS, &ended, &status);
}

struct err *sandbox_find(struct sandbox_report *out, const char *dir, enum sandbox_wanted wanted)
{
    AUTO_VALUE(buf_wipe) struct buf request = BUF(ANSWER_MAX);
    struct proc_child child = {.pid_fd = -1};

    *out = (struct sandbox_report){0};
    wire_put_u64(&request, REQUEST_PROBE);
    wire_put_u64(&request, wanted);
    wire_put_text(&request, dir);
    struct err *e = ask(out, &child, &request);
    proc_child_end(&child);
    return e;
}

/* What a plain user most often meets. */
static const char *user_hint(const struct sandbox_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->item[i].name == probe_step_name(STEP_USER) && !report->item[i].works)
            return "allow user namespaces (sysctl user.max_user_namespaces, "
                   "kernel.unprivileged_userns_clone, "
                   "kernel.apparmor_restrict_unprivileged_userns; in a container: its seccomp profile)";
    return NULL;
}

/* Ways have steps in common, which fail in the same way. */
static bool is_said(const struct sandbox_report *report, size_t i)
{
    const struct sandbox_probe *p = &report->item[i];

    for (size_t k = 0; k < i; k++)
        if (report->item[k].name == p->name && !report->item[k].works)
            return true;
    return false;
}

struct err *sandbox_refusal(const struct sandbox_report *report)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(ANSWER_MAX);

    for (size_t i = 0; i < report->count; i++) {
        const struct sandbox_probe *p = &report->item[i];
        if (!p->works && !is_said(report, i))
            buf_printf(&text, "%s%s: %s", text.len > 0 ? "; " : "", p->name, p->why ? p->why : "unknown");
    }
    struct err *e = err_new(ERR_UNSUPPORTED, "RUN cannot work on this machine: %s",
                            text.len > 0 ? buf_text(&text) : "nothing could be tried");
    const char *hint = user_hint(report);
    return hint ? err_hint(e, "%s", hint) : e;
}

void sandbox_report_wipe(struct sandbox_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        free(report->item[i].why);
    free(report->item);
    *report = (struct sandbox_report){0};
}
