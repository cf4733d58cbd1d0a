/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "base/ring.h"

#include <stdatomic.h>
#include <unistd.h>

#define SLOTS 5
#define MANY 200

struct run {
    unsigned number[SLOTS]; /* of the item in the slot */
    unsigned turn[MANY];
    unsigned turns;
    atomic_uint worked;
    unsigned bad_work[3], bad_turn[3]; /* items that fail, 0: none */
    atomic_int in_turn;
};

static bool is_in(const unsigned list[3], unsigned number)
{
    return number && (list[0] == number || list[1] == number || list[2] == number);
}

static struct err *work(void *ctx, size_t slot)
{
    struct run *r = ctx;
    unsigned number = r->number[slot];

    /* Later ones are often ready earlier. */
    if (number % 3 == 0)
        usleep(300);
    atomic_fetch_add(&r->worked, 1);
    return is_in(r->bad_work, number) ? err_new(ERR_INPUT, "work %u", number) : NULL;
}

static struct err *turn(void *ctx, size_t slot)
{
    struct run *r = ctx;

    assert_int_equal(atomic_fetch_add(&r->in_turn, 1), 0);
    r->turn[r->turns++] = r->number[slot];
    atomic_fetch_sub(&r->in_turn, 1);
    return is_in(r->bad_turn, r->number[slot]) ? err_new(ERR_INPUT, "turn %u", r->number[slot]) : NULL;
}

static const struct ring_ops ops = {.work = work, .turn = turn};

static struct err *go(struct run *r, unsigned threads, unsigned count)
{
    AUTO(ring_free) struct ring *ring = ring_new(threads, SLOTS, &ops, r);

    for (unsigned i = 1; i <= count; i++) {
        size_t slot;
        if (!ring_next(ring, &slot))
            break;
        r->number[slot] = i;
        ring_submit(ring, i == count);
    }
    return ring_wait(ring);
}

static void turns_come_in_order(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        static const unsigned counts[] = {0, 1, 2, SLOTS, MANY};
        for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
            struct run r = {0};
            check_ok(go(&r, threads, counts[c]));
            assert_int_equal(r.turns, counts[c]);
            assert_int_equal(atomic_load(&r.worked), counts[c]);
            for (unsigned i = 0; i < r.turns; i++)
                assert_int_equal(r.turn[i], i + 1);
        }
    }
}

static void the_first_error_in_order_is_kept(void **state)
{
    static const struct {
        unsigned bad_work[3], bad_turn[3];
        const char *error;
        unsigned turns;
    } cases[] = {
        {{40, 0, 0}, {0}, "work 40", 39},       {{42, 41, 43}, {0}, "work 41", 40},
        {{0}, {9, 0, 0}, "turn 9", 9},          {{7, 9, 12}, {8, 0, 0}, "work 7", 6},
        {{9, 12, 0}, {8, 100, 0}, "turn 8", 8}, {{1, 0, 0}, {0}, "work 1", 0},
        {{MANY, 0, 0}, {0}, "work 200", 199},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned threads = 1; threads <= 4; threads++) {
            struct run r = {0};
            memcpy(r.bad_work, cases[i].bad_work, sizeof r.bad_work);
            memcpy(r.bad_turn, cases[i].bad_turn, sizeof r.bad_turn);
            check_error(go(&r, threads, MANY), ERR_INPUT, cases[i].error);
            assert_int_equal(r.turns, cases[i].turns);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_come_in_order),
        cmocka_unit_test(the_first_error_in_order_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
