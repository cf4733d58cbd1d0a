# What all end-to-end tests share: load it first in each file. Every test runs in a directory of its own with a store, a cache and a home
# of its own; servers are on loopback, on ports that the kernel chose, and end with the file that started them.
# shellcheck shell=bash disable=SC2034

bats_require_minimum_version 1.5.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export LADE_BIN=${LADE_BIN:-$root/build/dev/lade}
export PATH="$(dirname "$LADE_BIN"):$PATH"
export LC_ALL=C.UTF-8 TZ=UTC

# A fresh world for the test: call it in setup().
fresh() {
    export HOME=$BATS_TEST_TMPDIR/home
    export XDG_DATA_HOME=$HOME/data XDG_CACHE_HOME=$HOME/cache XDG_CONFIG_HOME=$HOME/config
    export XDG_RUNTIME_DIR=$HOME/run DOCKER_CONFIG=$HOME/.docker
    export LADE_STORE=$BATS_TEST_TMPDIR/store LADE_CACHE=$BATS_TEST_TMPDIR/cache
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

# --- servers: start them in setup_file, then servers_stop in teardown_file ---

servers_dir() {
    echo "${BATS_FILE_TMPDIR}/servers"
}

# Remember a process to end.
server_remember() {
    mkdir -p "$(servers_dir)"
    echo "$1" >>"$(servers_dir)/pids"
}

servers_stop() {
    local pid
    while read -r pid; do
        kill "$pid" 2>/dev/null || true
    done <"$(servers_dir)/pids"
    while read -r pid; do
        while kill -0 "$pid" 2>/dev/null; do read -rt 0.05 <> <(:) || true; done
    done <"$(servers_dir)/pids"
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        read -rt 0.05 <> <(:) || true
    done
}

# registry_start NAME [EXTRA-YAML]: docker-registry with storage of its own. Sets and exports REGISTRY_<NAME> to host:port and
# REGISTRY_<NAME>_LOG to its access log.
registry_start() {
    local name=$1 extra=${2-} dir
    dir=$(servers_dir)/registry-$name
    mkdir -p "$dir/data"
    cat >"$dir/config.yml" <<YAML
version: 0.1
log: { level: info, formatter: json }
storage:
  filesystem: { rootdirectory: $dir/data }
  delete: { enabled: true }
  maintenance: { uploadpurging: { enabled: false } }
http:
  addr: 127.0.0.1:0
  secret: tests
$extra
YAML
    docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
    server_remember $!
    wait_for 20 grep -q 'listening on' "$dir/log" || { cat "$dir/log"; return 1; }
    local address
    address=$(sed -n 's/.*listening on \([0-9.]*:[0-9]*\).*/\1/p' "$dir/log" | head -1)
    export "REGISTRY_${name^^}=$address" "REGISTRY_${name^^}_LOG=$dir/log" "REGISTRY_${name^^}_DATA=$dir/data"
}

# requests LOG PATTERN: how many requests of the access log match (fields "METHOD URI STATUS").
requests() {
    python3 - "$1" "$2" <<'PY'
import json, re, sys
count = 0
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    try:
        entry = json.loads(line)
    except ValueError:
        continue
    if entry.get("msg") != "response completed":
        continue
    text = f'{entry.get("http.request.method")} {entry.get("http.request.uri")} {entry.get("http.response.status")}'
    count += bool(re.search(sys.argv[2], text))
print(count)
PY
}
