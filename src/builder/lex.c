/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lex.h"
#include "base/mem.h"
#include "builder/directive.h"
#include "base/runes.h"

#include <string.h>

#define BOM "\xef\xbb\xbf"

struct slice {
    const char *text;
    size_t len;
};

static struct span whole_line(unsigned line)
{
    return (struct span){.line = line, .end_line = line};
}

static void check_nul(struct lex *lex)
{
    const char *nul = memchr(lex->data, '\0', lex->len);
    if (!nul)
        return;
    struct span at = {.line = 1, .column = 1};
    for (const char *c = lex->data; c < nul; c++) {
        at.column++;
        if (*c == '\n') {
            at.line++;
            at.column = 1;
        }
    }
    at.end_line = at.line;
    at.end_column = at.column + 1;
    diag_mistake(lex->diag, at, NULL, "a Dockerfile is UTF-8 text; is this one UTF-16, or a binary file?",
                 "a NUL byte stands in the Dockerfile");
    lex->stopped = true;
}

void lex_init(struct lex *lex, const char *data, size_t len, struct dockerfile *file, struct diag *diag)
{
    if (len >= strlen(BOM) && memcmp(data, BOM, strlen(BOM)) == 0) {
        data += strlen(BOM);
        len -= strlen(BOM);
    }
    *lex = (struct lex){.data = data, .len = len, .file = file, .diag = diag};
    if (len > DOCKERFILE_SIZE_MAX) {
        diag_limit(diag, (struct span){0}, "the Dockerfile is larger than %d bytes", DOCKERFILE_SIZE_MAX);
        lex->stopped = true;
        return;
    }
    check_nul(lex);
}

/* One line with its newline; false at the end. */
static bool read_line(struct lex *lex, struct slice *out)
{
    if (lex->stopped || lex->at >= lex->len)
        return false;
    out->text = lex->data + lex->at;
    const char *newline = memchr(out->text, '\n', lex->len - lex->at);
    out->len = newline ? (size_t)(newline - out->text) + 1 : lex->len - lex->at;
    lex->at += out->len;
    lex->line++;
    if (out->len - (newline ? 1 : 0) > DOCKERFILE_LINE_MAX) {
        diag_limit(lex->diag, whole_line(lex->line), "the line is longer than %d bytes", DOCKERFILE_LINE_MAX);
        lex->stopped = true;
        return false;
    }
    return true;
}

static struct slice without_newline(struct slice s)
{
    while (s.len > 0 && (s.text[s.len - 1] == '\n' || s.text[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static struct slice without_space_before(struct slice s)
{
    size_t skip = rune_space_before(s.text, s.len);
    return (struct slice){s.text + skip, s.len - skip};
}

static bool is_comment(struct slice s)
{
    s = without_space_before(s);
    return s.len > 0 && s.text[0] == '#';
}

/* Cut the continuation off. An escape character continues the line when only blanks follow it and no other
 * escape character stands before it. */
static bool cut_continuation(struct slice *s, char escape)
{
    size_t end = s->len;
    while (end > 0 && (s->text[end - 1] == ' ' || s->text[end - 1] == '\t'))
        end--;
    if (end == 0 || s->text[end - 1] != escape || (end > 1 && s->text[end - 2] == escape))
        return false;
    s->len = end - 1;
    return true;
}

static void add_piece(struct lex *lex, struct logical *line, struct slice raw, struct slice s)
{
    struct lex_piece piece = {
        .offset = line->text.len,
        .line = lex->line,
        .column = (unsigned)(s.text - raw.text) + 1,
    };
    MEM_PUSH(line->piece, line->piece_count, line->piece_room, piece);
    buf_add(&line->text, s.text, s.len);
}

static void note_comment(struct logical *line, struct slice s)
{
    s.text++;
    s.len--;
    s = without_space_before(s);
    s.len -= rune_space_after(s.text, s.len);
    if (s.len == 0)
        strlist_wipe(&line->comments);
    else
        strlist_add_take(&line->comments, mem_strndup(s.text, s.len));
}

/* The lines after the first one. */
static void read_continuation(struct lex *lex, struct logical *line)
{
    struct slice raw;
    while (lex->continues && read_line(lex, &raw)) {
        struct slice s = without_newline(raw);
        if (is_comment(s))
            continue;
        if (without_space_before(s).len == 0) {
            line->has_empty_line = true;
            continue;
        }
        lex->continues = cut_continuation(&s, lex->file->escape);
        add_piece(lex, line, raw, s);
    }
}

bool lex_next(struct lex *lex, struct logical *line)
{
    buf_clear(&line->text);
    line->text.max = BUF_NO_LIMIT;
    line->piece_count = 0;
    line->has_empty_line = false;
    strlist_wipe(&line->comments);
    struct slice raw;
    while (read_line(lex, &raw)) {
        struct slice s = without_space_before(without_newline(raw));
        if (!lex->directives_done && directive_read(lex, s.text, s.len))
            continue;
        lex->directives_done = true;
        if (is_comment(s)) {
            note_comment(line, s);
            continue;
        }
        lex->continues = cut_continuation(&s, lex->file->escape);
        if (s.len == 0 && !lex->continues)
            continue;
        line->first_line = lex->line;
        add_piece(lex, line, raw, s);
        read_continuation(lex, line);
        line->last_line = lex->line;
        return !lex->stopped;
    }
    return false;
}

bool lex_heredoc(struct lex *lex, const char *name, bool chomp, struct buf *content)
{
    struct slice raw;
    while (read_line(lex, &raw)) {
        struct slice s = without_newline(raw);
        while (chomp && s.len > 0 && s.text[0] == '\t') {
            s.text++;
            s.len--;
        }
        if (s.len == strlen(name) && memcmp(s.text, name, s.len) == 0)
            return true;
        buf_add(content, raw.text, raw.len);
    }
    return false;
}

static const struct lex_piece *piece_at(const struct logical *line, size_t offset)
{
    size_t low = 0;
    size_t high = line->piece_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (line->piece[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return &line->piece[low];
}

struct span logical_span(const struct logical *line, size_t from, size_t to)
{
    if (line->piece_count == 0)
        return (struct span){0};
    const struct lex_piece *first = piece_at(line, from);
    const struct lex_piece *last = to > from ? piece_at(line, to - 1) : first;
    return (struct span){
        .line = first->line,
        .column = first->column + (unsigned)(from - first->offset),
        .end_line = last->line,
        .end_column = last->column + (unsigned)(to - last->offset),
    };
}

void logical_wipe(struct logical *line)
{
    buf_wipe(&line->text);
    mem_free(line->piece);
    strlist_wipe(&line->comments);
    *line = (struct logical){0};
}
