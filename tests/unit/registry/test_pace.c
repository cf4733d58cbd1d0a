/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "registry/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

static void waits_for_turns(void **state)
{
    AUTO(pace_free) struct pace *p = pace_new(50, 1, 1);
    uint64_t begin = clock_ms();
    (void)state;
    for (int i = 0; i < 11; i++)
        assert_null(pace_wait(p));
    /* The first goes at once, ten wait for 20 ms each. */
    assert_true(clock_ms() - begin >= 195);
    assert_true(clock_ms() - begin < 5000);
}

static void has_no_bound_unless_told(void **state)
{
    AUTO(pace_free) struct pace *p = pace_new(0, 1, 1);
    uint64_t begin = clock_ms();
    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_null(pace_wait(p));
    assert_true(clock_ms() - begin < 5000);
}

static void saves_no_turns_up(void **state)
{
    AUTO(pace_free) struct pace *p = pace_new(20, 1, 1);
    (void)state;
    assert_null(pace_wait(p));
    assert_null(stop_sleep_ms(300));
    uint64_t begin = clock_ms();
    for (int i = 0; i < 5; i++)
        assert_null(pace_wait(p));
    assert_true(clock_ms() - begin >= 95);
}

static void pauses(void **state)
{
    AUTO(pace_free) struct pace *p = pace_new(0, 1, 1);
    uint64_t begin = clock_ms();
    (void)state;
    pace_pause(p, 200);
    pace_pause(p, 10);
    assert_null(pace_wait(p));
    assert_true(clock_ms() - begin >= 200);
}

struct crowd {
    struct pace *pace;
    enum pace_kind kind;
    atomic_int inside, most;
};

static void *visit(void *arg)
{
    struct crowd *c = arg;
    for (int i = 0; i < 20; i++) {
        err_free(pace_enter(c->pace, c->kind));
        int now = atomic_fetch_add(&c->inside, 1) + 1;
        int most = atomic_load(&c->most);
        while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now))
            ;
        err_free(stop_sleep_ms(1));
        atomic_fetch_sub(&c->inside, 1);
        pace_leave(c->pace, c->kind);
    }
    return NULL;
}

static void keeps_the_bounds(void **state)
{
    AUTO(pace_free) struct pace *p = pace_new(0, 3, 2);
    struct crowd crowds[2] = {{.pace = p, .kind = PACE_READ}, {.pace = p, .kind = PACE_WRITE}};
    pthread_t threads[16];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit, &crowds[i % 2]), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowds[0].most, 3);
    assert_int_equal(crowds[1].most, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_for_turns),   cmocka_unit_test(has_no_bound_unless_told),
        cmocka_unit_test(saves_no_turns_up), cmocka_unit_test(pauses),
        cmocka_unit_test(keeps_the_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
