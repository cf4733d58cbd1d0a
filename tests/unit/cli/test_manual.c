/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/cli.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * The manual page of a command lists exactly the options of its table, with the same letters and the same
 * names of values; those of buildx that lade does not have are named in its text.
 */

#define PAGE_MAX (1u << 20)

static char *read_page(const char *name)
{
    struct buf text = BUF(PAGE_MAX);
    char *path = mem_printf(LADE_TEST_DATA "/../man/%s.1", name);
    struct err *e = fs_read_file(&text, AT_FDCWD, path, NULL);
    if (e)
        fail_msg("%s", err_message(e));
    free(path);
    buf_byte(&text, '\n');
    return buf_take(&text);
}

/* ".It Fl f , Fl -file Ar FILE" */
static char *item_line(const struct opt *o)
{
    char letter[] = {"Fl x , "};
    letter[3] = o->letter;
    return mem_printf("\n.It %sFl -%s%s%s\n", o->letter ? letter : "", o->name, o->value ? " Ar " : "",
                      o->value ? o->value : "");
}

/* Followed by the end of the line or by punctuation: "--compress" is not "--compression". */
static bool names_option(const char *page, const char *wanted)
{
    for (const char *at = page; (at = strstr(at, wanted)); at++)
        if (at[strlen(wanted)] == '\n' || at[strlen(wanted)] == ' ')
            return true;
    return false;
}

static void check_option(const char *page, const char *command, const struct opt *o)
{
    char *wanted = o->help ? item_line(o) : mem_printf("Fl -%s", o->name);
    if (o->help ? !strstr(page, wanted) : !names_option(page, wanted))
        fail_msg("the manual page of %s lacks: %s", command, wanted);
    free(wanted);
}

static size_t check_options(const char *page, const struct command *c)
{
    size_t shown = 0;
    for (size_t g = 0; g < c->group_count; g++)
        for (size_t i = 0; i < c->groups[g].count; i++) {
            check_option(page, c->name, &c->groups[g].item[i]);
            shown += c->groups[g].item[i].help != NULL;
        }
    return shown;
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        found++;
    return found;
}

static void pages_list_the_options_of_the_tables(void **state)
{
    (void)state;
    size_t commands = 0;
    const struct command *const *all = cli_commands(&commands);
    for (size_t i = 0; i < commands; i++) {
        char *name = mem_printf("lade-%s", all[i]->name);
        char *page = read_page(name);
        assert_int_equal(check_options(page, all[i]), count(page, "\n.It Fl "));
        free(page);
        free(name);
    }
}

static void the_first_page_lists_the_commands(void **state)
{
    (void)state;
    size_t commands = 0;
    const struct command *const *all = cli_commands(&commands);
    char *page = read_page("lade");
    for (size_t i = 0; i < commands; i++) {
        char *line = mem_printf("\n.It Xr lade-%s 1\n%s.\n", all[i]->name, all[i]->summary);
        if (!strstr(page, line))
            fail_msg("lade.1 lacks: %s", line);
        free(line);
    }
    assert_int_equal(commands, count(page, "\n.It Xr "));
    free(page);
}

static void help_fits_a_terminal(void **state)
{
    (void)state;
    size_t commands = 0;
    const struct command *const *all = cli_commands(&commands);
    for (size_t i = 0; i < commands; i++) {
        struct buf text = BUF(BUF_NO_LIMIT);
        struct strlist lines = {0};
        cli_help(all[i], &text);
        strlist_split(&lines, buf_text(&text), '\n');
        for (size_t k = 0; k < lines.count; k++)
            if (strlen(lines.item[k]) > OPT_HELP_WIDTH)
                fail_msg("help of %s: too long: %s", all[i]->name, lines.item[k]);
        strlist_wipe(&lines);
        buf_wipe(&text);
    }
}

/* Two options of one name or letter would hide each other. */
static void names_and_letters_are_unique(void **state)
{
    (void)state;
    size_t commands = 0;
    const struct command *const *all = cli_commands(&commands);
    for (size_t i = 0; i < commands; i++) {
        struct strlist seen = {0};
        for (size_t g = 0; g < all[i]->group_count; g++)
            for (size_t k = 0; k < all[i]->groups[g].count; k++) {
                const struct opt *o = &all[i]->groups[g].item[k];
                char letter[] = {o->letter, '\0'};
                assert_false(strlist_has(&seen, o->name));
                assert_false(o->letter && strlist_has(&seen, letter));
                strlist_add(&seen, o->name);
                strlist_add(&seen, letter);
            }
        strlist_wipe(&seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_list_the_options_of_the_tables),
        cmocka_unit_test(the_first_page_lists_the_commands),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(names_and_letters_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
