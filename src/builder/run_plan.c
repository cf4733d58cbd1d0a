/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_plan.h"

#include "base/fs.h"
#include "base/mem.h"
#include "builder/rootfs.h"
#include "builder/run_command.h"
#include "builder/run_env.h"
#include "builder/run_files.h"
#include "builder/run_plan_inner.h"
#include "builder/run_user.h"

#include <inttypes.h>
#include <string.h>

static void mount_wipe(struct run_mount *m)
{
    free(m->target);
    free(m->id);
    free(m->env);
    free(m->source);
}

void run_plan_wipe(struct run_plan *plan)
{
    strlist_wipe(&plan->argv);
    strlist_wipe(&plan->env);
    strlist_wipe(&plan->private_env);
    for (size_t i = 0; i < plan->mount_count; i++)
        mount_wipe(&plan->mount[i]);
    free(plan->mount);
    free(plan->cwd);
    free(plan->groups);
    free(plan->script_name);
    free(plan->script);
    free(plan->hostname);
    free(plan->hosts);
    free(plan->created_by);
    *plan = (struct run_plan){0};
}

static struct err *plan_command(struct run_plan *out, struct builder *b, struct stage *s,
                                const struct instr *instr)
{
    AUTO_VALUE(run_command_wipe) struct run_command command = {0};
    TRY(builder_mistake(b, instr->at, run_command_make(&command, instr, &s->config.shell)));
    strlist_copy(&out->argv, &command.argv);
    out->script_name = TAKE(command.script_name);
    out->script = TAKE(command.script);
    out->created_by = run_command_history(&out->argv, &s->args, &s->env);
    return NULL;
}

static struct err *plan_network(struct run_plan *out, const struct run_options *options, const char *wanted)
{
    out->network = options->network;
    if (str_eq(wanted, "none"))
        out->network = SANDBOX_NETWORK_NONE;
    if (!wanted || !str_eq(wanted, "host"))
        return NULL;
    if (options->network != SANDBOX_NETWORK_HOST && !options->allow_host_network)
        return err_hint(err_new(ERR_DENIED, "network.host is not allowed"),
                        "allow it with --allow network.host");
    out->network = SANDBOX_NETWORK_HOST;
    return NULL;
}

static struct err *plan_security(struct run_plan *out, const struct run_options *options, const char *wanted)
{
    out->insecure = wanted && str_eq(wanted, "insecure");
    if (out->insecure && !options->allow_insecure)
        return err_hint(err_new(ERR_DENIED, "security.insecure is not allowed"),
                        "allow it with --allow security.insecure");
    return NULL;
}

/* The last one given; the parser has checked it. */
static const char *flag_value(const struct instr *instr, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < instr->flag.count; i++)
        if (str_eq(instr->flag.item[i].name.text, name))
            value = instr->flag.item[i].value.text;
    return value;
}

static struct err *plan_flags(struct run_plan *out, struct builder *b, struct stage *s,
                              const struct instr *instr)
{
    const struct run_options *options = &b->options->run;
    TRY(builder_mistake(b, instr->at, plan_network(out, options, flag_value(instr, "network"))));
    TRY(builder_mistake(b, instr->at, plan_security(out, options, flag_value(instr, "security"))));
    return run_plan_mounts(out, b, s, instr);
}

static struct err *plan_user(struct run_plan *out, struct builder *b, struct stage *s, char **home)
{
    struct tree *files = NULL;
    AUTO_VALUE(run_user_wipe) struct run_user user = {0};
    const char *name = s->config.user ? s->config.user : "";
    TRY(stage_files(b, s, &files));
    TRY(run_user_find(&user, files, name));
    out->uid = user.uid;
    out->gid = user.gid;
    out->group_count = user.group_count;
    out->groups = TAKE(user.groups);
    *home = TAKE(user.home);
    return NULL;
}

static void plan_hosts(struct run_plan *out, const struct builder *b)
{
    const char *name = strmap_get(&b->plan.build_args, "BUILDKIT_SANDBOX_HOSTNAME");
    out->hostname = mem_strdup(str_empty(name) ? RUN_FILES_HOSTNAME : name);
    out->hosts = run_files_hosts(out->hostname, &b->options->run.hosts);
}

struct err *run_plan_make(struct run_plan *out, struct builder *b, struct stage *s, const struct instr *instr)
{
    AUTO(mem_free) char *home = NULL;
    AUTO_VALUE(run_plan_wipe) struct run_plan plan = {0};
    plan.platform = s->config.platform;
    plan.cwd = mem_strdup(str_empty(s->config.workdir) ? "/" : s->config.workdir);
    TRY(plan_command(&plan, b, s, instr));
    TRY(builder_mistake(b, instr->at, rootfs_foresee(b, s)));
    TRY(builder_mistake(b, instr->at, plan_user(&plan, b, s, &home)));
    struct run_env_options env = {
        .stage = &s->env,
        .build_args = &b->plan.build_args,
        .has_epoch = b->options->time == BUILD_TIME_EPOCH,
        .epoch = b->epoch,
        .home = home,
    };
    run_env_make(&plan.env, &plan.private_env, &env);
    plan_hosts(&plan, b);
    TRY(plan_flags(&plan, b, s, instr));
    *out = plan;
    plan = (struct run_plan){0};
    return NULL;
}
