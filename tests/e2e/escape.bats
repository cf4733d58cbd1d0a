#!/usr/bin/env bats
# What a command of RUN, a hostile base image or a hostile Dockerfile could reach outside: the ways out that other builders had. Beside the
# build stands a canary, a directory that the user may write to; nothing in it may change or be seen. Tests run as a user without any
# privilege, those named "root:" as real root.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() {
    world_make plain
    gcc -std=c17 -O1 -static -o "$world/reach" "$support/reach.c"
    gcc -std=c17 -O1 -o "$world/env_like" "$support/env_like.c"
    if [ "$(id -u)" = 0 ]; then
        who=root
        world_enter
        lade build -q -t base "$world/base"
    fi
}
teardown_file() { world_remove; }

setup() {
    world_begin
    canary=$world/canary-$BATS_TEST_NUMBER
    mkdir -p "$canary/d" "$canary/etc"
    for file in file d/file etc/resolv.conf etc/hosts; do echo sings >"$canary/$file"; done
    chmod -R a+rwX "$canary"
    [ "$(id -u)" != 0 ] || [ "$who" != plain ] || chown -R "$plain:$plain" "$canary"
    portrait "$canary" >before
}
teardown() { cd / && rm -rf "$world/test-$BATS_TEST_NUMBER" "$canary"; }

# The canary still sings.
sings() { diff before <(portrait "$canary") || { echo "the canary is hurt" && return 1; }; }

# contained ARGUMENT…: this build works or says what is wrong with its input, the canary is as before, and nothing of it was shown.
contained() {
    run lade build --progress plain --no-cache "$@" context
    [[ " 0 3 4 9 " == *" $status "* ]] || { echo "exit $status: $output" && return 1; }
    built=$status
    ! grep '^#.*sings' <<<"$output" || return 1
    sings
}

image_files() { lade build -q -o type=tar,dest=- context | tar -tf -; }

# A base whose root file system is made by these commands, in an empty directory.
hostile() {
    mkdir -p tree/bin
    cp "$world/base/busybox" tree/bin
    ln -s busybox tree/bin/sh
    (cd tree && eval "$1")
    tar -C tree -cf context/base.tar .
    rm -rf tree
    printf '%s\n' 'FROM scratch' 'ADD base.tar /' "${@:2}" >context/Dockerfile
}

@test "what a command can reach" {
    cp "$world/reach" context
    sleep 1000 3>&- &
    local outside=$!
    dockerfile 'COPY reach /bin/' "RUN --mount=type=cache,target=/cache reach $outside"
    chmod 777 context
    run lade build --progress plain context
    kill -0 $outside
    kill $outside
    [ "$status" -eq 0 ] || { echo "$output" && return 1; }
    same "what is reached" "$(grep -E '^#[0-9]+ [0-9.]+ (reached|tried)' <<<"$output" | grep -v tried)" ''
    grep -qE '^#[0-9]+ [0-9.]+ tried [0-9]{4}$' <<<"$output"
}

@test "root: what a command can reach" {
    cp "$world/reach" context
    sleep 1000 3>&- &
    local outside=$! way
    dockerfile 'COPY reach /bin/' "RUN --mount=type=cache,target=/cache reach $outside"
    for way in auto host; do
        run lade build --no-cache --userns $way --progress plain context
        [ "$status" -eq 0 ] || { echo "$output" && return 1; }
        same "what is reached" "$(grep -E '^#[0-9]+ [0-9.]+ reached' <<<"$output")" ''
    done
    kill -0 $outside
    kill $outside
}

@test "root: what a command can reach where processes outside are in sight" {
    cp "$world/reach" context
    sleep 1000 3>&- &
    local outside=$!
    dockerfile 'COPY reach /bin/' "RUN reach $outside"
    run "$world/env_like" --mask-proc "$LADE_BIN" build --progress plain context
    kill -0 $outside
    kill $outside
    [ "$status" -eq 0 ] || { echo "$output" && return 1; }
    same "what is reached" "$(grep -E '^#[0-9]+ [0-9.]+ reached' <<<"$output")" ''
}

