/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_command.h"

#include "base/buf.h"
#include "base/mem.h"
#include "builder/parse.h"

/* The line with the documents behind it, as they stood in the Dockerfile: the shell takes tabs away itself.
 */
static char *put_back(const char *line, const struct heredoc_list *docs)
{
    struct buf text = BUF(BUF_NO_LIMIT);
    buf_str(&text, line);
    for (size_t i = 0; i < docs->count; i++)
        buf_printf(&text, "\n%s%s", docs->item[i].content, docs->item[i].name);
    return buf_take(&text);
}

/* The command line with what its here-documents make of it; a program becomes a file. */
static char *with_documents(struct run_command *out, const char *line, const struct heredoc_list *docs)
{
    struct heredoc lone = {0};
    if (docs->count == 0)
        return mem_strdup(line);
    if (!heredoc_parse(line, &lone))
        return put_back(line, docs);
    free(lone.name);
    AUTO(mem_free) char *text = heredoc_text(&docs->item[0]);
    if (!str_starts(text, "#!"))
        return TAKE(text);
    out->script_name = mem_strdup(docs->item[0].name);
    out->script = TAKE(text);
    return mem_printf(RUN_SCRIPT_FOLDER "/%s", out->script_name);
}

struct err *run_command_make(struct run_command *out, const struct instr *instr, const struct strlist *shell)
{
    if (instr->json) {
        for (size_t i = 0; i < instr->arg.count; i++)
            strlist_add(&out->argv, instr->arg.item[i].text);
        return out->argv.count > 0 ? NULL : err_new(ERR_INPUT, "RUN has no command");
    }
    if (shell->count > 0) {
        strlist_copy(&out->argv, shell);
    } else {
        strlist_add(&out->argv, "/bin/sh");
        strlist_add(&out->argv, "-c");
    }
    const char *line = instr->arg.count > 0 ? instr->arg.item[0].text : "";
    strlist_add_take(&out->argv, with_documents(out, line, &instr->heredoc));
    return NULL;
}

void run_command_wipe(struct run_command *command)
{
    strlist_wipe(&command->argv);
    free(command->script_name);
    free(command->script);
    *command = (struct run_command){0};
}

char *run_command_history(const struct strlist *argv, const struct strlist *args, const struct strmap *env)
{
    struct buf text = BUF(BUF_NO_LIMIT);
    buf_str(&text, "RUN ");
    if (args->count > 0)
        buf_printf(&text, "|%zu ", args->count);
    for (size_t i = 0; i < args->count; i++) {
        const char *value = strmap_get(env, args->item[i]);
        buf_printf(&text, "%s=%s ", args->item[i], value ? value : "");
    }
    AUTO(mem_free) char *line = strlist_join(argv, " ");
    buf_printf(&text, "%s # buildkit", line);
    return buf_take(&text);
}
