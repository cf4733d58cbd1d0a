/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/dockerfile.h"
#include "base/mem.h"
#include "builder/parse.h"

#include <string.h>

static void word_wipe(struct word *word)
{
    mem_free(word->text);
}

static void word_list_wipe(struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        word_wipe(&list->item[i]);
    mem_free(list->item);
}

static void flags_wipe(struct flag_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        word_wipe(&list->item[i].name);
        word_wipe(&list->item[i].value);
    }
    mem_free(list->item);
}

static void pairs_wipe(struct pair_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        word_wipe(&list->item[i].key);
        word_wipe(&list->item[i].value);
    }
    mem_free(list->item);
}

static void copy_wipe(struct instr_copy *copy)
{
    word_list_wipe(&copy->source);
    for (size_t i = 0; i < copy->inline_count; i++) {
        mem_free(copy->inline_file[i].name);
        mem_free(copy->inline_file[i].content);
    }
    mem_free(copy->inline_file);
    word_wipe(&copy->dest);
    word_wipe(&copy->from);
    word_wipe(&copy->chown);
    word_wipe(&copy->chmod);
    word_wipe(&copy->checksum);
    word_list_wipe(&copy->exclude);
}

void instr_wipe(struct instr *instr)
{
    word_wipe(&instr->name);
    mem_free(instr->text);
    mem_free(instr->comment);
    flags_wipe(&instr->flag);
    word_list_wipe(&instr->arg);
    word_list_wipe(&instr->mount_from);
    heredoc_list_wipe(&instr->heredoc);
    word_wipe(&instr->from.image);
    word_wipe(&instr->from.platform);
    word_wipe(&instr->from.name);
    copy_wipe(&instr->copy);
    pairs_wipe(&instr->pair);
    strlist_wipe(&instr->health.test);
    mem_free(instr->onbuild.text);
    instr_free(instr->onbuild.trigger);
    *instr = (struct instr){0};
}

void instr_free(struct instr *instr)
{
    if (!instr)
        return;
    instr_wipe(instr);
    mem_free(instr);
}

void dockerfile_wipe(struct dockerfile *file)
{
    for (size_t i = 0; i < file->count; i++)
        instr_wipe(&file->item[i]);
    mem_free(file->item);
    word_wipe(&file->syntax);
    word_wipe(&file->check);
    *file = (struct dockerfile){0};
}

/* An escape character at the end of a line would continue it, unless something that is trimmed stands behind
 * it. */
static const char *line_end(const char *text, char escape)
{
    size_t len = strlen(text);
    return len > 0 && text[len - 1] == escape ? "\v\n" : "\n";
}

void dockerfile_print(const struct dockerfile *file, struct buf *out)
{
    if (file->syntax.text)
        buf_printf(out, "# syntax=%s\n", file->syntax.text);
    if (file->escape == '`')
        buf_str(out, "# escape=`\n");
    if (file->check.text)
        buf_printf(out, "# check=%s\n", file->check.text);
    for (size_t i = 0; i < file->count; i++) {
        const struct instr *instr = &file->item[i];
        buf_printf(out, "%s%s", instr->text, line_end(instr->text, file->escape));
        for (size_t j = 0; j < instr->heredoc.count; j++)
            buf_printf(out, "%s%s\n", instr->heredoc.item[j].content, instr->heredoc.item[j].name);
    }
}
