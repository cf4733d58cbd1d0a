/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_files.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>

char *run_files_hosts(const char *hostname, const struct strmap *extra)
{
    struct buf text = BUF(BUF_NO_LIMIT);
    buf_printf(&text, "127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback\n", hostname);
    for (size_t i = 0; i < extra->count; i++)
        buf_printf(&text, "%s\t%s\n", extra->value[i], extra->key[i]);
    return buf_take(&text);
}

static bool names_server(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (str_starts(line, "nameserver ") || str_starts(line, "nameserver\t"))
            return true;
    return false;
}

struct err *run_files_resolv(char **out)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(RUN_FILES_RESOLV_MAX);
    bool found = false;
    TRY(fs_read_file(&text, AT_FDCWD, "/etc/resolv.conf", &found));
    if (!names_server(buf_text(&text)))
        buf_str(&text, "nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\n"
                       "nameserver 2001:4860:4860::8844\n");
    TRY(buf_check(&text, "/etc/resolv.conf"));
    *out = mem_strdup(buf_text(&text));
    return NULL;
}
