/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_IMAGE_CONFIG_H
#define LADE_IMAGE_CONFIG_H

#include "base/attr.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "image/platform.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An image's configuration (OCI image-spec v1.1 config.md, and the fields that Docker adds: Healthcheck,
 * OnBuild, Shell). Read from a base, changed by a build, written once as bytes. Fields that lade does not
 * know are dropped, as BuildKit does; the base's history entries are kept as they are. A zeroed struct is
 * empty.
 */
struct config_health {
    struct strlist test; /* empty: none given; {"NONE"}; {"CMD", …}; {"CMD-SHELL", text} */
    int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns; /* 0: inherit */
    int64_t retries;
};

struct config {
    struct platform platform;
    char *author;        /* or NULL */
    char *created;       /* RFC 3339 text or NULL */
    char *user;          /* NULL: not set */
    char *workdir;       /* NULL: not set */
    char *stop_signal;   /* NULL: not set */
    struct strlist env;  /* "K=V" in order */
    bool has_entrypoint; /* an empty list and none are different */
    struct strlist entrypoint;
    bool has_cmd;
    struct strlist cmd;
    struct strlist ports;   /* "80/tcp", written sorted */
    struct strlist volumes; /* written sorted */
    struct strmap labels;   /* written sorted */
    struct strlist onbuild;
    struct strlist shell;         /* empty: not set */
    struct config_health *health; /* or NULL */
    bool args_escaped;
    struct digest *diff_ids;
    size_t diff_id_count, diff_id_room;
    json_t *history; /* array, owned; entries of the base as they were */
    char *cache; /* "lade.cache": a build cache, base64 (doc/cache.md); NULL: none. Not read: a base's says
                    nothing */
};

#define CONFIG_SIZE_MAX (4u << 20)

/* ERR_INPUT for wrong types, ERR_RESOURCE above CONFIG_SIZE_MAX. `what` names it in messages. */
MUST_USE struct err *config_parse(struct config *out, const char *data, size_t len, const char *what);
/* The bytes as BuildKit writes them: outer keys sorted, those of "config" and of history entries in the order
 * of its types, what is empty left out (an empty Entrypoint or Cmd too), compact, no newline. New string. */
char *config_bytes(const struct config *c);
void config_copy(struct config *to, const struct config *from); /* deep; `to` is wiped first */
void config_wipe(struct config *c);

/* env: the value or NULL ("" of an entry without "="); set replaces in place or appends. */
const char *config_env_get(const struct config *c, const char *key);
void config_env_set(struct config *c, const char *key, const char *value);
void config_add_diff_id(struct config *c, const struct digest *d);
/* One history entry. `created` may be NULL; comment as BuildKit's "buildkit.dockerfile.v0". */
void config_add_history(struct config *c, const char *created, const char *created_by, const char *comment,
                        const char *author, bool empty_layer);

/* "2024-01-02T03:04:05Z" of seconds since 1970 (with ".nnnnnnnnn" trimmed when ns is not 0); what is outside
 * of the years 1 to 9999 becomes their first or last second. New string. */
char *config_time_text(int64_t seconds, uint32_t ns);
/* The seconds since 1970 of RFC 3339 text, fractions dropped; false when it is none. */
MUST_USE bool config_time_parse(const char *text, int64_t *seconds);

#endif
