#!/usr/bin/env bats
# What a cache of others only claims is no business of builds that do not name it.

load lib

setup_file() {
    registry_start plain
    export BASE=$REGISTRY_PLAIN/base:1
    local dir=$BATS_FILE_TMPDIR/base name
    mkdir -p "$dir/bin" "$dir/etc" "$dir/tmp"
    cp /bin/busybox "$dir/bin/busybox"
    for name in sh cat cp mkdir echo ls; do ln -s busybox "$dir/bin/$name"; done
    echo true >"$dir/etc/conf"
    printf 'FROM scratch\nCOPY . /\n' >"$BATS_FILE_TMPDIR/Dockerfile"
    LADE_STORE=$BATS_FILE_TMPDIR/store LADE_CACHE=$BATS_FILE_TMPDIR/cache \
        lade build -q -f "$BATS_FILE_TMPDIR/Dockerfile" -t "$BASE" --push "$dir"
}
teardown_file() { servers_stop; }
setup() { fresh; }

@test "what was made of files that only a cache tells of is not kept for other builds" {
    mkdir c
    printf 'FROM %s\nCOPY --from=%s /etc/conf /copied\n' "$BASE" "$BASE" >c/Dockerfile
    lade build -q -t a --cache-to type=local,dest=lies c
    "$BATS_TEST_DIRNAME/cache_lie.py" lies conf cone
    # A file that is not there.
    sed -i 's,/etc/conf,/etc/cone,' c/Dockerfile
    export LADE_CACHE=$HOME/other LADE_STORE=$HOME/store
    lade build -q -t a --cache-from type=local,src=lies c
    fails 4 "/etc/cone" -- lade build -q -t a c
    sed -i 's,/etc/cone,/etc/conf,' c/Dockerfile
    lade build -q -t a c
    lade build -q -o type=local,dest=out c
    same "what was copied" "$(cat out/copied)" true
}

@test "a cache mount begins as what it is from, and a step with another one is another step" {
    mkdir c
    for word in one two; do
        cat >c/Dockerfile <<EOF
FROM $BASE AS seed
RUN mkdir /x; echo $word > /x/f
FROM $BASE
RUN --mount=type=cache,id=q,from=seed,source=/x,target=/c cat /c/f > /out
EOF
        lade build -q -o type=local,dest=$word c
        same "what the mount showed" "$(cat $word/out)" $word
    done
}
