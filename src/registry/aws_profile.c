/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/aws_profile.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "registry/cloud_ask.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* "profile dev" of "[profile dev] # mine"; NULL when it is no such line. */
static char *section_of(const char *line)
{
    const char *end = strchr(line, ']');
    if (*line != '[' || !end)
        return NULL;
    AUTO(mem_free) char *inside = mem_strndup(line + 1, (size_t)(end - line - 1));
    return str_trim(inside);
}

static bool is_section(const char *section, const char *name, bool config)
{
    static const char prefix[] = "profile";
    size_t len = strlen(prefix);
    if (config && str_starts(section, prefix) && str_is_space(section[len])) {
        AUTO(mem_free) char *rest = str_trim(section + len);
        return str_eq(rest, name);
    }
    return str_eq(section, name) && (!config || str_eq(name, "default"));
}

/* A comment begins with "#" or ";" after white space. */
static void cut_comment(char *value)
{
    for (char *c = value; *c; c++)
        if ((*c == '#' || *c == ';') && (c == value || str_is_space(c[-1]))) {
            *c = '\0';
            return;
        }
}

static void read_setting(struct strmap *out, char *line)
{
    char *equals = strchr(line, '=');
    if (!equals)
        return;
    *equals = '\0';
    cut_comment(equals + 1);
    AUTO(mem_free) char *key = str_trim(line);
    AUTO(cloud_wipe_text) char *value = str_trim(equals + 1);
    for (char *c = key; *c; c++)
        *c = str_lower(*c);
    if (*key && *value)
        strmap_set(out, key, value);
}

void aws_profile_parse(struct strmap *out, const char *text, const char *name, bool config, bool *found)
{
    AUTO_VALUE(cloud_wipe_list) struct strlist lines = {0};
    bool inside = false;
    strlist_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        char *line = lines.item[i];
        AUTO(mem_free) char *section = section_of(line);
        if (section) {
            inside = is_section(section, name, config);
            *found = *found || inside;
        } else if (inside && *line && !str_is_space(*line) && *line != '#' && *line != ';') {
            read_setting(out, line);
        }
    }
}

static char *file_of(const char *variable, const char *name)
{
    const char *given = cloud_env(variable);
    const char *home = cloud_env("HOME");
    if (given)
        return mem_strdup(given);
    return home ? mem_printf("%s/.aws/%s", home, name) : NULL;
}

static struct err *read_from(struct strmap *out, const char *path, const char *name, bool config, bool *found)
{
    AUTO_VALUE(cloud_wipe_buf) struct buf text = BUF(AWS_PROFILE_FILE_MAX);
    bool exists = false;
    if (path)
        TRY(fs_read_file(&text, AT_FDCWD, path, &exists));
    if (exists)
        aws_profile_parse(out, buf_text(&text), name, config, found);
    return NULL;
}

struct err *aws_profile_read(struct strmap *out, const char *name, bool *found)
{
    AUTO(mem_free) char *config = file_of("AWS_CONFIG_FILE", "config");
    AUTO(mem_free) char *credentials = file_of("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    *found = false;
    TRY(read_from(out, config, name, true, found));
    return read_from(out, credentials, name, false, found);
}

void aws_profile_wipe(struct strmap *settings)
{
    for (size_t i = 0; i < settings->count; i++)
        mem_wipe(settings->value[i], strlen(settings->value[i]));
    strmap_wipe(settings);
}
