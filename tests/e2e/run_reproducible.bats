#!/usr/bin/env bats
# What RUN makes has one digest: each time, with any number of jobs, in whatever place, by whomever, and in every way that RUN can work.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() {
    local i
    world=$(mktemp -d /tmp/lade-again.XXXXXX)
    export world
    chmod 755 "$world"
    gcc -std=c17 -O1 -o "$world/env_like" "$support/env_like.c"
    mkdir "$world/context" "$world/context/many"
    cp "$(command -v busybox)" "$world/context/busybox"
    gcc -static -O1 -o "$world/context/who" -x c - <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void) { return printf("%u %u\n", getuid(), geteuid()) < 0; }
C
    strip "$world/context/who"
    for i in $(seq 30); do echo "$i" >"$world/context/many/$i"; done
    ln "$world/context/many/1" "$world/context/many/one"
    # The programs of a step run side by side, make and remove, and use the time that they are given. They leave alone what shows the file system:
    # sizes and links of directories, and hard links of lower layers, which an overlay parts when they are changed.
    cat >"$world/context/Dockerfile" <<'END'
FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp && mkdir -p /etc /a/b/c && echo app:x:1000:1001::/:/bin/sh >/etc/passwd
FROM tools AS left
RUN for i in $(seq 40); do (sleep 0.0$((i * 7 % 10)); echo $i >/a/f$i; mkdir -p /a/d$((i % 5))/$i) & done; wait
RUN chown 12:34 /a/f1 && chmod 4750 /a/f2 && ln /a/f3 /a/hard && ln -s f /a/soft && chown -h 5:6 /a/soft && mkfifo /a/pipe && mknod /a/null c 1 3
RUN touch -d '2037-01-01 00:00:00' /a/f4 && touch -d @1000 /a/f5 && date -d @$SOURCE_DATE_EPOCH >/a/date && tar -C /a -cf /a.tar f1 f4 f5 && env | sort >/a/env
RUN rm -r /a/b && mkdir /a/b && mv /a/f6 /a/g && rm /a/f7 && mv /a/d1 /a/e1 && chmod 700 /a/f8 && chmod 640 /a/null && echo more >>/a/f9
FROM tools AS right
RUN --mount=source=many,target=/many mkdir /copied && cp -a /many/* /copied && [ /copied/1 -ef /copied/one ] || ln -f /copied/1 /copied/one
COPY --chmod=4755 who /bin/who-is-it
USER app
RUN touch /tmp/mine && mkdir /tmp/dir && id >/tmp/id && /bin/who-is-it >/tmp/who
FROM left
COPY --from=right /copied /copied
COPY --from=right /tmp /tmp
RUN find /a /copied /tmp /etc /bin | grep -v -e hosts -e resolv -e null | sort | xargs stat -c '%n %a %u:%g %F %Y' >/listing && find /a /copied ! -type d | sort | xargs stat -c '%h %s %n' >>/listing
END
    options=()
    [ "$(id -u)" != 0 ] || options=(--user "$plain")
    here=$world/first
    mkdir -m 1777 "$here"
    builds "$here" -q >"$world/digest"
}
teardown_file() { world_remove; }

setup() {
    export here=$world/test-$BATS_TEST_NUMBER
    mkdir -m 1777 "$here"
    DIGEST=$(cat "$world/digest")
    [[ $DIGEST =~ ^sha256:[0-9a-f]{64}$ ]]
    options=()
}
teardown() { rm -rf "$here" /dev/shm/lade-again-$$-*; }

in_it() { "$world/env_like" "${options[@]}" "$LADE_BIN" "$@"; }

# builds PLACE OPTION…: with a store and a cache of its own.
builds() {
    HOME=$1 LADE_STORE=$1/store LADE_CACHE=$1/cache in_it build "${@:2}" "$world/context"
}

# again [OPTION]…: five builds, each in another place and another way, give the digest, or that of the first.
again() {
    local number=0 place digest umask=(022 077 002 027 000) zone=(UTC Asia/Kathmandu EST5EDT C Europe/Berlin) jobs=(2 1 8 2 1)
    for place in "$here/1" "$here/a longer place" "/dev/shm/lade-again-$$-$BATS_TEST_NUMBER" "$here/1" "$here/5"; do
        # An environment may have one place only.
        [[ " ${options[*]} " != *' --overlay '* ]] || place=$here/$number
        [ -d "$place" ] || mkdir -m 1777 "$place"
        digest=$(umask "${umask[number]}" && TZ=${zone[number]} builds "$place" -q --no-cache --jobs "${jobs[number]}" "$@")
        same "digests of build $number" "$digest" "${DIGEST:=$digest}"
        number=$((number + 1))
    done
}

# same_files [OPTION]…: without an overlay a layer may name what is as before, but the image is the same.
same_files() {
    same images "$(builds "$here" -q -o type=tar,dest=- "$@" | sha256sum)" "$(options=(--user "$plain") && builds "$world/first" -q -o type=tar,dest=- "$@" | sha256sum)"
}

rooted() { [ "$(id -u)" = 0 ] || skip "needs root to make the environment"; }

@test "a plain user" {
    [ "$(id -u)" != 0 ] || options=(--user "$plain")
    again
    again --userns single
}

@test "what is in it" {
    [ "$(id -u)" != 0 ] || options=(--user "$plain")
    builds "$world/first" -q -o type=tar,dest=- >"$here/image.tar"
    same 'a program with set-user-ID' "$(tar -xOf "$here/image.tar" tmp/who)" '1000 0'
    tar -tvf "$here/image.tar" --numeric-owner >"$here/list"
    grep -q '^crw-r----- 0/0 .* a/null$' "$here/list"
    grep -q '^-rw-r--r-- 12/34 .* a/f1$' "$here/list"
    grep -q '^-rw-r--r-- 0/0 .* copied/10$' "$here/list"
    grep -q '^-rw-r--r-- 1000/1001 .* tmp/mine$' "$here/list"
}

@test "a cache of steps gives what they gave" {
    [ "$(id -u)" != 0 ] || options=(--user "$plain")
    same 'the first' "$(builds "$here" -q)" "$DIGEST"
    same 'the second' "$(builds "$here" -q)" "$DIGEST"
    same 'half of them' "$(builds "$here" -q --no-cache-filter right)" "$DIGEST"
}

@test "root, in a user namespace" {
    rooted
    again
}

@test "root, without a user namespace" {
    rooted
    again --userns host
}

@test "no overlay: the layers are copied and compared" {
    rooted
    options=(--overlay "$here" --user "$plain")
    DIGEST=''
    again
    same_files
}

@test "chroot only" {
    rooted
    options=(--caps docker --filter docker)
    DIGEST=''
    again --target left
    same_files --target left
}

@test "subordinate ids" {
    rooted
    command -v newuidmap >/dev/null || skip "there is no newuidmap"
    cp /etc/passwd "$here/passwd"
    echo "laderange:x:$plain:$plain::/:/bin/sh" >>"$here/passwd"
    echo 'laderange:300000:65536' >"$here/ids"
    chmod 644 "$here/passwd" "$here/ids"
    # shellcheck disable=SC2317 # called by again
    in_it() {
        unshare --mount sh -ec 'cd "$1" && mount --bind passwd /etc/passwd && touch /etc/subuid /etc/subgid && mount --bind ids /etc/subuid &&
            mount --bind ids /etc/subgid && shift && exec "$@"' sh "$here" "$world/env_like" --user "$plain" "$LADE_BIN" "$@"
    }
    again --userns subuid
}

@test "what is not the same has another digest" {
    [ "$(id -u)" != 0 ] || options=(--user "$plain")
    sed 's/12:34/12:35/' "$world/context/Dockerfile" >"$here/Dockerfile"
    run ! same 'another owner' "$(builds "$here" -q -f "$here/Dockerfile")" "$DIGEST"
}
