#!/usr/bin/env bats
# A build whose whole input is known: nothing is run, read or sent, and as little as can be is asked for.

load lib

setup_file() {
    # Requests are counted.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start plain
    registry_start other
    export BASE=$REGISTRY_PLAIN/base:1
    base_push
}
teardown_file() { servers_stop; }

# A base of one static program.
base_push() {
    local dir=$BATS_FILE_TMPDIR/base
    mkdir -p "$dir/bin" "$dir/tmp"
    cp /bin/busybox "$dir/bin/busybox"
    ln -s busybox "$dir/bin/sh"
    printf 'FROM scratch\nCOPY . /\n' >"$BATS_FILE_TMPDIR/Dockerfile"
    LADE_STORE=$BATS_FILE_TMPDIR/store LADE_CACHE=$BATS_FILE_TMPDIR/cache \
        lade build -q -f "$BATS_FILE_TMPDIR/Dockerfile" -t "$BASE" --push "$dir"
}

setup() {
    fresh
    repository=known/$BATS_TEST_NUMBER
    remote=$REGISTRY_PLAIN/$repository
    mkdir project
    echo source >project/main
    echo manual >project/doc
    dockerfile "$BASE"
    machine 1
}

dockerfile() {
    printf '%s\n' "FROM $1 AS build" 'COPY main /src/' 'RUN echo made > /src/out' "FROM $1" 'COPY doc /doc' \
        'COPY --from=build /src/out /out' 'RUN echo done > /done' >project/Dockerfile
}

# machine NAME: from now on another machine: nothing is there.
machine() {
    export HOME=$BATS_TEST_TMPDIR/$1
    export LADE_STORE=$HOME/store LADE_CACHE=$HOME/cache XDG_RUNTIME_DIR=$HOME
    mkdir -p "$HOME"
}

cache() { echo "type=registry,ref=$remote:cache"; }

# build TAG [OPTION]…: builds and pushes; then `asked` has the requests, but for the greeting of the registry.
build() {
    local tag=$1 before
    shift
    before=$(requests_list "$REGISTRY_PLAIN_LOG" | wc -l)
    lade build --progress plain -t "$remote:$tag" --push --iidfile iid --metadata-file meta "$@" project >out 2>log || { cat log; return 1; }
    requests_list "$REGISTRY_PLAIN_LOG" | tail -n "+$((before + 1))" | sed -E '/^GET \/v2\/ /d; s/ [0-9]+$//' >asked
}

# asked LINE…: these were all requests of the last build, in this order.
asked() {
    diff <(printf '%s\n' "$@" | sed "s,@,/v2/$repository/,") asked
}

# layer_file REF: where the registry keeps the last layer of the image.
layer_file() {
    local digest
    digest=$(skopeo inspect --raw --tls-verify=false "docker://$1" | jq -r '.layers[-1].digest' | cut -d: -f2)
    echo "$REGISTRY_PLAIN_DATA/docker/registry/v2/blobs/sha256/${digest:0:2}/$digest/data"
}

whole() {
    rm -rf whole
    skopeo copy -q --src-tls-verify=false "docker://$1" oci:whole:1
    "$support/sound" whole --complete
}

@test "pushed to a tag that names it: one look at the base, one at the tag" {
    build 1
    same "known at first" "$(jq -c '[."lade.cache".known, ."lade.published"[0].known]' meta)" "[false,false]"
    run ! grep -q 'all of it was known' log
    build 1
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/1 200'
    same "known then" "$(jq -c '[."lade.cache".known, ."lade.published"[0].known]' meta)" "[true,true]"
    same "sent" "$(jq -c '."lade.published"[0] | [.blobs.sent, .bytes]' meta)" "[0,0]"
    grep -q 'all of it was known: nothing was run or made, and the image was there' log
}

@test "without a name in FROM, one look is all" {
    printf '%s\n' 'FROM scratch' 'COPY . /' >project/Dockerfile
    build 1
    build 1
    asked 'HEAD @manifests/1 200'
}

@test "a base with a digest is not looked at again" {
    dockerfile "$BASE@sha256:$(skopeo inspect --raw --tls-verify=false "docker://$BASE" | sha256sum | cut -d ' ' -f 1)"
    build 1
    build 1
    asked 'HEAD @manifests/1 200'
}

@test "a base with a digest is looked at in another repository, and where nobody is to be asked it is not found" {
    local digest
    digest=sha256:$(skopeo inspect --raw --tls-verify=false "docker://$BASE" | sha256sum | cut -d ' ' -f 1)
    dockerfile "$BASE@$digest"
    build 1
    dockerfile "$REGISTRY_PLAIN/none@$digest"
    fails 4 "none@$digest" -- lade build -q project
    dockerfile "$BASE@$digest"
    lade copy -q "$remote:1" "docker://$REGISTRY_OTHER/$repository:1"
    whole "$REGISTRY_OTHER/$repository:1"
    mkdir -p "$XDG_CONFIG_HOME/lade"
    echo "{\"registries\": {\"$REGISTRY_PLAIN\": {\"blocked\": true}}}" >"$XDG_CONFIG_HOME/lade/config.json"
    fails 5 "is blocked" -- lade build -q project
}

