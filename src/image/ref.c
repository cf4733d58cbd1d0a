/* SPDX-License-Identifier: Apache-2.0 */
#include "image/ref.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <assert.h>
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024
#define HOST_MAX 255
#define REPOSITORY_MAX 255
#define TAG_MAX 128

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || str_is_digit(c);
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* "reference "…": expected … at character N, found "…"" */
static struct err *refuse(const char *text, const char *at, const char *expected)
{
    AUTO(mem_free) char *safe = str_safe(text);
    if (!*at)
        return err_new(ERR_INPUT, "reference \"%s\": expected %s at the end (character %zu)", safe, expected,
                       (size_t)(at - text) + 1);
    AUTO(mem_free) char *found = str_escape(at, strlen(at), 32);
    return err_new(ERR_INPUT, "reference \"%s\": expected %s at character %zu, found \"%s\"", safe, expected,
                   (size_t)(at - text) + 1, found);
}

static struct err *refuse_upper(const char *text, const char *at)
{
    size_t len = strcspn(text, "@");
    AUTO(mem_free) char *lower = mem_strndup(text, len);
    for (char *c = lower + (at - text); *c && *c != ':'; c++)
        *c = str_lower(*c);
    AUTO(mem_free) char *safe = str_safe(lower);
    return err_hint(refuse(text, at, "a lower-case letter (repository names are lower case)"), "try \"%s\"",
                    safe);
}

/* Does the part before the first "/" name a registry? The rule is Docker's: otherwise it belongs to the
 * repository. */
static bool is_registry(const char *text, size_t len)
{
    if (len == strlen("localhost") && strncmp(text, "localhost", len) == 0)
        return true;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '.' || text[i] == ':' || is_upper(text[i]))
            return true;
    return false;
}

static struct err *parse_ipv6(const char *text, const char **at)
{
    const char *begin = *at + 1;
    size_t len = strspn(begin, "0123456789abcdefABCDEF:");
    struct in6_addr address;
    char literal[INET6_ADDRSTRLEN];
    if (begin[len] != ']')
        return refuse(text, begin + len, "\"]\" after an IPv6 address");
    if (len >= sizeof literal)
        return refuse(text, begin, "an IPv6 address");
    memcpy(literal, begin, len);
    literal[len] = '\0';
    if (inet_pton(AF_INET6, literal, &address) != 1)
        return refuse(text, begin, "an IPv6 address");
    *at = begin + len + 1;
    return NULL;
}

static struct err *parse_domain(const char *text, const char **at)
{
    const char *c = *at;
    for (;;) {
        if (!str_is_alnum(*c))
            return refuse(text, c, "a host name");
        while (str_is_alnum(*c) || *c == '-')
            c++;
        if (c[-1] == '-')
            return refuse(text, c - 1, "a letter or digit at the end of a host name's part");
        if (*c != '.')
            break;
        c++;
    }
    *at = c;
    return NULL;
}

static struct err *parse_port(const char *text, const char **at)
{
    const char *begin = *at + 1;
    size_t len = strspn(begin, "0123456789");
    AUTO(mem_free) char *digits = mem_strndup(begin, len);
    uint64_t port;
    if (len == 0 || !num_parse(digits, 65535, &port) || port == 0)
        return refuse(text, begin, "a port number from 1 to 65535");
    *at = begin + len;
    return NULL;
}

static struct err *parse_registry(const char *text, const char **at, char **out)
{
    const char *begin = *at;
    if (strstr(text, "://"))
        return err_hint(refuse(text, strstr(text, "://"), "a registry and a repository without a URL scheme"),
                        "leave out everything up to \"://\"");
    if (**at == '[')
        TRY(parse_ipv6(text, at));
    else
        TRY(parse_domain(text, at));
    if (**at == ':')
        TRY(parse_port(text, at));
    if (**at != '/')
        return refuse(text, *at, "\":port\" or \"/\" after the registry's host name");
    if (*at - begin > HOST_MAX)
        return refuse(text, begin, "a host name of at most 255 characters");
    *out = mem_strndup(begin, (size_t)(*at - begin));
    (*at)++;
    return NULL;
}

/* Skip ".", "_", "__" or any number of "-". */
static const char *skip_separator(const char *c)
{
    if (*c == '.')
        return c + 1;
    if (*c == '_')
        return c + (c[1] == '_' ? 2 : 1);
    return c + strspn(c, "-");
}

static struct err *parse_repository(const char *text, const char **at, char **out)
{
    const char *c = *at;
    for (;;) {
        if (is_upper(*c))
            return refuse_upper(text, c);
        if (!is_lower_alnum(*c))
            return refuse(text, c, "a lower-case letter or digit");
        while (is_lower_alnum(*c))
            c++;
        const char *after = *c == '/' ? c + 1 : skip_separator(c);
        if (after == c)
            break;
        c = after;
    }
    if (is_upper(*c))
        return refuse_upper(text, c);
    if (*c && *c != ':' && *c != '@')
        return refuse(text, c, "a lower-case letter, a digit, one of . _ - /, \":tag\" or \"@digest\"");
    *out = mem_strndup(*at, (size_t)(c - *at));
    *at = c;
    return NULL;
}

