#!/usr/bin/env bats
# What is done on registries: list, tag, remove, retain, and what refers to an image. Against the real docker-registry; where it has no
# pages and no referrers, behind tests/faultreg.

load lib

setup_file() {
    # Requests to servers that all tests share are counted.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start one
    registry_start locked
    token_start --user bob:secret
    registry_start token "$token_auth"
    faults_begin
    local dir=$BATS_FILE_TMPDIR/hostile port
    double_start hostiled.py "$dir/log"
    export HOSTILE=127.0.0.1:$port HOSTILE_LOG=$dir/log
}
teardown_file() { servers_stop; }
setup() {
    fresh
    repo=$REGISTRY_ONE/r$BATS_TEST_NUMBER
}

# image REF [TEXT [CREATED]]: a small image with this text in it, made at this moment, in the registry.
image() {
    mkdir -p context
    echo "${2:-$1}" >context/file
    printf 'FROM scratch\nCOPY file /\n' >context/Dockerfile
    lade build -q --source-date-epoch "${3:-1700000000}" -t "$1" --push context >/dev/null
    lade rm -f "$1" 2>/dev/null
}

# artifact REPO SUBJECT TYPE [TEXT]: a manifest that refers to the digest SUBJECT, through lade. Says its digest.
artifact() {
    local dir=$BATS_TEST_TMPDIR/artifact text=${4:-$3} config manifest subject
    rm -rf "$dir"
    mkdir -p "$dir/blobs/sha256"
    config=$(put_blob "$dir" '{}')
    subject=$(jq -cn --arg digest "$2" '{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: 7}')
    manifest=$(put_blob "$dir" "$(jq -cn --arg config "$config" --arg type "$3" --arg text "$text" --argjson subject "$subject" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: $type,
         config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $config, size: 2},
         layers: [{mediaType: "application/vnd.oci.empty.v1+json", digest: $config, size: 2}],
         subject: $subject, annotations: {"org.example.text": $text}}')")
    echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
    jq -cn --arg digest "$manifest" --argjson size "$(wc -c <"$dir/blobs/sha256/${manifest#sha256:}")" \
        '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          annotations: {"org.opencontainers.image.ref.name": "x"}}]}' >"$dir/index.json"
    lade copy -q "oci:$dir:x" "docker://$1:${5:-a-${manifest:7:8}}" >/dev/null || return 1
    echo "$manifest"
}
put_blob() {
    local digest
    digest=$(printf %s "$2" | sha256sum | cut -d ' ' -f 1)
    printf %s "$2" >"$1/blobs/sha256/$digest"
    echo "sha256:$digest"
}

digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"; }
tags_of() { skopeo list-tags --tls-verify=false "docker://$1" | jq -r '.Tags | sort | join(" ")'; }
is_gone() { ! skopeo inspect --tls-verify=false --raw "docker://$1" >/dev/null 2>&1; }

@test "ls lists tags as skopeo does, and digests when asked" {
    image "$repo:1" one
    image "$repo:2" two
    lade tag "docker://$repo:2" latest >/dev/null
    same tags "$(lade ls -q "docker://$repo" | paste -sd ' ')" "$(tags_of "$repo")"
    same table "$(lade ls "docker://$repo" | head -n 1)" TAG
    lade ls --digests "docker://$repo" >table
    grep -qE "^1 +$(digest_of "$repo:1") +image$" table
    grep -qE "^latest +$(digest_of "$repo:2") +image$" table
    same JSON "$(lade ls --format json --digests "docker://$repo" | jq -r '.[] | [.name, .tag, .digest] | join(" ")' | head -n 1)" \
        "$repo:1 1 $(digest_of "$repo:1")"
    # Without --digests one request for the list is all.
    local before
    before=$(requests "$REGISTRY_ONE_LOG" .)
    lade ls "docker://$repo" >/dev/null
    same requests "$(($(requests "$REGISTRY_ONE_LOG" .) - before))" 2 # and the first contact
    fails 4 "has no repository r$BATS_TEST_NUMBER/none" -- lade ls "docker://$repo/none"
}

