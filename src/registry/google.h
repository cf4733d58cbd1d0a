/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_GOOGLE_H
#define LADE_REGISTRY_GOOGLE_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/cloud_ask.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * An access token of Google Cloud by Application Default Credentials, from the first of these:
 * $GOOGLE_APPLICATION_CREDENTIALS, the file that "gcloud auth application-default login" writes, the
 * metadata of the machine. A file holds the key of a service account, a user's refresh token, or tells how to
 * get along with a token of another issuer (google_federation.h).
 */
#define GOOGLE_SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define GOOGLE_FILE_MAX (256u << 10)

struct google_token {
    char *value;
    char *source;    /* for messages */
    uint64_t end_ms; /* of clock_ms; 0: not known */
};
MUST_USE struct err *google_find(struct google_token *out, const struct cloud *c, bool *found);
void google_token_wipe(struct google_token *t);

/* For the parts of google_find. */

/* POST a form to one of Google's own servers, for {"access_token", "expires_in"}; ERR_DENIED for others. */
MUST_USE struct err *google_ask(struct google_token *out, const struct cloud *c, const char *url,
                                const struct buf *form);
/* The names that secrets may be sent to: https, below googleapis.com, and accounts.google.com. */
MUST_USE struct err *google_check_url(const char *url);
/* The claims of a service account, signed (RS256): the assertion of RFC 7523. New string; wipe it. */
MUST_USE struct err *google_assertion(char **out, const char *email, const char *key_id, const char *pem,
                                      const char *audience, int64_t now_unix);

#endif
