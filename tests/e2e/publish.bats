#!/usr/bin/env bats
# What a push or a copy does with tags that are there, with many tags, several registries, other media types, and what refers to an
# image.

load lib
load pushed

setup_file() {
    registry_start plain
    registry_start other
}
teardown_file() { servers_stop; }
setup() {
    fresh
    remote=$REGISTRY_PLAIN/p$BATS_TEST_NUMBER
    other=$REGISTRY_OTHER/p$BATS_TEST_NUMBER
    one=$(build one)
    two=$(build two)
}

# build TEXT: an image named TEXT in the local store; its digest.
build() {
    mkdir -p "context-$1"
    echo "$1" >"context-$1/file"
    printf '%s\n' 'FROM scratch' 'COPY file /' 'CMD ["/file"]' >"context-$1/Dockerfile"
    lade build -q -t "$1" "context-$1"
}
tags() { curl -s "http://${1%%/*}/v2/${1#*/}/tags/list" | jq -r '.tags // [] | sort | join(" ")'; }

@test "--if-exists: overwrite is the default, fail and skip leave another image alone" {
    lade copy -q one "docker://$remote:1"
    fails 6 "$remote:1" "names another image, $one" "--if-exists=overwrite" -- lade copy -q --if-exists fail two "docker://$remote:1"
    same "the tag" "$(digest_at "$remote:1")" "$one"
    run --separate-stderr lade copy --if-exists skip two "docker://$remote:1" "docker://$remote:2"
    [ "$status" -eq 0 ]
    same lines "$output" "$remote:2@$two"
    [[ $stderr == *"$remote:1 names another image, $one: left as it is"* ]]
    same "the tag" "$(digest_at "$remote:1")" "$one"
    same "the new tag" "$(digest_at "$remote:2")" "$two"
    lade copy -q two "docker://$remote:1"
    same "the tag" "$(digest_at "$remote:1")" "$two"
}

@test "--if-exists fail and skip are content with the same image" {
    lade copy -q one "docker://$remote:1"
    same line "$(lade copy -q --if-exists fail one "docker://$remote:1")" "$remote:1@$one"
    same line "$(lade copy -q --if-exists skip one "docker://$remote:1")" "$remote:1@$one"
}