@test "ls lists the repositories of a registry" {
    image "$repo:1"
    image "$repo/deep/er:1"
    lade ls -q "docker://$REGISTRY_ONE" >list
    grep -qx "$repo" list
    grep -qx "$repo/deep/er" list
    same sorted "$(sort -c list && echo yes)" yes
    lade ls "docker://$REGISTRY_ONE/" | tail -n +2 | diff - list
    lade ls --format json "docker://$REGISTRY_ONE" | jq -r '.[].name' | diff - list
}

@test "ls takes lists in pages, whole" {
    local i
    for i in 5 3 1 4 2; do image "$repo:$i" same; done
    fault_start pages "$REGISTRY_ONE" --mode pages:size=2,limit=1000,null
    same tags "$(lade ls -q "docker://$FAULT_PAGES/${repo#*/}" | paste -sd ' ')" "1 2 3 4 5"
    lade ls -q "docker://$FAULT_PAGES" | sed "s/^[^/]*/$REGISTRY_ONE/" | diff - <(lade ls -q "docker://$REGISTRY_ONE")
    fault_start absolute "$REGISTRY_ONE" --mode pages:size=1,absolute
    same tags "$(lade ls -q "docker://$FAULT_ABSOLUTE/${repo#*/}" | paste -sd ' ')" "1 2 3 4 5"
}

@test "ls refuses lists that do not end or go elsewhere" {
    local i
    for i in 1 2 3; do image "$repo:$i" same; done
    fault_start loop "$REGISTRY_ONE" --mode pages:size=2,loop
    fails 3 "the list does not end" -- lade ls "docker://$FAULT_LOOP/${repo#*/}"
    fault_start away "$REGISTRY_ONE" --mode pages:size=2,away
    fails 5 "refused to go on at" "which is another server" -- lade ls "docker://$FAULT_AWAY/${repo#*/}"
    same requests "$(grep -c last= "$FAULT_AWAY_LOG" || true)" 0
}

@test "ls tells repositories, registries and other places apart" {
    fails 2 "is no repository of a registry" -- lade ls app
    fails 2 "without a tag" -- lade ls "docker://$repo:1"
    fails 2 "--format" -- lade ls --format xml "docker://$repo"
    lade build -q -t local:1 - <<<'FROM scratch' >/dev/null
    same JSON "$(lade ls --format json | jq -r '.[].name')" local:1
}

@test "tag moves no blob" {
    image "$repo:1" one
    local digest
    digest=$(digest_of "$repo:1")
    : >"$REGISTRY_ONE_LOG.before"
    requests_list "$REGISTRY_ONE_LOG" >before
    same said "$(lade tag "docker://$repo:1" latest "docker://$repo:2")" "$repo:latest@$digest
$repo:2@$digest"
    requests_list "$REGISTRY_ONE_LOG" | tail -n "+$(($(wc -l <before) + 1))" >after
    ! grep blobs after || false
    same digests "$(digest_of "$repo:2") $(digest_of "$repo:latest")" "$digest $digest"
    same tags "$(tags_of "$repo")" "1 2 latest"
    # By digest, and again: there is nothing to do.
    lade tag "docker://$repo@$digest" 3 >/dev/null
    lade tag "docker://$repo@$digest" 3 >/dev/null
    same puts "$(requests "$REGISTRY_ONE_LOG" "^PUT /v2/r$BATS_TEST_NUMBER/manifests/3")" 1
    image "$repo:other" other
    lade tag "docker://$repo:other" 3 >/dev/null
    same digests "$(digest_of "$repo:3")" "$(digest_of "$repo:other")"
    fails 4 "has no image" -- lade tag "docker://$repo:none" x
}

@test "an index is tagged as it is" {
    image "$repo:amd" amd
    skopeo inspect --raw --tls-verify=false "docker://$repo:amd" >manifest
    jq -cn --arg digest "$(digest_of "$repo:amd")" --argjson size "$(wc -c <manifest)" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          platform: {os: "linux", architecture: "amd64"}},
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          platform: {os: "linux", architecture: "arm", variant: "v7"}},
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          platform: {os: "windows", architecture: "amd64", "os.version": "10.0.1"}},
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
          platform: {os: "unknown", architecture: "unknown"},
          annotations: {"vnd.docker.reference.type": "attestation-manifest"}}]}' >index
    curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index "http://$REGISTRY_ONE/v2/${repo#*/}/manifests/multi"
    lade tag "docker://$repo:multi" again >/dev/null
    lade inspect --raw "docker://$repo:again" | cmp - index
    lade inspect "docker://$repo:again" >said
    grep -qE '^  linux/amd64 ' said
    grep -qE '^  linux/arm/v7 ' said
    grep -qE '^  windows/amd64 10.0.1 ' said
    grep -qE '^  attestation ' said
    lade inspect --raw --platform linux/arm "docker://$repo:again" | cmp - manifest
    lade ls --digests "docker://$repo" | grep -qE '^multi .* index$'
}

