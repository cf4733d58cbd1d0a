/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/signalname.h"

#include "base/attr.h"
#include "base/num.h"
#include "base/str.h"

#include <strings.h>

static const char *const names[] = {
    "ABRT", "ALRM", "BUS",  "CHLD", "CLD",  "CONT", "FPE",    "HUP",    "ILL",  "INT",  "IO",    "IOT",
    "KILL", "PIPE", "POLL", "PROF", "PWR",  "QUIT", "SEGV",   "STKFLT", "STOP", "SYS",  "TERM",  "TRAP",
    "TSTP", "TTIN", "TTOU", "URG",  "USR1", "USR2", "VTALRM", "WINCH",  "XCPU", "XFSZ", "RTMIN", "RTMAX",
};

bool signalname_valid(const char *text)
{
    uint64_t number = 0;
    if (num_parse(text, 64, &number))
        return number > 0;
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcasecmp(text, names[i]) == 0)
            return true;
    if (strncasecmp(text, "RTMIN+", 6) == 0)
        return num_parse(text + 6, 15, &number) && number > 0;
    if (strncasecmp(text, "RTMAX-", 6) == 0)
        return num_parse(text + 6, 14, &number) && number > 0;
    return false;
}
