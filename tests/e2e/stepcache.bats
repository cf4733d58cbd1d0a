#!/usr/bin/env bats
# Steps that are not run again, and those that are. Commands leave a line in a cache mount each time they run: that counts them.

load lib
load worlds

setup_file() { world_make; }
teardown_file() { world_remove; }

setup() {
    world_begin_alone
    echo one >context/file
    echo two >context/other
}
teardown() { cd / && rm -rf "$here"; }

# A RUN that counts itself under a name.
step() { echo "RUN --mount=type=cache,id=count,target=/count${3:+ $3} echo >>/count/$1; $2"; }
build() { lade build -q "$@" context; }
# How often the steps have run so far: "a 2 b 1".
counts() {
    printf '%s\n' 'FROM base' 'RUN --mount=type=cache,id=count,target=/count cd /count; wc -l * | grep -v total' >count.Dockerfile
    lade build --no-cache --progress=plain -f count.Dockerfile context 2>&1 |
        sed -E -n 's/^#[0-9]+ [0-9]+\.[0-9]+ +([0-9]+) ([a-z]+)$/\2 \1/p' | sort | paste -sd ' '
}
ran() { same "counts" "$*" "$(counts)"; }

@test "the second build runs nothing, and is the same" {
    local first second
    dockerfile "$(step a 'date >/a; head -c 1000000 /dev/urandom >/b')" 'COPY file /' "$(step b 'cat /file >/c')" "$(step c true)"
    first=$(build)
    second=$(build)
    same digests "$first" "$second"
    lade build --progress=plain context 2>&1 | tee log
    same "CACHED" 3 "$(grep -c '^#[0-9]* CACHED$' log)"
    ran a 1 b 1 c 1
}

@test "what a step depends on makes it run again" {
    dockerfile "$(step a true)" 'ARG A=1' 'COPY file /' "$(step b 'cat file')" \
        "$(step c true '--mount=type=bind,target=/src,source=other')" "$(step d true '--network=none')"
    build
    ran a 1 b 1 c 1 d 1
    build --build-arg A=2 # every command sees it
    ran a 1 b 2 c 2 d 2
    echo changed >context/other
    build
    ran a 1 b 2 c 3 d 2 # its mount is not in any layer
    echo changed >context/file
    build
    ran a 1 b 3 c 4 d 3
    chmod 755 context/other
    build
    ran a 1 b 3 c 5 d 3
    sed -i 's/--network=none/--network=default/' context/Dockerfile
    build
    ran a 1 b 3 c 5 d 4
    build --add-host a:1.2.3.4
    ran a 2 b 4 c 6 d 5
    build --ulimit nofile=200:300
    ran a 3 b 5 c 7 d 6
    build --shm-size 8m
    ran a 4 b 6 c 8 d 7
    SOURCE_DATE_EPOCH=7 build
    ran a 5 b 7 c 9 d 8
    build --step-timeout 1h
    ran a 5 b 7 c 9 d 8
}

@test "another base runs all again, and the old one is still known" {
    local first
    dockerfile "$(step a true)"
    first=$(build)
    printf '%s\n' 'FROM base' 'COPY file /new' >new.Dockerfile
    lade build -q -t changed -f new.Dockerfile context
    sed -i 's/FROM base/FROM changed/' context/Dockerfile
    build
    ran a 2
    sed -i 's/FROM changed/FROM base/' context/Dockerfile
    same digests "$first" "$(build)"
    ran a 2
}

@test "times, owners and the place of the checkout do not count" {
    mkdir context/deep
    echo x >context/deep/x
    dockerfile 'COPY . /all/' "$(step a true)" "$(step b true '--mount=type=bind,target=/src')"
    first=$(build)
    find context -exec touch -d 2001-01-01 {} +
    [ "$(id -u)" != 0 ] || chown -R 1:1 context
    same digests "$first" "$(build)"
    cp -r context moved && rm -r context && mv moved context
    same digests "$first" "$(build)"
    mkdir elsewhere && cp -r context elsewhere/
    same digests "$first" "$(lade build -q elsewhere/context)"
    ran a 1 b 1
}

@test "what another stage shows counts by content" {
    # shellcheck disable=SC2016 # for the shell of the step
    printf '%s\n' 'FROM base AS tools' 'ARG T=1' "$(step t 'echo same >/tool; echo $T >/other')" \
        'FROM base' "$(step a 'cat /t' '--mount=from=tools,source=/tool,target=/t')" >context/Dockerfile
    build
    build --build-arg T=2
    ran a 1 t 2
    sed -i 's/echo same/echo new/' context/Dockerfile
    build
    ran a 2 t 3
}

@test "--no-cache and --no-cache-filter" {
    printf '%s\n' 'FROM base AS one' "$(step a true)" 'FROM base' "$(step b true)" 'COPY --from=one /etc/passwd /x' >context/Dockerfile
    build
    build --no-cache
    ran a 2 b 2
    build
    ran a 2 b 2
    build --no-cache-filter one
    ran a 3 b 2
    build --no-cache-filter ONE --no-cache-filter 1
    ran a 4 b 3
    build
    ran a 4 b 3
}

