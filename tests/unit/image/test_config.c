/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/str.h"
#include "image/config.h"

/* All that lade knows, in the order in which BuildKit writes it. */
static const char full[] =
    "{\"architecture\":\"arm64\",\"author\":\"me\",\"config\":{\"User\":\"1000\",\"ExposedPorts\":{\"443/"
    "tcp\":{},\"80/tcp\":{}},\"Env\":[\"PATH=/bin\",\"A=b=c\"],\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",\"b\"],"
    "\"Volumes\":{\"/a\":{},\"/b\":{}},\"WorkingDir\":\"/"
    "w\",\"Labels\":{\"k\":\"v\",\"l\":\"\"},\"StopSignal\":"
    "\"SIGTERM\",\"ArgsEscaped\":true,\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":"
    "1000000000,"
    "\"Timeout\":2,\"StartPeriod\":3,\"StartInterval\":4,\"Retries\":5},\"OnBuild\":[\"RUN "
    "x\"],\"Shell\":[\"/"
    "bin/bash\",\"-c\"]},\"created\":\"2024-01-02T03:04:05Z\",\"history\":[{\"created_by\":\"x\",\"own\":1},{"
    "\"created\":\"2024-01-02T03:04:05Z\",\"created_by\":\"COPY . / # "
    "buildkit\",\"comment\":\"buildkit.dockerfile.v0\"}],\"os\":\"linux\",\"os.version\":\"1\",\"rootfs\":{"
    "\"type\":"
    "\"layers\",\"diff_ids\":[\"" DIGEST_A "\",\"" DIGEST_B "\"]},\"variant\":\"v8\"}";

static void round_trip(void **state)
{
    AUTO_VALUE(config_wipe) struct config c = {0}, copy = {0};
    (void)state;
    ok(config_parse(&c, full, strlen(full), "config"));
    config_copy(&copy, &c);
    config_wipe(&c);
    AUTO(mem_free) char *text = config_bytes(&copy);
    assert_string_equal(text, full);
    assert_int_equal(copy.health->interval_ns, 1000000000);
    assert_true(copy.has_cmd);
}

static void builds(void **state)
{
    AUTO_VALUE(config_wipe) struct config c = {0};
    struct digest a = digest_from(DIGEST_A);
    (void)state;
    AUTO(mem_free) char *empty = config_bytes(&c);
    assert_string_equal(empty,
                        "{\"architecture\":\"\",\"config\":{},\"os\":\"\",\"rootfs\":{\"type\":\"layers\","
                        "\"diff_ids\":[]}}");
    ok(platform_parse(&c.platform, "linux/amd64"));
    c.created = config_time_text(0, 0);
    c.has_entrypoint = true;
    strlist_add(&c.ports, "9/udp");
    strlist_add(&c.ports, "10/tcp");
    strmap_set(&c.labels, "b", "<&>");
    strmap_set(&c.labels, "a", "\xff");
    c.health = mem_zero(1, sizeof *c.health);
    config_add_diff_id(&c, &a);
    config_add_history(&c, "1970-01-01T00:00:00Z", "ENV A=1", "buildkit.dockerfile.v0", NULL, true);
    config_add_history(&c, NULL, "COPY", NULL, "me", false);
    AUTO(mem_free) char *text = config_bytes(&c);
    assert_string_equal(
        text,
        "{\"architecture\":\"amd64\",\"config\":{\"ExposedPorts\":{\"10/tcp\":{},\"9/udp\":{}},\"Labels\":{"
        "\"a\":\"\xef\xbf\xbd\",\"b\":\"<&>\"},\"Healthcheck\":{}},\"created\":\"1970-01-01T00:00:00Z\","
        "\"history\":[{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"ENV "
        "A=1\",\"comment\":\"buildkit."
        "dockerfile.v0\",\"empty_layer\":true},{\"created_by\":\"COPY\",\"author\":\"me\"}],\"os\":\"linux\","
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST_A "\"]}}");
}

static void takes_what_others_write(void **state)
{
    static const char *const rows[] = {
        "{}",
        "{\"config\":null,\"rootfs\":null,\"history\":null}",
        "{\"config\":{\"Entrypoint\":null,\"Cmd\":[],\"Labels\":null,\"Volumes\":null,\"Healthcheck\":null,"
        "\"Hostname\":\"x\",\"Env\":[\"ODD\"]},\"container_config\":{\"Cmd\":1},\"docker_version\":\"1\"}",
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null},\"history\":[{\"created\":\"x\"}]}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(config_wipe) struct config c = {0};
        ok(config_parse(&c, rows[i], strlen(rows[i]), "config"));
        assert_false(c.has_entrypoint);
        assert_int_equal(c.has_cmd, i == 2);
    }
}

