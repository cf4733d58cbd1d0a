/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_AWS_PROFILE_H
#define LADE_REGISTRY_AWS_PROFILE_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/*
 * A profile of AWS's shared files ("Shared config and credentials files" of the SDKs' reference guide):
 * $AWS_CONFIG_FILE, else ~/.aws/config, whose sections are [default] and [profile NAME], and
 * $AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials, whose sections are [NAME] and whose settings count
 * before the others. Settings below others (indented) are passed over.
 */
#define AWS_PROFILE_FILE_MAX (1u << 20)

/* Settings of a profile; *found false when no file has it. Values may be secrets: use aws_profile_wipe. */
MUST_USE struct err *aws_profile_read(struct strmap *out, const char *name, bool *found);
/* The settings of one section of a file, added to `out`. `config`: sections are named as in config. */
void aws_profile_parse(struct strmap *out, const char *text, const char *name, bool config, bool *found);
void aws_profile_wipe(struct strmap *settings);

#endif
