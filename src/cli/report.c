/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err *check_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    AUTO(mem_free) char *directory = slash ? mem_strndup(path, len) : mem_strdup(".");
    AUTO(fd_close) int fd = -1;
    return fs_open(&fd, AT_FDCWD, directory, O_PATH | O_DIRECTORY, 0);
}

struct err *report_forget(const char *option, const char *path)
{
    struct stat st;
    if (str_empty(path))
        return NULL;
    TRY(err_wrap(check_directory(path), "%s", option));
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return NULL;
    return unlink(path) == 0 || errno == ENOENT ? NULL : err_sys("%s %s", option, path);
}

void report_begin(struct session *s, const char *path)
{
    if (!str_empty(path))
        s->report = json_array();
}

static json_t *count(uint64_t number)
{
    return json_integer((json_int_t)number);
}

void report_add(struct session *s, const struct push_target *target)
{
    char digest[DIGEST_TEXT];
    if (!s->report)
        return;
    AUTO(mem_free) char *name = ref_familiar(&target->ref);
    json_t *blobs = json_object();
    json_put(blobs, "mounted", count(target->report.blobs_mounted));
    json_put(blobs, "present", count(target->report.blobs_present));
    json_put(blobs, "sent", count(target->report.blobs_sent));
    json_t *entry = json_object();
    json_put(entry, "blobs", blobs);
    json_put(entry, "bytes", count(target->report.bytes_sent));
    json_put(entry, "descriptor", desc_to_json(&target->pushed));
    json_put(entry, "digest", json_new_str(digest_text(&target->pushed.digest, digest)));
    json_put(entry, "known", json_boolean(target->known));
    json_put(entry, "name", json_new_str(name));
    json_put(entry, "skipped", json_boolean(target->skipped));
    json_push(s->report, entry);
}

void report_put(const struct session *s, json_t *object)
{
    if (!s->report)
        return;
    json_put(object, "lade.published", json_incref(s->report));
    if (!s->registry)
        return;
    struct registry_counts counts = registry_counts(s->registry);
    json_put(object, "lade.requests", count(counts.requests));
    json_put(object, "lade.retries", count(counts.retries));
}

/* The names, joined; NULL when they do not all name one image. */
static char *joined_names(const json_t *report)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    const json_t *first = json_object_get(json_array_get(report, 0), "descriptor");
    const json_t *entry;
    size_t i;
    json_array_foreach (report, i, entry) {
        if (!json_equal(json_object_get(entry, "descriptor"), first))
            return NULL;
        strlist_add(&names, json_string_value(json_object_get(entry, "name")));
    }
    return names.count ? strlist_join(&names, ",") : NULL;
}

struct err *report_write(const struct session *s, const char *path)
{
    if (!s->report || str_empty(path))
        return NULL;
    AUTO(json_decref) json_t *object = json_object();
    AUTO(mem_free) char *names = joined_names(s->report);
    if (names) {
        json_t *first = json_array_get(s->report, 0);
        json_put(object, "containerimage.descriptor", json_incref(json_object_get(first, "descriptor")));
        json_put(object, "containerimage.digest", json_incref(json_object_get(first, "digest")));
        json_put(object, "image.name", json_new_str(names));
    }
    report_put(s, object);
    AUTO(mem_free) char *text = json_text_pretty(object);
    return err_wrap(session_write_file(s, path, text), "--metadata-file");
}
