/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/stepkey.h"

#include "base/lock.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A step, and one thing about it that is otherwise. */
struct world {
    struct build_options options;
    struct builder b;
    struct stage_plan stage_plan;
    struct stage s;
    struct part part[2];
    struct part *parts[2];
    struct run_plan plan;
    struct run_mount mount[2];
    uint32_t groups[1];
};

static struct digest key_with(void (*change)(struct world *w))
{
    struct world w = {.options = {.epoch = 7}, .b = {.cache_dir = -1, .epoch = 7}, .groups = {5}};
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    struct digest key = {0};
    w.b.options = &w.options;
    w.b.lock = lock_new();
    w.s.plan = &w.stage_plan;
    for (size_t i = 0; i < 2; i++) {
        w.part[i].diff_id = digest_of(&i, sizeof i);
        w.parts[i] = &w.part[i];
    }
    w.s.parts = (struct part_list){.item = w.parts, .count = 2};
    w.mount[0] = (struct run_mount){.kind = RUN_CACHE, .target = mem_strdup("/c"), .id = mem_strdup("//c")};
    w.mount[1] = (struct run_mount){.kind = RUN_SECRET, .target = mem_strdup("/s"), .id = mem_strdup("s")};
    w.plan = (struct run_plan){.mount = w.mount, .mount_count = 2, .groups = w.groups, .group_count = 1};
    strlist_add(&w.plan.argv, "make");
    strlist_add(&w.plan.env, "A=1");
    w.plan.cwd = mem_strdup("/");
    w.plan.platform = platform_host();
    builder_lock(&w.b);
    change(&w);
    assert_null(stepkey_make(&r, &w.b, &w.s, &w.plan, STEPKEY_AT_HAND));
    builder_unlock(&w.b);
    assert_null(steprecord_key(&r, &key));
    strmap_wipe(&w.options.run.hosts);
    w.plan.mount = NULL;
    w.plan.groups = NULL;
    w.plan.mount_count = 0;
    run_plan_wipe(&w.plan);
    for (size_t i = 0; i < 2; i++) {
        mem_free(w.mount[i].target);
        mem_free(w.mount[i].id);
    }
    lock_free(w.b.lock);
    return key;
}

static void set(char **place, const char *text)
{
    mem_free(*place);
    *place = mem_strdup(text);
}

#define CHANGE(name, ...)             \
    static void name(struct world *w) \
    {                                 \
        __VA_ARGS__;                  \
    }
CHANGE(nothing, (void)w)
CHANGE(layer, w->part[1].diff_id = w->part[0].diff_id)
CHANGE(fewer_layers, w->s.parts.count = 1)
CHANGE(word, strlist_add(&w->plan.argv, "x"))
CHANGE(split_word, set(&w->plan.argv.item[0], "ma"); strlist_add(&w->plan.argv, "ke"))
CHANGE(variable, set(&w->plan.env.item[0], "A=2"))
CHANGE(more_variables, strlist_add(&w->plan.env, "B="))
CHANGE(directory, set(&w->plan.cwd, "/x"))
CHANGE(user, w->plan.uid = 1)
CHANGE(group, w->plan.gid = 1)
CHANGE(groups, w->plan.group_count = 0)
CHANGE(network, w->plan.network = SANDBOX_NETWORK_NONE)
CHANGE(security, w->plan.insecure = true)
CHANGE(platform, w->plan.platform.architecture[0] = 'x')
CHANGE(script, w->plan.script = mem_strdup("#!/bin/x"))
CHANGE(hostname, w->plan.hostname = mem_strdup("h"))
CHANGE(hosts, strmap_set(&w->options.run.hosts, "h", "1.2.3.4"))
CHANGE(shared_memory, w->options.run.shm_size = 1)
static struct sandbox_limit a_limit = {.what = 7, .soft = 1, .hard = 2};
CHANGE(a_ulimit, w->options.run.limit = &a_limit; w->options.run.limit_count = 1)
CHANGE(epoch, w->b.epoch = 8)
CHANGE(real_time, w->options.time = BUILD_TIME_REAL)
CHANGE(mount_target, set(&w->mount[0].target, "/d"))
CHANGE(mount_id, set(&w->mount[1].id, "t"))
CHANGE(mount_kind, w->mount[0].kind = RUN_TMPFS)
CHANGE(mount_sharing, w->mount[0].sharing = RUN_LOCKED)
CHANGE(mount_required, w->mount[1].required = true)
CHANGE(mount_mode, w->mount[1].mode = 0400)
CHANGE(fewer_mounts, w->plan.mount_count = 1)

CHANGE(proxy, strlist_add(&w->plan.private_env, "http_proxy=x"))
CHANGE(time_limits, w->options.run.step_timeout_ms = 5; w->options.run.build_timeout_ms = 6)
static char elsewhere[] = "/elsewhere";
CHANGE(place, w->b.context.real_path = elsewhere)
CHANGE(workers, w->options.jobs = 7; w->options.layer.level = 9)
CHANGE(history, w->plan.created_by = mem_strdup("RUN x"))
static const struct run_secret a_secret = {.id = NULL, .data = NULL, .data_len = 3};
CHANGE(secret, w->mount[1].secret = &a_secret)

static void what_counts_changes_the_key(void **state)
{
    static void (*const changes[])(struct world *) = {
        nothing,    layer,         fewer_layers, word,         split_word,     variable,      more_variables,
        directory,  user,          group,        groups,       network,        security,      platform,
        script,     hostname,      hosts,        epoch,        real_time,      mount_target,  mount_id,
        mount_kind, mount_sharing, mount_mode,   fewer_mounts, mount_required, shared_memory, a_ulimit,
    };
    struct digest key[ARRAY_LEN(changes)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        key[i] = key_with(changes[i]);
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(&key[i], &key[k]));
    }
}

static void what_does_not_count_leaves_it(void **state)
{
    static void (*const changes[])(struct world *) = {proxy, time_limits, place, workers, history, secret};
    struct digest plain = key_with(nothing);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct digest key = key_with(changes[i]);
        assert_true(digest_equal(&key, &plain));
    }
}

CHANGE(one_cache, set(&w->mount[0].id, "/one"))
CHANGE(another_cache, set(&w->mount[0].id, "space/two"); w->mount[0].sharing = RUN_PRIVATE)
CHANGE(host_here, strmap_set(&w->options.run.hosts, "h", "1.2.3.4"))
CHANGE(host_there, strmap_set(&w->options.run.hosts, "h", "4.3.2.1"))

static void which_cache_and_which_address_do_not_count(void **state)
{
    struct digest one = key_with(one_cache), another = key_with(another_cache);
    struct digest here = key_with(host_here), there = key_with(host_there);
    (void)state;
    assert_true(digest_equal(&one, &another));
    assert_true(digest_equal(&here, &there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts_changes_the_key),
        cmocka_unit_test(what_does_not_count_leaves_it),
        cmocka_unit_test(which_cache_and_which_address_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
