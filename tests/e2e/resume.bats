#!/usr/bin/env bats
# Uploads that are broken off, and taken up again by the next process: where the registry still has what was sent, only the rest is sent.

load lib
load faults

setup_file() {
    faults_setup
    local dir=$BATS_FILE_TMPDIR/context
    openssl enc -aes-128-ctr -K 01 -iv 01 -in /dev/zero 2>/dev/null | head -c 12000000 >"$dir/many/large"
    lade build -q --store "$FAULT_STORE" -t huge:1 "$dir" >"$BATS_FILE_TMPDIR/huge1"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    cp -r "$FAULT_STORE" "$LADE_STORE"
    repository=resume/c$BATS_TEST_NUMBER
}

journal() { find "$LADE_CACHE/uploads" -type f 2>/dev/null; }
has_journal() { [ -n "$(journal)" ]; }
logged() { grep -Eq "$1" "$FAULT_X_LOG"; }

# cut_off ARGUMENT…: a push that is killed while its large layer is on its way.
cut_off() {
    proxy "$@"
    lade tag huge:1 "$FAULT_X/$repository:1"
    lade push "$FAULT_X/$repository:1" >push.out 2>&1 3>&- &
    local pid=$!
    wait_for 20 has_journal
    sleep 1 # half of the layer is on its way
    kill -9 "$pid"
    wait "$pid" || true
    wait_for 20 logged '^PATCH .* length=[1-9][0-9]{6}'
}

@test "a push that was killed goes on in the upload that it had begun" {
    cut_off --mode sessions 'PATCH /uploads/ 3 stall-up=4'
    [ "$(journal | wc -l)" -eq 1 ]
    [ "$(stat -c %a "$(journal)")" = 600 ]
    : >"$FAULT_X_LOG"
    lade push "$FAULT_X/$repository:1"
    stands huge:1
    cat "$FAULT_X_LOG"
    logged '^GET /v2/.*/blobs/uploads/.* 204'
    logged '^PATCH .*content-range=[1-9][0-9]*-'
    [ "$(sed -nE 's/^PATCH .* got=([0-9]+) .*/\1/p' "$FAULT_X_LOG" | paste -sd + | bc)" -lt 9000000 ]
    [ "$(grep -c '^POST' "$FAULT_X_LOG")" -eq 2 ] # for the config and the small layer
    run ! has_journal
}

@test "a push that was killed begins a new upload where the registry has dropped the old one" {
    cut_off 'PATCH /uploads/ 3 stall-up=4'
    : >"$FAULT_X_LOG"
    lade push "$FAULT_X/$repository:1"
    stands huge:1
    logged '^GET /v2/.*/blobs/uploads/.* 404'
    [ "$(grep -c '^POST' "$FAULT_X_LOG")" -eq 3 ]
    run ! has_journal
}

committed() { [ "$(grep -c '^PUT /v2/.*/uploads/.* 201' "$FAULT_X_LOG")" -eq 3 ]; }

@test "a push that was killed while the registry took what it had does not send it again" {
    # The first three HEADs of the next push come too early to see it.
    proxy 'PUT /uploads/ 3 stall-after=10' 'HEAD /blobs/ @4-6 status=404'
    lade tag huge:1 "$FAULT_X/$repository:1"
    lade push "$FAULT_X/$repository:1" >push.out 2>&1 3>&- &
    local pid=$!
    wait_for 20 committed
    has_journal
    kill -9 "$pid"
    wait "$pid" || true
    : >"$FAULT_X_LOG"
    lade push "$FAULT_X/$repository:1"
    stands huge:1
    logged '^GET /v2/.*/blobs/uploads/.* 404'
    run ! logged '^PATCH .* length=[1-9][0-9]{6}'
    run ! has_journal
}

@test "a journal that makes no sense is written over" {
    cut_off --mode sessions 'PATCH /uploads/ 3 stall-up=4'
    sed -i 's/http:/file:/' "$(journal)"
    lade push "$FAULT_X/$repository:1"
    stands huge:1
    run ! has_journal
}

@test "two pushes of the same at once do not share an upload" {
    proxy --mode sessions 'PATCH /uploads/ * stall-up=1'
    lade tag huge:1 "$FAULT_X/$repository:1"
    lade push "$FAULT_X/$repository:1" >push.out 2>&1 3>&- &
    local pid=$!
    wait_for 20 has_journal
    lade push "$FAULT_X/$repository:1"
    wait "$pid"
    stands huge:1
    run ! has_journal
}

@test "a push after a build whose push failed builds nothing" {
    mkdir context
    printf '%s\n' 'FROM scratch' 'COPY Dockerfile /' >context/Dockerfile
    proxy 'PUT /manifests/ 2 status=500'
    run lade build --push --tries 2 -t "$FAULT_X/$repository:1" context
    [ "$status" -eq 7 ]
    rm -r context
    run lade push "$FAULT_X/$repository:1"
    [ "$status" -eq 0 ]
    [[ $output == *exists* ]]
    [[ $output != *COPY* ]]
    [ "$("$support/remote_whole" "$REGISTRY_PLAIN/$repository:1")" != absent ]
}

@test "a proxy with a small limit gets pieces, and small blobs whole" {
    pushes large:1 --mode acr:limit=1M
    logged '^PATCH .*content-range=0-'
    cat "$FAULT_X_LOG"
}