static size_t tag_length(const char *text)
{
    size_t len = 0;
    while (str_is_alnum(text[len]) || text[len] == '_' || (len > 0 && (text[len] == '.' || text[len] == '-')))
        len++;
    return len;
}

bool ref_tag_valid(const char *tag)
{
    size_t len = tag_length(tag);
    return len > 0 && len <= TAG_MAX && tag[len] == '\0';
}

static struct err *parse_tag(const char *text, const char **at, char **out)
{
    const char *begin = *at + 1;
    size_t len = tag_length(begin);
    if (len == 0)
        return refuse(text, begin, "a tag (a letter, digit or \"_\" first)");
    if (begin[len] && begin[len] != '@')
        return refuse(text, begin + len,
                      "a letter, a digit, one of _ . - (a tag's characters) or \"@digest\"");
    if (len > TAG_MAX)
        return refuse(text, begin + TAG_MAX, "the end of the tag (at most 128 characters)");
    *out = mem_strndup(begin, len);
    *at = begin + len;
    return NULL;
}

/* Docker Hub has several names; credentials and the store know it by one. */
static void normalise_hub(struct ref *r)
{
    if (str_eq_nocase(r->registry, "index.docker.io") || str_eq_nocase(r->registry, "registry-1.docker.io") ||
        str_eq_nocase(r->registry, "docker.io")) {
        free(r->registry);
        r->registry = mem_strdup("docker.io");
    }
    if (str_eq(r->registry, "docker.io") && !strchr(r->repository, '/')) {
        char *full = mem_printf("library/%s", r->repository);
        free(r->repository);
        r->repository = full;
    }
}

static struct err *parse_parts(struct ref *r, const char *text)
{
    const char *at = text;
    if (strlen(text) > TEXT_MAX)
        return refuse(text, text + TEXT_MAX, "the end (a reference has at most 1024 characters)");
    if (!*text)
        return refuse(text, text, "a repository name");
    if (strspn(text, "0123456789abcdef") == 64 && text[64] == '\0')
        return refuse(text, text, "a repository name that is no 64-digit image ID");
    const char *slash = strchr(text, '/');
    if (slash && (*text == '[' || is_registry(text, (size_t)(slash - text))))
        TRY(parse_registry(text, &at, &r->registry));
    else
        r->registry = mem_strdup("docker.io");
    const char *repository = at;
    TRY(parse_repository(text, &at, &r->repository));
    assert(r->repository);
    normalise_hub(r);
    if (strlen(r->repository) > REPOSITORY_MAX)
        return refuse(text, repository, "a repository name of at most 255 characters");
    if (*at == ':')
        TRY(parse_tag(text, &at, &r->tag));
    if (*at == '@') {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_wrap(digest_parse(&r->digest, at + 1), "reference \"%s\": after \"@\" at character %zu",
                        safe, (size_t)(at - text) + 1);
    }
    if (!r->tag)
        r->tag = mem_strdup("latest");
    return NULL;
}

struct err *ref_parse(struct ref *out, const char *text)
{
    AUTO_VALUE(ref_wipe) struct ref r = {0};
    TRY(parse_parts(&r, text));
    *out = r;
    r = (struct ref){0};
    return NULL;
}

static char *print(const char *registry, const char *repository, const struct ref *r)
{
    char digest[DIGEST_TEXT];
    bool has_digest = digest_is_set(&r->digest);
    return mem_printf("%s%s%s%s%s%s%s", registry, *registry ? "/" : "", repository, r->tag ? ":" : "",
                      r->tag ? r->tag : "", has_digest ? "@" : "",
                      has_digest ? digest_text(&r->digest, digest) : "");
}

char *ref_text(const struct ref *r)
{
    return print(r->registry, r->repository, r);
}

char *ref_familiar(const struct ref *r)
{
    if (!str_eq(r->registry, "docker.io"))
        return ref_text(r);
    const char *repository = r->repository;
    const char *slash = strchr(repository, '/');
    if (slash && str_starts(repository, "library/") && !strchr(slash + 1, '/'))
        return print("", slash + 1, r);
    /* A first part that would be read as a host keeps the registry before it. */
    if (!slash || is_registry(repository, (size_t)(slash - repository)))
        return ref_text(r);
    return print("", repository, r);
}

char *ref_name(const struct ref *r)
{
    return mem_printf("%s/%s", r->registry, r->repository);
}

void ref_copy(struct ref *to, const struct ref *from)
{
    struct ref copy = {
        .registry = mem_strdup(from->registry),
        .repository = mem_strdup(from->repository),
        .tag = mem_strdup(from->tag),
        .digest = from->digest,
    };
    ref_wipe(to);
    *to = copy;
}

void ref_wipe(struct ref *r)
{
    free(r->registry);
    free(r->repository);
    free(r->tag);
    *r = (struct ref){0};
}
