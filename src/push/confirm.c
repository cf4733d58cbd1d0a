/* SPDX-License-Identifier: Apache-2.0 */
#include "push/confirm.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"

#define LOOKS 5
#define WAIT_FIRST_MS 100

/* What `name` (a tag or a digest) names; *told false when the registry does not let us look. */
static struct err *look(struct store *in, const char *name, struct desc *now, bool *found, bool *told)
{
    struct err *e = store_resolve(in, name, now, found);
    *told = !(e && err_kind_of(e) == ERR_DENIED);
    if (*told)
        return e;
    log_debug("%s: %s cannot be looked at after the push: %s", store_name(in), name, err_message(e));
    err_free(e);
    return NULL;
}

static struct err *not_there(struct store *in, const char *tag, const struct desc *pushed,
                             const struct desc *now)
{
    char want[DIGEST_TEXT], have[DIGEST_TEXT];
    struct err *e =
        now ? err_new(ERR_INTEGRITY, "%s has another manifest under %s than was sent: %s, not %s",
                      store_name(in), tag, digest_text(&now->digest, have),
                      digest_text(&pushed->digest, want))
            : err_new(ERR_INTEGRITY, "%s said that it took %s, and does not have it", store_name(in), tag);
    return err_hint(e, "is this a registry, or is there a proxy before it that changes what it passes on?");
}

static struct err *judge_other(struct store *in, const char *tag, const struct desc *pushed,
                               const struct desc *now, const struct events *events)
{
    AUTO_VALUE(desc_wipe) struct desc ours = {0};
    char text[DIGEST_TEXT], other[DIGEST_TEXT];
    bool found = false, told = true;
    TRY(look(in, digest_text(&pushed->digest, text), &ours, &found, &told));
    if (told && !found)
        return not_there(in, tag, pushed, now);
    event_warn(events, "%s: %s was pushed, but somebody else has moved the tag %s to %s since",
               store_name(in), text, tag, digest_text(&now->digest, other));
    return NULL;
}

struct err *confirm_tag(struct store *in, const char *tag, const struct desc *pushed,
                        const struct events *events)
{
    unsigned wait_ms = WAIT_FIRST_MS;
    for (unsigned looks = 1;; looks++, wait_ms *= 2) {
        AUTO_VALUE(desc_wipe) struct desc now = {0};
        bool found = false, told = true;
        TRY(look(in, tag, &now, &found, &told));
        if (!told || (found && digest_equal(&now.digest, &pushed->digest)))
            return NULL;
        if (looks == LOOKS)
            return found ? judge_other(in, tag, pushed, &now, events) : not_there(in, tag, pushed, NULL);
        TRY(stop_sleep_ms(wait_ms));
    }
}
