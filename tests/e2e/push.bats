#!/usr/bin/env bats
# What a push sends, what it does not send again, and what stands in the registry when it fails.

load lib
load pushed

setup_file() {
    registry_start plain
    registry_start other
}
teardown_file() { servers_stop; }
setup() {
    fresh
    context one
}

# uploads REPOSITORY: how many blobs were finished, or sent in parts, in the plain registry.
uploads() { requests "$REGISTRY_PLAIN_LOG" "^(PATCH|PUT) /v2/$1/blobs/"; }
finished() { requests "$REGISTRY_PLAIN_LOG" "^PUT /v2/$1/blobs/.* 201 "; }
tags_moved() { requests "$REGISTRY_PLAIN_LOG" "^PUT /v2/$1/manifests/[^ :]+ 201 "; }

@test "build --push: a line for the name, and the registry holds those bytes" {
    run --separate-stderr lade build -t "$REGISTRY_PLAIN/push/simple:1" --push --iidfile iid context
    [ "$status" -eq 0 ]
    same "line and digest" "$output" "$REGISTRY_PLAIN/push/simple:1@$(cat iid)"
    same "digests" "$(digest_at "$REGISTRY_PLAIN/push/simple:1")" "$(cat iid)"
    whole "$REGISTRY_PLAIN/push/simple:1"
}

@test "build and push apart, give the same as together" {
    lade build -q -t "$REGISTRY_PLAIN/push/apart:1" context >digest
    same "line and digest" "$(lade push -q "$REGISTRY_PLAIN/push/apart:1")" "$REGISTRY_PLAIN/push/apart:1@$(cat digest)"
    same digests "$(lade build -q -t "$REGISTRY_PLAIN/push/together:1" --push context)" "$(cat digest)"
    same digests "$(digest_at "$REGISTRY_PLAIN/push/together:1")" "$(cat digest)"
}

@test "several tags cost one upload" {
    local ref=$REGISTRY_PLAIN/push/tags
    lade build --push -t "$ref:1" -t "$ref:1.2" -t "$ref:latest" context >lines
    [ "$(wc -l <lines)" -eq 3 ]
    [ "$(finished push/tags)" -eq 3 ]
    [ "$(tags_moved push/tags)" -eq 3 ]
    same digests "$(digest_at "$ref:1")" "$(digest_at "$ref:latest")"
}

@test "what is there is not sent again" {
    local ref=$REGISTRY_PLAIN/push/again
    lade build -q --push -t "$ref:1" context
    local before
    before=$(uploads push/again)
    lade push "$ref:1"
    lade tag "$ref:1" "$ref:2"
    lade push "$ref:2"
    [ "$(uploads push/again)" -eq "$before" ]
    [ "$(requests "$REGISTRY_PLAIN_LOG" '^POST /v2/push/again/')" -eq 3 ]
    # One layer and the config are new.
    echo changed >context/first
    lade build -q --push -t "$ref:3" context
    [ "$(finished push/again)" -eq 5 ]
    # Another machine, which has nothing but the context.
    rm -rf "$LADE_STORE" "$LADE_CACHE"
    lade build -q --push -t "$ref:4" context
    [ "$(finished push/again)" -eq 5 ]
    whole "$ref:4"
}

@test "the tag comes with the manifest; one that names the image already is left as it is" {
    local ref=$REGISTRY_PLAIN/push/once
    lade build -q -t "$ref:1" context
    lade push -q "$ref:1"
    [ "$(requests "$REGISTRY_PLAIN_LOG" '^PUT /v2/push/once/manifests/')" -eq 1 ]
    [ "$(tags_moved push/once)" -eq 1 ]
    local before
    before=$(requests "$REGISTRY_PLAIN_LOG" '/v2/push/once/')
    run --separate-stderr lade push "$ref:1"
    [ "$status" -eq 0 ]
    same "line and digest" "$output" "$ref:1@$(digest_at "$ref:1")"
    [[ $stderr == *exists* ]]
    # Ours, and the one of digest_at.
    [ "$(requests "$REGISTRY_PLAIN_LOG" '/v2/push/once/')" -eq $((before + 2)) ]
    # Another image under the tag: everything is looked at, and the tag moves.
    context two
    lade build -q -t "$ref:1" context >digest
    lade push -q "$ref:1"
    same digests "$(digest_at "$ref:1")" "$(cat digest)"
    whole "$ref:1"
}

@test "a second repository of the registry gets its blobs by mount" {
    local one=$REGISTRY_PLAIN/push/mount-a:1 two=$REGISTRY_PLAIN/push/mount-b:1
    lade build -t "$one" -t "$two" --push context
    [ "$(finished push/mount-a)" -eq 3 ]
    [ "$(uploads push/mount-b)" -eq 0 ]
    [ "$(requests "$REGISTRY_PLAIN_LOG" '^POST /v2/push/mount-b/blobs/uploads/.*mount=.*from=push.*mount-a.* 201 ')" -eq 3 ]
    whole "$two"
}

@test "a base in the same registry is mounted; none of it is read or sent" {
    lade build -q --push -t "$REGISTRY_PLAIN/push/base:1" context
    rm -rf "$LADE_STORE"
    mkdir child
    echo child >child/file
    printf '%s\n' "FROM $REGISTRY_PLAIN/push/base:1" 'LABEL a=b' 'COPY file /' >child/Dockerfile
    lade build -q --push -t "$REGISTRY_PLAIN/push/child:1" child
    [ "$(finished push/child)" -eq 2 ]
    [ "$(requests "$REGISTRY_PLAIN_LOG" '^POST /v2/push/child/blobs/uploads/.*mount=.* 201 ')" -eq 2 ]
    whole "$REGISTRY_PLAIN/push/child:1"
}

@test "two registries in one push; a third name that fails leaves those before" {
    lade build -q --push -t "$REGISTRY_PLAIN/push/two:1" -t "$REGISTRY_OTHER/push/two:1" context
    same digests "$(digest_at "$REGISTRY_PLAIN/push/two:1")" "$(digest_at "$REGISTRY_OTHER/push/two:1")"
    whole "$REGISTRY_OTHER/push/two:1"
    run lade push --tries 1 "$REGISTRY_PLAIN/push/two:1" localhost:1/push/two:1
    [ "$status" -eq 4 ]
}

@test "nothing listens: exit 7 naming the host" {
    lade build -q -t localhost:1/a:1 context
    fails 7 localhost:1 -- lade push --tries 1 -q localhost:1/a:1
}

@test "a name that is not in the store: exit 4, and nothing is sent" {
    lade build -q -t "$REGISTRY_PLAIN/push/absent:1" context
    fails 4 push/absent:2 -- lade push -q "$REGISTRY_PLAIN/push/absent:1" "$REGISTRY_PLAIN/push/absent:2"
    [ "$(requests "$REGISTRY_PLAIN_LOG" '/v2/push/absent/')" -eq 0 ]
}

@test "many layers, any number of jobs, the same registry" {
    local i
    {
        echo 'FROM scratch'
        for i in {1..20}; do echo "COPY f$i /d$i/"; done
    } >context/Dockerfile
    for i in {1..20}; do echo "$i" >"context/f$i"; done
    lade build -q --push --jobs 1 -t "$REGISTRY_PLAIN/push/many:1" context >one
    lade build -q --push --jobs 8 -t "$REGISTRY_OTHER/push/many:1" context >eight
    same digests "$(cat one)" "$(cat eight)"
    [ "$(finished push/many)" -eq 21 ]
    whole "$REGISTRY_OTHER/push/many:1"
}
