#!/usr/bin/env bats
# Bad inputs are refused: with the exit code of their kind, a message that names what is wrong and where, nothing on standard output, nothing
# published, a sound store that names nothing new, and not a byte changed elsewhere. The inputs stand as tables in refuse/rows_*.py.

load lib

# A certificate of the authority in DIR for a name, valid for so many days: certificate DIR NAME DAYS
certificate() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1/server.key" -out "$1/server.csr" 2>/dev/null
    openssl x509 -req -in "$1/server.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days "$3" -out "$1/server.crt" \
        -extfile <(echo "subjectAltName=DNS:$2,IP:$4") 2>/dev/null
}

# A registry whose certificate is wrong: registry_wrong NAME CERTIFICATE'S-NAME DAYS IP
registry_wrong() {
    local tls
    tls=$(servers_dir)/tls-$1
    mkdir -p "$tls"
    cp "$(servers_dir)"/tls-tls/ca.* "$tls"
    certificate "$tls" "$2" "$3" "$4"
    registry_start "$1" "  tls:
    certificate: $tls/server.crt
    key: $tls/server.key"
}

setup_file() {
    registry_start plain
    registry_basic basic tester secret
    registry_tls tls
    registry_wrong alien elsewhere.example 2 192.0.2.1
    registry_wrong expired localhost -1 127.0.0.1
    export REGISTRY_AUTHORITY=$BATS_FILE_TMPDIR/authority
    mkdir "$REGISTRY_AUTHORITY"
    cp "$REGISTRY_TLS_CA" "$REGISTRY_AUTHORITY"
}
teardown_file() { servers_stop; }
setup() { fresh; }

# The rows of some kinds. Each must be as it should be; their number is printed.
rows() {
    "$root/tests/e2e/refuse/run" "$REGISTRY_PLAIN" "$REGISTRY_PLAIN_LOG" "$BATS_TEST_TMPDIR/rows" "$@" >out 2>&1 || { cat out; return 1; }
    sed 's/^/# /' out >&3
}

@test "what is good is built and published, and what leads out by a link stays inside" { rows control; }
@test "Dockerfiles that are none are refused" { rows dockerfile; }
@test "ignore files that cannot be obeyed are refused" { rows ignore; }
@test "contexts that lead elsewhere or cannot be read are refused" { rows context; }
@test "COPY and ADD of what cannot be are refused" { rows copy; }
@test "base images that are not what they say are refused" { rows base; }
@test "registries that refuse or lie end in an error" { rows registry; }
@test "options without a meaning are refused" { rows options; }
@test "damaged stores, layouts and archives are refused" { rows store; }
