#!/usr/bin/env bats
# Tokens that end in the middle, challenges of every kind, and credentials that must not go elsewhere.

load lib
load faults

setup_file() {
    faults_setup
    token_start
    registry_start closed "$token_auth"
    registry_basic basic alice secret
    export TOKEN_ORIGIN=${TOKEN_URL%/token}
}
teardown_file() { servers_stop; }
setup() {
    fresh
    registry=$REGISTRY_CLOSED
    login=alice:secret
}

@test "auth: a token that ends, at any request" {
    cases pushes_closed small:1 <<'END'
GET ^/v2/$ 1 status=500
HEAD /blobs/ 1 without=Authorization
HEAD /blobs/ @3 without=Authorization
HEAD /manifests/ 1 without=Authorization
POST /uploads/ 1 without=Authorization
POST /uploads/ @3 without=Authorization
PATCH /uploads/ 1 without=Authorization
PATCH /uploads/ @3 without=Authorization
PATCH /uploads/ @2 without=Authorization
PUT /uploads/ 1 without=Authorization
PUT /uploads/ @3 without=Authorization
PUT /manifests/ 1 without=Authorization
HEAD|POST|PATCH|PUT . 1 without=Authorization
* . @5 without=Authorization
* . @9 without=Authorization
--mode ; gar ; PATCH . 1 without=Authorization
--mode ; gar ; PUT . 1 without=Authorization
--mode ; sessions ; PUT . 2 request=Authorization:Bearer
END
}
pushes_closed() {
    through "$@"
    [ "$status" -eq 0 ] || { echo "exit $status"; cat "$FAULT_X_LOG"; return 1; }
    stands_closed "$1"
}
# What stands behind a registry that wants credentials.
stands_closed() {
    skopeo copy -q --src-tls-verify=false --src-creds alice:secret "docker://$registry/$repository:1" oci:whole:1
    grep -q "$(digest_of "$1")" whole/index.json
    LADE_STORE=whole kept "$1"
}

@test "auth: large blobs, whose bytes are asked for again" {
    cases pushes_closed large:1 <<'END'
PATCH /uploads/ @3 without=Authorization
PATCH /uploads/ 1 status=401 early header=WWW-Authenticate:
PUT /uploads/ @3 without=Authorization
END
}

@test "auth: tokens that end while a blob is pulled" {
    cases pulls_closed <<'END'
GET /blobs/ 1 without=Authorization
GET|HEAD /manifests/ 1 without=Authorization
GET /blobs/ 3 cut=1000 ; GET /blobs/ @2 without=Authorization
--mode ; cdn ; GET /blobs/ 1 without=Authorization
--mode ; gar ; GET /blobs/ 1 without=Authorization
END
}
pulls_closed() {
    repository=images/large1
    lade tag large:1 "$registry/$repository:1"
    proxy "$@"
    lade push -q "$registry/$repository:1"
    rm -rf "$LADE_STORE"
    no_hang lade pull "$FAULT_X/$repository:1"
    [ "$status" -eq 0 ] || { cat "$FAULT_X_LOG"; return 1; }
    kept large:1
}

@test "auth: challenges of every kind" {
    cases pushes_closed small:1 <<END
* . * add=WWW-Authenticate:Negotiate
* . * header=WWW-Authenticate:Negotiate add=WWW-Authenticate:Bearer\ realm=$TOKEN_URL,service=registry
* . 1 "header=WWW-Authenticate:Basic realm=\"a, b\\\\\" c\", Bearer realm=\"$TOKEN_URL\",service=\"registry\""
GET ^/v2/\$ 1 "header=WWW-Authenticate:bearer REALM=\"$TOKEN_URL\" , Service=registry"
POST|PATCH|PUT . 1 request=Authorization:Bearer\ x header=WWW-Authenticate:
END
    registry=$REGISTRY_BASIC
    cases pushes_closed small:1 <<'END'
* . * header=WWW-Authenticate:Basic\ realm=openshift,error=\"access\ denied\"
* . * "header=WWW-Authenticate:Basic realm=\"a, b\""
END
}

@test "auth: a refusal that stays ends at once, and asks for few tokens" {
    local before after
    before=$(wc -l <"$TOKEN_LOG")
    cases push_fails_closed <<'END'
POST /uploads/ * without=Authorization
PUT /manifests/ * without=Authorization
PATCH /uploads/ * request=Authorization:Bearer\ x
HEAD /blobs/ * status=401 header=WWW-Authenticate:
END
    after=$(wc -l <"$TOKEN_LOG")
    [ $((after - before)) -le 40 ]
}
push_fails_closed() {
    options='--tries 3 --retry-budget 5s'
    through small:1 "$@"
    [ "$status" -eq 5 ] || { echo "exit $status"; cat "$FAULT_X_LOG"; return 1; }
}

@test "auth: realms that are not to be followed" {
    login=alice:secret
    cases realm_refused <<'END'
* . * status=401 "header=WWW-Authenticate:Bearer realm=\"file:///etc/passwd\""
* . * status=401 "header=WWW-Authenticate:Bearer realm=\"\""
* . * status=401 "header=WWW-Authenticate:Bearer"
* . * status=401 "header=WWW-Authenticate:Bearer realm=\"unfinished"
* . * status=401 "header=WWW-Authenticate:Digest realm=\"x\""
* . * status=401 "header=WWW-Authenticate:Bearer realm=\"http://127.0.0.1:1/token\""
END
}
realm_refused() {
    options='--tries 2'
    through small:1 "$@"
    case $status in 3 | 5 | 7) ;; *) echo "exit $status"; cat "$FAULT_X_LOG"; return 1 ;; esac
}

@test "auth: credentials go nowhere else" {
    cases keeps_secret <<'END'
* /uploads/ * location=other
HEAD /blobs/ * redirect=307:other
POST /uploads/ * redirect=307:other
PATCH|PUT /uploads/ * redirect=307:other
PUT /manifests/ * redirect=307:other
GET /blobs/ * redirect=307:other
GET|HEAD /manifests/ * redirect=307:other
--mode ; cdn
--mode ; cdn:head
END
}
# Whatever comes of it: no request elsewhere carries credentials.
keeps_secret() {
    options='--tries 2'
    through small:1 "$@"
    rm -rf "$LADE_STORE"
    lade pull "$FAULT_X/images/large1:1" || true
    cat "$FAULT_X_LOG"
    # An anonymous token of the other place is none of ours.
    sed -n 's/.* at=own auth=yes:\([^ ]*\) .*/\1/p' "$FAULT_X_LOG" | sort -u >own
    sed -n 's/.* at=other auth=yes:\([^ ]*\) .*/\1/p' "$FAULT_X_LOG" | sort -u >other
    [ -s own ]
    [ -z "$(comm -12 own other)" ]
}

@test "auth: blobs elsewhere, from a registry that wants credentials" {
    cases pulls_closed <<'END'
--mode ; cdn
--mode ; cdn:head
--mode ; cdn:uses=1
--mode ; cdn:uses=1 ; GET ^/signed/ 3 cut=1000000
END
}
