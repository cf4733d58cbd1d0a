/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_REGISTRY_SETTINGS_H
#define LADE_REGISTRY_SETTINGS_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The configuration file (doc/config.md): where images are that a reference names, and how a host is spoken
 * to. It is a JSON object; "registries" has an entry for each prefix, which is a host, a host with the
 * beginning of a repository's name, or "*.example.com" for all hosts below. Where an image is, says the entry
 * with the longest prefix alone; how a host is spoken to, the one for the host alone.
 */

/* How a host is spoken to. Zero where the file says nothing. */
struct host_settings {
    bool plain_http, insecure_skip_verify;
    unsigned reads, writes; /* blobs at once; 0: the default */
    double rate;            /* requests per second; 0: no bound */
    uint64_t chunk_size;    /* bytes of a blob in one request; 0: what suits the registry */
    unsigned tries;         /* of a request; 0: what the run says */
    unsigned budget_ms;     /* for all tries of a request together; 0: what the run says */
    char *ca;               /* file of authorities in PEM form, or NULL */
    char *cert, *key;       /* our certificate, both or none */
    char *cert_dir;         /* a directory like those in certs.d, or NULL */
};

/* A host, and what stands before the rest of a repository's name there. */
struct settings_place {
    char *host;
    char *path; /* "" or "proxy/docker.io" */
};

struct settings_mirror {
    struct settings_place place;
    bool digest_only; /* not for tags, which it may know late */
};

struct settings_entry {
    struct settings_place prefix; /* the host is lower case, and "*.example.com" is ".example.com" */
    char *shown;                  /* as it stands in the file */
    unsigned line;
    bool blocked;
    struct settings_place location; /* host NULL: where the prefix says */
    struct settings_mirror *mirror; /* in the order to ask them */
    size_t mirror_count, mirror_room;
    struct host_settings host;
};

struct settings {
    char *file; /* NULL: there is none */
    struct settings_entry *entry;
    size_t count, room;
};

#define SETTINGS_SIZE_MAX (1u << 20)

/* `path`: must be there. NULL: $LADE_CONFIG, which must be there too, else $XDG_CONFIG_HOME/lade/config.json,
 * else ~/.config/lade/config.json, which need not. ERR_INPUT that shows all mistakes with their places. */
MUST_USE struct err *settings_read(struct settings *out, const char *path);
/* The same of a text; `file` is what messages call it, and files that it names are relative to its directory.
 */
MUST_USE struct err *settings_parse(struct settings *out, const char *text, size_t len, const char *file);
void settings_wipe(struct settings *s);

/* The entry that says where a repository is, or NULL. */
const struct settings_entry *settings_for(const struct settings *s, const char *host, const char *repository);
/* How a host ("ghcr.io", "localhost:5000") is spoken to; never NULL. */
const struct host_settings *settings_of_host(const struct settings *s, const char *host);
/* The name of a repository at another place: what the entry's prefix says is replaced. New string. */
char *settings_moved(const struct settings_entry *e, const struct settings_place *to, const char *repository);
/* Deep. */
void host_settings_copy(struct host_settings *to, const struct host_settings *from);
void host_settings_wipe(struct host_settings *s);

#endif
