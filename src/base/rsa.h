/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_RSA_H
#define LADE_BASE_RSA_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/*
 * Sign with an RSA key: PKCS #1 v1.5 with SHA-256 (RFC 8017 section 8.2), which is RS256 in tokens (RFC 7518
 * section 3.3). The signature is appended to `out`. `pem` is a private key as text; a key with a password,
 * of another kind or of less than 2048 bits is ERR_INPUT. No part of the key comes into a message.
 */
MUST_USE struct err *rsa_sign(struct buf *out, const char *pem, const void *data, size_t len);

#endif
