#!/usr/bin/env bats
# The way to a registry: IPv6, proxies, the settings of a host for TLS, and the longest time that a run may take.

# shellcheck disable=SC2154
load lib

setup_file() {
    # Requests to servers that all tests share are counted.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start plain
    registry_start other
    REGISTRY_ADDRESS='[::1]' registry_start six
    REGISTRY_ADDRESS='[::1]' registry_tls sixtls
    registry_tls mutual "    clientcas: [$(servers_dir)/tls-mutual/ca.crt]"
    connect_start "registry.example.com=$REGISTRY_PLAIN" "mirror.example.com=$REGISTRY_OTHER"
    mkdir -p "$BATS_FILE_TMPDIR/context"
    printf '%s\n' 'FROM scratch' 'COPY Dockerfile /' >"$BATS_FILE_TMPDIR/context/Dockerfile"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    unset LADE_CONFIG NO_PROXY no_proxy SSL_CERT_FILE
    mkdir -p "$XDG_CONFIG_HOME/lade"
    file=$XDG_CONFIG_HOME/lade/config.json
    context=$BATS_FILE_TMPDIR/context
}

configure() {
    echo "{\"registries\": {$1}}" >"$file"
}

proxied() {
    HTTPS_PROXY=$CONNECT_PROXY SSL_CERT_FILE=$CONNECT_CA "$@"
}

# goes_round REF: built, pushed, listed, pulled and looked at.
goes_round() {
    lade build -q -t "$1" --push "$context" >digest
    lade rm -q "$1" 2>/dev/null || lade rm "$1" >/dev/null
    lade pull -q "$1"
    same digest "$(cat digest)" "sha256:$(lade inspect --raw "docker://$1" | sha256sum | cut -d' ' -f1)"
    lade ls "docker://${1%:*}" | grep -q "${1##*:}"
}

@test "a registry at an IPv6 address" {
    goes_round "$REGISTRY_SIX/six/app:1"
    printf '%s\n' "FROM $REGISTRY_SIX/six/app:1" >Dockerfile
    lade build -q .
    lade copy -q "docker://$REGISTRY_SIX/six/app:1" "docker://$REGISTRY_PLAIN/six/app:1"
}

@test "a registry at an IPv6 address over TLS" {
    fails 5 certificate -- lade build -q -t "$REGISTRY_SIXTLS/six/app:1" --push "$context"
    mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY_SIXTLS"
    cp "$REGISTRY_SIXTLS_CA" "$XDG_CONFIG_HOME/containers/certs.d/$REGISTRY_SIXTLS/ca.crt"
    goes_round "$REGISTRY_SIXTLS/six/app:1"
}

@test "an IPv6 address in the configuration" {
    configure "\"images.example.com\": {\"location\": \"$REGISTRY_SIX/moved\"}, \"$REGISTRY_SIX\": {\"blocked\": false}"
    goes_round "images.example.com/app:1"
    lade inspect "docker://$REGISTRY_SIX/moved/app:1"
}

@test "a proxy that looks into TLS is trusted by SSL_CERT_FILE" {
    proxied goes_round registry.example.com/proxied/app:1
    grep -q 'PUT https://registry.example.com/v2/proxied/app/manifests/1' "$CONNECT_LOG"
    HTTPS_PROXY=$CONNECT_PROXY fails 5 certificate -- lade inspect docker://registry.example.com/proxied/app:1
    HTTPS_PROXY=$CONNECT_PROXY lade inspect --insecure-skip-verify docker://registry.example.com/proxied/app:1
    configure '"registry.example.com": {"ca": "proxy.crt"}'
    cp "$CONNECT_CA" "$XDG_CONFIG_HOME/lade/proxy.crt"
    HTTPS_PROXY=$CONNECT_PROXY lade inspect docker://registry.example.com/proxied/app:1
}

@test "credentials of a registry never go to its mirror" {
    proxied lade build -q -t registry.example.com/secret/app:1 --push "$context"
    proxied lade copy -q docker://registry.example.com/secret/app:1 docker://mirror.example.com/secret/app:1
    mkdir -p "$DOCKER_CONFIG"
    echo "{\"auths\": {\"registry.example.com\": {\"auth\": \"$(printf u:secret | base64)\"}}}" >"$DOCKER_CONFIG/config.json"
    configure '"registry.example.com": {"mirrors": ["mirror.example.com"]}'
    proxied lade copy -q docker://registry.example.com/secret/app:1 oci:out
    run grep 'https://mirror.example.com/.*ns=registry.example.com' "$CONNECT_LOG"
    [ "$status" -eq 0 ]
    [[ $output != *auth=B* ]]
    proxied lade copy -q -u me --password-stdin docker://registry.example.com/secret/app:1 oci:again <<<password
    run grep 'https://mirror.example.com/' "$CONNECT_LOG"
    [[ $output != *auth=B* ]]
}

@test "plain HTTP to a host that is not on this machine goes through http_proxy" {
    # The registry takes requests for any name, as a proxy does.
    fails 7 -- env http_proxy="http://$REGISTRY_PLAIN" https_proxy=http://127.0.0.1:1 lade build -q --tries 1 -t plain.example.com/a:1 --push "$context"
    configure '"plain.example.com": {"plain-http": true}'
    http_proxy=http://$REGISTRY_PLAIN goes_round plain.example.com/plain/app:1
    # As with curl: in upper case it could come from a header of somebody's request.
    fails 7 -- env HTTP_PROXY="http://$REGISTRY_PLAIN" lade inspect --tries 1 docker://plain.example.com/plain/app:1
}