@test "a bare name changes nothing in a registry" {
    image "$repo:1" one
    lade pull -q "$repo:1"
    requests_list "$REGISTRY_ONE_LOG" >before
    lade tag "$repo:1" "$repo:2"
    lade rm "$repo:2"
    fails 2 "is no tag" -- lade tag "docker://$repo:1" "$repo:2"
    fails 2 "is no name in the local store" -- lade tag "$repo:1" "docker://$repo:2"
    fails 2 "docker:// of all places or of none" -- lade rm "$repo:1" "docker://$repo:1"
    fails 2 "are for docker:// places" -- lade rm --keep 0 --match '*' "$repo"
    fails 2 "are for docker:// places" -- lade rm --dry-run "$repo:1"
    lade rm "$repo:1"
    requests_list "$REGISTRY_ONE_LOG" | diff before -
    same tags "$(tags_of "$repo")" 1
}

@test "tag wants tags of the same repository" {
    image "$repo:1" one
    fails 2 "is another repository" -- lade tag "docker://$repo:1" "docker://$repo/other:1"
    fails 2 "is another repository" -- lade tag "docker://$repo:1" "docker://localhost:1/${repo#*/}:1"
    fails 2 "a tag is expected" -- lade tag "docker://$repo:1" "docker://$repo"
    fails 2 "is no tag" -- lade tag "docker://$repo:1" 'b d'
    same tags "$(tags_of "$repo")" 1
}

@test "rm removes an image, and refuses to take other tags with it" {
    image "$repo:1" one
    image "$repo:2" two
    lade tag "docker://$repo:2" latest >/dev/null
    local one two
    one=$(digest_of "$repo:1") two=$(digest_of "$repo:2")
    fails 4 "has no image" -- lade inspect "docker://$repo:none"
    fails 6 "the same image as latest" -- lade rm "docker://$repo:2"
    fails 2 "a tag or a digest is missing" -- lade rm "docker://$repo"
    same "dry run" "$(lade rm --dry-run "docker://$repo:1")" "would remove $repo:1@$one"
    same tags "$(tags_of "$repo")" "1 2 latest"
    same said "$(lade rm "docker://$repo:1")" "removed $repo:1@$one"
    is_gone "$repo:1"
    is_gone "$repo@$one"
    same tags "$(tags_of "$repo")" "2 latest"
    lade rm --force "docker://$repo:2" >/dev/null
    is_gone "$repo:latest"
    is_gone "$repo@$two"
    fails 4 "there is no such image" -- lade rm "docker://$repo:1"
    lade rm --force "docker://$repo:1"
}

@test "rm by digest, and with a tag that has moved" {
    image "$repo:1" one
    local one
    one=$(digest_of "$repo:1")
    image "$repo:1" two
    fails 6 "the tag names $(digest_of "$repo:1") now" -- lade rm "docker://$repo:1@$one"
    same said "$(lade rm "docker://$repo@$one")" "removed $repo@$one"
    is_gone "$repo@$one"
    same tags "$(tags_of "$repo")" 1
    lade rm "docker://$repo:1@$(digest_of "$repo:1")" >/dev/null
    is_gone "$repo:1"
}

@test "rm refuses what is a part of an index" {
    image "$repo:part" part
    skopeo inspect --raw --tls-verify=false "docker://$repo:part" >manifest
    jq -cn --arg digest "$(digest_of "$repo:part")" --argjson size "$(wc -c <manifest)" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}]}' >index
    curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index "http://$REGISTRY_ONE/v2/${repo#*/}/manifests/whole"
    fails 6 "a part of whole" -- lade rm "docker://$repo:part"
    lade rm "docker://$repo:whole" >/dev/null
    lade rm "docker://$repo:part" >/dev/null
    same tags "$(lade ls -q "docker://$repo")" ""
}

