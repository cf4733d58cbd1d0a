/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/spec_wire.h"

#include "base/mem.h"

#include <stdlib.h>

static void put_list(struct buf *b, const struct strlist *list)
{
    wire_put_u64(b, list->count);
    for (size_t i = 0; i < list->count; i++)
        wire_put_text(b, list->item[i]);
}

static void get_list(struct strlist *out, struct wire_in *in)
{
    size_t count = wire_get_count(in);

    for (size_t i = 0; i < count && !in->bad; i++) {
        char *text = wire_get_text(in);
        if (!text)
            in->bad = true;
        else
            strlist_add_take(out, text);
    }
}

static void put_owners(struct buf *b, const struct owner_list *list)
{
    wire_put_u64(b, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct owner *o = &list->item[i];
        wire_put_text(b, o->path);
        wire_put_u64(b, o->uid);
        wire_put_u64(b, o->gid);
        wire_put_u64(b, o->device_type);
        wire_put_u64(b, o->device_major);
        wire_put_u64(b, o->device_minor);
    }
}

static void get_owners(struct owner_list *out, struct wire_in *in)
{
    size_t count = wire_get_count(in);

    for (size_t i = 0; i < count && !in->bad; i++) {
        AUTO(mem_free) char *path = wire_get_text(in);
        if (!path) {
            in->bad = true;
            return;
        }
        struct owner *o = owner_list_add(out, path);
        o->uid = (uint32_t)wire_get_u64(in);
        o->gid = (uint32_t)wire_get_u64(in);
        o->device_type = (uint32_t)wire_get_u64(in);
        o->device_major = (uint32_t)wire_get_u64(in);
        o->device_minor = (uint32_t)wire_get_u64(in);
    }
}

static void put_mount(struct buf *b, const struct sandbox_mount *m)
{
    wire_put_u64(b, m->kind);
    wire_put_text(b, m->source);
    wire_put_text(b, m->target);
    wire_put_u64(b, m->read_only);
    wire_put_u64(b, m->secret);
    wire_put_bytes(b, m->data, m->data_len);
    wire_put_u64(b, m->size);
    wire_put_u64(b, m->mode);
    wire_put_u64(b, m->uid);
    wire_put_u64(b, m->gid);
    put_owners(b, &m->owners);
    wire_put_u64(b, m->keeps_owners);
}

static void get_mount(struct sandbox_mount *m, struct wire_in *in)
{
    m->kind = (enum sandbox_mount_kind)wire_get_u64(in);
    m->source = wire_get_text(in);
    m->target = wire_get_text(in);
    m->read_only = wire_get_u64(in) != 0;
    m->secret = wire_get_u64(in) != 0;
    m->data = wire_get_bytes(in, &m->data_len);
    m->size = wire_get_u64(in);
    m->mode = (uint32_t)wire_get_u64(in);
    m->uid = (uint32_t)wire_get_u64(in);
    m->gid = (uint32_t)wire_get_u64(in);
    get_owners(&m->owners, in);
    m->keeps_owners = wire_get_u64(in) != 0;
}

static void put_command(struct buf *b, const struct sandbox_spec *spec)
{
    put_list(b, &spec->argv);
    put_list(b, &spec->env);
    wire_put_text(b, spec->cwd);
    wire_put_u64(b, spec->uid);
    wire_put_u64(b, spec->gid);
    wire_put_bytes(b, spec->groups, spec->group_count * sizeof *spec->groups);
}

static void get_command(struct sandbox_spec *spec, struct wire_in *in)
{
    size_t len;

    get_list(&spec->argv, in);
    get_list(&spec->env, in);
    spec->cwd = wire_get_text(in);
    spec->uid = (uint32_t)wire_get_u64(in);
    spec->gid = (uint32_t)wire_get_u64(in);
    spec->groups = (const uint32_t *)(const void *)wire_get_bytes(in, &len);
    spec->group_count = len / sizeof *spec->groups;
}

static void put_limits(struct buf *b, const struct sandbox_spec *spec)
{
    wire_put_u64(b, spec->limit_count);
    for (size_t i = 0; i < spec->limit_count; i++) {
        wire_put_u64(b, (uint64_t)spec->limit[i].what);
        wire_put_u64(b, spec->limit[i].soft);
        wire_put_u64(b, spec->limit[i].hard);
    }
}

