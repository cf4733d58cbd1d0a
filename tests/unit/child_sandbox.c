/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

/* What lade starts again as the sandbox's process is, in a test, the test: this comes before its main. */
__attribute__((constructor)) static void be_the_sandbox(int argc, char **argv)
{
    if (argc > 0 && sandbox_is_child(argv[0]))
        sandbox_child();
}
