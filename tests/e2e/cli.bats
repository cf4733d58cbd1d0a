#!/usr/bin/env bats
# Signals, terminals, full and closed outputs, and command lines that are wrong.

load lib

setup_file() { registry_start plain; }
teardown_file() { servers_stop; }
setup() {
    fresh
    mkdir context
    "$support/maketree" context/data --files 40 --bytes 400000 --seed 2
    printf '%s\n' 'FROM scratch' 'COPY data /data' 'COPY data/d0 /more' >context/Dockerfile
}

# clean: nothing half-made is left.
clean() {
    local left
    left=$(find "$LADE_STORE" "$LADE_CACHE" . -name '.new-*' 2>/dev/null) || true
    [ -z "$left" ] || { echo "left: $left"; return 1; }
    [ ! -e "$LADE_STORE/index.json" ] || "$support/sound" "$LADE_STORE"
    if [ -d "$LADE_CACHE" ]; then
        left=$(find "$LADE_CACHE" -mindepth 1 \( -name '*scratch*' -o -name 'context*' \))
        [ -z "$left" ] || { echo "left: $left"; return 1; }
    fi
}

# listener: something that takes connections and never answers; then the file "connected" is there. Sets $port.
listener() {
    cat >listener.py <<'PYTHON'
import os
import socket
s = socket.create_server(("127.0.0.1", 0))
open("port.new", "w").write(str(s.getsockname()[1]))
os.rename("port.new", "port")
keep = []
while True:
    keep.append(s.accept()[0])
    keep[-1].recv(1)
    open("connected", "w")
PYTHON
    python3 listener.py 3>&- &
    server_remember $!
    wait_for 20 test -e port
    port=$(cat port)
}

# stopped SIGNAL STATUS PID
stopped() {
    local status=0
    kill "-$1" "$3"
    wait "$3" || status=$?
    [ "$status" -eq "$2" ] || { echo "exit $status after $1"; return 1; }
}

@test "a signal while the context is read: 130, 143 or 129, and nothing is left" {
    local signal
    mkfifo pipe
    for signal in INT:130 TERM:143 HUP:129; do
        # Jobs in the background ignore SIGINT, which lade would leave so.
        env --default-signal=INT,HUP lade build -t x - <pipe >out 2>err 3>&- &
        exec 5>pipe
        # More than a pipe holds: when it is written, lade reads.
        tar -C context -c . | head -c 200000 >&5
        stopped "${signal%:*}" "${signal#*:}" $! || { cat err; return 1; }
        exec 5>&-
        [ ! -s out ]
        clean
    done
}

@test "signals at many moments of a build" {
    local i status signal
    for i in {1..16}; do
        rm -rf "$LADE_STORE" "$LADE_CACHE" out.tar
        signal=INT
        [ $((i % 2)) -eq 0 ] || signal=TERM
        status=0
        # In the background, timeout would signal its group too, and a second signal ends lade at once.
        timeout --foreground --preserve-status -s "$signal" "$(printf '0.%03d' $((i * 12)))" \
            lade build -t x -o type=oci,dest=out.tar context >/dev/null 2>err || status=$?
        [ "$status" -eq 0 ] || [ "$status" -eq 130 ] || [ "$status" -eq 143 ] || { echo "exit $status"; cat err; return 1; }
        [ "$status" -eq 0 ] || [ ! -e out.tar ] || { echo "out.tar is there"; return 1; }
        clean
    done
    lade build -q -t x context
    "$support/sound" "$LADE_STORE" --complete
}

@test "a signal while a registry is waited for" {
    listener
    lade build -q -t "127.0.0.1:$port/a:1" context
    local command pid
    for command in "push 127.0.0.1:$port/a:1" "build --push -t 127.0.0.1:$port/a:2 context" "pull 127.0.0.1:$port/b" \
        "inspect docker://127.0.0.1:$port/b"; do
        rm -f connected
        # shellcheck disable=SC2086 # words
        env --default-signal=INT lade $command >out 2>err 3>&- &
        pid=$!
        wait_for 20 test -e connected
        stopped INT 130 "$pid" || { cat err; return 1; }
        clean
    done
}

@test "SIGINT that is ignored stays ignored" {
    mkfifo pipe
    lade build -q - <pipe >out 2>err 3>&- &
    exec 5>pipe
    tar -C context -c . >whole.tar
    head -c 200000 whole.tar >&5
    kill -INT $!
    tail -c +200001 whole.tar >&5
    exec 5>&-
    wait $!
    grep -q ^sha256: out
}

