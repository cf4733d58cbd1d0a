/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steprecord.h"

#include "base/mem.h"
#include "image/mediatype.h"
#include "layers/estargz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void add_inputs(struct step_record *r)
{
    steprecord_add_text(r, "format", "tar/1");
    steprecord_add_text(r, "word 0", "make");
    steprecord_add(r, "env KEY", "a\0b", 3);
}

static struct digest key_of(const struct step_record *r)
{
    struct digest key = {0};
    assert_null(steprecord_key(r, &key));
    return key;
}

static void fill(struct step_record *r)
{
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    struct digest blob = digest_of("blob", 4);
    add_inputs(r);
    r->has_layer = true;
    r->diff_id = digest_of("layer", 5);
    r->created = 1234567890;
    desc_set(&d, MEDIATYPE_OCI_LAYER_GZIP, &blob, 4711);
    strmap_set(&d.annotations, ESTARGZ_PLAIN_SIZE, "4711");
    steprecord_set_form(r, "lade-deflate/1 default", &d);
    desc_set(&d, MEDIATYPE_OCI_LAYER_ZSTD, &blob, 4712);
    steprecord_set_form(r, "zstd 3", &d);
}

static void what_is_written_is_read(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0}, back = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(STEPRECORD_MAX), again = BUF(STEPRECORD_MAX);
    (void)state;
    fill(&r);
    struct digest key = key_of(&r);
    assert_null(steprecord_encode(&r, &bytes));
    assert_null(steprecord_decode(&back, &key, bytes.data, bytes.len));
    assert_int_equal(back.input_count, 3);
    assert_string_equal(back.input[1].name, "word 0");
    assert_memory_equal(back.input[2].value, "a\0b", 3);
    assert_true(digest_equal(&back.diff_id, &r.diff_id));
    assert_int_equal(back.created, 1234567890);
    assert_int_equal(back.form_count, 2);
    assert_int_equal(steprecord_form(&back, "zstd 3")->desc.size, 4712);
    assert_null(steprecord_form(&back, "zstd 4"));
    assert_null(steprecord_encode(&back, &again));
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
}

static void only_annotations_of_layers_are_read(void **state)
{
    static const char toc[] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0}, back = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(STEPRECORD_MAX);
    (void)state;
    fill(&r);
    struct strmap *said = &r.form[1].desc.annotations;
    strmap_set(said, "org.opencontainers.image.ref.name", "latest");
    strmap_set(said, "a\n\033[31m", "b");
    strmap_set(said, ESTARGZ_PLAIN_SIZE, "4711 or so");
    strmap_set(said, ESTARGZ_TOC_DIGEST, toc);
    assert_null(steprecord_encode(&r, &bytes));
    assert_null(steprecord_decode(&back, NULL, bytes.data, bytes.len));
    const struct strmap *read = &steprecord_form(&back, "zstd 3")->desc.annotations;
    assert_int_equal(read->count, 1);
    assert_string_equal(strmap_get(read, ESTARGZ_TOC_DIGEST), toc);
    assert_int_equal(steprecord_form(&back, "lade-deflate/1 default")->desc.annotations.count, 1);
}

static void assert_refused(const struct digest *key, const void *data, size_t len)
{
    AUTO_VALUE(steprecord_wipe) struct step_record back = {0};
    AUTO(err_free) struct err *e = steprecord_decode(&back, key, data, len);
    assert_non_null(e);
    assert_int_equal(err_kind_of(e), ERR_INPUT);
    assert_int_equal(back.input_count, 0);
}

static void every_byte_counts(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(STEPRECORD_MAX);
    (void)state;
    fill(&r);
    struct digest key = key_of(&r), other = digest_of("x", 1);
    assert_null(steprecord_encode(&r, &bytes));
    for (size_t i = 0; i < bytes.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
            assert_refused(&key, bytes.data, bytes.len);
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
        }
    for (size_t len = 0; len < bytes.len; len++)
        assert_refused(&key, bytes.data, len);
    assert_refused(&other, bytes.data, bytes.len);
}

/* Whoever sends a record can also make its checksum right. */
static void parts_that_cannot_be_are_refused(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    AUTO_VALUE(buf_wipe) struct buf bytes = BUF(STEPRECORD_MAX);
    (void)state;
    fill(&r);
    struct digest key = key_of(&r);
    assert_null(steprecord_encode(&r, &bytes));
    size_t body = bytes.len - 32, accepted = 0;
    for (size_t i = 0; i < body; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            AUTO_VALUE(steprecord_wipe) struct step_record back = {0};
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
            struct digest sum = digest_of(bytes.data, body);
            memcpy(bytes.data + body, sum.bytes, 32);
            AUTO(err_free) struct err *e = steprecord_decode(&back, &key, bytes.data, bytes.len);
            accepted += !e;
            /* The inputs are what the key says, or it is refused. */
            struct digest found = e ? key : key_of(&back);
            assert_true(digest_equal(&found, &key));
            bytes.data[i] = (char)(bytes.data[i] ^ (1 << bit));
        }
    assert_true(accepted > 0);
}

static void any_difference_is_another_key(void **state)
{
    static const struct {
        const char *name[2], *value[2];
        size_t count;
    } cases[] = {
        {{"a", "b"}, {"c", "d"}, 2},  {{"a", "bc"}, {"", "d"}, 2}, {{"a", "b"}, {"cb", "d"}, 2},
        {{"ab", "b"}, {"c", "d"}, 2}, {{"b", "a"}, {"d", "c"}, 2}, {{"a"}, {"c"}, 1},
        {{"a"}, {"cbd"}, 1},          {{"acb"}, {"d"}, 1},         {{"a", "a"}, {"c", "c"}, 2},
    };
    struct digest key[ARRAY_LEN(cases)];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
        for (size_t k = 0; k < cases[i].count; k++)
            steprecord_add_text(&r, cases[i].name[k], cases[i].value[k]);
        key[i] = key_of(&r);
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(&key[i], &key[k]));
    }
}

static void results_are_not_in_the_key(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record with = {0}, without = {0};
    (void)state;
    fill(&with);
    add_inputs(&without);
    struct digest a = key_of(&with), b = key_of(&without);
    assert_true(digest_equal(&a, &b));
}

static void long_values_are_digested(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0}, literal = {0};
    char text[STEPRECORD_TEXT_MAX + 2];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    steprecord_add_text(&r, "script", text);
    assert_true(r.input[0].digested);
    steprecord_add(&literal, "script", r.input[0].value, r.input[0].len);
    struct digest a = key_of(&r), b = key_of(&literal);
    assert_false(digest_equal(&a, &b));
}

static void forms_do_not_pile_up(void **state)
{
    AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    struct digest blob = digest_of("blob", 4);
    (void)state;
    r.has_layer = true;
    for (uint64_t i = 0; i < 2 * STEPRECORD_FORMS_MAX; i++) {
        AUTO(mem_free) char *id = mem_printf("form %d", (int)i);
        desc_set(&d, MEDIATYPE_OCI_LAYER, &blob, i);
        steprecord_set_form(&r, id, &d);
        steprecord_set_form(&r, id, &d);
    }
    assert_int_equal(r.form_count, STEPRECORD_FORMS_MAX);
    assert_int_equal(r.form[0].desc.size, STEPRECORD_FORMS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(only_annotations_of_layers_are_read),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(parts_that_cannot_be_are_refused),
        cmocka_unit_test(any_difference_is_another_key),
        cmocka_unit_test(results_are_not_in_the_key),
        cmocka_unit_test(long_values_are_digested),
        cmocka_unit_test(forms_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
