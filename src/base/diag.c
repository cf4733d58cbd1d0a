/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "base/mem.h"
#include "base/runes.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE_MAX 1024
#define MESSAGE_END 256   /* of a longer one: the reason stands there, behind the names */
#define SHOWN_COLUMNS 110 /* of a source line; the part around the mistake when it is longer */
#define SHOWN_BEFORE 40
#define BOM "\xef\xbb\xbf"

void diag_init(struct diag *d, const char *file, const char *source, size_t source_len)
{
    if (source_len >= strlen(BOM) && memcmp(source, BOM, strlen(BOM)) == 0) {
        source += strlen(BOM);
        source_len -= strlen(BOM);
    }
    *d = (struct diag){
        .file = str_safe(file),
        .source = source_len ? mem_dup(source, source_len) : mem_strdup(""),
        .source_len = source_len,
    };
}

static void skip_wipe(struct diag *d)
{
    for (size_t i = 0; i < d->quiet_count; i++)
        strlist_wipe(&d->quiet[i].rules);
    mem_free(d->quiet);
}

void diag_wipe(struct diag *d)
{
    for (size_t i = 0; i < d->count; i++) {
        mem_free(d->item[i].message);
        mem_free(d->item[i].expected);
        mem_free(d->item[i].hint);
    }
    mem_free(d->item);
    skip_wipe(d);
    mem_free(d->file);
    mem_free(d->source);
    strlist_wipe(&d->skip);
    *d = (struct diag){0};
}

/* What is too long loses its middle. */
static char *safe_or_null(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len <= MESSAGE_MAX)
        return text ? str_escape(text, len, MESSAGE_MAX) : NULL;
    const char *end = text + len - MESSAGE_END;
    while (((uint8_t)*end & 0xc0) == 0x80)
        end++;
    AUTO(mem_free) char *first = str_escape(text, len, MESSAGE_MAX - MESSAGE_END);
    AUTO(mem_free) char *last = str_escape(end, strlen(end), MESSAGE_MAX);
    return mem_printf("%s%s", first, last);
}

static void add(struct diag *d, struct span at, const char *rule, const char *expected, const char *hint,
                const char *message)
{
    struct diag_item item = {
        .at = at,
        .rule = rule,
        .message = safe_or_null(message),
        .expected = safe_or_null(expected),
        .hint = safe_or_null(hint),
    };
    MEM_PUSH(d->item, d->count, d->room, item);
}

static void add_mistake(struct diag *d, struct span at, const char *expected, const char *hint,
                        const char *message)
{
    d->mistakes++;
    if (d->mistakes <= DIAG_MISTAKES_MAX)
        add(d, at, NULL, expected, hint, message);
}

void diag_mistake(struct diag *d, struct span at, const char *expected, const char *hint, const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *message = mem_vprintf(format, args);
    va_end(args);
    add_mistake(d, at, expected, hint, message);
}

void diag_limit(struct diag *d, struct span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *message = mem_vprintf(format, args);
    va_end(args);
    d->over_limit = true;
    add_mistake(d, at, NULL, NULL, message);
}

void diag_mistake_err(struct diag *d, struct span at, struct err *cause_take)
{
    AUTO(err_free) struct err *cause = cause_take;
    if (cause)
        add_mistake(d, at, NULL, err_hint_of(cause), err_message(cause));
}

static bool is_skipped(const struct diag *d, unsigned line, const char *rule)
{
    if (strlist_has(&d->skip, "all") || strlist_has(&d->skip, rule))
        return true;
    for (size_t i = 0; i < d->quiet_count; i++) {
        const struct diag_quiet *q = &d->quiet[i];
        if (line >= q->first_line && line <= q->last_line &&
            (strlist_has(&q->rules, "all") || strlist_has(&q->rules, rule)))
            return true;
    }
    return false;
}

static bool is_known(const struct diag *d, unsigned line, const char *rule, const char *message)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct diag_item *item = &d->item[i];
        if (item->rule && item->at.line == line && str_eq(item->rule, rule) && str_eq(item->message, message))
            return true;
    }
    return false;
}

