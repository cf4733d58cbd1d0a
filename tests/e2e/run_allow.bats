#!/usr/bin/env bats
# RUN: what must be allowed first, networks, and caches that several builds use at once or that are pruned. As a user without any privilege;
# tests named "root:" as root.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() { world_make plain root; }
teardown_file() { world_remove; }
setup() { world_begin; }

says() {
    local found
    found=$(lade build --no-cache --progress=plain "${@:2}" context 2>&1 | tee log | said)
    same output "$found" "$1" || { cat log && return 1; }
}

# Bits of /proc/self/status, as a shell would count them.
count_bits='n=0; for c in $(grep ^CapBnd: /proc/self/status | cut -f 2 | sed "s/./& /g"); do case $c in [1248]) n=$((n + 1)) ;; [3569ac]) n=$((n + 2)) ;; [7bde]) n=$((n + 3)) ;; f) n=$((n + 4)) ;; esac; done; echo $n'

@test "--security=insecure: denied, allowed, and of one command only" {
    dockerfile 'RUN --security=insecure true'
    fails 5 'Dockerfile:2' 'security.insecure is not allowed' '--allow security.insecure' -- lade build -q context
    fails 5 'security.insecure is not allowed' -- lade build -q --allow network.host context
    fails 2 'security.unsafe' -- lade build -q --allow security.unsafe context
    # In a namespace of its own it may mount, which nobody else may.
    dockerfile 'RUN --security=insecure mount -t tmpfs tmpfs /tmp && touch /tmp/x && umount /tmp && echo mounted' \
        'RUN mount -t tmpfs tmpfs /tmp 2>/dev/null || echo refused' 'RUN --security=sandbox mount -t tmpfs tmpfs /tmp 2>/dev/null || echo refused' \
        "RUN --security=insecure test \$($count_bits) -ge 38 && echo all" "RUN $count_bits"
    says "$(printf '%s\n' mounted refused refused all 14)" --allow security.insecure
}

@test "root: --security=insecure" {
    dockerfile "RUN --security=insecure test \$($count_bits) -ge 38 && echo all" "RUN $count_bits" "RUN --security=sandbox $count_bits"
    says "$(printf '%s\n' all 14 14)" --allow security.insecure
    fails 5 'security.insecure is not allowed' -- lade build -q context
}

@test "--security: of a trigger, and what is wrong with it" {
    dockerfile 'RUN --security=other true'
    fails 3 'other' -- lade build -q context
    printf '%s\n' 'FROM base AS first' 'ONBUILD RUN --security=insecure true' 'FROM first' 'RUN true' >context/Dockerfile
    fails 5 'security.insecure is not allowed' -- lade build -q context
    lade build -q --allow security.insecure context
}

@test "networks: none, host and default, with and without leave" {
    local port
    mkfifo told
    python3 -c 'import socket, threading
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
s.settimeout(60)
while True:
    c, _ = s.accept()
    c.sendall(b"foo\n")
    c.close()' >told 2>/dev/null 3>&- &
    local server=$!
    read -r port <told
    local reach="nc 127.0.0.1 $port </dev/null 2>/dev/null || echo nothing"
    dockerfile "RUN $reach" "RUN --network=host $reach" "RUN --network=default $reach" "RUN --network=none $reach" \
        'RUN --network=none ip -o link show up | grep -v -c " lo:"; true' 'RUN --network=none ping -c 1 127.0.0.1 2>&1 | grep -c "1 packets received"; true'
    sed -i '$d' context/Dockerfile
    says "$(printf '%s\n' foo foo foo nothing 0)"
    dockerfile "RUN $reach" "RUN --network=default $reach" "RUN --network=none $reach"
    says "$(printf '%s\n' nothing nothing nothing)" --network none
    dockerfile "RUN --network=host $reach" "RUN $reach"
    fails 5 'network.host is not allowed' '--allow network.host' -- lade build -q --network none context
    says "$(printf '%s\n' foo nothing)" --network none --allow network.host
    dockerfile 'RUN --network=bridge true'
    fails 3 'bridge' -- lade build -q context
    kill $server
}

