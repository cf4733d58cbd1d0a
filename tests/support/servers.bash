# Servers for tests: start them in setup_file, then call servers_stop in teardown_file. They are on loopback, on ports that the kernel chose,
# and keep all they have in $SERVERS_DIR (default: the test file's own temporary directory).
# shellcheck shell=bash

support=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

servers_dir() {
    echo "${SERVERS_DIR:-$BATS_FILE_TMPDIR/servers}"
}

# Remember a process to end.
server_remember() {
    mkdir -p "$(servers_dir)"
    echo "$1" >>"$(servers_dir)/pids"
}

pause() {
    read -rt 0.05 <> <(:) || true
}

# Ends what was started and waits until it is gone.
servers_stop() {
    local pid
    [ -e "$(servers_dir)/pids" ] || return 0
    while read -r pid; do
        kill "$pid" 2>/dev/null || true
    done <"$(servers_dir)/pids"
    while read -r pid; do
        while kill -0 "$pid" 2>/dev/null; do pause; done
    done <"$(servers_dir)/pids"
    rm "$(servers_dir)/pids"
}

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        pause
    done
}

# registry_start NAME [YAML]: docker-registry with storage of its own, at $REGISTRY_ADDRESS (127.0.0.1). Exports REGISTRY_<NAME>=host:port, REGISTRY_<NAME>_LOG (its
# access log, for `requests`) and REGISTRY_<NAME>_DATA (its storage). YAML stands at the end of its configuration, within "http:".
registry_start() {
    local name=$1 extra=${2-} dir address
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
  addr: "${REGISTRY_ADDRESS:-127.0.0.1}:0"
  secret: tests
$extra
YAML
    # It would take our REGISTRY_… variables for its configuration.
    env -i PATH="$PATH" docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
    server_remember $!
    wait_for 20 grep -q 'listening on' "$dir/log" || { cat "$dir/log"; return 1; }
    address=$(sed -n 's/.*listening on \([][0-9a-f.:]*:[0-9]*\).*/\1/p' "$dir/log" | head -1)
    export "REGISTRY_${name^^}=$address" "REGISTRY_${name^^}_LOG=$dir/log" "REGISTRY_${name^^}_DATA=$dir/data"
}

# tls_make DIR: a private authority (ca.crt) and a certificate that it gave to 127.0.0.1, ::1 and localhost (server.crt, server.key).
tls_make() {
    mkdir -p "$1"
    (
        cd "$1" || exit 1
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test authority' \
            -keyout ca.key -out ca.crt 2>/dev/null
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
            -keyout server.key -out server.csr 2>/dev/null
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
            -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1') 2>/dev/null
    )
}

# registry_tls NAME [YAML]: registry_start over TLS. Exports REGISTRY_<NAME>_CA, the authority's certificate.
registry_tls() {
    local tls
    tls=$(servers_dir)/tls-$1
    tls_make "$tls"
    registry_start "$1" "  tls:
    certificate: $tls/server.crt
    key: $tls/server.key
${2-}"
    export "REGISTRY_${1^^}_CA=$tls/ca.crt"
}

# registry_basic NAME USER PASSWORD: registry_start that wants a user and a password.
registry_basic() {
    mkdir -p "$(servers_dir)"
    htpasswd -Bbn "$2" "$3" >"$(servers_dir)/htpasswd-$1"
    registry_start "$1" "auth:
  htpasswd: { realm: tests, path: $(servers_dir)/htpasswd-$1 }"
}

# double_start PROGRAM ARGUMENT…: a program of this folder that prints "port N" when ready. The caller has set `dir`, where its output goes;
# sets `port`.
double_start() {
    mkdir -p "$dir"
    "$support/$1" "${@:2}" >"$dir/out" 2>"$dir/err" 3>&- &
    server_remember $!
    wait_for 20 grep -q '^port ' "$dir/out" || { cat "$dir/err"; return 1; }
    port=$(sed -n 's/^port //p' "$dir/out")
}

# token_start: a token server (tests/support/tokend.py, whose options may follow). Exports TOKEN_URL and TOKEN_LOG, and sets `token_auth`
# to what a registry_start of a registry that trusts it takes.
token_start() {
    local dir port
    dir=$(servers_dir)/token
    "$support/tokend.py" keys "$dir"
    double_start tokend.py serve "$dir" --log "$dir/log" "$@"
    export TOKEN_URL=http://127.0.0.1:$port/token TOKEN_LOG=$dir/log
    # shellcheck disable=SC2034 # for the caller
    token_auth="auth:
  token: { realm: '$TOKEN_URL', service: registry, issuer: tests, rootcertbundle: $dir/token.crt }"
}

# faults_begin: one process for all the proxies that fault_start makes in this file's tests.
faults_begin() {
    local dir port
    dir=$(servers_dir)/faults
    double_start ../faultreg/faultreg.py --control
    export FAULT_CONTROL=127.0.0.1:$port
}

