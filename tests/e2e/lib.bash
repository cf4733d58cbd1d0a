# What all end-to-end tests share: load it first in each file. Every test runs in a directory of its own with a store, a cache and a home
# of its own.
# shellcheck shell=bash disable=SC2034,SC2154

bats_require_minimum_version 1.5.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LADE_BIN=${LADE_BIN:-$root/build/dev/lade}
bin=$(dirname "$LADE_BIN")
export PATH=$bin:$PATH LC_ALL=C.UTF-8 TZ=UTC
# shellcheck source=tests/support/servers.bash
source "$root/tests/support/servers.bash"

# A fresh world for the test: call it in setup().
fresh() {
    export HOME=$BATS_TEST_TMPDIR/home
    export XDG_DATA_HOME=$HOME/data XDG_CACHE_HOME=$HOME/cache XDG_CONFIG_HOME=$HOME/config
    export XDG_RUNTIME_DIR=$HOME/run DOCKER_CONFIG=$HOME/.docker
    export LADE_STORE=$BATS_TEST_TMPDIR/store LADE_CACHE=$BATS_TEST_TMPDIR/cache
    # The machine that runs the tests may be in a cloud: nobody asks what it knows of itself.
    export AWS_EC2_METADATA_DISABLED=true GCE_METADATA_HOST=127.0.0.1:1 AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:1
    unset SOURCE_DATE_EPOCH REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
    mkdir -p "$HOME" "$XDG_RUNTIME_DIR" "$BATS_TEST_TMPDIR/work"
    chmod 700 "$XDG_RUNTIME_DIR"
    cd "$BATS_TEST_TMPDIR/work" || return 1
}

# fails CODE PART… -- COMMAND…: the command must end with exactly this exit code, say each part on standard error, and nothing on
# standard output.
fails() {
    local code=$1 parts=() part
    shift
    while [ "$1" != -- ]; do
        parts+=("$1")
        shift
    done
    shift
    run --separate-stderr "$@"
    if [ "$status" -ne "$code" ]; then
        echo "exit $status instead of $code: $*"
        echo "$stderr"
        return 1
    fi
    for part in "${parts[@]}"; do
        if [[ $stderr != *"$part"* ]]; then
            echo "not said: $part"
            echo "$stderr"
            return 1
        fi
    done
    if [ -n "$output" ]; then
        echo "unexpected standard output: $output"
        return 1
    fi
}

# same WHAT A B
same() {
    if [ "$2" != "$3" ]; then
        echo "$1 differ: $2 and $3"
        return 1
    fi
}