@test "another tag is set without asking for a blob" {
    build 1
    build 2
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/2 404' "HEAD @manifests/$(cat iid) 200" 'PUT @manifests/2 201' 'HEAD @manifests/2 200'
    same "published" "$(jq -c '."lade.published"[0] | [.known, .blobs.sent]' meta)" "[true,0]"
    whole "$remote:2"
    # It names another image.
    echo other >project/doc
    build 1
    echo manual >project/doc
    build 1
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/1 200' "HEAD @manifests/$(cat iid) 200" 'PUT @manifests/1 201' 'HEAD @manifests/1 200'
}

@test "what is made anew is sent without a question of whether the image is there" {
    build 1
    echo other >project/doc
    build 2
    run ! grep -q "^HEAD .*manifests/sha256:" asked
    same "looks at the tag" "$(grep -c '^HEAD .*/manifests/2 ' asked)" 1
    same "known" "$(jq -c '[."lade.cache".known, ."lade.published"[0].known]' meta)" "[false,false]"
}

@test "lade push and several names: the manifest is asked for, and only put under the names" {
    build 1
    lade tag "$remote:1" "$remote:2"
    lade tag "$remote:1" "$remote:3"
    before=$(requests_list "$REGISTRY_PLAIN_LOG" | wc -l)
    lade push -q "$remote:2" "$remote:3"
    requests_list "$REGISTRY_PLAIN_LOG" | tail -n "+$((before + 1))" | sed -E '/^GET \/v2\/ /d; s/ [0-9]+$//' >asked
    run ! grep -q /blobs/ asked
    run ! grep -q '^GET ' asked
    same "names set" "$(grep -c '^PUT .*/manifests/[23] 201' asked)" 2
    whole "$remote:3"
}

@test "two repositories and two tags, all there: two looks, and the names" {
    build 1 -t "$remote/two:1"
    build 2 -t "$remote/two:2" -t "$remote/two:3"
    digest=$(cat iid)
    asked 'HEAD /v2/base/manifests/1 200' "HEAD @manifests/$digest 200" "HEAD @two/manifests/$digest 200" \
        'PUT @manifests/2 201' 'HEAD @manifests/2 200' 'PUT @two/manifests/2 201' 'HEAD @two/manifests/2 200' \
        'PUT @two/manifests/3 201' 'HEAD @two/manifests/3 200'
    same "known" "$(jq -c '[."lade.published"[].known]' meta)" "[true,true,true]"
}

@test "known under one name, and another one set: the manifest is not fetched for it" {
    build 1
    build 1 -t "$remote:2"
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/1 200' 'PUT @manifests/2 201' 'HEAD @manifests/2 200'
}

@test "no tag wanted: one look at the digest" {
    build 1 --push-by-digest
    build 1 --push-by-digest
    asked 'HEAD /v2/base/manifests/1 200' "HEAD @manifests/$(cat iid) 200"
}

@test "a cache of others is not read when this machine knows all" {
    build 1 --cache-to "$(cache)" --cache-from "$(cache)"
    build 1 --cache-from "$(cache)"
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/1 200'
    # The same cache is not written again either.
    build 1 --cache-to "$(cache)"
    asked 'HEAD /v2/base/manifests/1 200' 'HEAD @manifests/1 200' 'HEAD @manifests/cache 200'
}

@test "another machine, all of it in the cache: known there too" {
    build 1 --cache-to "$(cache)"
    machine 2
    build 2 --cache-from "$(cache)"
    same "known" "$(jq -c '[."lade.cache".known, ."lade.published"[0].known]' meta)" "[true,true]"
    run ! grep -E '^(POST|PATCH) ' asked
    same "the end" "$(tail -n 4 asked)" "$(printf '%s\n' "HEAD /v2/$repository/manifests/2 404" "HEAD /v2/$repository/manifests/$(cat iid) 200" "PUT /v2/$repository/manifests/2 201" "HEAD /v2/$repository/manifests/2 200")"
    whole "$remote:2"
}

@test "known here, and new to a registry: everything is sent" {
    build 1
    lade build -q -t "$REGISTRY_OTHER/$repository:1" --push --metadata-file meta project
    same "known" "$(jq -c '[."lade.cache".known, ."lade.published"[0].known]' meta)" "[true,false]"
    whole "$REGISTRY_OTHER/$repository:1"
}

