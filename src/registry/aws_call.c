/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/aws_call.h"
#include "base/clock.h"
#include "base/mem.h"
#include "registry/retry.h"
#include "registry/sigv4.h"
#include "registry/url.h"

#include <string.h>

static struct err *send_once(struct cloud_reply *out, const struct aws *a, const struct aws_keys *keys,
                             const struct aws_call *call)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO_VALUE(cloud_wipe_list) struct strlist lines = {0};
    char date[SIGV4_DATE];
    int64_t now = clock_unix() + a->skew;

    TRY(url_parse(&u, call->url));
    AUTO(mem_free) char *host = url_host_port(&u);
    struct sigv4_request q = {.method = "POST",
                              .host = host,
                              .path = "/",
                              .headers = call->headers,
                              .body = call->body,
                              .body_len = call->body_len};
    struct sigv4_key key = {.id = keys->id,
                            .secret = keys->secret,
                            .token = keys->token,
                            .region = call->region,
                            .service = call->service};
    AUTO(cloud_wipe_text) char *authorization = sigv4_sign(&q, &key, now);
    sigv4_date(now, date);
    for (size_t i = 0; i < call->headers->count; i++)
        strlist_add_take(&lines, mem_printf("%s: %s", call->headers->key[i], call->headers->value[i]));
    strlist_add_take(&lines, mem_printf("X-Amz-Date: %s", date));
    if (keys->token)
        strlist_add_take(&lines, mem_printf("X-Amz-Security-Token: %s", keys->token));
    struct cloud_request one = {.method = "POST",
                                .url = u.text,
                                .headers = &lines,
                                .authorization = authorization,
                                .body = call->body,
                                .body_len = call->body_len};
    return cloud_ask(out, a->cloud, &one);
}

bool aws_call_clock(struct aws *a, int status, const struct strmap *headers)
{
    const char *date = strmap_get(headers, "date");
    int64_t theirs;
    if ((status != 400 && status != 403) || a->skew != 0 || !date || !retry_date(date, &theirs))
        return false;
    int64_t off = theirs - clock_unix();
    if (off > -AWS_SKEW_MIN_S && off < AWS_SKEW_MIN_S)
        return false;
    a->skew = off;
    return true;
}

struct err *aws_call_send(struct cloud_reply *out, struct aws *a, const struct aws_keys *keys,
                          const struct aws_call *call)
{
    TRY(send_once(out, a, keys, call));
    return aws_call_clock(a, out->status, &out->headers) ? send_once(out, a, keys, call) : NULL;
}