static void get_limits(struct sandbox_spec *spec, struct wire_in *in)
{
    spec->limit_count = wire_get_count(in);
    spec->limit = mem_zero(spec->limit_count + 1, sizeof *spec->limit);
    for (size_t i = 0; i < spec->limit_count; i++) {
        spec->limit[i].what = (int)wire_get_u64(in);
        spec->limit[i].soft = wire_get_u64(in);
        spec->limit[i].hard = wire_get_u64(in);
    }
}

void spec_wire_put(struct buf *b, const struct sandbox_spec *spec)
{
    wire_put_u64(b, spec->way.ids);
    wire_put_u64(b, spec->way.overlay);
    wire_put_u64(b, spec->way.own_proc);
    put_list(b, &spec->lower);
    wire_put_text(b, spec->upper);
    wire_put_text(b, spec->work);
    wire_put_text(b, spec->root);
    put_owners(b, &spec->owners);
    put_command(b, spec);
    wire_put_text(b, spec->hostname);
    wire_put_u64(b, spec->network);
    wire_put_u64(b, spec->insecure);
    wire_put_u64(b, spec->init);
    wire_put_u64(b, spec->mount_count);
    for (size_t i = 0; i < spec->mount_count; i++)
        put_mount(b, &spec->mount[i]);
    wire_put_u64(b, spec->shm_size);
    put_limits(b, spec);
    wire_put_u64(b, spec->timeout_ms);
    wire_put_text(b, spec->emulator);
    wire_put_text(b, spec->binfmt);
}

struct err *spec_wire_get(struct sandbox_spec *out, struct wire_in *in)
{
    *out = (struct sandbox_spec){.cancel_fd = -1};
    out->way.ids = (enum sandbox_ids)wire_get_u64(in);
    out->way.overlay = wire_get_u64(in) != 0;
    out->way.own_proc = wire_get_u64(in) != 0;
    get_list(&out->lower, in);
    out->upper = wire_get_text(in);
    out->work = wire_get_text(in);
    out->root = wire_get_text(in);
    get_owners(&out->owners, in);
    get_command(out, in);
    out->hostname = wire_get_text(in);
    out->network = (enum sandbox_network)wire_get_u64(in);
    out->insecure = wire_get_u64(in) != 0;
    out->init = wire_get_u64(in) != 0;
    out->mount_count = wire_get_count(in);
    out->mount = mem_zero(out->mount_count + 1, sizeof *out->mount);
    for (size_t i = 0; i < out->mount_count; i++)
        get_mount(&out->mount[i], in);
    out->shm_size = wire_get_u64(in);
    get_limits(out, in);
    out->timeout_ms = wire_get_u64(in);
    out->emulator = wire_get_text(in);
    out->binfmt = wire_get_text(in);
    if (in->bad || in->left != 0 || out->argv.count == 0 || !out->root || !out->cwd)
        return err_new(ERR_INTERNAL, "a request to the sandbox is damaged");
    return NULL;
}

void result_wire_put(struct buf *b, const struct sandbox_result *result, const struct err *why)
{
    wire_put_err(b, why);
    wire_put_u64(b, (uint64_t)result->status);
    wire_put_u64(b, result->timed_out);
    wire_put_u64(b, result->faked);
    put_owners(b, &result->owners);
    wire_put_u64(b, result->mount_count);
    for (size_t i = 0; i < result->mount_count; i++)
        put_owners(b, &result->mount[i]);
}

struct err *result_wire_get(struct sandbox_result *out, struct wire_in *in)
{
    struct err *why = wire_get_err(in);

    out->status = (int)wire_get_u64(in);
    out->timed_out = wire_get_u64(in) != 0;
    out->faked = wire_get_u64(in) != 0;
    get_owners(&out->owners, in);
    out->mount_count = wire_get_count(in);
    if (out->mount_count > 0)
        out->mount = mem_zero(out->mount_count, sizeof *out->mount);
    for (size_t i = 0; i < out->mount_count; i++)
        get_owners(&out->mount[i], in);
    if (!why && (in->bad || in->left != 0))
        return err_new(ERR_INTERNAL, "an answer of the sandbox is damaged");
    return why;
}

void sandbox_result_wipe(struct sandbox_result *result)
{
    owner_list_wipe(&result->owners);
    for (size_t i = 0; i < result->mount_count; i++)
        owner_list_wipe(&result->mount[i]);
    free(result->mount);
    *result = (struct sandbox_result){0};
}
