/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lint.h"
#include "base/str.h"

static bool all_lower(const char *name)
{
    for (; *name; name++) {
        if (*name >= 'A' && *name <= 'Z')
            return false;
    }
    return true;
}

static bool all_upper(const char *name)
{
    for (; *name; name++) {
        if (*name >= 'a' && *name <= 'z')
            return false;
    }
    return true;
}

static void lint_casing(const struct dockerfile *file, struct diag *diag)
{
    size_t lower = 0;
    size_t upper = 0;
    bool in_stage = false;
    for (size_t i = 0; i < file->count; i++) {
        in_stage = in_stage || file->item[i].kind == INSTR_FROM;
        lower += in_stage && all_lower(file->item[i].name.text);
        upper += in_stage && all_upper(file->item[i].name.text);
    }
    bool want_lower = lower > upper;
    in_stage = false;
    for (size_t i = 0; i < file->count; i++) {
        const struct instr *instr = &file->item[i];
        in_stage = in_stage || instr->kind == INSTR_FROM;
        bool right = want_lower ? all_lower(instr->name.text) : all_upper(instr->name.text);
        if (in_stage && !right && instr->kind != INSTR_UNKNOWN)
            diag_warn(diag, instr->at, "ConsistentInstructionCasing",
                      "Command '%s' should match the case of the command majority (%s)", instr->name.text,
                      want_lower ? "lowercase" : "uppercase");
    }
}

/* The one that is told of is the earlier one, which has no effect. */
static void lint_repeated(const struct dockerfile *file, struct diag *diag, enum instr_kind kind)
{
    const struct instr *before = NULL;
    for (size_t i = 0; i < file->count; i++) {
        const struct instr *instr = &file->item[i];
        if (instr->kind == INSTR_FROM)
            before = NULL;
        if (instr->kind != kind)
            continue;
        if (before)
            diag_warn(
                diag, before->at, "MultipleInstructionsDisallowed",
                "Multiple %s instructions should not be used in the same stage because only the last one "
                "will be used",
                instr_name(kind));
        before = instr;
    }
}

/* A shell that was chosen on purpose is meant. */
static void lint_shell_form(const struct dockerfile *file, struct diag *diag)
{
    bool chosen = false;
    for (size_t i = 0; i < file->count; i++) {
        const struct instr *instr = &file->item[i];
        chosen = instr->kind != INSTR_FROM && (chosen || instr->kind == INSTR_SHELL);
        if ((instr->kind == INSTR_CMD || instr->kind == INSTR_ENTRYPOINT) && !instr->json && !chosen)
            diag_warn(
                diag, instr->at, "JSONArgsRecommended",
                "JSON arguments recommended for %s to prevent unintended behavior related to OS signals",
                instr_name(instr->kind));
    }
}

void lint_dockerfile(const struct dockerfile *file, struct diag *diag)
{
    lint_casing(file, diag);
    lint_shell_form(file, diag);
    lint_repeated(file, diag, INSTR_CMD);
    lint_repeated(file, diag, INSTR_ENTRYPOINT);
    lint_repeated(file, diag, INSTR_HEALTHCHECK);
}
