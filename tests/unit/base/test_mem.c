/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void zero_sizes_give_a_place(void **state)
{
    (void)state;
    AUTO(mem_free) void *a = mem_alloc(0);
    AUTO(mem_free) void *b = mem_zero(0, 8);
    AUTO(mem_free) void *c = mem_grow(NULL, 0, 8);
    AUTO(mem_free) void *d = mem_dup(NULL, 0);
    assert_true(a && b && c && d);
    AUTO(mem_free) unsigned char *zeros = mem_zero(3, 5);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(zeros[i], 0);
}

static void strings_are_copied(void **state)
{
    (void)state;
    assert_null(mem_strdup(NULL));
    assert_null(mem_strndup(NULL, 3));
    AUTO(mem_free) char *a = mem_strdup("abc");
    AUTO(mem_free) char *b = mem_strndup("abc", 2);
    AUTO(mem_free) char *c = mem_strndup("abc", 9);
    AUTO(mem_free) char *d = mem_strndup("abc", 0);
    AUTO(mem_free) char *e = mem_printf("%s-%d", "x", 5);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "abc");
    assert_string_equal(d, "");
    assert_string_equal(e, "x-5");
}

static void push_grows(void **state)
{
    int *list = NULL;
    size_t count = 0;
    size_t room = 0;
    (void)state;
    for (int i = 0; i < 1000; i++)
        MEM_PUSH(list, count, room, i);
    assert_int_equal(count, 1000);
    assert_true(room >= count);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    mem_free(list);
}

static void wipe_clears(void **state)
{
    char secret[] = "secret";
    (void)state;
    mem_wipe(secret, sizeof secret);
    for (size_t i = 0; i < sizeof secret; i++)
        assert_int_equal(secret[i], 0);
    mem_wipe(NULL, 0);
}

static void grow_too_far(void)
{
    mem_free(mem_grow(NULL, SIZE_MAX / 2, 4));
}

static void room_too_far(void)
{
    size_t room = SIZE_MAX / 2 + 1;
    mem_free(mem_room(NULL, room, &room, 1));
}

static void exhaustion_exits_with_10(void **state)
{
    static void (*const rows[])(void) = {mem_exhausted, grow_too_far, room_too_far};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int ends[2];
        int status;
        char line[64] = {0};
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            dup2(ends[1], STDERR_FILENO);
            rows[i]();
            _exit(0);
        }
        close(ends[1]);
        assert_true(read(ends[0], line, sizeof line - 1) > 0);
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 10);
        assert_string_equal(line, "lade: out of memory\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_sizes_give_a_place),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(push_grows),
        cmocka_unit_test(wipe_clears),
        cmocka_unit_test(exhaustion_exits_with_10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
