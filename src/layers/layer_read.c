/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer_read.h"

#include "base/mem.h"
#include "image/mediatype.h"
#include "layers/reader.h"

/* Bytes that are not the promised ones often make no archive either, or trip up whoever reads them; the first
 * is what the user has to know. */
static struct err *prefer_integrity(struct err *e, struct source *packed)
{
    if (!e || (err_kind_of(e) != ERR_INPUT && err_kind_of(e) != ERR_INTERNAL))
        return e;
    struct err *other = source_drain(packed);
    if (other && err_kind_of(other) == ERR_INTEGRITY) {
        err_free(e);
        return other;
    }
    err_free(other);
    return e;
}

static struct err *read_packed(struct tree **out, struct source *packed, const struct desc *blob,
                               enum digest_alg alg, const struct tarread_options *options,
                               struct digest *found)
{
    const struct reader_options how = {
        .packing = reader_packing_of(blob->media_type),
        .data = tarread_needs(options),
        .digest = alg,
        .limits = options->limits,
    };
    AUTO(reader_free) struct reader *reader = NULL;

    TRY(err_wrap(reader_open(&reader, packed, &how), "%s", options->what));
    TRY(tarread_entries(out, reader_entries(reader), options));
    *found = reader_digest(reader);
    return source_drain(packed);
}

static struct err *read_once(struct tree **out, struct store *from, const struct desc *blob,
                             enum digest_alg alg, const struct tarread_options *options, struct digest *found)
{
    AUTO(source_free) struct source *packed = NULL;
    TRY(err_wrap(store_get(from, blob, &packed), "%s", options->what));
    return prefer_integrity(read_packed(out, packed, blob, alg, options, found), packed);
}

struct err *layer_read(struct tree **out, struct store *from, const struct desc *blob,
                       const struct digest *diff_id, const struct tarread_options *options,
                       struct digest *found)
{
    char text[DIGEST_SHORT], want_text[DIGEST_TEXT], found_text[DIGEST_TEXT];
    bool check = diff_id && digest_is_set(diff_id);
    enum digest_alg alg = check ? diff_id->alg : DIGEST_SHA256;
    AUTO(mem_free) char *what = mem_printf("layer %s", digest_short(&blob->digest, text));
    AUTO(tree_free) struct tree *tree = NULL;
    struct tarread_options with_name = *options;

    with_name.what = what;
    struct err *e = read_once(&tree, from, blob, alg, &with_name, found);
    /* Something on the way may have mixed up one answer, and a mirror that did is not asked again. */
    if (e && err_kind_of(e) == ERR_INTEGRITY) {
        err_free(e);
        tree_free(tree);
        tree = NULL;
        e = read_once(&tree, from, blob, alg, &with_name, found);
    }
    TRY(e);
    if (check && !digest_equal(found, diff_id))
        return err_new(ERR_INTEGRITY, "%s: its plain bytes have the digest %s, the image's config says %s",
                       what, digest_text(found, found_text), digest_text(diff_id, want_text));
    *out = TAKE(tree);
    return NULL;
}
