# What the files faults*.bats share. A case is a line that says how a registry misbehaves, in the words of tests/faultreg/README.md; the cases
# of a test run at the same time.
# shellcheck shell=bash disable=SC2030,SC2031,SC2034,SC2154

# faults_setup: the registry behind the proxies, and a store with three images: small:1, small:2 (other layers) and large:1, of 3 MB.
faults_setup() {
    mkdir -p "$BATS_FILE_TMPDIR/setup"
    BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/setup fresh
    registry_start plain
    faults_begin
    export FAULT_STORE=$BATS_FILE_TMPDIR/images
    local dir=$BATS_FILE_TMPDIR/context i
    mkdir -p "$dir"
    for i in 1 2; do
        echo "first $i" >"$dir/first"
        rm -rf "$dir/many"
        "$support/maketree" "$dir/many" --files 10 --bytes 60000 --seed "$i"
        printf '%s\n' 'FROM scratch' 'COPY first /' 'COPY many /many' >"$dir/Dockerfile"
        lade build -q --store "$FAULT_STORE" -t "small:$i" "$dir" >"$BATS_FILE_TMPDIR/small$i"
    done
    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 3000000 >"$dir/many/large"
    lade build -q --store "$FAULT_STORE" -t large:1 "$dir" >"$BATS_FILE_TMPDIR/large1"
    for i in small:1 small:2 large:1; do
        lade tag --store "$FAULT_STORE" "$i" "$REGISTRY_PLAIN/images/${i/:/}:1"
        lade push -q --store "$FAULT_STORE" "$REGISTRY_PLAIN/images/${i/:/}:1"
    done
}

# For files that need no more; the others have their own behind `load`.
setup_file() { faults_setup; }
teardown_file() { servers_stop; }
setup() { fresh; }

digest_of() { cat "$BATS_FILE_TMPDIR/${1/:/}"; }