@test "standard output is full or closed: an error, and no harm" {
    local digest command
    digest=$(lade build -q -t x context)
    for command in "build -q context" "build -o - context" "build -o type=oci context" "ls" "inspect x" "inspect --raw x" "inspect --config x" \
        "copy x -" "push $REGISTRY_PLAIN/x" "--help" "build --help" "--version"; do
        [[ $command != push* ]] || lade tag x "$REGISTRY_PLAIN/x"
        # shellcheck disable=SC2086 # words
        run -10 sh -c 'exec lade "$@" >/dev/full' sh $command
        # shellcheck disable=SC2086 # words
        run sh -c 'exec lade "$@" >&-' sh $command
        [ "$status" -ne 0 ] || { echo "$command: success with standard output closed"; return 1; }
        [ "$status" -lt 100 ] || { echo "$command: $status $output"; return 1; }
        "$support/sound" "$LADE_STORE" --complete
    done
    # Without the others, nothing lands in a file that has their number.
    same digests "$(lade build -q context <&- 2>&-)" "$digest"
    lade build -t y context >/dev/null <&- 2>&-
    "$support/sound" "$LADE_STORE" --complete
}

@test "a reader that goes away" {
    lade build -q -t x context
    [ "$(lade copy x - 2>/dev/null | head -c 10 | wc -c)" -eq 10 ]
    run bash -c 'lade build -o - context 2>/dev/null | true; echo "${PIPESTATUS[0]}"'
    [ "${lines[-1]}" -eq 141 ]
}

@test "a terminal: progress is drawn, the exit code stays, and the results are there" {
    TERM=xterm script -qec "lade build -t $REGISTRY_PLAIN/tty:1 --push context" seen </dev/null
    grep -aq "tty:1@sha256:" seen
    grep -aq $'\e\[' seen
    run -4 env TERM=xterm script -qec "lade build -f nowhere context" seen </dev/null
    TERM=xterm script -qec "stty cols 12 rows 2; lade build -t y context" seen </dev/null
    TERM=xterm script -qec "stty cols 0 rows 0; lade push $REGISTRY_PLAIN/tty:1" seen </dev/null
    TERM=dumb script -qec "lade build -t y context" seen </dev/null
    NO_COLOR=1 TERM=xterm script -qec "lade build -t y context" seen </dev/null
    ! grep -aqE $'\e\\[[0-9;]*m' seen || false
    TERM=xterm script -qec "lade build --progress plain -t y context" seen </dev/null
    ! grep -aq $'\e' seen || false
    env -u TERM script -qec "lade build -t y context" seen </dev/null
    TERM=xterm script -qec "lade ls; lade inspect y; lade build --help" seen </dev/null
}

@test "a terminal and a signal: the cursor comes back" {
    local pid
    listener
    lade build -q -t "127.0.0.1:$port/a:1" context
    TERM=xterm script -qec "env --default-signal=INT lade push 127.0.0.1:$port/a:1 & echo \$! >pid; wait \$!; echo status=\$?" seen \
        </dev/null >/dev/null 3>&- &
    pid=$!
    wait_for 20 test -e connected
    kill -INT "$(cat pid)"
    wait "$pid"
    grep -aq 'status=130' seen
    # Hidden as often as shown.
    [ "$(grep -ao $'\e\\[?25l' seen | wc -l)" -le "$(grep -ao $'\e\\[?25h' seen | wc -l)" ]
}

@test "command lines that are wrong end with 2 and name what is wrong" {
    fails 2 "--nonsense" -- lade build --nonsense context
    fails 2 "-Z" -- lade build -Z context
    fails 2 CONTEXT -- lade build
    fails 2 "lade build CONTEXT" -- lade build context extra
    fails 2 --tag -- lade build context --tag
    fails 2 --jobs -- lade build --jobs many context
    fails 2 --jobs -- lade build --jobs -1 context
    fails 2 --load -- lade build --load=maybe context
    fails 2 color -- lade build -o type=tar,dest=x,color=red context
    fails 2 --tries -- lade push --tries 0x x
    fails 2 "--tries: expected a number from 1 to 100" -- lade push --tries 0 x
    fails 2 "" -- lade
    fails 2 nonsense -- lade nonsense
    fails 2 nonsense -- lade help nonsense
    fails 2 --store -- lade ls --store
    fails 3 "A:B:C" -- lade build -t A:B:C context
    fails 2 "no/such" -- lade build --platform no/such/platform/at/all context
    fails 2 --build-arg -- lade build --build-arg =x context
    fails 4 nowhere -- lade build nowhere
    fails 4 context/Dockerfile "Not a directory" -- lade build context/Dockerfile
}

@test "options of buildx that are not there end with 11 and their name" {
    local option
    for option in --sbom=true --provenance=true --attest=type=sbom --check --squash \
        --build-context=a=b --call=check --cgroup-parent=x; do
        fails 11 "${option%%=*}" -- lade build "$option" context
    done
    lade build -q --sbom=false --provenance=false --no-cache --load --network=default --builder any context
}

@test "options may stand before and after; -- ends them" {
    lade build context -q -t first
    lade build -qt second context
    lade build -t=third -q context
    lade build -tthird-too -q context
    lade build --tag=fourth --quiet -- context
    [ "$(lade ls -q | wc -l)" -eq 5 ]
    mkdir -- -odd
    printf 'FROM scratch\n' >-odd/Dockerfile
    lade build -q -- -odd
}
