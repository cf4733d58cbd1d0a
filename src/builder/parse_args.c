/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/str.h"
#include "builder/parse.h"
#include "builder/port.h"
#include "builder/run_flags.h"
#include "base/runes.h"
#include "builder/signalname.h"

#include <string.h>

/* The instructions that set the config, and RUN: their arguments. */

static const char *name_of(const struct parse *p)
{
    return instr_name(p->instr->kind);
}

static void needs_argument(struct parse *p, const char *expected)
{
    parse_mistake(p, p->instr->at, expected, NULL, "%s requires at least one argument", name_of(p));
}

/* Nothing in it that expansion would change, so that its value can be judged now. */
static bool is_constant(const char *text)
{
    return !strpbrk(text, "$\\`'\"<");
}

void parse_one_text(struct parse *p, struct part rest)
{
    if (rest.len == 0) {
        parse_mistake(p, p->instr->at, NULL, NULL, "%s requires exactly one argument", name_of(p));
        return;
    }
    struct word word = part_word(p, rest);
    word_list_add(&p->instr->arg, word);
    if (p->instr->kind == INSTR_STOPSIGNAL && is_constant(word.text) && !signalname_valid(word.text))
        parse_mistake(p, word.at, "a signal such as SIGTERM, TERM or 15", NULL, "invalid signal: %s",
                      word.text);
    if (p->instr->kind == INSTR_MAINTAINER)
        diag_warn(p->diag, p->instr->at, "MaintainerDeprecated",
                  "Maintainer instruction is deprecated in favor of using label");
}

static struct pair *add_pair(struct parse *p)
{
    struct pair_list *list = &p->instr->pair;
    MEM_PUSH(list->item, list->count, list->room, (struct pair){0});
    return &list->item[list->count - 1];
}

/* A part of a word, in bytes; the word stands in one piece in the line, so that its span can be cut. */
static struct word cut(const struct word *word, size_t from, size_t len)
{
    struct word out = {.text = mem_strndup(word->text + from, len), .at = word->at};
    if (word->at.line == word->at.end_line) {
        out.at.column = word->at.column + (unsigned)from;
        out.at.end_column = out.at.column + (unsigned)len;
    }
    return out;
}

static void add_assignment(struct parse *p, const struct word *word, const char *equals)
{
    struct pair *pair = add_pair(p);
    size_t key = (size_t)(equals - word->text);
    pair->key = cut(word, 0, key);
    pair->value = cut(word, key + 1, strlen(equals + 1));
    if (key == 0)
        parse_mistake(p, word->at, "NAME=VALUE", NULL, "%s names can not be blank", name_of(p));
}

/* Is it a name that tells of a secret, by its first, last or any word between underscores? */
static bool has_word(const char *name, const char *const *words, size_t count)
{
    for (const char *at = name; at; at = strchr(at, '_'), at = at ? at + 1 : NULL) {
        size_t len = strcspn(at, "_");
        for (size_t i = 0; i < count; i++) {
            struct part part = {at, len};
            if (part_is(part, words[i]))
                return true;
        }
    }
    return false;
}

static void warn_of_secret(struct parse *p, const struct word *key)
{
    static const char *const secret[] = {"apikey",   "auth",  "credential", "credentials", "key",
                                         "password", "pword", "passwd",     "secret",      "token"};
    static const char *const harmless[] = {"public", "file", "version"};
    if (has_word(key->text, secret, ARRAY_LEN(secret)) && !has_word(key->text, harmless, ARRAY_LEN(harmless)))
        diag_warn(p->diag, p->instr->at, "SecretsUsedInArgOrEnv",
                  "Do not use ARG or ENV instructions for sensitive data (%s \"%s\")", name_of(p), key->text);
}

static void words_free(struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->item[i].text);
    mem_free(list->item);
}

/* `KEY the rest of the line`. */
static void parse_legacy(struct parse *p, struct part rest)
{
    struct part key;
    struct part value;
    if (!part_split(rest, &key, &value)) {
        parse_mistake_always(p, part_span(p, rest), "NAME=VALUE", NULL, "%s must have two arguments",
                             name_of(p));
        return;
    }
    struct pair *pair = add_pair(p);
    *pair = (struct pair){.key = part_word(p, key), .value = part_word(p, value), .legacy = true};
    if (key.len == 0)
        parse_mistake(p, pair->value.at, "NAME=VALUE", NULL, "%s names can not be blank", name_of(p));
    diag_warn(p->diag, p->instr->at, "LegacyKeyValueFormat",
              "\"%s key=value\" should be used instead of legacy \"%s key value\" format", name_of(p),
              name_of(p));
}

void parse_env(struct parse *p, struct part rest)
{
    AUTO_VALUE(words_free) struct word_list words = {0};
    parse_words(p, rest, &words);
    if (words.count == 0) {
        needs_argument(p, "NAME=VALUE");
        return;
    }
    if (!strchr(words.item[0].text, '=')) {
        parse_legacy(p, rest);
    } else {
        for (size_t i = 0; i < words.count; i++) {
            const char *equals = strchr(words.item[i].text, '=');
            if (equals)
                add_assignment(p, &words.item[i], equals);
            else
                parse_mistake_always(p, words.item[i].at, "NAME=VALUE",
                                     "a value with spaces in it needs quotes", "can't find = in \"%s\"",
                                     words.item[i].text);
        }
    }
    for (size_t i = 0; p->instr->kind == INSTR_ENV && i < p->instr->pair.count; i++)
        warn_of_secret(p, &p->instr->pair.item[i].key);
}

