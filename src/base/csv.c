/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

/* *at stands behind the opening quote, and then behind the closing one. */
static bool quoted(const char **at, struct buf *field)
{
    for (const char *p = *at; *p; p++) {
        if (*p != '"') {
            buf_byte(field, *p);
        } else if (p[1] == '"') {
            buf_byte(field, '"');
            p++;
        } else {
            *at = p + 1;
            return true;
        }
    }
    return false;
}

struct err *csv_fields(struct strlist *out, const char *text)
{
    strlist_wipe(out);
    for (const char *at = text;; at++) {
        AUTO_VALUE(buf_wipe) struct buf field = BUF(BUF_NO_LIMIT);
        if (*at == '"') {
            at++;
            if (!quoted(&at, &field))
                return err_new(ERR_INPUT, "a closing \" is missing");
            if (*at && *at != ',')
                return err_new(ERR_INPUT, "expected \",\" after the closing \"");
        } else {
            size_t len = strcspn(at, ",");
            if (memchr(at, '"', len))
                return err_new(ERR_INPUT, "a field with a \" must begin and end with one");
            buf_add(&field, at, len);
            at += len;
        }
        strlist_add(out, buf_text(&field));
        if (!*at)
            return NULL;
    }
}
