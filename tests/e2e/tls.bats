#!/usr/bin/env bats
# Registries over TLS with a private authority.

load lib

setup_file() {
    # They share the directories of certificates below /etc.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_tls tls
    # The path of its authority is known before it is made.
    registry_tls mutual "    clientcas: [$(servers_dir)/tls-mutual/ca.crt]"
    mkdir -p "$BATS_FILE_TMPDIR/context"
    echo 'FROM scratch' >"$BATS_FILE_TMPDIR/context/Dockerfile"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    ref=$REGISTRY_TLS/tls/$BATS_TEST_NUMBER:1
    lade build -q -t "$ref" "$BATS_FILE_TMPDIR/context"
}

# trusted_in DIR: with the authority there, it is trusted.
trusted_in() {
    mkdir -p "$1"
    cp "$REGISTRY_TLS_CA" "$1/ca.crt"
    lade push -q "$ref"
    rm -r "$1"
    fails 5 certificate -- lade push -q "$ref"
}

@test "an authority that nobody trusts is refused, and plain HTTP is not tried instead" {
    fails 5 certificate "$REGISTRY_TLS" -- lade push -q "$ref"
    fails 5 certificate -- lade inspect "docker://$ref"
    fails 5 certificate -- lade login -u a --password-stdin "$REGISTRY_TLS" <<<b
}

@test "--plain-http where TLS is spoken ends at once, and says so" {
    fails 2 "HTTP 400" "leave --plain-http out" -- lade push -q --plain-http "$ref"
    [[ $stderr != *tries* ]]
}

@test "a registry on loopback is asked by plain HTTP first, but never for credentials" {
    local heard port=0
    # It closes every connection after what it is asked first.
    python3 -u - >heard 3>&- <<'PYTHON' &
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1])
for _ in range(2):
    c, _ = s.accept()
    print(c.recv(4096))
    c.close()
PYTHON
    server_remember $!
    wait_for 20 test -s heard
    port=$(head -1 heard)
    mkdir -p "$DOCKER_CONFIG"
    echo "{\"auths\":{\"127.0.0.1:$port\":{\"auth\":\"$(printf u:secret | base64)\"}}}" >"$DOCKER_CONFIG/config.json"
    lade tag "$ref" "127.0.0.1:$port/a:1"
    fails 7 "without an answer" -- lade push -q --tries 1 "127.0.0.1:$port/a:1"
    heard=$(cat heard)
    [[ $heard == *"GET /v2/ HTTP/1.1"* ]]
    [[ $heard == *'\x16\x03'* ]]
    [[ $heard != *uthorization* ]]
}

@test "--cert-dir" {
    mkdir certs
    cp "$REGISTRY_TLS_CA" certs/my.crt
    same "line and digest" "$(lade push -q --cert-dir certs "$ref")" "$ref@$(
        lade inspect --cert-dir certs --raw "docker://$ref" | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')"
    fails 4 nowhere -- lade push -q --cert-dir nowhere "$ref"
}

@test "--insecure-skip-verify" {
    lade push -q --insecure-skip-verify "$ref"
}

@test "certs.d of the user" {
    trusted_in "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY_TLS"
}

@test "certs.d of the machine" {
    [ "$(id -u)" -eq 0 ] || skip "only root can write below /etc"
    trusted_in "/etc/containers/certs.d/$REGISTRY_TLS"
    trusted_in "/etc/docker/certs.d/$REGISTRY_TLS"
    rmdir --ignore-fail-on-non-empty /etc/containers/certs.d /etc/docker/certs.d
}

@test "SSL_CERT_FILE" {
    SSL_CERT_FILE=$REGISTRY_TLS_CA lade push -q "$ref"
}

@test "the name in the certificate is checked" {
    mkdir certs
    cp "$REGISTRY_TLS_CA" certs/ca.crt
    lade tag "$ref" "127.0.0.2:${REGISTRY_TLS#*:}/tls:1"
    run lade push -q --tries 1 --cert-dir certs "127.0.0.2:${REGISTRY_TLS#*:}/tls:1"
    [ "$status" -eq 5 ] || [ "$status" -eq 7 ] # nothing listens there, unless it does
    lade tag "$ref" "localhost:${REGISTRY_TLS#*:}/tls:1"
    lade push -q --cert-dir certs "localhost:${REGISTRY_TLS#*:}/tls:1"
}

@test "a registry that wants our certificate" {
    local tls
    tls=$(dirname "$REGISTRY_MUTUAL_CA")
    local name=$REGISTRY_MUTUAL/tls:1
    lade tag "$ref" "$name"
    mkdir certs
    cp "$tls/ca.crt" certs/ca.crt
    run lade push -q --tries 1 --cert-dir certs "$name"
    [ "$status" -eq 5 ] || [ "$status" -eq 7 ]
    cp "$tls/server.crt" certs/client.cert
    fails 3 client.key -- lade push -q --cert-dir certs "$name"
    cp "$tls/server.key" certs/client.key
    lade push -q --cert-dir certs "$name"
}
