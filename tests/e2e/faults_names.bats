#!/usr/bin/env bats
# Large blobs to registries by their real names, of which lade knows what cannot be asked: tests/faultreg acts like each, and breaks the first
# uploads to repositories below "cut" in the middle.

load lib
load faults

setup_file() {
    faults_setup
    cd "$BATS_FILE_TMPDIR" || return 1
    # Three chunks of 4 MiB, two of 10 MiB.
    mkdir large
    openssl enc -aes-128-ctr -K 01 -iv 00 -in /dev/zero 2>/dev/null | head -c 11500000 >large/file
    printf 'FROM scratch\nCOPY file /\n' >large/Dockerfile
    lade build -q --store "$FAULT_STORE" -t huge:1 large >huge1
    vendor ghcr ghcr.io
    vendor ecr 123456789012.dkr.ecr.eu-west-1.amazonaws.com
    vendor gar europe-docker.pkg.dev
    vendor acr example.azurecr.io
    vendor quay quay.io
    vendor gitlab registry.gitlab.com
    vendor harbor harbor.example.org
    vendor dockerhub registry-1.docker.io
    fault_start evil "$REGISTRY_PLAIN" 'POST /uploads/ * location=https://169.254.169.254{path}'
    echo "evil.example.org=$FAULT_EVIL" >>names
    mapfile -t names <names
    connect_start "${names[@]}"
}
teardown_file() { servers_stop; }
setup() { fresh; }

# vendor MODE HOST: a proxy of this mode for the host, whose other origin is cdn.HOST.
vendor() {
    fault_start "$1" "$REGISTRY_PLAIN" --mode "$1" --other "https://cdn.$2" 'PATCH /cut/.*/uploads/ 2 cut-up=5M' 'PATCH|PUT /lost/.*/uploads/ @2-3 lose'
    local address=FAULT_${1^^} other=FAULT_${1^^}_OTHER
    printf '%s\n' "$2=${!address}" "cdn.$2=127.0.0.1:${!other##*:}" >>names
}

# to_name FOLDER HOST: pushed there, whole behind it, and pulled back.
to_name() {
    repository=$1/$2
    export HTTPS_PROXY=$CONNECT_PROXY SSL_CERT_FILE=$CONNECT_CA
    lade tag huge:1 "$2/$repository:1"
    FAULT_X_LOG=$CONNECT_LOG no_hang lade push "$2/$repository:1"
    [ "$status" -eq 0 ]
    stands huge:1
    rm -rf "$LADE_STORE"
    FAULT_X_LOG=$CONNECT_LOG no_hang lade pull "$2/$repository:1"
    [ "$status" -eq 0 ]
    kept huge:1
}

readonly hosts='ghcr.io
123456789012.dkr.ecr.eu-west-1.amazonaws.com
europe-docker.pkg.dev
example.azurecr.io
quay.io
registry.gitlab.com
harbor.example.org
docker.io'

@test "names: large blobs" {
    cases to_name plain <<<"$hosts"
}

@test "names: uploads that break" {
    cases to_name cut <<<"$hosts"
}

@test "names: answers that are lost" {
    cases to_name lost <<<"$hosts"
}

@test "names: to an address that is not public, nothing goes" {
    skip 'known: through a proxy that has a private address itself, where a public registry leads is left to the proxy'
    export HTTPS_PROXY=$CONNECT_PROXY SSL_CERT_FILE=$CONNECT_CA
    cp -r "$FAULT_STORE" "$LADE_STORE"
    lade tag small:1 evil.example.org/a:1
    run timeout 30 lade push --tries 1 evil.example.org/a:1
    echo "$output"
    grep 169.254 "$CONNECT_LOG" || true
    [ "$status" -eq 5 ]
    run ! grep -q 169.254 "$CONNECT_LOG"
}
