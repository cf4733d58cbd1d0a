/* SPDX-License-Identifier: Apache-2.0 */
#include "image/platform.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define BEST 1000

static const char *const known_os[] = {
    "aix",   "android", "darwin",  "dragonfly", "freebsd", "hurd",   "illumos", "ios", "js",
    "linux", "netbsd",  "openbsd", "plan9",     "solaris", "wasip1", "windows", "zos", "nacl",
};

static const char *const known_architecture[] = {
    "386",     "amd64",  "amd64p32", "arm",      "armbe",   "arm64", "arm64be",   "loong64",
    "mips",    "mipsle", "mips64",   "mips64le", "ppc",     "ppc64", "ppc64le",   "riscv",
    "riscv64", "s390",   "s390x",    "sparc",    "sparc64", "wasm",  "mips64p32", "mips64p32le",
};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(text, list[i]))
            return true;
    return false;
}

/* Only to be called with texts that fit. */
static void set(char part[PLATFORM_PART], const char *text)
{
    snprintf(part, PLATFORM_PART, "%s", text);
}

static void lower(char part[PLATFORM_PART])
{
    for (char *c = part; *c; c++)
        *c = str_lower(*c);
}

/* Names that uname, Debian and others have for an architecture, and the variant that they stand for (NULL:
 * keep). */
static const struct {
    const char *name, *architecture, *variant;
} aliases[] = {
    {"x86_64", "amd64", NULL},
    {"x86-64", "amd64", NULL},
    {"i386", "386", ""},
    {"i486", "386", ""},
    {"i586", "386", ""},
    {"i686", "386", ""},
    {"aarch64", "arm64", NULL},
    {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},
    {"armv5tel", "arm", "v5"},
    {"loongarch64", "loong64", NULL},
};

static void normalise(struct platform *p)
{
    lower(p->os);
    lower(p->architecture);
    lower(p->variant);
    if (str_eq(p->os, "macos"))
        set(p->os, "darwin");
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!str_eq(p->architecture, aliases[i].name))
            continue;
        set(p->architecture, aliases[i].architecture);
        if (aliases[i].variant)
            set(p->variant, aliases[i].variant);
        break;
    }
    if (str_eq(p->architecture, "amd64") && str_eq(p->variant, "v1"))
        set(p->variant, "");
    if (str_eq(p->architecture, "arm64") && (str_eq(p->variant, "8") || str_eq(p->variant, "v8")))
        set(p->variant, "");
    if (str_eq(p->architecture, "arm") && !*p->variant)
        set(p->variant, "v7");
    if (str_eq(p->architecture, "arm") && str_is_digit(p->variant[0]) && !p->variant[1])
        set(p->variant, (char[]){'v', p->variant[0], '\0'});
}

struct platform platform_host(void)
{
    struct platform p = {.os = "linux"};
    struct utsname name;
    if (uname(&name) == 0 && strlen(name.machine) < PLATFORM_PART)
        set(p.architecture, name.machine);
    normalise(&p);
    return p;
}

static bool is_part(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!str_is_alnum(text[i]) && text[i] != '_' && text[i] != '-' && text[i] != '.')
            return false;
    return len > 0 && len < PLATFORM_PART && str_is_alnum(text[0]);
}

/* "windows(10.0.17763)" has the version of the system behind its name. */
static bool split_os_version(struct platform *p, char *os)
{
    size_t len = strlen(os);
    char *open = strchr(os, '(');
    if (!open)
        return true;
    size_t version = len - (size_t)(open + 1 - os);
    if (os[len - 1] != ')' || !is_part(open + 1, version - 1))
        return false;
    os[len - 1] = '\0';
    set(p->os_version, open + 1);
    *open = '\0';
    return true;
}

static struct err *refuse(const char *text, const char *why)
{
    AUTO(mem_free) char *safe = str_safe(text);
    return err_hint(err_new(ERR_USAGE, "platform \"%s\": %s", safe, why),
                    "write it as os/architecture or os/architecture/variant, for instance linux/arm64");
}

static struct err *set_single(struct platform *p, const char *text, const char *part)
{
    struct platform host = platform_host();
    struct platform as_os = {0}, as_architecture = {0};
    set(as_os.os, part);
    set(as_architecture.architecture, part);
    normalise(&as_os);
    normalise(&as_architecture);
    if (is_one_of(as_os.os, known_os, ARRAY_LEN(known_os))) {
        set(p->os, as_os.os);
        set(p->architecture, host.architecture);
        set(p->variant, host.variant);
        return NULL;
    }
    if (is_one_of(as_architecture.architecture, known_architecture, ARRAY_LEN(known_architecture))) {
        set(p->os, host.os);
        set(p->architecture, as_architecture.architecture);
        set(p->variant, as_architecture.variant);
        return NULL;
    }
    return refuse(text, "this is neither an operating system nor an architecture that is known");
}

