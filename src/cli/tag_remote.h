/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_CLI_TAG_REMOTE_H
#define LADE_CLI_TAG_REMOTE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "cli/session.h"

/* `lade tag docker://REF NAME…`: further tags for an image in a registry, where it is. A name is a tag, or
 * docker:// and the same repository with another tag. No blob moves. */
MUST_USE struct err *tag_remote(struct session *s, const struct strlist *args);

#endif
