/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steprecord.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "image/mediatype.h"
#include "layers/estargz.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "lade step 1\n"
#define DIGEST_LEN 32

void steprecord_add(struct step_record *r, const char *name, const void *value, size_t len)
{
    struct step_input in = {.name = mem_strdup(name), .digested = len > STEPRECORD_TEXT_MAX};
    if (in.digested) {
        char text[DIGEST_TEXT];
        struct digest d = digest_of(value, len);
        in.value = mem_strdup(digest_text(&d, text));
        in.len = strlen(in.value);
    } else {
        in.value = mem_zero(len + 1, 1);
        if (len)
            memcpy(in.value, value, len);
        in.len = len;
    }
    MEM_PUSH(r->input, r->input_count, r->input_room, in);
}

void steprecord_add_text(struct step_record *r, const char *name, const char *value)
{
    steprecord_add(r, name, value ? value : "", value ? strlen(value) : 0);
}

const struct step_input *steprecord_input(const struct step_record *r, const char *name)
{
    for (size_t i = 0; i < r->input_count; i++)
        if (str_eq(r->input[i].name, name))
            return &r->input[i];
    return NULL;
}

const struct step_form *steprecord_form(const struct step_record *r, const char *id)
{
    for (size_t i = 0; i < r->form_count; i++)
        if (str_eq(r->form[i].id, id))
            return &r->form[i];
    return NULL;
}

static void drop_form(struct step_record *r, size_t at)
{
    free(r->form[at].id);
    desc_wipe(&r->form[at].desc);
    r->form_count--;
    memmove(&r->form[at], &r->form[at + 1], (r->form_count - at) * sizeof *r->form);
}

void steprecord_set_form(struct step_record *r, const char *id, const struct desc *desc)
{
    for (size_t i = 0; i < r->form_count; i++)
        if (str_eq(r->form[i].id, id))
            drop_form(r, i--);
    if (r->form_count == STEPRECORD_FORMS_MAX)
        drop_form(r, 0);
    struct step_form form = {.id = mem_strdup(id)};
    desc_set(&form.desc, desc->media_type, &desc->digest, desc->size);
    strmap_copy(&form.desc.annotations, &desc->annotations);
    MEM_PUSH(r->form, r->form_count, r->form_room, form);
}

void steprecord_clear_forms(struct step_record *r)
{
    while (r->form_count > 0)
        drop_form(r, r->form_count - 1);
}

/* Numbers are little endian. */
static void put_number(struct buf *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        buf_byte(out, (char)(value >> 8 * i));
}

static void put_bytes(struct buf *out, const void *data, size_t len)
{
    put_number(out, len, 4);
    buf_add(out, data, len);
}

static void put_text(struct buf *out, const char *text)
{
    put_bytes(out, text ? text : "", text ? strlen(text) : 0);
}

static void put_inputs(const struct step_record *r, struct buf *out)
{
    buf_str(out, MAGIC);
    put_number(out, r->input_count, 4);
    for (size_t i = 0; i < r->input_count; i++) {
        put_text(out, r->input[i].name);
        put_number(out, r->input[i].digested, 1);
        put_bytes(out, r->input[i].value, r->input[i].len);
    }
}

struct err *steprecord_key(const struct step_record *r, struct digest *key)
{
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(STEPRECORD_MAX / 2);
    put_inputs(r, &bytes);
    TRY(buf_check(&bytes, "what a step depends on"));
    *key = digest_of(bytes.data, bytes.len);
    return NULL;
}

struct err *steprecord_encode(const struct step_record *r, struct buf *out)
{
    size_t start = out->len;
    put_inputs(r, out);
    put_number(out, r->has_layer, 1);
    if (r->has_layer)
        buf_add(out, r->diff_id.bytes, DIGEST_LEN);
    put_number(out, (uint64_t)r->created, 8);
    put_number(out, r->form_count, 1);
    for (size_t i = 0; i < r->form_count; i++) {
        const struct desc *d = &r->form[i].desc;
        put_text(out, r->form[i].id);
        put_text(out, d->media_type);
        buf_add(out, d->digest.bytes, DIGEST_LEN);
        put_number(out, d->size, 8);
        put_number(out, d->annotations.count, 1);
        for (size_t k = 0; k < d->annotations.count; k++) {
            put_text(out, d->annotations.key[k]);
            put_text(out, d->annotations.value[k]);
        }
    }
    TRY(buf_check(out, "the record of a step"));
    struct digest sum = digest_of(out->data + start, out->len - start);
    buf_add(out, sum.bytes, DIGEST_LEN);
    return buf_check(out, "the record of a step");
}

