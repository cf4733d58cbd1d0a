/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run_emulator.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HANDLERS "/proc/sys/fs/binfmt_misc"
#define HANDLER_MAX 4096
#define KERNEL_MAJOR 6
#define KERNEL_MINOR 7

/* An architecture as Go names it, as qemu names it, and what its ELF files begin with. */
struct machine {
    const char *architecture;
    const char *qemu;
    bool wide, big_endian;
    uint16_t number; /* e_machine */
};
static const struct machine machines[] = {
    {"386", "i386", false, false, 3},
    {"amd64", "x86_64", true, false, 62},
    {"arm", "arm", false, false, 40},
    {"arm64", "aarch64", true, false, 183},
    {"loong64", "loongarch64", true, false, 258},
    {"mips64le", "mips64el", true, false, 8},
    {"ppc64le", "ppc64le", true, false, 21},
    {"riscv64", "riscv64", true, false, 243},
    {"s390x", "s390x", true, true, 22},
};

static const struct machine *find_machine(const char *architecture)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++)
        if (str_eq(machines[i].architecture, architecture))
            return &machines[i];
    return NULL;
}

static void add_bytes(struct buf *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "\\x%02x", bytes[i]);
}

/* Programs, also position-independent ones, whatever system they say they are for. F: the kernel opens qemu
 * now, outside of the root. P: programs that are several, as busybox, see the name they are started by (qemu
 * 6 and later). O, C: setuid programs keep their meaning. */
char *run_emulator_line(const struct platform *want, const char *qemu)
{
    const struct machine *m = find_machine(want->architecture);
    if (!m)
        return NULL;
    struct buf line = BUF(BUF_NO_LIMIT);
    uint8_t magic[20] = {0x7f, 'E', 'L', 'F', m->wide ? 2 : 1, m->big_endian ? 2 : 1, 1};
    uint8_t mask[20] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff,
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff};
    size_t low = m->big_endian ? 1 : 0;
    magic[16 + low] = 2; /* ET_EXEC; ET_DYN differs in the lowest bit */
    mask[16] = m->big_endian ? 0xff : 0xfe;
    mask[17] = m->big_endian ? 0xfe : 0xff;
    magic[18 + low] = (uint8_t)(m->number & 0xff);
    magic[19 - low] = (uint8_t)(m->number >> 8);
    buf_printf(&line, ":lade-%s:M::", m->qemu);
    add_bytes(&line, magic, sizeof magic);
    buf_byte(&line, ':');
    add_bytes(&line, mask, sizeof mask);
    buf_printf(&line, ":%s:POCF", qemu);
    return buf_take(&line);
}

/* Programs of the same family run as they are. */
static bool runs_here(const struct platform *want)
{
    struct platform host = platform_host();
    if (!want->architecture[0] || str_eq(want->architecture, host.architecture))
        return true;
    return (str_eq(host.architecture, "amd64") && str_eq(want->architecture, "386")) ||
           platform_match(&host, want) > 0;
}

/* A handler of the host that the kernel opened when it was registered. */
static bool is_registered(const struct machine *m)
{
    AUTO(mem_free) char *path = mem_printf(HANDLERS "/qemu-%s", m->qemu);
    AUTO_VALUE(buf_wipe) struct buf text = BUF(HANDLER_MAX);
    bool found = false;
    err_free(fs_read_file(&text, AT_FDCWD, path, &found));
    if (!found || !str_starts(buf_text(&text), "enabled"))
        return false;
    const char *flags = strstr(buf_text(&text), "\nflags:");
    return flags && memchr(flags, 'F', strcspn(flags + 1, "\n") + 1);
}

static char *find_qemu(const struct machine *m)
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/bin"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        AUTO(mem_free) char *path = mem_printf("%s/qemu-%s-static", folders[i], m->qemu);
        if (access(path, X_OK) == 0)
            return TAKE(path);
    }
    return NULL;
}

static bool kernel_is_new(void)
{
    struct utsname name;
    AUTO_VALUE(strlist_wipe) struct strlist parts = {0};
    uint64_t major = 0, minor = 0;
    if (uname(&name) < 0)
        return false;
    strlist_split(&parts, name.release, '.');
    if (parts.count < 2)
        return false;
    AUTO(mem_free) char *digits = mem_strndup(parts.item[1], strspn(parts.item[1], "0123456789"));
    if (!num_parse(parts.item[0], UINT32_MAX, &major) || !num_parse(digits, UINT32_MAX, &minor))
        return false;
    return major > KERNEL_MAJOR || (major == KERNEL_MAJOR && minor >= KERNEL_MINOR);
}

static struct err *refusal(const struct platform *want, const char *hint)
{
    char text[PLATFORM_TEXT];
    return err_hint(
        err_new(ERR_UNSUPPORTED, "commands for %s do not run on this machine", platform_text(want, text)),
        "%s", hint);
}

struct err *run_emulator_find(struct run_emulator *out, const struct platform *want, struct sandbox_way way)
{
    if (runs_here(want))
        return NULL;
    const struct machine *m = find_machine(want->architecture);
    if (!m)
        return refusal(want, "build it on a machine of that architecture");
    if (is_registered(m))
        return NULL;
    AUTO(mem_free) char *qemu = find_qemu(m);
    if (!qemu)
        return refusal(want, "install qemu-user-static (and its binfmt handlers, with Linux before 6.7)");
    if (!kernel_is_new())
        return refusal(want, "install the binfmt handlers of qemu-user-static; with Linux 6.7 or later lade "
                             "needs qemu-user-static only");
    if (way.ids == SANDBOX_HOST || way.ids == SANDBOX_CHROOT)
        return refusal(want, "register qemu-user-static with binfmt_misc on this machine: as root, without a "
                             "user namespace, lade does not do it for you");
    out->binfmt = run_emulator_line(want, qemu);
    out->path = TAKE(qemu);
    return NULL;
}

void run_emulator_wipe(struct run_emulator *e)
{
    free(e->path);
    free(e->binfmt);
}
