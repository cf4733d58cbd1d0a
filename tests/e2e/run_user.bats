#!/usr/bin/env bats
# RUN as a user without any privilege and without subordinate ids: what builds make of its results, and what only such a user meets.

load lib
load worlds

plain=64322

setup_file() { world_make plain; }
teardown_file() { world_remove; }
setup() { world_begin; }
teardown() { cd / && rm -rf "$world/test-$BATS_TEST_NUMBER"; }

dockerfile() { printf '%s\n' "$@" >context/Dockerfile; }
files() { lade build -q -o type=tar,dest=- context | tar -tv --numeric-owner -f - | awk '{ print $1, $2, $6, $7, $8 }' | sed 's/ *$//'; }

@test "directories and files that their modes close, also for the steps after and from layers that are unpacked again" {
    # Others work with the cache of all tests meanwhile.
    world_enter "$PWD"
    lade build -q -t base "$world/base"
    dockerfile 'FROM base' 'RUN mkdir -p dark/in shut && echo a >dark/in/f && echo b >shut/f && chmod 0 dark/in/f dark/in dark && chmod 111 shut' \
        'RUN cat dark/in/f shut/f && touch dark/new && chown 5:6 dark/in && mv shut shut2'
    lade build --progress=plain -t closed context 2>&1 | said >first
    same output "$(cat first)" "$(printf '%s\n' a b)"
    files | grep -E 'dark|shut' >found
    same files "$(cat found)" "$(printf '%s\n' 'd--------- 0/0 dark/' 'd--------- 5/6 dark/in/' '---------- 0/0 dark/in/f' '-rw-r--r-- 0/0 dark/new' \
        'd--x--x--x 0/0 shut2/' '-rw-r--r-- 0/0 shut2/f')"
    chmod -R u+rwX "$LADE_CACHE"
    rm -rf "$LADE_CACHE"
    mkdir "$LADE_CACHE"
    dockerfile 'FROM closed' 'RUN cat dark/in/f shut2/f && stat -c "%a %u %g" dark dark/in dark/in/f'
    same output "$(lade build --progress=plain -t more context 2>&1 | said)" "$(printf '%s\n' a b '0 0 0' '0 5 6' '0 0 0')"
}

@test "owners through the links of a process to itself; only root changes the root directory" {
    dockerfile 'FROM base' 'RUN touch f && cd tmp && chown 3:4 /proc/self/cwd/../f && chown 5 /proc/self/root/f && stat -c "%u %g" /f' \
        'RUN su app -s /bin/sh -c "chroot / true" || echo refused'
    same output "$(lade build --no-cache --progress=plain context 2>&1 | said | sed 's/^chroot: .*/why/')" "$(printf '%s\n' '5 4' why refused)"
}

@test "sixty steps, and sixty layers below the next build" {
    {
        echo 'FROM base'
        for i in $(seq 60); do echo "RUN echo $i >f$i && chown $i:$i f$i && rm -f f$((i - 2))"; done
    } >context/Dockerfile
    lade build -q -t sixty context
    dockerfile 'FROM sixty' 'RUN ls -d f* && stat -c "%u %g" f59 f60 && touch f59'
    same output "$(lade build --progress=plain context 2>&1 | said)" "$(printf '%s\n' f59 f60 '59 59' '60 60')"
    same files "$(files | grep ' f[0-9]')" "$(printf '%s\n' '-rw-r--r-- 59/59 f59' '-rw-r--r-- 60/60 f60')"
}

@test "results in another image, by ONBUILD, and in directories" {
    dockerfile 'FROM base' 'RUN mkdir -p d/e && echo x >d/e/f && chown -R 7:8 d && chmod 4711 d/e/f && ln d/e/f d/hard' 'ONBUILD RUN id -u && touch by-child && chown 9 by-child'
    lade build -q -t parent context
    dockerfile 'FROM parent AS one' 'FROM base' 'COPY --from=one /d /copied' 'COPY --from=one --chown=1:2 /d/e /given' 'COPY --from=one /by-child /' 'COPY --from=parent /d/hard /'
    files | grep -E 'copied|given|by-child|hard' >found
    same files "$(cat found)" "$(printf '%s\n' '-rw-r--r-- 9/0 by-child' 'drwxr-xr-x 0/0 copied/' 'drwxr-xr-x 7/8 copied/e/' '-rws--x--x 7/8 copied/e/f' \
        'hrws--x--x 7/8 copied/hard link to' 'drwxr-xr-x 1/2 given/' '-rws--x--x 1/2 given/f' '-rws--x--x 7/8 hard')"
    lade build -q -o type=local,dest=out context
    same content "$(cat out/copied/e/f)" x
}

@test "the same digest from empty caches, after prune, and as root" {
    local digest='' next
    dockerfile 'FROM scratch' 'COPY busybox /bin/busybox' 'RUN ["/bin/busybox", "--install", "-s", "/bin"]' \
        'RUN mkdir -p a/b dark && echo x >a/b/c && chown -R 3:4 a && chmod 0 dark && mknod n c 1 3 && ln a/b/c hard && mkfifo p && ln -s a s && chown -h 5:6 s' \
        'RUN rm a/b/c && mkdir -m 2770 a/d && touch a/d/x && date >tmp-file && rm tmp-file'
    cp "$world/base/busybox" context/
    # Others work with the store and the cache of all tests meanwhile.
    world_enter "$PWD"
    for turn in plain plain prune root; do
        case $turn in
            plain) chmod -R u+rwX "$LADE_CACHE" && rm -rf "$LADE_CACHE" && mkdir "$LADE_CACHE" ;;
            prune) lade prune >/dev/null ;;
            root) [ "$(id -u)" != 0 ] || { who=root && world_enter "$PWD"; } ;;
        esac
        next=$(lade build -q -t same context)
        same "digests ($turn)" "${digest:-$next}" "$next"
        digest=$next
    done
}
