/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/progress_inner.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Time stands still: every duration is 0. */
static uint64_t still(void)
{
    return 1;
}

static uint64_t later(void)
{
    return 12346;
}

struct watch {
    int fd;
    struct progress *progress;
    struct events events;
};

static void begin(struct watch *w, enum progress_kind kind)
{
    struct err *e = fs_temp(&w->fd, AT_FDCWD);
    assert_null(e);
    w->progress = progress_new(kind, w->fd);
    AUTO(lock_release) struct lock *held = lock_hold(w->progress->lock);
    w->progress->clock = still;
    w->events = progress_events(w->progress);
}

/* All that was written. */
static char *finish(struct watch *w)
{
    struct buf text = BUF(BUF_NO_LIMIT);
    progress_free(w->progress);
    lseek(w->fd, 0, SEEK_SET);
    struct source *from = source_fd(w->fd);
    assert_null(source_read_all(from, &text, "output"));
    source_free(from);
    char *taken = mem_strdup(buf_text(&text));
    buf_wipe(&text);
    return taken;
}

static void step(struct watch *w, enum event_kind kind, unsigned id, const char *name, const char *text)
{
    event_emit(&w->events, &(struct event){.kind = kind, .id = id, .name = name, .text = text});
}

static void blob(struct watch *w, enum event_kind kind, const char *name, const char *content,
                 const char *text)
{
    struct desc d = {.digest = digest_of(content, strlen(content)), .size = 1500};
    event_emit(
        &w->events,
        &(struct event){.kind = kind, .name = name, .desc = &d, .text = text, .done = 700, .total = 1500});
}

static void steps_are_lines(void **state)
{
    (void)state;
    struct watch w;
    begin(&w, PROGRESS_PLAIN);
    step(&w, EVENT_STEP, 7, "[1/2] FROM scratch", NULL);
    step(&w, EVENT_STEP_END, 7, NULL, "CACHED");
    step(&w, EVENT_STEP, 8, "[2/2] COPY \033[31m. /", NULL);
    step(&w, EVENT_LINE, 8, NULL, "hello\r");
    step(&w, EVENT_STEP_END, 8, NULL, "");
    step(&w, EVENT_STEP, 9, "last", NULL);
    step(&w, EVENT_STEP_END, 9, NULL, "it broke");
    event_warn(&w.events, "odd %d", 1);
    event_note(&w.events, "note");
    char *text = finish(&w);
    assert_string_equal(text, "#1 [1/2] FROM scratch\n#1 CACHED\n\n"
                              "#2 [2/2] COPY \\x1b[31m. /\n#2 0.000 hello\\x0d\n#2 DONE 0.0s\n\n"
                              "#3 last\n#3 ERROR: it broke 0.0s\n\n"
                              "lade: warning: odd 1\nlade: note\n");
    free(text);
}

static void blobs_stand_under_their_target(void **state)
{
    (void)state;
    struct watch w;
    begin(&w, PROGRESS_PLAIN);
    blob(&w, EVENT_BLOB, "push a", "1", NULL);
    blob(&w, EVENT_BLOB, "push a", "2", NULL);
    blob(&w, EVENT_BYTES, "push a", "1", NULL);
    blob(&w, EVENT_BLOB_END, "push a", "2", "exists");
    w.progress->clock = later;
    blob(&w, EVENT_BYTES, "push a", "1", NULL);
    blob(&w, EVENT_BLOB_END, "push a", "1", "uploaded");
    blob(&w, EVENT_BLOB, "push b", "1", NULL);
    char *text = finish(&w);
    assert_string_equal(text, "#1 push a\n"
                              "#1 sha256:d4735e3a265e 1.5 kB exists 0.0s\n"
                              "#1 sha256:6b86b273ff34 700 B / 1.5 kB 12.3s\n"
                              "#1 sha256:6b86b273ff34 1.5 kB uploaded 12.3s\n"
                              "#1 DONE 12.3s\n\n"
                              "#2 push b\n"
                              "#2 DONE 0.0s\n\n");
    free(text);
}

static void what_was_not_ended_is_cancelled(void **state)
{
    (void)state;
    struct watch w;
    begin(&w, PROGRESS_PLAIN);
    step(&w, EVENT_STEP, 1, "long", NULL);
    char *text = finish(&w);
    assert_string_equal(text, "#1 long\n#1 CANCELED 0.0s\n\n");
    free(text);
}

static void quiet_is_quiet(void **state)
{
    (void)state;
    struct watch w;
    begin(&w, PROGRESS_QUIET);
    step(&w, EVENT_STEP, 1, "x", NULL);
    blob(&w, EVENT_BLOB, "push a", "1", NULL);
    event_warn(&w.events, "odd");
    char *text = finish(&w);
    assert_string_equal(text, "");
    free(text);
}

