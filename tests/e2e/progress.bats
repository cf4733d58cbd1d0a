#!/usr/bin/env bats
# How progress is shown: JSON for programs, and each blob on a terminal.

# shellcheck disable=SC2154
load lib

setup_file() {
    registry_start plain
    registry_start other
}
teardown_file() { servers_stop; }
setup() {
    fresh
    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 3000000 >large
    printf '%s\n' 'FROM scratch' 'COPY large /' >Dockerfile
}

# events COMMAND…: each line of standard error is an object; shows "event result" of each, and the exit status of the last.
events() {
    run --separate-stderr "$@"
    jq -e -s 'all(.[]; type == "object" and .event) and (.[-1].event == "end") and ([.[] | select(.event == "end")] | length == 1)' <<<"$stderr" \
        >verdict || { echo "$stderr"; return 1; }
    [ "$(jq -s '.[-1].exit' <<<"$stderr")" -eq "$status" ]
}

seen() {
    jq -r '[.event, .result // empty] | join(" ")' <<<"$stderr" | sort | uniq -c | sed 's/^ *//'
}

@test "--progress json: build, push, copy, pull" {
    local ref=$REGISTRY_PLAIN/json/app:1
    events lade build --progress json -t "$ref" .
    [[ $(seen) == *"1 step-end done"* ]]
    events lade push --progress json "$ref"
    [[ $(seen) == *"blob-end uploaded"* ]]
    [[ $(seen) == *"transfer-end"* ]]
    [ "$(jq -s '[.[] | select(.event == "bytes") | .done] | max' <<<"$stderr")" -gt 2900000 ]
    events lade push --progress json "$ref"
    [[ $(seen) == *"blob-end exists"* ]]
    events lade copy --progress json "docker://$ref" "docker://$REGISTRY_OTHER/json/app:1"
    [ "$(jq -s '[.[] | select(.event == "blob-end" and .size > 2900000)] | length' <<<"$stderr")" -eq 1 ]
    lade rm "$ref"
    events lade pull --progress json "$ref"
    [ "$status" -eq 0 ]
}

@test "--progress json: the end says what was wrong" {
    events lade push --progress json "$REGISTRY_PLAIN/json/none:1"
    [ "$status" -eq 4 ]
    [[ $(jq -r 'select(.event == "end") | .error' <<<"$stderr") == *"not in the local store"* ]]
    [[ $(jq -r 'select(.event == "end") | .hint' <<<"$stderr") == *"build it"* ]]
    echo 'FROM scratch' >>Dockerfile
    echo 'COPY none /' >>Dockerfile
    BUILDKIT_PROGRESS=json events lade build .
    [ "$status" -ne 0 ]
    fails 11 rawjson "--progress json" -- lade build --progress rawjson .
}

@test "a terminal shows each blob while it moves" {
    local ref=$REGISTRY_PLAIN/tty/app:1
    lade build -q -t "$ref" .
    TERM=xterm script -qec "lade push $ref" /dev/null >shown </dev/null
    grep -q "=> push $REGISTRY_PLAIN/tty/app: 3 blobs, 3 moved" shown
    TERM=xterm script -qec "lade copy docker://$ref docker://$REGISTRY_OTHER/tty/app:1" /dev/null >shown </dev/null
    grep -Eq "=> .* $REGISTRY_OTHER/tty/app: 3 blobs" shown
    grep -Eq '=> => sha256:[0-9a-f]{12} .* / 3\.0 MB' shown || skip "too fast to be seen"
}
