#!/usr/bin/env bats
# Base images: what is read of them, what is kept, and where absent blobs are had from.

load lib

setup_file() {
    registry_start plain
    registry_start other
    cd "$BATS_FILE_TMPDIR" || return 1
    mkdir big
    "$support/maketree" big/data --files 30 --bytes 1500000 --seed 5
    head -c 1500000 /dev/urandom >big/noise
    mkdir -p big/etc
    printf 'root:x:0:0::/:/bin/sh\napp:x:1234:77::/home/app:/bin/sh\n' >big/etc/passwd
    printf 'root:x:0:\nstaff:x:77:\n' >big/etc/group
    ln -s data big/alias
    printf '%s\n' 'FROM scratch' 'COPY . /' 'COPY noise /noise2' 'ENV BASE=yes' 'ONBUILD COPY seed /from-onbuild' >big/Dockerfile
    LADE_STORE=$BATS_FILE_TMPDIR/store LADE_CACHE=$BATS_FILE_TMPDIR/cache lade build -o type=oci,dest=base,tar=false -t base:1 big
    # The same without ONBUILD.
    sed -i /ONBUILD/d big/Dockerfile
    LADE_STORE=$BATS_FILE_TMPDIR/store LADE_CACHE=$BATS_FILE_TMPDIR/cache lade build -q -o type=oci,dest=plain,tar=false -t base:1 big
}
teardown_file() { servers_stop; }
setup() {
    fresh
    name=t$BATS_TEST_NUMBER
    base=$REGISTRY_PLAIN/$name/base
    skopeo copy -q --dest-tls-verify=false "oci:$BATS_FILE_TMPDIR/plain" "docker://$base:1"
    mkdir context
    echo one >context/file
}

dockerfile() { printf '%s\n' "$@" >context/Dockerfile; }
raw() { skopeo inspect --raw --tls-verify=false "docker://$1"; }
layers_of() { raw "$1" | jq -r '.layers[].digest'; }
reads() { requests "$REGISTRY_PLAIN_LOG" "^GET /v2/$1/blobs/"; }
forget() {
    curl -fsS -X DELETE "http://$REGISTRY_PLAIN/v2/$1/blobs/$2"
}
none_kept() {
    local digest
    for digest in $(layers_of "$base:1"); do
        if [ -e "$LADE_STORE/blobs/sha256/${digest#*:}" ]; then
            echo "$digest is in the store"
            return 1
        fi
    done
    [ "$(du -sk "$LADE_STORE" "$LADE_CACHE" | awk '{ sum += $1 } END { print sum }')" -lt 400 ]
}
complete() {
    local digest
    for digest in $(layers_of "$base:1"); do
        [ -e "$1/blobs/sha256/${digest#*:}" ]
    done
    "$support/sound" "$1" --complete
}

@test "FROM big, COPY, CMD: each base blob is read at most once, none is kept; the next build reads none" {
    dockerfile "FROM $base:1" 'COPY file /alias/' 'CMD ["/x"]'
    lade build -q -t "$name" context
    local digest count
    for digest in $(layers_of "$base:1"); do
        count=$(requests "$REGISTRY_PLAIN_LOG" "^GET /v2/$name/base/blobs/$digest")
        [ "$count" -le 1 ] || { echo "$digest was read $count times"; return 1; }
    done
    none_kept
    [ "$(lade build -q --target 0 -o - context | tar t data/file)" = data/file ] # for this one all was read
    count=$(reads "$name/base")
    echo two >context/file
    echo other >context/other
    dockerfile "FROM $base:1" 'WORKDIR /data/work' 'COPY --chown=app:staff . /data/work/' 'CMD ["/y"]'
    lade build -q -t "$name" context
    [ "$(reads "$name/base")" -eq "$count" ]
    none_kept
}

@test "metadata alone reads no layer at all" {
    dockerfile "FROM $base:1" 'ENV A=b' 'LABEL c=d' 'CMD ["/x"]' 'USER 5'
    lade build -q -t "$name" context
    local digest
    for digest in $(layers_of "$base:1"); do
        [ "$(requests "$REGISTRY_PLAIN_LOG" "^GET /v2/$name/base/blobs/$digest")" -eq 0 ]
    done
    lade inspect --config "$name" | jq -e '.config.Env[1:] == ["BASE=yes", "A=b"] and .config.User == "5"'
}