/* Reads never pass the end; `bad` once something was wrong. */
struct reading {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *get(struct reading *r, size_t len)
{
    const uint8_t *at = r->at;
    if (r->bad || (size_t)(r->end - r->at) < len) {
        r->bad = true;
        return NULL;
    }
    r->at += len;
    return at;
}

static uint64_t get_number(struct reading *r, unsigned bytes, uint64_t max)
{
    const uint8_t *at = get(r, bytes);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    r->bad = r->bad || value > max;
    return r->bad ? 0 : value;
}

static char *get_bytes(struct reading *r, size_t *len)
{
    *len = (size_t)get_number(r, 4, STEPRECORD_MAX);
    const uint8_t *at = get(r, *len);
    if (!at)
        *len = 0;
    char *copy = mem_zero(*len + 1, 1);
    if (*len)
        memcpy(copy, at, *len);
    return copy;
}

static char *get_text(struct reading *r)
{
    size_t len = 0;
    char *text = get_bytes(r, &len);
    r->bad = r->bad || strlen(text) != len;
    return text;
}

static void get_digest(struct reading *r, struct digest *d)
{
    const uint8_t *at = get(r, DIGEST_LEN);
    *d = (struct digest){.alg = DIGEST_SHA256};
    if (at)
        memcpy(d->bytes, at, DIGEST_LEN);
}

static void get_inputs(struct reading *r, struct step_record *out)
{
    uint64_t count = get_number(r, 4, STEPRECORD_MAX);
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        struct step_input in = {.name = get_text(r)};
        in.digested = get_number(r, 1, 1) == 1;
        in.value = get_bytes(r, &in.len);
        MEM_PUSH(out->input, out->input_count, out->input_room, in);
    }
}

/* They come to stand in a manifest: only what a layer that lade writes has. */
static bool is_annotation(const char *key, const char *value)
{
    struct digest digest;
    uint64_t size = 0;
    if (str_eq(key, ESTARGZ_PLAIN_SIZE))
        return num_parse(value, INT64_MAX, &size);
    if (!str_eq(key, ESTARGZ_TOC_DIGEST))
        return false;
    struct err *e = digest_parse(&digest, value);
    err_free(e);
    return !e;
}

static void get_form(struct reading *r, struct step_form *form)
{
    struct desc *d = &form->desc;
    form->id = get_text(r);
    d->media_type = get_text(r);
    get_digest(r, &d->digest);
    d->size = get_number(r, 8, INT64_MAX);
    uint64_t count = get_number(r, 1, STEPRECORD_ANNOTATIONS_MAX);
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        AUTO(mem_free) char *key = get_text(r);
        AUTO(mem_free) char *value = get_text(r);
        if (is_annotation(key, value))
            strmap_set(&d->annotations, key, value);
    }
    r->bad = r->bad || mediatype_kind_of(d->media_type) != MEDIATYPE_LAYER;
}

static void get_result(struct reading *r, struct step_record *out)
{
    out->has_layer = get_number(r, 1, 1) == 1;
    if (out->has_layer)
        get_digest(r, &out->diff_id);
    out->created = (int64_t)get_number(r, 8, INT64_MAX);
    uint64_t count = get_number(r, 1, out->has_layer ? STEPRECORD_FORMS_MAX : 0);
    for (uint64_t i = 0; i < count && !r->bad; i++) {
        struct step_form form = {0};
        get_form(r, &form);
        MEM_PUSH(out->form, out->form_count, out->form_room, form);
    }
}

struct err *steprecord_decode(struct step_record *out, const struct digest *key, const void *data, size_t len)
{
    AUTO_VALUE(steprecord_wipe) struct step_record found = {0};
    const size_t magic = sizeof MAGIC - 1;
    if (len < magic + DIGEST_LEN || len > STEPRECORD_MAX || memcmp(data, MAGIC, magic) != 0)
        return err_new(ERR_INPUT, "it is no record of a step, or of another version");
    struct reading r = {.at = (const uint8_t *)data + magic, .end = (const uint8_t *)data + len - DIGEST_LEN};
    struct digest sum = digest_of(data, len - DIGEST_LEN);
    if (memcmp(sum.bytes, r.end, DIGEST_LEN) != 0)
        return err_new(ERR_INPUT, "the record of a step is damaged");
    get_inputs(&r, &found);
    struct digest whose = digest_of(data, (size_t)(r.at - (const uint8_t *)data));
    if (r.bad || (key && !digest_equal(key, &whose)))
        return err_new(ERR_INPUT, "the record is of another step");
    get_result(&r, &found);
    if (r.bad || r.at != r.end)
        return err_new(ERR_INPUT, "the record of a step has parts that cannot be");
    *out = found;
    found = (struct step_record){0};
    return NULL;
}

void steprecord_copy(struct step_record *to, const struct step_record *from)
{
    steprecord_wipe(to);
    for (size_t i = 0; i < from->input_count; i++) {
        const struct step_input *in = &from->input[i];
        struct step_input copy = {.name = mem_strdup(in->name), .digested = in->digested, .len = in->len};
        copy.value = mem_zero(in->len + 1, 1);
        if (in->len)
            memcpy(copy.value, in->value, in->len);
        MEM_PUSH(to->input, to->input_count, to->input_room, copy);
    }
    to->has_layer = from->has_layer;
    to->diff_id = from->diff_id;
    to->created = from->created;
    for (size_t i = 0; i < from->form_count; i++)
        steprecord_set_form(to, from->form[i].id, &from->form[i].desc);
}

void steprecord_wipe(struct step_record *r)
{
    for (size_t i = 0; i < r->input_count; i++) {
        free(r->input[i].name);
        free(r->input[i].value);
    }
    free(r->input);
    steprecord_clear_forms(r);
    free(r->form);
    memset(r, 0, sizeof *r);
}