@test "lade's program, environment, arguments and descriptors are out of sight" {
    dockerfile 'RUN ls /proc/self/fd | wc -l; ls -l /proc/1/fd /proc/self/fd | grep -cE " -> /[^dp]"' \
        'RUN cat /proc/*/environ /proc/*/cmdline | tr "\0" "\n"; env; ls -l /proc/*/exe /proc/*/cwd /proc/*/root' \
        'RUN echo x >/proc/1/exe; echo x >/proc/self/exe; : >/proc/1/mem; cp /bin/busybox /bin/other; echo x >/bin/busybox; :' \
        'RUN grep -c . /proc/self/mountinfo; cut -d" " -f4,5 /proc/self/mountinfo'
    local sum
    sum=$(sha256sum <"$LADE_BIN")
    own
    TOKEN=do-not-tell-1 AWS_SECRET_ACCESS_KEY=do-not-tell-2 LADE_REGISTRY_PASSWORD=do-not-tell-3 \
        run lade build --progress plain --label x=do-not-tell-4 context
    same lade "$(sha256sum <"$LADE_BIN")" "$sum"
    ! grep -e do-not-tell -e lade-sandbox -e "$LADE_BIN" -e "$HOME" <<<"$output" || return 1
    # Standard input, output, error, and the directory that ls reads.
    grep -qE '^#[0-9]+ [0-9.]+ 4$' <<<"$output" || { echo "$output" && return 1; }
}

@test "mount targets through links and dots" {
    local row
    echo data >context/f
    while read -r row; do
        hostile "ln -s $canary l; ln -s ../../../../../../$canary dots; ln -s /proc/1/root/$canary p; ln -s /proc/self/cwd c" \
            "RUN --mount=$row [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox find / -xdev | /bin/busybox grep -c .\"]"
        contained --secret id=s,src=context/f
    done <<END
type=tmpfs,target=/l
type=tmpfs,target=/l/d
type=tmpfs,target=/dots/new/deep
type=tmpfs,target=/../../..$canary/d
type=tmpfs,target=/p/d
type=tmpfs,target=/c/x
type=bind,source=f,target=/l/file
type=bind,source=f,target=/l/new
type=bind,source=f,target=/../../$canary/etc/hosts
type=cache,target=/l/d
type=cache,target=/dots/new
type=secret,id=s,target=/l/d/file
type=secret,id=s,target=/dots/etc/hosts
type=bind,source=f,target=/proc/self/root/$canary/file
END
}

@test "mount sources through links and dots" {
    local row
    mkdir context/in
    ln -s "$canary" context/in/out
    ln -s ../../../../../../../../"$canary" context/dots
    while read -r row; do
        cat >context/Dockerfile <<END
FROM base AS stage
RUN ln -s $canary /l && ln -s ../../..$canary /dots && ln -s /proc/1/root /p && mkdir /d && ln -s $canary /d/l
FROM base
RUN --mount=$row,target=/m cat /m/file /m/d/file /m 2>/dev/null; touch /m/made /m/d/made 2>/dev/null; :
END
        contained
    done <<END
type=bind,from=stage,source=/l,rw
type=bind,from=stage,source=/dots,rw
type=bind,from=stage,source=/../../../..$canary,rw
type=bind,from=stage,source=/p$canary,rw
type=bind,from=stage,source=/d/l/d,rw
type=bind,source=../../../../../..$canary,rw
type=bind,source=in/out,rw
type=bind,source=in/out/d,rw
type=bind,source=dots
type=cache,from=stage,source=/l
type=cache,from=stage,source=/../../../..$canary
type=cache,id=../../../../../../..$canary
type=cache,id=$canary
END
}

@test "links in what a mount shows stay inside of the root" {
    mkdir context/in
    ln -s "$canary/file" context/in/out
    dockerfile 'RUN --mount=source=in,target=/m cat /m/out; echo x >/m/out; :' "RUN --mount=type=cache,target=/c ln -sfn $canary /c/l" \
        'RUN --mount=type=cache,target=/c echo x >/c/l/file; ls /c/l/; :' 'RUN --mount=type=cache,target=/c,id=/c --mount=type=tmpfs,target=/c/l/d :'
    contained
}

@test "WORKDIR through links, and into descriptors" {
    local row
    for row in /l /l/d /l/new /dots/d "/..$canary" /p/d /c/new; do
        hostile "ln -s $canary l; ln -s ../../../../../../$canary dots; ln -s /proc/1/root/$canary p; ln -s /proc/self/cwd c" \
            "WORKDIR $row" 'RUN ["/bin/busybox", "touch", "made"]' 'RUN ["/bin/busybox", "cat", "file"]' "COPY base.tar made/"
        contained
    done
    for row in /proc/self/fd/3 /proc/self/fd/7 /proc/self/fd/9 /proc/1/cwd /proc/self/root /proc/1/fd/5/../..; do
        dockerfile "WORKDIR $row" "RUN cat ..$canary/file ../../..$canary/file ../../../../../..$canary/file; ls -a; touch made; :"
        contained
    done
}