@test "names of the base's passwd, and links in the way" {
    dockerfile "FROM $base:1" 'COPY --chown=app file /alias/'
    lade build -q -t "$name" context
    lade copy "$name" oci:out:1
    tar tvzf "out/blobs/sha256/$(lade inspect --raw "$name" | jq -r '.layers[-1].digest[7:]')" --numeric-owner | grep -E '1234/77 .* data/file'
    dockerfile "FROM $base:1" 'COPY --chown=nobody file /'
    fails 4 Dockerfile:2 nobody -- lade build context
}

@test "a base with Docker's media types gives an OCI image with the base's own bytes" {
    skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false "docker://$base:1" "docker://$base:docker"
    [[ $(raw "$base:docker" | jq -r .mediaType) == *docker* ]]
    dockerfile "FROM $base:docker" 'COPY file /file'
    lade build -q --push -t "$REGISTRY_PLAIN/$name/app:1" context
    raw "$REGISTRY_PLAIN/$name/app:1" >manifest
    jq -e '[.. | .mediaType? // empty | select(test("docker"))] == []' manifest
    same layers "$(jq -r '.layers[:-1][].digest' manifest)" "$(layers_of "$base:docker")"
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_PLAIN/$name/app:1" oci:whole:1
    "$support/sound" whole --complete
}

@test "an index is resolved by --platform" {
    local architecture entries='' digest
    for architecture in amd64 arm64; do
        dockerfile 'FROM scratch' "LABEL made-for=$architecture"
        digest=$(lade build -q --push --platform "linux/$architecture" -t "$REGISTRY_PLAIN/$name/multi:$architecture" context)
        entries+=$(raw "$REGISTRY_PLAIN/$name/multi:$architecture" | wc -c | jq --arg d "$digest" --arg a "$architecture" '{
            mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: ., platform: {os: "linux", architecture: $a}}')
    done
    jq -s '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' <<<"$entries" >index
    curl -fsS -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index \
        "http://$REGISTRY_PLAIN/v2/$name/multi/manifests/1"
    rm -rf "$LADE_STORE"
    dockerfile "FROM $REGISTRY_PLAIN/$name/multi:1" 'LABEL x=y'
    for architecture in arm64 amd64; do
        lade build -q --platform "linux/$architecture" -t "$name" context
        lade inspect --config "$name" |
            jq -e --arg a "$architecture" '.architecture == $a and .config.Labels["made-for"] == $a and .config.Labels.x == "y"'
    done
    fails 4 linux/s390x -- lade build -q --platform linux/s390x context
    # The whole index travels, and one of its images.
    lade copy "docker://$REGISTRY_PLAIN/$name/multi:1" "docker://$REGISTRY_OTHER/$name/multi:1"
    cmp <(raw "$REGISTRY_OTHER/$name/multi:1") index
    lade pull -q --all-platforms "$REGISTRY_PLAIN/$name/multi:1"
    same indexes "$(lade inspect --raw "$REGISTRY_PLAIN/$name/multi:1")" "$(cat index)"
}

@test "a base that was built here wins; --pull asks the registry; a digest is that" {
    dockerfile 'FROM scratch' 'LABEL from=here'
    lade build -q -t "$base:1" context
    dockerfile "FROM $base:1" 'LABEL more=1'
    lade build -q -t "$name" context
    [ "$(lade inspect --config "$name" | jq -r .config.Labels.from)" = here ]
    [ "$(reads "$name/base")" -eq 0 ]
    lade build -q --pull -t "$name" context
    [ "$(lade inspect --config "$name" | jq -r '.config.Labels.from // "none"')" = none ]
    dockerfile "FROM $base:moved@$(raw "$base:1" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')"
    lade build -q -t "$name" context
    [ "$(lade inspect --config "$name" | jq -r '.config.Env[1]')" = BASE=yes ]
    dockerfile "FROM $base@sha256:$(printf '%064d' 1)"
    fails 4 "$base" Dockerfile:1 -- lade build context
}

@test "absent blobs go from registry to registry" {
    dockerfile "FROM $base:1" 'COPY file /file'
    lade build -q -t "$REGISTRY_OTHER/$name/app:1" context
    lade push -q "$REGISTRY_OTHER/$name/app:1"
    none_kept
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_OTHER/$name/app:1" oci:whole:1
    complete whole
    # Now a registry that has it all: nothing is read again.
    local count
    count=$(reads "$name/base")
    lade push -q "$REGISTRY_OTHER/$name/app:1"
    [ "$(reads "$name/base")" -eq "$count" ]
}

