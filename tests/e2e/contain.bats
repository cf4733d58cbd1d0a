#!/usr/bin/env bats
# What a step takes with it when it ends, is stopped or is killed: no process, no mount and no half layer stays, the store is sound, and the
# next build works. And what a step may use: time, processes, output, memory, and the room of its file system.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() { world_make plain; }
teardown_file() { world_remove; }

setup() {
    world_begin
    # What removes things waits for all who build.
    cp -a "$LADE_STORE" store
    cp -a "$LADE_CACHE" cache
    export LADE_STORE=$PWD/store LADE_CACHE=$PWD/cache
    # Every process of the test's commands has one of them in its arguments; the time is nobody else's.
    marker=contain-$BATS_TEST_NUMBER-$$
    nap=$((300 + BATS_TEST_NUMBER)).$$
    dockerfile "RUN touch /made; sh -c 'setsid sleep $nap; : $marker' & sh -c 'sleep $nap; : $marker'; : $marker" 'RUN echo after'
    own
    started=''
}
teardown() {
    [ -z "${started:-}" ] || kill -9 "$started" 2>/dev/null || true
    cd / && rm -rf "$world/test-$BATS_TEST_NUMBER"
}

of_marker() { pgrep -f "sh -c.*$marker|^sleep $nap" || true; }
count_marker() { [ "$(of_marker | wc -l)" -ge "$1" ]; }
gone() { [ -z "$(of_marker)" ]; }
child_of() { pgrep -P "$1" | head -n 1; }

# The exit status of what was started, which must come soon.
ended() {
    wait_for 20 over || { echo "it goes on" && cat log && return 1; }
    status=0
    wait "$started" || status=$?
}
over() { ! kill -0 "$started" 2>/dev/null; }

# A build that is at work in its first step: `started` is lade. A shell gives what it starts in the background no SIGINT.
start_build() {
    own
    "${user[@]}" env --default-signal=INT "$LADE_BIN" build --progress plain context >log 2>&1 3>&- &
    started=$!
    # Three shells, and what two of them wait for.
    wait_for 30 count_marker 5 || { cat log && return 1; }
}

# settled: nothing of the step is left, and the next build works.
settled() {
    wait_for 20 gone || { echo "these go on:" && pgrep -af "$marker|^sleep $nap" && return 1; }
    run ! grep -F "$LADE_CACHE" /proc/mounts
    dockerfile 'RUN test ! -e /made && echo fine >/fine'
    lade build -q -t next context
    "$support/sound" "$LADE_STORE"
    lade verify
    lade prune >/dev/null
    # Of files that are not finished, the young may be somebody's.
    run find "$LADE_CACHE" -name '.new-*' -type d
    same 'what is unfinished' "$output" ''
}

@test "lade is killed" {
    start_build
    kill -9 "$started"
    ended
    same 'exit status' "$status" 137
    settled
}

@test "the process between is killed" {
    start_build
    kill -9 "$(child_of "$started")"
    ended
    [ "$status" -eq 10 ] || { cat log && return 1; }
    settled
}

@test "the supervisor is killed" {
    start_build
    kill -9 "$(child_of "$(child_of "$started")")"
    ended
    [ "$status" -eq 10 ] || { cat log && return 1; }
    grep -q 'the supervisor of the command ended: signal 9 (Killed)' log || { cat log && return 1; }
    settled
}

@test "the command is killed" {
    start_build
    kill -9 "$(child_of "$(child_of "$(child_of "$started")")")"
    ended
    [ "$status" -eq 9 ] || { cat log && return 1; }
    grep -q 'exit code: 137' log || { cat log && return 1; }
    settled
}

