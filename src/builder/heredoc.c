/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "builder/expand.h"
#include "builder/parse.h"

#include <limits.h>
#include <string.h>

static const char *nothing(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

static const struct expand_env no_variables = {.get = nothing};

static size_t count_quotes(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\'' || *text == '"';
    return count;
}

/* The delimiter as one word; false when it is none or several. *error is set when its quotes are not closed.
 */
static bool read_name(const char *text, struct heredoc *out, bool *error)
{
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    AUTO_VALUE(strlist_wipe) struct strlist raw = {0};
    AUTO(err_free) struct err *e = expand_words(&words, text, &no_variables, '\\', EXPAND_KEEP_UNSET, NULL);
    if (e) {
        *error = true;
        return false;
    }
    if (words.count != 1)
        return false;
    e = expand_words(&raw, text, &no_variables, '\\', EXPAND_KEEP_UNSET | EXPAND_RAW_QUOTES, NULL);
    if (e || raw.count != 1) {
        *error = true;
        return false;
    }
    out->expand = count_quotes(words.item[0]) == count_quotes(raw.item[0]);
    out->name = TAKE(words.item[0]);
    return true;
}

static bool parse_word(const char *word, struct heredoc *out, bool *error)
{
    const char *at = word;
    while (str_is_digit(*at))
        at++;
    AUTO(mem_free) char *digits = mem_strndup(word, (size_t)(at - word));
    if (at[0] != '<' || at[1] != '<')
        return false;
    at += 2;
    bool chomp = *at == '-';
    at += chomp;
    while (*at && *at != '\v' && str_is_space(*at))
        at++;
    if (!*at || strchr(at, '<') || !read_name(at, out, error))
        return false;
    uint64_t fd = 0;
    if (*digits && !num_parse(digits, UINT_MAX, &fd))
        fd = UINT_MAX;
    out->fd = (unsigned)fd;
    out->chomp = chomp;
    return true;
}

bool heredoc_parse(const char *word, struct heredoc *out)
{
    bool error = false;
    *out = (struct heredoc){0};
    return parse_word(word, out, &error);
}

void heredocs_find(struct parse *p, struct heredoc_list *out)
{
    const char *line = buf_text(&p->line->text);
    if (!strstr(line, "<<"))
        return;
    AUTO_VALUE(strlist_wipe) struct strlist words = {0};
    AUTO(err_free)
    struct err *e = expand_words(&words, line, &no_variables, '\\',
                                 EXPAND_KEEP_UNSET | EXPAND_RAW_QUOTES | EXPAND_RAW_ESCAPES, NULL);
    if (e)
        return;
    size_t from = 0;
    for (size_t i = 0; i < words.count; i++) {
        struct heredoc doc = {.at = p->instr->at};
        const char *found = strstr(line + from, words.item[i]);
        if (found) {
            size_t at = (size_t)(found - line);
            from = at + strlen(words.item[i]);
            doc.at = logical_span(p->line, at, from);
        }
        bool error = false;
        if (parse_word(words.item[i], &doc, &error))
            MEM_PUSH(out->item, out->count, out->room, doc);
        else if (error)
            parse_mistake_always(p, doc.at, NULL, NULL,
                                 "the delimiter of a here-document has an open quote: %s", words.item[i]);
    }
}

void heredoc_list_wipe(struct heredoc_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->item[i].name);
        mem_free(list->item[i].content);
    }
    mem_free(list->item);
    *list = (struct heredoc_list){0};
}

char *heredoc_text(const struct heredoc *doc)
{
    if (!doc->chomp)
        return mem_strdup(doc->content);
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_str(&out, "");
    for (const char *at = doc->content; *at;) {
        at += strspn(at, "\t");
        size_t len = strcspn(at, "\n");
        len += at[len] == '\n';
        buf_add(&out, at, len);
        at += len;
    }
    return buf_take(&out);
}
