/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_HTTP_HEAD_H
#define LADE_REGISTRY_HTTP_HEAD_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of a reply, line by line, and the few headers that need parsing. Pure. */
enum http_head_kind { HTTP_HEAD_BEGIN, HTTP_HEAD_LINE, HTTP_HEAD_END };

/* One line with its end: the status line, a header, or the empty line. A header is added with its name in
 * lower case and its value trimmed; a line that is none of these is passed over. */
enum http_head_kind http_head_line(struct strmap *headers, const char *data, size_t len);

/* Content-Length; false when there is none or it is not valid. */
MUST_USE bool http_head_length(const struct strmap *headers, uint64_t *bytes);
/* The first byte of "Content-Range: bytes 5-9/10". */
MUST_USE bool http_head_range_start(const struct strmap *headers, uint64_t *first);
/* Content-Type without parameters, lower case; NULL when there is none. New string. */
char *http_head_type(const struct strmap *headers);

#endif
