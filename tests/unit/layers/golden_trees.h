/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_GOLDEN_TREES_H
#define LADE_TESTS_GOLDEN_TREES_H

#include "base/mem.h"
#include "layers/tree.h"

#include <string.h>

/* Trees with every kind of entry. Their tar bytes are frozen: only add trees here, never change one. */

static inline struct node *plant(struct tree *t, const char *path, enum node_type type, uint32_t mode)
{
    const char *slash = strrchr(path, '/');
    AUTO(mem_free) char *dir = mem_strndup(path, slash ? (size_t)(slash - path) : 0);
    const char *name = slash ? slash + 1 : path;
    struct node *n = tree_add(t, tree_make_path(t, dir), name, strlen(name), type);

    n->mode = mode;
    n->mtime = 315532800;
    return n;
}

static inline struct node *plant_file(struct tree *t, const char *path, uint32_t mode, const char *text)
{
    struct node *n = plant(t, path, NODE_FILE, mode);

    n->size = strlen(text);
    n->content.kind = CONTENT_MEM;
    n->content.mem = tree_strdup(t, text, strlen(text));
    return n;
}

static inline struct node *plant_link(struct tree *t, const char *path, const char *target)
{
    struct node *n = plant(t, path, NODE_SYMLINK, 0777);

    n->target = tree_strdup(t, target, strlen(target));
    return n;
}

/* `count` times `unit`, then `end`. New string. */
static inline char *repeat(const char *unit, size_t count, const char *end)
{
    size_t len = strlen(unit);
    char *text = mem_alloc(len * count + strlen(end) + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, unit, len);
    memcpy(text + len * count, end, strlen(end) + 1);
    return text;
}

static inline void golden_empty(struct tree *t)
{
    (void)t;
}

static inline void golden_plain(struct tree *t)
{
    plant(t, "etc", NODE_DIR, 0755);
    plant_file(t, "etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\n");
    plant_file(t, "etc/shadow", 0000, "root:*:::::::\n");
    plant(t, "empty", NODE_DIR, 0700);
    plant(t, "tmp", NODE_DIR, 01777);
    plant(t, "srv/group", NODE_DIR, 02775);
    plant_file(t, "bin/su", 04755, "#!/bin/sh\n");
    plant_file(t, "bin/wall", 02755, "#!/bin/sh\n");
    plant_file(t, "bin/all", 07777, "");
    /* The order is that of components: a, a/x, a-b, a.b, a0. */
    plant(t, "a", NODE_DIR, 0755);
    plant_file(t, "a/x", 0644, "1");
    plant_file(t, "a-b", 0644, "2");
    plant_file(t, "a.b", 0644, "3");
    plant_file(t, "a0", 0644, "4");
    plant_file(t, "A", 0644, "5");
    plant_file(t, "with space\ttab\nnewline\\backslash\"quote\x1b\x7f", 0644, "6");
    plant_file(t, "-rf", 0644, "7");
}

static inline void golden_names(struct tree *t)
{
    static const struct {
        size_t parents; /* directories of 9 letters and a slash */
        size_t name;    /* letters of the last component */
    } shapes[] = {
        {0, 99},   {0, 100},  {0, 101}, {0, 155}, {0, 255}, /* no slash: no split */
        {9, 9},    {9, 10},   {9, 11},                      /* 99, 100, 101 in all */
        {15, 100}, {15, 101}, /* split before the last component, and not at all */
        {15, 5},   {16, 5},   {16, 90}, {24, 15}, {25, 5}, /* split in the middle; 255 in all */
        {25, 6},   {25, 7},   {40, 50},                    /* 256 and more */
    };

    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        AUTO(mem_free) char *dirs = repeat("directory/", shapes[i].parents, "");
        AUTO(mem_free) char *name = repeat("n", shapes[i].name - 1, "f");
        AUTO(mem_free) char *path = mem_printf("%s%s", dirs, name);
        plant_file(t, path, 0644, "x");
        path[strlen(path) - 1] = 'd';
        plant(t, path, NODE_DIR, 0755);
    }
    /* The prefix is 155 bytes, the last place at which it can end. */
    AUTO(mem_free) char *prefix = repeat("p", 155, "");
    AUTO(mem_free) char *at_155 = mem_printf("%s/%s", prefix, "file");
    plant_file(t, at_155, 0644, "x");
    AUTO(mem_free) char *at_156 = mem_printf("q%s/%s", prefix, "file");
    plant_file(t, at_156, 0644, "x");
    plant_file(t,
               "\xc3\xbc"
               "ber",
               0644, "UTF-8");
    plant(t, "\xe6\x97\xa5\xe6\x9c\xac", NODE_DIR, 0755);
    plant_file(t, "\xe6\x97\xa5\xe6\x9c\xac/\xe8\xaa\x9e", 0644, "UTF-8");
    plant_file(t, "latin-\xfc\xff\xfe", 0644, "not UTF-8");
    plant(t, "\x80", NODE_DIR, 0755);
    AUTO(mem_free) char *long_bytes = repeat("\xe9", 255, "");
    plant_file(t, long_bytes, 0644, "not UTF-8, and long");
    /* The shadow in the name field would end in a slash. */
    AUTO(mem_free) char *cut = repeat("c", 99, "/\xe9");
    plant_file(t, cut, 0644, "x");
}

