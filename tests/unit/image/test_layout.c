/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include "base/json.h"
#include "base/pool.h"
#include "base/str.h"
#include "image/layout.h"
#include "image/manifest.h"
#include "image/mediatype.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct store *open_layout(const char *path, enum layout_mode mode)
{
    struct store *s = NULL;
    ok(layout_open(&s, path, mode));
    return s;
}

static char *blob_file(const struct desc *d)
{
    char hex[DIGEST_TEXT];
    return mem_printf("blobs/sha256/%s", digest_hex(&d->digest, hex));
}

/* How many names with this beginning a directory has. */
static unsigned count_names(const char *dir, const char *sub, const char *prefix)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, sub);
    DIR *d = opendir(path);
    const struct dirent *entry;
    unsigned count = 0;
    assert_non_null(d);
    while ((entry = readdir(d)))
        count += entry->d_name[0] != '\0' && str_starts(entry->d_name, prefix) &&
                 !str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..");
    closedir(d);
    return count;
}

static void makes_and_opens(void **state)
{
    char *dir = temp_dir();
    AUTO(mem_free) char *deep = mem_printf("%s/a/b", dir);
    struct store *s = NULL;
    (void)state;
    refused(layout_open(&s, deep, LAYOUT_READ), ERR_NOT_FOUND, "a/b");
    refused(layout_open(&s, deep, LAYOUT_REMOVE), ERR_NOT_FOUND, "a/b");
    refused(layout_open(&s, dir, LAYOUT_READ), ERR_INPUT, "is no OCI image layout");
    s = open_layout(deep, LAYOUT_WRITE);
    assert_true(str_starts(store_name(s), "oci:"));
    store_free(s);
    AUTO(mem_free) char *version = read_file(deep, "oci-layout");
    AUTO(mem_free) char *index = read_file(deep, "index.json");
    assert_string_equal(version, "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_non_null(strstr(index, "\"manifests\":[]"));
    assert_int_equal(count_names(dir, "a/b", ""), 3);
    store_free(open_layout(deep, LAYOUT_READ));

    write_file(deep, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    refused(layout_open(&s, deep, LAYOUT_WRITE), ERR_INPUT, "expected version 1.0.0, found 2.0.0");
    write_file(deep, "oci-layout", "nonsense");
    refused(layout_open(&s, deep, LAYOUT_READ), ERR_INPUT, "oci-layout: line 1");
    AUTO(mem_free) char *file = mem_printf("%s/oci-layout", deep);
    refused(layout_open(&s, file, LAYOUT_READ), ERR_INPUT, NULL);
    refused(layout_open(&s, file, LAYOUT_WRITE), ERR_INPUT, NULL);
    temp_gone(dir);
}

static void puts_and_gets(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {0}, empty = {0}, other = {0};
    struct source *from = NULL;
    bool yes = true;
    (void)state;
    put_text(s, "text/x", "hello", &d);
    put_text(s, "text/x", "hello", &d);
    put_text(s, "text/x", "", &empty);
    ok(store_has(s, &d, &yes));
    assert_true(yes);
    ok(store_has(s, &empty, &yes));
    assert_true(yes);
    AUTO(mem_free) char *text = get_text(s, &d);
    AUTO(mem_free) char *nothing = get_text(s, &empty);
    assert_string_equal(text, "hello");
    assert_string_equal(nothing, "");
    struct digest absent = digest_from(DIGEST_A);
    desc_set(&other, "text/x", &absent, 5);
    ok(store_has(s, &other, &yes));
    assert_false(yes);
    refused(store_get(s, &other, &from), ERR_NOT_FOUND, DIGEST_A " is not in oci:");
    AUTO(mem_free) char *sha512 = mem_printf("sha512:%0128d", 0);
    absent = digest_from(sha512);
    desc_set(&other, "text/x", &absent, 5);
    ok(store_has(s, &other, &yes));
    assert_false(yes);
    temp_gone(dir);
}