# fault_start NAME TARGET ARGUMENT…: a proxy before the registry at TARGET that misbehaves as the arguments say (tests/faultreg/README.md).
# Needs faults_begin. Exports FAULT_<NAME>=host:port, FAULT_<NAME>_OTHER, its other origin, and FAULT_<NAME>_LOG.
fault_start() {
    local name=$1 log said
    shift
    mkdir -p "${BATS_TEST_TMPDIR:-$(servers_dir)}"
    log=${BATS_TEST_TMPDIR:-$(servers_dir)}/fault-$name.log
    : >"$log"
    said=$(printf '%s\n' "$1" --log "$log" "${@:2}" | curl -sS --data-binary @- "http://$FAULT_CONTROL/")
    [[ $said =~ ^port\ ([0-9]+)\ other\ ([0-9]+)$ ]] || { echo "faultreg: $said"; return 1; }
    export "FAULT_${name^^}=127.0.0.1:${BASH_REMATCH[1]}" "FAULT_${name^^}_OTHER=localhost:${BASH_REMATCH[2]}" "FAULT_${name^^}_LOG=$log"
}

# cloud_start REGISTRY: doubles of Amazon's, Azure's and Google's servers (tests/support/cloudd.py) in front of the plain server at host:port
# REGISTRY. Exports CLOUD_PROXY and CLOUD_CA, for HTTPS_PROXY and SSL_CERT_FILE of commands, CLOUD_METADATA (host:port), CLOUD_LOG and
# CLOUD_DIR.
cloud_start() {
    local dir port
    dir=$(servers_dir)/cloud
    double_start cloudd.py "$dir" --registry "$1" --log "$dir/log"
    CLOUD_METADATA=127.0.0.1:$(sed -n 's/^metadata //p' "$dir/out")
    export CLOUD_PROXY=http://127.0.0.1:$port CLOUD_METADATA CLOUD_CA=$dir/ca.crt CLOUD_LOG=$dir/log CLOUD_DIR=$dir
}

# connect_start NAME=HOST:PORT…: a proxy (tests/support/connectd.py) that answers for names with plain servers. Exports CONNECT_PROXY and
# CONNECT_CA, for HTTPS_PROXY and SSL_CERT_FILE of commands, and CONNECT_LOG.
connect_start() {
    local dir port
    dir=$(servers_dir)/connect
    double_start connectd.py "$dir" --log "$dir/log" "$@"
    export CONNECT_PROXY=http://127.0.0.1:$port CONNECT_CA=$dir/ca.crt CONNECT_LOG=$dir/log
}

# requests LOG PATTERN: how many requests of a registry's access log match, as "METHOD URI STATUS BYTES-OF-THE-ANSWER".
requests() {
    requests_list "$1" | grep -Ec -- "$2" || true
}

# requests_bytes LOG PATTERN: how many bytes the answers to those requests carried.
requests_bytes() {
    requests_list "$1" | awk -v pattern="$2" '$0 ~ pattern { sum += $NF } END { print sum + 0 }'
}

# requests_list LOG: all requests. A registry writes the line after the answer, so the log must first have come to rest.
requests_list() {
    local size=-1 now
    while now=$(stat -c %s "$1") && [ "$now" -ne "$size" ]; do
        size=$now
        pause
    done
    sed -nE 's/^[^{]* "([A-Z]+) ([^ ]+) HTTP[^"]*" ([0-9]+) ([0-9]+) .*/\1 \2 \3 \4/p' "$1"
}

# s3_start BUCKET: a double of Amazon S3 (tests/support/s3d.py). Exports S3_URL, S3_LOG and S3_DIR, and keys that are good there.
s3_start() {
    local dir port
    dir=$(servers_dir)/s3
    double_start s3d.py "$dir" --bucket "$1" --log "$dir/log"
    export S3_URL=http://127.0.0.1:$port S3_LOG=$dir/log S3_DIR=$dir
    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
}

# swift_start: OpenStack Swift with its S3 interface (tests/support/swiftd.py) in the region eu-central-1. Exports SWIFT (host:port) and SWIFT_LOG.
swift_start() {
    local dir port
    dir=$(servers_dir)/swift
    double_start swiftd.py "$dir" --region eu-central-1 --log log
    export SWIFT=127.0.0.1:$port SWIFT_LOG=$dir/log
}

# gha_start: a double of the cache service of GitHub Actions (tests/support/ghad.py). Exports ACTIONS_RESULTS_URL and
# ACTIONS_RUNTIME_TOKEN, as a job has them, GHA_LOG and GHA_DIR.
gha_start() {
    local dir port
    dir=$(servers_dir)/gha
    double_start ghad.py "$dir" --token canary.runtime-token.x --log "$dir/log"
    export ACTIONS_RESULTS_URL=http://127.0.0.1:$port/ ACTIONS_RUNTIME_TOKEN=canary.runtime-token.x
    export GHA_LOG=$dir/log GHA_DIR=$dir
}
