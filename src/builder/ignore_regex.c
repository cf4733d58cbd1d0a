/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/ignore_regex.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/runes.h"

#include <string.h>

/* State i stands before item i; the last state, behind all items, is the match. */
enum item_kind {
    ITEM_CODE,
    ITEM_CLASS,
    ITEM_CLASS_MANY, /* any number of times */
    ITEM_TEXT,       /* any text but newlines */
    ITEM_DIRS,       /* the item after it, which is ITEM_DIRS_IN, or nothing */
    ITEM_DIRS_IN,    /* any text but newlines, then a slash */
    ITEM_BEGIN,      /* an anchor: nothing before it */
    ITEM_ANYTHING,   /* any text */
};

struct item {
    enum item_kind kind;
    uint32_t code;
    size_t class;
};

/* The text between two "|", or all of it. */
struct branch {
    struct item *item;
    size_t count, room;
    bool to_end; /* must match up to the end of the path */
    /* What each match begins and ends with, for a quick no. */
    char *head, *tail;
    size_t head_len, tail_len;
};

struct ignore_regex {
    struct branch *branch;
    size_t branch_count, branch_room;
    struct ignore_class *class;
    size_t class_count, class_room;
};

static void add_item(struct ignore_regex *r, enum item_kind kind, uint32_t code, size_t class)
{
    struct branch *b = &r->branch[r->branch_count - 1];
    MEM_PUSH(b->item, b->count, b->room, (struct item){kind, code, class});
}

static void add_branch(struct ignore_regex *r)
{
    MEM_PUSH(r->branch, r->branch_count, r->branch_room, (struct branch){0});
}

static size_t add_class(struct ignore_regex *r, const char *text, size_t len, const char **fault)
{
    MEM_PUSH(r->class, r->class_count, r->class_room, (struct ignore_class){0});
    size_t index = r->class_count - 1;
    size_t used = ignore_class_parse(&r->class[index], text, len, fault);
    if (*fault)
        return 0;
    bool many = used < len && text[used] == '*';
    add_item(r, many ? ITEM_CLASS_MANY : ITEM_CLASS, 0, index);
    return used + many;
}

static size_t add_escape(struct ignore_regex *r, const char *text, size_t len, const char **fault)
{
    struct ignore_class class = {0};
    bool is_code = true;
    uint32_t code = 0;
    size_t used = ignore_class_escape(&class, text, len, &is_code, &code, fault);
    if (*fault || is_code) {
        ignore_class_wipe(&class);
        add_item(r, ITEM_CODE, code, 0);
        return used;
    }
    MEM_PUSH(r->class, r->class_count, r->class_room, class);
    add_item(r, ITEM_CLASS, 0, r->class_count - 1);
    return used;
}

/* "{2}", "{2,}", "{2,3}": a count for what stands before. Other braces are ordinary. */
static bool is_count(const char *text, size_t len)
{
    size_t at = 1;
    if (len == 0 || text[0] != '{' || at == len || !str_is_digit(text[at]))
        return false;
    while (at < len && str_is_digit(text[at]))
        at++;
    if (at < len && text[at] == ',')
        at++;
    while (at < len && str_is_digit(text[at]))
        at++;
    return at < len && text[at] == '}';
}

