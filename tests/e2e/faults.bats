#!/usr/bin/env bats
# Registries where anything may fail at any time, that never answer, and that others push to at the same time.

load lib
load faults

@test "faults: requests that fail at random, pushes" {
    options='--tries 8 --retry-budget 20s'
    cases pushes small:1 < <(printf -- '--random ; 8%% ; --seed ; %s\n' {1..12})
    cases pushes small:1 < <(printf -- '--mode ; sessions ; --random ; 8%% ; --seed ; %s\n' {1..12})
}

@test "faults: requests that fail at random, pulls" {
    options='--tries 8 --retry-budget 20s'
    cases pulls large:1 < <(printf -- '--random ; 8%% ; --seed ; %s\n' {1..12})
}

@test "faults: whatever fails, the tag is the old image or the new one, and either is whole" {
    options='--tries 2 --retry-budget 2s'
    cases old_or_new < <(printf -- '--random ; 40%% ; --seed ; %s\n' {1..16})
}
old_or_new() {
    lade tag small:2 "$REGISTRY_PLAIN/$repository:1"
    lade push -q "$REGISTRY_PLAIN/$repository:1"
    through small:1 "$@"
    local now
    now=$("$support/remote_whole" "$REGISTRY_PLAIN/$repository:1")
    case $status in
    0) same digests "$now" "$(digest_of small:1)" ;;
    3 | 5 | 7 | 8) [ "$now" = "$(digest_of small:1)" ] || same digests "$now" "$(digest_of small:2)" ;;
    *) return 1 ;;
    esac
    # Once the cause is gone, the same push succeeds.
    lade tag small:1 "$REGISTRY_PLAIN/$repository:1"
    lade push -q "$REGISTRY_PLAIN/$repository:1"
    stands small:1
}

@test "faults: a server that never answers costs no more than the time allowed" {
    options='--timeout 2s'
    cases push_fails 7 small:1 <<'END'
time ; GET ^/v2/$ * stall-before=60
time ; HEAD /blobs/ * stall-before=60
time ; POST /uploads/ * stall-after=60
time ; PATCH|PUT /uploads/ * stall-up=60
time ; PUT /uploads/ * stall-before=60
time ; PUT /manifests/ * stall-before=60
time ; POST /uploads/ * slow-head=1
END
    cases pull_fails 7 large:1 <<'END'
time ; GET /blobs/ * stall-before=60
time ; GET /blobs/ * stall-middle=60
time ; GET /blobs/ * drip=1/1
time ; GET /blobs/ * slow-head=1
time ; HEAD|GET /manifests/ * stall-after=60
time ; GET /manifests/ * drip=1/1
END
}

@test "faults: pushes of two images to one tag at the same time" {
    fault_start x "$REGISTRY_PLAIN" 'PUT /manifests/ * stall-before=0.3' 'PATCH /uploads/ * stall-before=0.1'
    cp -r "$FAULT_STORE" "$LADE_STORE"
    cp -r "$FAULT_STORE" second
    lade tag small:1 "$FAULT_X/race:1"
    lade tag --store second small:2 "$FAULT_X/race:1"
    lade push "$FAULT_X/race:1" &
    timeout 30 lade push --store second "$FAULT_X/race:1" || [ $? -eq 6 ]
    wait $! || [ $? -eq 6 ]
    local now
    now=$("$support/remote_whole" "$REGISTRY_PLAIN/race:1")
    [ "$now" = "$(digest_of small:1)" ] || same digests "$now" "$(digest_of small:2)"
}
