/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "builder/explain_inner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LAYERS_MAX 4

/* Inputs of a record: "name=value" each; of "layer N" the value is a letter, that stands for a digest. */
static void fill(struct step_record *r, const char *text)
{
    AUTO_VALUE(strlist_wipe) struct strlist lines = {0};
    strlist_split(&lines, text, '|');
    for (size_t i = 0; i < lines.count; i++) {
        const char *equals = strchr(lines.item[i], '=');
        char digest[DIGEST_TEXT];
        assert_non_null(equals);
        AUTO(mem_free) char *name = mem_strndup(lines.item[i], (size_t)(equals - lines.item[i]));
        struct digest d = digest_of(equals + 1, strlen(equals + 1));
        bool layer = str_starts(name, "layer ") || strstr(name, " layer ");
        steprecord_add_text(r, name, layer ? digest_text(&d, digest) : equals + 1);
    }
}

/* A stage whose layers are those letters; capital ones are the base's. */
struct world {
    struct build_options options;
    struct builder b;
    struct stage_plan plan;
    struct stage s;
    struct part part[LAYERS_MAX];
    struct part *parts[LAYERS_MAX];
};

static void make_world(struct world *w, const char *layers)
{
    *w = (struct world){.b = {.cache_dir = -1}};
    w->b.options = &w->options;
    w->s.plan = &w->plan;
    for (size_t i = 0; layers[i]; i++) {
        w->part[i].diff_id = digest_of(&layers[i], 1);
        w->part[i].base = layers[i] >= 'A' && layers[i] <= 'Z';
        w->parts[i] = &w->part[i];
        w->s.parts.count = i + 1;
    }
    w->s.parts.item = w->parts;
    w->s.base_name = mem_strdup("docker.io/library/debian:12");
    w->s.base_digest = digest_of("now", 3);
}

/* The causes; `notes` are records of bases. */
static void differ(const char *layers, const char *now_text, const char *old_text,
                   const struct base_notes *notes, const char *expected)
{
    static const struct base_notes none = {0};
    struct world w;
    AUTO_VALUE(steprecord_wipe) struct step_record now = {0};
    AUTO_VALUE(steprecord_wipe) struct step_record old = {0};
    AUTO_VALUE(told_wipe) struct told told = {0};
    make_world(&w, layers);
    fill(&now, now_text);
    fill(&old, old_text);
    explain_compare(&(struct comparison){.b = &w.b,
                                         .s = &w.s,
                                         .step = &(struct explain_step){.record = &now},
                                         .now = &now,
                                         .old = &old,
                                         .bases = notes ? notes : &none,
                                         .told = &told});
    AUTO(mem_free) char *text = strlist_join(&told.causes, "; ");
    assert_string_equal(text, expected);
    assert_int_equal(told.causes.count, json_array_size(told.differs));
    mem_free(w.s.base_name);
}

static void test_inputs(void **state)
{
    (void)state;
    differ("", "word 0=a", "word 0=a", NULL, "");
    differ("", "word 0=a|word 1=c", "word 0=a|word 1=b", NULL, "the command is another one");
    differ("", "script=a", "script=b", NULL, "the command is another one");
    differ("", "env A=secret|env B=1", "env A=other|env C=1", NULL,
           "A has another value; B is set; C is no longer set");
    differ("", "platform=linux/arm64", "platform=linux/amd64", NULL,
           "platform: linux/arm64, was linux/amd64");
    differ("", "user=1:1,1|env HOME=/a", "user=0:0,0|env HOME=/b", NULL, "user: 1:1, was 0:0");
    differ("", "user=1:1,1", "user=1:1,1,2", NULL, "user: 1:1,1, was 1:1,1,2");
    differ("", "env HOME=/a", "env HOME=/b", NULL, "HOME has another value");
    differ("", "epoch=7|env SOURCE_DATE_EPOCH=7", "epoch=none", NULL, "SOURCE_DATE_EPOCH: 7, was none");
    differ("", "hosts=a b", "hosts=a", NULL, "the host names (--add-host) are not what they were");
    differ("", "flags=parents=0 link=1 add=0", "flags=parents=1 link=0 add=0", NULL,
           "--parents: no, was yes; --link: yes, was no");
    differ("", "chmod=|source 0=a\x1b", "chmod=700|source 0=b", NULL,
           "--chmod: (none), was 700; source: a\\x1b, was b");
    differ("", "root=root/2|new=1", "root=root/1", NULL,
           "emulation of root: root/2, was root/1; new: 1, was (none)");
}