@test "triggers that run commands, in the image and in a stage" {
    printf '%s\n' 'FROM base' 'ONBUILD RUN --mount=target=/c cat /c/file >/triggered' 'ONBUILD RUN ["/bin/sh", "-c", "id -u >>/triggered"]' \
        'ONBUILD USER app' 'ONBUILD RUN id -u' >context/Dockerfile
    lade build -q -t parent context
    echo content >context/file
    printf '%s\n' 'FROM parent' 'RUN cat /triggered' >context/Dockerfile
    says "$(printf '%s\n' 1000 content 0)"
    printf '%s\n' 'FROM base AS one' 'ONBUILD RUN echo triggered' 'RUN echo one' 'FROM one' 'RUN echo two' >context/Dockerfile
    says "$(printf '%s\n' one triggered two)"
    printf '%s\n' 'FROM base' 'ONBUILD RUN exit 3' >context/Dockerfile
    lade build -q -t parent context
    printf '%s\n' 'FROM parent' >context/Dockerfile
    fails 9 'Dockerfile:1' 'exit code: 3' -- lade build -q context
}

# Two builds at once, each of which says in a cache that it is there, and looks who else is.
together() {
    local one two id=$BATS_TEST_NUMBER-$1
    dockerfile "RUN --mount=type=cache,id=$id,target=/c,sharing=$1 touch /c/\$NAME && for i in \$(seq 1 $2); do [ -e /c/a ] && [ -e /c/b ] && break; sleep 0.1; done; ls /c | tr '\\n' ' '; rm /c/\$NAME"
    sed -i '1a ARG NAME' context/Dockerfile
    own
    "${user[@]}" "$LADE_BIN" build --no-cache --progress=plain --build-arg NAME=a context >one 2>&1 &
    one=$!
    "${user[@]}" "$LADE_BIN" build --no-cache --progress=plain --build-arg NAME=b context >two 2>&1 &
    two=$!
    wait $one || { cat one && return 1; }
    wait $two || { cat two && return 1; }
    cat one two | said | sort
}

@test "caches: shared, private and locked between two builds at once" {
    same shared "$(together shared 300)" "$(printf '%s\n' 'a b ' 'a b ')" || [ "$(together shared 300 | grep -c 'a b')" -ge 1 ]
    same private "$(together private 15)" "$(printf '%s\n' 'a ' 'b ')"
    same locked "$(together locked 5)" "$(printf '%s\n' 'a ' 'b ')"
}

@test "caches: of another owner or mode they are others" {
    dockerfile 'RUN --mount=type=cache,id=o,target=/c touch /c/f; stat -c "%u %g %a" /c' \
        'RUN --mount=type=cache,id=o,target=/c,uid=1000,gid=1001,mode=0700 ls /c; stat -c "%u %g %a" /c' \
        'RUN --mount=type=cache,id=o,target=/c ls /c'
    says "$(printf '%s\n' '0 0 755' '1000 1001 700' f)"
}

@test "secrets and tmpfs have the owners that they are given" {
    echo x >secret
    own
    dockerfile 'RUN --mount=type=secret,id=s,uid=12,gid=34,mode=0440 stat -c "%u %g %a" /run/secrets/s && cat /run/secrets/s' \
        'RUN --mount=type=tmpfs,target=/t touch /t/f && chown 3:4 /t/f && mkdir /t/d && stat -c "%u %g" /t /t/f /t/d'
    says "$(printf '%s\n' '12 34 440' x '0 0' '3 4' '0 0')" --secret id=s,src=secret
}

@test "prune leaves caches alone, but with --all, or when they take too much; never while they are in use" {
    local before build
    dockerfile 'RUN --mount=type=cache,id=p,target=/c echo kept >/c/f; head -c 300000 /dev/zero >/c/big'
    lade build -q context
    dockerfile 'RUN --mount=type=cache,id=p,target=/c cat /c/f'
    lade prune
    says kept
    lade prune --keep-storage 100mb
    says kept
    lade prune --keep-storage 100kb
    dockerfile 'RUN --mount=type=cache,id=p,target=/c ls /c | wc -l; touch /c/g' 'RUN --mount=type=cache,id=p,target=/c ls /c'
    says "$(printf '%s\n' 0 g)"
    lade prune --all
    dockerfile 'RUN --mount=type=cache,id=p,target=/c ls /c | wc -l'
    says 0
    # The store is another one: its lock does not keep them apart.
    dockerfile 'RUN --mount=type=cache,id=u,target=/c echo mine >/c/f; touch /c/ready; for i in $(seq 1 100); do [ -e /c/go ] && break; sleep 0.1; done; cat /c/f'
    own
    "${user[@]}" "$LADE_BIN" build --no-cache --progress=plain context >log 2>&1 &
    build=$!
    wait_for 20 compgen -G "$LADE_CACHE/mounts/*/0/ready"
    LADE_STORE=$PWD/other lade prune --all
    before=$(compgen -G "$LADE_CACHE/mounts/*/0/ready")
    touch "${before%ready}go"
    wait $build || { cat log && return 1; }
    same output "$(said <log)" mine
}
