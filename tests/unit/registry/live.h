/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LADE_TESTS_REGISTRY_LIVE_H
#define LADE_TESTS_REGISTRY_LIVE_H

/* Servers that a test starts for itself: docker-registry, and the helpers of tests/support. Each is a child
 * process that ends with the test. */

#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "image/mediatype.h"
#include "image/ref.h"
#include "image/store.h"
#include "registry/registry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOCKER_REGISTRY "/usr/bin/docker-registry"

struct server {
    pid_t pid;
    unsigned port;
};

static inline unsigned free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static inline bool answers(unsigned port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return ok;
}

static inline pid_t start(const char *const *argv, int out, const char *log)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    union {
        const char *const *in;
        char *const *to;
    } args = {.in = argv};
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out >= 0 ? out : fd, 1);
    dup2(fd, 2);
    execvp(argv[0], args.to);
    _exit(127);
}

/* A helper that says "port N". */
static inline struct server start_helper(const char *dir, const char *const *argv)
{
    struct server s = {0};
    AUTO(mem_free) char *log = mem_printf("%s/helper.log", dir);
    int ends[2];
    char line[64] = "";
    assert_int_equal(pipe(ends), 0);
    s.pid = start(argv, ends[1], log);
    close(ends[1]);
    FILE *f = fdopen(ends[0], "r");
    if (!f || !fgets(line, sizeof line, f) || strncmp(line, "port ", 5) != 0)
        fail_msg("%s did not start", argv[1]);
    s.port = (unsigned)strtoul(line + 5, NULL, 10);
    fclose(f);
    return s;
}

static inline void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline char *read_text(const char *path)
{
    struct buf b = BUF(1 << 20);
    check_ok(fs_read_file(&b, AT_FDCWD, path, NULL));
    return buf_take(&b);
}

/* `extra` is YAML of the top level; `http` lines below "http:". */
static inline struct server start_registry(const char *dir, const char *http, const char *extra)
{
    struct server s = {.port = free_port()};
    AUTO(mem_free) char *config = mem_printf("%s/registry-%u.yml", dir, s.port);
    AUTO(mem_free) char *log = mem_printf("%s/registry-%u.log", dir, s.port);
    AUTO(mem_free)
    char *text = mem_printf("version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: "
                            "%s/data-%u}, delete: {enabled: true}}\nhttp:\n  addr: 127.0.0.1:%u\n%s%s",
                            dir, s.port, s.port, http, extra);
    write_text(config, text);
    const char *const argv[] = {DOCKER_REGISTRY, "serve", config, NULL};
    s.pid = start(argv, -1, log);
    for (int i = 0; i < 500 && !answers(s.port); i++)
        usleep(20000);
    assert_true(answers(s.port));
    return s;
}

static inline void stop_server(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    *s = (struct server){0};
}

/* openssl's command makes an authority and a certificate for 127.0.0.1: ca.crt, tls.crt, tls.key in `dir`. */
static inline void make_certificates(const char *dir)
{
    AUTO(mem_free)
    char *script = mem_printf(
        "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=lade-tests -keyout ca.key "
        "-out ca.crt "
        "2>/dev/null && openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr "
        "2>/dev/null && echo 'subjectAltName=IP:127.0.0.1,DNS:localhost' >ext && openssl x509 -req -in "
        "tls.csr -CA "
        "ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out tls.crt 2>/dev/null",
        dir);
    assert_int_equal(system(script), 0);
}

/* Nothing of this machine's own configuration. */
static inline void clean_environment(const char *home)
{
    static const char *const names[] = {"DOCKER_CONFIG",   "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE",
                                        "XDG_CONFIG_HOME", "SSL_CERT_FILE",      "SSL_CERT_DIR",
                                        "http_proxy",      "https_proxy",        "HTTPS_PROXY",
                                        "ALL_PROXY",       "LADE_TOKEN_SERVERS"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    setenv("HOME", home, 1);
    setenv("XDG_RUNTIME_DIR", home, 1);
}

/* A repository of a server on this machine. */
static inline struct store *repository(struct registry *r, const struct server *s, const char *name)
{
    struct store *made = NULL;
    struct ref ref = {.registry = mem_printf("127.0.0.1:%u", s->port), .repository = mem_strdup(name)};
    check_ok(registry_repository(r, &ref, true, &made));
    ref_wipe(&ref);
    return made;
}

/* A minimal image: an empty config, one layer. *manifest is what was put. */
static inline struct err *put_image(struct store *s, const void *layer, size_t len, struct desc *manifest)
{
    AUTO_VALUE(desc_wipe) struct desc config = {0};
    AUTO_VALUE(desc_wipe) struct desc blob = {0};
    char a[DIGEST_TEXT], b[DIGEST_TEXT];
    TRY(store_write(s, MEDIATYPE_OCI_CONFIG, "{}", 2, &config));
    TRY(store_write(s, MEDIATYPE_OCI_LAYER, layer, len, &blob));
    AUTO(mem_free)
    char *text =
        mem_printf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"%s\",\"digest\":"
                   "\"%s\",\"size\":2},\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
                   MEDIATYPE_OCI_MANIFEST, MEDIATYPE_OCI_CONFIG, digest_text(&config.digest, a),
                   MEDIATYPE_OCI_LAYER, digest_text(&blob.digest, b), len);
    return store_write(s, MEDIATYPE_OCI_MANIFEST, text, strlen(text), manifest);
}

static inline struct desc desc_for(const char *media_type, const void *data, size_t len)
{
    struct desc d = {0};
    struct digest digest = digest_of(data, len);
    desc_set(&d, media_type, &digest, len);
    return d;
}

#endif
