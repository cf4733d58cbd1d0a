/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/cloud.h"
#include "registry/acr.h"
#include "registry/cloud_ask.h"
#include "registry/ecr.h"
#include "registry/gar.h"

static struct err *find(struct creds *out, const struct cloud *c, const char *host, bool *found, bool *open)
{
    AUTO_VALUE(ecr_host_wipe) struct ecr_host ecr = {0};
    if (ecr_host_parse(&ecr, host)) {
        *open = ecr.open;
        return ecr_find(out, c, &ecr, found);
    }
    if (acr_authority(host))
        return acr_find(out, c, host, found);
    return gar_has(host) ? gar_find(out, c, found) : NULL;
}

struct err *cloud_find(struct creds *out, struct http_counts *counts, const char *host,
                       struct creds_trace *trace, bool *found)
{
    struct cloud c = {.counts = counts, .trace = trace};
    AUTO_VALUE(creds_wipe) struct creds got = {0};
    bool open = false;
    *found = false;
    struct err *e = find(&got, &c, host, found, &open);
    if (e && open && err_kind_of(e) != ERR_STOPPED) {
        creds_trace_add(trace, "the cloud of the registry", "%s", err_message(e));
        err_free(e);
        return NULL;
    }
    if (e)
        return err_hint(e,
                        "the cloud of %s is asked when nothing else gives credentials: \"lade login %s\" "
                        "stores some",
                        host, host);
    if (*found) {
        got.from_cloud = true;
        creds_trace_add(trace, got.source, "found: user \"%s\"", got.username);
        *out = got;
        got = (struct creds){0};
    }
    return NULL;
}
