/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "layers/unpacked_inner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define SYNCED "synced"
#define TEXT_MAX 256

char *unpacked_this_boot(void)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(TEXT_MAX);
    AUTO(err_free) struct err *e = fs_read_file(&text, AT_FDCWD, BOOT_ID, NULL);

    if (e)
        return NULL;
    AUTO(mem_free) char *id = str_trim(buf_text(&text));
    return *id == '\0' || strchr(id, ' ') ? NULL : TAKE(id);
}

struct err *unpacked_boot_write(int dir, uint64_t bytes)
{
    AUTO(mem_free) char *boot = unpacked_this_boot();
    AUTO(mem_free) char *text = mem_printf("%s %" PRIu64 "\n", boot ? boot : SYNCED, bytes);
    AUTO(fd_close) int fd = -1;

    TRY(fs_open(&fd, dir, UNPACKED_BOOT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(fd_write(fd, text, strlen(text), UNPACKED_BOOT));
    if (!boot && syncfs(dir) != 0)
        return err_sys("write the unpacked layer to the disk");
    return close(fd_take(&fd)) == 0 ? NULL : err_sys("write %s", UNPACKED_BOOT);
}

struct err *unpacked_boot_read(int dir, const char *boot, bool *ours, uint64_t *bytes)
{
    AUTO_VALUE(buf_wipe) struct buf text = BUF(TEXT_MAX);

    *bytes = 0;
    *ours = false;
    struct err *e = fs_read_file(&text, dir, UNPACKED_BOOT, NULL);
    if (e && err_kind_of(e) == ERR_RESOURCE && err_errno(e) == 0)
        return err_as(e, ERR_INPUT); /* longer than any that we write */
    TRY(e);
    AUTO(mem_free) char *line = str_trim(buf_text(&text));
    char *space = strchr(line, ' ');
    if (!space)
        return NULL;
    *space = '\0';
    *ours = num_parse(space + 1, UINT64_MAX, bytes) && (str_eq(line, SYNCED) || str_eq(line, boot));
    return NULL;
}