@test "a secret, an agent and a cache count by their names" {
    dockerfile "$(step a true '--mount=type=secret,id=s')"
    S=first build --secret id=s,env=S
    S=second build --secret id=s,env=S
    build
    ran a 1
    sed -i 's/id=s /id=other /' context/Dockerfile
    build
    ran a 2
}

@test "a failing step is not remembered" {
    dockerfile "$(step a '[ -e /count/again ] || { touch /count/again; exit 3; }')"
    fails 9 "exit code: 3" -- build
    build
    build
    ran a 2 again 0
}

@test "damaged and foreign records are dropped" {
    local first file
    dockerfile "$(step a 'date >/a')" "$(step b 'date >/b')"
    first=$(build)
    for file in "$LADE_CACHE"/steps/*; do
        printf X | dd of="$file" bs=1 seek=100 conv=notrunc status=none
    done
    build
    ran a 2 b 2
    for file in "$LADE_CACHE"/steps/*; do truncate -s 50 "$file"; done
    build
    ran a 3 b 3
    for file in "$LADE_CACHE"/steps/*; do : >"$file"; done
    rm -r "$LADE_CACHE"/unpacked
    build
    ran a 4 b 4
    for file in "$LADE_CACHE"/steps/*; do truncate -s 5M "$file"; done
    build
    ran a 5 b 5
}

@test "a layer that is gone is taken from its blob, and a blob that is gone is written again" {
    local first
    dockerfile "$(step a 'date >/a')" "$(step b 'date >/b')"
    first=$(build -t kept)
    rm -r "$LADE_STORE/blobs" "$LADE_STORE/index.json"
    lade build -q -t base "$world/base"
    same digests "$first" "$(build -t kept)"
    ran a 1 b 1
    rm -r "$LADE_CACHE/unpacked"
    same digests "$first" "$(build)"
    ran a 1 b 1
    rm -r "$LADE_CACHE/unpacked" "$LADE_STORE/blobs" "$LADE_STORE/index.json"
    lade build -q -t base "$world/base"
    build -t kept
    ran a 2 b 2
    lade verify kept
}

@test "another compression takes the same layers" {
    dockerfile "$(step a 'head -c 100000 /dev/urandom >/a')"
    build
    build --compression zstd
    build --compression uncompressed
    ran a 1
    same digests "$(build)" "$(build)"
}

@test "prune forgets steps whose layers it removes, and in the end all" {
    dockerfile "$(step a true)" "$(step b 'date >/b')"
    build
    lade prune --keep-storage 100mb
    build
    ran a 1 b 1
    lade prune
    same "records" "" "$(ls "$LADE_CACHE/steps")"
    build
    ran a 2 b 2
    rm -r "$LADE_CACHE/unpacked"
    lade prune --keep-storage 100mb
    same "records" 3 "$(find "$LADE_CACHE/steps" -type f | wc -l)" # of what changed nothing, and of the base
}

@test "two builds at once, and one that is killed" {
    local i first
    dockerfile "$(step a 'sleep 0.3; date >/a')" "$(step b 'sleep 0.3; date >/b')"
    for i in 1 2 3; do build >"out.$i" & done
    wait
    first=$(build)
    same digests "$first" "$(build)"
    for i in 0.1 0.3 0.5 0.7; do
        sed -i "s/sleep [0-9.]*/sleep $i/" context/Dockerfile
        as timeout -s KILL "$i" "$LADE_BIN" build -q context || true
        build >out.1
        same digests "$(cat out.1)" "$(build)"
    done
}

@test "the same step in two stages is run once, and the other takes it" {
    printf '%s\n' 'FROM base AS one' "$(step a 'sleep 0.3; date >/a')" 'FROM base AS two' "$(step a 'sleep 0.3; date >/a')" "$(step b true)" \
        'FROM base' 'COPY --from=one /a /1' 'COPY --from=two /a /2' "$(step c 'cmp /1 /2')" >context/Dockerfile
    build
    ran a 1 b 1 c 1
    sed -i 's/date >/sleep 0.3; exit 3 >/' context/Dockerfile
    fails 9 "exit code: 3" -- build
}

@test "a COPY --link is known whatever is below it" {
    # shellcheck disable=SC2016 # for the shell of the step
    printf '%s\n' 'FROM base AS one' 'RUN echo x >/file' 'FROM base' 'ARG A=1' 'RUN echo $A >/a' 'COPY --link --from=one /file /new' >context/Dockerfile
    build
    lade build --progress=plain --build-arg A=2 context 2>&1 | tee log
    same "CACHED" 2 "$(grep -c '^#[0-9]* CACHED$' log)"
    # One that has to look into the stage is not.
    sed -i 's/--link/--link --chown=root/' context/Dockerfile
    build
    lade build --progress=plain --build-arg A=3 context 2>&1 | tee log
    same "CACHED" 1 "$(grep -c '^#[0-9]* CACHED$' log)"
}
