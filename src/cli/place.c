/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place.h"

#include "base/mem.h"
#include "base/str.h"

#include <string.h>

/* Longer than any registry's name. */
#define HOST_TEXT_MAX 300

static const struct {
    const char *prefix;
    enum place_kind kind;
} transports[] = {
    {"oci:", PLACE_OCI_DIR}, {"oci-archive:", PLACE_OCI_ARCHIVE}, {"docker-archive:", PLACE_DOCKER_ARCHIVE}};

/* Of skopeo's, which would otherwise be read as an image with this name. */
static const char *const foreign[] = {
    "dir:", "docker-daemon:", "containers-storage:", "ostree:", "sif:", "http:", "https:"};

static struct err *parse_path(struct place *p, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    if (len == 0)
        return err_new(ERR_USAGE, "%s: a path is missing", p->shown);
    p->path = mem_strndup(text, len);
    if (!colon)
        return NULL;
    if (colon[1] == '\0')
        return err_new(ERR_USAGE, "%s: a name is missing after the last \":\"", p->shown);
    p->tag = mem_strdup(colon + 1);
    return NULL;
}

static struct err *parse_name(struct place *p, const char *text)
{
    p->kind = PLACE_STORE;
    if (str_starts(text, "sha256:") && strlen(text) == strlen("sha256:") + 64)
        return digest_parse(&p->ref.digest, text);
    struct err *e = ref_parse(&p->ref, text);
    bool path = *text == '.' || *text == '/';
    return path ? err_hint(e, "a file or directory is oci-archive:FILE, docker-archive:FILE or oci:DIR") : e;
}

static struct err *parse(struct place *p, const char *text)
{
    if (str_eq(text, "-")) {
        p->kind = PLACE_OCI_ARCHIVE;
        p->path = mem_strdup("-");
        return NULL;
    }
    if (str_starts(text, "docker://")) {
        p->kind = PLACE_REGISTRY;
        return ref_parse(&p->ref, text + strlen("docker://"));
    }
    for (size_t i = 0; i < ARRAY_LEN(transports); i++)
        if (str_starts(text, transports[i].prefix)) {
            p->kind = transports[i].kind;
            return parse_path(p, text + strlen(transports[i].prefix));
        }
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        size_t len = strlen(foreign[i]);
        if (strncmp(text, foreign[i], len) == 0 && strchr(text + len, '/'))
            return err_hint(err_new(ERR_USAGE, "%s: lade knows no places \"%s\"", p->shown, foreign[i]),
                            "docker://, oci:, oci-archive:, docker-archive: and names in the local store are "
                            "known");
    }
    return parse_name(p, text);
}

struct err *place_parse(struct place *out, const char *text)
{
    AUTO_VALUE(place_wipe) struct place p = {.shown = str_safe(text)};
    TRY(parse(&p, text));
    *out = p;
    p = (struct place){0};
    return NULL;
}

static bool alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Words of letters and digits with one separator, or "--", between them. */
static bool is_ref_name(const char *text)
{
    for (;;) {
        if (!alphanumeric(*text))
            return false;
        while (alphanumeric(*text))
            text++;
        if (*text == '\0')
            return true;
        if (!strchr("-._:@+/", *text))
            return false;
        text += str_starts(text, "--") ? 2 : 1;
    }
}

struct err *place_check_target(const struct place *p)
{
    if (p->tag && (p->kind == PLACE_OCI_DIR || p->kind == PLACE_OCI_ARCHIVE) && !is_ref_name(p->tag))
        return err_new(ERR_INPUT, "%s: what stands after the path cannot be the name of an image", p->shown);
    return NULL;
}

struct err *place_parse_ref(struct ref *out, const char *text)
{
    return ref_parse(out, str_starts(text, "docker://") ? text + strlen("docker://") : text);
}

bool place_has_tag(const char *text)
{
    text = str_starts(text, "docker://") ? text + strlen("docker://") : text;
    const char *slash = strrchr(text, '/');
    return strpbrk(slash ? slash : text, ":@") != NULL;
}

/* As in references, where a first part like this is the registry. */
static bool is_host(const char *text, size_t len)
{
    const char *slash = memchr(text, '/', len);
    AUTO(mem_free) char *name = mem_strndup(text, len);
    return !slash && (strpbrk(name, ".:") || str_eq(name, "localhost"));
}

static struct err *parse_host(struct ref *out, const char *host, size_t len)
{
    AUTO_VALUE(ref_wipe) struct ref any = {0};
    AUTO(mem_free) char *text = mem_printf("%.*s/x", (int)len, host);
    TRY(ref_parse(&any, text));
    out->registry = TAKE(any.registry);
    return NULL;
}

struct err *place_parse_repository(struct ref *out, const char *text)
{
    AUTO(mem_free) char *shown = str_safe(text);
    if (!str_starts(text, "docker://"))
        return err_new(ERR_USAGE, "%s: expected docker://REPOSITORY", shown);
    text += strlen("docker://");
    size_t len = strlen(text);
    bool slash = len && text[len - 1] == '/';
    len -= slash;
    if (len <= HOST_TEXT_MAX && (is_host(text, len) || (slash && !memchr(text, '/', len))))
        return parse_host(out, text, len);
    if (place_has_tag(text))
        return err_new(ERR_USAGE, "%s: a repository is expected, without a tag", shown);
    return ref_parse(out, text);
}

char *place_store_name(const struct ref *ref)
{
    char text[DIGEST_TEXT];
    if (digest_is_set(&ref->digest))
        return mem_strdup(digest_text(&ref->digest, text));
    return ref_text(ref);
}

void place_wipe(struct place *p)
{
    free(p->shown);
    free(p->path);
    free(p->tag);
    ref_wipe(&p->ref);
    *p = (struct place){0};
}
