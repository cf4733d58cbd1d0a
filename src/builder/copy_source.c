/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "base/mem.h"
#include "builder/copy_inner.h"
#include "builder/glob.h"

#include <string.h>

/* A search for what a pattern matches below a directory. */
struct search {
    const struct copy_run *run;
    const char *base; /* the path of the directory, without wildcards */
    const char *pattern;
    size_t depth; /* deeper names cannot match */
    struct copy_matches *out;
};

static void add_match(struct copy_matches *m, struct node *node, const char *path)
{
    const char *slash = strrchr(path, '/');
    MEM_PUSH(m->item, m->count, m->room, (struct copy_match){node, mem_strdup(slash ? slash + 1 : path)});
}

void copy_matches_wipe(struct copy_matches *m)
{
    for (size_t i = 0; i < m->count; i++)
        mem_free(m->item[i].name);
    mem_free(m->item);
    *m = (struct copy_matches){0};
}

struct err *copy_absent(const struct copy_run *run, const char *path)
{
    const struct copy_step *step = run->step;
    size_t line = 0;
    const char *pattern = ignore_reason(step->ignore, path, &line);
    AUTO(mem_free) char *shown = str_safe(path);
    if (!step->from_context)
        return err_new(ERR_NOT_FOUND, "\"/%s\" does not exist in what is copied from", shown);
    struct err *e = err_new(ERR_NOT_FOUND, "\"%s\" is not in the build context", shown);
    if (!pattern)
        return e;
    AUTO(mem_free) char *shown_pattern = str_safe(pattern);
    return err_hint(e, "the pattern \"%s\" in line %zu of %s leaves it out", shown_pattern, line,
                    ignore_name(step->ignore));
}

/* Links are followed as if what is absent on the way was there: "absent/../file" is a file. */
static struct err *look_up(const struct copy_run *run, const char *path, struct node **out)
{
    AUTO(mem_free) char *real = NULL;
    TRY(tree_resolve(run->step->from, path, true, &real));
    return tree_lookup(run->step->from, real, false, out);
}

static struct err *find_plain(struct copy_matches *out, const struct copy_run *run, const char *path)
{
    struct node *n = NULL;
    TRY(look_up(run, path, &n));
    if (!n)
        return copy_absent(run, path);
    add_match(out, n, path);
    return NULL;
}

static struct err *search_below(const struct search *s, struct node *dir, const char *below, size_t depth)
{
    struct node **child = NULL;
    size_t count = 0;
    TRY(tree_children(s->run->step->from, dir, &child, &count));
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *path = mem_printf("%s%s%s", below, *below ? "/" : "", child[i]->name);
        if (glob_match(s->pattern, path)) {
            AUTO(mem_free) char *whole = mem_printf("%s%s%s", s->base, *s->base ? "/" : "", path);
            TRY(find_plain(s->out, s->run, whole));
        } else if (child[i]->type == NODE_DIR && depth + 1 < s->depth) {
            TRY(search_below(s, child[i], path, depth + 1));
        }
    }
    return NULL;
}

/* Where the component with the first wildcard begins. */
static size_t wildcards_at(const char *path)
{
    for (size_t at = 0;;) {
        size_t len = strcspn(path + at, "/");
        AUTO(mem_free) char *part = mem_strndup(path + at, len);
        if (glob_has_wildcards(part) || !path[at + len])
            return at;
        at += len + 1;
    }
}

static struct err *find_wild(struct copy_matches *out, const struct copy_run *run, const char *path)
{
    const char *fault = glob_fault(path);
    if (fault) {
        AUTO(mem_free) char *shown = str_safe(path);
        return err_new(ERR_INPUT, "the source \"%s\" is not a valid pattern: %s", shown, fault);
    }
    size_t at = wildcards_at(path);
    AUTO(mem_free) char *base = mem_strndup(path, at > 0 ? at - 1 : 0);
    struct node *dir = NULL;
    TRY(look_up(run, base, &dir));
    if (!dir)
        return copy_absent(run, base);
    if (dir->type != NODE_DIR)
        return NULL;
    struct search s = {.run = run, .base = base, .pattern = path + at, .depth = 1, .out = out};
    /* A class in [] can match a slash. */
    for (const char *c = s.pattern; *c; c++)
        s.depth += *c == '/' || *c == '[';
    if (s.depth > COPY_MAX_DEPTH)
        return err_new(ERR_RESOURCE, "a source has more than %u components", COPY_MAX_DEPTH);
    return search_below(&s, dir, "", 0);
}

struct err *copy_find(struct copy_matches *out, const struct copy_run *run, const char *source)
{
    AUTO(mem_free) char *rooted = mem_printf("/%s", source);
    AUTO(mem_free) char *clean = path_clean(rooted);
    const char *path = clean + 1;
    return glob_has_wildcards(path) ? find_wild(out, run, path) : find_plain(out, run, path);
}