@test "a registry that lets nobody delete is named" {
    sed -i 's/delete: { enabled: true }/delete: { enabled: false }/' "$(servers_dir)/registry-locked/config.yml"
    env -i PATH="$PATH" docker-registry serve "$(servers_dir)/registry-locked/config.yml" >locked.log 2>&1 3>&- &
    server_remember $!
    wait_for 20 grep -q 'listening on' locked.log
    repo=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' locked.log | head -n 1)/app
    image "$repo:1"
    fails 11 "HTTP 405 UNSUPPORTED" "lets no client delete images" -- lade rm "docker://$repo:1"
    same tags "$(tags_of "$repo")" 1
}

@test "with tokens: only the rights that are needed" {
    repo=$REGISTRY_TOKEN/private/app
    mkdir -p "$DOCKER_CONFIG"
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY_TOKEN" "$(printf bob:secret | base64)" >"$DOCKER_CONFIG/config.json"
    image "$repo:1" one
    image "$repo:2" two
    : >"$TOKEN_LOG"
    same tags "$(lade ls -q "docker://$repo" | paste -sd ' ')" "1 2"
    ! grep -E 'push|delete' "$TOKEN_LOG" || false
    lade ls -q "docker://$REGISTRY_TOKEN" | grep -qx "$repo"
    grep -q 'registry:catalog' "$TOKEN_LOG"
    lade tag "docker://$repo:1" 3 >/dev/null
    lade rm "docker://$repo:2" >/dev/null
    grep -q delete "$TOKEN_LOG"
    same tags "$(lade ls -q "docker://$repo" | paste -sd ' ')" "1 3"
    rm "$DOCKER_CONFIG/config.json"
    fails 5 "lade login" -- lade rm "docker://$repo:1"
    fails 5 "lade login" -- lade ls "docker://$repo"
}

@test "retention keeps the newest, and what they need" {
    local i
    for i in 1 2 3 4 5; do image "$repo:v$i" "$i" $((1700000000 + i * 86400)); done
    lade tag "docker://$repo:v1" prod >/dev/null
    lade tag "docker://$repo:v5" latest >/dev/null
    image "$repo:other" other 1600000000
    lade rm --keep 2 --match 'v*' --dry-run "docker://$repo" >plan 2>summary
    same tags "$(tags_of "$repo")" "latest other prod v1 v2 v3 v4 v5"
    grep -q 'would remove 2 of 6 images' summary
    grep -qE '^keep +latest,v5 .*number 1$' plan
    grep -qE '^keep +v4 .* 2023-11-18T22:13:20Z +number 2$' plan
    grep -qE '^remove +v3 ' plan
    grep -qE '^remove +v2 ' plan
    grep -qE '^keep +prod,v1 .*also named prod$' plan
    lade rm --keep 2 --match 'v*' "docker://$repo" >finished 2>summary
    diff plan finished
    grep -q '^removed 2 of 6 images' summary
    same tags "$(tags_of "$repo")" "latest other prod v1 v4 v5"
    # Once more: nothing is left to do.
    lade rm --keep 2 --match 'v*' "docker://$repo" 2>&1 | grep -q '^removed 0 of 4 images'
}

@test "retention by age and by version" {
    image "$repo:1.9" a $(($(date +%s) - 86400 * 40))
    image "$repo:1.10" b $(($(date +%s) - 86400 * 50))
    image "$repo:1.11" c $(($(date +%s) - 86400 * 3))
    image "$repo:2.0-rc1" d $(($(date +%s) - 86400 * 60))
    lade rm -n --older-than 45d "docker://$repo" | grep -c ^remove | grep -qx 2
    lade rm -n --older-than 45d --keep 3 "docker://$repo" | grep ^remove | grep -q '2.0-rc1'
    lade rm -n --by version --keep 2 "docker://$repo" >plan
    same "what goes" "$(awk '/^remove/ { print $2 }' plan | paste -sd ' ')" "1.10 1.9"
    fails 2 "would remove everything" -- lade rm --keep 0 "docker://$repo"
    fails 2 "--keep: expected a number" -- lade rm --keep x "docker://$repo"
    fails 2 "--older-than: expected a time" -- lade rm --older-than soon "docker://$repo"
    fails 2 "--by: expected" -- lade rm --keep 1 --by size "docker://$repo"
    fails 2 "without a tag" -- lade rm --keep 1 "docker://$repo:1.9"
    fails 2 "a repository is expected" -- lade rm --keep 1 "docker://$REGISTRY_ONE"
    fails 2 "are for --keep" -- lade rm --match 'x*' "docker://$repo:1.9"
    lade rm --keep 0 --match '1.*' "docker://$repo" >/dev/null
    same tags "$(tags_of "$repo")" 2.0-rc1
}

