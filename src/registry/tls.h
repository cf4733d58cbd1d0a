/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_TLS_H
#define LADE_REGISTRY_TLS_H

#include "base/attr.h"
#include "base/err.h"
#include "registry/settings.h"

/*
 * Whom to trust and who we are, for one registry host. Authorities: the system's ($SSL_CERT_FILE,
 * $SSL_CERT_DIR in their place), and every
 * *.crt in `cert_dir` and in certs.d/HOST below /etc/containers, /etc/docker and $XDG_CONFIG_HOME/containers
 * (else ~/.config). Client certificate: the first X.cert with X.key there; one without the other is an error.
 * See containers-certs.d(5).
 */
struct tls {
    char *ca;      /* PEM text of all authorities; NULL: those of ca_file, or the system's */
    char *ca_file; /* $SSL_CERT_FILE or NULL */
    char *ca_dir;  /* $SSL_CERT_DIR or NULL */
    char *cert;    /* path or NULL */
    char *key;
};

/* `host` as in references, with its port. `cert_dir` NULL: none; when given it must be there. ERR_INPUT for
 * half a pair. */
MUST_USE struct err *tls_find(struct tls *out, const char *host, const char *cert_dir);
/* The same with what the configuration file says of the host, before certs.d. `settings` may be NULL. */
MUST_USE struct err *tls_find_for(struct tls *out, const char *host, const char *cert_dir,
                                  const struct host_settings *settings);
void tls_wipe(struct tls *t);

#endif