@test "bases whose system directories lead outside" {
    local name
    for name in etc dev proc sys tmp run root var; do
        hostile "ln -s $canary $name" 'RUN /bin/busybox ls -l /'
        contained
        hostile "ln -s $canary/etc $name" 'RUN --mount=type=tmpfs,target=/tmp/x /bin/busybox true'
        contained
        hostile "echo file >$name" 'RUN /bin/busybox true'
        contained
    done
    hostile "mkdir etc; ln -s $canary/etc/resolv.conf etc/resolv.conf; ln -s ../../../../..$canary/etc/hosts etc/hosts" \
        'RUN /bin/busybox grep -c . /etc/hosts'
    contained
    hostile "mkdir dev; ln -s $canary/file dev/null; ln -s $canary/d dev/pts; ln -s $canary/d dev/shm; ln -s / dev/fd" \
        'RUN echo x >/dev/null; echo x >/dev/shm/x; echo x >/dev/pts/x; :'
    contained
    hostile "mkdir -p proc/self; ln -s $canary proc/self/fd; ln -s / proc/1" 'RUN /bin/busybox ls /proc/1/ >/dev/null'
    contained
}

@test "root: bases whose system directories lead outside, with real root and with chroot only" {
    local name way
    chmod -R go-w "$canary"
    portrait "$canary" >before
    for name in etc dev proc sys run; do
        hostile "ln -s $canary $name" 'RUN /bin/busybox ls -l /; echo x >/etc/hosts; echo x >/dev/shm/x; :'
        contained --userns host
        run "$world/env_like" --caps docker --filter docker "$LADE_BIN" build --no-cache context
        [[ " 0 3 9 " == *" $status "* ]] || { echo "exit $status: $output" && return 1; }
        sings
    done
    hostile "mkdir etc dev; ln -s $canary/etc/hosts etc/hosts; ln -s ../../../../../../..$canary/file dev/null; ln -s $canary w" \
        'WORKDIR /w' 'RUN echo x >/dev/null; /bin/busybox touch made; echo x >/etc/hosts; :'
    contained --userns host
    run "$world/env_like" --caps docker --filter docker "$LADE_BIN" build --no-cache context
    [[ " 0 3 " == *" $status "* ]] || { echo "exit $status: $output" && return 1; }
    sings
}

@test "root: a whole system of the image's own devices opens none" {
    mkdir -p tree/bin
    cp "$world/base/busybox" tree/bin/busybox
    mknod -m 666 tree/zero c 1 5
    mknod -m 666 tree/disk b "$(stat -c '0x%t' /dev/vda 2>/dev/null || echo 8)" "$(stat -c '0x%T' /dev/vda 2>/dev/null || echo 0)"
    tar -C tree -cf context/base.tar .
    printf '%s\n' 'FROM scratch' 'ADD base.tar /' 'RUN ["/bin/busybox", "head", "-c", "1", "/zero"]' >context/Dockerfile
    fails 9 'head: /zero: Permission denied' -- lade build -q --no-cache --userns host context
    # For one id they are no devices at all.
    lade build -q --no-cache context
    sed -i s,/zero,/disk, context/Dockerfile
    fails 9 'head: /disk: Permission denied' -- lade build -q --no-cache --userns host context
}

@test "a command that moves away what lade put there" {
    dockerfile "RUN mv /etc /etc2 && ln -s $canary/etc /etc" 'RUN ls -l / /etc; cat /etc/hosts >/dev/null; :'
    contained
    hostile '' "RUN /bin/busybox rm -rf /etc /dev /sys; /bin/busybox mv /etc /e; /bin/busybox ln -s $canary/etc /etc; :"
    contained
    image_files >files
    run ! grep -E '^e/.' files
    dockerfile "RUN --mount=type=tmpfs,target=/a/b/c --mount=source=f,target=/a/b/f mv /a /z && mkdir -p /a/b && ln -s $canary/d /a/b/c && ln -s $canary/file /a/b/f"
    echo f >context/f
    contained
}

@test "a command that leaves others behind that go on" {
    dockerfile "RUN (setsid sh -c 'while :; do ln -sfn $canary /flip; rm -rf /flip; mkdir /flip; done' >/dev/null 2>&1 &) ; mkdir /made; echo done" \
        'RUN ls /flip/ 2>/dev/null; ls -d /made'
    contained
    same 'exit status' "$built" 0
}