void diag_warn(struct diag *d, struct span at, const char *rule, const char *format, ...)
{
    if (d->warnings >= DIAG_WARNINGS_MAX || is_skipped(d, at.line, rule))
        return;
    va_list args;
    va_start(args, format);
    AUTO(mem_free) char *message = mem_vprintf(format, args);
    va_end(args);
    AUTO(mem_free) char *safe = safe_or_null(message);
    if (is_known(d, at.line, rule, safe))
        return;
    d->warnings++;
    add(d, at, rule, NULL, NULL, message);
}

void diag_quiet(struct diag *d, unsigned first_line, unsigned last_line, const struct strlist *rules)
{
    struct diag_quiet q = {.first_line = first_line, .last_line = last_line};
    strlist_copy(&q.rules, rules);
    MEM_PUSH(d->quiet, d->quiet_count, d->quiet_room, q);
}

struct span span_join(struct span from, struct span to)
{
    from.end_line = to.end_line;
    from.end_column = to.end_column;
    return from;
}

/* A line of the source, without its newline. */
static const char *line_text(const struct diag *d, unsigned line, size_t *len)
{
    const char *at = d->source;
    const char *end = d->source + d->source_len;
    for (unsigned i = 1; i < line && at; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at || line == 0)
        return NULL;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    *len = (size_t)((stop ? stop : end) - at);
    while (*len > 0 && at[*len - 1] == '\r')
        --*len;
    return at;
}

static unsigned width_of(uint32_t code)
{
    return rune_is_wide(code) ? 2 : 1;
}

/* How many terminal columns stand before byte `to`. */
static size_t columns_to(const char *text, size_t len, size_t to)
{
    size_t columns = 0;
    for (size_t at = 0; at < to && at < len;) {
        uint32_t code;
        at += rune_next(text + at, len - at, &code);
        columns += width_of(code);
    }
    return columns;
}

/* One character, or a stand-in of one column for what a terminal should not get. */
static void show_rune(struct buf *out, const char *text, size_t step, uint32_t code)
{
    AUTO(mem_free) char *safe = str_escape(text, step, step);
    if (code == '\t')
        buf_byte(out, ' ');
    else if (strlen(safe) == step && memcmp(safe, text, step) == 0)
        buf_add(out, text, step);
    else
        buf_str(out, "\xef\xbf\xbd");
}

/* The columns from `first` on that fit. */
static void show_source(struct buf *out, const char *text, size_t len, size_t first)
{
    size_t column = 0;
    if (first > 0)
        buf_str(out, "\xe2\x80\xa6");
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t step = rune_next(text + at, len - at, &code);
        if (column >= first)
            show_rune(out, text + at, step, code);
        column += width_of(code);
        at += step;
        if (column >= first + SHOWN_COLUMNS && at < len) {
            buf_str(out, "\xe2\x80\xa6");
            break;
        }
    }
}

static void show_caret(struct buf *out, size_t from, size_t to)
{
    buf_printf(out, "\n     | %*s^", (int)from, "");
    for (size_t i = from + 1; i < to; i++)
        buf_byte(out, '~');
}

static void show_line(const struct diag *d, const struct diag_item *item, struct buf *out)
{
    size_t len = 0;
    const char *text = line_text(d, item->at.line, &len);
    if (!text)
        return;
    size_t start = item->at.column > 0 ? item->at.column - 1 : 0;
    size_t end =
        item->at.end_line == item->at.line && item->at.end_column > 0 ? item->at.end_column - 1 : len;
    size_t from = columns_to(text, len, start < len ? start : len);
    size_t to = columns_to(text, len, end < len ? end : len);
    size_t first = 0;
    if (from + SHOWN_BEFORE > SHOWN_COLUMNS)
        first = from - SHOWN_BEFORE;
    buf_printf(out, "\n%4u | ", item->at.line);
    show_source(out, text, len, first);
    if (item->at.column == 0)
        return;
    size_t shift = first > 0 ? 1 : 0;
    size_t last = to < first + SHOWN_COLUMNS ? to : first + SHOWN_COLUMNS;
    show_caret(out, from - first + shift, last - first + shift);
}

