/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_BLOB_H
#define LADE_REGISTRY_BLOB_H

#include "base/attr.h"
#include "base/err.h"
#include "base/io.h"
#include "image/desc.h"
#include "registry/host.h"
#include "registry/url.h"

#include <stdbool.h>

/* Blobs of one repository (distribution-spec v1.1 "Pulling blobs", "Pushing blobs"). */
struct repo {
    struct host *host;
    const char *name;
    bool push; /* ask for the right to push */
};

/* Is it there, in the size that it should have? */
MUST_USE struct err *blob_has(const struct repo *r, const struct desc *d, bool *yes);

/* Read it, from `offset` on. A connection that breaks is taken up again where it broke (Range), as often as
 * the retry policy allows without progress. Size and digest are not checked here. the host and the name in
 * `r` must outlive the source. ERR_NOT_FOUND. */
MUST_USE struct err *blob_get(const struct repo *r, const struct desc *d, struct source **out);

/* Upload: POST, one PATCH, PUT. `session` is an upload that is open already (from blob_mount), or NULL. After
 * a failure whose outcome is not known it is looked for (HEAD), and only then sent again in a new session;
 * then `from` must be able to reopen. */
MUST_USE struct err *blob_put(const struct repo *r, const struct desc *d, struct source *from,
                              const struct url *session);

/* Take it from another repository of the same registry. *done false: not possible; then *session is an upload
 * that the registry opened instead, or empty. A refusal is no error. */
MUST_USE struct err *blob_mount(const struct repo *r, const struct desc *d, const char *from, bool *done,
                                struct url *session);
/* Does the reply to such a POST say so? Some registries tell of a session with 201 too. */
struct client_reply;
bool blob_is_mounted(const struct desc *d, const struct client_reply *reply);

#endif
