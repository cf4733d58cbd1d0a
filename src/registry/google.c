/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/google.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/rsa.h"
#include "registry/google_federation.h"
#include "registry/url.h"

#include <fcntl.h>
#include <string.h>

#define TOKEN_URL "https://oauth2.googleapis.com/token"
#define METADATA_HOST "metadata.google.internal"
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/token"
#define ASSERTION_LIFE_S 3600
#define LIFE_MAX_S 86400.0

void google_token_wipe(struct google_token *t)
{
    cloud_wipe_text(t->value);
    mem_free(t->source);
    *t = (struct google_token){0};
}

struct err *google_check_url(const char *url)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    TRY(url_parse(&u, url));
    AUTO(mem_free) char *shown = url_shown(&u);
    bool own = str_ends(u.host, ".googleapis.com") || str_eq(u.host, "accounts.google.com");
    if (!str_eq(u.scheme, "https") || !own || u.port != 443)
        return err_new(ERR_DENIED, "%s is not a server of Google's: no credentials are sent to it", shown);
    return NULL;
}

static struct err *take_token(struct google_token *out, const json_t *answer, const char *what)
{
    const char *token = NULL;
    TRY(json_get_str(answer, "access_token", what, &token));
    if (!cloud_fits_header(token))
        return err_new(ERR_INPUT, "%s: the answer holds no token", what);
    double life = json_number_value(json_object_get(answer, "expires_in"));
    out->value = mem_strdup(token);
    out->end_ms = life > 0 && life <= LIFE_MAX_S ? clock_ms() + (uint64_t)(life * 1000) : 0;
    return NULL;
}

struct err *google_ask(struct google_token *out, const struct cloud *c, const char *url,
                       const struct buf *form)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO(json_decref) json_t *answer = NULL;
    strlist_add(&headers, "Content-Type: application/x-www-form-urlencoded");
    struct cloud_request q = {
        .method = "POST", .url = url, .headers = &headers, .body = form->data, .body_len = form->len};
    TRY(google_check_url(url));
    AUTO(mem_free) char *what = cloud_what(&q);
    TRY(cloud_ask_json(&answer, c, &q));
    return take_token(out, answer, what);
}

/* The form of tokens (RFC 7515): the URL alphabet, not padded. */
static char *encode(const void *data, size_t len)
{
    char *text = codec_base64(data, len);
    for (char *c = text; *c; c++)
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
        else if (*c == '=')
            *c = '\0';
    return text;
}

static char *encode_json(json_t *j)
{
    AUTO(mem_free) char *text = json_text(j);
    return encode(text, strlen(text));
}

struct err *google_assertion(char **out, const char *email, const char *key_id, const char *pem,
                             const char *audience, int64_t now_unix)
{
    AUTO(json_decref) json_t *header = json_object();
    AUTO(json_decref) json_t *claims = json_object();
    AUTO_VALUE(buf_wipe) struct buf signature = BUF(4096);
    json_put(header, "alg", json_new_str("RS256"));
    json_put(header, "typ", json_new_str("JWT"));
    if (key_id)
        json_put(header, "kid", json_new_str(key_id));
    json_put(claims, "iss", json_new_str(email));
    json_put(claims, "scope", json_new_str(GOOGLE_SCOPE));
    json_put(claims, "aud", json_new_str(audience));
    json_put(claims, "iat", json_integer(now_unix));
    json_put(claims, "exp", json_integer(now_unix + ASSERTION_LIFE_S));
    AUTO(mem_free) char *head = encode_json(header);
    AUTO(mem_free) char *body = encode_json(claims);
    AUTO(mem_free) char *both = mem_printf("%s.%s", head, body);
    TRY(rsa_sign(&signature, pem, both, strlen(both)));
    AUTO(mem_free) char *last = encode(signature.data, signature.len);
    *out = mem_printf("%s.%s", both, last);
    return NULL;
}

static struct err *need(const json_t *file, const char *key, const char *what, const char **out)
{
    TRY(json_get_str(file, key, what, out));
    return str_empty(*out) ? err_new(ERR_INPUT, "%s: key \"%s\" is missing", what, key) : NULL;
}

static struct err *from_account(struct google_token *out, const struct cloud *c, const json_t *file,
                                const char *what)
{
    const char *email;
    const char *pem;
    const char *id = NULL;
    const char *url = NULL;
    AUTO(cloud_wipe_text) char *assertion = NULL;
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    TRY(need(file, "client_email", what, &email));
    TRY(need(file, "private_key", what, &pem));
    TRY(json_get_str(file, "private_key_id", what, &id));
    TRY(json_get_str(file, "token_uri", what, &url));
    if (!url)
        url = TOKEN_URL;
    TRY(err_wrap(google_check_url(url), "%s", what));
    TRY(err_wrap(google_assertion(&assertion, email, id, pem, url, clock_unix()), "%s", what));
    cloud_form(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
    cloud_form(&form, "assertion", assertion);
    return google_ask(out, c, url, &form);
}

static struct err *from_user(struct google_token *out, const struct cloud *c, const json_t *file,
                             const char *what)
{
    static const char *const keys[] = {"client_id", "client_secret", "refresh_token"};
    const char *value;
    AUTO_VALUE(cloud_wipe_buf) struct buf form = BUF(BUF_NO_LIMIT);
    cloud_form(&form, "grant_type", "refresh_token");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        TRY(need(file, keys[i], what, &value));
        cloud_form(&form, keys[i], value);
    }
    return google_ask(out, c, TOKEN_URL, &form);
}

