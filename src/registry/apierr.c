/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/apierr.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>
#include <strings.h>

#define CODE_MAX 60
#define TEXT_MAX 200

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return str_empty(text) ? NULL : text;
}

static void from_json(struct apierr *out, const json_t *document)
{
    const json_t *list = json_object_get(document, "errors");
    const json_t *first = json_is_array(list) ? json_array_get(list, 0) : document;
    const char *code = string_of(first, "code");
    const char *message = string_of(first, "message");
    const char *detail = string_of(first, "detail");
    if (!message)
        message = string_of(first, "details");
    /* Token servers speak OAuth (RFC 6749 section 5.2). */
    if (!code)
        code = string_of(first, "error");
    if (!message)
        message = string_of(first, "error_description");
    if (code)
        out->code = str_escape(code, strlen(code), CODE_MAX);
    AUTO(mem_free) char *both = message && detail ? mem_printf("%s (%s)", message, detail) : NULL;
    const char *text = both ? both : message ? message : detail;
    if (text)
        out->message = str_escape(text, strlen(text), TEXT_MAX);
}

static bool is_html(const char *text)
{
    return strncasecmp(text, "<!doctype", 9) == 0 || strncasecmp(text, "<html", 5) == 0;
}

static json_t *parse(const char *body, size_t len)
{
    json_t *document = NULL;
    if (len > APIERR_BODY_MAX)
        return NULL;
    err_free(json_parse(&document, body, len, "answer"));
    return document;
}

void apierr_parse(struct apierr *out, const char *body, size_t len)
{
    apierr_wipe(out);
    AUTO(json_decref) json_t *document = parse(body, len);
    if (json_is_object(document)) {
        from_json(out, document);
        return;
    }
    AUTO(mem_free) char *head = mem_strndup(body, len < TEXT_MAX * 2 ? len : TEXT_MAX * 2);
    AUTO(mem_free) char *text = str_trim(head);
    if (is_html(text))
        out->message = mem_strdup("(a page of HTML: is this a registry?)");
    else if (*text)
        out->message = str_escape(text, strlen(text), TEXT_MAX);
}

bool apierr_has(const char *body, size_t len, const char *code)
{
    AUTO(json_decref) json_t *document = parse(body, len);
    const json_t *list = json_object_get(document, "errors");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (str_eq(string_of(json_array_get(list, i), "code"), code))
            return true;
    return false;
}

struct err *apierr_new(int status, const char *method, const char *url, const char *body, size_t len)
{
    AUTO_VALUE(apierr_wipe) struct apierr said = {0};
    apierr_parse(&said, body, len);
    struct err *e =
        err_http(status, "%s %s: HTTP %d%s%s%s%s", method, url, status, said.code ? " " : "",
                 said.code ? said.code : "", said.message ? ": " : "", said.message ? said.message : "");
    if (status == 413)
        e = err_hint(err_as(e, ERR_RESOURCE),
                     "the registry or a proxy before it limits the size of a request: raise that limit");
    return e;
}

void apierr_wipe(struct apierr *e)
{
    mem_free(e->code);
    mem_free(e->message);
    *e = (struct apierr){0};
}