struct err *platform_parse(struct platform *out, const char *text)
{
    struct platform p = {0};
    AUTO_VALUE(strlist_wipe) struct strlist part = {0};
    strlist_split(&part, text, '/');
    if (part.count == 0)
        return refuse(text, "it is empty");
    if (part.count > 3)
        return refuse(text, "it has more than three parts");
    if (!split_os_version(&p, part.item[0]))
        return refuse(text, "expected \"os(version)\" in its first part");
    for (size_t i = 0; i < part.count; i++)
        if (!is_part(part.item[i], strlen(part.item[i])))
            return refuse(text, "a part may have letters, digits, _ - and . and at most 31 characters");
    if (part.count == 1) {
        TRY(set_single(&p, text, part.item[0]));
    } else {
        set(p.os, part.item[0]);
        set(p.architecture, part.item[1]);
        set(p.variant, part.count == 3 ? part.item[2] : "");
    }
    normalise(&p);
    *out = p;
    return NULL;
}

const char *platform_text(const struct platform *p, char text[PLATFORM_TEXT])
{
    snprintf(text, PLATFORM_TEXT, "%s/%s%s%s", p->os, p->architecture, *p->variant ? "/" : "", p->variant);
    return text;
}

bool platform_is_set(const struct platform *p)
{
    return *p->os && *p->architecture;
}

bool platform_equal(const struct platform *a, const struct platform *b)
{
    struct platform x = *a, y = *b;
    normalise(&x);
    normalise(&y);
    return str_eq(x.os, y.os) && str_eq(x.architecture, y.architecture) && str_eq(x.variant, y.variant) &&
           str_eq(x.os_version, y.os_version);
}

/* "v8.3" is 8 * 16 + 3; -1 when it is no such number. */
static int level(const char *variant)
{
    uint64_t major, minor = 0;
    const char *dot = strchr(variant, '.');
    if (*variant != 'v')
        return -1;
    AUTO(mem_free)
    char *first = mem_strndup(variant + 1, dot ? (size_t)(dot - variant) - 1 : strlen(variant) - 1);
    if (!num_parse(first, 15, &major) || (dot && !num_parse(dot + 1, 15, &minor)))
        return -1;
    return (int)(major * 16 + minor);
}

/* What an architecture's empty variant stands for. */
static int level_of(const struct platform *p)
{
    if (*p->variant)
        return level(p->variant);
    if (str_eq(p->architecture, "amd64"))
        return level("v1");
    if (str_eq(p->architecture, "arm64"))
        return level("v8");
    return -1;
}

/* Of the same architecture, lower levels run on higher ones: BEST less the distance. */
static int match_level(const struct platform *want, const struct platform *have)
{
    int wanted = level_of(want), got = level_of(have);
    if (str_eq(want->variant, have->variant))
        return BEST;
    if (wanted < 0 || got < 0)
        return 0;
    /* ARMv9.x has what ARMv8.(x+5) has and not the levels above. */
    if (str_eq(want->architecture, "arm64") && wanted >= 9 * 16 && got < 9 * 16 && got > wanted - 16 + 5)
        return 0;
    return got <= wanted ? BEST - (wanted - got) : 0;
}

static bool same_windows(const struct platform *want, const struct platform *have)
{
    size_t len = 0;
    int dots = 0;
    if (!str_eq(want->os, "windows") || !*want->os_version)
        return true;
    while (want->os_version[len] && (want->os_version[len] != '.' || ++dots < 3))
        len++;
    return strncmp(want->os_version, have->os_version, len) == 0 &&
           (have->os_version[len] == '\0' || have->os_version[len] == '.');
}

int platform_match(const struct platform *want, const struct platform *have)
{
    struct platform w = *want, h = *have;
    normalise(&w);
    normalise(&h);
    if (!str_eq(w.os, h.os) || !same_windows(&w, &h))
        return 0;
    if (str_eq(w.architecture, h.architecture))
        return match_level(&w, &h);
    /* A machine's 32-bit twin is the last resort. */
    if (str_eq(w.architecture, "amd64") && str_eq(h.architecture, "386"))
        return 1;
    if (str_eq(w.architecture, "arm64") && str_eq(h.architecture, "arm")) {
        struct platform arm = {.architecture = "arm", .variant = "v8"};
        int match = match_level(&arm, &h);
        return match ? match - BEST / 2 : 0;
    }
    return 0;
}

static struct err *get_part(char out[PLATFORM_PART], const json_t *object, const char *key, const char *what)
{
    const char *text = NULL;
    TRY(json_get_str(object, key, what, &text));
    if (!text)
        text = "";
    size_t len = strlen(text);
    if (len > 0 && !is_part(text, len)) {
        AUTO(mem_free) char *safe = str_escape(text, len, 64);
        return err_new(ERR_INPUT, "%s: key %s: \"%s\" is no part of a platform's name", what, key, safe);
    }
    set(out, text);
    return NULL;
}

struct err *platform_from_json(struct platform *out, const json_t *object, const char *what)
{
    struct platform p = {0};
    if (object) {
        TRY(get_part(p.os, object, "os", what));
        TRY(get_part(p.architecture, object, "architecture", what));
        TRY(get_part(p.variant, object, "variant", what));
        TRY(get_part(p.os_version, object, "os.version", what));
    }
    *out = p;
    return NULL;
}

json_t *platform_to_json(const struct platform *p)
{
    json_t *object = json_object();
    json_put(object, "architecture", json_new_str(p->architecture));
    json_put(object, "os", json_new_str(p->os));
    if (*p->os_version)
        json_put(object, "os.version", json_new_str(p->os_version));
    if (*p->variant)
        json_put(object, "variant", json_new_str(p->variant));
    return object;
}
