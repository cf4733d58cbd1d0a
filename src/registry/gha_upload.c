/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codec.h"
#include "base/mem.h"
#include "registry/aws_xml.h"
#include "registry/gha_ask.h"

#include <string.h>

#define ROUND (UINT64_C(1) << 20)

struct err *gha_storage_compose(void *ctx, struct transfer_parts *parts)
{
    const struct gha_storage *s = ctx;
    TRY(url_parse(&parts->url, s->url));
    strlist_add(&parts->headers, "x-ms-version: 2021-08-06");
    for (const char *const *line = s->headers; line && *line; line++)
        strlist_add(&parts->headers, *line);
    return NULL;
}

struct err *gha_storage_refusal(const char *method, const struct transfer_reply *r)
{
    AUTO(mem_free) char *code = NULL;
    AUTO(mem_free) char *message = NULL;
    AUTO(mem_free) char *what = mem_printf("%s at the storage of the cache service", method);
    const char *named = strmap_get(&r->headers, "x-ms-error-code");
    if (!aws_xml_text(&code, buf_text(&r->body), r->body.len, "Error/Code") ||
        !aws_xml_text(&message, buf_text(&r->body), r->body.len, "Error/Message"))
        return transfer_refusal(what, r->status, named, NULL);
    return transfer_refusal(what, r->status, code ? code : named, message);
}

static struct err *put(struct gha *g, const char *url, const char *const *headers, struct source *body,
                       uint64_t begin, uint64_t size)
{
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct gha_storage at = {.url = url, .headers = headers};
    struct transfer_request q = {.method = "PUT",
                                 .what = "PUT at the storage of the cache service",
                                 .compose = gha_storage_compose,
                                 .ctx = &at,
                                 .body = body,
                                 .body_begin = begin,
                                 .body_size = size,
                                 .sends = true};
    TRY(transfer_send(&r, &g->storage, &q));
    return r.status == 201 ? NULL : gha_storage_refusal("PUT", &r);
}

static struct err *with_query(char **out, const char *url, const char *const (*pairs)[2], size_t count)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    TRY(url_parse(&u, url));
    for (size_t i = 0; i < count; i++)
        url_add_query(&u, pairs[i][0], pairs[i][1]);
    *out = mem_strdup(u.text);
    return NULL;
}

static struct err *put_block(struct gha *g, const char *url, const char *id, struct source *from, uint64_t at,
                             uint64_t len)
{
    const char *const pairs[][2] = {{"comp", "block"}, {"blockid", id}};
    AUTO(mem_free) char *whole = NULL;
    TRY(with_query(&whole, url, pairs, ARRAY_LEN(pairs)));
    return put(g, whole, NULL, from, at, len);
}

static struct err *put_list(struct gha *g, const char *url, struct buf *list)
{
    const char *const pairs[][2] = {{"comp", "blocklist"}};
    AUTO(mem_free) char *whole = NULL;
    buf_str(list, "</BlockList>");
    AUTO(source_free) struct source *body = source_mem(buf_text(list), list->len);
    TRY(with_query(&whole, url, pairs, ARRAY_LEN(pairs)));
    return put(g, whole, NULL, body, 0, list->len);
}

static struct err *put_blocks(struct gha *g, const char *url, struct source *from, uint64_t size)
{
    AUTO_VALUE(buf_wipe)
    struct buf list = BUF(BUF_NO_LIMIT);
    uint64_t block = ((size / GHA_BLOCKS_MAX) / ROUND + 1) * ROUND;
    unsigned number = 0;
    if (block < GHA_BLOCK)
        block = GHA_BLOCK;
    buf_str(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for (uint64_t at = 0; at < size; at += block) {
        AUTO(mem_free) char *text = mem_printf("%012u", number++); /* all of the same length */
        AUTO(mem_free) char *id = codec_base64(text, strlen(text));
        TRY(put_block(g, url, id, from, at, size - at < block ? size - at : block));
        buf_printf(&list, "<Latest>%s</Latest>", id);
    }
    return put_list(g, url, &list);
}

struct err *gha_upload(struct gha *g, const char *url, struct source *from, uint64_t size)
{
    static const char *const headers[] = {"x-ms-blob-type: BlockBlob",
                                          "Content-Type: application/octet-stream", NULL};
    return size > GHA_WHOLE_MAX ? put_blocks(g, url, from, size) : put(g, url, headers, from, 0, size);
}