static void refuses_lies(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        bool lie;
        const char *part;
    } rows[] = {
        {"hello", 4, false, "more than the promised 4 bytes"},
        {"hello", 6, false, "has 5 bytes instead of the promised 6"},
        {"hellO", 5, true, "the bytes have digest sha256:"},
        {"", 5, true, "has 0 bytes"},
    };
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(desc_wipe) struct desc d = {0};
        AUTO(source_free) struct source *from = source_mem(rows[i].text, strlen(rows[i].text));
        struct digest digest = digest_of("hello", 5);
        bool yes = true;
        desc_set(&d, "text/x", &digest, rows[i].size);
        refused(store_put(s, &d, from), ERR_INTEGRITY, rows[i].part);
        ok(store_has(s, &d, &yes));
        assert_false(yes);
    }
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 0);
    temp_gone(dir);
}

static void damaged_blobs(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(buf_wipe) struct buf text = BUF(100);
    struct source *from = NULL;
    bool yes = true;
    (void)state;
    put_text(s, "text/x", "hello", &d);
    AUTO(mem_free) char *file = blob_file(&d);
    AUTO(mem_free) char *path = mem_printf("%s/%s", dir, file);

    write_file(dir, file, "hel");
    ok(store_has(s, &d, &yes));
    assert_false(yes);
    refused(store_read(s, &d, &text), ERR_INTEGRITY, "blobs/sha256/");
    put_text(s, "text/x", "hello", &d);
    write_file(dir, file, "hellO");
    refused(store_read(s, &d, &text), ERR_INTEGRITY, "blobs/sha256/");
    put_text(s, "text/x", "hello", &d);
    AUTO(mem_free) char *again = get_text(s, &d);
    assert_string_equal(again, "hello");

    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    ok(store_has(s, &d, &yes));
    assert_false(yes);
    refused(store_get(s, &d, &from), ERR_INPUT, "blobs/sha256/");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    refused(store_get(s, &d, &from), ERR_INPUT, "no regular file");
    temp_gone(dir);
}

static void blob_named_by_its_bytes(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {.media_type = mem_strdup("text/x")};
    (void)state;
    AUTO(sink_free) struct sink *blob = NULL, *dropped = NULL;
    ok(layout_blob_new(s, &dropped));
    ok(sink_write(dropped, "x", 1));
    ok(layout_blob_new(s, &blob));
    ok(sink_write(blob, "hel", 3));
    ok(sink_write(blob, "lo", 2));
    assert_int_equal(count_names(dir, "blobs/sha256", ".new-"), 2);
    ok(layout_blob_done(s, blob, &d));
    assert_false(layout_blob_was_there(blob));
    assert_int_equal(d.size, 5);
    assert_string_equal(d.media_type, "text/x");
    AUTO(mem_free) char *text = get_text(s, &d);
    assert_string_equal(text, "hello");
    sink_free(TAKE(dropped));
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 1);
    temp_gone(dir);
}

static void names(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc a = {0}, b = {0}, found = {0};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    bool yes = true;
    (void)state;
    ok(store_resolve(s, NULL, &found, &yes));
    assert_false(yes);
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{}", &a);
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{ }", &b);
    strmap_set(&a.annotations, "io.containerd.image.name", "other");
    strmap_set(&a.annotations, "kept", "1");
    ok(store_tag(s, "docker.io/library/a:1", &a));
    ok(store_tag(s, "same", &a));
    ok(store_resolve(s, NULL, &found, &yes));
    assert_true(yes);
    ok(store_tag(s, "b", &b));
    refused(store_resolve(s, NULL, &found, &yes), ERR_NOT_FOUND, "more than one image");
    ok(store_resolve(s, "docker.io/library/a:1", &found, &yes));
    assert_true(yes && digest_equal(&found.digest, &a.digest));
    assert_int_equal(found.annotations.count, 1);
    assert_string_equal(found.annotations.key[0], "kept");
    ok(store_tag(s, "same", &b));
    ok(store_resolve(s, "same", &found, &yes));
    assert_true(digest_equal(&found.digest, &b.digest));
    ok(store_resolve(s, "none", &found, &yes));
    assert_false(yes);
    ok(layout_list(s, &list));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.item[0].name, "docker.io/library/a:1");
    assert_string_equal(list.item[2].name, "b");
    ok(layout_untag(s, "b", &yes));
    assert_true(yes);
    ok(layout_untag(s, "b", &yes));
    assert_false(yes);
    ok(layout_list(s, &list));
    assert_int_equal(list.count, 2);
    temp_gone(dir);
}