# cases FUNCTION [ARGUMENT…]: run the function once for each line of standard input, several at a time, as "FUNCTION ARGUMENT… PART…" where the
# parts of a line are parted by " ; ". Each has a directory, a store and a `repository` of its own. Fails when one fails, showing what it
# printed.
cases() {
    local line number=0 bad=0 running=0 block
    block=$(find "$BATS_TEST_TMPDIR" -name "*.out" | wc -l)
    while read -r line; do
        [ -n "$line" ] || continue
        number=$((number + 1))
        case_run "$((block + number))" "$line" "$@" 3>&- &
        running=$((running + 1))
        if [ "$running" -ge 6 ]; then
            wait -n || bad=1
            running=$((running - 1))
        fi
    done
    while [ "$running" -gt 0 ]; do
        wait -n || bad=1
        running=$((running - 1))
    done
    [ "$number" -gt 0 ] || bad=1
    stand_all || bad=1
    [ "$bad" -eq 0 ] || cat "$BATS_TEST_TMPDIR"/*.failed
    return "$bad"
}

case_run() {
    local number=$1 line=$2 rest=$2 parts=()
    shift 2
    while [[ $rest == *" ; "* ]]; do
        parts+=("${rest%% ; *}")
        rest=${rest#* ; }
    done
    parts+=("$rest")
    export repository=t$BATS_TEST_NUMBER/c$number
    local kept=$BATS_TEST_TMPDIR/$number status expected=$BATS_TEST_TMPDIR/expected
    set +e
    (
        trap - ERR DEBUG EXIT
        set -e
        export BATS_TEST_TMPDIR=$kept
        mkdir "$kept"
        fresh
        cp -r "$FAULT_STORE" "$LADE_STORE"
        "$@" "${parts[@]}"
    ) >"$kept.out" 2>&1
    status=$?
    [ "$status" -ne 0 ] || return 0
    {
        echo "--- $line"
        tail -n 30 "$kept.out"
    } >"$kept.failed"
    return 1
}

# no_hang COMMAND…: sets status and output, and fails when it takes much longer than its budget.
no_hang() {
    run timeout "${limit:-20}" "$@"
    echo "$output"
    if [ "$status" -eq 124 ]; then
        echo "it hangs; the requests were:"
        cat "$FAULT_X_LOG"
        return 1
    fi
}

# proxy ARGUMENT…: a proxy with these arguments before `registry`; lade has `settings` for it, and `login` ("user:password") when there are any.
proxy() {
    fault_start x "${registry:-$REGISTRY_PLAIN}" "$@"
    if [ -n "${settings-}" ]; then
        mkdir -p "$XDG_CONFIG_HOME/lade"
        printf '{"registries": {"%s": {%s}}}\n' "$FAULT_X" "$settings" >"$XDG_CONFIG_HOME/lade/config.json"
    fi
    [ -z "${login-}" ] || log_in "$login"
}

# log_in USER:PASSWORD: credentials for the proxy, and for what is behind it.
log_in() {
    local auth
    auth=$(printf %s "$1" | base64 -w 0)
    export DOCKER_AUTH_CONFIG="{\"auths\": {\"$FAULT_X\": {\"auth\": \"$auth\"}, \"${registry:-$REGISTRY_PLAIN}\": {\"auth\": \"$auth\"}}}"
}

# through IMAGE ARGUMENT…: push it through a proxy with these arguments, with the options in `options`.
through() {
    local image=$1
    shift
    proxy "$@"
    lade tag "$image" "$FAULT_X/$repository:1"
    # shellcheck disable=SC2086 # several
    no_hang lade push ${options-} "$FAULT_X/$repository:1"
}

# stands IMAGE: behind the proxy, this very image stands whole, or "absent". Within `cases` that is looked at when all have ended, at once.
stands() {
    local ref=$REGISTRY_PLAIN/$repository:1 digest=absent
    [ "$1" = absent ] || digest=$(digest_of "$1")
    if [ -n "${expected-}" ]; then
        echo "$ref=$digest" >>"$expected"
    else
        "$support/remote_whole" "$ref=$digest"
    fi
}

stand_all() {
    local refs
    [ -e "$BATS_TEST_TMPDIR/expected" ] || return 0
    mapfile -t refs <"$BATS_TEST_TMPDIR/expected"
    rm "$BATS_TEST_TMPDIR/expected"
    "$support/remote_whole" "${refs[@]}"
}

# kept [IMAGE]: all that the local store has is what its name says; of the image, it has everything.
kept() {
    local digest digests
    (cd "$LADE_STORE/blobs/sha256" && sha256sum -- * | awk '$1 != $2 { print; bad = 1 } END { exit bad }')
    [ $# -eq 1 ] || return 0
    digests=$(grep -ho 'sha256:[0-9a-f]\{64\}' "$LADE_STORE/blobs/sha256/$(digest_of "$1" | cut -d : -f 2)")
    for digest in $digests; do
        [ -e "$LADE_STORE/blobs/${digest/://}" ] || { echo "$digest is absent"; return 1; }
    done
}

# For `cases`: pushes IMAGE ARGUMENT…: it must succeed, and the image stands behind the proxy.
pushes() {
    through "$@"
    if [ "$status" -ne 0 ]; then
        echo "exit $status; the requests were:"
        cat "$FAULT_X_LOG"
        return 1
    fi
    stands "$1"
}

# For `cases`: push_fails CODE IMAGE WORDS ARGUMENT…: it must end so and say so, and the tag is as it was: another image; or that of `after`.
push_fails() {
    local code=$1 image=$2 words=$3
    shift 3
    lade tag small:2 "$REGISTRY_PLAIN/$repository:1"
    lade push -q "$REGISTRY_PLAIN/$repository:1"
    options=${options:---tries 2 --retry-budget 5s}
    through "$image" "$@"
    stands "${after:-small:2}"
    if [ "$status" -ne "$code" ] || [[ $output != *"$words"* ]]; then
        echo "exit $status instead of $code, or not said: $words; the requests were:"
        cat "$FAULT_X_LOG"
        return 1
    fi
}

# For `cases`: pulls IMAGE ARGUMENT…: what stands behind a proxy with these arguments comes whole.
pulls() {
    local image=$1
    shift
    seed "$image"
    pull_through "$@"
    if [ "$status" -ne 0 ]; then
        echo "exit $status; the requests were:"
        cat "$FAULT_X_LOG"
        return 1
    fi
    [[ $output == *"$(digest_of "$image")"* ]]
    kept "$image"
}

# For `cases`: pull_fails CODE IMAGE WORDS ARGUMENT…: it must end so and say so, and leaves nothing that is not whole.
pull_fails() {
    local code=$1 image=$2 words=$3
    shift 3
    seed "$image"
    options=${options:---tries 2 --retry-budget 5s}
    pull_through "$@"
    if [ "$status" -ne "$code" ] || [[ $output != *"$words"* ]]; then
        echo "exit $status instead of $code, or not said: $words; the requests were:"
        cat "$FAULT_X_LOG"
        return 1
    fi
    [ ! -e "$LADE_STORE/blobs/sha256" ] || [ -z "$(ls "$LADE_STORE/blobs/sha256")" ] || kept
    run lade inspect "$FAULT_X/$repository:1"
    [ "$status" -eq 4 ]
}

seed() {
    repository=images/${1%:*}${1#*:}
    rm -rf "$LADE_STORE"
}

pull_through() {
    proxy "$@"
    # shellcheck disable=SC2086 # several
    no_hang lade pull ${options-} "$FAULT_X/$repository:1"
}
