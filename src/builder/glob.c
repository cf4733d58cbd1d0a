/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/glob.h"

#include "base/runes.h"

#include <stdint.h>
#include <string.h>

/* A piece of text that is consumed from the front. */
struct span {
    const char *at;
    size_t len;
};

/* A name that is matched against a chunk; once it failed, the rest of the chunk is only checked. */
struct subject {
    struct span rest;
    bool failed;
};

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void skip(struct span *s, size_t len)
{
    s->at += len;
    s->len -= len;
}

static uint32_t take_rune(struct span *s)
{
    uint32_t code = RUNE_INVALID;
    skip(s, rune_next(s->at, s->len, &code));
    return code;
}

bool glob_has_wildcards(const char *pattern)
{
    for (size_t i = 0; pattern[i]; i++) {
        if (pattern[i] == '\\') {
            if (!pattern[++i])
                return false;
        } else if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') {
            return true;
        }
    }
    return false;
}

/* One end of a range in a class. */
static const char *class_end(struct span *chunk, uint32_t *code)
{
    if (chunk->len == 0)
        return "the [ is not closed";
    if (*chunk->at == '-' || *chunk->at == ']')
        return "a class in [] needs a character here, or a \\ before - and ]";
    if (*chunk->at == '\\') {
        skip(chunk, 1);
        if (chunk->len == 0)
            return "the \\ at its end stands before nothing";
    }
    size_t before = chunk->len;
    *code = take_rune(chunk);
    if (*code == RUNE_INVALID && before - chunk->len == 1)
        return "a class in [] has a byte that is not UTF-8";
    return chunk->len == 0 ? "the [ is not closed" : NULL;
}

/* The class after "[" against the first character of the subject. */
static const char *match_class(struct span *chunk, struct subject *s)
{
    uint32_t code = 0;
    if (!s->failed)
        code = take_rune(&s->rest);
    bool negated = chunk->len > 0 && *chunk->at == '^';
    if (negated)
        skip(chunk, 1);
    bool hit = false;
    for (size_t ranges = 0;; ranges++) {
        if (chunk->len > 0 && *chunk->at == ']' && ranges > 0) {
            skip(chunk, 1);
            break;
        }
        uint32_t low = 0;
        const char *fault = class_end(chunk, &low);
        if (fault)
            return fault;
        uint32_t high = low;
        if (*chunk->at == '-') {
            skip(chunk, 1);
            fault = class_end(chunk, &high);
            if (fault)
                return fault;
        }
        hit = hit || (low <= code && code <= high);
    }
    if (hit == negated)
        s->failed = true;
    return NULL;
}

static void match_byte(struct span *chunk, struct subject *s)
{
    if (!s->failed) {
        s->failed = *chunk->at != *s->rest.at;
        skip(&s->rest, 1);
    }
    skip(chunk, 1);
}

/* A chunk without "*" against the beginning of the subject: a fault, or s->rest and s->failed. */
static const char *match_chunk(struct span chunk, struct subject *s)
{
    while (chunk.len > 0) {
        if (s->rest.len == 0)
            s->failed = true;
        const char *fault = NULL;
        switch (*chunk.at) {
        case '[':
            skip(&chunk, 1);
            fault = match_class(&chunk, s);
            break;
        case '?':
            skip(&chunk, 1);
            if (!s->failed) {
                s->failed = *s->rest.at == '/';
                (void)take_rune(&s->rest);
            }
            break;
        case '\\':
            skip(&chunk, 1);
            if (chunk.len == 0)
                return "the \\ at its end stands before nothing";
            match_byte(&chunk, s);
            break;
        default:
            match_byte(&chunk, s);
        }
        if (fault)
            return fault;
    }
    return NULL;
}

/* The next chunk of a pattern: stars before it, and the text up to the next star outside of a class. */
static struct span next_chunk(struct span *pattern, bool *star)
{
    *star = false;
    while (pattern->len > 0 && *pattern->at == '*') {
        skip(pattern, 1);
        *star = true;
    }
    bool in_class = false;
    size_t i = 0;
    for (; i < pattern->len; i++) {
        char c = pattern->at[i];
        if (c == '\\' && i + 1 < pattern->len)
            i++;
        else if (c == '[')
            in_class = true;
        else if (c == ']')
            in_class = false;
        else if (c == '*' && !in_class)
            break;
    }
    struct span chunk = {pattern->at, i};
    skip(pattern, i);
    return chunk;
}

const char *glob_fault(const char *text)
{
    struct span pattern = span_of(text);
    while (pattern.len > 0) {
        bool star = false;
        struct span chunk = next_chunk(&pattern, &star);
        struct subject none = {.rest = {"", 0}, .failed = true};
        const char *fault = match_chunk(chunk, &none);
        if (fault)
            return fault;
    }
    return NULL;
}

/* Where the chunk fits first: here, or behind a star also later. */
static const char *find_chunk(struct span chunk, bool star, bool last, struct span *name, bool *hit)
{
    *hit = false;
    for (size_t i = 0; i <= name->len; i++) {
        struct subject s = {.rest = {name->at + i, name->len - i}};
        const char *fault = match_chunk(chunk, &s);
        if (fault)
            return fault;
        *hit = !s.failed && !(last && s.rest.len > 0);
        if (*hit)
            *name = s.rest;
        if (*hit || !star || (i < name->len && name->at[i] == '/'))
            return NULL;
    }
    return NULL;
}

static const char *match(const char *text, const char *name_text, bool *hit)
{
    struct span pattern = span_of(text);
    struct span name = span_of(name_text);
    *hit = true;
    while (pattern.len > 0 && *hit) {
        bool star = false;
        struct span chunk = next_chunk(&pattern, &star);
        if (star && chunk.len == 0) {
            *hit = memchr(name.at, '/', name.len) == NULL;
            return NULL;
        }
        const char *fault = find_chunk(chunk, star, pattern.len == 0, &name, hit);
        if (fault)
            return fault;
    }
    *hit = *hit && name.len == 0;
    return NULL;
}

const char *glob_fault_on(const char *pattern, const char *name)
{
    bool hit = false;
    return match(pattern, name, &hit);
}

bool glob_match(const char *pattern, const char *name)
{
    bool hit = false;
    return !glob_fault(pattern) && !match(pattern, name, &hit) && hit;
}