static void resolves_digests(void **state)
{
    char *dir = temp_dir(), text[DIGEST_TEXT];
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc named = {0}, inner = {0}, junk = {0}, found = {0};
    bool yes = true;
    (void)state;
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{}", &named);
    put_text(s, MEDIATYPE_OCI_INDEX, "{\"manifests\":[]}", &inner);
    put_text(s, "text/x", "hello", &junk);
    ok(store_tag(s, "x", &named));
    ok(store_resolve(s, digest_text(&named.digest, text), &found, &yes));
    assert_true(yes);
    ok(store_resolve(s, digest_text(&inner.digest, text), &found, &yes));
    assert_true(yes);
    assert_string_equal(found.media_type, MEDIATYPE_OCI_INDEX);
    assert_int_equal(found.size, inner.size);
    ok(store_resolve(s, DIGEST_A, &found, &yes));
    assert_false(yes);
    refused(store_resolve(s, digest_text(&junk.digest, text), &found, &yes), ERR_INPUT, NULL);
    refused(store_resolve(s, "sha256:12", &found, &yes), ERR_INPUT, NULL);
    temp_gone(dir);
}

/* Other tools' entries and keys stay as they are, whatever they are. */
static void foreign_entries_survive(void **state)
{
    static const char before[] =
        "{\"schemaVersion\":2,\"x-own\":{\"k\":[1,2.5,null]},\"manifests\":[{\"mediaType\":\"a/"
        "b\",\"digest\":"
        "\"" DIGEST_A "\",\"size\":7,\"x-more\":true,\"annotations\":{\"org.opencontainers.image.ref.name\":"
        "\"theirs\",\"k\":\"v\"}},{\"digest\":\"blake3:00\"},\"text\",{\"mediaType\":\"a/b\",\"digest\":"
        "\"" DIGEST_B "\",\"size\":1}],\"annotations\":{\"a\":\"b\"}}";
    char *dir = temp_dir();
    AUTO_VALUE(desc_wipe) struct desc d = {0}, found = {0};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    bool yes;
    (void)state;
    store_free(open_layout(dir, LAYOUT_WRITE));
    write_file(dir, "index.json", before);
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{}", &d);
    ok(store_tag(s, "ours", &d));
    ok(layout_list(s, &list));
    assert_int_equal(list.count, 3);
    assert_null(list.item[1].name);
    ok(store_resolve(s, "theirs", &found, &yes));
    assert_true(yes);
    ok(layout_untag(s, "ours", &yes));
    AUTO(mem_free) char *after = read_file(dir, "index.json");
    assert_string_equal(after, before);
    temp_gone(dir);
}

static void bad_index(void **state)
{
    static const char *const rows[] = {"", "[]", "{\"manifests\":{}}", "{\"a\":1,\"a\":2}",
                                       "{\"manifests\":[]"};
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool yes;
    (void)state;
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{}", &d);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_file(dir, "index.json", rows[i]);
        refused(store_resolve(s, "a", &d, &yes), ERR_INPUT, "index.json");
        refused(store_tag(s, "a", &d), ERR_INPUT, "index.json");
        AUTO(mem_free) char *after = read_file(dir, "index.json");
        assert_string_equal(after, rows[i]);
    }
    temp_gone(dir);
}

