#!/usr/bin/env bats
# RUN: what a command sees, what its mounts show, and what its layer holds. Every test runs as a user without any privilege and without
# subordinate ids, those named "root:" as root.
# shellcheck disable=SC2016

load lib

plain=64321

setup_file() {
    world=$(mktemp -d /tmp/lade-run.XXXXXX)
    export world
    chmod 755 "$world"
    mkdir "$world/base"
    cp "$(command -v busybox)" "$world/base/busybox"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1001::/home/app:/bin/sh >"$world/base/passwd"
    printf '%s\n' root:x:0: staff:x:50:app audio:x:60:app app:x:1001: >"$world/base/group"
    cat >"$world/base/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
COPY passwd group /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p tmp root home/app && chmod 1777 tmp && chown app:app home/app
END
    who=plain
    arrange
    lade build -q -t base "$world/base"
}
teardown_file() { rm -rf "$world"; }

setup() {
    who=plain
    [[ $BATS_TEST_DESCRIPTION != root:* ]] || who=root
    arrange
    mkdir context
    [ "$who" = plain ] || lade build -q -t base "$world/base"
}
teardown() { cd / && rm -rf "$world/test-$BATS_TEST_NUMBER"; }

# A world of its own in which a plain user can work; bats' directories are closed to others.
arrange() {
    export HOME=$world/home-$who LADE_STORE=$world/store-$who LADE_CACHE=$world/cache-$who
    mkdir -p "$HOME" "$LADE_STORE" "$LADE_CACHE" "$world/test-$BATS_TEST_NUMBER"
    cd "$world/test-$BATS_TEST_NUMBER" || return 1
    unset SOURCE_DATE_EPOCH http_proxy https_proxy HTTP_PROXY HTTPS_PROXY SSH_AUTH_SOCK
    own
}
own() { [ "$(id -u)" != 0 ] || [ "$who" != plain ] || chown -R $plain:$plain "$HOME" "$LADE_STORE" "$LADE_CACHE" .; }

lade() {
    if [ "$(id -u)" = 0 ] && [ "$who" = plain ]; then
        own
        setpriv --reuid=$plain --regid=$plain --clear-groups --bounding-set=-all --inh-caps=-all "$LADE_BIN" "$@"
    else
        "$LADE_BIN" "$@"
    fi
}

dockerfile() { printf '%s\n' 'FROM base' "$@" >context/Dockerfile; }
# What the steps write, without the numbers and times before it.
# What a step says is what is looked at, so none is taken from the cache.
build() { lade build --no-cache --progress=plain -t result "$@" context 2>&1; }
said() { sed -E -n 's/^#[0-9]+ [0-9]+\.[0-9]+ //p'; }
says() {
    local found
    found=$(build "${@:2}" | tee log | said)
    same "output" "$found" "$1" || { cat log && return 1; }
}
# The files of the image: mode, owner and name.
files() {
    lade build -q -o type=tar,dest=- context | tar -tv --numeric-owner -f - | awk '{ print $1, $2, $6, $7, $8 }' | sed 's/ *$//'
}

@test "root: the shell form, and what a command sees" {
    dockerfile 'RUN id -u; id -g; pwd; hostname; umask; echo $HOME' 'RUN env | sort'
    says "$(printf '%s\n' 0 0 / buildkitsandbox 0022 /root HOME=/root \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PWD=/ SHLVL=1 SOURCE_DATE_EPOCH=315532800)"
}

@test "the exec form starts the program itself" {
    dockerfile 'RUN ["/bin/echo", "a  b", "$HOME"]' 'RUN ["echo", "found in PATH"]'
    says "$(printf '%s\n' 'a  b $HOME' 'found in PATH')"
}

@test "SHELL" {
    dockerfile 'SHELL ["/bin/busybox", "ash", "-e", "-c"]' 'RUN false; echo not reached || true'
    fails 9 'process "/bin/busybox ash -e -c false; echo not reached || true" did not complete successfully: exit code: 1' -- \
        lade build -q context
}