@test "retention does not guess the age of reproducible images" {
    image "$repo:1" a 0
    image "$repo:2" b 315532800
    lade rm --keep 1 "docker://$repo" >plan 2>said
    same "what stays" "$(grep -c '^keep .*does not say when it was made' plan)" 2
    grep -q -- '--by version' said
    same tags "$(tags_of "$repo")" "1 2"
    lade rm --keep 1 --by version "docker://$repo" >/dev/null 2>&1
    same tags "$(tags_of "$repo")" 2
}

@test "retention spares what a staying index or artifact needs, and takes signatures along" {
    local a b c
    image "$repo:v1" a 1700000000
    image "$repo:v2" b 1700100000
    image "$repo:v3" c 1700200000
    image "$repo:v4" d 1700300000
    a=$(digest_of "$repo:v1") b=$(digest_of "$repo:v2") c=$(digest_of "$repo:v3")
    skopeo inspect --raw --tls-verify=false "docker://$repo:v1" >manifest
    jq -cn --arg digest "$a" --argjson size "$(wc -c <manifest)" '
        {schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
         {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size}]}' >index
    curl -sSf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index "http://$REGISTRY_ONE/v2/${repo#*/}/manifests/stable"
    artifact "$repo" "$b" text/sbom x sbom >/dev/null
    lade tag "docker://$repo:v4" "sha256-${c#sha256:}.sig" >/dev/null # any manifest will do
    lade rm --keep 1 --match 'v*' "docker://$repo" >plan
    grep -qE '^keep +v1 .*needed by stable$' plan
    grep -qE '^keep +v2 .*needed by sbom$' plan
    grep -qE '^remove +v3 ' plan
    # v4 has a tag of a signature, and is an image all the same.
    grep -qE '^keep .*v4 .*number 1$' plan
    lade tag "docker://$repo:sbom" "sha256-$(printf %064d 7).att" >/dev/null
    image "$repo:v5" e 1700400000
    image "$repo:signature" f
    lade copy -q "docker://$repo:signature" "docker://$repo:sha256-$(digest_of "$repo:v4" | cut -d : -f 2).sig" >/dev/null
    lade rm --force "docker://$repo:signature" >/dev/null
    image "$repo:signature" f
    lade tag "docker://$repo:signature" "sha256-$(digest_of "$repo:v4" | cut -d : -f 2).sig" >/dev/null
    same tags "$(lade ls -q "docker://$repo" | grep -cE '^sha256-')" 4
}

@test "what refers to an image is noted in its fallback tag, and found there" {
    image "$repo:1" one
    local subject one two
    subject=$(digest_of "$repo:1")
    same before "$(lade referrers --format json "docker://$repo:1")" "[]"
    one=$(artifact "$repo" "$subject" text/sbom)
    two=$(artifact "$repo" "$subject" text/sig)
    lade referrers --format json "docker://$repo:1" >list
    same digests "$(jq -r '.[].digest' list | sort)" "$(printf '%s\n' "$one" "$two" | sort)"
    same types "$(jq -r '.[].artifactType' list | sort | paste -sd ' ')" "text/sbom text/sig"
    same annotations "$(jq -r '.[0].annotations["org.example.text"]' list)" text/sbom
    lade referrers "docker://$repo:1" | grep -qE "^$one +text/sbom +[0-9]+ B +org.example.text=text/sbom$"
    lade referrers --artifact-type text/sig "docker://$repo@$subject" | tail -n +2 | grep -qE "^$two "
    same filtered "$(lade referrers --artifact-type text/sig --format json "docker://$repo:1" | jq length)" 1
    # As others read it.
    skopeo inspect --raw --tls-verify=false "docker://$repo:sha256-${subject#sha256:}" >index
    same "media type" "$(jq -r .mediaType index)" application/vnd.oci.image.index.v1+json
    same entries "$(jq -r '.manifests | length' index)" 2
    # Again: nothing changes.
    artifact "$repo" "$subject" text/sbom >/dev/null
    skopeo inspect --raw --tls-verify=false "docker://$repo:sha256-${subject#sha256:}" | cmp - index
    # Removed: it is taken out.
    lade rm "docker://$repo@$one" >/dev/null
    same left "$(lade referrers --format json "docker://$repo:1" | jq -r '.[].digest')" "$two"
}

