/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload_range.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <string.h>

bool upload_range_parse(const char *value, uint64_t sent, uint64_t *bytes)
{
    if (!value)
        return false;
    AUTO(mem_free) char *text = str_trim(value);
    const char *at = text;
    bool unit = str_starts(at, "bytes=") || str_starts(at, "bytes ");
    if (unit)
        at += 6;
    if (!str_starts(at, "0-"))
        return false;
    AUTO(mem_free) char *number = mem_strndup(at + 2, strcspn(at + 2, "/"));
    int64_t end;
    if (!num_parse_signed(number, -1, INT64_MAX - 1, &end))
        return false;
    /* With the unit, the end is where the next byte goes; without, it is the last byte. */
    uint64_t has = end <= 0 ? 0 : unit ? (uint64_t)end : (uint64_t)end + 1;
    *bytes = has < sent ? has : sent;
    return true;
}