static void origins(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    struct digest digest = digest_from(DIGEST_A);
    struct source *from = NULL;
    (void)state;
    desc_set(&d, "text/x", &digest, 3);
    assert_null(store_origin(s, &d));
    ok(layout_set_origin(s, &d, "ghcr.io/o/a"));
    ok(layout_set_origin(s, &d, "ghcr.io/o/a"));
    AUTO(mem_free) char *origin = store_origin(s, &d);
    assert_string_equal(origin, "ghcr.io/o/a");
    AUTO(err_free) struct err *e = store_get(s, &d, &from);
    assert_int_equal(err_kind_of(e), ERR_NOT_FOUND);
    assert_non_null(strstr(err_hint_of(e), "ghcr.io/o/a"));
    char hex[DIGEST_TEXT];
    AUTO(mem_free) char *file = mem_printf("lade/origin/sha256/%s", digest_hex(&digest, hex));
    write_file(dir, file, "evil\x1b/x\n");
    assert_null(store_origin(s, &d));
    temp_gone(dir);
}

static void sweeps(void **state)
{
    char *dir = temp_dir(), text[DIGEST_TEXT];
    AUTO_VALUE(desc_wipe)
    struct desc config = {0}, layer = {0}, child = {0}, index = {0}, loose = {0}, gone = {0};
    AUTO_VALUE(manifest_wipe) struct manifest m = {0}, i = {0};
    uint64_t bytes = 0;
    bool yes;
    (void)state;
    struct store *s = open_layout(dir, LAYOUT_WRITE);
    put_text(s, MEDIATYPE_OCI_CONFIG, "{\"os\":\"linux\"}", &config);
    put_text(s, MEDIATYPE_OCI_LAYER, "layer", &layer);
    put_text(s, "text/x", "nobody wants this", &loose);
    desc_copy(&m.config, &config);
    desc_copy(desclist_add(&m.layers), &layer);
    struct digest absent = digest_from(DIGEST_A);
    desc_set(&gone, MEDIATYPE_OCI_LAYER, &absent, 9);
    desc_copy(desclist_add(&m.layers), &gone);
    AUTO(mem_free) char *manifest = manifest_bytes(&m);
    put_text(s, MEDIATYPE_OCI_MANIFEST, manifest, &child);
    desc_copy(desclist_add(&i.manifests), &child);
    desc_set(desclist_add(&i.manifests), MEDIATYPE_OCI_MANIFEST, &absent, 9);
    AUTO(mem_free) char *index_text = manifest_index_bytes(&i);
    put_text(s, MEDIATYPE_OCI_INDEX, index_text, &index);
    ok(store_tag(s, "x", &index));
    ok(layout_set_origin(s, &gone, "h/r"));
    ok(layout_set_origin(s, &loose, "h/r"));
    write_file(dir, "blobs/sha256/.new-0123456789abcdef", "half");
    write_file(dir, "blobs/sha256/README", "theirs");
    store_free(s);

    s = open_layout(dir, LAYOUT_REMOVE);
    ok(layout_sweep(s, &bytes));
    assert_int_equal(bytes, strlen("nobody wants this") + strlen("h/r\n") + strlen("half"));
    ok(store_has(s, &layer, &yes));
    assert_true(yes);
    ok(store_has(s, &config, &yes));
    assert_true(yes);
    ok(store_has(s, &loose, &yes));
    assert_false(yes);
    assert_null(store_origin(s, &loose));
    AUTO(mem_free) char *origin = store_origin(s, &gone);
    assert_string_equal(origin, "h/r");
    assert_true(exists(dir, "blobs/sha256/README"));

    /* A damaged index hides what it refers to: nothing goes. */
    AUTO(mem_free) char *file = mem_printf("blobs/sha256/%s", digest_hex(&index.digest, text));
    index_text[2] ^= 1;
    write_file(dir, file, index_text);
    refused(layout_sweep(s, &bytes), ERR_INTEGRITY, NULL);
    ok(store_has(s, &layer, &yes));
    assert_true(yes);
    ok(layout_untag(s, "x", &yes));
    ok(layout_sweep(s, &bytes));
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 1);
    store_free(s);
    temp_gone(dir);
}

