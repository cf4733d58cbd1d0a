/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/notices.h"
#include "base/mem.h"
#include "base/num.h"

#include <string.h>

#define TEXT_MAX 400

char *notices_text(const char *value)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(TEXT_MAX);
    const char *c = value + strspn(value, " \t");
    if (!str_starts(c, "299 "))
        return NULL;
    c += 4;
    /* The agent, which the specification wants to be "-". */
    c += strcspn(c, " ");
    c += strspn(c, " ");
    if (*c++ != '"')
        return NULL;
    for (; *c && *c != '"'; c++) {
        if (*c == '\\' && c[1])
            c++;
        buf_byte(&text, *c);
    }
    return *c == '"' || text.full ? str_escape(buf_text(&text), text.len, TEXT_MAX) : NULL;
}

/* "100;w=21600" */
static bool parse_limit(const char *value, uint64_t *count, uint64_t *window_s)
{
    AUTO(mem_free) char *first = value ? mem_strndup(value, strcspn(value, "; ,")) : NULL;
    const char *window = value ? strstr(value, "w=") : NULL;
    if (!first || !num_parse(first, INT64_MAX, count))
        return false;
    AUTO(mem_free) char *seconds = window ? mem_strndup(window + 2, strcspn(window + 2, "; ,")) : NULL;
    if (!seconds || !num_parse(seconds, UINT32_MAX, window_s))
        *window_s = 0;
    return true;
}

bool notices_quota(struct notices_quota *out, const struct strmap *headers)
{
    uint64_t ignored;
    struct notices_quota q = {0};
    if (!parse_limit(strmap_get(headers, "ratelimit-limit"), &q.limit, &q.window_s) ||
        !parse_limit(strmap_get(headers, "ratelimit-remaining"), &q.left, &ignored) || q.limit == 0)
        return false;
    *out = q;
    return true;
}

static char *window_text(uint64_t seconds)
{
    if (seconds == 0)
        return mem_strdup("");
    if (seconds < 7200)
        return mem_printf(" in %llu minutes", (unsigned long long)(seconds + 59) / 60);
    return mem_printf(" in %llu hours", (unsigned long long)(seconds + 3599) / 3600);
}

static void tell_quota(struct notices *n, const struct events *to, const char *host,
                       const struct strmap *headers)
{
    struct notices_quota q;
    if (n->quota_told || !notices_quota(&q, headers) || q.left * 10 >= q.limit)
        return;
    AUTO(mem_free) char *window = window_text(q.window_s);
    n->quota_told = true;
    event_warn(to, "%s: %llu of the %llu pulls%s that it allows are left", host, (unsigned long long)q.left,
               (unsigned long long)q.limit, window);
}

void notices_take(struct notices *n, const struct events *to, const char *host, const struct strmap *headers)
{
    tell_quota(n, to, host, headers);
    for (size_t i = 0; i < headers->count && n->said.count < NOTICES_MAX; i++) {
        AUTO(mem_free)
        char *text = str_eq(headers->key[i], "warning") ? notices_text(headers->value[i]) : NULL;
        if (!text || strlist_has(&n->said, text))
            continue;
        strlist_add(&n->said, text);
        event_warn(to, "%s says: %s", host, text);
    }
}

void notices_wipe(struct notices *n)
{
    strlist_wipe(&n->said);
}

bool notices_is_quota(const struct strmap *headers, const struct buf *body)
{
    struct notices_quota q;
    if (notices_quota(&q, headers))
        return q.left == 0;
    return strstr(buf_text(body), "pull rate limit") != NULL;
}

struct err *notices_quota_hint(struct err *cause, const char *host, const struct strmap *headers)
{
    struct notices_quota q;
    AUTO(mem_free) char *window = NULL;
    if (!notices_quota(&q, headers))
        return err_hint(cause, "log in (lade login %s) for a larger quota, or use a mirror", host);
    window = window_text(q.window_s);
    return err_hint(cause,
                    "none of the %llu pulls%s that %s allows are left: log in (lade login %s) for a larger "
                    "quota, or use a mirror",
                    (unsigned long long)q.limit, window, host, host);
}
