/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"
#include "base/runes.h"

/* ONBUILD: an instruction that is kept as text. */

static void copy_heredocs(struct instr *to, const struct instr *from)
{
    for (size_t i = 0; i < from->heredoc.count; i++) {
        struct heredoc copy = from->heredoc.item[i];
        copy.name = mem_strdup(copy.name);
        copy.content = mem_strdup(copy.content);
        MEM_PUSH(to->heredoc.item, to->heredoc.count, to->heredoc.room, copy);
    }
}

static char *trigger_text(struct part part, const struct heredoc_list *docs)
{
    struct buf out = BUF(BUF_NO_LIMIT);
    buf_add(&out, part.text, part.len);
    for (size_t i = 0; i < docs->count; i++)
        buf_printf(&out, "\n%s%s", docs->item[i].content, docs->item[i].name);
    return buf_take(&out);
}

/* What BuildKit keeps is the line without its first word, with its flags and the white space at its end. */
static struct part without_name(const struct parse *p)
{
    size_t skip = rune_space_before(p->line->text.data, p->line->text.len);
    struct part all = {p->line->text.data + skip, p->line->text.len - skip};
    struct part name;
    struct part rest;
    part_split(all, &name, &rest);
    return rest;
}

void parse_onbuild(struct parse *p, struct part rest)
{
    struct instr *outer = p->instr;
    if (rest.len == 0) {
        parse_mistake(p, outer->at, "an instruction", NULL, "ONBUILD requires at least one argument");
        return;
    }
    struct part name;
    struct part behind;
    part_split(rest, &name, &behind);
    if (part_is(name, "onbuild")) {
        parse_mistake(p, part_span(p, name), NULL, NULL,
                      "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        return;
    }
    if (part_is(name, "from") || part_is(name, "maintainer")) {
        parse_mistake(p, part_span(p, name), NULL, NULL, "%s isn't allowed as an ONBUILD trigger",
                      part_is(name, "from") ? "FROM" : "MAINTAINER");
        return;
    }
    AUTO(instr_free) struct instr *inner = mem_zero(1, sizeof *inner);
    p->instr = inner;
    p->trigger = true;
    size_t mistakes = p->diag->mistakes;
    parse_instruction(p, rest);
    p->trigger = false;
    p->instr = outer;
    outer->broken = outer->broken || p->diag->mistakes > mistakes;
    copy_heredocs(outer, inner);
    outer->onbuild.text = trigger_text(without_name(p), &outer->heredoc);
    if (!inner->broken)
        outer->onbuild.trigger = TAKE(inner);
}
