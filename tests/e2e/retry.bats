#!/usr/bin/env bats
# Failures of the network and of registries on the way: what passes is tried again; what stays leaves the old image where it is.

load lib
load pushed

setup_file() {
    registry_start plain
    faults_begin
}
teardown_file() { servers_stop; }
setup() {
    fresh
    context one
}

# passes RULE…: with each of them, an image that is new is pushed nevertheless.
passes() {
    local rule number=0 address
    for rule in "$@"; do
        number=$((number + 1))
        context "$rule"
        fault_start "f${BATS_TEST_NUMBER}x$number" "$REGISTRY_PLAIN" "$rule"
        address=FAULT_F${BATS_TEST_NUMBER}X$number
        run lade build --push -t "${!address}/flaky:$BATS_TEST_NUMBER-$number" context
        [ "$status" -eq 0 ] || { echo "$rule: exit $status: $output"; return 1; }
        same "$rule: digests" "${output##*@}" "$(digest_at "$REGISTRY_PLAIN/flaky:$BATS_TEST_NUMBER-$number")"
        whole "$REGISTRY_PLAIN/flaky:$BATS_TEST_NUMBER-$number"
    done
}

@test "a failure that passes, when blobs are looked for and uploads begin" {
    passes 'HEAD /blobs/ 1 status=500' 'POST /blobs/uploads/ 2 status=503' 'POST /blobs/uploads/ 1 drop' 'GET /v2/$ 1 status=503' \
        'POST /uploads/ 1 early status=500'
}

@test "a failure that passes, when blobs are sent" {
    passes 'PATCH /blobs/ 1 status=500' 'PATCH /blobs/ 1 drop' 'PUT /blobs/ 1 status=502' 'PUT /blobs/ 1 drop' 'PUT /blobs/ 1 lose' \
        'PUT /uploads/ 1 early status=503' 'PATCH /uploads/ 1 early status=503' '* /blobs/ 1 status=429 retry=0'
}

@test "a failure that passes, when manifests are sent" {
    passes 'PUT /manifests/ 1 status=500' 'PUT /manifests/ 1 lose' 'PUT /manifests/ 1 drop'
}

@test "a base whose download is cut comes whole" {
    lade build -q --push -t "$REGISTRY_PLAIN/cut:1" context
    fault_start cut "$REGISTRY_PLAIN" 'GET /blobs/ 2 cut=100'
    export LADE_STORE=$PWD/second
    lade pull "$FAULT_CUT/cut:1"
    "$support/sound" "$LADE_STORE" --complete
    grep -q 'range=bytes=100-' "$FAULT_CUT_LOG"
}

@test "a push that fails leaves the old tag and says what failed" {
    local ref=old:1 old rule
    old=$(lade build -q --push -t "$REGISTRY_PLAIN/$ref" context)
    local number=0
    for rule in 'PUT /manifests/ 99 status=500' 'PUT /blobs/ 99 drop' 'PATCH /blobs/ 99 status=403' '* /blobs/uploads 99 status=503' \
        'POST /blobs/ 99 status=403' 'HEAD /blobs/ 99 status=500'; do
        number=$((number + 1))
        context "new $number"
        fault_start "old$number" "$REGISTRY_PLAIN" "$rule"
        local address=FAULT_OLD$number
        run lade build --push --tries 2 --retry-budget 2s -t "${!address}/$ref" context
        [ "$status" -eq 7 ] || [ "$status" -eq 5 ] || { echo "$rule: exit $status: $output"; return 1; }
        [[ $output == *"${!address}"* ]]
        same "$rule: digests" "$(digest_at "$REGISTRY_PLAIN/$ref")" "$old"
    done
    # What was built is kept, and can be pushed later.
    lade tag "${!address}/$ref" "$REGISTRY_PLAIN/$ref"
    lade push -q "$REGISTRY_PLAIN/$ref"
    [ "$(digest_at "$REGISTRY_PLAIN/$ref")" != "$old" ]
}
