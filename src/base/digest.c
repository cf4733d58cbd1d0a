/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"
#include "base/codec.h"
#include "base/mem.h"
#include "base/str.h"

/* The newer interface cannot say what state a hash is in. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define SHORT_DIGITS 12

static const struct algorithm {
    const char *name;
    size_t size;
} algorithms[] = {
    [DIGEST_NONE] = {"", 0},
    [DIGEST_SHA256] = {"sha256", 32},
    [DIGEST_SHA512] = {"sha512", 64},
};

struct hash {
    enum digest_alg alg;
    SHA256_CTX sha256;   /* DIGEST_SHA256 */
    EVP_MD_CTX *running; /* others */
    EVP_MD_CTX *copy;
};

/* Looking an algorithm up costs more than a short hash, so each is looked up once. */
static const EVP_MD *fetched[ARRAY_LEN(algorithms)];
static pthread_once_t fetched_once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    for (size_t i = DIGEST_SHA256; i < ARRAY_LEN(algorithms); i++)
        fetched[i] = EVP_MD_fetch(NULL, algorithms[i].name, NULL);
    /* A library configuration without providers still has the built-in names. */
    if (!fetched[DIGEST_SHA256])
        fetched[DIGEST_SHA256] = EVP_sha256();
    if (!fetched[DIGEST_SHA512])
        fetched[DIGEST_SHA512] = EVP_sha512();
}

static const EVP_MD *implementation(enum digest_alg alg)
{
    pthread_once(&fetched_once, fetch);
    assert(fetched[alg]);
    return fetched[alg];
}

/* libcrypto fails at hashing only when it has no memory. */
static void must(int result)
{
    if (result != 1)
        mem_exhausted();
}

static bool is_separator(char c)
{
    return c == '+' || c == '.' || c == '_' || c == '-';
}

static bool is_algorithm_name(const char *name, size_t len)
{
    bool after_word = false;
    for (size_t i = 0; i < len; i++) {
        bool word = (name[i] >= 'a' && name[i] <= 'z') || str_is_digit(name[i]);
        if (!word && !(after_word && is_separator(name[i])))
            return false;
        after_word = word;
    }
    return after_word;
}

static bool is_encoded(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!str_is_alnum(*c) && *c != '=' && *c != '_' && *c != '-')
            return false;
    return *text != '\0';
}

struct err *digest_parse(struct digest *out, const char *text)
{
    const char *colon = strchr(text, ':');
    size_t name_len = colon ? (size_t)(colon - text) : 0;
    if (!colon || !is_algorithm_name(text, name_len) || !is_encoded(colon + 1)) {
        AUTO(mem_free) char *safe = str_safe(text);
        return err_new(ERR_INPUT, "\"%s\" is no digest: expected an algorithm, ':' and hex digits", safe);
    }
    for (size_t i = DIGEST_SHA256; i < ARRAY_LEN(algorithms); i++) {
        const struct algorithm *a = &algorithms[i];
        if (strlen(a->name) != name_len || memcmp(a->name, text, name_len) != 0)
            continue;
        struct digest d = {.alg = (enum digest_alg)i};
        if (!codec_unhex(colon + 1, strlen(colon + 1), d.bytes, a->size)) {
            AUTO(mem_free) char *safe = str_safe(text);
            return err_new(ERR_INPUT, "\"%s\" is no %s digest: expected %zu lower-case hex digits", safe,
                           a->name, 2 * a->size);
        }
        *out = d;
        return NULL;
    }
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_UNSUPPORTED, "digest \"%s\": its algorithm is neither sha256 nor sha512", safe);
}

static void put_text(const struct digest *d, char *text, size_t bytes)
{
    if (d->alg == DIGEST_NONE) {
        text[0] = '\0';
        return;
    }
    size_t name_len = strlen(algorithms[d->alg].name);
    memcpy(text, algorithms[d->alg].name, name_len);
    text[name_len] = ':';
    codec_hex(d->bytes, bytes, text + name_len + 1);
}

const char *digest_text(const struct digest *d, char text[DIGEST_TEXT])
{
    put_text(d, text, algorithms[d->alg].size);
    return text;
}

const char *digest_hex(const struct digest *d, char text[DIGEST_TEXT])
{
    codec_hex(d->bytes, algorithms[d->alg].size, text);
    return text;
}

const char *digest_short(const struct digest *d, char text[DIGEST_SHORT])
{
    put_text(d, text, SHORT_DIGITS / 2);
    return text;
}

const char *digest_alg_name(const struct digest *d)
{
    return algorithms[d->alg].name;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return a->alg == b->alg && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool digest_is_set(const struct digest *d)
{
    return d->alg != DIGEST_NONE;
}

struct digest digest_of(const void *data, size_t len)
{
    struct digest d = {.alg = DIGEST_SHA256};
    must(EVP_Digest(len ? data : "", len, d.bytes, NULL, implementation(DIGEST_SHA256), NULL));
    return d;
}

struct hash *hash_new(enum digest_alg alg)
{
    assert(alg != DIGEST_NONE);
    struct hash *h = mem_zero(1, sizeof *h);
    h->alg = alg;
    if (alg != DIGEST_SHA256) {
        h->running = EVP_MD_CTX_new();
        h->copy = EVP_MD_CTX_new();
        must(h->running && h->copy);
    }
    hash_reset(h);
    return h;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (h->alg == DIGEST_SHA256)
        must(SHA256_Update(&h->sha256, data, len));
    else
        must(EVP_DigestUpdate(h->running, data, len));
}

struct digest hash_value(struct hash *h)
{
    struct digest d = {.alg = h->alg};
    if (h->alg == DIGEST_SHA256) {
        SHA256_CTX copy = h->sha256;
        must(SHA256_Final(d.bytes, &copy));
        return d;
    }
    must(EVP_MD_CTX_copy_ex(h->copy, h->running));
    must(EVP_DigestFinal_ex(h->copy, d.bytes, NULL));
    return d;
}

void hash_reset(struct hash *h)
{
    if (h->alg == DIGEST_SHA256)
        must(SHA256_Init(&h->sha256));
    else
        must(EVP_DigestInit_ex(h->running, implementation(h->alg), NULL));
}

void hash_free(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->running);
    EVP_MD_CTX_free(h->copy);
    mem_free(h);
}

void hash_save(const struct hash *h, struct hash_state *out)
{
    assert(h->alg == DIGEST_SHA256 && h->sha256.num == 0);
    for (size_t i = 0; i < ARRAY_LEN(out->word); i++)
        out->word[i] = h->sha256.h[i];
    out->len = ((uint64_t)h->sha256.Nh << 32 | h->sha256.Nl) / CHAR_BIT;
}

struct hash *hash_resume(const struct hash_state *state)
{
    struct hash *h = hash_new(DIGEST_SHA256);
    uint64_t bits = state->len * CHAR_BIT;

    assert(state->len % HASH_STATE_BLOCK == 0);
    for (size_t i = 0; i < ARRAY_LEN(state->word); i++)
        h->sha256.h[i] = state->word[i];
    h->sha256.Nl = (SHA_LONG)bits;
    h->sha256.Nh = (SHA_LONG)(bits >> 32);
    return h;
}

void hash_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[32])
{
    assert(key_len <= INT_MAX);
    must(HMAC(implementation(DIGEST_SHA256), key_len ? key : "", (int)key_len, len ? data : (const void *)"",
              len, out, NULL) != NULL);
}
