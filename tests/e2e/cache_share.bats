#!/usr/bin/env bats
# A cache that machines share: --cache-to and --cache-from.

load lib

setup_file() {
    # What the registry sends is counted.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start plain
    registry_start other
    faults_begin
    export BASE=$REGISTRY_PLAIN/base:1
    base_push
}
teardown_file() { servers_stop; }

# A base of one static program.
base_push() {
    local dir=$BATS_FILE_TMPDIR/base name
    mkdir -p "$dir/bin" "$dir/etc" "$dir/tmp"
    cp /bin/busybox "$dir/bin/busybox"
    for name in sh cat cp mkdir echo ls; do ln -s busybox "$dir/bin/$name"; done
    echo root:x:0:0:root:/root:/bin/sh >"$dir/etc/passwd"
    echo root:x:0: >"$dir/etc/group"
    printf 'FROM scratch\nCOPY . /\n' >"$BATS_FILE_TMPDIR/Dockerfile"
    LADE_STORE=$BATS_FILE_TMPDIR/store LADE_CACHE=$BATS_FILE_TMPDIR/cache \
        lade build -q -f "$BATS_FILE_TMPDIR/Dockerfile" -t "$BASE" --push "$dir"
}

setup() {
    fresh
    remote=$REGISTRY_PLAIN/c$BATS_TEST_NUMBER
    project
    machine 1
}

# machine NAME: from now on another machine: nothing is there.
machine() {
    export HOME=$BATS_TEST_TMPDIR/$1
    export LADE_STORE=$HOME/store LADE_CACHE=$HOME/cache XDG_RUNTIME_DIR=$HOME
    mkdir -p "$HOME"
}

# Two stages with RUN, COPY, ARG, a mount, a user that a command makes.
project() {
    mkdir -p project/d
    echo source >project/main
    echo manual >project/doc
    echo x >project/d/x
    cat >project/Dockerfile <<EOF
FROM $BASE AS build
ARG VERSION=1
WORKDIR /src
COPY main .
RUN --mount=type=bind,target=/ctx,source=d echo "compile \$VERSION" > out && cat main /ctx/x >> out
FROM $BASE
RUN echo "app:x:100:100:app:/:/bin/sh" >> /etc/passwd; echo installed > /installed
COPY --chown=app doc /doc
COPY --from=build /src/out /out
USER app
RUN --mount=type=bind,from=build,source=/src,target=/from cat /from/out > /tmp-out || echo cannot
CMD ["/bin/cat", "/out"]
EOF
}