@test "referrers that are sent at once are all noted" {
    image "$repo:1" one
    local subject i pids=()
    subject=$(digest_of "$repo:1")
    for i in {1..8}; do
        (BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$i artifact "$repo" "$subject" "text/kind-$i" >"digest$i") 2>"said$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i" || { cat said*; return 1; }; done
    same digests "$(lade referrers --format json "docker://$repo:1" | jq -r '.[].digest' | sort)" "$(cat digest? | sort)"
}

@test "what was sent but not noted is noted by the next push" {
    image "$repo:1" one
    local subject one
    subject=$(digest_of "$repo:1")
    one=$(artifact "$repo" "$subject" text/sbom x kept)
    # As if the push had ended before.
    lade rm --force "docker://$repo:sha256-${subject#sha256:}" >/dev/null
    same forgotten "$(lade referrers --format json "docker://$repo:1")" "[]"
    lade copy -q --push-by-digest "docker://$repo:kept" "docker://$repo" >/dev/null
    same noted "$(lade referrers --format json "docker://$repo:1" | jq -r '.[].digest')" "$one"
    lade inspect "docker://$repo:kept" | grep -qE "^Subject +$subject$"
    # Also by a push to the very tag that names it already.
    lade rm --force "docker://$repo:sha256-${subject#sha256:}" >/dev/null
    same digest "$(artifact "$repo" "$subject" text/sbom x kept)" "$one"
    same "noted again" "$(lade referrers --format json "docker://$repo:1" | jq -r '.[].digest')" "$one"
}