static inline void golden_links(struct tree *t)
{
    AUTO(mem_free) char *target_100 = repeat("t", 100, "");
    AUTO(mem_free) char *target_101 = repeat("t", 101, "");
    AUTO(mem_free) char *target_4095 = repeat("../", 1364, "end");

    plant_link(t, "short", "target");
    plant_link(t, "absolute", "/usr/bin/env");
    plant_link(t, "up", "../../..");
    plant_link(t, "bytes", "caf\xe9");
    plant_link(t, "utf8", "caf\xc3\xa9");
    plant_link(t, "link100", target_100);
    plant_link(t, "link101", target_101);
    plant_link(t, "link4095", target_4095);
    plant_link(t, "odd-mode", "x")->mode = 0640;

    /* The first name in order carries the data, whichever was planted first. */
    uint32_t group = tree_new_link_group(t);
    plant_file(t, "z/second", 0640, "shared")->link_group = group;
    plant_file(t, "b/first", 0640, "shared")->link_group = group;
    plant_file(t, "b/third", 0640, "shared")->link_group = group;
    AUTO(mem_free) char *deep = repeat("directory/", 12, "name");
    uint32_t long_group = tree_new_link_group(t);
    plant_file(t, deep, 0600, "far")->link_group = long_group;
    plant_file(t, "near", 0600, "far")->link_group = long_group;
    uint32_t byte_group = tree_new_link_group(t);
    plant_file(t, "e\xe9", 0600, "bytes")->link_group = byte_group;
    plant_file(t, "f\xe9", 0600, "bytes")->link_group = byte_group;
    /* A group of which one name is here alone. */
    plant_file(t, "alone", 0600, "one")->link_group = tree_new_link_group(t);
    uint32_t empty_group = tree_new_link_group(t);
    plant_file(t, "empty1", 0600, "")->link_group = empty_group;
    plant_file(t, "empty2", 0600, "")->link_group = empty_group;
}

static inline void golden_numbers(struct tree *t)
{
    static const uint32_t ids[] = {0, 1000, 65534, 2097151, 2097152, 3000000, 4294967294u};
    static const int64_t times[] = {0, 1, 8589934591, 8589934592, 99999999999, -1, -100, -315619200};

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        AUTO(mem_free) char *user = mem_printf("user%u", ids[i]);
        AUTO(mem_free) char *both = mem_printf("both%u", ids[i]);
        plant_file(t, user, 0644, "x")->uid = ids[i];
        struct node *n = plant(t, both, NODE_DIR, 0755);
        n->uid = n->gid = ids[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        AUTO(mem_free) char *path = mem_printf("time%lld", (long long)times[i]);
        struct node *n = plant_file(t, path, 0644, "x");
        n->mtime = times[i];
        n->mtime_ns = 999999999;
    }
}

