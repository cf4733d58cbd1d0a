/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/describe.h"

#include "base/mem.h"
#include "base/num.h"
#include "cli/table.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#define LABEL_WIDTH 13

static void line(FILE *to, const char *label, const char *text)
{
    AUTO(mem_free) char *safe = str_safe(text);
    fprintf(to, "%-*s %s\n", LABEL_WIDTH, label, safe);
}

static void optional(FILE *to, const char *label, const char *text)
{
    if (!str_empty(text))
        line(to, label, text);
}

static void list(FILE *to, const char *label, const struct strlist *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        line(to, i ? "" : label, texts->item[i]);
}

static void map(FILE *to, const char *label, const struct strmap *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        AUTO(mem_free) char *pair = mem_printf("%s=%s", texts->key[i], texts->value[i]);
        line(to, i ? "" : label, pair);
    }
}

/* As JSON, so that one can see where an argument ends. */
static void arguments(FILE *to, const char *label, const struct strlist *texts)
{
    if (!texts->count)
        return;
    AUTO(json_decref) json_t *array = json_new_strlist(texts);
    AUTO(mem_free) char *text = json_text(array);
    line(to, label, text);
}

static void add_desc(struct table *t, const char *first, const struct desc *d)
{
    char digest[DIGEST_TEXT], size[NUM_SIZE_TEXT];
    AUTO(mem_free) char *type = str_safe(d->media_type ? d->media_type : "");
    table_row(
        t, 4,
        (const char *const[]){first, digest_text(&d->digest, digest), num_size_text(d->size, size), type});
}

static void describe_layers(FILE *to, const struct manifest *m)
{
    AUTO_VALUE(table_wipe) struct table t = {0};
    for (size_t i = 0; i < m->layers.count; i++) {
        char number[NUM_SIZE_TEXT];
        snprintf(number, sizeof number, "  %zu", i + 1);
        add_desc(&t, number, &m->layers.item[i]);
    }
    fprintf(to, "Layers\n");
    table_print(&t, to);
}

/* What one child of an index is for. New string. */
static char *purpose(const struct desc *d)
{
    char platform[PLATFORM_TEXT];
    const char *version = d->platform.os_version;
    if (!platform_is_set(&d->platform))
        return mem_strdup(d->artifact_type ? d->artifact_type : "-");
    if (str_eq(strmap_get(&d->annotations, "vnd.docker.reference.type"), "attestation-manifest"))
        return mem_strdup("attestation");
    return mem_printf("%s%s%s", platform_text(&d->platform, platform), *version ? " " : "", version);
}

static void describe_children(FILE *to, const struct manifest *m)
{
    AUTO_VALUE(table_wipe) struct table t = {0};
    for (size_t i = 0; i < m->manifests.count; i++) {
        const struct desc *d = &m->manifests.item[i];
        AUTO(mem_free) char *what = purpose(d);
        AUTO(mem_free) char *safe = str_safe(what);
        AUTO(mem_free) char *first = mem_printf("  %s", safe);
        add_desc(&t, first, d);
    }
    fprintf(to, "Images\n");
    table_print(&t, to);
}

static void describe_config(FILE *to, const struct config *c)
{
    char platform[PLATFORM_TEXT];
    line(to, "Platform", platform_text(&c->platform, platform));
    optional(to, "Created", c->created);
    optional(to, "Author", c->author);
    optional(to, "User", c->user);
    optional(to, "WorkingDir", c->workdir);
    arguments(to, "Entrypoint", &c->entrypoint);
    arguments(to, "Cmd", &c->cmd);
    list(to, "Env", &c->env);
    list(to, "Ports", &c->ports);
    list(to, "Volumes", &c->volumes);
    optional(to, "StopSignal", c->stop_signal);
    if (c->health)
        arguments(to, "Healthcheck", &c->health->test);
    map(to, "Labels", &c->labels);
}

static struct err *describe_manifest(FILE *to, struct store *from, const struct manifest *m)
{
    AUTO_VALUE(config_wipe) struct config config = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(CONFIG_SIZE_MAX);
    char digest[DIGEST_TEXT], size[NUM_SIZE_TEXT];
    uint64_t total = 0;
    optional(to, "Artifact", m->artifact_type);
    line(to, "Config", digest_text(&m->config.digest, digest));
    for (size_t i = 0; i < m->layers.count; i++)
        total += m->layers.item[i].size;
    line(to, "Size", num_size_text(total, size));
    if (mediatype_kind_of(m->config.media_type) == MEDIATYPE_CONFIG) {
        TRY(store_read(from, &m->config, &bytes));
        TRY(config_parse(&config, bytes.data, bytes.len, "config"));
        describe_config(to, &config);
    }
    map(to, "Annotations", &m->annotations);
    describe_layers(to, m);
    return NULL;
}

struct err *describe_image(FILE *to, struct store *from, const struct desc *root, const char *shown)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    char digest[DIGEST_TEXT];
    TRY(store_read(from, root, &bytes));
    TRY(manifest_parse(&m, bytes.data, bytes.len, root->media_type, "manifest"));
    line(to, "Name", shown);
    line(to, "Digest", digest_text(&root->digest, digest));
    line(to, "Type", m.media_type);
    if (m.subject.media_type)
        line(to, "Subject", digest_text(&m.subject.digest, digest));
    if (mediatype_kind_of(m.media_type) != MEDIATYPE_INDEX)
        return describe_manifest(to, from, &m);
    map(to, "Annotations", &m.annotations);
    describe_children(to, &m);
    return NULL;
}