@test "placeholders are in no layer" {
    echo f >context/f
    hostile '' 'RUN --mount=source=f,target=/deep/er/f --mount=type=tmpfs,target=/other/t --mount=type=cache,target=/c /bin/busybox true'
    image_files >files
    same files "$(sort files)" "$(printf '%s\n' bin/ bin/busybox bin/sh)"
    hostile 'mkdir etc; ln -s ../run/stub.conf etc/resolv.conf' 'RUN /bin/busybox true'
    image_files >files
    same files "$(sort files)" "$(printf '%s\n' bin/ bin/busybox bin/sh etc/ etc/resolv.conf)"
}

@test "the agent's socket is in no layer" {
    python3 -c 'import socket, sys, os, time
s = socket.socket(socket.AF_UNIX)
s.bind("agent")
os.chmod("agent", 0o777)
time.sleep(100)' 3>&- &
    local agent=$!
    while [ ! -S agent ]; do pause; done
    dockerfile 'RUN --mount=type=ssh test -S $SSH_AUTH_SOCK' 'RUN --mount=type=ssh,target=/run/here test -S /run/here; ls -R /run'
    own
    lade build -q --ssh "default=$PWD/agent" -o type=tar,dest=- context >image.tar
    kill $agent
    run ! grep -E '^run/|agent|ssh' <(tar -tf image.tar)
}

@test "a secret is in no layer, history, record, cache, log or core" {
    local hex
    printf 'pass%s' word-xyzzy-17 >secret
    hex=$(sha256sum <secret | cut -c 1-64)
    dockerfile 'RUN --mount=type=secret,id=s cp /run/secrets/s /tmp/s && sha256sum /tmp/s >/dev/null; rm /tmp/s' \
        'RUN --mount=type=secret,id=s,env=PASSWORD test -n "$PASSWORD"' \
        'RUN --mount=type=secret,id=s,target=/etc/deep/password --mount=type=cache,target=/c test -s /etc/deep/password' \
        'RUN --mount=type=secret,id=s ulimit -c unlimited; sh -c "kill -SEGV \$\$"; false'
    own
    cd "$LADE_CACHE"
    ulimit -c unlimited || true
    run lade build --progress plain -t secret --secret "id=s,src=$OLDPWD/secret" --metadata-file meta.json "$OLDPWD/context"
    [ "$status" -eq 9 ]
    sed -i '$d' "$OLDPWD/context/Dockerfile"
    PASSWORD=$(cat "$OLDPWD/secret") lade build --progress plain -t secret --secret id=s,env=PASSWORD --metadata-file meta.json "$OLDPWD/context" >log 2>&1
    run ! grep -raE -e "word-xyzzy-17|$hex" "$LADE_STORE" "$LADE_CACHE" "$HOME"
    lade build -q -o type=tar,dest=- --secret "id=s,src=$OLDPWD/secret" "$OLDPWD/context" >image.tar
    run ! grep -a word-xyzzy-17 image.tar
    # Another secret gives the same step: its bytes are not part of what the step depends on.
    echo other >"$OLDPWD/secret"
    lade build --progress plain -t secret --secret "id=s,src=$OLDPWD/secret" "$OLDPWD/context" 2>log >/dev/null
    same 'cached steps' "$(grep -c CACHED log)" 3
}

@test "root: a setuid program that a command leaves in the cache serves nobody" {
    local way
    for way in auto host; do
        dockerfile "RUN --mount=type=cache,id=$way,target=/c cp /bin/busybox /c/su && chmod 6755 /c/su; cp /bin/busybox /su && chmod 6755 /su"
        lade build -q --no-cache --userns $way -t "su$way" context
    done
    find "$LADE_CACHE" "$LADE_STORE" -perm -4000 -type f >found
    [ "$(wc -l <found)" -ge 2 ]
    local file
    while read -r file; do
        run setpriv --reuid=64322 --regid=64322 --clear-groups "$file" id -u
        [ "$status" -ne 0 ] || { echo "$file runs for others: $output" && return 1; }
    done <found
}

@test "libraries and helpers of the image are not lade's" {
    hostile 'mkdir -p lib usr/bin etc; for n in lib/libnss_files.so.2 usr/bin/xz usr/bin/unpigz usr/bin/newuidmap; do
            printf "#!/bin/sh\necho x >'"$canary"'/file\n" >$n; chmod 755 $n; done
            echo "passwd: evil" >etc/nsswitch.conf; echo "app:x:5:5::/:/bin/sh" >etc/passwd' \
        'USER app' 'RUN /bin/busybox id -u'
    contained
    same 'exit status' "$built" 0
}