static inline void golden_xattrs(struct tree *t)
{
    static const char capability[] =
        "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    static const char binary[] = "a\0b\nc=d\xff\xfe 12 key=value\n";
    AUTO(mem_free) char *large = repeat("0123456789abcdef", 4096, "");

    struct node *n = plant_file(t, "bin/ping", 0755, "ELF");
    node_set_xattr(t, n, "security.capability", capability, sizeof capability - 1);
    n = plant_file(t, "several", 0644, "x");
    node_set_xattr(t, n, "user.z", "last", 4);
    node_set_xattr(t, n, "user.a", "first", 5);
    node_set_xattr(t, n, "user.a.b", "second", 6);
    node_set_xattr(t, n, "user.binary", binary, sizeof binary - 1);
    node_set_xattr(t, n, "user.z", "replaced", 8);
    node_set_xattr(t, plant(t, "dir", NODE_DIR, 0755), "user.d", "on a directory", 14);
    node_set_xattr(t, plant_file(t, "large", 0644, ""), "user.large", large, strlen(large));
    /* Lengths around the places where the length of the length changes. */
    for (size_t len = 66; len < 72; len++) {
        AUTO(mem_free) char *path = mem_printf("length%zu", len);
        AUTO(mem_free) char *value = repeat("v", len, "");
        node_set_xattr(t, plant_file(t, path, 0644, ""), "user.v", value, len);
    }
    /* On hard links they stand at the first name only. */
    uint32_t group = tree_new_link_group(t);
    for (size_t i = 0; i < 2; i++) {
        n = plant_file(t, i ? "linked1" : "linked2", 0644, "linked");
        n->link_group = group;
        node_set_xattr(t, n, "user.l", "l", 1);
    }
    /* All at once, next to a name and numbers that do not fit. */
    n = plant_file(t, "everything-\xff", 04755, "x");
    node_set_xattr(t, n, "user.e", "e", 1);
    node_set_xattr(t, n, "security.capability", capability, sizeof capability - 1);
    n->uid = n->gid = 4000000000u;
    n->mtime = -5;
}

static inline void golden_devices(struct tree *t)
{
    struct node *n = plant(t, "dev/null", NODE_CHAR, 0666);
    n->device_major = 1;
    n->device_minor = 3;
    n = plant(t, "dev/sda1", NODE_BLOCK, 0660);
    n->device_major = 8;
    n->device_minor = 1;
    n->gid = 6;
    n = plant(t, "dev/large", NODE_CHAR, 0600);
    n->device_major = 4095;
    n->device_minor = 1048575;
    plant(t, "run/pipe", NODE_FIFO, 0620);
}

static inline void golden_whiteouts(struct tree *t)
{
    plant(t, "gone", NODE_WHITEOUT, 0);
    plant(t, "a-kept", NODE_DIR, 0755);
    plant_file(t, "a-kept/file", 0644, "x");
    plant(t, "a-kept/zz", NODE_WHITEOUT, 0)->mtime = 1000000000;
    plant(t, "a-kept/aa", NODE_WHITEOUT, 0);
    struct node *n = plant(t, "opaque", NODE_DIR, 0750);
    n->opaque = true;
    n->mtime = 1234567890;
    plant_file(t, "opaque/new", 0644, "x");
    plant(t, "opaque/too", NODE_WHITEOUT, 0);
    /* Implicit directories: not written, but what is in them. */
    tree_make_path(t, "implicit/opaque")->opaque = true;
    plant(t, "implicit/lost/\xe9", NODE_WHITEOUT, 0);
    AUTO(mem_free) char *name = repeat("w", 251, "");
    plant(t, name, NODE_WHITEOUT, 0);
}

static inline void golden_sizes(struct tree *t)
{
    static const size_t sizes[] = {0, 1, 511, 512, 513, 1024, 16383, 16384, 131072, 131073, 1000000};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        AUTO(mem_free) char *path = mem_printf("size%zu", sizes[i]);
        AUTO(mem_free) char *text = mem_alloc(sizes[i] + 1);
        for (size_t at = 0; at < sizes[i]; at++)
            text[at] = (char)('a' + (at * 7 + at / 251) % 26);
        text[sizes[i]] = '\0';
        plant_file(t, path, 0644, text);
    }
}

static const struct golden_tree {
    const char *name;
    void (*plant)(struct tree *t);
} golden_trees[] = {
    {"empty", golden_empty},     {"plain", golden_plain},         {"names", golden_names},
    {"links", golden_links},     {"numbers", golden_numbers},     {"xattrs", golden_xattrs},
    {"devices", golden_devices}, {"whiteouts", golden_whiteouts}, {"sizes", golden_sizes},
};

#endif
