#!/usr/bin/env bats
# The configuration file: mirrors, other places, blocked registries, and how hosts are spoken to.

# shellcheck disable=SC2016,SC2154
load lib

setup_file() {
    # Requests to servers that all tests share are counted.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start origin
    registry_start good
    registry_start lacks
    registry_start wrong
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/setup
    mkdir -p "$BATS_TEST_TMPDIR"
    fresh
    local dir=$BATS_FILE_TMPDIR/context name host file
    mkdir -p "$dir"
    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 3000000 >"$dir/large"
    printf '%s\n' 'FROM scratch' 'COPY large /' >"$dir/Dockerfile"
    for name in origin good lacks wrong; do
        host=REGISTRY_${name^^}
        lade build -q -t "${!host}/hub/app:1" --push "$dir" >"$BATS_FILE_TMPDIR/image"
    done
    # One mirror has lost the layer, the other one has other bytes in its place.
    layer=$(lade inspect --raw "docker://$REGISTRY_ORIGIN/hub/app:1" | jq -r '.layers[0].digest')
    export layer
    for name in lacks wrong; do
        host=REGISTRY_${name^^}_DATA
        file=${!host}/docker/registry/v2/blobs/sha256/${layer:7:2}/${layer:7}/data
        if [ "$name" = lacks ]; then
            rm "$file"
        else
            printf 'X' | dd of="$file" bs=1 seek=2000000 conv=notrunc status=none
        fi
    done
    digest=$(lade inspect --raw "docker://$REGISTRY_ORIGIN/hub/app:1" | sha256sum | cut -d' ' -f1)
    export digest
    # Nobody listens there.
    export DEAD=127.0.0.1:1
}
teardown_file() { servers_stop; }
setup() {
    fresh
    unset LADE_CONFIG
    mkdir -p "$XDG_CONFIG_HOME/lade"
    file=$XDG_CONFIG_HOME/lade/config.json
}

# configure JSON: the entries of the registries.
configure() {
    echo "{\"registries\": {$1}}" >"$file"
}

# What a pull of hub/app:1 from the origin gives, by its digest.
pulled() {
    lade copy -q "docker://$REGISTRY_ORIGIN/hub/app:1" oci:out
    same digest "$digest" "$(jq -r '.manifests[0].digest' out/index.json | cut -d: -f2)"
    lade verify oci:out
    rm -r out
}

# asked NAME PATTERN: requests that a registry got since the last reset.
asked() {
    local log=REGISTRY_${1^^}_LOG
    requests_list "${!log}" | tail -n "+$(($(cat "mark-$1" 2>/dev/null || echo 0) + 1))" | grep -Ec -- "$2" || true
}

mark() {
    local name log
    for name in origin good lacks wrong; do
        log=REGISTRY_${name^^}_LOG
        requests_list "${!log}" | wc -l >"mark-$name"
    done
}

@test "a mirror is asked first, and for all" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$REGISTRY_GOOD\"]}"
    pulled
    [ "$(asked origin .)" -eq 0 ]
    [ "$(asked good 'GET .*/hub/app/blobs/')" -ge 2 ]
    # It is told whose mirror it is.
    [ "$(asked good "ns=${REGISTRY_ORIGIN/:/%3A}")" -ge 3 ]
}

@test "a mirror that is dead, one without the layer and one with wrong bytes: the next has it" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$DEAD\", \"$REGISTRY_LACKS\", \"$REGISTRY_WRONG\", \"$REGISTRY_GOOD\"]}"
    pulled
    [ "$(asked lacks "GET .*$layer.* 404")" -ge 1 ]
    [ "$(asked wrong "GET .*$layer.* 200")" -ge 1 ]
    [ "$(asked good "GET .*$layer.* 200")" -ge 1 ]
    [ "$(asked origin .)" -eq 0 ]
}

@test "after all mirrors the registry itself is asked" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$DEAD\", \"$REGISTRY_WRONG\", \"$REGISTRY_GOOD/nothing\"]}"
    pulled
    [ "$(asked good "GET /v2/nothing/hub/app/blobs/$layer.* 404")" -ge 1 ]
    [ "$(asked origin "GET .*$layer.* 200")" -eq 1 ]
}

@test "a mirror that failed is told of once and not asked again" {
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$DEAD\"]}"
    run --separate-stderr lade copy "docker://$REGISTRY_ORIGIN/hub/app:1" oci:out
    [ "$status" -eq 0 ]
    [ "$(grep -c "mirror $DEAD is not asked any more" <<<"$stderr")" -eq 1 ]
}

