/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AWS_XML_H
#define LADE_REGISTRY_AWS_XML_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The text of one element of a short XML document, which is what some services of AWS answer with. Elements,
 * attributes (passed over) and the five named entities; no document type, comment, CDATA or instruction but
 * the declaration at the start. Pure.
 */
#define AWS_XML_DEPTH 16

/* `path` is "Outer/Inner"; the first element there, whose text goes to *out (new string; wipe it), NULL when
 * there is none. False when the document is not what it should be. */
MUST_USE bool aws_xml_text(char **out, const char *document, size_t len, const char *path);

#endif
