/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_CLOUD_ASK_H
#define LADE_REGISTRY_CLOUD_ASK_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "registry/creds_trace.h"
#include "registry/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One question to a service of a cloud, or to the metadata of the machine that lade runs on, and its short
 * answer. Nothing is followed. Requests and answers hold secrets: they are wiped, and of an answer that is a
 * refusal only the code and the first line of the message are shown.
 */
struct cloud {
    struct http_counts *counts;
    struct creds_trace *trace; /* of the places looked at; may be NULL */
};

struct cloud_request {
    const char *method, *url;
    const struct strlist *headers; /* "Name: value"; may be NULL */
    const char *authorization;     /* the header's value, or NULL */
    const char *body;              /* may hold NUL; NULL: none */
    size_t body_len;
    bool metadata; /* the machine's own: past proxies, CLOUD_CONNECT_MS to connect, no new try when nobody
                    * is there */
};
struct cloud_reply {
    int status;
    struct strmap headers;
    struct buf body;
};

#define CLOUD_BODY_MAX (256u << 10)
#define CLOUD_CONNECT_MS 1000
#define CLOUD_METADATA_MS 10000 /* for a whole answer of the metadata */

/* Any status but those that pass (408, 425, 429, 499, 5xx), which are ERR_NETWORK after the tries. */
MUST_USE struct err *cloud_ask(struct cloud_reply *out, const struct cloud *c, const struct cloud_request *q);
/* The same, for a question whose only good answer is 200 and a JSON object; else cloud_refusal. */
MUST_USE struct err *cloud_ask_json(json_t **out, const struct cloud *c, const struct cloud_request *q);
/* A JSON object, or NULL for all else. Of what is wrong with it nothing is said: that may show a part of it.
 */
json_t *cloud_object(const char *text, size_t len);
void cloud_reply_wipe(struct cloud_reply *r);

/* "POST https://…: HTTP 403 CODE: message". 400, 401, 403: ERR_DENIED. NULL: no code, no message. */
MUST_USE struct err *cloud_refusal(const struct cloud_request *q, int status, const char *code,
                                   const char *message);
/* The same with what the answer says, when it is JSON in a form of AWS, Azure or Google. */
MUST_USE struct err *cloud_refusal_json(const struct cloud_request *q, const struct cloud_reply *r);
/* "POST https://…" for messages. New string. */
char *cloud_what(const struct cloud_request *q);

/* "&key=value" for a form; the first without "&". */
void cloud_form(struct buf *form, const char *key, const char *value);
/* Fit to stand in a header, not empty. */
bool cloud_fits_header(const char *text);
void cloud_wipe_text(char *text); /* and free it */
void cloud_wipe_buf(struct buf *b);
void cloud_wipe_list(struct strlist *list);
static inline void cloud_wipe_text_auto(char **text)
{
    cloud_wipe_text(*text);
}

/* A file that holds one secret, without the white space around it; at most 64 KiB. New string. */
MUST_USE struct err *cloud_read_secret(char **out, const char *path);
/* A variable of the environment; NULL when it is not set or empty. */
const char *cloud_env(const char *name);

/* May this machine be one of that cloud? The words of its firmware say so; true when there are none to be
 * read. */
bool cloud_machine_may_be(const char *word);

#endif
