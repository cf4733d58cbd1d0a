/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/str.h"
#include "registry/journal.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#define SESSION "https://registry.example/v2/app/blobs/uploads/1?_state=abc%2Fd=="

static struct journal *journal_of(const struct check_dir *dir, const char *repository)
{
    struct digest digest = digest_of("layer", 5);
    return journal_open(dir->path, "registry.example", repository, &digest);
}

static unsigned files(const struct check_dir *dir, char *path)
{
    AUTO(mem_free) char *directory = path_join(dir->path, "uploads");
    DIR *d = opendir(directory);
    unsigned count = 0;
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.') {
            count++;
            snprintf(path, PATH_MAX, "%s/%s", directory, e->d_name);
        }
    closedir(d);
    return count;
}

static void write_session(const struct check_dir *dir)
{
    AUTO_VALUE(url_wipe) struct url u = {0};
    AUTO(journal_close) struct journal *j = journal_of(dir, "app");
    assert_non_null(j);
    check_ok(url_parse(&u, SESSION));
    journal_write(j, &u);
}

static void goes_on(void **state)
{
    const struct check_dir *dir = *state;
    AUTO_VALUE(url_wipe) struct url u = {0};
    char path[PATH_MAX];
    struct stat st;
    write_session(dir);
    assert_int_equal(files(dir, path), 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct journal *other = journal_of(dir, "other");
    assert_false(journal_read(other, &u));
    journal_close(other);
    struct journal *j = journal_of(dir, "app");
    assert_true(journal_read(j, &u));
    assert_string_equal(u.text, SESSION);
    assert_null(journal_of(dir, "app")); /* locked */
    journal_close(j);
    assert_int_equal(files(dir, path), 1); /* kept: its session may live */
    j = journal_of(dir, "app");
    assert_true(journal_read(j, &u));
    journal_write(j, NULL);
    journal_close(j);
    assert_int_equal(files(dir, path), 0);
    assert_null(journal_open(NULL, "registry.example", "app", &(struct digest){0}));
    journal_write(NULL, NULL);
    journal_close(NULL);
}

/* Whatever stands there: it is read as nothing, and written over. */
static void hostile(void **state)
{
    const struct check_dir *dir = *state;
    char path[PATH_MAX];
    write_session(dir);
    assert_int_equal(files(dir, path), 1);
    FILE *f = fopen(path, "r");
    char good[4096] = "";
    assert_non_null(f);
    assert_true(fread(good, 1, sizeof good - 1, f) > 0);
    fclose(f);
    AUTO(mem_free) char *large = mem_zero(1, 1 << 20);
    memset(large, ' ', (1 << 20) - 1);
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"{", ""},
        {"https:", "file:"},
        {"https://registry", "https://user:word@registry"},
        {"\"session\":", "\"session\":1,\"x\":"},
        {"registry.example\"", "other.example\""},
        {"sha256:", "sha512:"},
        {"\"time\":", "\"time\":9"},
        {"\"time\":1", "\"time\":"},
        {"_state", "\\u0000"},
        {"_state", "\\u001b"},
    };
    for (size_t i = 0; i <= ARRAY_LEN(rows); i++) {
        AUTO_VALUE(url_wipe) struct url u = {0};
        const char *at = i < ARRAY_LEN(rows) ? strstr(good, rows[i].from) : good;
        f = fopen(path, "w");
        assert_non_null(f);
        assert_non_null(at);
        if (i < ARRAY_LEN(rows))
            fprintf(f, "%.*s%s%s", (int)(at - good), good, rows[i].to, at + strlen(rows[i].from));
        else
            fprintf(f, "%s%s", good, large);
        fclose(f);
        struct journal *j = journal_of(dir, "app");
        assert_non_null(j);
        if (journal_read(j, &u))
            fail_msg("row %zu was taken: %s", i, u.text);
        journal_write(j, NULL);
        journal_close(j);
        assert_int_equal(files(dir, path), 0);
        write_session(dir);
        files(dir, path);
    }
    /* Neither a link, nor a file that others may write, nor a pipe that blocks. */
    assert_int_equal(chmod(path, 0666), 0);
    assert_null(journal_of(dir, "app"));
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_null(journal_of(dir, "app"));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(journal_of(dir, "app"));
    unlink(path);
}

static void sweeps(void **state)
{
    const struct check_dir *dir = *state;
    char path[PATH_MAX];
    write_session(dir);
    journal_sweep(dir->path);
    assert_int_equal(files(dir, path), 1);
    assert_int_equal(utime(path, &(struct utimbuf){.modtime = 1000000}), 0);
    journal_sweep(dir->path);
    assert_int_equal(files(dir, path), 0);
    journal_sweep("/nowhere");
    journal_sweep(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {check_with_dir(goes_on), check_with_dir(hostile),
                                       check_with_dir(sweeps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
