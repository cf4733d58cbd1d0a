/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include "base/diag.h"
#include "builder/dockerfile.h"

/* Any text as a Dockerfile: mistakes, or a file that reads the same when it is printed. */

static bool read_and_print(const char *text, size_t len, struct buf *out)
{
    struct diag diag;
    struct dockerfile file = {0};

    diag_init(&diag, "Dockerfile", text, len);
    dockerfile_parse(&file, text, len, &diag);
    struct err *mistakes = diag_error(&diag);
    if (!mistakes)
        dockerfile_print(&file, out);
    for (size_t i = 0; i < diag.count; i++) {
        AUTO_VALUE(buf_wipe) struct buf shown = BUF(BUF_NO_LIMIT);
        diag_show(&diag, &diag.item[i], &shown);
    }
    dockerfile_wipe(&file);
    diag_wipe(&diag);
    return !fuzz_refused(mistakes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_VALUE(buf_wipe) struct buf first = BUF(BUF_NO_LIMIT);
    AUTO_VALUE(buf_wipe) struct buf second = BUF(BUF_NO_LIMIT);

    if (!read_and_print((const char *)data, size, &first))
        return 0;
    fuzz_need(read_and_print(buf_text(&first), first.len, &second));
    fuzz_need(first.len == second.len && memcmp(buf_text(&first), buf_text(&second), first.len) == 0);
    return 0;
}
