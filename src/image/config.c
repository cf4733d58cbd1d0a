/* SPDX-License-Identifier: Apache-2.0 */
#include "image/config.h"

#include "base/mem.h"

static struct err *get_text(const json_t *object, const char *key, const char *what, char **out)
{
    const char *text = NULL;
    TRY(json_get_str(object, key, what, &text));
    /* Go writes no empty strings, and reads them as not set. */
    *out = str_empty(text) ? NULL : mem_strdup(text);
    return NULL;
}

/* {"80/tcp": {}, …}: only the keys count. */
static struct err *get_keys(json_t *object, const char *key, const char *what, struct strlist *out)
{
    const json_t *checked = NULL;
    const char *name;
    json_t *value;
    TRY(json_get_object(object, key, what, &checked));
    json_t *set = checked ? json_object_get(object, key) : NULL;
    json_object_foreach (set, name, value) {
        strlist_add(out, name);
    }
    return NULL;
}

static struct err *get_command(const json_t *object, const char *key, const char *what, bool *has,
                               struct strlist *out)
{
    TRY(json_get_strlist(object, key, what, out));
    *has = json_is_array(json_object_get(object, key));
    return NULL;
}

static struct err *get_health(const json_t *config, const char *what, struct config_health **out)
{
    const json_t *object = NULL;
    AUTO(mem_free) char *place = mem_printf("%s: Healthcheck", what);
    TRY(json_get_object(config, "Healthcheck", what, &object));
    if (!object)
        return NULL;
    struct config_health *health = *out = mem_zero(1, sizeof *health);
    TRY(json_get_strlist(object, "Test", place, &health->test));
    TRY(json_get_i64(object, "Interval", place, NULL, &health->interval_ns));
    TRY(json_get_i64(object, "Timeout", place, NULL, &health->timeout_ns));
    TRY(json_get_i64(object, "StartPeriod", place, NULL, &health->start_period_ns));
    TRY(json_get_i64(object, "StartInterval", place, NULL, &health->start_interval_ns));
    return json_get_i64(object, "Retries", place, NULL, &health->retries);
}

static struct err *get_execution(struct config *c, json_t *config, const char *what)
{
    TRY(get_text(config, "User", what, &c->user));
    TRY(get_keys(config, "ExposedPorts", what, &c->ports));
    TRY(json_get_strlist(config, "Env", what, &c->env));
    TRY(get_command(config, "Entrypoint", what, &c->has_entrypoint, &c->entrypoint));
    TRY(get_command(config, "Cmd", what, &c->has_cmd, &c->cmd));
    TRY(get_keys(config, "Volumes", what, &c->volumes));
    TRY(get_text(config, "WorkingDir", what, &c->workdir));
    TRY(json_get_strmap(config, "Labels", what, &c->labels));
    TRY(get_text(config, "StopSignal", what, &c->stop_signal));
    TRY(json_get_bool(config, "ArgsEscaped", what, &c->args_escaped));
    TRY(get_health(config, what, &c->health));
    TRY(json_get_strlist(config, "OnBuild", what, &c->onbuild));
    return json_get_strlist(config, "Shell", what, &c->shell);
}

static struct err *get_rootfs(struct config *c, const json_t *rootfs, const char *what)
{
    const char *type = NULL;
    AUTO_VALUE(strlist_wipe) struct strlist ids = {0};
    TRY(json_get_str(rootfs, "type", what, &type));
    if (type && !str_eq(type, "layers")) {
        AUTO(mem_free) char *safe = str_safe(type);
        return err_new(ERR_INPUT, "%s: key type: expected \"layers\", found \"%s\"", what, safe);
    }
    TRY(json_get_strlist(rootfs, "diff_ids", what, &ids));
    for (size_t i = 0; i < ids.count; i++) {
        struct digest id;
        TRY(err_wrap(digest_parse(&id, ids.item[i]), "%s: diff_ids[%zu]", what, i));
        config_add_diff_id(c, &id);
    }
    return NULL;
}

