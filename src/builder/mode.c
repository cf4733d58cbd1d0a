/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/mode.h"

#include "base/mem.h"
#include "base/str.h"

#define SET_ID 06000u
#define STICKY 01000u
#define ALL_BUT_STICKY 06777u
#define EXECUTE 0111u

/* Set, clear or replace bits: fixed ones, or those of another class of users. */
struct mode_change {
    char op;       /* '+', '-', 'X' (set when executable); 'u', 'g', 'o': copy that class */
    char copy_op;  /* for copies: '+', '-', '=' */
    uint32_t bits; /* for copies: 0700, 0070, 0007 of the classes that are changed */
};

/* The clause that is read: "ug", "+", and the letters since the last change was noted. */
struct clause {
    uint32_t who;
    char op;
    bool assigned; /* the bits of "=" are cleared already */
    uint32_t perm;
    uint32_t execute;
};

static struct err *bad_octal(const char *text)
{
    AUTO(mem_free) char *shown = str_safe(text);
    return err_new(ERR_INPUT, "--chmod=%s is not valid: the number must be octal, from 0 to 7777", shown);
}

static struct err *bad_symbolic(const char *text)
{
    AUTO(mem_free) char *shown = str_safe(text);
    return err_new(ERR_INPUT, "--chmod=%s is not valid: expected a mode like 755 or u=rwX,go=rX", shown);
}

static void add_change(struct mode_set *set, char op, uint32_t bits, char copy_op)
{
    MEM_PUSH(set->change, set->count, set->room, (struct mode_change){op, copy_op, bits});
}

static uint32_t masked(const struct clause *c, uint32_t bits)
{
    return c->who ? c->who & bits : bits;
}

/* Note what the letters so far ask for. */
static void flush(struct mode_set *set, struct clause *c, bool at_end)
{
    if (c->perm || (at_end && c->op == '=' && !c->assigned)) {
        if (c->op == '=')
            add_change(set, '-', c->who ? c->who : ALL_BUT_STICKY, 0);
        add_change(set, c->op == '-' ? '-' : '+', masked(c, c->perm), 0);
        c->perm = 0;
        if (at_end && c->op == '=')
            c->assigned = true;
    }
    if (c->op == '=' && !at_end)
        c->assigned = true;
    if (c->execute)
        add_change(set, 'X', masked(c, c->execute), 0);
    c->execute = 0;
}

static void add_copy(struct mode_set *set, const struct clause *c, char from)
{
    uint32_t classes = 0777;
    if (c->who)
        classes = (c->who & 0400 ? 0700u : 0) | (c->who & 040 ? 070u : 0) | (c->who & 04 ? 07u : 0);
    add_change(set, from, classes, c->op);
}

/* One letter behind the operator; false when it is none. */
static bool read_letter(struct mode_set *set, struct clause *c, char letter)
{
    bool more_than_others = c->who == 0 || (c->who & ~07u) != 0;
    switch (letter) {
    case 'r':
        c->perm |= 0444;
        return true;
    case 'w':
        c->perm |= 0222;
        return true;
    case 'x':
        c->perm |= EXECUTE;
        return true;
    case 'X':
        if (c->op == '+')
            c->execute = EXECUTE;
        return true;
    case 's':
        if (more_than_others)
            c->perm |= SET_ID;
        return true;
    case 't':
        if (more_than_others) {
            c->who |= STICKY;
            c->perm |= STICKY;
        }
        return true;
    case 'u':
    case 'g':
    case 'o':
        flush(set, c, false);
        add_copy(set, c, letter);
        return true;
    default:
        return false;
    }
}

/* "ug" before an operator; the bytes read. */
static size_t read_who(struct clause *c, const char *text)
{
    size_t at = 0;
    for (;; at++) {
        if (text[at] == 'a')
            c->who |= ALL_BUT_STICKY;
        else if (text[at] == 'u')
            c->who |= 04700;
        else if (text[at] == 'g')
            c->who |= 02070;
        else if (text[at] == 'o')
            c->who |= 0007;
        else
            return at;
    }
}

static bool is_op(char c)
{
    return c == '+' || c == '-' || c == '=';
}

/* One clause up to a comma or the end, with one operator or several ("u+r-w"); false when it is not valid. */
static bool read_clause(struct mode_set *set, const char **text, bool *assigned)
{
    struct clause c = {.assigned = *assigned};
    *text += read_who(&c, *text);
    do {
        c.op = **text;
        if (!is_op(c.op))
            return false;
        if (c.op == '=')
            c.assigned = false;
        c.who &= ~STICKY;
        ++*text;
        while (read_letter(set, &c, **text))
            ++*text;
        flush(set, &c, true);
    } while (**text && **text != ',');
    *assigned = c.assigned;
    return true;
}

static struct err *parse_octal(struct mode_set *out, const char *text)
{
    uint32_t bits = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '7')
            return bad_octal(text);
        bits = bits * 8 + (uint32_t)(*at - '0');
        if (bits > 07777)
            return bad_octal(text);
    }
    *out = (struct mode_set){.octal = true, .bits = bits};
    return NULL;
}

struct err *mode_parse(struct mode_set *out, const char *text)
{
    if (str_is_digit(*text))
        return parse_octal(out, text);
    AUTO_VALUE(mode_wipe) struct mode_set set = {0};
    bool assigned = false;
    for (const char *rest = text;; rest++) {
        if (!read_clause(&set, &rest, &assigned))
            return bad_symbolic(text);
        if (!*rest)
            break;
    }
    *out = set;
    set = (struct mode_set){0};
    return NULL;
}

/* "g=u": the three bits of one class into others. */
static uint32_t apply_copy(const struct mode_change *change, uint32_t mode)
{
    unsigned shift = change->op == 'u' ? 6 : change->op == 'g' ? 3 : 0;
    uint32_t three = (mode >> shift) & 07;
    uint32_t spread = (three << 6 | three << 3 | three) & change->bits;
    if (change->copy_op == '-')
        return mode & ~spread;
    if (change->copy_op == '=')
        mode &= ~change->bits;
    return mode | spread;
}

uint32_t mode_apply(const struct mode_set *set, uint32_t mode, bool is_dir)
{
    uint32_t before = mode;
    if (set->octal)
        return set->bits;
    for (size_t i = 0; i < set->count; i++) {
        const struct mode_change *change = &set->change[i];
        if (change->op == '+')
            mode |= change->bits;
        else if (change->op == '-')
            mode &= ~change->bits;
        else if (change->op != 'X')
            mode = apply_copy(change, mode);
        else if (is_dir || (before & EXECUTE))
            mode |= change->bits;
    }
    return mode & 07777;
}

void mode_wipe(struct mode_set *set)
{
    mem_free(set->change);
    *set = (struct mode_set){0};
}
