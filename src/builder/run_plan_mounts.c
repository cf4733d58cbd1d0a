/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "builder/rootfs.h"
#include "builder/run_plan_inner.h"
#include "builder/stage.h"

#include <string.h>

#define SECRETS_FOLDER "/run/secrets/"
#define AGENT_TARGET "/run/buildkit/ssh_agent."
#define AGENT_VARIABLE "SSH_AUTH_SOCK"
#define AGENT_DEFAULT "default"

/* One flag of one RUN. */
struct planning {
    struct run_plan *plan;
    struct builder *b;
    struct stage *s;
    const struct word *flag;
    unsigned agents; /* so far */
};

static struct err *expand(void *ctx, const char *value, char **out)
{
    struct planning *p = ctx;
    AUTO(mem_free) char *text = mem_strdup(value);
    struct word word = {.text = text, .at = p->flag->at};
    return stage_expand(p->b, p->s, &word, out);
}

/* Absolute and clean; relative ones are from the working directory. */
static char *absolute(const struct planning *p, const char *target)
{
    AUTO(mem_free) char *joined = path_join(p->plan->cwd, target ? target : "");
    return path_clean(joined);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static struct err *find_files(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    AUTO(mem_free) char *rooted = mem_printf("/%s", flag->source ? flag->source : "");
    AUTO(mem_free) char *clean = path_clean(rooted);
    m->source = mem_strdup(clean + 1);
    m->files = p->b->context.files;
    if (flag->from) {
        struct word from = {.text = flag->from, .at = p->flag->at};
        TRY(stage_source(p->b, p->s, &from, &m->from));
        TRY(rootfs_foresee(p->b, m->from));
        TRY(stage_files(p->b, m->from, &m->files));
    }
    TRY(tree_lookup(m->files, m->source, true, &m->node));
    AUTO(mem_free) char *safe = str_safe(clean);
    if (!m->node) {
        struct err *e = err_new(ERR_NOT_FOUND, "mount %s: \"%s\": not found", m->target, safe);
        return !m->from && p->b->context.ignore ? err_hint(e, "the ignore file may hide it") : e;
    }
    if (m->node->type != NODE_DIR && m->node->type != NODE_FILE)
        return err_new(ERR_INPUT, "mount %s: \"%s\" is neither a directory nor a regular file", m->target,
                       safe);
    return NULL;
}

static void take_owner(struct run_mount *m, const struct run_mount_flag *flag, uint32_t mode)
{
    m->has_mode = flag->has_mode;
    m->has_uid = flag->has_uid;
    m->has_gid = flag->has_gid;
    m->mode = flag->has_mode ? flag->mode : mode;
    m->uid = flag->uid;
    m->gid = flag->gid;
}

static struct err *take_target(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    m->target = absolute(p, flag->target);
    return str_eq(m->target, "/") ? err_new(ERR_INPUT, "invalid mount target \"/\"") : NULL;
}

static struct err *plan_bind(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    TRY(take_target(p, flag, m));
    return find_files(p, flag, m);
}

static struct err *plan_cache(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    TRY(take_target(p, flag, m));
    const char *space = strmap_get(&p->b->plan.build_args, "BUILDKIT_CACHE_MOUNT_NS");
    AUTO(mem_free) char *clean = path_clean(flag->target ? flag->target : "");
    m->id = mem_printf("%s/%s", space ? space : "", flag->id ? flag->id : clean);
    m->sharing = flag->sharing;
    take_owner(m, flag, 0755);
    return flag->from ? find_files(p, flag, m) : NULL;
}

static struct err *plan_tmpfs(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    m->size = flag->size;
    return take_target(p, flag, m);
}

static const struct run_secret *find_secret(const struct run_options *options, const char *id)
{
    for (size_t i = 0; i < options->secret_count; i++)
        if (str_eq(options->secret[i].id, id))
            return &options->secret[i];
    return NULL;
}

static struct err *add_secret_variable(struct planning *p, const struct run_mount *m)
{
    if (memchr(m->secret->data, '\0', m->secret->data_len))
        return err_new(ERR_INPUT, "secret %s: it has a NUL byte and cannot be a variable", m->id);
    AUTO(mem_free) char *value = mem_strndup(m->secret->data, m->secret->data_len);
    strlist_add_take(&p->plan->private_env, mem_printf("%s=%s", m->env, value));
    return NULL;
}

static struct err *plan_secret(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    const char *id = flag->source ? flag->source : flag->id ? flag->id : base_name(flag->target);
    m->id = mem_strdup(id);
    m->required = flag->required;
    m->read_only = true;
    take_owner(m, flag, 0400);
    AUTO(mem_free) char *usual = mem_printf(SECRETS_FOLDER "%s", base_name(id));
    if (flag->target || !flag->env)
        m->target = absolute(p, flag->target ? flag->target : usual);
    if (flag->env)
        m->env = mem_strdup(*flag->env ? flag->env : id);
    if (m->target && str_eq(m->target, "/"))
        return err_new(ERR_INPUT, "invalid mount target \"/\"");
    m->secret = find_secret(&p->b->options->run, id);
    AUTO(mem_free) char *safe = str_safe(id);
    if (!m->secret && m->required)
        return err_hint(err_new(ERR_NOT_FOUND, "secret %s: not found", safe),
                        "give it with --secret id=%s,src=FILE", safe);
    return m->secret && m->env ? add_secret_variable(p, m) : NULL;
}

static const struct run_agent *find_agent(const struct run_options *options, const char *id)
{
    for (size_t i = 0; i < options->agent_count; i++)
        if (str_eq(options->agent[i].id, id))
            return &options->agent[i];
    return NULL;
}

static bool has_variable(const struct strlist *env, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < env->count; i++)
        if (strncmp(env->item[i], name, len) == 0 && env->item[i][len] == '=')
            return true;
    return false;
}

