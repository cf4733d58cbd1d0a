#!/usr/bin/env bats
# Caches for others when something breaks: the machine that writes one, its disk, the network; and builds that want less than the cache has.

load lib

setup_file() {
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true # faults are in the way of all
    registry_start plain
    faults_begin
    mkdir -p "$BATS_FILE_TMPDIR/bin"
    cp /bin/busybox "$BATS_FILE_TMPDIR/bin/busybox"
    for name in sh cat head; do ln -s busybox "$BATS_FILE_TMPDIR/bin/$name"; done
}
teardown_file() { servers_stop; }

setup() {
    fresh
    mkdir project
    cp -r "$BATS_FILE_TMPDIR/bin" project/bin
    echo one >project/file
    printf 'FROM scratch AS one\nCOPY bin /bin\nRUN echo made > /made\nFROM scratch\nCOPY bin /bin\nCOPY --from=one /made /made\nCOPY file /file\nRUN cat /file /made > /both\n' \
        >project/Dockerfile
    machine 1
}

# machine NAME: from now on another machine: nothing is there.
machine() {
    export HOME=$BATS_TEST_TMPDIR/$1
    export LADE_STORE=$HOME/store LADE_CACHE=$HOME/cache XDG_RUNTIME_DIR=$HOME
    mkdir -p "$HOME"
}

# build [OPTION]…: the digest; what happened is in log.
build() {
    lade build --progress plain -t app --iidfile iid --metadata-file meta "$@" project >out 2>log || { cat log >&2; return 1; }
    cat iid
}
# How many steps were taken from a cache, and that no cache was left aside.
taken() {
    ! grep warning log >&2 || return 1
    jq '.["lade.cache"].cached' meta
}
# The first build is known to whoever reads the cache, all of it.
whole() {
    machine "reader-$1"
    echo one >project/file
    same digests "$(build --cache-from "$2" --complete)" "$one"
    same taken "$(taken)" 3
    lade verify app
}

@test "a build that is killed while it writes a cache to a directory leaves the one that was there, or its own" {
    one=$(build --cache-to type=local,dest=c,mode=max)
    for i in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
        machine 1
        head -c 3000000 /dev/urandom >project/file
        build >/dev/null
        timeout -s KILL "$i" lade build -q --cache-to type=local,dest=c,mode=max project >/dev/null || true
        lade verify oci:c
        machine "other-$i"
        build --cache-from type=local,src=c >/dev/null
        [ "$(taken)" -ge 2 ]
    done
    machine 1
    echo one >project/file
    build --cache-to type=local,dest=c,mode=max >/dev/null
    whole end type=local,src=c
}

@test "a build that is killed while it writes a cache to a registry leaves the one that was there" {
    local i=0 rule
    one=$(build --cache-to "type=registry,ref=$REGISTRY_PLAIN/killed:cache,mode=max")
    for rule in 'POST /uploads/ * stall-before=60' 'PUT /uploads/ * stall-before=60' 'PATCH|PUT /uploads/ * stall-up=60' \
        'PUT /manifests/ * stall-before=60' 'PUT /manifests/ * stall-up=60'; do
        i=$((i + 1))
        fault_start "kill$i" "$REGISTRY_PLAIN" "$rule"
        at=FAULT_KILL$i
        machine 1
        head -c 300000 /dev/urandom >project/file
        timeout -s KILL 4 lade build -q --cache-to "type=registry,ref=${!at}/killed:cache,mode=max" project >/dev/null && return 1
        whole "$i" "$REGISTRY_PLAIN/killed:cache"
    done
}

@test "a directory that is full keeps the cache that was there, and the build its image" {
    local digest
    [ "$(id -u)" = 0 ] || skip "needs root, to mount"
    mkdir full
    mount -t tmpfs -o size=4m tmpfs full || skip "cannot mount"
    one=$(build --cache-to type=local,dest=full/c,mode=max) || { umount full; return 1; }
    head -c 6000000 /dev/urandom >project/file
    digest=$(build)
    run build --cache-to type=local,dest=full/c,mode=max
    same digests "$output" "$digest"
    grep 'warning: cache to full/c:latest: .*No space left on device.*the image is not affected' log
    run -10 lade build -q --cache-to type=local,dest=full/c,mode=max,ignore-error=false project
    cp -r full/c copy
    umount full
    [ -z "$(find copy/blobs -size +2000k)" ] # nothing half written
    whole full type=local,src=copy
}

@test "no network: a warning, and the build goes on" {
    local begin=$SECONDS place
    one=$(build)
    for place in 127.0.0.1:1/a:c cache.invalid/a:c "type=s3,bucket=b,region=r,endpoint_url=http://127.0.0.1:1" type=gha; do
        machine "${place//\//-}"
        same digests "$(AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b ACTIONS_RESULTS_URL=http://127.0.0.1:1/ ACTIONS_RUNTIME_TOKEN=t \
            build --cache-from "$place" --cache-to "$place")" "$one"
        grep 'warning: cache from .* is not used' log
        grep 'warning: cache to .*; the image is not affected' log
    done
    [ $((SECONDS - begin)) -lt 90 ]
}

@test "--target, --no-cache-filter and --platform with a cache of others" {
    local from=type=local,src=c
    one=$(build --cache-to type=local,dest=c,mode=max)
    machine target
    build --target one --cache-from $from >/dev/null
    same taken "$(taken)" 1
    machine filter
    same digests "$(build --no-cache-filter one --cache-from $from)" "$one"
    same taken "$(taken)" 2
    grep -q 'RUN echo made' log
    machine other
    build --platform "linux/$([ "$(uname -m)" = aarch64 ] && echo amd64 || echo arm64)" --target one --cache-from $from >/dev/null || true
    ! grep CACHED log || false
    # What only one of the stages made is no cache of the other.
    machine min
    build --target one --cache-to type=local,dest=min >/dev/null
    machine min2
    same digests "$(build --cache-from type=local,src=min)" "$one"
    same taken "$(taken)" 1
}