# build TAG [OPTION]…: the digest; what happened is in log, steps that ran in ran.
build() {
    local tag=$1
    shift
    lade build --progress plain -t "$remote:$tag" --iidfile iid --metadata-file meta "$@" project >out 2>log || { cat log; return 1; }
    sed -n 's/^#\([0-9]*\) \[.*\] \(RUN\|COPY --from\).*/\1/p' log | while read -r id; do
        grep -q "^#$id CACHED" log || sed -n "s/^#$id \[[^]]*\] //p" log
    done | sort -u | sed 's/^\(RUN\|COPY --from\).*/\1/' | uniq -c | sed 's/^ *//' >ran
    cat iid
}
cache() { echo "type=registry,ref=$remote:cache"; }
cache_digest() { curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://${remote%%/*}/v2/${remote#*/}/manifests/cache" | sha256sum; }
moved() { jq -s '[.[] | select(."http.request.method" == "GET") | ."http.response.written" // 0] | add // 0' <(grep '"http.response.written"' "$REGISTRY_PLAIN_LOG" | tail -n "+$1"); }

@test "another machine runs nothing, moves next to nothing, and makes the same image" {
    one=$(build 1 --push --cache-to "$(cache)")
    [ "$(cat ran)" = "$(printf '1 COPY --from\n3 RUN')" ]
    before=$(cache_digest)
    cp -r project elsewhere
    rm -rf project
    mv elsewhere project
    find project -exec touch -d 2001-02-03 {} +
    machine 2
    answers=$(grep -c '"http.response.written"' "$REGISTRY_PLAIN_LOG")
    two=$(umask 077 && TZ=Asia/Tokyo LC_ALL=C build 2 --push --cache-from "$(cache)" --cache-to "$(cache)")
    same digests "$two" "$one"
    [ ! -s ran ]
    same "steps" "$(jq -r '.["lade.cache"] | "\(.steps) \(.cached)"' meta)" "7 4"
    same "the cache" "$(cache_digest)" "$before"
    [ "$(moved $((answers + 1)))" -lt 20000 ]
    same "blobs sent" "$(jq '.["lade.published"][0].blobs.sent' meta)" 0
    skopeo copy -q --src-tls-verify=false "docker://$remote:2" oci:whole:1
    "$support/sound" whole --complete
}

@test "what changes is run again, and what does not depend on it is not" {
    build 1 --push --cache-to "$(cache)" >/dev/null
    machine 2
    echo changed >project/main
    build 2 --push --cache-from "$(cache)" >/dev/null
    same "after a source" "$(cat ran)" "$(printf '1 COPY --from\n2 RUN')"
    project
    machine 3
    build 3 --push --cache-from "$(cache)" --build-arg VERSION=2 >/dev/null
    same "after an ARG" "$(cat ran)" "$(printf '1 COPY --from\n2 RUN')"
    machine 4
    echo y >project/d/x
    build 4 --push --cache-from "$(cache)" >/dev/null
    same "after a mount" "$(cat ran)" "$(printf '1 COPY --from\n2 RUN')"
    project
    machine 5
    echo changed >project/doc
    build 5 --push --cache-from "$(cache)" >/dev/null
    same "after a file of the last stage" "$(cat ran)" "$(printf '1 COPY --from\n2 RUN')"
}

@test "with mode=max a stage's files are taken, not made again" {
    build 1 --push --cache-to "$(cache),mode=max" >/dev/null
    machine 2
    sed -i 's,^COPY --from=build /src/out /out,COPY --from=build /src/out /other,; /from=build,source/d' project/Dockerfile
    build 2 --push --cache-from "$(cache)" >/dev/null
    same "what ran" "$(cat ran)" "1 COPY --from"
    ! grep -q 'once more' log || false
}

@test "an image made with a cache is the one that is made without" {
    build 1 --push --cache-to "$(cache)" >/dev/null
    sed -i 's,^COPY --from=build /src/out /out,COPY --from=build /src/out /other,' project/Dockerfile
    machine 2
    with=$(build 2 --cache-from "$(cache)")
    grep -q 'once more' log
    machine 3
    same digests "$(build 3)" "$with"
}

@test "a cache in a directory, and one in the image" {
    one=$(build 1 --cache-to type=local,dest=dir --cache-to type=inline --push)
    for blob in dir/blobs/sha256/*; do
        same "a blob and its name" "$(sha256sum <"$blob" | cut -d ' ' -f 1)" "$(basename "$blob")"
    done
    machine 2
    same digests "$(build 2 --cache-from type=local,src=dir --build-arg BUILDKIT_INLINE_CACHE=1)" "$one"
    [ ! -s ran ]
    lade verify "$remote:2"
    machine 3
    same digests "$(build 3 --cache-from "$remote:1" --cache-to type=inline)" "$one"
    same "what was begun: what a mount shows of a stage is not in the image" "$(cat ran)" "2 RUN"
    skopeo inspect --config --raw --tls-verify=false "docker://$remote:1" | jq -e '."lade.cache"'
}

@test "several caches: the first that knows a step counts; those that are not there are told of" {
    build 1 --cache-to "type=registry,ref=$REGISTRY_OTHER/else:cache" --push >/dev/null
    machine 2
    build 2 --cache-from "$(cache)" --cache-from type=local,src=nowhere --cache-from "type=registry,ref=$REGISTRY_OTHER/else:cache" >/dev/null
    [ ! -s ran ]
    grep -q "cache from $remote:cache: there is nothing yet" log
    grep -q "cache from nowhere:latest: there is nothing yet" log
}

@test "a cache that cannot be written is a warning, unless it must be" {
    build 1 --push --tries 1 --cache-to type=registry,ref=127.0.0.1:1/x:cache >/dev/null
    grep -q 'warning: cache to 127.0.0.1:1/x:cache.*the image is not affected' log
    jq -e '.["lade.cache"].exported[0].error' meta
    fails 7 "cache to 127.0.0.1:1/x:cache" -- \
        lade build -q --tries 1 -t "$remote:2" --cache-to type=registry,ref=127.0.0.1:1/x:cache,ignore-error=false project
}

@test "a damaged, cut, foreign or hostile cache costs time only" {
    one=$(build 1 --push --cache-to type=local,dest=good)
    records=$(jq -r .config.digest "good/blobs/sha256/$(jq -r '.manifests[0].digest' good/index.json | cut -d: -f2)" | cut -d: -f2)
    for how in flip cut text; do
        machine "$how"
        rm -rf bad
        cp -r good bad
        chmod -R u+w bad
        case $how in
        flip) printf x | dd of="bad/blobs/sha256/$records" bs=1 seek=200 conv=notrunc status=none ;;
        cut) truncate -s 100 "bad/blobs/sha256/$records" ;;
        text) echo nothing >"bad/blobs/sha256/$records" ;;
        esac
        same digests "$(build 2 --cache-from type=local,src=bad)" "$one"
        grep -q 'warning: cache from bad:latest is not used' log
        same "what ran" "$(cat ran)" "$(printf '1 COPY --from\n3 RUN')"
    done
    machine foreign
    lade copy -q "docker://$BASE" oci:foreign:latest
    same digests "$(build 2 --cache-from type=local,src=foreign)" "$one"
    grep -q 'it is an image without a cache in it' log
}

@test "a directory that is read is reset too, and nobody waits for himself" {
    local both=(--cache-from "type=local,src=dir" --cache-to "type=local,dest=dir,mode=max,reset=true") one
    one=$(build 1 "${both[@]}")
    before=$(find dir/blobs -type f | wc -l)
    echo other >>project/doc
    run timeout 60 bash -c 'lade build -q "$@"' - "${both[@]}" --build-arg VERSION=2 project
    [ "$status" -eq 0 ]
    same blobs "$before" "$(find dir/blobs -type f | wc -l)"
    [ "$output" != "$one" ]
}

@test "what may stand in --cache-from and --cache-to" {
    fails 2 "--cache-to" 'unknown key "mod"' -- lade build -q --cache-to "$(cache),mod=max" project
    fails 2 "--cache-to" 'unknown key "reset"' -- lade build -q --cache-to "$(cache),reset=true" project
    fails 2 'unknown key "tag" with type=registry' -- lade build -q --cache-to "$(cache),tag=1" project
    fails 2 'unknown key "ref" with type=local' -- lade build -q --cache-to type=local,dest=c,ref=x project
    fails 2 'unknown key "dest" with type=inline' -- lade build -q --cache-to type=inline,dest=x project
    fails 2 'unknown key "digest" with type=local' -- lade build -q --cache-to type=local,dest=c,digest=sha256:zz project
    fails 2 'digest: expected sha256: and 64 hexadecimal digits, found "sha256:zz"' -- lade build -q --cache-from type=local,src=c,digest=sha256:zz project
    fails 2 "found \"127.0.0.1:1/a\"" -- lade build -q --cache-from "127.0.0.1:1/a,type=local,src=c" project
    fails 2 "min or max" -- lade build -q --cache-to "$(cache),mode=all" project
    fails 2 "--cache-from" "ref is missing" -- lade build -q --cache-from type=registry project
    fails 2 "src, a directory, is missing" -- lade build -q --cache-from type=local project
    fails 2 "type=inline is for --cache-to" -- lade build -q --cache-from type=inline project
    fails 2 "type is missing" -- lade build -q --cache-from ref=x project
    fails 11 "caches of type azblob are not supported" -- lade build -q --cache-to type=azblob project
}

@test "references of caches by commas; what is about writing may stand beside what is read" {
    build 1 --push --cache-to "$(cache),type=registry" >/dev/null
    machine 2
    build 2 --cache-from "" --cache-from "$remote:none,$remote:cache" >/dev/null
    [ ! -s ran ]
    machine 3
    build 3 --cache-from "$(cache),mode=max,ignore-error=true,image-manifest=true,compression=zstd" --cache-to type=inline,mode=max >/dev/null
    [ ! -s ran ]
    machine 4
    build 4 --cache-from type=local,src=none --cache-to "$remote:a,$remote:b" >/dev/null
    lade inspect "docker://$remote:b" >/dev/null
}

@test "--no-cache takes nothing from caches" {
    build 1 --push --cache-to "$(cache)" >/dev/null
    machine 2
    build 2 --no-cache --cache-from "$(cache)" >/dev/null
    same "what ran" "$(cat ran)" "$(printf '1 COPY --from\n3 RUN')"
}

# explained: what --explain-cache said of the steps that were run.
explained() { sed -n 's/^cache: \[\([^]]*\)\] \(RUN\|COPY\).*: run, because: \(.*\)/\1 \2: \3/p' log | sed 's/  */ /g'; }

@test "--explain-cache names what changed: a file, an ARG, a mount, a command, the base" {
    build 1 --push --cache-to "$(cache)" --explain-cache >/dev/null
    grep -q 'RUN.*: run, because: no cache knows a step like it' log
    machine 2
    build 2 --cache-from "$(cache)" --explain-cache >/dev/null
    same "nothing run" "$(explained)" ""
    [ "$(grep -c "^cache: .*taken from $remote:cache" log)" -eq 4 ]
    machine 3
    echo changed >project/main
    build 3 --cache-from "$(cache)" --explain-cache >/dev/null
    explained | grep "^build 4/4 RUN: src/main: content [0-9a-f]\{12\} → [0-9a-f]\{12\} (compared with $remote:cache)"
    project
    machine mode
    chmod 755 project/main
    build 3 --cache-from "$(cache)" --explain-cache >/dev/null
    explained | grep "^build 4/4 RUN: src/main: mode 0644 → 0755"
    project
    chmod 644 project/main
    machine 4
    build 4 --cache-from "$(cache)" --explain-cache --build-arg VERSION=2 >/dev/null
    explained | grep "^build 4/4 RUN: VERSION has another value"
    echo y >project/d/x
    machine 5
    build 5 --cache-from "$(cache)" --explain-cache >/dev/null
    explained | grep "^build 4/4 RUN: mount /ctx: x: content [0-9a-f]\{12\} → [0-9a-f]\{12\}"
    project
    sed -i 's/echo installed/echo done/' project/Dockerfile
    machine 6
    build 6 --cache-from "$(cache)" --explain-cache >/dev/null
    explained | grep "^stage-1 2/5 RUN: the command is another one"
    project
    printf 'FROM %s\nCOPY doc /more\n' "$BASE" >Dockerfile.base
    lade build -q -t "$REGISTRY_PLAIN/base:2" --push -f Dockerfile.base project
    sed -i "s,^FROM .*base:1\$,FROM $REGISTRY_PLAIN/base:2," project/Dockerfile
    machine 7
    build 7 --cache-from "$(cache)" --explain-cache >/dev/null
    explained | grep "^stage-1 2/5 RUN: the base image is another one: $REGISTRY_PLAIN/base:1 sha256:[0-9a-f]* → $REGISTRY_PLAIN/base:2 sha256:"
    jq -e '[.["lade.cache"].explained[] | select(.outcome == "run") | .differs[].kind] | index("base")' meta
}

@test "--explain-cache works with this machine's own cache" {
    build 1 --explain-cache >/dev/null
    build 1 --explain-cache >/dev/null
    [ "$(grep -c '^cache: .*taken from this machine' log)" -eq 4 ]
    echo changed >project/main
    build 1 --explain-cache >/dev/null
    explained | grep "^build 4/4 RUN: src/main: content [0-9a-f]\{12\} → [0-9a-f]\{12\} (compared with this machine)"
    build 1 --explain-cache --no-cache >/dev/null
    explained | grep "^build 4/4 RUN: caches are not to be used for it"
}

@test "a registry that misbehaves under import costs time only" {
    one=$(build 1 --push --cache-to "$(cache),mode=max")
    cp -r project original
    number=0
    while read -r fault; do
        number=$((number + 1))
        eval "set -- $fault"
        fault_start "import$number" "$REGISTRY_PLAIN" "$@"
        place=FAULT_IMPORT$number
        machine "import$number"
        cp original/* project/ 2>/dev/null || cp -r original/. project
        same "digest with $fault" "$(build 2 --tries 2 --retry-budget 2s --cache-from "type=registry,ref=${!place}/${remote#*/}:cache")" "$one"
        # Another command on top of what the cache has: its layers have to be fetched.
        sed -i 's/echo fine/echo fine too/; s,^CMD,RUN ls /installed\nCMD,' project/Dockerfile
        two=$(build 3 --tries 2 --retry-budget 2s --cache-from "type=registry,ref=${!place}/${remote#*/}:cache")
        machine "plain$number"
        same "another step with $fault" "$two" "$(build 3)"
    done <<'END'
'* /manifests/cache * status=500'
'GET /blobs/ * status=404'
'GET /blobs/ * cut=20'
'GET /blobs/ * flip=1'
'GET /blobs/ @2- status=404'
'GET /blobs/ @3- status=403'
'HEAD /blobs/ * status=404'
'HEAD /blobs/ * status=500'
'* .* 20% status=503'
END
}

@test "a registry that misbehaves under export is a warning, and what stands there stays whole" {
    one=$(build 1 --push --cache-to "$(cache)")
    before=$(cache_digest)
    number=0
    while read -r fault; do
        number=$((number + 1))
        eval "set -- $fault"
        fault_start "export$number" "$REGISTRY_PLAIN" "$@"
        place=FAULT_EXPORT$number
        echo "$number" >project/main
        build 2 --push --tries 2 --retry-budget 2s --cache-to "type=registry,ref=${!place}/${remote#*/}:cache" >/dev/null
        grep -q 'warning: cache to .*the image is not affected' log
        same "the cache after $fault" "$(cache_digest)" "$before"
    done <<'END'
'PUT /manifests/ * status=500'
'POST /uploads/ * status=503'
'PATCH .* * cut-up=10'
'PUT /blobs/ * status=403'
END
}

@test "two builds that write to one reference at once leave a whole cache" {
    cp -r project second
    echo other >second/main
    (machine a && lade build -q -t a --cache-to "$(cache)" project >/dev/null) &
    (machine b && lade build -q -t b --cache-to "$(cache)" second >/dev/null) &
    wait
    machine c
    build 1 --cache-from "$(cache)" >/dev/null
    first=$(wc -l <ran)
    rm -rf project
    mv second project
    machine d
    build 2 --cache-from "$(cache)" >/dev/null
    second=$(wc -l <ran)
    [ "$first" -eq 0 ] || [ "$second" -eq 0 ]
}