static json_t *history_copy(const json_t *history)
{
    json_t *copy = history ? json_deep_copy(history) : NULL;
    if (history && !copy)
        mem_exhausted();
    return copy;
}

static struct err *get_history(struct config *c, const json_t *object, const char *what)
{
    const json_t *array = NULL;
    const json_t *entry;
    size_t i;
    TRY(json_get_array(object, "history", what, &array));
    json_array_foreach (array, i, entry) {
        bool empty;
        const char *text;
        AUTO(mem_free) char *place = mem_printf("%s: history[%zu]", what, i);
        if (!json_is_object(entry))
            return err_new(ERR_INPUT, "%s: expected an object", place);
        TRY(json_get_bool(entry, "empty_layer", place, &empty));
        TRY(json_get_str(entry, "created", place, &text));
        TRY(json_get_str(entry, "created_by", place, &text));
    }
    c->history = history_copy(array);
    return NULL;
}

static struct err *get_all(struct config *c, json_t *object, const char *what)
{
    const json_t *part = NULL;
    AUTO(mem_free) char *config = mem_printf("%s: config", what);
    AUTO(mem_free) char *rootfs = mem_printf("%s: rootfs", what);
    TRY(platform_from_json(&c->platform, object, what));
    TRY(get_text(object, "author", what, &c->author));
    TRY(get_text(object, "created", what, &c->created));
    TRY(json_get_object(object, "config", what, &part));
    if (part)
        TRY(get_execution(c, json_object_get(object, "config"), config));
    TRY(json_get_object(object, "rootfs", what, &part));
    if (part)
        TRY(get_rootfs(c, part, rootfs));
    return get_history(c, object, what);
}

struct err *config_parse(struct config *out, const char *data, size_t len, const char *what)
{
    AUTO_VALUE(config_wipe) struct config c = {0};
    AUTO(json_decref) json_t *object = NULL;
    if (len > CONFIG_SIZE_MAX)
        return err_new(ERR_RESOURCE, "%s: %zu bytes; an image's config may have at most %u", what, len,
                       CONFIG_SIZE_MAX);
    TRY(json_parse(&object, data, len, what));
    if (!json_is_object(object))
        return err_new(ERR_INPUT, "%s: expected an image's config (an object)", what);
    TRY(get_all(&c, object, what));
    *out = c;
    c = (struct config){0};
    return NULL;
}

static void put_text(json_t *object, const char *key, const char *text)
{
    if (!str_empty(text))
        json_put(object, key, json_new_str(text));
}

static void put_list(json_t *object, const char *key, const struct strlist *list)
{
    if (list->count)
        json_put(object, key, json_new_strlist(list));
}

static void put_number(json_t *object, const char *key, int64_t number)
{
    if (number)
        json_put(object, key, json_integer(number));
}

static void put_keys(json_t *object, const char *key, const struct strlist *list)
{
    if (!list->count)
        return;
    AUTO_VALUE(strlist_wipe) struct strlist sorted = {0};
    json_t *set = json_object();
    strlist_copy(&sorted, list);
    strlist_sort(&sorted);
    for (size_t i = 0; i < sorted.count; i++)
        json_put(set, sorted.item[i], json_object());
    json_put(object, key, set);
}

static void put_health(json_t *object, const struct config_health *health)
{
    if (!health)
        return;
    json_t *check = json_object();
    put_list(check, "Test", &health->test);
    put_number(check, "Interval", health->interval_ns);
    put_number(check, "Timeout", health->timeout_ns);
    put_number(check, "StartPeriod", health->start_period_ns);
    put_number(check, "StartInterval", health->start_interval_ns);
    put_number(check, "Retries", health->retries);
    json_put(object, "Healthcheck", check);
}