void parse_arg(struct parse *p, struct part rest)
{
    AUTO_VALUE(words_free) struct word_list words = {0};
    parse_words(p, rest, &words);
    if (words.count == 0)
        needs_argument(p, "NAME or NAME=DEFAULT");
    for (size_t i = 0; i < words.count; i++) {
        const char *equals = strchr(words.item[i].text, '=');
        if (equals)
            add_assignment(p, &words.item[i], equals);
        else
            add_pair(p)->key = cut(&words.item[i], 0, strlen(words.item[i].text));
        warn_of_secret(p, &p->instr->pair.item[i].key);
    }
}

static void warn_of_port(struct parse *p, const struct word *word)
{
    if (strchr(word->text, ':')) {
        diag_warn(p->diag, p->instr->at, "ExposeInvalidFormat",
                  "EXPOSE instruction should not define an IP address or host-port mapping, found '%s'",
                  word->text);
        return;
    }
    const char *protocol = strchr(word->text, '/');
    for (const char *c = protocol; c && *c; c++) {
        if (str_lower(*c) == *c)
            continue;
        diag_warn(p->diag, p->instr->at, "ExposeProtoCasing",
                  "Defined protocol '%s' in EXPOSE instruction should be lowercase", word->text);
        return;
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct word *left = a;
    const struct word *right = b;
    return strcmp(left->text, right->text);
}

void parse_expose(struct parse *p, struct part rest)
{
    struct word_list *arg = &p->instr->arg;
    parse_fields(p, rest, arg);
    if (arg->count == 0) {
        needs_argument(p, "PORT or PORT/PROTOCOL");
        return;
    }
    for (size_t i = 0; i < arg->count; i++) {
        if (!is_constant(arg->item[i].text))
            continue;
        AUTO_VALUE(strlist_wipe) struct strlist ports = {0};
        AUTO(err_free) struct err *e = port_parse(&ports, arg->item[i].text);
        if (e)
            parse_mistake(p, arg->item[i].at, NULL, err_hint_of(e), "%s", err_message(e));
        else
            warn_of_port(p, &arg->item[i]);
    }
    qsort(arg->item, arg->count, sizeof *arg->item, by_bytes);
}

void parse_volume(struct parse *p, struct part rest)
{
    parse_json_or_fields(p, rest);
    struct word_list *arg = &p->instr->arg;
    if (arg->count == 0 && !p->instr->broken)
        needs_argument(p, "a path");
    for (size_t i = 0; i < arg->count; i++) {
        struct word *word = &arg->item[i];
        struct part trimmed = part_trim((struct part){word->text, strlen(word->text)});
        char *text = mem_strndup(trimmed.text, trimmed.len);
        mem_free(word->text);
        word->text = text;
        if (trimmed.len == 0)
            parse_mistake(p, word->at, "a path", NULL, "VOLUME specified can not be an empty string");
    }
}

void parse_shell(struct parse *p, struct part rest)
{
    parse_json_or_text(p, rest);
    if (p->instr->broken)
        return;
    if (p->instr->arg.count == 0)
        needs_argument(p, "[\"EXECUTABLE\", \"ARGUMENT\", …]");
    else if (!p->instr->json)
        parse_mistake(p, p->instr->arg.item[0].at, "[\"EXECUTABLE\", \"ARGUMENT\", …]", NULL,
                      "SHELL requires the arguments to be in JSON form");
}

static void check_one_of(struct parse *p, const char *flag, const char *const *values, size_t count,
                         const char *expected)
{
    const struct word *value = flag_text(p->instr, flag);
    for (size_t i = 0; value && i < count; i++) {
        if (str_eq(value->text, values[i]))
            value = NULL;
    }
    if (value)
        parse_mistake(p, value->at, expected, NULL, "invalid %s mode \"%s\"", flag, value->text);
}

/* A stage or image of a mount is looked up before anything is expanded. */
static void check_mounts(struct parse *p)
{
    for (size_t i = 0; i < p->instr->flag.count; i++) {
        const struct flag *flag = &p->instr->flag.item[i];
        AUTO(mem_free) char *from = NULL;
        if (!str_eq(flag->name.text, "mount") || !flag->value.text)
            continue;
        AUTO(err_free) struct err *e = run_mount_flag_check(flag->value.text, &from);
        if (e)
            parse_mistake(p, flag->value.at, NULL, err_hint_of(e), "%s", err_message(e));
        else if (from)
            word_list_add(&p->instr->mount_from, (struct word){.text = TAKE(from), .at = flag->value.at});
    }
}

void parse_command(struct parse *p, struct part rest)
{
    static const char *const networks[] = {"default", "none", "host"};
    static const char *const securities[] = {"sandbox", "insecure"};
    parse_json_or_text(p, rest);
    if (p->instr->kind == INSTR_RUN) {
        check_one_of(p, "network", networks, ARRAY_LEN(networks), "default, none or host");
        check_one_of(p, "security", securities, ARRAY_LEN(securities), "sandbox or insecure");
        check_mounts(p);
    }
}