static void test_mounts(void **state)
{
    (void)state;
    differ("", "mount 0=bind ro=1|mount 0 target=/a", "mount 0=bind ro=0|mount 0 target=/a", NULL,
           "mount /a: read-only, was read-write");
    differ("", "mount 0=cache ro=0|mount 0 target=/a|mount 1=bind ro=1|mount 1 target=/b",
           "mount 0=bind ro=1|mount 0 target=/b", NULL, "mount /a (type=cache) is new");
    differ("", "mount 0=tmpfs size=2|mount 0 target=/a", "mount 0=tmpfs size=1|mount 0 target=/a", NULL,
           "mount /a: size 2, was 1");
    differ("", "mount 0=secret mode=1|mount 0 id=x|mount 0 env=V",
           "mount 0=secret mode=1|mount 0 id=y|mount 0 env=V", NULL, "mount V: id x, was y");
    differ("", "mount 0=tmpfs a=1|mount 0 target=/a", "mount 0=bind a=1|mount 0 target=/a", NULL,
           "mount /a: type tmpfs, was bind");
    differ("", "mount 0=bind|mount 0 target=/a|mount 0 files=x|mount 0 layer 0=A",
           "mount 0=bind|mount 0 target=/a|mount 0 files=x|mount 0 layer 0=B", NULL,
           "what mount /a shows is not what it was");
    differ("", "mount 0=|mount 0 target=\x07", "mount 0==\x07|mount 7 target=/x", NULL,
           "mount \\x07 (type=) is new; mount  (type==\\x07) is gone");
}

static void test_layers(void **state)
{
    (void)state;
    differ("Aab", "layer 0=A|layer 1=a|layer 2=b", "layer 0=A|layer 1=a|layer 2=c", NULL,
           "a step before it made another layer");
    differ("Aa", "layer 0=A|layer 1=a", "layer 0=A", NULL, "a step before it is new");
    differ("A", "layer 0=A", "layer 0=A|layer 1=a", NULL, "a step before it is gone");
    differ("Aab", "layer 0=A|layer 1=a|layer 2=b", "layer 0=A|layer 1=b|layer 2=a", NULL,
           "the steps before it stand in another order");
    differ("Aab", "layer 0=A|layer 1=a|layer 2=b", "layer 0=A|layer 1=c", NULL,
           "the steps before it are others");
    differ("Aa", "layer 0=A|layer 1=a|epoch=1", "layer 0=A|layer 1=b|epoch=2", NULL,
           "SOURCE_DATE_EPOCH: 1, was 2");
    differ("Aa", "flags=link=1", "layer 0=A|layer 1=b|flags=link=0", NULL, "--link: yes, was no");
}

static void test_base(void **state)
{
    (void)state;
    AUTO_VALUE(base_notes_wipe) struct base_notes notes = {0};
    struct world w;
    for (size_t i = 0; i < 2; i++) {
        AUTO_VALUE(steprecord_wipe) struct step_record r = {0};
        make_world(&w, i ? "B" : "CD");
        mem_free(w.s.base_name);
        w.s.base_name =
            mem_strdup(i ? "docker.io/library/debian:12@sha256:" /* no reference */ : "debian:11");
        assert_true(explain_base_record(&w.s, &r));
        assert_true(base_notes_add(&notes, &r));
        mem_free(w.s.base_name);
    }
    AUTO_VALUE(steprecord_wipe) struct step_record other = {0};
    fill(&other, "word 0=a");
    assert_false(base_notes_add(&notes, &other));
    char now[DIGEST_SHORT];
    struct digest d = digest_of("now", 3);
    digest_short(&d, now);
    AUTO(mem_free) char *unknown = mem_printf("the base image is another one: debian:12 is %s now", now);
    AUTO(mem_free)
    char *known =
        mem_printf("the base image is another one: debian:11 %s \xe2\x86\x92 debian:12 %s", now, now);
    differ("Aa", "layer 0=A|layer 1=a", "layer 0=X|layer 1=b", &notes, unknown);
    differ("Aa", "layer 0=A|layer 1=a", "layer 0=C|layer 1=D|layer 2=b", &notes, known);
    differ("CDa", "layer 0=C|layer 1=D|layer 2=a", "layer 0=C|layer 1=D|layer 2=a", &notes, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