@test "FROM an image of a mirror, and its layers when they are pushed" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$REGISTRY_WRONG\", \"$REGISTRY_GOOD\"]}"
    printf '%s\n' "FROM $REGISTRY_ORIGIN/hub/app:1" 'COPY Dockerfile /large/../new' >Dockerfile
    lade build -q -o type=oci,dest=out.tar -t a:1 .
    lade verify oci-archive:out.tar
    [ "$(asked origin 'GET')" -eq 0 ]
}

@test "a mirror for digests only is not asked for tags" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [{\"location\": \"$REGISTRY_GOOD\", \"pull\": \"digest-only\"}]}"
    pulled
    [ "$(asked origin 'manifests/1')" -ge 1 ]
    [ "$(asked good 'manifests/1')" -eq 0 ]
    [ "$(asked good 'blobs')" -ge 2 ]
    lade copy -q "docker://$REGISTRY_ORIGIN/hub/app@sha256:$digest" oci:out
}

@test "mirrors are not pushed to, and not asked by what changes a registry" {
    mark
    configure "\"$REGISTRY_ORIGIN\": {\"mirrors\": [\"$REGISTRY_GOOD\"]}"
    echo 'FROM scratch' >Dockerfile
    lade build -q -t "$REGISTRY_ORIGIN/pushed/app:1" --push .
    lade tag "docker://$REGISTRY_ORIGIN/pushed/app:1" "docker://$REGISTRY_ORIGIN/pushed/app:2"
    lade rm --force "docker://$REGISTRY_ORIGIN/pushed/app:2"
    [ "$(asked good .)" -eq 0 ]
}

@test "another location, for pulls and pushes" {
    configure "\"images.example.com/hub\": {\"location\": \"$REGISTRY_ORIGIN/hub\"}, \"images.example.com\": {\"location\": \"$REGISTRY_GOOD/moved\"}"
    lade copy -q docker://images.example.com/hub/app:1 oci:out
    lade copy -q oci:out docker://images.example.com/team/app:2
    same digest "$digest" "$(lade inspect --raw "docker://$REGISTRY_GOOD/moved/team/app:2" | sha256sum | cut -d' ' -f1)"
    lade ls docker://images.example.com/team/app | grep -q 2
}

@test "a registry that is blocked" {
    configure "\"old.example.com\": {\"blocked\": true}, \"$REGISTRY_ORIGIN/hub\": {\"blocked\": true}"
    fails 5 "old.example.com/a is blocked" "config.json:1" '"old.example.com" has "blocked"' -- lade pull -q old.example.com/a:1
    fails 5 "is blocked" -- lade inspect "docker://$REGISTRY_ORIGIN/hub/app:1"
    fails 5 "is blocked" -- lade ls docker://old.example.com
    fails 5 "is blocked" -- lade login -u a --password-stdin old.example.com <<<b
    echo 'FROM old.example.com/a' >Dockerfile
    fails 5 "is blocked" -- lade build -q .
}

@test "mistakes are shown with their places" {
    printf '%s\n' '{"registries": {' '  "ghcr.io": {"mirors": []},' '  "docker.io/library": {"tries": 3}' '}}' >"$file"
    fails 3 "2 mistakes in $file" "$file:2:15: unknown key \"mirors\"" '  "ghcr.io": {"mirors": []},' '^~~~~~~' 'did you mean mirrors?' \
        'put it into the entry "docker.io"' -- lade inspect docker://ghcr.io/a/b
    echo '{"registries": {' >"$file"
    fails 3 "$file:1:17: " -- lade pull -q ghcr.io/a/b
    # What needs no registry does not care.
    echo 'FROM scratch' >Dockerfile
    lade build -q .
}

@test "the file can be named" {
    echo '{"registries": {"a.example.com": {"blocked": true}}}' >one.json
    echo '{"registries": {"b.example.com": {"blocked": true}}}' >two.json
    LADE_CONFIG=one.json fails 5 "one.json:1" -- lade pull -q a.example.com/a
    LADE_CONFIG=one.json fails 5 "two.json:1" -- lade pull -q --config-file two.json b.example.com/a
    LADE_CONFIG=none.json fails 4 'none.json ($LADE_CONFIG)' -- lade pull -q a.example.com/a
    fails 4 "none.json (--config-file)" -- lade pull -q --config-file none.json a.example.com/a
    fails 3 'is named by $DOCKER_CONFIG' -- lade pull -q --config-file . a.example.com/a
}

@test "requests per second" {
    mark
    configure "\"$REGISTRY_GOOD\": {\"requests-per-second\": 4}"
    local begin=$EPOCHREALTIME end count
    lade copy -q "docker://$REGISTRY_GOOD/hub/app:1" oci:out
    end=$EPOCHREALTIME
    count=$(asked good .)
    [ "$count" -ge 4 ]
    [ $((${end/./} - ${begin/./})) -ge $(((count - 1) * 245000)) ]
}

# took COMMAND…: how long it takes, in milliseconds.
took() {
    local begin=$EPOCHREALTIME
    "$@" >/dev/null
    echo $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
}

@test "how many blobs move at once" {
    faults_begin
    local i ms
    for i in 1 2 3 4; do echo "$i" >"$i"; done
    printf '%s\n' 'FROM scratch' 'COPY 1 /' 'COPY 2 /' 'COPY 3 /' 'COPY 4 /' >Dockerfile
    lade build -q -t four:1 .
    lade copy -q four:1 "docker://$REGISTRY_GOOD/four:1"
    # Five blobs with the configuration, of which each takes a second.
    fault_start slow "$REGISTRY_GOOD" 'PATCH uploads * stall-before=1' 'GET /blobs/ * stall-before=1'
    configure "\"$FAULT_SLOW\": {\"concurrent-reads\": 8, \"concurrent-writes\": 8}"
    ms=$(took lade copy -q --jobs 8 four:1 "docker://$FAULT_SLOW/free:1")
    [ "$ms" -lt 4500 ]
    ms=$(took lade copy -q --jobs 8 "docker://$FAULT_SLOW/four:1" oci:free)
    [ "$ms" -lt 4500 ]
    configure "\"$FAULT_SLOW\": {\"concurrent-reads\": 1, \"concurrent-writes\": 1}"
    ms=$(took lade copy -q --jobs 8 four:1 "docker://$FAULT_SLOW/bound:1")
    [ "$ms" -ge 5000 ]
    ms=$(took lade copy -q --jobs 8 "docker://$FAULT_SLOW/four:1" oci:bound)
    [ "$ms" -ge 5000 ]
    lade verify oci:bound
    # One of each, from the host to itself without mounts: what is read is written.
    fault_start self "$REGISTRY_GOOD" 'POST mount= * status=404'
    configure "\"$FAULT_SELF\": {\"concurrent-reads\": 1, \"concurrent-writes\": 1}"
    timeout 60 lade copy -q --jobs 8 "docker://$FAULT_SELF/four:1" "docker://$FAULT_SELF/self:1"
    lade verify "docker://$FAULT_SELF/self:1"
}

@test "the size of chunks" {
    faults_begin
    fault_start chunks "$REGISTRY_GOOD" --mode sessions
    configure "\"$FAULT_CHUNKS\": {\"chunk-size\": \"1m\"}"
    lade copy -q "docker://$REGISTRY_ORIGIN/hub/app:1" "docker://$FAULT_CHUNKS/chunks:1"
    grep -q '^PATCH .* content-range=0-1048575 ' "$FAULT_CHUNKS_LOG"
    grep -q '^PATCH .* content-range=1048576-2097151 ' "$FAULT_CHUNKS_LOG"
    [ "$(grep -oP '^(PATCH|PUT).* got=\K[0-9]+' "$FAULT_CHUNKS_LOG" | sort -n | tail -1)" -eq 1048576 ]
    lade verify "docker://$FAULT_CHUNKS/chunks:1"
}

@test "the example of the manual page is valid, and says what it is said to say" {
    sed -n '/^```json$/,/^```$/p' "$root/doc/config.md" | sed '1d;$d' >"$file"
    jq -e . "$file"
    fails 5 "x.old.example.com/a is blocked" -- lade pull -q x.old.example.com/a
    # Every setting of the example's hosts is in the tables.
    jq -r '.registries[] | keys[]' "$file" | sort -u | while read -r key; do
        grep -q "^| .*\`$key\`" "$root/doc/config.md" || { echo "not in a table: $key"; return 1; }
    done
}

@test "what a registry says beside its answers is shown once" {
    faults_begin
    fault_start warns "$REGISTRY_GOOD" 'GET . * header=Warning:299\ -\ \"old\" header=Ratelimit-Limit:100;w=21600 header=Ratelimit-Remaining:7;w=21600'
    run --separate-stderr lade copy "docker://$FAULT_WARNS/hub/app:1" oci:out
    [ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
    [ "$(grep -c "says: old" <<<"$stderr")" -eq 1 ]
    [ "$(grep -c "7 of the 100 pulls in 6 hours" <<<"$stderr")" -eq 1 ]
}

@test "a quota that is used up is tried once more only" {
    faults_begin
    fault_start spent "$REGISTRY_GOOD" 'HEAD /manifests/ * status=429 header=Ratelimit-Limit:100;w=21600 header=Ratelimit-Remaining:0;w=21600'
    fails 7 "gave up after 2 tries" "none of the 100 pulls in 6 hours" "lade login" -- lade pull -q "$FAULT_SPENT/hub/app:1"
}
