/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/proc.h"
#include "base/rsa.h"

static char *openssl(const char *const *argv, size_t *len)
{
    struct proc_spec spec = {.argv = argv, .timeout_ms = 60000};
    struct proc_result r = {.out = BUF(1 << 16), .err = BUF(1 << 16)};
    check_ok(proc_run(&spec, &r));
    if (r.status != 0)
        print_error("%s\n", buf_text(&r.err));
    assert_int_equal(r.status, 0);
    if (len)
        *len = r.out.len;
    char *text = mem_dup(buf_text(&r.out), r.out.len + 1);
    proc_result_wipe(&r);
    return text;
}

static void write_file(int dir, const char *name, const void *data, size_t len)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    check_ok(fd_write(fd, data, len, name));
    fd_close(fd);
}

/* The openssl command says whether a signature is right. */
static void signs_as_openssl_verifies(void **state)
{
    struct check_dir *dir = *state;
    AUTO(mem_free) char *key = path_join(dir->path, "key");
    AUTO(mem_free) char *public_key = path_join(dir->path, "public");
    AUTO(mem_free) char *signature = path_join(dir->path, "signature");
    AUTO(mem_free) char *data = path_join(dir->path, "data");
    const char *const make[] = {"openssl", "genrsa", "-out", key, "2048", NULL};
    const char *const show[] = {"openssl", "rsa", "-in", key, "-pubout", "-out", public_key, NULL};
    const char *const print[] = {"openssl", "pkey", "-in", key, NULL};
    const char *const verify[] = {"openssl",    "dgst",    "-sha256", "-verify", public_key,
                                  "-signature", signature, data,      NULL};
    mem_free(openssl(make, NULL));
    mem_free(openssl(show, NULL));
    AUTO(mem_free) char *pem = openssl(print, NULL);
    AUTO_VALUE(buf_wipe) struct buf made = BUF(4096);
    check_ok(rsa_sign(&made, pem, "what is signed", 14));
    assert_int_equal(made.len, 256);
    write_file(dir->fd, "data", "what is signed", 14);
    write_file(dir->fd, "signature", made.data, made.len);
    AUTO(mem_free) char *said = openssl(verify, NULL);
    assert_string_equal(said, "Verified OK\n");
}

static void refuses_other_keys(void **state)
{
    static const char *const weak[] = {"openssl", "genrsa", "1024", NULL};
    static const char *const curve[] = {"openssl", "genpkey", "-algorithm", "ED25519", NULL};
    static const char *const locked[] = {"openssl",     "genrsa", "-aes128", "-passout",
                                         "pass:secret", "2048",   NULL};
    static const struct {
        const char *const *make;
        const char *says;
    } rows[] = {{weak, "2048 bits"}, {curve, "not an RSA key"}, {locked, "without a password"}};
    (void)state;
    AUTO_VALUE(buf_wipe) struct buf made = BUF(4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *pem = openssl(rows[i].make, NULL);
        check_error(rsa_sign(&made, pem, "x", 1), ERR_INPUT, rows[i].says);
    }
    check_error(rsa_sign(&made, "", "x", 1), ERR_INPUT, "cannot be read");
    check_error(rsa_sign(&made, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "x", 1),
                ERR_INPUT, "cannot be read");
    assert_int_equal(made.len, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(signs_as_openssl_verifies, check_dir_make, check_dir_remove),
        cmocka_unit_test(refuses_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
