/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "builder/parse.h"

#include <limits.h>

/* HEALTHCHECK [--interval= --timeout= --start-period= --start-interval= --retries=] CMD … | NONE */

#define SHORTEST_NS 1000000

static void read_time(struct parse *p, const char *flag, int64_t *out)
{
    const struct word *value = flag_text(p->instr, flag);
    if (!value || !*value->text)
        return;
    if (!num_parse_duration(value->text, out))
        parse_mistake(p, value->at, "a duration such as 30s or 1m30s", NULL,
                      "invalid duration \"%s\" for --%s", value->text, flag);
    else if (*out != 0 && *out < SHORTEST_NS)
        parse_mistake(p, value->at, NULL, NULL, "Interval \"%s\" cannot be less than 1ms", flag);
}

static void read_retries(struct parse *p, int64_t *out)
{
    const struct word *value = flag_text(p->instr, "retries");
    if (!value || !*value->text)
        return;
    const char *digits = value->text + (value->text[0] == '+' && value->text[1] != '-');
    if (!num_parse_signed(digits, INT32_MIN, INT32_MAX, out))
        parse_mistake(p, value->at, "a number", NULL, "invalid number \"%s\" for --retries", value->text);
    else if (*out < 0)
        parse_mistake(p, value->at, NULL, NULL, "--retries cannot be negative (%s)", value->text);
}

static void read_test(struct parse *p)
{
    struct instr *instr = p->instr;
    if (instr->arg.count == 0 && !instr->broken) {
        parse_mistake(p, instr->at, "a command", NULL, "Missing command after HEALTHCHECK CMD");
        return;
    }
    strlist_add(&instr->health.test, instr->json ? "CMD" : "CMD-SHELL");
    for (size_t i = 0; i < instr->arg.count; i++)
        strlist_add(&instr->health.test, instr->arg.item[i].text);
}

void parse_health(struct parse *p, struct part rest)
{
    static const struct flag_spec flags[] = {
        {"interval", FLAG_IS_TEXT},       {"timeout", FLAG_IS_TEXT}, {"start-period", FLAG_IS_TEXT},
        {"start-interval", FLAG_IS_TEXT}, {"retries", FLAG_IS_TEXT}, {NULL, FLAG_IS_TEXT},
    };
    struct instr *instr = p->instr;
    struct part type = {rest.text, 0};
    while (type.len < rest.len && !str_is_space(rest.text[type.len]))
        type.len++;
    if (type.len == 0) {
        parse_mistake(p, instr->at, "CMD or NONE", NULL, "HEALTHCHECK requires at least one argument");
        return;
    }
    struct part command = {rest.text + type.len, rest.len - type.len};
    while (command.len > 0 && str_is_space(*command.text)) {
        command.text++;
        command.len--;
    }
    parse_json_or_text(p, command);
    if (part_is(type, "none")) {
        if (instr->arg.count > 0)
            parse_mistake(p, part_span(p, command), NULL, NULL, "HEALTHCHECK NONE takes no arguments");
        strlist_add(&instr->health.test, "NONE");
        return;
    }
    parse_check_flags(p, flags);
    if (part_is(type, "cmd")) {
        read_test(p);
    } else {
        AUTO(mem_free) char *text = mem_strndup(type.text, type.len);
        parse_mistake(p, part_span(p, type), "CMD or NONE", NULL,
                      "Unknown type \"%s\" in HEALTHCHECK (try CMD)", text);
    }
    read_time(p, "interval", &instr->health.interval_ns);
    read_time(p, "timeout", &instr->health.timeout_ns);
    read_time(p, "start-period", &instr->health.start_period_ns);
    read_time(p, "start-interval", &instr->health.start_interval_ns);
    read_retries(p, &instr->health.retries);
}
