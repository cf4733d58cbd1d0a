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

# From now on another machine: nothing is there.
machine() { export LADE_CACHE=$HOME/$1/cache LADE_STORE=$HOME/$1/store; }

@test "what was made of files that only a cache tells of is not kept for other builds" {
    mkdir c
    printf 'FROM %s\nCOPY --from=%s /etc/conf /copied\n' "$BASE" "$BASE" >c/Dockerfile
    lade build -q -t a --cache-to type=local,dest=lies c
    "$BATS_TEST_DIRNAME/cache_lie.py" lies conf cone
    # A file that is not there.
    sed -i 's,/etc/conf,/etc/cone,' c/Dockerfile
    machine other
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

@test "what a cache says of a layer, or how it is, ends no build" {
    mkdir c
    printf 'FROM %s\nCOPY --from=%s /etc/conf /copied\n' "$BASE" "$BASE" >c/Dockerfile
    one=$(lade build -q -t a --cache-to type=local,dest=lies c)
    "$BATS_TEST_DIRNAME/cache_lie.py" lies conf cone
    machine other
    lade build --progress plain --iidfile iid --cache-from type=local,src=lies c 2>log
    same digests "$(cat iid)" "$one"
    grep -q 'once more, without caches of others' log
    echo file >lies/oci-layout
    echo file >file
    mkdir nothing
    for place in lies file nothing; do
        lade build --progress plain --iidfile iid --cache-from type=local,src=$place c 2>log
        same digests "$(cat iid)" "$one"
        grep -q "cache from $place:latest is not used" log
    done
}

@test "keys and values of --cache-to are those of buildx" {
    mkdir c
    printf 'FROM scratch\nCOPY Dockerfile /\n' >c/Dockerfile
    to=type=local,dest=dir
    fails 2 compression "found \"lzma\"" -- lade build -q --cache-to "$to,compression=lzma" c
    fails 2 compression-level -- lade build -q --cache-to "$to,compression-level=high" c
    fails 2 oci-mediatypes "true or false" -- lade build -q --cache-to "$to,oci-mediatypes=maybe" c
    lade build -q --cache-to "Type=local,DEST=dir,ignore-error=True,compression=zstd,compression-level=3,force-compression=t,image-manifest=0" c
    [ -e dir/index.json ]
}

@test "what a cache says is the blob of known files is not believed" {
    mkdir c other
    echo good >c/file
    echo evil >other/file
    printf 'FROM scratch\nCOPY file /\n' | tee c/Dockerfile other/Dockerfile >/dev/null
    to=type=registry,ref=$REGISTRY_PLAIN/files:cache
    one=$(lade build -q -t "$REGISTRY_PLAIN/files:1" --push --cache-to "$to" c)
    lade build -q -t "$REGISTRY_PLAIN/files:evil" --push --cache-to type=local,dest=evil other
    lade build -q -t a --cache-to type=local,dest=lies c
    "$BATS_TEST_DIRNAME/cache_lie.py" lies --blob evil
    lade copy -q oci:lies:latest "docker://$REGISTRY_PLAIN/files:lies"
    for from in type=local,src=lies "$REGISTRY_PLAIN/files:lies" "$to"; do
        machine "${from//\//-}"
        same digests "$(lade build -q -t "$REGISTRY_PLAIN/files:2" --push --cache-from "$from" c)" "$one"
        lade verify "$REGISTRY_PLAIN/files:2"
    done
}