static struct err *from_document(struct google_token *out, const struct cloud *c, const json_t *file,
                                 const char *what)
{
    const char *type;
    TRY(need(file, "type", what, &type));
    if (str_eq(type, "service_account"))
        return from_account(out, c, file, what);
    if (str_eq(type, "authorized_user"))
        return from_user(out, c, file, what);
    if (str_eq(type, "external_account"))
        return google_federation_token(out, c, file, what);
    AUTO(mem_free) char *shown = str_safe(type);
    return err_new(ERR_UNSUPPORTED, "%s: credentials of the type \"%s\" are not known to lade", what, shown);
}

/* *found false: no such file. */
static struct err *from_file(struct google_token *out, const struct cloud *c, const char *path,
                             const char *source, bool *found)
{
    AUTO_VALUE(cloud_wipe_buf) struct buf text = BUF(GOOGLE_FILE_MAX);
    AUTO(json_decref) json_t *file = NULL;
    TRY(fs_read_file(&text, AT_FDCWD, path, found));
    if (!*found)
        return NULL;
    file = cloud_object(buf_text(&text), text.len);
    if (!file)
        return err_new(ERR_INPUT, "%s is not a JSON object", path);
    TRY(from_document(out, c, file, path));
    out->source = mem_strdup(source);
    return NULL;
}

static struct err *from_given(struct google_token *out, const struct cloud *c, bool *found)
{
    static const char source[] = "$GOOGLE_APPLICATION_CREDENTIALS";
    const char *path = cloud_env("GOOGLE_APPLICATION_CREDENTIALS");
    if (!path) {
        creds_trace_skip(c->trace, source, "not set");
        return NULL;
    }
    TRY(err_wrap(from_file(out, c, path, source, found), "%s", source));
    return *found ? NULL : err_new(ERR_NOT_FOUND, "%s: there is no file %s", source, path);
}

/* A login of the user, made for whatever reason: when it has ended, public images are still there. */
static struct err *from_login(struct google_token *out, const struct cloud *c, bool *found)
{
    static const char name[] = "application_default_credentials.json";
    const char *directory = cloud_env("CLOUDSDK_CONFIG");
    const char *home = cloud_env("HOME");
    if (!directory && !home)
        return NULL;
    AUTO(mem_free)
    char *path = directory ? path_join(directory, name) : mem_printf("%s/.config/gcloud/%s", home, name);
    struct err *e = from_file(out, c, path, path, found);
    if (e && err_kind_of(e) != ERR_STOPPED) {
        creds_trace_add(c->trace, path, "%s", err_message(e));
        err_free(e);
        *found = false;
        return NULL;
    }
    if (!*found)
        creds_trace_skip(c->trace, path, "no such file");
    return e;
}

static struct err *ask_machine(struct google_token *out, const struct cloud *c, const char *host,
                               const char *source)
{
    AUTO_VALUE(strlist_wipe) struct strlist headers = {0};
    AUTO_VALUE(cloud_reply_wipe) struct cloud_reply r = {0};
    AUTO(json_decref) json_t *answer = NULL;
    AUTO(mem_free) char *url = mem_printf("http://%s" METADATA_PATH, host);
    strlist_add(&headers, "Metadata-Flavor: Google");
    struct cloud_request q = {.method = "GET", .url = url, .headers = &headers, .metadata = true};
    TRY(cloud_ask(&r, c, &q));
    const char *flavor = strmap_get(&r.headers, "metadata-flavor");
    if (!flavor || !str_eq(flavor, "Google"))
        return err_new(ERR_NOT_FOUND, "what answers is not Google's metadata");
    if (r.status != 200)
        return cloud_refusal_json(&q, &r);
    answer = cloud_object(buf_text(&r.body), r.body.len);
    if (!answer)
        return err_new(ERR_INPUT, "the answer is not a JSON object");
    TRY(take_token(out, answer, source));
    out->source = mem_strdup(source);
    return NULL;
}

static struct err *from_machine(struct google_token *out, const struct cloud *c, bool *found)
{
    static const char source[] = "the Google machine's metadata";
    const char *host = cloud_env("GCE_METADATA_HOST");
    if (!host && !cloud_machine_may_be("Google")) {
        creds_trace_skip(c->trace, source, "not asked: this machine is not Google's");
        return NULL;
    }
    struct err *e = ask_machine(out, c, host ? host : METADATA_HOST, source);
    *found = !e;
    if (e && err_kind_of(e) != ERR_STOPPED) {
        creds_trace_add(c->trace, source, "%s", err_message(e));
        err_free(e);
        return NULL;
    }
    return e;
}

struct err *google_find(struct google_token *out, const struct cloud *c, bool *found)
{
    *found = false;
    TRY(from_given(out, c, found));
    if (!*found)
        TRY(from_login(out, c, found));
    if (!*found)
        TRY(from_machine(out, c, found));
    return NULL;
}
