#!/usr/bin/env bats
# What is done again when an image is built again, and that the result is always that of a build from nothing.

load lib

setup() {
    fresh
    mkdir -p context/many context/deep/er
    local i
    for i in $(seq 200); do
        seq "$i" $((i * 7 + 900)) >"context/many/$i.txt"
    done
    seq 1 400000 >context/large
    head -c 3000000 /dev/urandom >context/noise
    printf 'FROM scratch\nCOPY . /app/\n' >Dockerfile
    # What was changed within the last tick of the clock is not remembered.
    sleep 0.1
}

build() { lade build -q -f Dockerfile "$@" context; }
# The digest of a build that knows nothing of any other.
anew() { LADE_STORE=$BATS_TEST_TMPDIR/anew LADE_CACHE=$BATS_TEST_TMPDIR/anew-cache build --no-cache "$@"; }
# What the layer cost: "10 chunks, 10 unread, 0 compressed".
cost() { lade build -D -q -f Dockerfile context 2>&1 >/dev/null | sed -n 's/^debug: layer: \([0-9].*\)/\1/p'; }

@test "any number of workers gives the same digest" {
    local first level how digest jobs turn
    for how in gzip zstd uncompressed; do
        for level in fast default best; do
            first=$(anew --compression $how --compression-level $level --jobs 1)
            for turn in 1 2 3 4; do
                for jobs in 1 2 4; do
                    digest=$(anew --compression $how --compression-level $level --jobs $jobs)
                    same "digests of $how $level with $jobs workers" "$first" "$digest"
                done
            done
        done
    done
}

@test "nothing changed: no file is read, and nothing is written" {
    local first second calls
    first=$(build -t app)
    touch marker
    sleep 0.05
    calls=open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,mknodat
    calls+=,write,writev,pwrite64,pwritev,ftruncate,truncate,fallocate,copy_file_range,sendfile,utimensat,fchmod,fchmodat,fchown,fsync,fdatasync
    second=$(ASAN_OPTIONS=detect_leaks=0 strace -f -e trace="$calls" -e signal=none -o trace lade build -q -f Dockerfile -t app context)
    same digests "$first" "$second"
    run grep -E 'open[a-z0-9]*\(.*"(many/)?([0-9]+\.txt|large|noise)"' trace
    [ "$status" -eq 1 ] || { echo "opened: $output"; return 1; }
    grep -q '"many"' trace # the directories were looked into
    # Nothing is made or changed. A file without a name is, which goes with the process; so is the store's file that carries its lock.
    # The thread sanitizer makes a file of its own.
    if ! grep -q tsan.rodata trace; then
        run grep -vE ' = -1 E|^[0-9]+ +(<\.\.\.|[+-]{3}|syscall_)|write\(1, |O_TMPFILE|"oci-layout", O_RDWR\|O_NOCTTY|open[a-z0-9]*\([^)]*O_RDONLY' trace
        [ "$status" -eq 1 ] || { echo "done: $output"; return 1; }
    fi
    run find "$LADE_STORE" "$LADE_CACHE" -newer marker
    same "what is new" "" "$output"
}

@test "where times do not tell, files are read, unless they are to be trusted" {
    [ -w /dev/fuse ] || skip "no /dev/fuse for this user"
    mkdir mount
    disorderfs -q --multi-user=no --sort-dirents=yes context mount 3>&- || skip "no FUSE here"
    cost_there() { lade build -D -q -f Dockerfile "$@" mount 2>&1 >/dev/null | sed -n 's/^debug: layer: \([0-9].*\)/\1/p'; }
    local first second trusted again
    first=$(cost_there)
    second=$(cost_there)
    cost_there --trust-file-times >/dev/null
    trusted=$(cost_there --trust-file-times)
    echo more >>mount/large
    sleep 0.1
    again=$(cost_there)
    fusermount -u mount
    echo "$first; $second; $trusted; $again"
    # Chunks of nothing but headers need no file.
    [[ $first =~ ^([0-9]+)\ chunks,\ 0\ unread, ]]
    [[ $second =~ ^${BASH_REMATCH[1]}\ chunks,\ [01]\ unread,\ ([0-9]+)\ compressed$ ]]
    [ "${BASH_REMATCH[1]}" -ge $((${first%% *} - 2)) ]
    [[ $trusted =~ ^([0-9]+)\ chunks,\ ([0-9]+)\ unread,\ 0\ compressed$ ]]
    same "chunks not read" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    [[ $again =~ ^[0-9]+\ chunks,\ [01]\ unread, ]]
}