static void show_place(const struct diag *d, struct span at, struct buf *out)
{
    buf_str(out, d->file);
    if (at.line == 0)
        return;
    buf_printf(out, ":%u", at.line);
    size_t len = 0;
    const char *text = line_text(d, at.line, &len);
    if (at.column == 0 || !text)
        return;
    /* People count characters, not bytes. */
    size_t column = 1;
    for (size_t i = 0; i < len && i + 1 < at.column; column++) {
        uint32_t code;
        i += rune_next(text + i, len - i, &code);
    }
    buf_printf(out, ":%zu", column);
}

static void show_rest(const struct diag *d, const struct diag_item *item, bool with_hint, struct buf *out)
{
    show_line(d, item, out);
    if (item->expected)
        buf_printf(out, "\n     expected %s", item->expected);
    if (item->hint && with_hint)
        buf_printf(out, "\n     hint: %s", item->hint);
}

static void show(const struct diag *d, const struct diag_item *item, bool with_hint, struct buf *out)
{
    show_place(d, item->at, out);
    buf_printf(out, ": %s", item->message);
    if (item->rule)
        buf_printf(out, " (%s)", item->rule);
    show_rest(d, item, with_hint, out);
}

void diag_show(const struct diag *d, const struct diag_item *item, struct buf *out)
{
    show(d, item, true, out);
}

char *diag_line(const struct diag *d, const struct diag_item *item)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_printf(&out, "%s%s%s (%s", item->rule ? item->rule : "", item->rule ? ": " : "", item->message,
               d->file);
    if (item->at.line > 0)
        buf_printf(&out, ":%u", item->at.line);
    buf_byte(&out, ')');
    return buf_take(&out);
}

static int by_place(const void *a, const void *b)
{
    const struct diag_item *const *left = a;
    const struct diag_item *const *right = b;
    if ((*left)->at.line != (*right)->at.line)
        return (*left)->at.line < (*right)->at.line ? -1 : 1;
    if ((*left)->at.column != (*right)->at.column)
        return (*left)->at.column < (*right)->at.column ? -1 : 1;
    return *left < *right ? -1 : *left > *right;
}

static int by_text(const void *a, const void *b)
{
    const struct diag_item *left = a, *right = b;
    int order = by_place(&left, &right);
    bool same = left->at.line == right->at.line && left->at.column == right->at.column;
    if (same)
        order = strcmp(left->rule ? left->rule : "", right->rule ? right->rule : "");
    return same && order == 0 ? strcmp(left->message, right->message) : order;
}

void diag_sort(struct diag *d)
{
    if (d->count > 0)
        qsort(d->item, d->count, sizeof *d->item, by_text);
}

struct err *diag_error(const struct diag *d)
{
    const struct diag_item **shown = mem_zero(d->count + 1, sizeof(struct diag_item *));
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (!d->item[i].rule || d->warnings_fatal)
            shown[count++] = &d->item[i];
    }
    AUTO(mem_free) void *owner = shown;
    if (count == 0)
        return NULL;
    qsort(shown, count, sizeof(struct diag_item *), by_place);
    AUTO_VALUE(buf_wipe) struct buf out = BUF(BUF_NO_LIMIT);
    if (count > 1)
        buf_printf(&out, "%zu mistakes in %s",
                   d->mistakes + (count - (d->mistakes < count ? d->mistakes : count)), d->file);
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            buf_byte(&out, '\n');
        show(d, shown[i], count > 1, &out);
    }
    struct err *e = err_new(d->over_limit ? ERR_RESOURCE : ERR_INPUT, "%s", buf_text(&out));
    return count == 1 && shown[0]->hint ? err_hint(e, "%s", shown[0]->hint) : e;
}
