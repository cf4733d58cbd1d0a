/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "base/stop.h"
#include "cli/cli.h"
#include "layers/reader.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that we open must never become one of the three that everybody writes to. Results that nobody can
 * receive are an error, so writing to a standard output that was closed fails; messages are just lost. */
static void open_standard_descriptors(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", modes[fd]) != fd)
            _exit(1);
}

/* Passwords and tokens are in memory. */
static void forbid_core_files(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

static struct err *finish_output(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_sys("standard output");
    return NULL;
}

int main(int argc, char **argv)
{
    if (reader_is_child(argc > 0 ? argv[0] : NULL))
        reader_child();
    if (sandbox_is_child(argc > 0 ? argv[0] : NULL))
        sandbox_child();
    open_standard_descriptors();
    mode_t file_mode = 0666 & ~umask(077);
    /* Only the characters, for the width of what is shown; never what the environment says, so that nothing
     * else depends on it. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)signal(SIGPIPE, SIG_IGN);
    forbid_core_files();
    stop_install();

    bool told = false;
    struct err *e = cli_run(argc, (const char *const *)argv, file_mode, &told);
    struct err *output = finish_output();
    if (e)
        err_free(output);
    else
        e = output;
    /* Whoever read our output has had enough: no fault, and nothing to say. */
    if (e && err_errno(e) == EPIPE) {
        err_free(e);
        return 128 + SIGPIPE;
    }
    if (e && !told) {
        fprintf(stderr, "lade: %s\n", err_message(e));
        if (err_hint_of(e))
            fprintf(stderr, "hint: %s\n", err_hint_of(e));
    }
    int code = err_exit_code(e);
    err_free(e);
    return code;
}
