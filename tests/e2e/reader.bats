#!/usr/bin/env bats
# Archives of others are read in a process of its own, which can do nothing but read and write its pipes.

load lib

setup() {
    fresh
    mkdir context tree
    "$support/maketree" tree --files 40 --bytes 3000000 --seed 4
    export ASAN_OPTIONS=detect_leaks=0
}

traced() { strace -qq -f -o trace -e trace=all,\?futex "$@"; }
# What the processes that read did after the filter was in force: names of system calls.
after_filter() {
    awk '{ call = $2; sub(/\(.*/, "", call) }
        /execve\(.*"lade-reader"/ { reader[$1] = $1 }
        ($2 ~ /^clone3?\(/ || $3 ~ /^clone3?$/) && ($1 in reader) && $NF ~ /^[0-9]+$/ { reader[$NF] = reader[$1] } # a thread
        $2 ~ /^seccomp\(/ { filter[$1] = /SECCOMP_SET_MODE_FILTER/ }
        ($2 ~ /^seccomp\(/ || $3 == "seccomp") && filter[$1] && / = 0$/ { inside[$1] = 1; next }
        $1 in reader && inside[reader[$1]] && call ~ /^[a-z_0-9]+$/ { print call }' trace | sort -u
}
check_trace() {
    grep -q 'seccomp(SECCOMP_SET_MODE_FILTER' trace || { echo "no filter"; return 1; }
    run -0 after_filter
    echo "$output"
    [[ $output == *read* && $output == *write* ]] || { cut -c1-150 trace | grep -vE 'mmap|openat'; return 1; }
    # What sanitizers do besides is theirs.
    allowed='read|write|brk|mmap|munmap|mremap|madvise|mprotect|futex|exit_group|restart_syscall|clock_gettime|getrandom'
    allowed+='|rt_sigprocmask|sigaltstack|sched_yield|getpid|gettid'
    ! grep -vxE "$allowed" <<<"$output" || { grep -E 'lade-reader|clone|kill|FILTER.* = 0' trace; return 1; }
}

@test "the reader of each kind of archive opens nothing once it reads" {
    command -v strace >/dev/null || skip "no strace"
    tar -cf x.tar -C tree .
    gzip -k x.tar
    bzip2 -k x.tar
    xz -k x.tar
    zstd -q x.tar
    setfattr -n user.a -v b tree/* 2>/dev/null || true
    tar --format=pax --xattrs -cf pax.tar -C tree .
    for name in x.tar x.tar.gz x.tar.bz2 x.tar.xz x.tar.zst pax.tar; do
        cp "$name" context/in
        printf 'FROM scratch\nADD in /x/\n' >context/Dockerfile
        traced lade build -q -t "app:$BATS_TEST_NUMBER" context
        check_trace
    done
    traced lade build -q -t "context:1" - <<<"$(printf 'FROM scratch\nLABEL a=b\n')"
    lade copy app:1 oci-archive:a.tar:x
    traced lade copy oci-archive:a.tar oci:layout:x
    check_trace
    lade copy app:1 docker-archive:d.tar:x:1
    traced lade copy docker-archive:d.tar oci:layout:y
    check_trace
    printf 'FROM app:1\nCOPY Dockerfile /x/new\n' >context/Dockerfile
    traced lade build -q -t top:1 context
    check_trace
    printf 'FROM app:1 AS a\nFROM scratch\nCOPY --from=a /x /y\n' >context/Dockerfile
    traced lade build -q -t top:2 context
    check_trace
    traced lade verify top:2
    check_trace
}

@test "a reader that is killed is an error that says so" {
    mkfifo pipe
    tar -cf x.tar -C tree .
    lade copy oci-archive:pipe oci:layout:x 2>said &
    lade=$!
    exec 7>pipe
    head -c 1000000 x.tar >&7
    for _ in $(seq 100); do
        child=$(pgrep -P $lade || true)
        [ -z "$child" ] || break
        sleep 0.05
    done
    [ "$(cat "/proc/$child/comm")" = lade-reader ] || sleep 0.3
    same name lade-reader "$(cat "/proc/$child/comm")"
    kill -9 "$child"
    cat x.tar >&7 2>/dev/null || true
    exec 7>&-
    code=0
    wait $lade || code=$?
    cat said
    [ "$code" -eq 10 ]
    grep -q 'the process that reads it was killed by signal 9 (Killed)' said
}

@test "nothing of a reader is left when lade is stopped or killed" {
    mkfifo pipe
    tar -cf x.tar -C tree .
    for signal in INT KILL; do
        lade copy oci-archive:pipe oci:layout:x 2>/dev/null &
        lade=$!
        exec 7>pipe
        head -c 1000000 x.tar >&7
        child=
        for _ in $(seq 100); do
            child=$(pgrep -P $lade || true)
            [ -z "$child" ] || break
            sleep 0.05
        done
        kill -$signal $lade
        exec 7>&-
        wait $lade || true
        for _ in $(seq 100); do
            [ -d "/proc/$child" ] || break
            sleep 0.05
        done
        [ ! -d "/proc/$child" ]
    done
}

@test "several readers at once, as an ordinary user" {
    tar -czf context/in -C tree .
    printf 'FROM scratch\nADD in /x/\nADD in /y/\n' >context/Dockerfile
    chmod -R a+rX .
    pids=()
    for i in 1 2 3 4; do
        LADE_STORE=$PWD/s$i LADE_CACHE=$PWD/c$i lade build -q -t app:1 context >"digest$i" &
        pids+=($!)
    done
    wait "${pids[@]}"
    [ "$(cat digest? | sort -u | wc -l)" -eq 1 ]
}
