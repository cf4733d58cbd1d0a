/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "builder/run_flags.h"

/* "$X" anywhere becomes "cache". */
static struct err *expand(void *ctx, const char *value, char **out)
{
    (void)ctx;
    *out = mem_strdup(str_eq(value, "$X") ? "cache" : value);
    return NULL;
}

static const struct run_expander expander = {.expand = expand};

static void reads(void **state)
{
    static const struct {
        const char *text;
        enum run_mount_kind kind;
        const char *source, *target;
        bool read_only;
    } rows[] = {
        {"target=/context", RUN_BIND, NULL, "/context", true},
        {"type=bind,src=a,dst=/b,rw", RUN_BIND, "a", "/b", false},
        {"TYPE=bind,source=a,destination=/b,readwrite=false", RUN_BIND, "a", "/b", true},
        {"target=/b,ro=false", RUN_BIND, NULL, "/b", false},
        {"type=cache,target=/c", RUN_CACHE, NULL, "/c", false},
        {"type=$X,target=/c,readonly", RUN_CACHE, NULL, "/c", true},
        {"type=CACHE,target=/c,sharing=Locked,mode=0751,uid=1,gid=2", RUN_CACHE, NULL, "/c", false},
        {"type=tmpfs,target=/t,size=128m", RUN_TMPFS, NULL, "/t", false},
        {"type=secret,id=s", RUN_SECRET, NULL, NULL, true},
        {"type=secret,target=/x,required", RUN_SECRET, NULL, "/x", true},
        {"type=ssh", RUN_SSH, NULL, NULL, true},
        {"\"target=/a,b\"", RUN_BIND, NULL, "/a,b", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(run_mount_flag_wipe) struct run_mount_flag m = {0};
        check_ok(run_mount_flag_parse(&m, rows[i].text, &expander));
        if (m.kind != rows[i].kind || !str_eq(m.source, rows[i].source) ||
            !str_eq(m.target, rows[i].target) || m.read_only != rows[i].read_only)
            fail_msg("%s", rows[i].text);
    }
}

static void reads_numbers(void **state)
{
    AUTO_VALUE(run_mount_flag_wipe) struct run_mount_flag m = {0};
    (void)state;
    check_ok(
        run_mount_flag_parse(&m, "type=cache,id=i,from=a,sharing=private,mode=0751,uid=3,gid=4", &expander));
    assert_string_equal(m.id, "i");
    assert_string_equal(m.from, "a");
    assert_int_equal(m.sharing, RUN_PRIVATE);
    assert_int_equal(m.mode, 0751);
    assert_int_equal(m.uid, 3);
    assert_int_equal(m.gid, 4);
    run_mount_flag_wipe(&m);
    check_ok(run_mount_flag_parse(&m, "type=tmpfs,target=/t,size=2k", &expander));
    assert_int_equal(m.size, 2048);
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *message, *hint;
    } rows[] = {
        {"typ=tmpfs", "unexpected key 'typ' in 'typ=tmpfs'", "did you mean type?"},
        {"type=tmp", "unsupported mount type \"tmp\"", "did you mean tmpfs?"},
        {"type=cache,sharing=lock", "unsupported sharing value \"lock\"", NULL},
        {"target", "invalid field 'target' must be a key=value pair", NULL},
        {"required", "unexpected key 'required' for mount type 'bind'", NULL},
        {"type=ssh,required=maybe", "invalid value for required: maybe", NULL},
        {"target=/x,size=1", "unexpected key 'size' for mount type 'bind'", NULL},
        {"type=tmpfs,size=much", "invalid value for size: much", NULL},
        {"type=cache,mode=8", "invalid value 8 for mode", NULL},
        {"type=cache,uid=-1", "invalid value -1 for uid", NULL},
        {"type=tmpfs,mode=1", "mode not allowed for \"tmpfs\" type mounts", NULL},
        {"uid=1", "uid not allowed for \"bind\" type mounts", NULL},
        {"gid=1", "gid not allowed for \"bind\" type mounts", NULL},
        {"type=secret", "invalid secret mount. one of source, target required", NULL},
        {"type=secret,id=a,from=b", "secret mount should not have a from", NULL},
        {"type=secret,id=a,sharing=shared", "secret mount should not define sharing", NULL},
        {"type=secret,id=a,src=b", "both source and id can't be set", NULL},
        {"type=ssh,src=b", "ssh does not support source", NULL},
        {"type=tmpfs,sharing=shared", "invalid cache sharing set for tmpfs mount", NULL},
        {"\"target=/x", "failed to parse csv mounts: a closing \" is missing", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run_mount_flag m = {0};
        AUTO(err_free) struct err *e = run_mount_flag_parse(&m, rows[i].text, &expander);
        if (!e || err_kind_of(e) != ERR_INPUT || !str_eq(err_message(e), rows[i].message))
            fail_msg("%s: %s", rows[i].text, e ? err_message(e) : "no error");
        if (rows[i].hint)
            assert_string_equal(err_hint_of(e), rows[i].hint);
    }
}

static void finds_stages_before_expansion(void **state)
{
    AUTO(mem_free) char *from = NULL;
    (void)state;
    check_ok(run_mount_flag_check("type=$X,From=build,target=$Y", &from));
    assert_string_equal(from, "build");
    free(TAKE(from));
    AUTO(err_free) struct err *e = run_mount_flag_check("from=$ttt,target=/tmp", &from);
    assert_non_null(e);
    assert_string_equal(err_message(e),
                        "'from' doesn't support variable expansion, define alias stage instead");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(refuses),
        cmocka_unit_test(finds_stages_before_expansion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
