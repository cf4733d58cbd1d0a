/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/quirks.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GB UINT64_C(1000000000)

enum part { EXACT, END, ECR };

static const struct {
    enum part part;
    const char *host;
    struct quirks quirks;
} table[] = {
    {EXACT, "docker.io", {.name = "Docker Hub"}},
    {EXACT, "ghcr.io", {.name = "GitHub", .chunk = 4 * MIB, .layer_max = 10 * GB}},
    {EXACT,
     "public.ecr.aws",
     {.name = "Amazon ECR Public",
      .chunk = 10 * MIB,
      .chunk_min = 5 * MIB,
      .range_sticks = true,
      .last_in_put = true,
      .repository_first = true,
      .layer_max = 10000 * MIB}},
    {ECR,
     NULL,
     {.name = "Amazon ECR",
      .chunk = 10 * MIB,
      .chunk_min = 5 * MIB,
      .range_sticks = true,
      .last_in_put = true,
      .repository_first = true,
      .layer_max = 52000 * MIB}},
    {END, ".azurecr.io", {.name = "Azure", .chunk = 4 * MIB}},
    {END, ".azurecr.cn", {.name = "Azure", .chunk = 4 * MIB}},
    {END, ".azurecr.us", {.name = "Azure", .chunk = 4 * MIB}},
    {END, "-docker.pkg.dev", {.name = "Google Artifact Registry", .never_chunks = true}},
    {EXACT, "gcr.io", {.name = "Google", .never_chunks = true}},
    {END, ".gcr.io", {.name = "Google", .never_chunks = true}},
    {EXACT, "quay.io", {.name = "Quay"}},
    {EXACT, "registry.gitlab.com", {.name = "GitLab"}},
};

/* "123456789012.dkr.ecr.eu-west-1.amazonaws.com", also of China (".cn"), and "….dkr-ecr.….on.aws". */
static bool is_ecr(const char *host)
{
    const char *old = strstr(host, ".dkr.ecr");
    return (old && old != host && strstr(old, ".amazonaws.")) ||
           (strstr(host, ".dkr-ecr") && str_ends(host, ".on.aws"));
}

static bool fits(enum part part, const char *pattern, const char *host)
{
    switch (part) {
    case EXACT:
        return str_eq(host, pattern);
    case END:
        return str_ends(host, pattern);
    case ECR:
        return is_ecr(host);
    }
    return false;
}

const struct quirks *quirks_of(const char *host)
{
    static const struct quirks nothing = {0};
    AUTO(mem_free) char *bare = mem_strndup(host, host[0] == '[' ? strlen(host) : strcspn(host, ":"));
    for (char *c = bare; *c; c++)
        *c = str_lower(*c);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (fits(table[i].part, table[i].host, bare))
            return &table[i].quirks;
    return &nothing;
}

struct err *quirks_check_size(const struct quirks *q, const char *what, uint64_t size)
{
    char is[NUM_SIZE_TEXT], most[NUM_SIZE_TEXT];
    if (!q->layer_max || size <= q->layer_max)
        return NULL;
    return err_hint(err_new(ERR_RESOURCE, "%s has %s, and %s takes at most %s in one layer", what,
                            num_size_text(size, is), q->name, num_size_text(q->layer_max, most)),
                    "make the layer smaller, by several COPY or RUN steps that each add a part of it");
}
