#!/usr/bin/env bats
# RUN for another architecture: qemu, registered in the user namespace of the command, as a user without any privilege. The programs are made
# here by a cross compiler; the one test with a shell wants Debian's busybox of that architecture, from the mirror.

load lib

plain=64321

setup_file() {
    world=$(mktemp -d /tmp/lade-emulator.XXXXXX)
    export world
    chmod 755 "$world"
    mkdir -p "$world/context"
    aarch64-linux-gnu-gcc -O1 -static -o "$world/context/try" -x c - 2>"$world/compiler" <<'C' || rm -f "$world/context/try"
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
static void show(const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        printf("%s %u:%u %o %u,%u\n", path, st.st_uid, st.st_gid, st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    else
        printf("%s absent\n", path);
}
int main(int argc, char **argv)
{
    struct utsname name;
    uname(&name);
    printf("%s %s %u\n", strcmp(argv[0], "/try") ? argv[0] : "try", name.machine, getuid());
    if (argc > 1 && !strcmp(argv[1], "make")) {
        fclose(fopen("/file", "w"));
        if (chown("/file", 5, 6) || chmod("/file", 04750) || symlink("file", "/link") || lchown("/link", 7, 8))
            puts("refused");
        if (mkdir("/dir", 0700) || chown("/dir", 1, 2) || mknod("/null", S_IFCHR | 0666, makedev(1, 3)))
            puts("refused");
    }
    if (argc > 1 && !strcmp(argv[1], "again")) {
        fflush(stdout);
        if (fork() == 0)
            execl("/try", "other-name", (char *)0);
        wait(0);
    }
    show("/file"), show("/link"), show("/dir"), show("/null");
    return 0;
}
C
}
teardown_file() { rm -rf "$world"; }

setup() {
    mkdir -p "$world/test-$BATS_TEST_NUMBER"/{home,store,cache}
    export HOME=$world/test-$BATS_TEST_NUMBER/home LADE_STORE=$world/test-$BATS_TEST_NUMBER/store LADE_CACHE=$world/test-$BATS_TEST_NUMBER/cache
    cd "$world" || return 1
    if [ "$(id -u)" -eq 0 ]; then chown -R $plain:$plain "$world/test-$BATS_TEST_NUMBER"; fi
}
teardown() { cd / && rm -rf "$world/test-$BATS_TEST_NUMBER"; }

lade() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=$plain --regid=$plain --clear-groups --bounding-set=-all --inh-caps=-all "$LADE_BIN" "$@"
    else
        "$LADE_BIN" "$@"
    fi
}

# Where there is no qemu.
# shellcheck disable=SC2016
hidden() {
    if [ ! -e /usr/bin/qemu-mips64el-static ]; then
        lade "$@"
        return
    fi
    unshare --mount sh -c 'mount --bind /dev/null /usr/bin/qemu-mips64el-static && exec "$@"' - \
        setpriv --reuid=$plain --regid=$plain --clear-groups --bounding-set=-all --inh-caps=-all "$LADE_BIN" "$@"
}

needs() {
    [ -e context/try ] || skip "there is no cross compiler: $(head -n 1 compiler)"
    [ -x /usr/bin/qemu-aarch64-static ] || skip "qemu-user-static is not installed"
    [ "$(printf '%s\n' 6.7 "$(uname -r)" | sort -V | head -n 1)" = 6.7 ] || skip "Linux before 6.7 has no binfmt_misc of namespaces"
    [ "$(uname -m)" != aarch64 ] || skip "this machine is one"
}

said() { sed -E -n 's/^#[0-9]+ [0-9]+\.[0-9]+ //p'; }

@test "programs run, and what they do to owners and devices holds" {
    needs
    printf '%s\n' 'FROM scratch' 'COPY try /try' 'RUN ["/try", "make"]' 'RUN ["/try"]' 'USER 9' 'RUN ["/try", "again"]' >context/Dockerfile
    lade build --progress=plain --platform linux/arm64 -o type=tar,dest=- context 2>log | tar -tv --numeric-owner -f - |
        awk '{ print $1, $2, $NF }' >files || { cat log && return 1; }
    local seen
    seen=$(printf '%s\n' '/file 5:6 104750 0,0' '/link 7:8 120777 0,0' '/dir 1:2 40700 0,0' '/null 0:0 20644 1,3')
    same output "$(said <log)" "$(printf '%s\n' 'try aarch64 0' "$seen" 'try aarch64 0' "$seen" 'try aarch64 9' \
        'other-name aarch64 9' "$seen" "$seen")" || { cat log && return 1; }
    grep -x -e '-rwsr-x--- 5/6 /*file' files
    grep -x -e 'drwx------ 1/2 /*dir/' files
    grep -e '^crw-r--r-- 0/0' files
}

@test "a shell with the programs that it starts" {
    needs
    [ "$(dpkg --print-foreign-architectures 2>/dev/null | grep -c arm64)" -gt 0 ] || skip "apt does not know arm64 here"
    mkdir -p busybox && (cd busybox && timeout 60 apt-get download busybox-static:arm64 >../apt 2>&1 && dpkg -x ./*.deb .) ||
        skip "the mirror does not give busybox-static:arm64"
    mkdir -p shell
    cp busybox/bin/busybox shell/busybox
    cat >shell/Dockerfile <<'END'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN uname -m; touch /f; chown 5:6 /f; ls -ln /f | awk '{ print $3, $4 }'; (cd /bin && ls | wc -l | grep -c ...)
END
    lade build --progress=plain --platform linux/arm64 -t arm shell >log 2>&1 || { cat log && return 1; }
    same output "$(said <log)" "$(printf '%s\n' aarch64 '5 6' 1)" || { cat log && return 1; }
}

@test "without qemu it says what to install" {
    printf '%s\n' 'FROM scratch' 'COPY Dockerfile /' 'RUN ["/try"]' >context/Dockerfile
    [ "$(id -u)" -ne 0 ] || fails 11 'commands for linux/mips64le do not run on this machine' 'qemu-user-static' -- \
        hidden build -q --platform linux/mips64le context
    fails 11 'commands for linux/sparc64 do not run on this machine' -- lade build -q --platform linux/sparc64 context
    # What runs nothing needs no emulator.
    printf '%s\n' 'FROM scratch' 'COPY Dockerfile /' >context/Dockerfile
    lade build -q --platform linux/mips64le context
}