static bool begins(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static size_t add_next(struct ignore_regex *r, const char *text, size_t len, const char **fault)
{
    static const char dirs[] = "(.*/)?";
    static const char any[] = ".*";
    uint32_t code = 0;
    if (*text == '[')
        return 1 + add_class(r, text + 1, len - 1, fault);
    if (*text == '\\')
        return 1 + add_escape(r, text + 1, len - 1, fault);
    if (begins(text, len, dirs)) {
        add_item(r, ITEM_DIRS, 0, 0);
        add_item(r, ITEM_DIRS_IN, 0, 0);
        return strlen(dirs);
    }
    if (begins(text, len, any)) {
        add_item(r, ITEM_TEXT, 0, 0);
        return strlen(any);
    }
    if (*text == '^') {
        add_item(r, ITEM_BEGIN, 0, 0);
        return 1;
    }
    if (*text == '|') {
        add_branch(r);
        add_item(r, ITEM_ANYTHING, 0, 0);
        return 1;
    }
    if (is_count(text, len))
        *fault = "a count in {} needs a \\ before the {";
    if (strchr("*?(.", *text))
        *fault = "its wildcards and [] do not make sense together";
    size_t used = rune_next(text, len, &code);
    add_item(r, ITEM_CODE, code, 0);
    return used;
}

static bool is_plain(const struct item *item)
{
    return item->kind == ITEM_CODE && item->code < 0x80;
}

/* A branch that begins with anything has no head, and one that need not reach the end no tail. */
static void find_ends(struct branch *b)
{
    size_t head = 0, tail = 0;
    while (head < b->count && is_plain(&b->item[head]))
        head++;
    while (b->to_end && tail < b->count && is_plain(&b->item[b->count - 1 - tail]))
        tail++;
    b->head = mem_alloc(head + 1);
    b->tail = mem_alloc(tail + 1);
    b->head_len = head;
    b->tail_len = tail;
    for (size_t i = 0; i < head; i++)
        b->head[i] = (char)b->item[i].code;
    for (size_t i = 0; i < tail; i++)
        b->tail[i] = (char)b->item[b->count - tail + i].code;
}

struct ignore_regex *ignore_regex_new(const char *text, size_t len, const char **fault)
{
    AUTO(ignore_regex_free) struct ignore_regex *r = mem_zero(1, sizeof *r);
    *fault = NULL;
    add_branch(r);
    for (size_t at = 0; at < len;) {
        at += add_next(r, text + at, len - at, fault);
        if (*fault)
            return NULL;
    }
    r->branch[r->branch_count - 1].to_end = true;
    for (size_t i = 0; i < r->branch_count; i++)
        find_ends(&r->branch[i]);
    return TAKE(r);
}

/* From each state that is on, also those that are reached without a character. They only lie behind it. */
static void close_states(const struct branch *b, uint8_t *on, bool at_begin)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!on[i])
            continue;
        enum item_kind kind = b->item[i].kind;
        if (kind == ITEM_DIRS)
            on[i + 1] = on[i + 2] = 1;
        if (kind == ITEM_CLASS_MANY || kind == ITEM_TEXT || kind == ITEM_ANYTHING ||
            (kind == ITEM_BEGIN && at_begin))
            on[i + 1] = 1;
    }
}

/* The states after one character; false when there are none. */
static bool step_states(const struct ignore_regex *r, const struct branch *b, const uint8_t *on,
                        uint8_t *next, uint32_t code)
{
    bool any = false;
    memset(next, 0, b->count + 1);
    for (size_t i = 0; i < b->count; i++) {
        if (!on[i])
            continue;
        const struct item *item = &b->item[i];
        bool stay = false, go = false;
        switch (item->kind) {
        case ITEM_CODE:
            go = item->code == code;
            break;
        case ITEM_CLASS:
            go = ignore_class_has(&r->class[item->class], code);
            break;
        case ITEM_CLASS_MANY:
            stay = ignore_class_has(&r->class[item->class], code);
            break;
        case ITEM_ANYTHING:
            stay = true;
            break;
        case ITEM_TEXT:
            stay = code != '\n';
            break;
        case ITEM_DIRS_IN:
            stay = code != '\n';
            go = code == '/';
            break;
        case ITEM_DIRS:
        case ITEM_BEGIN:
            break;
        }
        next[i] = next[i] || stay;
        next[i + 1] = next[i + 1] || go;
        any = any || stay || go;
    }
    return any;
}

static bool run(const struct ignore_regex *r, const struct branch *b, const char *path, size_t len,
                uint8_t *on, uint8_t *next)
{
    memset(on, 0, b->count + 1);
    on[0] = 1;
    close_states(b, on, true);
    for (size_t at = 0; at < len;) {
        uint32_t code = 0;
        if (!b->to_end && on[b->count])
            return true;
        at += rune_next(path + at, len - at, &code);
        if (!step_states(r, b, on, next, code))
            return false;
        close_states(b, next, false);
        uint8_t *swap = on;
        on = next;
        next = swap;
    }
    return on[b->count] != 0;
}

static bool match_branch(const struct ignore_regex *r, const struct branch *b, const char *path, size_t len)
{
    uint8_t small[2][128];
    if (len < b->head_len || memcmp(path, b->head, b->head_len) != 0)
        return false;
    if (len < b->tail_len || memcmp(path + len - b->tail_len, b->tail, b->tail_len) != 0)
        return false;
    if (b->count < sizeof small[0])
        return run(r, b, path, len, small[0], small[1]);
    AUTO(mem_free) uint8_t *large = mem_zero(2, b->count + 1);
    return run(r, b, path, len, large, large + b->count + 1);
}

bool ignore_regex_match(const struct ignore_regex *r, const char *path, size_t len)
{
    for (size_t i = 0; i < r->branch_count; i++) {
        if (match_branch(r, &r->branch[i], path, len))
            return true;
    }
    return false;
}

void ignore_regex_free(struct ignore_regex *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->class_count; i++)
        ignore_class_wipe(&r->class[i]);
    for (size_t i = 0; i < r->branch_count; i++) {
        mem_free(r->branch[i].item);
        mem_free(r->branch[i].head);
        mem_free(r->branch[i].tail);
    }
    mem_free(r->class);
    mem_free(r->branch);
    mem_free(r);
}
