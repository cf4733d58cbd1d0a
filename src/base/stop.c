/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

/* In place of a signal: we stop ourselves, for now. */
#define CANCELLED (-1)

/* What a signal handler touches can only be global. */
static atomic_int asked;
static int wake_fd = -1;
static const char *time_name;

static void wake(void)
{
    uint64_t one = 1;
    ssize_t ignored = write(wake_fd, &one, sizeof one);
    (void)ignored;
}

static void on_signal(int signal_number)
{
    int saved = errno;
    int nobody = 0, ourselves = CANCELLED;

    if (atomic_compare_exchange_strong(&asked, &nobody, signal_number) ||
        atomic_compare_exchange_strong(&asked, &ourselves, signal_number)) {
        wake();
    } else {
        /* Delivered when this handler returns. */
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    errno = saved;
}

/* Unlike a second signal, time that runs out while somebody stops us already is nothing. */
static void on_alarm(int signal_number)
{
    if (stop_signal() == 0)
        on_signal(signal_number);
}

static bool is_ignored(int signal_number)
{
    struct sigaction now;
    return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void stop_install(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t unblock;

    if (wake_fd < 0)
        wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigemptyset(&unblock);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        /* No SA_RESTART: a blocking read must come back to see the flag. */
        struct sigaction action = {.sa_handler = on_signal};
        sigfillset(&action.sa_mask);
        sigaddset(&unblock, signals[i]);
        if (signals[i] == SIGTERM || !is_ignored(signals[i]))
            sigaction(signals[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigaddset(&unblock, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &unblock, NULL);
}

void stop_after_ms(unsigned ms, const char *what)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_value = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000}};
    sigset_t unblock;
    time_name = what;
    sigfillset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&unblock);
    sigaddset(&unblock, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &unblock, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

void stop_cancel(void)
{
    int nobody = 0;

    if (atomic_compare_exchange_strong(&asked, &nobody, CANCELLED))
        wake();
}

void stop_cancel_end(void)
{
    int ourselves = CANCELLED;
    uint64_t count;

    if (!atomic_compare_exchange_strong(&asked, &ourselves, 0))
        return;
    ssize_t ignored = read(wake_fd, &count, sizeof count);
    (void)ignored;
    /* A signal may have come meanwhile, whose mark that was. */
    if (atomic_load(&asked) != 0)
        wake();
}

int stop_signal(void)
{
    int by = atomic_load_explicit(&asked, memory_order_relaxed);

    return by == CANCELLED ? 0 : by;
}

int stop_fd(void)
{
    return wake_fd;
}

struct err *stop_check(void)
{
    switch (atomic_load_explicit(&asked, memory_order_relaxed)) {
    case 0:
        return NULL;
    case CANCELLED:
        return err_new(ERR_STOPPED, "stopped, because another step failed");
    case SIGINT:
        return err_new(ERR_STOPPED, "interrupted");
    case SIGTERM:
        return err_new(ERR_STOPPED, "stopped by SIGTERM");
    case SIGHUP:
        return err_new(ERR_STOPPED, "stopped by SIGHUP");
    case SIGALRM:
        return err_new(ERR_STOPPED, "%s is used up", time_name ? time_name : "the time");
    default:
        return err_new(ERR_STOPPED, "stopped by signal %d", stop_signal());
    }
}

struct err *stop_sleep_ms(unsigned ms)
{
    uint64_t end = clock_ms() + ms;
    struct pollfd wake = {.fd = wake_fd, .events = POLLIN};

    for (;;) {
        TRY(stop_check());
        uint64_t now = clock_ms();
        if (now >= end)
            return NULL;
        uint64_t left = end - now;
        /* A negative descriptor is passed over by poll. */
        (void)poll(&wake, 1, left < 3600000 ? (int)left : 3600000);
    }
}
