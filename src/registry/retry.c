/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/retry.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/str.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MS_MAX (UINT32_MAX / 2)

bool retry_is_worth(const struct err *e)
{
    return err_kind_of(e) == ERR_NETWORK;
}

unsigned retry_backoff_ms(unsigned tried, uint64_t random)
{
    uint64_t most = RETRY_FIRST_MS;
    for (unsigned i = 0; i < tried && most < RETRY_MOST_MS; i++)
        most *= 2;
    if (most > RETRY_MOST_MS)
        most = RETRY_MOST_MS;
    return (unsigned)(random % most) + 1;
}

/* The three forms of RFC 9110 section 5.6.7. Names of days and months are English whatever the locale: lade
 * never sets one. */
bool retry_date(const char *value, int64_t *unix_seconds)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm when;
        memset(&when, 0, sizeof when);
        const char *end = strptime(value, forms[i], &when);
        if (end && !*end) {
            *unix_seconds = (int64_t)timegm(&when);
            return true;
        }
    }
    return false;
}

bool retry_after(const char *value, int64_t now_unix, unsigned *ms)
{
    uint64_t seconds;
    int64_t when;
    if (!num_parse(value, UINT64_MAX, &seconds)) {
        if (!retry_date(value, &when) || when <= now_unix)
            return false;
        seconds = (uint64_t)(when - now_unix);
    }
    *ms = seconds > MS_MAX / 1000 ? MS_MAX : (unsigned)(seconds * 1000);
    return true;
}

void retry_begin(struct retry *r, const struct retry_policy *policy)
{
    *r = (struct retry){.policy = policy, .begin_ms = clock_ms()};
}

static uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        number = clock_ms();
    return number;
}

bool retry_again(struct retry *r, struct err **e, unsigned asked_ms)
{
    if (!*e || !retry_is_worth(*e))
        return false;
    r->tried++;
    uint64_t spent_ms = clock_ms() - r->begin_ms;
    unsigned wait_ms = retry_backoff_ms(r->tried - 1, random_number());
    if (asked_ms > wait_ms)
        wait_ms = asked_ms;
    if (r->tried >= r->policy->tries || spent_ms + wait_ms > r->policy->budget_ms) {
        if (r->tried > 1)
            *e = err_wrap(*e, "gave up after %u tries", r->tried);
        else if (asked_ms > 0 && r->policy->tries > 1)
            *e = err_wrap(*e, "the server asks to wait %u s, which is longer than the time allowed",
                          asked_ms / 1000);
        return false;
    }
    event_note(r->policy->events, "%s; trying again (%u of %u) in %.1f s", err_message(*e), r->tried + 1,
               r->policy->tries, (double)wait_ms / 1000);
    struct err *stopped = stop_sleep_ms(wait_ms);
    err_free(*e);
    *e = stopped;
    if (!stopped && r->policy->retries)
        atomic_fetch_add(r->policy->retries, 1);
    return !stopped;
}
