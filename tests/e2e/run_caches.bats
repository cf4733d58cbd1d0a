#!/usr/bin/env bats
# RUN: whose the files of a cache mount are, from step to step and from build to build. As a user without any privilege.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() { world_make; }
teardown_file() { world_remove; }
setup() { world_begin_alone; }

says() {
    local found
    found=$(lade build --no-cache --progress=plain "${@:2}" context 2>&1 | tee log | said)
    same output "$found" "$1" || { cat log && return 1; }
}

@test "caches: owners in one are those of the step's commands" {
    dockerfile 'RUN --mount=type=cache,id=ch,target=/c touch /c/f /c/g && chown 5:6 /c/f && chown -R 7:8 /c && stat -c "%n %u %g" /c /c/* && chown 0:0 /c/g && stat -c %u /c/g && mknod /c/n c 1 3 && stat -c %F /c/n'
    says "$(printf '%s\n' '/c 7 8' '/c/f 7 8' '/c/g 7 8' 0 'character special file')"
    # They may be removed and made again, by whoever.
    dockerfile 'USER app' 'RUN --mount=type=cache,id=ch,target=/c rm -f /c/f && touch /c/f && stat -c "%u %g" /c/f'
    says '1000 1001'
    dockerfile 'RUN --mount=type=cache,id=ch,target=/d stat -c "%n %u %g" /d /d/*; stat -c %t:%T /d/n'
    says "$(printf '%s\n' '/d 7 8' '/d/f 1000 1001' '/d/g 0 0' '/d/n 0 0' 1:3)"
}

@test "caches: owners stay when a step fails or takes too long, and go with the file" {
    dockerfile 'RUN --mount=type=cache,id=fo,target=/c mkdir -p /c/d/e && touch /c/d/e/f /c/gone && chown -R 3:4 /c/d /c/gone && false'
    fails 9 'exit code: 1' -- lade build -q context
    dockerfile 'RUN --mount=type=cache,id=fo,target=/c touch /c/late && chown 5:5 /c/late && sleep 60'
    fails 10 'did not end within' -- lade build -q --step-timeout 2s context
    dockerfile 'RUN --mount=type=cache,id=fo,target=/c stat -c "%n %u" /c/d/e/f /c/gone /c/late && rm /c/gone && mv /c/d /c/moved' \
        'RUN --mount=type=cache,id=fo,target=/c touch /c/gone && mkdir /c/d && stat -c "%n %u" /c/moved/e/f /c/gone /c/d' \
        'RUN --mount=type=cache,id=fo,target=/c chown -R 0:0 /c' 'RUN --mount=type=cache,id=fo,target=/c find /c -user 0 | wc -l'
    says "$(printf '%s\n' '/c/d/e/f 3' '/c/gone 3' '/c/late 5' '/c/moved/e/f 3' '/c/gone 0' '/c/d 0' 7)"
}

@test "caches: whose a new one is, and what it begins with" {
    printf '%s\n' 'FROM base AS seed' 'RUN mkdir -p /seed/d && touch /seed/d/f /seed/g && chown -R 7:8 /seed/d && chown 9:9 /seed' \
        'FROM base' 'RUN --mount=type=cache,id=s1,target=/c,uid=3,gid=4,mode=0750 stat -c "%u %g %a" /c && chown 5:6 /c && chmod 0700 /c' \
        'RUN --mount=type=cache,id=s1,target=/c,uid=3,gid=4,mode=0750 stat -c "%u %g %a" /c && chown 0:0 /c' \
        'RUN --mount=type=cache,id=s1,target=/c,uid=3,gid=4,mode=0750 stat -c "%u %g %a" /c' \
        'RUN --mount=type=cache,id=s2,from=seed,source=/seed,target=/c stat -c "%n %u %g" /c /c/g /c/d /c/d/f && chown 1:1 /c/d/f' \
        'RUN --mount=type=cache,id=s2,from=seed,source=/seed,target=/c stat -c "%n %u %g" /c /c/g /c/d /c/d/f' >context/Dockerfile
    says "$(printf '%s\n' '3 4 750' '5 6 700' '0 0 700' '/c 9 9' '/c/g 0 0' '/c/d 7 8' '/c/d/f 7 8' '/c 9 9' '/c/g 0 0' '/c/d 7 8' '/c/d/f 1 1')"
}