static struct err *plan_agent(struct planning *p, const struct run_mount_flag *flag, struct run_mount *m)
{
    AUTO(mem_free) char *usual = mem_printf(AGENT_TARGET "%u", p->agents++);
    m->id = mem_strdup(flag->id ? flag->id : AGENT_DEFAULT);
    m->required = flag->required;
    take_owner(m, flag, 0600);
    m->target = absolute(p, flag->target ? flag->target : usual);
    if (str_eq(m->target, "/"))
        return err_new(ERR_INPUT, "invalid mount target \"/\"");
    if (!has_variable(&p->plan->env, AGENT_VARIABLE) && !has_variable(&p->plan->private_env, AGENT_VARIABLE))
        strlist_add_take(&p->plan->private_env, mem_printf(AGENT_VARIABLE "=%s", m->target));
    m->agent = find_agent(&p->b->options->run, m->id);
    AUTO(mem_free) char *safe = str_safe(m->id);
    if (!m->agent && m->required)
        return err_hint(err_new(ERR_NOT_FOUND, "no SSH key \"%s\" forwarded from the client", safe),
                        "give an agent with --ssh %s=SOCKET, or --ssh %s for $SSH_AUTH_SOCK", safe, safe);
    return NULL;
}

static struct err *plan_mount(struct planning *p)
{
    static struct err *(*const plan[])(struct planning *, const struct run_mount_flag *,
                                       struct run_mount *) = {
        [RUN_BIND] = plan_bind,     [RUN_CACHE] = plan_cache, [RUN_TMPFS] = plan_tmpfs,
        [RUN_SECRET] = plan_secret, [RUN_SSH] = plan_agent,
    };
    AUTO_VALUE(run_mount_flag_wipe) struct run_mount_flag flag = {0};
    const struct run_expander expander = {.expand = expand, .ctx = p};
    TRY(run_mount_flag_parse(&flag, p->flag->text, &expander));
    struct run_plan *out = p->plan;
    MEM_PUSH(out->mount, out->mount_count, out->mount_room,
             (struct run_mount){.kind = flag.kind, .read_only = flag.read_only});
    return plan[flag.kind](p, &flag, &out->mount[out->mount_count - 1]);
}

static int by_target(const void *a, const void *b)
{
    const struct run_mount *left = a, *right = b;
    return strcmp(left->target ? left->target : "", right->target ? right->target : "");
}

/* Of two at the same place the later one counts. */
static struct err *check_targets(const struct run_plan *plan)
{
    for (size_t i = 1; i < plan->mount_count; i++) {
        const char *target = plan->mount[i].target;
        if (target && str_eq(plan->mount[i - 1].target, target)) {
            AUTO(mem_free) char *safe = str_safe(target);
            return err_new(ERR_INPUT, "two mounts have the target %s", safe);
        }
    }
    return NULL;
}

struct err *run_plan_mounts(struct run_plan *out, struct builder *b, struct stage *s,
                            const struct instr *instr)
{
    struct planning p = {.plan = out, .b = b, .s = s};
    for (size_t i = 0; i < instr->flag.count; i++) {
        const struct flag *flag = &instr->flag.item[i];
        if (!str_eq(flag->name.text, "mount") || !flag->value.text)
            continue;
        p.flag = &flag->value;
        TRY(builder_mistake(b, flag->value.at, plan_mount(&p)));
    }
    if (out->mount_count > 0)
        qsort(out->mount, out->mount_count, sizeof *out->mount, by_target);
    return builder_mistake(b, instr->at, check_targets(out));
}