@test "a registry that has lost a blob gets it, however sure it was" {
    build 1 -t "$remote/two:1"
    rm "$(layer_file "$remote:1")"
    build 2 --tries 1
    grep -q "^HEAD .*/manifests/$(cat iid) 200" asked
    same "known" "$(jq -c '[."lade.published"[0] | .known, .blobs.sent]' meta)" "[false,1]"
    whole "$remote:2"
    # With several repositories the names come after all else.
    rm "$(layer_file "$remote:1")"
    build 3 -t "$remote/two:3" --tries 1
    whole "$remote:3"
    whole "$remote/two:3"
}

# index_of DIRECTORY REF…: an index of these images, as an OCI layout.
index_of() {
    local dir=$1 ref digest size list=()
    shift
    for ref in "$@"; do
        skopeo copy -q --src-tls-verify=false "docker://$ref" "oci:$dir:${ref##*:}"
        digest=$(jq -r --arg t "${ref##*:}" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $t).digest' "$dir/index.json")
        size=$(stat -c %s "$dir/blobs/sha256/${digest#*:}")
        list+=("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"$digest\",\"size\":$size,\"platform\":{\"os\":\"linux\",\"architecture\":\"${ref##*:}\"}}")
    done
    printf '%s\n' "${list[@]}" | jq -sc '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' >index
    digest=$(sha256sum <index | cut -d ' ' -f 1)
    cp index "$dir/blobs/sha256/$digest"
    jq -nc --arg d "sha256:$digest" --argjson s "$(stat -c %s index)" '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $s}]}' >"$dir/index.json"
}

@test "of a new index nothing is asked for below the images that are there" {
    printf '%s\n' 'FROM scratch' 'COPY main /' >project/Dockerfile
    build amd64
    echo other >project/main
    lade build -q -t "$REGISTRY_OTHER/$repository:arm64" --push project
    index_of both "$remote:amd64" "$REGISTRY_OTHER/$repository:arm64"
    before=$(requests_list "$REGISTRY_PLAIN_LOG" | wc -l)
    lade copy -q oci:both "docker://$remote:both"
    requests_list "$REGISTRY_PLAIN_LOG" | tail -n "+$((before + 1))" | sed -E '/^GET \/v2\/ /d; s/ [0-9]+$//' >asked
    # The tag, the index, two images; a layer and a config of the one that is not there.
    same "looks" "$(grep -v '/manifests/both ' asked | grep -c '^HEAD ')" 5
    same "looks at blobs" "$(grep -c '^HEAD .*/blobs/' asked)" 2
    same "manifests" "$(grep -c '^PUT .*/manifests/' asked)" 3
    # Under another name: only manifests.
    before=$(requests_list "$REGISTRY_PLAIN_LOG" | wc -l)
    lade copy -q oci:both "docker://$remote:again"
    requests_list "$REGISTRY_PLAIN_LOG" | tail -n "+$((before + 1))" | grep -v '^GET /v2/ ' >asked
    same "requests" "$(wc -l <asked)" 6
    run ! grep -v /manifests/ asked
}

# A registry takes an index without a look at the blobs of its images.
@test "a registry that has lost a blob of an image in an index gets it, under another name or in another index" {
    local name
    printf '%s\n' 'FROM scratch' 'COPY main /' >project/Dockerfile
    build amd64
    echo other >project/main
    build arm64
    index_of both "$remote:amd64" "$remote:arm64"
    for name in one two; do
        rm "$(layer_file "$remote:arm64")"
        lade copy -q --tries 1 oci:both "docker://$remote:$name"
        rm -rf whole
        skopeo copy -q --all --src-tls-verify=false "docker://$remote:$name" oci:whole:1
        "$support/sound" whole --complete
    done
    # The blob is there, and not in this repository.
    rm -r "$REGISTRY_PLAIN_DATA/docker/registry/v2/repositories/$repository/_layers/sha256/"*
    lade copy -q --tries 1 oci:both "docker://$remote:three" "docker://$REGISTRY_PLAIN/$repository/two:three"
    for name in "$remote:three" "$REGISTRY_PLAIN/$repository/two:three"; do
        rm -rf whole
        skopeo copy -q --all --src-tls-verify=false "docker://$name" oci:whole:1
        "$support/sound" whole --complete
    done
}

# There are no such layers here, but the image may have been pushed without them.
@test "with what is not to be distributed, the tag that names the image is not enough" {
    build 1
    before=$(requests_list "$REGISTRY_PLAIN_LOG" | wc -l)
    lade push -q --allow-nondistributable-artifacts "$remote:1"
    requests_list "$REGISTRY_PLAIN_LOG" | tail -n "+$((before + 1))" >asked
    grep -q '^HEAD .*/blobs/' asked
}
