/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter.h"

#include "base/mem.h"
#include "sandbox/filter_rules.h"

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* Calls of their own that 32-bit arm programs have above all others: harmless, and needed for threads. */
#define ARM_PRIVATE 0x0f0000

/*
 * The program: for each table of numbers a binary search by number, whose leaves are the rules. Since Linux
 * 5.11 the kernel asks it only about calls whose answer depends on arguments or is not "allow".
 */
struct code {
    struct sock_filter *item;
    size_t count, room;
};

static size_t emit(struct code *code, uint16_t operation, uint32_t value, size_t yes, size_t no)
{
    struct sock_filter instruction = {operation, (uint8_t)yes, (uint8_t)no, value};

    assert(yes <= UINT8_MAX && no <= UINT8_MAX);
    MEM_PUSH(code->item, code->count, code->room, instruction);
    return code->count - 1;
}

static void load(struct code *code, size_t offset)
{
    (void)emit(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void finish(struct code *code, uint32_t action)
{
    (void)emit(code, BPF_RET | BPF_K, action, 0, 0);
}

/* The low half of an argument; both processors are little-endian. */
static size_t argument(unsigned index)
{
    return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

static void emit_rule(struct code *code, const struct filter_rule *rule)
{
    const struct filter_test *test = &rule->test;
    uint32_t same = test->inside ? rule->action : SECCOMP_RET_ALLOW;
    uint32_t other = test->inside ? SECCOMP_RET_ALLOW : rule->action;

    if (test->count == 0) {
        finish(code, rule->action);
        return;
    }
    load(code, argument(test->arg));
    if (test->mask != UINT32_MAX)
        (void)emit(code, BPF_ALU | BPF_AND | BPF_K, test->mask, 0, 0);
    for (size_t i = 0; i < test->count; i++)
        (void)emit(code, BPF_JMP | BPF_JEQ | BPF_K, test->value[i], test->count - i, 0);
    finish(code, other);
    finish(code, same);
}

/* Neighbours that get the same answer whatever their arguments are. */
static size_t run_length(const struct filter_rule *rule, size_t count)
{
    size_t length = 1;

    while (length < count && rule[0].test.count == 0 && rule[length].test.count == 0 &&
           rule[length].action == rule[0].action && rule[length].number == rule[0].number + (int)length)
        length++;
    return length;
}

static void emit_leaf(struct code *code, const struct filter_rule *rule, size_t length)
{
    size_t jump;

    if (length == 1) {
        jump = emit(code, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, 0);
        emit_rule(code, rule);
        code->item[jump].jf = (uint8_t)(code->count - jump - 1);
    } else {
        (void)emit(code, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)rule->number, 0, 2);
        (void)emit(code, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)(rule->number + (int)length - 1), 1, 0);
        finish(code, rule->action);
    }
    finish(code, SECCOMP_RET_ALLOW);
}

static void emit_tree(struct code *code, const struct filter_rule *rule, size_t count)
{
    size_t left = 0, half = count / 2, jump, over;

    if (count == 0) {
        finish(code, SECCOMP_RET_ALLOW);
        return;
    }
    while (left == 0 || left < half) {
        size_t length = run_length(rule + left, count - left);

        if (left == 0 && length == count) {
            emit_leaf(code, rule, count);
            return;
        }
        left += length;
    }
    if (left == count) { /* the last run is the larger half */
        left = 0;
        while (left + run_length(rule + left, count - left) < count)
            left += run_length(rule + left, count - left);
    }
    (void)emit(code, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)rule[left].number, 0, 1);
    over = emit(code, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_tree(code, rule, left);
    jump = code->count - over - 1;
    code->item[over].k = (uint32_t)jump;
    emit_tree(code, rule + left, count - left);
}

static void emit_table(struct code *code, enum calls_arch arch, enum filter_emulation emulation, bool copies,
                       bool insecure)
{
    AUTO_VALUE(filter_rules_wipe) struct filter_rules rules = {0};
    size_t skip, start;

    filter_rules_make(&rules, arch, emulation, copies, insecure);
    (void)emit(code, BPF_JMP | BPF_JEQ | BPF_K, calls_audit(arch), 1, 0);
    skip = emit(code, BPF_JMP | BPF_JA, 0, 0, 0);
    start = code->count;
    load(code, offsetof(struct seccomp_data, nr));
#ifdef __aarch64__
    if (arch == CALLS_COMPAT) {
        (void)emit(code, BPF_JMP | BPF_JGE | BPF_K, ARM_PRIVATE, 0, 1);
        finish(code, SECCOMP_RET_ALLOW);
    }
#endif
    /* This is also where the third table of x86-64 begins, x32. */
    (void)emit(code, BPF_JMP | BPF_JGT | BPF_K, CALLS_NEWEST, 0, 1);
    finish(code, SECCOMP_RET_ERRNO | ENOSYS);
    emit_tree(code, rules.item, rules.count);
    code->item[skip].k = (uint32_t)(code->count - start);
}

struct err *filter_make(struct filter *out, enum filter_emulation emulation, bool copies, bool insecure)
{
    struct code code = {0};

    *out = (struct filter){.listens = emulation == FILTER_NOTIFY || emulation == FILTER_DEVICES};
    if (emulation == FILTER_NONE && insecure)
        return NULL;
    if (calls_audit(CALLS_NATIVE) == 0)
        return err_new(ERR_UNSUPPORTED, "system calls cannot be filtered on this processor");
    load(&code, offsetof(struct seccomp_data, arch));
    emit_table(&code, CALLS_NATIVE, emulation, copies, insecure);
    emit_table(&code, CALLS_COMPAT, emulation, copies, insecure);
    finish(&code, SECCOMP_RET_ERRNO | ENOSYS);
    assert(code.count <= BPF_MAXINSNS);
    out->program = code.item;
    out->count = (unsigned short)code.count;
    return NULL;
}

int filter_load(const struct filter *f, int *listener)
{
    struct sock_fprog program = {f->count, f->program};
    unsigned long listen = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    long result;

    *listener = -1;
    if (f->count == 0)
        return 0;
    if (!f->listens)
        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0UL, &program) == 0 ? 0 : errno;
    /* Signals must not begin a call again that the supervisor has already done; Linux 5.19. */
    result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
                     &program);
    if (result < 0 && errno == EINVAL)
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, listen, &program);
    if (result < 0)
        return errno;
    *listener = (int)result;
    return 0;
}

void filter_wipe(struct filter *f)
{
    free(f->program);
    *f = (struct filter){0};
}
