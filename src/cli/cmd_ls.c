/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/form.h"
#include "cli/ls_remote.h"
#include "cli/place.h"
#include "cli/session.h"
#include "cli/table.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <stdio.h>

struct ls_settings {
    struct shared shared;
    bool names, digests;
    const char *format;
};

static const struct opt ls_options[] = {
    {"digests", 0, OPT_FLAG, NULL, "show digests in full; of tags in a registry, show them at all",
     offsetof(struct ls_settings, digests), 0, NULL},
    {"format", 0, OPT_TEXT, "FORMAT", "table or json", offsetof(struct ls_settings, format), 0, NULL},
    {"quiet", 'q', OPT_FLAG, NULL, "show names only", offsetof(struct ls_settings, names), 0, NULL},
};

static const struct opt_group groups[] = {
    {"Options", ls_options, ARRAY_LEN(ls_options)},
    SHARED_REGISTRY,
    SHARED_TIME,
    SHARED_STORE,
    SHARED_GENERAL,
};

/* As the user would write it, if it is a reference. */
static char *shown_name(const char *name)
{
    AUTO_VALUE(ref_wipe) struct ref ref = {0};
    struct err *e = ref_parse(&ref, name);
    if (!e)
        return ref_familiar(&ref);
    err_free(e);
    return str_safe(name);
}

/* What the manifest says that the image's blobs have; of an index, how many images. */
static struct err *describe(struct store *layout, const struct desc *d, char **out)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(MANIFEST_SIZE_MAX);
    AUTO_VALUE(manifest_wipe) struct manifest m = {0};
    char size[NUM_SIZE_TEXT];
    TRY(store_read(layout, d, &bytes));
    TRY(manifest_parse(&m, bytes.data, bytes.len, d->media_type, "manifest"));
    uint64_t total = m.config.size;
    for (size_t i = 0; i < m.layers.count; i++)
        total += m.layers.item[i].size;
    if (mediatype_kind_of(m.media_type) == MEDIATYPE_INDEX)
        *out = mem_printf("index of %zu", m.manifests.count);
    else
        *out = mem_strdup(num_size_text(total, size));
    return NULL;
}

static void add_row(struct table *t, struct store *layout, const struct layout_entry *entry,
                    const struct ls_form *form)
{
    char whole[DIGEST_TEXT], brief[DIGEST_SHORT];
    const struct digest *digest = &entry->desc.digest;
    AUTO(mem_free) char *name = shown_name(entry->name);
    AUTO(mem_free) char *size = NULL;
    if (form->names) {
        table_row(t, 1, (const char *const[]){name});
        return;
    }
    struct err *e = describe(layout, &entry->desc, &size);
    if (e)
        size = mem_strdup("damaged");
    err_free(e);
    table_row(t, 3,
              (const char *const[]){
                  name, form->digests ? digest_text(digest, whole) : digest_short(digest, brief), size});
}

static void print_json(const struct layout_list *list)
{
    AUTO(json_decref) json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        if (!list->item[i].name)
            continue;
        AUTO(mem_free) char *name = shown_name(list->item[i].name);
        AUTO_VALUE(desc_wipe) struct desc plain = {0};
        const struct desc *d = &list->item[i].desc;
        desc_set(&plain, d->media_type, &d->digest, d->size);
        AUTO(json_decref) json_t *known = desc_to_json(&plain);
        json_t *entry = json_object();
        json_put(entry, "name", json_new_str(name));
        json_object_update(entry, known);
        json_push(array, entry);
    }
    AUTO(mem_free) char *text = json_text_pretty(array);
    fputs(text, stdout);
}

static struct err *list_local(const struct shared *shared, const struct ls_form *form)
{
    AUTO_VALUE(session_wipe) struct session s = {.shared = shared};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    AUTO_VALUE(table_wipe) struct table table = {0};
    struct store *layout = NULL;
    struct err *e = session_layout(&s, LAYOUT_READ, &layout);
    bool nothing = e && err_kind_of(e) == ERR_NOT_FOUND && !shared->store; /* was ever stored */
    if (nothing) {
        err_free(e);
        if (form->json)
            print_json(&list);
        return NULL;
    }
    TRY(e);
    TRY(layout_list(layout, &list));
    if (form->json) {
        print_json(&list);
        return NULL;
    }
    if (!form->names)
        table_row(&table, 3, (const char *const[]){"NAME", "DIGEST", "SIZE"});
    for (size_t i = 0; i < list.count; i++)
        if (list.item[i].name)
            add_row(&table, layout, &list.item[i], form);
    table_print(&table, stdout);
    return NULL;
}

static struct err *run(void *settings, const struct strlist *args)
{
    const struct ls_settings *l = settings;
    struct ls_form form = {.names = l->names};
    TRY(form_parse(l->format, &form.json));
    form.digests = l->digests && (!l->names || form.json);
    if (!args->count)
        return list_local(&l->shared, &form);
    AUTO_VALUE(session_wipe) struct session s = {0};
    const char *text = args->item[0];
    if (!str_starts(text, "docker://")) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_hint(err_new(ERR_USAGE, "%s is no repository of a registry", safe),
                        "lade ls docker://REPOSITORY lists tags; without arguments, lade ls lists the local "
                        "store");
    }
    TRY(session_open(&s, &l->shared));
    return ls_remote(&s, text, &form);
}

const struct command cmd_ls = {
    .name = "ls",
    .arguments = "[docker://REPOSITORY | docker://REGISTRY]",
    .summary = "List the images in the local store, or what a registry has",
    .groups = groups,
    .group_count = ARRAY_LEN(groups),
    .settings_size = sizeof(struct ls_settings),
    .args_min = 0,
    .args_max = 1,
    .run = run,
};
