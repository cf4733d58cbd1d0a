/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "registry/aws_xml.h"
#include "registry/http_head.h"
#include "registry/s3_ask.h"
#include "registry/sigv4.h"

#include <string.h>

#define ROUND (UINT64_C(1) << 20)
#define ETAG_MAX 256

struct parts {
    struct s3 *s3;
    const char *key;
    const struct desc *desc;
    struct source *from;
    char *upload;
    struct buf list; /* the document that ends it */
};

uint64_t s3_part_size(uint64_t size)
{
    unsigned most = size > S3_FEW_MAX ? S3_PARTS_MAX : S3_PARTS_FEW;
    uint64_t part = (size + most - 1) / most;
    part = (part + ROUND - 1) / ROUND * ROUND;
    return part > S3_PART ? part : S3_PART;
}

static struct err *begin(struct parts *p)
{
    AUTO_VALUE(strmap_wipe) struct strmap query = {0};
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct s3_request q = {.s3 = p->s3, .method = "POST", .key = p->key, .query = &query, .sends = true};
    strmap_add(&query, "uploads", "");
    TRY(s3_ask_send(&r, &q));
    if (r.status != 200)
        return s3_ask_refusal(&q, &r);
    if (aws_xml_text(&p->upload, buf_text(&r.body), r.body.len, "InitiateMultipartUploadResult/UploadId") &&
        !str_empty(p->upload))
        return NULL;
    AUTO(mem_free) char *what = s3_ask_what(&q);
    return err_new(ERR_INPUT, "%s: the answer names no upload", what);
}

static struct err *add_part(struct parts *p, const struct s3_request *q, const struct transfer_reply *r,
                            unsigned number)
{
    const char *tag = strmap_get(&r->headers, "etag");
    bool good = tag && *tag && strlen(tag) < ETAG_MAX;
    for (const char *c = good ? tag : ""; *c; c++)
        good = good && *c > ' ' && *c < 127 && *c != '<' && *c != '&';
    if (!good) {
        AUTO(mem_free) char *what = s3_ask_what(q);
        return err_new(ERR_INPUT, "%s: the answer names no ETag", what);
    }
    buf_printf(&p->list, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", number, tag);
    return NULL;
}

/* Parts are not hashed one by one, which would cost another reading: TLS guards the way, and whoever reads
 * the blob verifies it. */
static struct err *send_part(struct parts *p, unsigned number, uint64_t at, uint64_t len)
{
    AUTO_VALUE(strmap_wipe) struct strmap query = {0};
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    AUTO(mem_free) char *text = mem_printf("%u", number);
    strmap_add(&query, "partNumber", text);
    strmap_add(&query, "uploadId", p->upload);
    struct s3_request q = {.s3 = p->s3,
                           .method = "PUT",
                           .key = p->key,
                           .query = &query,
                           .body_hash = SIGV4_UNSIGNED,
                           .body = p->from,
                           .body_begin = at,
                           .body_size = len,
                           .sends = true};
    TRY(s3_ask_send(&r, &q));
    if (r.status != 200)
        return s3_ask_refusal(&q, &r);
    return add_part(p, &q, &r, number);
}

/* The answer to the first try was lost, and the upload is no more: the object is there. */
static bool is_there(const struct parts *p)
{
    uint64_t size = 0;
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct s3_request q = {.s3 = p->s3, .method = "HEAD", .key = p->key};
    err_free(s3_ask_send(&r, &q));
    return r.status == 200 && http_head_length(&r.headers, &size) && size == p->desc->size;
}

/* A refusal may come with status 200, because the answer begins before it is known. */
static struct err *finish(struct parts *p)
{
    char hex[DIGEST_TEXT];
    AUTO(mem_free) char *code = NULL;
    AUTO_VALUE(strmap_wipe) struct strmap query = {0};
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    buf_str(&p->list, "</CompleteMultipartUpload>");
    struct digest digest = digest_of(buf_text(&p->list), p->list.len);
    AUTO(source_free) struct source *body = source_mem(buf_text(&p->list), p->list.len);
    strmap_add(&query, "uploadId", p->upload);
    struct s3_request q = {.s3 = p->s3,
                           .method = "POST",
                           .key = p->key,
                           .query = &query,
                           .body_hash = digest_hex(&digest, hex),
                           .body = body,
                           .body_size = p->list.len,
                           .sends = true};
    TRY(s3_ask_send(&r, &q));
    if (r.status == 404 && is_there(p))
        return NULL;
    if (r.status != 200)
        return s3_ask_refusal(&q, &r);
    if (!aws_xml_text(&code, buf_text(&r.body), r.body.len, "Error/Code") || !code)
        return NULL;
    r.status = 500;
    return s3_ask_refusal(&q, &r);
}

/* What was sent is stored, and paid for, until somebody says that it is not wanted. */
static void give_up(struct parts *p)
{
    AUTO_VALUE(strmap_wipe) struct strmap query = {0};
    AUTO_VALUE(transfer_reply_wipe) struct transfer_reply r = {0};
    struct s3_request q = {.s3 = p->s3, .method = "DELETE", .key = p->key, .query = &query};
    strmap_add(&query, "uploadId", p->upload);
    err_free(s3_ask_send(&r, &q));
}

static struct err *send_all(struct parts *p)
{
    uint64_t size = p->desc->size;
    uint64_t part = s3_part_size(size);
    unsigned number = 1;
    buf_str(&p->list, "<CompleteMultipartUpload>");
    for (uint64_t at = 0; at < size; at += part)
        TRY(send_part(p, number++, at, size - at < part ? size - at : part));
    return finish(p);
}

struct err *s3_put_parts(struct s3 *s, const char *key, const struct desc *d, struct source *from)
{
    struct parts p = {.s3 = s, .key = key, .desc = d, .from = from, .list = BUF(BUF_NO_LIMIT)};
    struct err *e = begin(&p);
    if (!e) {
        e = send_all(&p);
        if (e)
            give_up(&p);
    }
    buf_wipe(&p.list);
    mem_free(p.upload);
    return e;
}