/* A put that is killed in the middle leaves a file of no name, and the store as it was. */
static void killed_in_the_middle(void **state)
{
    char *dir = temp_dir();
    int ends[2], status;
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    struct digest digest = digest_of("hello", 5);
    bool yes = true;
    (void)state;
    store_free(open_layout(dir, LAYOUT_WRITE));
    desc_set(&d, "text/x", &digest, 5);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *s = NULL;
        close(ends[1]);
        if (layout_open(&s, dir, LAYOUT_WRITE) || store_put(s, &d, source_fd(ends[0])))
            _exit(1);
        _exit(0);
    }
    close(ends[0]);
    assert_int_equal(write(ends[1], "hel", 3), 3);
    for (int i = 0; i < 5000 && count_names(dir, "blobs/sha256", ".new-") == 0; i++)
        usleep(1000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(ends[1]);
    assert_int_equal(count_names(dir, "blobs/sha256", ".new-"), 1);
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 1);

    /* Its lock has gone with it. */
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_REMOVE);
    uint64_t bytes;
    ok(store_has(s, &d, &yes));
    assert_false(yes);
    ok(layout_list(s, &list));
    ok(layout_sweep(s, &bytes));
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 0);
    temp_gone(dir);
}

struct many {
    struct store *store;
    const struct desc *desc;
};

static struct err *tag_one(void *ctx, size_t i)
{
    struct many *many = ctx;
    AUTO(mem_free) char *name = mem_printf("name-%zu", i % 20);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    bool found;
    TRY(store_write(many->store, "text/x", "the same for all", 16, &d));
    TRY(store_tag(many->store, name, many->desc));
    if (i % 20 == 19)
        TRY(layout_untag(many->store, name, &found));
    return NULL;
}

/* Threads of two processes at once lose no name. */
static void many_at_once(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = open_layout(dir, LAYOUT_WRITE);
    AUTO_VALUE(desc_wipe) struct desc d = {0};
    AUTO_VALUE(layout_list_wipe) struct layout_list list = {0};
    struct many many = {.store = s, .desc = &d};
    int status;
    (void)state;
    put_text(s, MEDIATYPE_OCI_MANIFEST, "{}", &d);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        AUTO_VALUE(layout_list_wipe) struct layout_list mine = {0};
        struct many theirs = {.desc = &d};
        bool good = !layout_open(&theirs.store, dir, LAYOUT_WRITE) && !pool_each(3, 40, tag_one, &theirs);
        _exit(good ? 0 : 1);
    }
    ok(pool_each(3, 40, tag_one, &many));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ok(layout_list(s, &list));
    assert_in_range(list.count, 19, 20);
    assert_int_equal(count_names(dir, "blobs/sha256", ""), 2);
    assert_int_equal(count_names(dir, ".", ".new-"), 0);
    temp_gone(dir);
}

static void default_place(void **state)
{
    char *dir = temp_dir();
    AUTO(store_free) struct store *s = NULL;
    AUTO(mem_free) char *store = mem_printf("%s/own", dir);
    (void)state;
    unsetenv("LADE_STORE");
    setenv("XDG_DATA_HOME", "relative", 1);
    setenv("HOME", "/home/u", 1);
    AUTO(mem_free) char *home = layout_default_path();
    assert_string_equal(home, "/home/u/.local/share/lade/store");
    setenv("XDG_DATA_HOME", "/data", 1);
    AUTO(mem_free) char *data = layout_default_path();
    assert_string_equal(data, "/data/lade/store");
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    assert_null(layout_default_path());
    refused(layout_open_default(&s, LAYOUT_WRITE), ERR_USAGE, "HOME");
    setenv("LADE_STORE", store, 1);
    refused(layout_open_default(&s, LAYOUT_READ), ERR_NOT_FOUND, "own");
    ok(layout_open_default(&s, LAYOUT_WRITE));
    assert_true(exists(store, "oci-layout"));
    temp_gone(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_and_opens),
        cmocka_unit_test(puts_and_gets),
        cmocka_unit_test(refuses_lies),
        cmocka_unit_test(damaged_blobs),
        cmocka_unit_test(blob_named_by_its_bytes),
        cmocka_unit_test(names),
        cmocka_unit_test(resolves_digests),
        cmocka_unit_test(foreign_entries_survive),
        cmocka_unit_test(bad_index),
        cmocka_unit_test(origins),
        cmocka_unit_test(sweeps),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(default_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
