/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/gar.h"
#include "base/mem.h"
#include "registry/google.h"

bool gar_has(const char *host)
{
    return str_eq(host, "gcr.io") || str_ends(host, ".gcr.io") || str_ends(host, ".pkg.dev");
}

struct err *gar_find(struct creds *out, const struct cloud *c, bool *found)
{
    AUTO_VALUE(google_token_wipe) struct google_token token = {0};
    TRY(google_find(&token, c, found));
    if (!*found)
        return NULL;
    out->username = mem_strdup("oauth2accesstoken");
    out->password = TAKE(token.value);
    out->source = mem_printf("Google Cloud (%s)", token.source);
    out->end_ms = token.end_ms;
    return NULL;
}