# What one step does while another one uses the same cache, and before that one ends.
@test "caches: owners of two steps at once are put together" {
    local step
    dockerfile 'RUN --mount=type=cache,id=two,target=/c mkdir /c/a /c/b && chown 1:1 /c/a /c/b'
    lade build -q context
    dockerfile 'RUN --mount=type=cache,id=two,target=/c chown 2:2 /c/a && touch /c/x /c/first && chown 3:3 /c/x; for i in $(seq 1 200); do [ -e /c/go ] && break; sleep 0.1; done'
    own
    "${user[@]}" "$LADE_BIN" build --no-cache --progress=plain context >log 2>&1 &
    step=$!
    wait_for 20 compgen -G "$LADE_CACHE/mounts/*/0/first"
    dockerfile 'RUN --mount=type=cache,id=two,target=/c chown 4:4 /c/a /c/b && mkdir /c/y && touch /c/y/z && chown 5:5 /c/y/z'
    lade build -q context
    as touch "$(dirname "$(compgen -G "$LADE_CACHE/mounts/*/0/first")")/go" # the first step ends last
    wait $step || { cat log && return 1; }
    dockerfile 'RUN --mount=type=cache,id=two,target=/c stat -c "%n %u" /c/a /c/b /c/x /c/y /c/y/z'
    says "$(printf '%s\n' '/c/a 2' '/c/b 4' '/c/x 3' '/c/y 0' '/c/y/z 5')"
}

@test "caches: a damaged list of owners means root's, and pruning takes it away" {
    local list
    dockerfile 'RUN --mount=type=cache,id=dam,target=/c touch /c/f && chown 3:4 /c/f'
    lade build -q context
    list=$(echo "$LADE_CACHE"/mounts/*/0.owners)
    [ -s "$list" ]
    echo x >>"$list"
    dockerfile 'RUN --mount=type=cache,id=dam,target=/c stat -c "%u %g" /c/f && chown 5:5 /c/f' \
        'RUN --mount=type=cache,id=dam,target=/c stat -c "%u %g" /c/f'
    says "$(printf '%s\n' '0 0' '5 5')"
    lade prune --all
    [ ! -e "$list" ]
}

@test "caches: two stages that lock the same ones in another order do not wait for each other" {
    local stage id n
    for stage in one two; do
        id=(x y)
        [ $stage = one ] || id=(y x)
        echo "FROM base AS $stage"
        for n in 1 2 3 4 5 6; do
            echo "RUN --mount=type=cache,id=${id[0]},target=/1,sharing=locked --mount=type=cache,id=${id[1]},target=/2,sharing=locked echo $stage $n >/$stage"
        done
    done >context/Dockerfile
    printf '%s\n' 'FROM base' 'COPY --from=one /one /' 'COPY --from=two /two /' >>context/Dockerfile
    lade build -q --timeout 120s context
}

@test "caches: stages that wait for one which another build has give up when the time is over, or when told" {
    local stage holder
    dockerfile 'RUN --mount=type=cache,id=held,target=/c,sharing=locked touch /c/held; for i in $(seq 1 600); do [ -e /c/go ] && break; sleep 0.1; done'
    own
    "${user[@]}" "$LADE_BIN" build -q --no-cache context >log 2>&1 &
    holder=$!
    wait_for 20 compgen -G "$LADE_CACHE/mounts/*/0/held"
    for stage in one two; do
        printf '%s\n' "FROM base AS $stage" "RUN --mount=type=cache,id=held,target=/c,sharing=locked echo $stage >/$stage"
    done >context/Dockerfile
    printf '%s\n' 'FROM base' 'COPY --from=one /one /' 'COPY --from=two /two /' >>context/Dockerfile
    fails 10 'the build took longer than' -- lade build -q --timeout 1s context
    own
    run as timeout 1 "$LADE_BIN" build -q context
    [ "$status" -eq 124 ]
    kill -0 $holder # which had it all the while
    as touch "$(dirname "$(compgen -G "$LADE_CACHE/mounts/*/0/held")")/go"
    wait $holder || { cat log && return 1; }
    lade build -q context
}
