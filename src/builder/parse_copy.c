/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"

/* ADD and COPY. */

void parse_copy(struct parse *p, struct part rest)
{
    struct instr *instr = p->instr;
    parse_json_or_fields(p, rest);
    if (instr->arg.count < 2 && !instr->broken)
        parse_mistake(
            p, instr->at, "SOURCE… DESTINATION", NULL, "%s requires at least two arguments%s",
            instr_name(instr->kind),
            instr->arg.count == 1 ? ", but only one was provided. Destination could not be determined" : "");
    struct instr_copy *copy = &instr->copy;
    copy->from = flag_word(instr, "from");
    copy->chown = flag_word(instr, "chown");
    copy->chmod = flag_word(instr, "chmod");
    copy->checksum = flag_word(instr, "checksum");
    copy->link = flag_bool(instr, "link") == FLAG_TRUE;
    copy->parents = flag_bool(instr, "parents") == FLAG_TRUE;
    copy->keep_git_dir = flag_bool(instr, "keep-git-dir");
    copy->unpack = flag_bool(instr, "unpack");
    for (size_t i = 0; i < instr->flag.count; i++) {
        const struct flag *flag = &instr->flag.item[i];
        if (flag->value.text && str_eq(flag->name.text, "exclude"))
            word_list_add(&copy->exclude,
                          (struct word){.text = mem_strdup(flag->value.text), .at = flag->value.at});
    }
}

/* The last here-document of that name, as BuildKit looks it up. */
static const struct heredoc *find(const struct heredoc_list *list, const char *name)
{
    for (size_t i = list->count; i-- > 0;) {
        if (str_eq(list->item[i].name, name))
            return &list->item[i];
    }
    return NULL;
}

/* Takes the name of `word_doc`. */
static void add_inline(struct instr *instr, struct heredoc *word_doc, struct span at)
{
    struct instr_copy *copy = &instr->copy;
    const struct heredoc *doc = find(&instr->heredoc, word_doc->name);
    struct heredoc text = {.content = doc && doc->content ? doc->content : NULL, .chomp = word_doc->chomp};
    struct copy_inline file = {
        .name = TAKE(word_doc->name),
        .content = text.content ? heredoc_text(&text) : mem_strdup(""),
        .expand = word_doc->expand,
        .at = at,
    };
    MEM_PUSH(copy->inline_file, copy->inline_count, copy->inline_room, file);
}

void parse_copy_sources(struct parse *p)
{
    struct instr *instr = p->instr;
    for (size_t i = 0; i < instr->arg.count; i++) {
        const struct word *word = &instr->arg.item[i];
        bool last = i + 1 == instr->arg.count;
        struct heredoc doc = {0};
        if (heredoc_parse(word->text, &doc)) {
            if (last)
                parse_mistake(p, word->at, "a path", NULL, "%s cannot accept a heredoc as a destination",
                              instr_name(instr->kind));
            else
                add_inline(instr, &doc, word->at);
            mem_free(doc.name);
            continue;
        }
        struct word copy = {.text = mem_strdup(word->text), .at = word->at};
        if (last)
            instr->copy.dest = copy;
        else
            word_list_add(&instr->copy.source, copy);
    }
}