@test "--if-exists fail sends nothing, and moves no other tag" {
    lade copy -q one "docker://$remote:1"
    fails 6 "names another image" -- lade copy -q --if-exists fail two "docker://$other:1" "docker://$remote:1"
    same "tags there" "$(tags "$other")" ""
    [ "$(requests "$REGISTRY_OTHER_LOG" "^(POST|PATCH|PUT) /v2/${other#*/}/")" -eq 0 ]
}

@test "--if-exists: what it may be" {
    fails 2 "--if-exists" "overwrite, skip or fail" '"never"' -- lade copy -q --if-exists never one "docker://$remote:1"
}

@test "--if-exists with build --push" {
    lade copy -q one "docker://$remote:1"
    fails 6 "names another image" -- lade build -q --push --if-exists fail -t "$remote:1" context-two
    same "the tag" "$(digest_at "$remote:1")" "$one"
}

@test "--push-by-digest sets no tag" {
    same line "$(lade copy -q --push-by-digest one "docker://$remote:1")" "$remote@$one"
    same tags "$(tags "$remote")" ""
    whole "$remote@$one"
    lade tag two "$other:9"
    same line "$(lade push -q --push-by-digest "$other:9")" "$other@$two"
    same tags "$(tags "$other")" ""
}

@test "push --all-tags publishes what the store has of a repository" {
    for tag in 1 1.0 latest; do lade tag one "$remote:$tag"; done
    lade tag two "$remote:2"
    lade tag two "$remote-else:7"
    lade push -q --all-tags "$remote" | sort >lines
    printf '%s\n' "$remote:1.0@$one" "$remote:1@$one" "$remote:2@$two" "$remote:latest@$one" | sort | diff - lines
    same tags "$(tags "$remote")" "1 1.0 2 latest"
    same tags "$(tags "$remote-else")" ""
    fails 2 "without a tag" -- lade push -q --all-tags "$remote:1"
    fails 4 "there is no tag" -- lade push -q --all-tags "$remote-nothing"
}

@test "copy --all-tags: registry, layout, store" {
    for tag in a b; do lade copy -q one "docker://$remote:$tag"; done
    lade copy -q two "docker://$remote:c"
    lade copy -q --all-tags "docker://$remote" "docker://$other" oci:layout
    same tags "$(tags "$other")" "a b c"
    same "a tag" "$(digest_at "$other:c")" "$two"
    "$support/sound" layout --complete
    lade copy -q --all-tags oci:layout kept >lines
    [ "$(wc -l <lines)" -eq 3 ]
    same "a tag" "$(lade inspect --raw kept:b | digest_of)" "$one"
    lade copy -q --all-tags kept "docker://$remote/again"
    same tags "$(tags "$remote/again")" "a b c"
    fails 2 "without a tag" -- lade copy -q --all-tags "docker://$remote:a" "docker://$other"
    fails 11 "archives" -- lade copy -q --all-tags "docker://$remote" oci-archive:x.tar
}

@test "from registry to registry nothing is kept here, and one registry mounts" {
    lade copy -q one "docker://$remote:1"
    rm -rf "$LADE_STORE"
    lade copy -q "docker://$remote:1" "docker://$remote/beside:1" "docker://$other:1"
    [ ! -e "$LADE_STORE" ]
    [ "$(requests "$REGISTRY_PLAIN_LOG" "^PATCH /v2/${remote#*/}/beside/")" -eq 0 ]
    [ "$(requests "$REGISTRY_PLAIN_LOG" "^POST /v2/${remote#*/}/beside/.*mount=.* 201 ")" -eq 2 ]
    whole "$other:1"
    whole "$remote/beside:1"
}

@test "a registry that fails stops the others before any tag is set" {
    lade copy -q one "docker://$remote:1"
    fails 7 "127.0.0.1:1/none" -- lade copy -q --tries 1 two "docker://$remote:1" "docker://127.0.0.1:1/none:1" "docker://$other:1"
    same "the tag" "$(digest_at "$remote:1")" "$one"
    same tags "$(tags "$other")" ""
}

@test "--format docker and back: other types, other digests, the same blobs" {
    run --separate-stderr lade copy --format docker one "docker://$remote:d"
    [ "$status" -eq 0 ]
    changed=${output#*@}
    [ "$changed" != "$one" ]
    [[ $stderr == *"in the media types of Docker, $one becomes $changed"* ]]
    skopeo inspect --raw --tls-verify=false "docker://$remote:d" >raw
    same type "$(jq -r .mediaType raw)" application/vnd.docker.distribution.manifest.v2+json
    same config "$(jq -r .config.mediaType raw)" application/vnd.docker.container.image.v1+json
    same layer "$(jq -r .layers[0].mediaType raw)" application/vnd.docker.image.rootfs.diff.tar.gzip
    same annotations "$(jq -c .annotations raw)" null
    same blobs "$(jq -r '.config.digest, .layers[].digest' raw)" "$(lade inspect --raw one | jq -r '.config.digest, .layers[].digest')"
    whole "$remote:d"
    lade copy -q --format oci "docker://$remote:d" back
    lade inspect --raw back >raw
    same type "$(jq -r .mediaType raw)" application/vnd.oci.image.manifest.v1+json
    same layer "$(jq -r .layers[0].mediaType raw)" application/vnd.oci.image.layer.v1.tar+gzip
    lade copy -q --format oci one "docker://$remote:same"
    same "what is OCI already" "$(digest_at "$remote:same")" "$one"
}

@test "--format docker refuses what Docker has no types for" {
    lade build -q --compression zstd -t small context-one
    fails 11 "there is no type of Docker for application/vnd.oci.image.layer.v1.tar+zstd" -- \
        lade copy -q --format docker small "docker://$remote:z"
    same tags "$(tags "$remote")" ""
    fails 2 "oci or docker" -- lade copy -q --format squashfs small "docker://$remote:z"
}

# artifact DIR SUBJECT-JSON TEXT: a layout with one artifact that refers to a manifest; prints its digest.
artifact() {
    local empty='{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}' digest
    mkdir -p "$1/blobs/sha256"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
    printf '{}' >"$1/blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    jq -cnj --argjson empty "$empty" --argjson subject "$2" --arg text "$3" \
        '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "application/vnd.test.signature",
          config: $empty, layers: [$empty], subject: $subject, annotations: {text: $text}}' >"$1/manifest"
    digest=$(sha256sum <"$1/manifest" | cut -d ' ' -f 1)
    jq -cn --arg digest "sha256:$digest" --argjson size "$(wc -c <"$1/manifest")" \
        '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}]}' >"$1/index.json"
    mv "$1/manifest" "$1/blobs/sha256/$digest"
    echo "sha256:$digest"
}
subject() {
    jq -cn --arg digest "$1" --argjson size "$2" '{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}'
}

@test "copy --referrers takes signatures along, and what refers to those" {
    lade copy -q one "docker://$remote:1"
    signature=$(artifact signature "$(subject "$one" "$(lade inspect --raw one | wc -c)")" first)
    lade copy -q --push-by-digest oci:signature "docker://$remote:x"
    note=$(artifact note "$(subject "$signature" "$(wc -c <"signature/blobs/sha256/${signature#*:}")")" second)
    lade copy -q --push-by-digest oci:note "docker://$remote:x"
    lade copy -q two "docker://$remote:sha256-${one#*:}.sig"
    lade copy -q --referrers "docker://$remote:1" "docker://$other:1"
    for digest in "$signature" "$note"; do
        same "what was sent" "$(digest_at "$other@$digest")" "$digest"
    done
    same "the tag of cosign" "$(digest_at "$other:sha256-${one#*:}.sig")" "$two"
    curl -s "http://${other%%/*}/v2/${other#*/}/manifests/sha256-${one#*:}" -H 'Accept: application/vnd.oci.image.index.v1+json' >index
    same "the fallback tag" "$(jq -r '.manifests[].digest' index)" "$signature"
    lade copy -q "docker://$remote:1" "docker://$other/without:1"
    same tags "$(tags "$other/without")" 1
    fails 2 "no place in a registry" -- lade copy -q --referrers "docker://$remote:1" kept
    fails 2 "exclude each other" -- lade copy -q --referrers --format docker "docker://$remote:1" "docker://$other:2"
}

@test "--metadata-file says what was published" {
    lade copy -q one "docker://$remote:old"
    lade copy -q --if-exists skip --metadata-file report two "docker://$remote:old" "docker://$remote:new" "docker://$other:new"
    same names "$(jq -r '.["lade.published"][] | "\(.name) \(.digest) \(.skipped) \(.blobs.sent)"' report)" \
        "$(printf '%s\n' "$remote:old $one true 0" "$remote:new $two false 2" "$other:new $two false 2")"
    same "no common image" "$(jq '.["image.name"]' report)" null
    lade tag two "$other:new"
    lade push -q --metadata-file report "$other:new"
    same digest "$(jq -r '.["containerimage.digest"]' report)" "$two"
    same name "$(jq -r '.["image.name"]' report)" "$other:new"
    [ "$(jq '.["lade.requests"]' report)" -gt 0 ]
    lade build -q --push -t "$other:built" --metadata-file report context-one
    same digest "$(jq -r '.["lade.published"][0].digest' report)" "$(jq -r '.["containerimage.digest"]' report)"
    fails 4 "not in the local store" -- lade push -q --metadata-file report absent
    fails 4 "not in the local store" "hint: build it (lade build -t $remote:absent), or copy it" -- lade push -q "docker://$remote:absent"
    [ ! -e report ]
}
