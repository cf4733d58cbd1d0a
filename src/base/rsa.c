/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rsa.h"
#include "base/mem.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define BITS_LEAST 2048

AUTO_DEFINE(EVP_PKEY *, EVP_PKEY_free)
AUTO_DEFINE(EVP_MD_CTX *, EVP_MD_CTX_free)
AUTO_DEFINE(BIO *, BIO_free_all)

/* OpenSSL would ask at the terminal. */
static int no_password(char *text, int size, int writing, void *ctx)
{
    (void)text;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static struct err *bad(const char *text)
{
    ERR_clear_error();
    return err_new(ERR_INPUT, "%s", text);
}

struct err *rsa_sign(struct buf *out, const char *pem, const void *data, size_t len)
{
    size_t pem_len = strlen(pem);
    if (pem_len > INT_MAX)
        return bad("the private key is too long");
    AUTO(BIO_free_all) BIO *text = BIO_new_mem_buf(pem, (int)pem_len);
    AUTO(EVP_MD_CTX_free) EVP_MD_CTX *running = EVP_MD_CTX_new();
    if (!text || !running)
        mem_exhausted();
    AUTO(EVP_PKEY_free) EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_password, NULL);
    if (!key)
        return bad("the private key cannot be read: expected PEM without a password");
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < BITS_LEAST)
        return bad("the private key is not an RSA key of at least 2048 bits");
    size_t size = 0;
    if (EVP_DigestSignInit(running, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(running, NULL, &size, data, len) != 1)
        return bad("the private key cannot sign");
    char *place = buf_reserve(out, size);
    if (!place)
        return bad("the signature is too long");
    if (EVP_DigestSign(running, (unsigned char *)place, &size, data, len) != 1)
        return bad("the private key cannot sign");
    out->len += size;
    return NULL;
}