@test "each process is killed at some moments of a build" {
    local i level pid
    dockerfile "RUN : $marker; mkdir a && seq 20000 >a/b" "RUN rm -r a; seq 20000 >c; : $marker" "RUN mv c d; : $marker"
    own
    for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
        "${user[@]}" "$LADE_BIN" build -q --no-cache -t moment context >log 2>&1 3>&- &
        started=$!
        read -rt "0.$((i % 6 * 2 + 1))" <> <(:) || true
        pid=$started
        for ((level = i % 4; level > 0; level--)); do pid=$(child_of "$pid" || true) && [ -n "$pid" ] || break; done
        [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
        ended
        # A step of which a process is killed when all is done may still be whole.
        [[ " 0 9 10 11 137 " == *" $status "* ]] || { echo "$i: exit $status" && cat log && return 1; }
        wait_for 10 gone
        "$support/sound" "$LADE_STORE"
    done
    lade build -q --no-cache -t moment context
    settled
}

# signalled SIGNAL CODE
signalled() {
    local begin
    start_build
    begin=$(date +%s%N)
    kill "-$1" "$started"
    ended
    same 'exit status' "$status" "$2"
    # The sanitizers and another's work take their time.
    [ $((($(date +%s%N) - begin) / 1000000)) -lt 5000 ]
    settled
}
@test "SIGINT" { signalled INT 130; }
@test "SIGTERM" { signalled TERM 143; }

@test "the terminal's interrupt reaches the whole group" {
    own
    "${user[@]}" setsid env --default-signal=INT "$LADE_BIN" build context >log 2>&1 3>&- &
    started=$!
    wait_for 30 count_marker 5
    kill -INT -- "-$started"
    ended
    same 'exit status' "$status" 130
    settled
}

@test "a step that takes too long takes all with it" {
    fails 10 'did not end within 1000 ms' 'hint: --step-timeout sets how long a step may take' 'Dockerfile:2' -- \
        lade build -q --step-timeout 1s context
    settled
}

@test "a build that takes too long takes all with it" {
    fails 10 'took longer than 1.500 seconds' -- lade build -q --timeout 1500ms context
    settled
}

@test "a fork bomb" {
    local others most
    # The number of processes is the user's: leave room for what else runs as that user.
    others=$(pgrep -cu "$([ "$(id -u)" = 0 ] && echo "$plain" || id -u)" || true)
    most=$((others + 100))
    dockerfile 'RUN ulimit -u'
    own
    same limit "$(as "$LADE_BIN" build --progress plain --ulimit nproc=$most context 2>&1 | said)" "$most"
    # The marker stands in the arguments of each.
    dockerfile "RUN f() { f | f & }; f; while :; do sh -c 'sleep 1; : $marker'; done"
    own
    # Whatever lade does, there is an end to it.
    ulimit -u $((others + 600))
    fails 10 'did not end within' "can't fork" -- lade build -q --ulimit nproc=$most --step-timeout 2s context
    wait_for 20 gone
    same 'processes of the user' "$([ "$(id -u)" != 0 ] || pgrep -u "$plain" -f busybox)" ''
    settled
}

@test "thousands of lines a second: each comes, in order" {
    dockerfile 'RUN seq 100000; seq 200001 300000 >&2'
    own
    as "$LADE_BIN" build --progress plain context 2>log
    same lines "$(said <log | sha256sum)" "$( (seq 100000; seq 200001 300000) | sha256sum)"
}

@test "much output: the log is clipped" {
    dockerfile 'RUN yes 0123456789012345678901234567890123456789012345678901234567890123456789 | head -c 300000000; echo; echo the end >&2'
    own
    as "$LADE_BIN" build --progress plain context 2>log
    grep -q 'output clipped, log limit 2MiB reached' log
    [ "$(stat -c %s log)" -lt 4000000 ]
}

@test "one line without an end" {
    dockerfile 'RUN head -c 50000000 /dev/zero | tr "\\0" x; echo; false'
    fails 9 'exit code: 1' -- lade build -q context
    [ ${#stderr} -lt 200000 ]
}

@test "root: the disk is full within a step" {
    local part
    mkdir small
    mount -t tmpfs -o size=24m,mode=0777 full small
    cp "$world/base/busybox" context
    printf '%s\n' 'FROM scratch' 'RUN --mount=source=busybox,target=/busybox ["/busybox", "sh", "-c", "/busybox cat /dev/zero >/big"]' >context/Dockerfile
    run --separate-stderr env LADE_CACHE="$PWD/small/cache" "$LADE_BIN" build -q -t full context
    umount small
    [ "$status" -eq 10 ] || { echo "exit $status: $stderr" && return 1; }
    for part in "no space is left in $PWD/small/cache" 'hint: make room there, or set LADE_CACHE to another place' 'Dockerfile:2'; do
        [[ $stderr == *"$part"* ]] || { echo "not said: $part: $stderr" && return 1; }
    done
    lade build -q -t next "$world/base"
    "$support/sound" "$LADE_STORE"
}

@test "more memory than a process may have" {
    dockerfile 'RUN head -c 1 /dev/zero >/dev/null; dd if=/dev/zero of=/dev/null bs=200M count=1'
    fails 9 -- lade build -q --memory 100m context
    lade build -q --memory 1g context
}

@test "files larger than a process may write" {
    dockerfile 'RUN head -c 3000000 /dev/zero >/big'
    fails 9 -- lade build -q --ulimit fsize=1000000 context
    lade build -q --ulimit fsize=4000000 context
}
