/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_IMAGE_HELP_H
#define LADE_TESTS_IMAGE_HELP_H

#include "base/attr.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "image/desc.h"
#include "image/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the tests of this part share. */

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* Success; the message is printed when it is none. */
static inline void ok(struct err *e)
{
    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);
}

/* An error of this kind whose message has this part (NULL: any). Frees it. */
static inline void refused(struct err *e, enum err_kind kind, const char *part)
{
    assert_non_null(e);
    if (err_kind_of(e) != kind || (part && !strstr(err_message(e), part)))
        print_error("kind %d: %s\n", err_kind_of(e), err_message(e));
    assert_int_equal(err_kind_of(e), kind);
    if (part)
        assert_non_null(strstr(err_message(e), part));
    err_free(e);
}

static inline struct digest digest_from(const char *text)
{
    struct digest d;
    ok(digest_parse(&d, text));
    return d;
}

/* A new directory below TMPDIR; new string. */
static inline char *temp_dir(void)
{
    const char *base = getenv("TMPDIR");
    char *path = mem_printf("%s/lade-image-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void temp_gone(char *path_take)
{
    ok(fs_remove_tree(AT_FDCWD, path_take));
    free(path_take);
}

static inline void write_file(const char *dir, const char *name, const char *text)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* New string. */
static inline char *read_file(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    struct buf text = BUF(1 << 20);
    ok(fs_read_file(&text, AT_FDCWD, path, NULL));
    char *copy = mem_strdup(buf_text(&text));
    buf_wipe(&text);
    return copy;
}

static inline bool exists(const char *dir, const char *name)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

/* The whole blob as a new string. */
static inline char *get_text(struct store *s, const struct desc *d)
{
    struct buf text = BUF(1 << 20);
    ok(store_read(s, d, &text));
    char *copy = mem_strdup(buf_text(&text));
    buf_wipe(&text);
    return copy;
}

static inline void put_text(struct store *s, const char *type, const char *text, struct desc *out)
{
    ok(store_write(s, type, text, strlen(text), out));
}

#endif
