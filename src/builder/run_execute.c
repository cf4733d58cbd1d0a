/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "builder/rootfs.h"
#include "builder/run_cwd.h"
#include "builder/run_emulator.h"
#include "builder/run_env.h"
#include "builder/run_mounts.h"
#include "builder/run_output.h"
#include "builder/run_plain.h"
#include "builder/run_plan.h"
#include "layers/upper.h"

#include <inttypes.h>
#include <string.h>

/* One command, from its root to its layer. */
struct execution {
    struct builder *b;
    struct stage *s;
    const struct instr *instr;
    struct run_plan *plan;
    struct rootfs root;
    struct run_plain plain; /* without overlay */
    struct run_mounts mounts;
    struct run_emulator emulator;
    struct run_output output;
    struct strlist env;
    struct sandbox_result result;
};

static void execution_wipe(struct execution *x)
{
    run_mounts_wipe(&x->mounts);
    run_plain_wipe(&x->plain);
    rootfs_wipe(&x->root);
    run_emulator_wipe(&x->emulator);
    run_output_wipe(&x->output);
    for (size_t i = 0; i < x->env.count; i++)
        mem_wipe(x->env.item[i], strlen(x->env.item[i])); /* secrets */
    strlist_wipe(&x->env);
    sandbox_result_wipe(&x->result);
}

static struct err *prepare(struct execution *x)
{
    const struct run_plan *plan = x->plan;
    TRY(rootfs_make(&x->root, x->b, x->s));
    TRY(run_emulator_find(&x->emulator, &plan->platform, x->root.way));
    if (!x->root.way.overlay)
        TRY(run_plain_begin(&x->plain, x->b, &x->root));
    TRY(run_cwd_make(&x->root, x->root.files, plan, x->b->epoch));
    TRY(run_mounts_make(&x->mounts, x->b, plan));
    run_env_join(&x->env, &plan->env, &plan->private_env);
    return NULL;
}

static struct sandbox_spec make_spec(struct execution *x)
{
    const struct run_plan *plan = x->plan;
    const struct run_options *options = &x->b->options->run;
    return (struct sandbox_spec){
        .way = x->root.way,
        .lower = x->root.lower,
        .upper = unpacking_upper(x->root.upper),
        .work = unpacking_work(x->root.upper),
        .root = x->root.way.overlay ? unpacking_root(x->root.upper) : unpacking_upper(x->root.upper),
        .owners = x->root.owners,
        .argv = plan->argv,
        .env = x->env,
        .cwd = plan->cwd,
        .uid = plan->uid,
        .gid = plan->gid,
        .groups = plan->groups,
        .group_count = plan->group_count,
        .hostname = plan->hostname,
        .network = plan->network,
        .insecure = plan->insecure,
        .mount = x->mounts.item,
        .mount_count = x->mounts.count,
        .shm_size = options->shm_size,
        .limit = options->limit,
        .limit_count = options->limit_count,
        .timeout_ms = options->step_timeout_ms,
        .cancel_fd = x->b->cancel_fd,
        .emulator = x->emulator.path,
        .binfmt = x->emulator.binfmt,
        .output = run_output_add,
        .ctx = &x->output,
    };
}

/* The last lines of what it wrote, one below the other. */
static char *last_lines(const struct run_output *o)
{
    struct buf text = BUF(BUF_NO_LIMIT);
    for (size_t i = 0; i < o->tail.count; i++) {
        AUTO(mem_free) char *safe = str_safe(o->tail.item[i]);
        buf_printf(&text, "\n   | %s", safe);
    }
    return text.len > 0 ? buf_take(&text) : mem_strdup("");
}

static struct err *command_failed(const struct execution *x)
{
    AUTO(mem_free) char *line = strlist_join(&x->plan->argv, " ");
    AUTO(mem_free) char *safe = str_safe(line);
    AUTO(mem_free) char *lines = last_lines(&x->output);
    if (x->result.timed_out)
        return err_hint(err_new(ERR_RESOURCE, "process \"%s\" did not end within %" PRIu64 " ms%s", safe,
                                x->b->options->run.step_timeout_ms, lines),
                        "--step-timeout sets how long a step may take");
    return err_new(ERR_STEP, "process \"%s\" did not complete successfully: exit code: %d%s", safe,
                   x->result.status, lines);
}

static struct err *run(struct execution *x, unsigned id)
{
    struct sandbox_spec spec = make_spec(x);
    run_output_begin(&x->output, x->b->options->events, id);
    builder_unlock(x->b);
    struct err *e = sandbox_run(&x->result, &spec);
    run_output_end(&x->output);
    run_mounts_keep(&x->mounts, x->b->options->events, &x->result);
    builder_lock(x->b);
    TRY(e);
    return x->result.status || x->result.timed_out ? command_failed(x) : NULL;
}

/* What the command changed. */
static struct err *take_layer(struct execution *x, struct tree **layer)
{
    if (!x->root.way.overlay)
        return run_plain_layer(layer, &x->plain, x->b, &x->root, &x->result.owners);
    enum sandbox_ids ids = x->root.way.ids;
    bool real = ids == SANDBOX_HOST || ids == SANDBOX_CHROOT;
    struct upper_options options = {
        .lower = x->root.files,
        .owners = real ? NULL : &x->result.owners,
        .keep_times = x->b->options->time == BUILD_TIME_REAL,
        .epoch = x->b->epoch,
    };
    builder_unlock(x->b);
    struct err *e = upper_tree(layer, unpacking_dir(x->root.upper), &options);
    builder_lock(x->b);
    return e;
}

static struct err *execute(struct execution *x, unsigned id, bool *empty)
{
    AUTO(tree_free) struct tree *layer = NULL;
    TRY(prepare(x));
    TRY(run(x, id));
    TRY(take_layer(x, &layer));
    x->plan->faked = x->root.way.ids == SANDBOX_FAKE;
    if (x->result.faked)
        event_warn(x->b->options->events,
                   "%s:%u: owners or devices that the command made are root's files in the image",
                   x->b->context.dockerfile_name, x->instr->at.line);
    TRY(stage_add_layer(x->b, x->s, TAKE(layer), NULL, empty));
    if (*empty)
        return NULL;
    struct part *part = x->s->parts.item[x->s->parts.count - 1];
    part->faked = x->plan->faked;
    return x->root.way.overlay ? rootfs_keep(x->b, part, TAKE(x->root.upper)) : run_plain_keep(x->b, part);
}

struct err *run_plan_execute(struct run_plan *plan, struct builder *b, struct stage *s,
                             const struct instr *instr, unsigned id, bool *empty)
{
    AUTO_VALUE(execution_wipe)
    struct execution x = {.b = b, .s = s, .instr = instr, .plan = plan};
    AUTO(mem_free) char *safe = str_safe(instr->text);
    return builder_mistake(b, instr->at, err_wrap(execute(&x, id, empty), "%s", safe));
}
