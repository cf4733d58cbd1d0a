/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "cli/session.h"
#include "cli/user.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &cmd_build, &cmd_push, &cmd_pull,  &cmd_copy,   &cmd_inspect, &cmd_ls,     &cmd_tag,  &cmd_referrers,
    &cmd_rm,    &cmd_du,   &cmd_prune, &cmd_verify, &cmd_login,   &cmd_logout, &cmd_auth, &cmd_doctor,
};

const struct command *const *cli_commands(size_t *count)
{
    *count = ARRAY_LEN(commands);
    return commands;
}

static bool find_command(const char *name, const struct command **out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i]->name, name)) {
            *out = commands[i];
            return true;
        }
    return false;
}

static struct err *unknown_command(const char *name)
{
    const char *names[ARRAY_LEN(commands)];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i]->name;
    AUTO(mem_free) char *safe = str_safe(name);
    const char *near = suggest_find(name, names, ARRAY_LEN(names), false);
    struct err *e = err_new(ERR_USAGE, "unknown command \"%s\"", safe);
    return near ? err_hint(e, "did you mean \"lade %s\"?", near) : err_hint(e, "see \"lade help\"");
}

void cli_help(const struct command *c, struct buf *out)
{
    buf_printf(out, "Usage: lade %s [OPTION]...%s%s\n\n%s.\n", c->name, *c->arguments ? " " : "",
               c->arguments, c->summary);
    opt_help(c->groups, c->group_count, out);
    buf_printf(out, "\nThe manual page lade-%s(1) says more.\n", c->name);
}

static void print_command_help(const struct command *c)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(BUF_NO_LIMIT);
    cli_help(c, &text);
    fputs(buf_text(&text), stdout);
}

static void print_general_help(void)
{
    puts("Usage: lade COMMAND [OPTION]... [ARGUMENT]...\n"
         "\n"
         "Build container images and publish them, without a daemon and without root.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "Options:\n"
         "  -D, --debug   show what lade does in detail\n"
         "  -h, --help    show this help\n"
         "  -v, --version show the version\n"
         "\n"
         "\"lade help COMMAND\" shows a command's options; the manual page is lade(1).");
}

static struct err *help(int argc, const char *const *argv)
{
    if (argc == 0) {
        print_general_help();
        return NULL;
    }
    const struct command *c = NULL;
    if (!find_command(argv[0], &c))
        return unknown_command(argv[0]);
    print_command_help(c);
    return NULL;
}

static struct err *check_count(const struct command *c, size_t count)
{
    if (count < c->args_min)
        return err_new(ERR_USAGE, "an argument is missing: lade %s %s", c->name, c->arguments);
    if (count > c->args_max)
        return err_new(ERR_USAGE, "%zu arguments are too many: lade %s %s", count, c->name,
                       *c->arguments ? c->arguments : "takes none");
    return NULL;
}

static struct err *run(const struct command *c, struct shared *settings, size_t argc, const char *const *argv,
                       struct strlist *args)
{
    struct err *e = opt_parse(c->groups, c->group_count, argv, argc, settings, args);
    if (!e && settings->help) {
        print_command_help(c);
        return NULL;
    }
    if (!e)
        e = check_count(c, args->count);
    if (e && err_kind_of(e) == ERR_USAGE && !err_hint_of(e))
        e = err_hint(e, "see \"lade %s --help\"", c->name);
    TRY(e);
    TRY(user_check(c, settings, args));
    if (settings->debug)
        log_enable(true);
    return c->run(settings, args);
}

static bool has_progress(const struct command *c)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (c->groups[i].item == shared_progress_options)
            return true;
    return false;
}

/* The last line of --progress json. */
static bool tell_end(const struct command *c, const struct shared *settings, const struct err *e)
{
    enum progress_kind kind = PROGRESS_AUTO;
    if (!has_progress(c) || settings->help)
        return false;
    err_free(session_progress(settings, &kind)); /* whoever asked before has shown it */
    if (kind != PROGRESS_JSON)
        return false;
    AUTO(mem_free) char *text = progress_json_end(e);
    fprintf(stderr, "%s\n", text);
    return true;
}

/* `argv[first]` is the first word behind the command's name. */
static struct err *run_command(const struct command *c, int argc, const char *const *argv, int first,
                               mode_t file_mode, bool *told)
{
    AUTO_VALUE(strlist_wipe) struct strlist args = {0};
    AUTO(mem_free) struct shared *settings = mem_zero(1, c->settings_size);
    settings->file_mode = file_mode;
    settings->argc = argc;
    settings->argv = argv;
    struct err *e = run(c, settings, (size_t)(argc - first), argv + first, &args);
    *told = tell_end(c, settings, e);
    opt_wipe(c->groups, c->group_count, settings);
    mem_free(settings->login_host);
    return e;
}

struct err *cli_run(int argc, const char *const *argv, mode_t file_mode, bool *told)
{
    *told = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        const struct command *c = NULL;
        if (find_command(word, &c))
            return run_command(c, argc, argv, i + 1, file_mode, told);
        if (str_eq(word, "help"))
            return help(argc - i - 1, argv + i + 1);
        if (str_eq(word, "--help") || str_eq(word, "-h"))
            return help(0, NULL);
        if (str_eq(word, "--version") || str_eq(word, "-v") || str_eq(word, "version")) {
            puts("lade " LADE_VERSION);
            return NULL;
        }
        if (!str_eq(word, "-D") && !str_eq(word, "--debug")) {
            AUTO(mem_free) char *safe = str_safe(word);
            return *word == '-' ? err_hint(err_new(ERR_USAGE, "unknown option %s", safe), "see \"lade help\"")
                                : unknown_command(word);
        }
        log_enable(true);
    }
    return err_hint(err_new(ERR_USAGE, "a command is missing"), "see \"lade help\"");
}