@test "registries on this machine are spoken to without a proxy" {
    local proxy=http://127.0.0.1:1
    HTTPS_PROXY=$proxy http_proxy=$proxy ALL_PROXY=$proxy goes_round "$REGISTRY_PLAIN/direct/app:1"
    HTTPS_PROXY=$proxy http_proxy=$proxy ALL_PROXY=$proxy goes_round "localhost:${REGISTRY_PLAIN##*:}/direct/app:1"
    HTTPS_PROXY=$proxy http_proxy=$proxy ALL_PROXY=$proxy goes_round "$REGISTRY_SIX/direct/app:1"
}

@test "NO_PROXY: hosts, domains and ranges of addresses" {
    local address name
    address=$(hostname -I | tr ' ' '\n' | grep -m1 '\.') || skip "this machine has no address but loopback"
    REGISTRY_ADDRESS=$address registry_start outside
    configure "\"$REGISTRY_OUTSIDE\": {\"plain-http\": true}"
    goes_round "$REGISTRY_OUTSIDE/outside/app:1"
    fails 7 -- env http_proxy=http://127.0.0.1:1 lade inspect --tries 1 "docker://$REGISTRY_OUTSIDE/outside/app:1"
    for name in "$address" "$address/32" "${address%.*}.0/24" "example.com,$address" "*"; do
        http_proxy=http://127.0.0.1:1 NO_PROXY=$name lade inspect --tries 1 "docker://$REGISTRY_OUTSIDE/outside/app:1"
    done
    for name in 10.77.0.0/16 example.com; do
        fails 7 -- env http_proxy=http://127.0.0.1:1 NO_PROXY="$name" lade inspect --tries 1 "docker://$REGISTRY_OUTSIDE/outside/app:1"
    done
}

@test "a proxy that is not there is named as the trouble" {
    HTTPS_PROXY=http://proxy.invalid:3128 fails 7 "proxy" -- lade inspect --tries 1 docker://registry.example.com/a
    HTTPS_PROXY=http://127.0.0.1:1 fails 7 "cannot connect" -- lade inspect --tries 1 docker://registry.example.com/a
    HTTPS_PROXY=$CONNECT_PROXY fails 7 "502" -- lade inspect --tries 1 docker://unknown.example.com/a
}

@test "authority and our certificate, from the configuration" {
    local tls
    tls=$(servers_dir)/tls-mutual
    fails 5 certificate -- lade build -q -t "$REGISTRY_MUTUAL/m/app:1" --push "$context"
    configure "\"$REGISTRY_MUTUAL\": {\"ca\": \"$tls/ca.crt\"}"
    fails 7 -- lade build -q --tries 1 -t "$REGISTRY_MUTUAL/m/app:1" --push "$context"
    configure "\"$REGISTRY_MUTUAL\": {\"ca\": \"$tls/ca.crt\", \"cert\": \"$tls/server.crt\", \"key\": \"$tls/server.key\"}"
    goes_round "$REGISTRY_MUTUAL/m/app:1"
    mkdir dir
    cp "$tls/ca.crt" dir/ca.crt
    cp "$tls/server.crt" dir/me.cert
    cp "$tls/server.key" dir/me.key
    configure "\"$REGISTRY_MUTUAL\": {\"cert-dir\": \"$PWD/dir\"}"
    goes_round "$REGISTRY_MUTUAL/m/app:2"
    configure "\"$REGISTRY_MUTUAL\": {\"cert-dir\": \"$PWD/none\"}"
    fails 4 "configuration of $REGISTRY_MUTUAL" "$PWD/none" -- lade inspect "docker://$REGISTRY_MUTUAL/m/app:1"
    configure "\"$REGISTRY_MUTUAL\": {\"ca\": \"none.crt\"}"
    fails 4 "configuration of $REGISTRY_MUTUAL" none.crt -- lade inspect "docker://$REGISTRY_MUTUAL/m/app:1"
}

@test "a run that takes longer than --timeout ends" {
    local port=0 begin=$EPOCHREALTIME
    # It takes connections and says nothing.
    python3 -u - >heard 3>&- <<'PYTHON' &
import signal, socket
s = socket.create_server(("127.0.0.1", 0), backlog=100)
print(s.getsockname()[1])
signal.pause()
PYTHON
    server_remember $!
    wait_for 20 test -s heard
    port=$(cat heard)
    lade build -q -t "127.0.0.1:$port/a:1" "$context"
    fails 7 "the time of the run (--timeout) is used up" -- lade push -q --timeout 700ms "127.0.0.1:$port/a:1"
    fails 7 "--timeout" -- lade inspect --timeout 700ms "docker://127.0.0.1:$port/a:1"
    fails 7 "--timeout" -- lade login --timeout 700ms -u a --password-stdin "127.0.0.1:$port" <<<b
    [ $((${EPOCHREALTIME/./} - ${begin/./})) -lt 15000000 ]
    fails 2 'expected a time as 30s or 2m, found "soon"' -- lade push -q --timeout soon "127.0.0.1:$port/a:1"
    lade copy -q --timeout 5m "127.0.0.1:$port/a:1" oci:out
}
