/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_RUN_FILES_H
#define LADE_BUILDER_RUN_FILES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* The files that every command sees whatever the image has, as BuildKit writes them; they are in no layer. */

#define RUN_FILES_HOSTNAME "buildkitsandbox"
#define RUN_FILES_RESOLV_MAX (64 * 1024)

/* /etc/hosts: the host itself, and `extra`, name to address. New string. */
char *run_files_hosts(const char *hostname, const struct strmap *extra);

/* /etc/resolv.conf: this machine's, or public servers where it has none. New string. ERR_RESOURCE when it is
 * larger than RUN_FILES_RESOLV_MAX. */
MUST_USE struct err *run_files_resolv(char **out);

#endif
