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
    lade copy -q oci:lies:latest "docker://$REGISTRY_PLAIN/index:lies"
    machine third
    lade build --progress plain --iidfile iid --cache-from "$REGISTRY_PLAIN/index:lies" c 2>log
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

digest_of_layout() { sed 's/.*"digest":"\([^"]*\)".*/\1/' "$1/index.json"; }

# The cache in lies, of c, says that its command made another layer; it is in the registry, too.
lie_of_run() {
    mkdir -p c other
    printf 'FROM %s\nRUN echo good > /made\n' "$BASE" >c/Dockerfile
    printf 'FROM scratch\nCOPY made /\n' >other/Dockerfile
    echo evil >other/made
    lade build -q -t other --cache-to type=local,dest=evil other
    lade build -q -t a --cache-to type=local,dest=lies c
    "$BATS_TEST_DIRNAME/cache_lie.py" lies --blob evil
    lade copy -q oci:lies:latest "docker://$REGISTRY_PLAIN/runs:lies"
}

@test "a blob that is not the layer of which a cache tells is not taken" {
    lie_of_run
    one=$(lade build -q c)
    machine copied
    for from in type=local,src=lies "$REGISTRY_PLAIN/runs:lies"; do
        lade build --progress plain --iidfile iid -t a --cache-from "$from" c 2>log
        same digests "$(cat iid)" "$one"
        grep -q 'warning: cache from .*: layer .*its plain bytes' log
        lade verify a
        rm -r "$LADE_CACHE" # and nothing is known of the blob, which is here
    done
}

@test "a layer in a registry that is not what a cache says of it is noticed when it is read" {
    lie_of_run
    {
        cat c/Dockerfile
        echo 'RUN cat /made > /read'
    } >c/above
    {
        sed 's/^FROM.*/& AS one/' c/Dockerfile
        printf 'FROM scratch\nCOPY --from=one /made /copied\n'
    } >c/copied
    for of in "Dockerfile made -t a" "above read" "copied copied" "Dockerfile made --complete"; do
        # shellcheck disable=SC2086
        set -- $of
        machine "read-$1-${*:3}"
        lade build --progress plain -f "c/$1" "${@:3}" -o "type=local,dest=out-$1" --cache-from "$REGISTRY_PLAIN/runs:lies" c 2>log
        grep 'once more, without caches of others' log
        same "what was read" "$(cat "out-$1/$2")" good
    done
}

@test "annotations that a cache tells of come into no image" {
    mkdir c
    printf 'FROM %s\nRUN echo good > /made\n' "$BASE" >c/Dockerfile
    one=$(lade build -q -t a --cache-to type=local,dest=lies c)
    "$BATS_TEST_DIRNAME/cache_lie.py" lies --annotate org.opencontainers.image.ref.name
    machine other
    same digests "$(lade build -q -t a --cache-from type=local,src=lies c)" "$one"
}

@test "what is known here is told to other caches, and not what a cache said of it" {
    mkdir c
    printf 'FROM %s\nCOPY --from=%s /etc/conf /copied\nRUN echo > /made\n' "$BASE" "$BASE" >c/Dockerfile
    lade build -q -t a --cache-to type=local,dest=true c
    cp -r true lies
    "$BATS_TEST_DIRNAME/cache_lie.py" lies conf cone
    lade build -q -t a --cache-from type=local,src=lies --cache-to type=local,dest=next c
    same caches "$(digest_of_layout next)" "$(digest_of_layout true)"
}
