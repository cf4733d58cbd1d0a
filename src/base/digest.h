/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BASE_DIGEST_H
#define LADE_BASE_DIGEST_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Content digests, "algorithm:hex" (OCI image-spec v1.1, descriptor.md "Digests"). A plain value; no
 * ownership. */

enum digest_alg { DIGEST_NONE, DIGEST_SHA256, DIGEST_SHA512 };

struct digest {
    enum digest_alg alg;
    uint8_t bytes[64]; /* unused ones are zero, so that memcmp works */
};

#define DIGEST_TEXT (7 + 128 + 1)

/* Parse. ERR_INPUT naming the text when it is malformed; ERR_UNSUPPORTED for an algorithm that is none of
 * ours. */
MUST_USE struct err *digest_parse(struct digest *out, const char *text);
const char *digest_text(const struct digest *d, char text[DIGEST_TEXT]);
const char *digest_hex(const struct digest *d, char text[DIGEST_TEXT]);
const char *digest_alg_name(const struct digest *d); /* "sha256" */
bool digest_equal(const struct digest *a, const struct digest *b);
bool digest_is_set(const struct digest *d);
/* "sha256:" and the first 12 hex digits, for messages. */
#define DIGEST_SHORT 24
const char *digest_short(const struct digest *d, char text[DIGEST_SHORT]);

/* The digest of some bytes. SHA-256. */
struct digest digest_of(const void *data, size_t len);

/* Streaming. */
struct hash;
struct hash *hash_new(enum digest_alg alg);
void hash_add(struct hash *h, const void *data, size_t len);
/* The digest of all that was added; the hash can go on after it. */
struct digest hash_value(struct hash *h);
void hash_reset(struct hash *h);
void hash_free(struct hash *h);
AUTO_DEFINE(struct hash *, hash_free)

/* SHA-256 between two of its blocks: what can be kept, and gone on from later or elsewhere. */
#define HASH_STATE_BLOCK 64
struct hash_state {
    uint32_t word[8];
    uint64_t len; /* bytes so far: a multiple of HASH_STATE_BLOCK */
};
/* Of a SHA-256 hash to which whole blocks were added (asserted). */
void hash_save(const struct hash *h, struct hash_state *out);
struct hash *hash_resume(const struct hash_state *state);

/* HMAC-SHA256 (RFC 2104), 32 bytes out. */
void hash_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32]);

#endif