/* The order of the fields of BuildKit's type, each left out when it is empty. */
static json_t *execution(const struct config *c)
{
    json_t *object = json_object();
    put_text(object, "User", c->user);
    put_keys(object, "ExposedPorts", &c->ports);
    put_list(object, "Env", &c->env);
    put_list(object, "Entrypoint", &c->entrypoint);
    put_list(object, "Cmd", &c->cmd);
    put_keys(object, "Volumes", &c->volumes);
    put_text(object, "WorkingDir", c->workdir);
    if (c->labels.count) {
        AUTO_VALUE(strmap_wipe) struct strmap sorted = {0};
        strmap_copy(&sorted, &c->labels);
        strmap_sort(&sorted);
        json_put(object, "Labels", json_new_strmap(&sorted));
    }
    put_text(object, "StopSignal", c->stop_signal);
    if (c->args_escaped)
        json_put(object, "ArgsEscaped", json_true());
    put_health(object, c->health);
    put_list(object, "OnBuild", &c->onbuild);
    put_list(object, "Shell", &c->shell);
    return object;
}

static json_t *rootfs(const struct config *c)
{
    char text[DIGEST_TEXT];
    json_t *object = json_object();
    json_t *ids = json_array();
    for (size_t i = 0; i < c->diff_id_count; i++)
        json_push(ids, json_new_str(digest_text(&c->diff_ids[i], text)));
    json_put(object, "type", json_new_str("layers"));
    json_put(object, "diff_ids", ids);
    return object;
}

char *config_bytes(const struct config *c)
{
    AUTO(json_decref) json_t *object = json_object();
    /* BuildKit passes the outer object through a Go map at last, which sorts its keys; the inner ones keep
     * their order. */
    json_put(object, "architecture", json_new_str(c->platform.architecture));
    put_text(object, "author", c->author);
    json_put(object, "config", execution(c));
    put_text(object, "created", c->created);
    if (json_array_size(c->history))
        json_put(object, "history", json_incref(c->history));
    put_text(object, "lade.cache", c->cache);
    json_put(object, "os", json_new_str(c->platform.os));
    put_text(object, "os.version", c->platform.os_version);
    json_put(object, "rootfs", rootfs(c));
    put_text(object, "variant", c->platform.variant);
    return json_text(object);
}

static void health_free(struct config_health *health)
{
    if (!health)
        return;
    strlist_wipe(&health->test);
    free(health);
}

static struct config_health *health_copy(const struct config_health *health)
{
    if (!health)
        return NULL;
    struct config_health *copy = mem_dup(health, sizeof *health);
    copy->test = (struct strlist){0};
    strlist_copy(&copy->test, &health->test);
    return copy;
}

void config_copy(struct config *to, const struct config *from)
{
    struct config copy = {
        .platform = from->platform,
        .author = mem_strdup(from->author),
        .created = mem_strdup(from->created),
        .user = mem_strdup(from->user),
        .workdir = mem_strdup(from->workdir),
        .stop_signal = mem_strdup(from->stop_signal),
        .has_entrypoint = from->has_entrypoint,
        .has_cmd = from->has_cmd,
        .health = health_copy(from->health),
        .args_escaped = from->args_escaped,
        .history = history_copy(from->history),
    };
    strlist_copy(&copy.env, &from->env);
    strlist_copy(&copy.entrypoint, &from->entrypoint);
    strlist_copy(&copy.cmd, &from->cmd);
    strlist_copy(&copy.ports, &from->ports);
    strlist_copy(&copy.volumes, &from->volumes);
    strmap_copy(&copy.labels, &from->labels);
    strlist_copy(&copy.onbuild, &from->onbuild);
    strlist_copy(&copy.shell, &from->shell);
    for (size_t i = 0; i < from->diff_id_count; i++)
        config_add_diff_id(&copy, &from->diff_ids[i]);
    config_wipe(to);
    *to = copy;
}

void config_wipe(struct config *c)
{
    free(c->author);
    free(c->created);
    free(c->user);
    free(c->workdir);
    free(c->stop_signal);
    strlist_wipe(&c->env);
    strlist_wipe(&c->entrypoint);
    strlist_wipe(&c->cmd);
    strlist_wipe(&c->ports);
    strlist_wipe(&c->volumes);
    strmap_wipe(&c->labels);
    strlist_wipe(&c->onbuild);
    strlist_wipe(&c->shell);
    health_free(c->health);
    free(c->diff_ids);
    json_decref(c->history);
    free(c->cache);
    *c = (struct config){0};
}