@test "one file changed: the rest is not compressed again" {
    local before after
    [[ $(cost) =~ ^([0-9]+)\ chunks,\ 0\ unread,\ ([0-9]+)\ compressed$ ]]
    [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
    for file in deep/er/new many/150.txt large noise many/1.txt; do
        echo changed >>"context/$file"
        sleep 0.05
        before=$(cost)
        [[ $before =~ ^([0-9]+)\ chunks,\ ([0-9]+)\ unread,\ ([0-9]+)\ compressed$ ]]
        # Of a large file all slices, and the chunk before them.
        if [ "${BASH_REMATCH[3]}" -gt 4 ] || [ "${BASH_REMATCH[3]}" -lt 1 ]; then
            echo "$file: $before"
            return 1
        fi
        same digests "$(build)" "$(anew)"
        sleep 0.05
        build >/dev/null
        after=$(cost)
        [[ $after =~ ^([0-9]+)\ chunks,\ ([0-9]+)\ unread,\ 0\ compressed$ ]]
        same "chunks of $file" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    done
}

@test "a file that changes with its size and mtime kept is seen" {
    local first second
    first=$(build)
    printf 'X' | dd of=context/many/7.txt bs=1 seek=3 conv=notrunc status=none
    touch -r context/many/8.txt context/many/7.txt
    second=$(build)
    [ "$first" != "$second" ]
    same digests "$second" "$(anew)"
}

@test "a file that changes right after the build is seen" {
    local turn
    for turn in $(seq 20); do
        echo "$turn a" >context/many/7.txt
        build >/dev/null
        echo "$turn b" >context/many/7.txt
        same digests "$(build)" "$(anew)"
    done
}

@test "other contexts, levels and steps have memories of their own" {
    build >/dev/null
    cp -a context other
    printf 'FROM scratch\nCOPY . /app/\nCOPY many /again/\n' >Dockerfile
    same digests "$(build)" "$(anew)"
    same digests "$(build --compression-level best)" "$(anew --compression-level best)"
    same digests "$(build --compression zstd)" "$(anew --compression zstd)"
    rm other/large
    mv context first && mv other context
    same digests "$(build)" "$(anew)"
    mv context other && mv first context
    same digests "$(build)" "$(anew)"
}

@test "builds at the same time do not disturb each other" {
    local i digest
    build >/dev/null
    for i in 1 2 3 4; do
        echo "$i" >>context/many/9.txt
        sleep 0.03
        digest=$(anew)
        build >out.1 & build >out.2 & build >out.3 &
        wait
        for k in 1 2 3; do
            same digests "$digest" "$(cat out.$k)"
        done
    done
}

@test "prune forgets, and the next build is the same" {
    local digest
    digest=$(build -t app)
    echo x >>context/large
    build -t app >/dev/null
    ls "$LADE_CACHE"/layers/* >/dev/null
    lade prune
    run find "$LADE_CACHE/layers" -type f
    same "what is remembered" "" "$output"
    [ "$(find "$LADE_STORE/blobs" -type f | wc -l)" -eq 3 ]
    lade inspect app >/dev/null
    same digests "$(build)" "$(anew)"
    lade prune --keep-storage 1mb
    ls "$LADE_CACHE"/layers/* >/dev/null
    lade prune --all
    lade prune --all --force
    fails 2 "--keep-storage" -- lade prune --keep-storage much
    same digests "$(build)" "$(anew)"
}
