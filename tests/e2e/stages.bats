#!/usr/bin/env bats
# Stages side by side.

load lib
load worlds

setup_file() { world_make; }
teardown_file() { world_remove; }
setup() { world_begin_alone; }
teardown() { cd / && rm -rf "$here"; }

dockerfile() { printf '%s\n' "$@" >context/Dockerfile; }
shared='--mount=type=cache,id=shared,target=/shared'
# Wait for a file, a minute at most.
await() { echo "for i in \$(seq 600); do [ -e /shared/$1 ] && break; sleep 0.1; done; [ -e /shared/$1 ]"; }

@test "two stages that wait for each other both end" {
    dockerfile 'FROM base AS one' "RUN $shared touch /shared/one; $(await two); echo 1 >/one" \
        'FROM base AS two' "RUN $shared touch /shared/two; $(await one); echo 2 >/two" \
        'FROM scratch' 'COPY --from=one /one /' 'COPY --from=two /two /'
    lade build -q --jobs 1 context
}

@test "a stage that only a mount shows is built beside the others" {
    dockerfile 'FROM base AS one' "RUN $shared touch /shared/one; $(await two); echo 1 >/one" \
        'FROM base' "RUN $shared touch /shared/two; $(await one)" 'RUN --mount=from=one,target=/from cat /from/one'
    lade build -q context
}

@test "a step that fails stops the others, and is what is told" {
    dockerfile 'FROM base AS one' "RUN $shared touch /shared/one; sleep 100" \
        'FROM base AS two' "RUN $shared $(await one); exit 7" \
        'FROM scratch' 'COPY --from=one / /' 'COPY --from=two / /'
    SECONDS=0
    fails 9 "exit code: 7" "Dockerfile:4" -- lade build -q context
    [ $SECONDS -lt 60 ]
    [[ $stderr != *"another step"* ]]
    run pgrep -u "$plain" -f 'sleep 100'
    [ "$status" -ne 0 ] || [ "$(id -u)" != 0 ]
}

@test "of several failures the first in the file is told" {
    local i
    dockerfile 'FROM base AS one' "RUN $shared $(await two); sleep 0.2; exit 5" \
        'FROM base AS two' "RUN $shared touch /shared/two; trap '' TERM; sleep 0.2; exit 6" \
        'FROM scratch' 'COPY --from=one / /' 'COPY --from=two / /'
    for i in 1 2 3; do
        run lade build -q context
        [ "$status" -eq 9 ]
        [[ $output == *"exit code: 5"* || $output == *"exit code: 6"* ]]
        [[ $output != *"another step"* ]]
    done
}

@test "the whole build has a time limit" {
    dockerfile 'FROM base AS one' 'RUN sleep 100' 'FROM base' 'RUN sleep 100' 'COPY --from=one / /'
    SECONDS=0
    fails 10 "took longer than 1.500 seconds" -- lade build -q --timeout 1500ms context
    [ $SECONDS -lt 60 ]
    lade build -q --timeout 1m "$world/base"
}

@test "its time limit ends what is copied and what is fetched, too, and so does another step that fails" {
    local hang
    # Listens, and never answers.
    coproc hang { exec python3 -uc 'import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(20)
print(s.getsockname()[1])
time.sleep(600)'; }
    read -r port <&"${hang[0]}"
    printf 'FROM 127.0.0.1:%s/a:1\nRUN true\n' "$port" >context/fetch
    # Not one byte of it takes room.
    truncate -s 60G context/large
    printf '%s\n' 'FROM base' 'COPY large /' >context/Dockerfile
    printf '%s\n' 'FROM base AS one' "RUN exit 7" "FROM 127.0.0.1:$port/a:1 AS two" 'RUN true' \
        'FROM base' 'COPY --from=two / /' 'COPY --from=one / /' >context/fails
    SECONDS=0
    fails 10 "took longer than 1.500 seconds" -- lade build -q --timeout 1500ms context
    fails 10 "took longer than 1.500 seconds" -- lade build -q --timeout 1500ms -f context/fetch context
    fails 9 "exit code: 7" -- lade build -q -f context/fails context
    kill "$hang_PID"
    [ $SECONDS -lt 60 ]
}

@test "a signal stops all stages" {
    [ "$(id -u)" = 0 ] || skip "needs root to be another user"
    dockerfile 'FROM base AS one' 'RUN sleep 100' 'FROM base' 'RUN sleep 100' 'COPY --from=one / /'
    SECONDS=0
    run timeout --foreground --preserve-status -s INT 2 "${user[@]}" "$LADE_BIN" build -q context
    [ "$status" -eq 130 ]
    [ $SECONDS -lt 60 ]
}

@test "any order of work gives the same digest" {
    local i first
    mkdir context/files
    for i in $(seq 50); do seq "$i" $((i + 500)) >"context/files/$i"; done
    {
        echo 'FROM base AS s0'
        echo 'COPY files /f0'
        for i in $(seq 1 19); do
            echo "FROM s$((i / 3)) AS s$i"
            echo "COPY files /f$i"
            echo "WORKDIR /w$i"
            echo "COPY --from=s$((i / 2)) /f$((i / 2)) /g$i"
            [ $((i % 5)) -ne 0 ] || echo "RUN echo $i >/r$i"
        done
        echo 'FROM s19'
        for i in $(seq 0 18); do echo "COPY --from=s$i /f$i /all/$i/"; done
    } >context/Dockerfile
    first=$(lade build -q context)
    for i in $(seq 20); do
        rm -rf "$LADE_CACHE"/steps "$LADE_CACHE"/layers
        local fresh=()
        [ $((i % 2)) -eq 0 ] || fresh=(--no-cache)
        same digests "$first" "$(lade build -q "${fresh[@]}" --jobs $((i % 4 + 1)) context)"
    done
}
