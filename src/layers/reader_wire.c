/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/reader_wire.h"

#include <string.h>

struct tarlimits wire_limits(const struct wire_request *request)
{
    return (struct tarlimits){
        .entries = request->entries,
        .bytes = request->bytes,
        .memory = request->memory,
        .header = request->header,
        .xattr = request->xattr,
        .path = (size_t)request->path,
        .component = (size_t)request->component,
        .records = request->records,
        .xattrs = request->xattrs,
        .sparse = request->sparse,
    };
}

void wire_set_limits(struct wire_request *request, const struct tarlimits *limits)
{
    request->entries = limits->entries;
    request->bytes = limits->bytes;
    request->memory = limits->memory;
    request->header = limits->header;
    request->xattr = limits->xattr;
    request->path = limits->path;
    request->component = limits->component;
    request->records = limits->records;
    request->xattrs = limits->xattrs;
    request->sparse = limits->sparse;
}

bool wire_sends_data(enum reader_data mode, const struct entry *e)
{
    if (e->type != ENTRY_FILE || e->size == 0 || mode == READER_NO_DATA)
        return false;
    return mode == READER_ALL_DATA ||
           (e->size <= READER_ACCOUNTS_MAX && (strstr(e->path, "passwd") || strstr(e->path, "group")));
}