@test "a fallback tag of something else is left alone" {
    image "$repo:1" one
    local subject
    subject=$(digest_of "$repo:1")
    image "$repo:2" two
    lade tag "docker://$repo:2" "sha256-${subject#sha256:}" >/dev/null
    run artifact "$repo" "$subject" text/sbom
    [ "$status" -eq 1 ]
    [[ $output == *"expected an OCI index"* ]]
    fails 3 "expected an OCI index" -- lade referrers "docker://$repo:1"
    same digest "$(digest_of "$repo:sha256-${subject#sha256:}")" "$(digest_of "$repo:2")"
}

@test "where the registry knows what refers to what, it is asked and no tag is made" {
    image "$repo:1" one
    local subject one through i
    subject=$(digest_of "$repo:1")
    fault_start api "$REGISTRY_ONE" --mode referrers:size=2
    through=$FAULT_API/${repo#*/}
    for i in 1 2 3 4 5; do one=$(artifact "$through" "$subject" "text/kind-$i"); done
    same "all pages" "$(lade referrers --format json "docker://$through:1" | jq length)" 5
    same filtered "$(lade referrers --artifact-type text/kind-5 --format json "docker://$through:1" | jq -r '.[].digest')" "$one"
    ! lade ls -q "docker://$through" | grep ^sha256- || false
    lade rm "docker://$through@$one" >/dev/null
    same "after rm" "$(lade referrers --format json "docker://$through:1" | jq length)" 4
    ! lade ls -q "docker://$through" | grep ^sha256- || false
    # A registry that does not filter.
    fault_start plain "$REGISTRY_ONE" --mode referrers:nofilter
    through=$FAULT_PLAIN/${repo#*/}
    artifact "$through" "$subject" text/a >/dev/null
    artifact "$through" "$subject" text/b >/dev/null
    same filtered "$(lade referrers --artifact-type text/a --format json "docker://$through:1" | jq -r '.[].artifactType')" text/a
}

@test "hostile lists of tags" {
    local hostile="docker://$HOSTILE"
    fails 3 "the list does not end: 17 pages in a row have nothing in them" -- lade ls "$hostile/endless/x"
    fails 10 "larger than" -- lade ls "$hostile/huge/x"
    fails 3 "/v2/deep/x/tags/list" -- lade ls "$hostile/deep/x"
    fails 3 "expected an array" -- lade ls "$hostile/wrong/x"
    fails 3 "expected an object" -- lade ls "$hostile/array/x"
    fails 3 "/v2/page/x/tags/list" -- lade ls "$hostile/page/x"
    fails 4 "NAME_UNKNOWN" -- lade ls "$hostile/breaks/x"
    same "no tags" "$(lade ls -q "$hostile/null/x")$(lade ls -q "$hostile/none/x")" ""
    same "once, sorted" "$(lade ls -q "$hostile/plain/x" | paste -sd ' ')" "a b"
    same "without n" "$(lade ls -q "$hostile/picky/x" | paste -sd ' ')" "a b"
    local i
    for i in {1..7}; do
        run --separate-stderr lade ls "$hostile/links/x"
        [[ $status -eq 3 || $status -eq 5 ]] || { echo "$status $stderr"; return 1; }
        [[ $stderr != *secret* ]]
    done
}

@test "a list with more pages than can be" {
    fails 10 "the list has more than 2000 pages" -- lade ls "docker://$HOSTILE/long/x"
}

@test "hostile names in lists" {
    lade ls -q "docker://$HOSTILE/odd/x" >names 2>said
    same tags "$(paste -sd ' ' names)" "good z.1-OK_"
    grep -q 'names 11 tags that cannot be; they are left out' said
    lade ls -q "docker://$HOSTILE" >names 2>said
    grep -qx "$HOSTILE/team/app" names
    ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' names said || false
    ! grep -qE 'UPPER|//|host.invalid' names || false
}

@test "hostile lists of referrers" {
    local subject how
    subject=x@sha256:$(printf '5%.0s' {1..64})
    for how in plain gone bad unacceptable denied nothing web; do
        lade referrers --format json "docker://$HOSTILE/$how/$subject" >list 2>said || { cat said; return 1; }
        same "$how" "$(jq -r '.[].digest' list | cut -c 1-9 | paste -sd ' ')" "sha256:aa sha256:bb"
        grep -q 'has 11 entries that cannot be read' said
    done
    lade referrers "docker://$HOSTILE/plain/$subject" >table 2>/dev/null
    same lines "$(wc -l <table)" 3
    ! grep -qP '[\x00-\x09\x0b-\x1f\x7f]' table || false
    fails 3 "the list does not end" -- lade referrers "docker://$HOSTILE/endless/$subject"
    fails 10 "larger than" -- lade referrers "docker://$HOSTILE/huge/$subject"
    fails 3 "/v2/deep/x/referrers/" -- lade referrers "docker://$HOSTILE/deep/$subject"
    fails 4 "NAME_UNKNOWN" -- lade referrers "docker://$HOSTILE/breaks/$subject"
    fails 10 "larger than" -- lade referrers "docker://$HOSTILE/fallback-huge/$subject"
    fails 10 "20000 manifests; at most 10000 are read" -- lade referrers "docker://$HOSTILE/fallback-many/$subject"
}

@test "hostile answers to rm" {
    local digest
    digest=sha256:$(printf 'd%.0s' {1..64})
    # The manifest is not what its digest says, and can be removed all the same.
    lade rm "docker://$HOSTILE/plain/x@$digest" >/dev/null
    lade rm "docker://$HOSTILE/gone/x@$digest" >/dev/null
    fails 11 "HTTP 400 UNSUPPORTED" "lets no client delete images" -- lade rm "docker://$HOSTILE/unsupported/x@$digest"
    run --separate-stderr lade rm --tries 1 "docker://$HOSTILE/away/x@$digest"
    [ "$status" -eq 7 ]
    # With tags that lead nowhere, nothing is removed.
    fails 3 "the list does not end" -- lade rm --keep 1 "docker://$HOSTILE/endless/x"
    fails 3 "the list does not end" -- lade rm "docker://$HOSTILE/endless/x:1"
    ! grep ^DELETE "$HOSTILE_LOG" | grep endless || false
}