@test "here-documents" {
    cat >context/Dockerfile <<'END'
FROM base
RUN <<EOF
echo one
echo "two $HOME"
EOF
RUN <<-EOF
	echo three
EOF
RUN <<EOF
#!/bin/tail -n+2
four
five
EOF
RUN cat <<EOF && cat <<'END2'
six $((3 * 2))
EOF
seven $HOME
END2
RUN cat <<-EOF > /file && cat /file
		eight
	EOF
END
    says "$(printf '%s\n' one 'two /root' three four five 'six 6' 'seven $HOME' eight)"
}

@test "ENV, ARG, and arguments that are in no history" {
    dockerfile 'ARG a=1' 'ARG b' 'ENV e="x y"' 'RUN echo "$a-$b-$e-$HTTP_PROXY-$http_proxy"' 'RUN echo $SOURCE_DATE_EPOCH'
    says "$(printf '%s\n' '1-2-x y-p-p' 77)" --build-arg b=2 --build-arg HTTP_PROXY=p --source-date-epoch 77
    lade build -q -t result -o type=oci,dest=out,tar=false --build-arg b=2 --build-arg HTTP_PROXY=p context
    run config out
    [[ $output == *'RUN |2 a=1 b=2 /bin/sh -c echo \"$a-$b-$e-$HTTP_PROXY-$http_proxy\" # buildkit'* ]]
    ! grep -q 'HTTP_PROXY=' <<<"$output" || false
}
config() {
    local manifest
    manifest=$(jq -r '.manifests[0].digest' "$1/index.json")
    jq -c . "$1/blobs/sha256/$(jq -r .config.digest "$1/blobs/sha256/${manifest#sha256:}" | sed s/sha256://)"
}

@test "--source-date-epoch none leaves the variable out" {
    dockerfile 'RUN echo "[$SOURCE_DATE_EPOCH]"'
    says '[]' --source-date-epoch none
}

@test "USER by name, number and group; its groups and its files" {
    dockerfile 'WORKDIR /home/app' 'USER app' 'RUN id; touch mine; echo $HOME' 'USER 1000' 'RUN id -u; id -g' 'USER 7:8' \
        'RUN id -u; id -g; id -G; echo $HOME' 'USER app:staff' 'RUN id -g'
    says "$(printf '%s\n' 'uid=1000(app) gid=1001(app) groups=50(staff),60(audio),1001(app)' /home/app 1000 1001 7 8 8 / 50)"
    files | grep -x -e '-rw-r--r-- 1000/1001 home/app/mine'
    dockerfile 'USER nobody' 'RUN true'
    fails 3 'unable to find user nobody: no matching entries in passwd file' -- lade build -q context
}

@test "WORKDIR, made when the base lacks it" {
    dockerfile 'WORKDIR /a/b' 'RUN pwd; touch c'
    says /a/b
    files | grep -x -e '-rw-r--r-- 0/0 a/b/c'
}

@test "root: owners, modes, devices and links of the layer" {
    dockerfile 'RUN mkdir d && echo x >d/f && chown 12:34 d/f && chmod 4750 d/f && ln d/f d/hard && ln -s f d/soft' \
        'RUN mkdir e && chown -h 5:6 d/soft && mknod e/null c 1 3 && mkfifo e/pipe && chmod 711 e' \
        'RUN stat -c "%u %g %a %F" d/f e/null'
    says "$(printf '%s\n' '12 34 4750 regular file' '0 0 644 character special file')"
    files >found
    grep -x -e '-rwsr-x--- 12/34 d/f' found
    grep -x -e 'hrwsr-x--- 12/34 d/hard link to' found
    grep -x -e 'lrwxrwxrwx 5/6 d/soft -> f' found
    grep -e '^crw-r--r-- 0/0' found
    grep -x -e 'prw-r--r-- 0/0 e/pipe' found
    grep -x -e 'drwx--x--x 0/0 e/' found
}

@test "root: removals and replacements are in the layer" {
    dockerfile 'RUN mkdir -p a/b && touch a/b/c a/d' 'RUN rm -r a/b && mkdir a/b && touch a/b/new && rm a/d && mkdir a/d'
    files >found
    grep -x 'drwxr-xr-x 0/0 a/d/' found
    grep -x -e '-rw-r--r-- 0/0 a/b/new' found
    ! grep 'a/b/c' found || false
}

@test "only what changed is in the layer, and nothing of the sandbox" {
    dockerfile 'RUN echo x >/etc/new; cat /etc/hosts /etc/resolv.conf >/dev/null; mkdir /etc/x; rmdir /etc/x' 'RUN true'
    lade build -q -o type=oci,dest=out,tar=false context
    local layer
    layer=$(jq -r '.layers[-1].digest' "out/blobs/sha256/$(jq -r '.manifests[0].digest' out/index.json | sed s/sha256://)")
    tar -tzf "out/blobs/sha256/${layer#sha256:}" >found
    same entries "$(cat found)" etc/new
}

@test "a failing command: its place, its status and its last lines" {
    dockerfile 'RUN echo before; echo why >&2; exit 7'
    fails 9 'Dockerfile:2' 'RUN echo before; echo why >&2; exit 7' \
        'process "/bin/sh -c echo before; echo why >&2; exit 7" did not complete successfully: exit code: 7' before why -- lade build -q context
    dockerfile 'RUN ["/no/such"]'
    fails 9 /no/such -- lade build -q context
}

@test "lines: carriage returns, a last line without an end, and the clip" {
    dockerfile 'RUN printf "10%%\r20%%\r\nthe end"'
    says "$(printf '%s\n' 10% 20% 'the end')"
    dockerfile 'RUN yes 0123456789012345678901234567890123456789 | head -n 80000; echo last'
    build >log
    grep -q 'output clipped, log limit 2MiB reached' log
    [ "$(wc -l <log)" -lt 60000 ]
}

@test "root: no network" {
    dockerfile 'RUN --network=none ip -o link show up | grep -v " lo:" | wc -l'
    says 0
}

@test "--security=insecure is asked for" {
    dockerfile 'RUN --security=insecure true'
    fails 5 'security.insecure is not allowed' '--allow security.insecure' -- lade build -q context
}

@test "root: bind mounts of the context" {
    mkdir context/d
    echo content >context/d/f
    dockerfile 'RUN --mount=target=/context cat /context/d/f; touch /context/x 2>/dev/null || echo read-only' \
        'RUN --mount=source=d/f,target=/one cat /one' \
        'RUN --mount=type=bind,source=d,target=/rw,rw echo new >/rw/f && cat /rw/f' \
        'RUN --mount=source=d,target=/again cat /again/f; ls / | grep -c -e context -e again -e rw'
    build >log
    same output "$(said <log)" "$(printf '%s\n' content read-only content new content 1)" || { cat log && return 1; }
    same context "$(cat context/d/f)" content
    files >found
    run ! grep -e ' context' -e ' one' -e ' rw' -e ' again' found
    echo d/f >context/.dockerignore
    dockerfile 'RUN --mount=target=/context ls /context/d | wc -l'
    says 0
    dockerfile 'RUN --mount=source=nix,target=/x true'
    fails 4 '"/nix": not found' -- lade build -q context
}

@test "files of the context are root's in bind mounts, whoever has the checkout" {
    local way
    mkdir -p "$world/theirs/d"
    echo x >"$world/theirs/d/f"
    [ "$(id -u)" != 0 ] || chown 7:8 "$world/theirs/d/f"
    for way in '' ,rw ,source=d/f ,source=d; do
        printf '%s\n' 'FROM base' "RUN --mount=target=/m$way find /m | sort | xargs stat -c '%u:%g'" >"$world/theirs/Dockerfile"
        lade build --no-cache --progress=plain "$world/theirs" >log 2>&1 || { cat log && return 1; }
        same "owners with ${way:-nothing}" "$(said <log | sort -u)" 0:0
    done
}

@test "hard links in bind mounts" {
    mkdir -p context/d/sub context/hidden
    echo one >context/d/a
    ln context/d/a context/d/sub/b
    ln context/d/a context/outside
    echo two >context/d/other
    own
    # A link of which the mount shows one name is a file of its own.
    local show='stat -c "%n %h" d/a d/other; [ d/a -ef d/sub/b ] && echo same; cat d/sub/b'
    local seen=$'d/a 2\nd/other 1\nsame\none'
    dockerfile "RUN --mount=source=d,target=/m/d,rw cd /m && $show; echo more >>d/a; cat d/sub/b" \
        'RUN --mount=source=d/a,target=/f,rw stat -c %h /f' "RUN --mount=source=d,target=/m/d cd /m && cat d/sub/b"
    says "$(printf '%s\n' "$seen" one more 1 one)"
    echo hidden >context/.dockerignore
    dockerfile "RUN --mount=target=/m cd /m && stat -c %h outside && ${show/d\/a d/d\/other d}"
    says "$(printf '%s\n' 3 'd/other 1' 'd/other 1' same one)"
    # The links are part of what the command sees.
    dockerfile 'RUN --mount=source=d,target=/m stat -c %h /m/a'
    lade build -q -t linked context
    rm context/d/sub/b
    cp context/d/a context/d/sub/b
    lade build --progress=plain context >log 2>&1
    run ! grep CACHED log
    same output "$(said <log)" 1
    # Those of a stage.
    printf '%s\n' 'FROM base AS one' 'RUN mkdir /d && echo x >/d/a && chown 3:4 /d/a && ln /d/a /d/b' 'RUN echo y >/d/c' 'FROM base' \
        'RUN --mount=from=one,source=/d,target=/d,rw stat -c "%n %h %u:%g" /d/* && rm /d/a && stat -c "%h %u" /d/b' >context/Dockerfile
    says "$(printf '%s\n' '/d/a 2 3:4' '/d/b 2 3:4' '/d/c 1 0:0' '1 3')"
}

@test "root: bind mounts of stages and images" {
    cat >context/Dockerfile <<'END'
FROM base AS made
RUN mkdir -p /out/deep && echo one >/out/deep/file
RUN echo two >/out/second
FROM base
RUN --mount=from=made,source=out,target=/out cat /out/deep/file /out/second
RUN --mount=from=made,source=/out/deep,target=/deep cat /deep/file; touch /deep/x 2>/dev/null || echo read-only
RUN --mount=from=made,source=/out,target=/out,rw echo three >/out/second && cat /out/second
RUN --mount=from=made,source=/out,target=/out cat /out/second
RUN --mount=from=base,target=/image cat /image/etc/group | head -n 1
END
    says "$(printf '%s\n' one two one read-only three two root:x:0:)"
}

@test "root: cache mounts are kept, and are in no layer" {
    dockerfile 'RUN --mount=type=cache,target=/c echo one >>/c/f && wc -l </c/f' 'RUN --mount=type=cache,target=/c echo two >>/c/f && wc -l </c/f' \
        'RUN --mount=type=cache,id=/c,target=/other,sharing=locked wc -l </other/f' \
        'RUN --mount=type=cache,target=/elsewhere ls /elsewhere | wc -l' \
        'RUN --mount=type=cache,target=/c,ro touch /c/g 2>/dev/null || echo read-only'
    build --no-cache --build-arg BUILDKIT_CACHE_MOUNT_NS="$BATS_TEST_NUMBER" >log
    same output "$(said <log)" "$(printf '%s\n' 1 2 2 0 read-only)" || { cat log && return 1; }
    ! files | grep -e ' c/f' -e other || false
}

@test "a cache mount begins with files of a stage, and has the mode it is given" {
    cat >context/Dockerfile <<'END'
FROM base AS made
RUN mkdir /seed && echo seed >/seed/file
FROM base
RUN --mount=type=cache,from=made,source=/seed,target=/c cat /c/file && echo more >/c/file
RUN --mount=type=cache,from=made,source=/seed,target=/c cat /c/file
RUN --mount=type=cache,target=/moded,mode=0751 stat -c %a /moded
END
    says "$(printf '%s\n' seed more 751)" --build-arg BUILDKIT_CACHE_MOUNT_NS="$BATS_TEST_NUMBER"
}

@test "tmpfs mounts" {
    dockerfile 'RUN --mount=type=tmpfs,target=/t touch /t/f && grep -c " /t tmpfs" /proc/mounts; stat -c %a /t' \
        'RUN --mount=type=tmpfs,target=/dev/shm,size=128m df -m /dev/shm | awk "END { print \$2 }"' 'RUN test ! -e /t'
    says "$(printf '%s\n' 1 1777 128)"
}

@test "root: secrets as files and variables, in nothing that stays" {
    printf 'pass%s\n' word-xyzzy >secret
    dockerfile 'RUN --mount=type=secret,id=s cat /run/secrets/s; stat -c "%a %u" /run/secrets/s' \
        'RUN --mount=type=secret,id=s,target=/there,mode=0440 stat -c %a /there' \
        'RUN --mount=type=secret,id=s,env=SECRET test "$SECRET" = "$(printf "pass%s\n" word-xyzzy; echo .)" || echo "${#SECRET}"; test ! -e /run/secrets/s && echo absent' \
        'RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent' 'RUN ls -d /run/secrets /there 2>/dev/null | wc -l'
    own
    build --secret id=s,src=secret >log
    same output "$(said <log)" "$(printf '%s\n' password-xyzzy '400 0' 440 15 absent 0)" || { cat log && return 1; }
    run ! grep -r -q password-xyzzy "$LADE_STORE" "$LADE_CACHE"
    dockerfile 'RUN --mount=type=secret,id=absent,required true'
    fails 4 'secret absent: not found' -- lade build -q context
}

@test "the agent's socket" {
    python3 -c 'import socket, sys, os, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
time.sleep(60)' agent 3>&- &
    local agent=$!
    while [ ! -S agent ]; do sleep 0.05; done
    dockerfile 'RUN --mount=type=ssh echo $SSH_AUTH_SOCK; test -S $SSH_AUTH_SOCK && echo socket' 'RUN --mount=type=ssh,id=other test ! -e "$SSH_AUTH_SOCK"'
    says "$(printf '%s\n' /run/buildkit/ssh_agent.0 socket)" --ssh "default=$PWD/agent"
    kill $agent
    dockerfile 'RUN --mount=type=ssh,required true'
    fails 4 'no SSH key "default" forwarded from the client' -- lade build -q context
}

@test "what is wrong with a mount" {
    local row part
    while IFS='|' read -r row part; do
        dockerfile "RUN --mount=$row true"
        fails 3 "$part" -- lade build -q context
    done <<'END'
typ=tmpfs|unexpected key 'typ' in 'typ=tmpfs'
type=tmp|unsupported mount type "tmp"
type=cache,target=/|invalid mount target "/"
from=$x,target=/y|'from' doesn't support variable expansion
type=secret|invalid secret mount. one of source, target required
target=/x,size=5|unexpected key 'size' for mount type 'bind'
target=/x,uid=5|uid not allowed for "bind" type mounts
END
}

@test "COPY --from and a second RUN see what a RUN made" {
    cat >context/Dockerfile <<'END'
FROM base AS one
RUN mkdir /d && echo a >/d/f && chown 3:4 /d/f
FROM one AS two
RUN cat /d/f && echo b >>/d/f
FROM scratch
COPY --from=two /d /d
END
    says a
    files >found
    grep -x -e '-rw-r--r-- 3/4 d/f' found
}

@test "the same digest each time" {
    dockerfile 'RUN mkdir x && date >/dev/null && echo y >x/y && chown 1:2 x' 'RUN touch x/z'
    lade build -q -t a --no-cache context >first
    sleep 1
    lade build -q -t a --no-cache context >second
    same digests "$(cat first)" "$(cat second)"
}

@test "a step that takes too long" {
    dockerfile 'RUN sleep 30'
    fails 10 'did not end within' -- lade build -q --step-timeout 1s context
}

@test "no address in the memory of lade is seen" {
    dockerfile 'RUN --mount=type=secret,id=s ! grep 0x /proc/self/mountinfo'
    echo x >secret
    lade build -q --secret id=s,src=secret context
}

@test "nobody outside hears what is written into a FIFO of the context" {
    mkfifo context/fifo
    dockerfile "RUN --mount=type=bind,target=/c test -p /c/fifo && [ \$(stat -c %i /c/fifo) != $(stat -c %i context/fifo) ]"
    lade build -q context
}

@test "nobody outside is reached by a socket of the context" {
    mkdir -p context/d/e
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' context/d/e/socket
    echo x >context/d/e/file
    dockerfile 'RUN --mount=type=bind,target=/c ls /c/d/e' 'RUN --mount=type=bind,source=d/e,target=/c ls /c'
    says $'file\nfile'
    dockerfile 'RUN --mount=type=bind,source=d/e/socket,target=/c :'
    fails 4 '"/d/e/socket": not found' -- lade build -q context
}

@test "extra hosts" {
    dockerfile 'RUN grep -c "^10.1.2.3.*there" /etc/hosts'
    says 1 --add-host there:10.1.2.3
}
