/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/reader.h"

/* What lade starts again as the process that reads archives is, in a test, the test: this comes before its
 * main. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv)
{
    if (argc > 0 && reader_is_child(argv[0]))
        reader_child();
}
