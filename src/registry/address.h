/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_ADDRESS_H
#define LADE_REGISTRY_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* What kind of network an address belongs to. Pure. */

/* Reachable by everybody: not loopback, private, link-local, shared, unspecified or multicast; an IPv4
 * address in an IPv6 one counts as itself. Other families are not public. */
bool address_is_public(const struct sockaddr *address);
/* The same of "10.0.0.1" or "fd00::1"; false for anything that is no address. */
bool address_text_is_public(const char *text);
/* "localhost", "*.localhost", 127.0.0.0/8, "::1" or "[::1]", without a port. */
bool address_is_loopback_host(const char *host);
/* An IPv4 address or an IPv6 address in brackets, and not a name. */
bool address_is_literal(const char *host);

#endif