static void refuses(void **state)
{
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"[]", "expected an image's config"},
        {"{", "c: line 1"},
        {"{\"config\":[]}", "key config"},
        {"{\"config\":{\"Cmd\":\"sh\"}}", "c: config: key Cmd"},
        {"{\"config\":{\"Env\":[1]}}", "c: config: key Env"},
        {"{\"config\":{\"Env\":[\"a\\u0000b\"]}}", "c: "},
        {"{\"config\":{\"ExposedPorts\":[]}}", "key ExposedPorts"},
        {"{\"config\":{\"Labels\":{\"a\":{}}}}", "key Labels"},
        {"{\"config\":{\"Healthcheck\":{\"Interval\":\"1s\"}}}", "Healthcheck: key Interval"},
        {"{\"config\":{},\"config\":{}}", "c: "},
        {"{\"architecture\":1}", "key architecture"},
        {"{\"architecture\":\"a/../b\"}", "key architecture"},
        {"{\"rootfs\":{\"type\":\"tree\"}}", "expected \"layers\", found \"tree\""},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:x\"]}}", "diff_ids[0]"},
        {"{\"history\":{}}", "key history"},
        {"{\"history\":[1]}", "history[0]: expected an object"},
        {"{\"history\":[{\"empty_layer\":\"no\"}]}", "history[0]: key empty_layer"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(config_wipe) struct config c = {0};
        refused(config_parse(&c, rows[i].text, strlen(rows[i].text), "c"), ERR_INPUT, rows[i].part);
    }
    AUTO_VALUE(config_wipe) struct config c = {0};
    AUTO(mem_free) char *large = mem_zero(1, CONFIG_SIZE_MAX + 1);
    refused(config_parse(&c, large, CONFIG_SIZE_MAX + 1, "c"), ERR_RESOURCE, "at most 4194304");
}

static void environment(void **state)
{
    AUTO_VALUE(config_wipe) struct config c = {0};
    (void)state;
    strlist_add(&c.env, "ODD");
    config_env_set(&c, "PATH", "/a");
    config_env_set(&c, "PAT", "=x");
    config_env_set(&c, "PATH", "/b");
    assert_int_equal(c.env.count, 3);
    assert_string_equal(c.env.item[1], "PATH=/b");
    assert_string_equal(config_env_get(&c, "PAT"), "=x");
    assert_string_equal(config_env_get(&c, "ODD"), "");
    assert_null(config_env_get(&c, "NO"));
    config_env_set(&c, "ODD", "1");
    assert_string_equal(c.env.item[0], "ODD=1");
}

static void times(void **state)
{
    static const struct {
        int64_t seconds;
        uint32_t ns;
        const char *text;
    } rows[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {315532800, 0, "1980-01-01T00:00:00Z"},
        {1704164645, 120000000, "2024-01-02T03:04:05.12Z"},
        {1704164645, 1, "2024-01-02T03:04:05.000000001Z"},
        {-1, 0, "1969-12-31T23:59:59Z"},
        {INT64_MAX, 0, "9999-12-31T23:59:59Z"},
        {INT64_MIN, 0, "0001-01-01T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = config_time_text(rows[i].seconds, rows[i].ns);
        assert_string_equal(text, rows[i].text);
    }
}

static void reads_times(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t seconds;
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2024-01-02T03:04:05.120000001Z", true, 1704164645},
        {"2024-01-02t03:04:05z", true, 1704164645},
        {"2024-01-02T05:04:05+02:00", true, 1704164645},
        {"2024-01-01T23:34:05.5-03:30", true, 1704164645},
        {"2024-02-29T00:00:00Z", true, 1709164800},
        {"0001-01-01T00:00:00Z", true, INT64_C(-62135596800)},
        {"", false, 0},
        {"2024", false, 0},
        {"2024-01-02", false, 0},
        {"2024-01-02T03:04:05", false, 0},
        {"2024-01-02T03:04:05.Z", false, 0},
        {"2024-01-02T03:04:05Zx", false, 0},
        {"2024-01-02T03:04:05+2:00", false, 0},
        {"2024-01-02T03:04:05+0200", false, 0},
        {"2024-13-02T03:04:05Z", false, 0},
        {"2024-00-02T03:04:05Z", false, 0},
        {"2024-01-32T03:04:05Z", false, 0},
        {"2024-01-02T24:04:05Z", false, 0},
        {"-024-01-02T03:04:05Z", false, 0},
        {" 2024-01-02T03:04:05Z", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t seconds = 0;
        bool good = config_time_parse(rows[i].text, &seconds);
        if (good != rows[i].good || seconds != rows[i].seconds)
            fail_msg("%s: %d, %lld", rows[i].text, good, (long long)seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(builds),
        cmocka_unit_test(takes_what_others_write),
        cmocka_unit_test(refuses),
        cmocka_unit_test(environment),
        cmocka_unit_test(times),
        cmocka_unit_test(reads_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
