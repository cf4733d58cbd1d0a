/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/form.h"

#include "base/mem.h"
#include "base/str.h"

struct err *form_parse(const char *text, bool *json)
{
    *json = str_eq(text, "json");
    if (!text || *json || str_eq(text, "table"))
        return NULL;
    AUTO(mem_free) char *safe = str_safe(text);
    return err_new(ERR_USAGE, "--format: expected table or json, found \"%s\"", safe);
}