/* Threads draw at their own pace, so only what stays on the screen is certain. */
static void the_live_view_leaves_what_has_ended(void **state)
{
    (void)state;
    struct watch w;
    setenv("NO_COLOR", "1", 1);
    begin(&w, PROGRESS_TTY);
    step(&w, EVENT_STEP, 1,
         "[1/2] COPY a very long name that does not fit into the eighty columns of this screen ä", NULL);
    step(&w, EVENT_STEP_END, 1, NULL, "");
    step(&w, EVENT_STEP, 2, "\033[2Jevil", NULL);
    step(&w, EVENT_STEP_END, 2, NULL, "CACHED");
    blob(&w, EVENT_BLOB, "push a", "1", NULL);
    blob(&w, EVENT_BLOB_END, "push a", "1", "uploaded");
    event_warn(&w.events, "odd");
    char *text = finish(&w);
    assert_non_null(
        strstr(text, "=> [1/2] COPY a very long name that does not fit into the eighty columns … 0.0s\n"));
    assert_non_null(strstr(text, "=> CACHED \\x1b[2Jevil"));
    assert_non_null(strstr(text, "=> push a: 1 blob, 1 moved (1.5 kB)"));
    assert_non_null(strstr(text, "lade: warning: odd\n"));
    assert_null(strstr(text, "\033[3"));
    free(text);
}

static void json_is_for_programs(void **state)
{
    (void)state;
    struct watch w;
    begin(&w, PROGRESS_JSON);
    w.progress->begin_ms = 1;
    step(&w, EVENT_STEP, 7, "[1/2] FROM scratch", NULL);
    step(&w, EVENT_STEP_END, 7, NULL, "CACHED");
    step(&w, EVENT_STEP, 8, "RUN", NULL);
    step(&w, EVENT_LINE, 8, NULL, "\033[1mhello\xff\"");
    step(&w, EVENT_STEP_END, 8, NULL, "it broke\n  3 | here");
    step(&w, EVENT_STEP, 9, "last", NULL);
    event_warn(&w.events, "odd %d", 1);
    blob(&w, EVENT_BLOB, "push a", "1", NULL);
    blob(&w, EVENT_BYTES, "push a", "1", NULL);
    w.progress->clock = later;
    blob(&w, EVENT_BYTES, "push a", "1", NULL);
    blob(&w, EVENT_BLOB_END, "push a", "1", "uploaded");
    char *text = finish(&w);
#define DIGEST "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    assert_string_equal(
        text,
        "{\"event\":\"step\",\"ms\":0,\"step\":1,\"name\":\"[1/2] FROM scratch\"}\n"
        "{\"event\":\"step-end\",\"ms\":0,\"step\":1,\"result\":\"cached\"}\n"
        "{\"event\":\"step\",\"ms\":0,\"step\":2,\"name\":\"RUN\"}\n"
        "{\"event\":\"line\",\"ms\":0,\"step\":2,\"text\":\"\\u001B[1mhello\xef\xbf\xbd\\\"\"}\n"
        "{\"event\":\"step-end\",\"ms\":0,\"step\":2,\"result\":\"error\",\"error\":\"it broke\\n  3 | "
        "here\"}\n"
        "{\"event\":\"step\",\"ms\":0,\"step\":3,\"name\":\"last\"}\n"
        "{\"event\":\"warning\",\"ms\":0,\"text\":\"odd 1\"}\n"
        "{\"event\":\"blob\",\"ms\":0,\"transfer\":\"push a\",\"digest\":\"" DIGEST "\",\"size\":1500}\n"
        "{\"event\":\"bytes\",\"ms\":12345,\"transfer\":\"push a\",\"digest\":\"" DIGEST
        "\",\"size\":1500,\"done\":700}\n"
        "{\"event\":\"blob-end\",\"ms\":12345,\"transfer\":\"push a\",\"digest\":\"" DIGEST
        "\",\"size\":1500,\"result\":\"uploaded\"}\n"
        "{\"event\":\"step-end\",\"ms\":12345,\"step\":3,\"result\":\"canceled\"}\n"
        "{\"event\":\"transfer-end\",\"ms\":12345,\"transfer\":\"push a\",\"blobs\":1,\"moved\":1,"
        "\"bytes\":1500}\n");
    free(text);
    char *end = progress_json_end(NULL);
    assert_string_equal(end, "{\"event\":\"end\",\"exit\":0}");
    free(end);
    struct err *e = err_hint(err_new(ERR_NETWORK, "no \"net\""), "plug it in");
    end = progress_json_end(e);
    assert_string_equal(
        end, "{\"event\":\"end\",\"exit\":7,\"error\":\"no \\\"net\\\"\",\"hint\":\"plug it in\"}");
    free(end);
    err_free(e);
}

static void kinds_have_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum progress_kind kind;
    } good[] = {{NULL, PROGRESS_AUTO},     {"", PROGRESS_AUTO},   {"auto", PROGRESS_AUTO},
                {"plain", PROGRESS_PLAIN}, {"tty", PROGRESS_TTY}, {"quiet", PROGRESS_QUIET}};
    enum progress_kind kind;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_null(progress_kind_parse(&kind, good[i].text));
        assert_int_equal(kind, good[i].kind);
    }
    struct err *e = progress_kind_parse(&kind, "rawjson");
    assert_int_equal(err_kind_of(e), ERR_UNSUPPORTED);
    err_free(e);
    e = progress_kind_parse(&kind, "fancy");
    assert_int_equal(err_kind_of(e), ERR_USAGE);
    err_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_lines),
        cmocka_unit_test(blobs_stand_under_their_target),
        cmocka_unit_test(what_was_not_ended_is_cancelled),
        cmocka_unit_test(quiet_is_quiet),
        cmocka_unit_test(the_live_view_leaves_what_has_ended),
        cmocka_unit_test(json_is_for_programs),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
