/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_BUILDER_READY_H
#define LADE_BUILDER_READY_H

#include "builder/stage.h"
#include "image/desc.h"

/*
 * Blobs of the result that are finished may be uploaded while others are made (EVENT_READY). But when all
 * that the image is made of was known before, the image probably is where it shall go already, and one look
 * at its manifest says so: nobody is told of its blobs then. They are kept back until something is made anew.
 *
 * All is for who works on the builder.
 */

/* This blob of the result is here, or known to be had. */
void ready_tell(struct builder *b, const struct desc *d);
/* Something is made that was not known: a command is run, a layer has bytes that were not here. */
void ready_made(struct builder *b);

#endif
