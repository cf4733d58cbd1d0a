/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/csv.h"

#include "base/csv.h"
#include "base/mem.h"

struct err *csv_split(struct strlist *out, const char *text, const char *option)
{
    struct err *e = csv_fields(out, text);
    if (!e)
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_as(err_wrap(e, "%s %s", option, safe), ERR_USAGE);
}
