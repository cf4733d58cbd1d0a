/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_HTTP_FAULT_H
#define LADE_REGISTRY_HTTP_FAULT_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

/* What goes wrong below HTTP, and how it is told. Pure. */
enum http_fault {
    HTTP_FAULT_NONE,
    HTTP_FAULT_RESOLVE,     /* no address for the host */
    HTTP_FAULT_PROXY,       /* no address for the proxy */
    HTTP_FAULT_CONNECT,     /* no connection came about */
    HTTP_FAULT_REFUSED,     /* we do not want to connect there */
    HTTP_FAULT_TIME,        /* too slow */
    HTTP_FAULT_TLS,         /* connected, but TLS could not be set up: may be plain HTTP */
    HTTP_FAULT_TRUST,       /* its certificate is not trusted */
    HTTP_FAULT_AUTHORITIES, /* our file of authorities is bad */
    HTTP_FAULT_CLIENT_CERT, /* our certificate or key is bad */
    HTTP_FAULT_NOTHING,     /* closed without an answer */
    HTTP_FAULT_READ,
    HTTP_FAULT_SEND,
    HTTP_FAULT_CUT, /* less than was promised */
    HTTP_FAULT_NOT_HTTP,
    HTTP_FAULT_LARGE, /* a line of its head is too long */
    HTTP_FAULT_BODY,  /* our own body could not be read; the error is the source's */
    HTTP_FAULT_OTHER,
};

/* "what: text: reason". ERR_NETWORK for all that may pass; ERR_DENIED for trust and refusal; ERR_INPUT for
 * our own files. `reason` is the library's words, escaped here; `code` an errno that says more, or 0. */
MUST_USE struct err *http_fault_error(enum http_fault fault, const char *what, const char *reason, int code);
/* Could the other side be speaking the other one of HTTPS and plain HTTP? */
bool http_fault_may_be_other(enum http_fault fault);

#endif
