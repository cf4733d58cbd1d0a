/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_TARCHECK_H
#define LADE_TESTS_TARCHECK_H

#include "layers/tarread.h"
#include "tarmake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Read a tar that was made in memory, and say what must come of it. */

static inline struct err *read_tar(struct tree **out, const struct buf *tar, bool layer,
                                   const struct tarlimits *limits)
{
    AUTO(source_free) struct source *s = source_mem(tar->data, tar->len);
    struct tarread_options options = {
        .what = "x.tar", .layer = layer, .keep_accounts = layer, .limits = limits};
    return tarread_tree(out, s, &options);
}

static inline struct tree *good(const struct buf *tar, bool layer)
{
    struct tree *t = NULL;
    struct err *e = read_tar(&t, tar, layer, NULL);

    if (e)
        print_error("%s\n", err_message(e));
    assert_null(e);
    return t;
}

static inline void refused_with(const struct buf *tar, bool layer, const struct tarlimits *limits,
                                enum err_kind kind, const char *part)
{
    AUTO(tree_free) struct tree *t = NULL;
    AUTO(err_free) struct err *e = read_tar(&t, tar, layer, limits);

    assert_non_null(e);
    if (err_kind_of(e) != kind || !strstr(err_message(e), part))
        print_error("%s (kind %d), expected \"%s\"\n", err_message(e), (int)err_kind_of(e), part);
    assert_int_equal(err_kind_of(e), kind);
    assert_non_null(strstr(err_message(e), part));
}

static inline void refused(const struct buf *tar, const char *part)
{
    refused_with(tar, true, NULL, ERR_INPUT, part);
}

static inline struct node *at(struct tree *t, const char *path)
{
    struct node *n = NULL;
    assert_null(tree_lookup(t, path, false, &n));
    return n;
}

#endif