@test "copy and -o fetch absent blobs" {
    dockerfile "FROM $base:1" 'COPY file /file'
    lade build -q -t "$name" -o type=oci,dest=a,tar=false context
    complete a
    lade copy "$name" oci:b:1
    complete b
    lade copy "$name" docker-archive:c.tar:c:1
    skopeo copy -q docker-archive:c.tar dir:c
    [ "$(jq '.layers | length' c/manifest.json)" -eq "$(($(layers_of "$base:1" | wc -l) + 1))" ]
    lade build -q -o type=local,dest=d context
    cmp d/noise "$BATS_FILE_TMPDIR/big/noise"
}

@test "an absent blob that is gone: exit 4 naming where it was" {
    dockerfile "FROM $base:1" 'COPY file /file'
    lade build -q -t "$REGISTRY_OTHER/$name/app:1" context
    local digest
    digest=$(layers_of "$base:1" | head -n 1)
    forget "$name/base" "$digest"
    fails 4 "$REGISTRY_PLAIN/$name/base" "${digest:7:12}" -- lade push -q "$REGISTRY_OTHER/$name/app:1"
    fails 4 "$REGISTRY_PLAIN/$name/base" -- lade copy "$REGISTRY_OTHER/$name/app:1" oci:out:1
    fails 4 "$REGISTRY_PLAIN/$name/base" -- lade copy "$REGISTRY_OTHER/$name/app:1" oci-archive:out.tar:1
    [ ! -e out.tar ]
    fails 4 "$REGISTRY_PLAIN/$name/base" -- lade build -o type=oci,dest=out2.tar context
    [ ! -e out2.tar ]
    run skopeo inspect --tls-verify=false "docker://$REGISTRY_OTHER/$name/app:1"
    [ "$status" -ne 0 ]
}

@test "--complete: other tools read the store as it is" {
    dockerfile "FROM $base:1" 'COPY file /file'
    lade build -q --complete -t "$name" context
    complete "$LADE_STORE"
    local entry=docker.io/library/$name:latest
    [ "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$LADE_STORE/index.json")" = "$entry" ]
    skopeo copy -q "oci:$LADE_STORE:$entry" dir:copy
    local rootless=(--rootless)
    if [ "$(id -u)" -eq 0 ]; then rootless=(); fi
    umoci unpack "${rootless[@]}" --image "$LADE_STORE:$entry" bundle
    cmp bundle/rootfs/noise2 "$BATS_FILE_TMPDIR/big/noise"
    [ "$(cat bundle/rootfs/file)" = one ]
    # What was fetched for it is not asked for again.
    local count
    count=$(reads "$name/base")
    lade copy "$name" "docker://$REGISTRY_OTHER/$name/app:1"
    [ "$(reads "$name/base")" -eq "$count" ]
}

@test "ONBUILD of a base runs in its child, and is not handed on" {
    skopeo copy -q --dest-tls-verify=false "oci:$BATS_FILE_TMPDIR/base" "docker://$base:onbuild"
    echo seed >context/seed
    dockerfile "FROM $base:onbuild" 'COPY file /file'
    lade build -q -t "$name" context
    lade build -q -o out context
    [ "$(cat out/from-onbuild)" = seed ]
    lade inspect --config "$name" | jq -e '(.config.OnBuild // []) == [] and ([.history[] | select(.created_by | test("from-onbuild"))] | length) == 1'
}

@test "COPY --from=image" {
    dockerfile 'FROM scratch' "COPY --from=$base:1 /etc/passwd /data /x/"
    lade build -q -o out context
    cmp out/x/passwd "$BATS_FILE_TMPDIR/big/etc/passwd"
    diff -r out/x/d0 "$BATS_FILE_TMPDIR/big/data/d0"
    dockerfile 'FROM scratch' "COPY --from=$base:1 /absent /x"
    fails 4 Dockerfile:2 /absent -- lade build context
    dockerfile 'FROM scratch' "COPY --from=$base:nowhere /data /x"
    fails 4 Dockerfile:2 "$base:nowhere" -- lade build context
}

@test "pull: the image is whole here, and builds need the registry no more" {
    lade pull -q "$base:1"
    "$support/sound" "$LADE_STORE" --complete
    local count
    count=$(requests "$REGISTRY_PLAIN_LOG" "/v2/$name/base/")
    dockerfile "FROM $base:1" 'COPY file /file'
    lade build -q -t "$name" -o out context
    cmp out/noise "$BATS_FILE_TMPDIR/big/noise"
    [ "$(requests "$REGISTRY_PLAIN_LOG" "/v2/$name/base/")" -eq "$count" ]
}
