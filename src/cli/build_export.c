/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/build_export.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/endpoint.h"
#include "cli/report.h"
#include "layers/apply.h"
#include "layers/spool.h"
#include "layers/tarwrite.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The parts that all outputs need. */
struct export
{
    struct session *session;
    const struct build_request *request;
    const struct build_result *result;
    struct store *from; /* the local store, with what stayed where the base came from */
};

static struct err *export_archive(const struct export *x, const struct output *o)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    enum place_kind kind = o->directory ? PLACE_OCI_DIR : PLACE_OCI_ARCHIVE;
    if (o->kind == OUTPUT_DOCKER)
        kind = PLACE_DOCKER_ARCHIVE;
    for (size_t i = 0; i < x->request->tag_count; i++) {
        const struct ref *ref = &x->request->tags[i];
        if (kind == PLACE_DOCKER_ARCHIVE)
            strlist_add_take(&names, ref_familiar(ref));
        else if (!strlist_has(&names, ref->tag))
            strlist_add(&names, ref->tag); /* a layout holds one image, and its names are tags */
    }
    struct archive_target to = {.kind = kind, .path = o->dest, .names = names};
    return endpoint_archive(x->session, x->from, &x->result->manifest, &to);
}

static struct err *write_tar(const struct session *s, struct tree *files, const char *path)
{
    AUTO(sink_free) struct sink *to = NULL;
    const struct tarwrite_options options = {0};
    TRY(session_file(s, path, true, &to));
    TRY(tarwrite_tree(to, files, &options));
    return sink_commit(to);
}

/* A new directory gets the mode that the caller's umask gives. */
static struct err *open_directory(const struct session *s, const char *path, int *out)
{
    AUTO(fd_close) int fd = -1;
    struct stat st;
    bool there = stat(path, &st) == 0;
    TRY(fs_mkdir_open(&fd, AT_FDCWD, path));
    if (!there && fchmod(fd, session_dir_mode(s)) != 0)
        return err_sys("%s", path);
    *out = fd_take(&fd);
    return NULL;
}

static struct err *write_directory(struct session *s, struct tree *files, const char *path)
{
    AUTO(fd_close) int fd = -1;
    struct apply_report report = {0};
    TRY(open_directory(s, path, &fd));
    TRY(apply_tree(files, fd, &report));
    if (report.skipped_devices)
        event_warn(&s->events, "%llu device nodes could not be made",
                   (unsigned long long)report.skipped_devices);
    return NULL;
}

static struct err *export_files(const struct export *x, const struct output *o)
{
    assert(o->dest);
    AUTO(mem_free) char *cache = NULL;
    AUTO(fd_close) int scratch = -1;
    AUTO(spool_free) struct spool *spool = NULL;
    AUTO(tree_free) struct tree *files = NULL;
    TRY(session_cache_path(x->session, &cache));
    TRY(fs_mkdir_open(&scratch, AT_FDCWD, cache));
    TRY(spool_new(&spool, scratch));
    TRY(build_files(&files, x->from, &x->result->layers, &x->result->config, cache, spool));
    if (o->kind == OUTPUT_LOCAL)
        return write_directory(x->session, files, o->dest);
    return write_tar(x->session, files, o->dest);
}

static struct err *export_one(const struct export *x, const struct output *o)
{
    switch (o->kind) {
    case OUTPUT_IMAGE:
        return NULL; /* it is where it should be */
    case OUTPUT_OCI:
    case OUTPUT_DOCKER:
        return export_archive(x, o);
    case OUTPUT_TAR:
    case OUTPUT_LOCAL:
        return export_files(x, o);
    }
    return NULL;
}

static struct err *set_names(struct store *layout, const struct build_request *request,
                             const struct build_result *result)
{
    for (size_t i = 0; i < request->tag_count; i++) {
        AUTO(mem_free) char *name = ref_text(&request->tags[i]);
        TRY(store_tag(layout, name, &result->manifest));
    }
    return NULL;
}

struct err *build_export(struct session *s, const struct build_request *request,
                         const struct build_result *result, struct store *from)
{
    struct store *layout = NULL;
    TRY(session_layout(s, LAYOUT_WRITE, &layout));
    TRY(set_names(layout, request, result));
    struct export x = {s, request, result, from};
    for (size_t i = 0; i < request->outputs.count; i++) {
        const struct output *o = &request->outputs.item[i];
        AUTO(mem_free) char *safe = str_safe(o->dest ? o->dest : "");
        TRY(err_wrap(export_one(&x, o), "output %s", safe));
    }
    return NULL;
}

static char *joined_names(const struct build_request *request)
{
    AUTO_VALUE(strlist_wipe) struct strlist names = {0};
    for (size_t i = 0; i < request->tag_count; i++)
        strlist_add_take(&names, ref_text(&request->tags[i]));
    return strlist_join(&names, ",");
}

/* Keys in the order of bytes, as buildx writes them. */
static char *metadata(const struct session *s, const struct build_request *request,
                      const struct build_result *result, json_t *exported)
{
    char digest[DIGEST_TEXT];
    AUTO(json_decref) json_t *object = json_object();
    AUTO(mem_free) char *names = joined_names(request);
    json_put(object, "containerimage.config.digest",
             json_new_str(digest_text(&result->config_desc.digest, digest)));
    json_put(object, "containerimage.descriptor", desc_to_json(&result->manifest));
    json_put(object, "containerimage.digest", json_new_str(digest_text(&result->manifest.digest, digest)));
    if (*names)
        json_put(object, "image.name", json_new_str(names));
    json_t *cache = json_object();
    json_put(cache, "cached", json_integer((json_int_t)result->steps_cached));
    if (result->explained)
        json_put(cache, "explained", json_incref(result->explained));
    json_put(cache, "exported", json_incref(exported));
    json_put(cache, "known", json_boolean(result->known));
    json_put(cache, "steps", json_integer((json_int_t)result->steps));
    json_put(object, "lade.cache", cache);
    report_put(s, object);
    return json_text_pretty(object);
}

struct err *build_export_about(struct session *s, const struct build_request *request,
                               const struct build_result *result, json_t *exported, const char *iidfile,
                               const char *metadata_file)
{
    char digest[DIGEST_TEXT];
    if (!str_empty(iidfile))
        TRY(err_wrap(session_write_file(s, iidfile, digest_text(&result->manifest.digest, digest)),
                     "--iidfile"));
    if (str_empty(metadata_file))
        return NULL;
    AUTO(mem_free) char *text = metadata(s, request, result, exported);
    return err_wrap(session_write_file(s, metadata_file, text), "--metadata-file");
}
