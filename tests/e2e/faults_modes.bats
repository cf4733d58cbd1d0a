#!/usr/bin/env bats
# Registries that are not to be had here, as far as tests/faultreg acts like them: each takes an image, with small blobs and large ones, and gives
# it back.

load lib
load faults

# For `cases`: there_and_back IMAGE ARGUMENT…: pushed, and pulled through the same proxy into an empty store.
there_and_back() {
    pushes "$@"
    rm -rf "$LADE_STORE"
    no_hang lade pull "$FAULT_X/$repository:1"
    kept "$1"
    [[ $output == *"$(digest_of "$1")"* ]]
}

readonly vendors='--mode ; acr
--mode ; artifactory
--mode ; dockerhub
--mode ; ecr
--mode ; gar
--mode ; ghcr
--mode ; gitlab
--mode ; harbor
--mode ; nexus
--mode ; quay
--mode ; zot
--mode ; sessions
--mode ; cdn
--mode ; referrers'

@test "modes: small blobs" {
    cases there_and_back small:1 <<<"$vendors"
}

@test "modes: large blobs" {
    cases there_and_back large:1 <<<"$vendors"
}

@test "modes: in chunks, where there are any" {
    settings='"chunk-size": 1048576'
    cases there_and_back large:1 <<'END'
--mode ; acr
--mode ; ecr:min=1M
--mode ; gar
--mode ; ghcr
--mode ; ghcr:limit=1M
--mode ; gitlab
--mode ; harbor
--mode ; quay
--mode ; zot
--mode ; sessions
--mode ; sessions:least=2000000
END
}

@test "modes: cuts in the middle of a blob" {
    cases there_and_back large:1 <<'END'
--mode ; acr ; PATCH . 3 cut-up=1M
--mode ; ecr ; PATCH . 3 cut-up=1M
--mode ; gar ; PATCH . 3 cut-up=1M
--mode ; ghcr ; PATCH . 3 cut-up=1M
--mode ; gitlab ; PATCH . 3 cut-up=1M
--mode ; harbor ; PATCH . 3 cut-up=1M
--mode ; quay ; PATCH . 3 cut-up=1M
--mode ; zot ; PATCH . 3 cut-up=1M
END
}

@test "modes: answers that are lost" {
    cases there_and_back small:1 <<'END'
--mode ; acr ; PATCH|PUT . @2-4 lose
--mode ; ecr ; PATCH|PUT . @2-4 lose
--mode ; gar ; PATCH|PUT . @2-4 lose
--mode ; ghcr ; PATCH|PUT . @2-4 lose
--mode ; harbor ; PATCH|PUT . @2-4 lose
--mode ; quay ; PATCH|PUT . @2-4 lose
--mode ; zot ; PATCH|PUT . @2-4 lose
END
}

@test "modes: limits of a body" {
    cases there_and_back large:1 <<'END'
--mode ; acr:limit=2M
--mode ; acr:limit=1M
--mode ; acr:limit=1M ; PATCH . @2 drop
END
}

@test "modes: commits that are not what was said" {
    cases there_and_back small:1 <<'END'
--mode ; ghcr:unsure=1
--mode ; ghcr:unsure=3
--mode ; ghcr:lost=1
--mode ; ghcr:lost=3
--mode ; harbor:duplicate=1
--mode ; harbor:duplicate=3
--mode ; harbor:finalize=1
--mode ; harbor:finalize=3
--mode ; harbor:quota
--mode ; artifactory:sporadic=1
--mode ; artifactory:sporadic=3
--mode ; quay ; PATCH . @2 status=404 code=BLOB_UPLOAD_UNKNOWN
END
}

@test "modes: mounts" {
    cases tags_two <<'END'
--mode ; acr
--mode ; dockerhub
--mode ; ecr
--mode ; ghcr
--mode ; gitlab
--mode ; harbor
--mode ; harbor:mount=401
--mode ; harbor:mount=404
--mode ; harbor:mount=400
--mode ; quay
--mode ; zot
POST mount= * status=500
POST mount= * status=405
POST mount= * drop
POST mount= * status=403
END
}
# A second repository: what can be mounted is, and where it cannot be, it is sent.
tags_two() {
    pushes small:1 "$@"
    lade tag small:1 "$FAULT_X/$repository:1"
    lade tag small:1 "$FAULT_X/group/$repository:1"
    no_hang lade push "$FAULT_X/$repository:1" "$FAULT_X/group/$repository:1"
    [ "$status" -eq 0 ] || { cat "$FAULT_X_LOG"; return 1; }
    repository=group/$repository stands small:1
}

@test "modes: a tag that may not be moved" {
    cases push_fails 6 small:1 <<'END'
moved ; --mode ; ecr:immutable
moved ; PUT /manifests/[^s] * status=409 code=DENIED
moved ; PUT /manifests/[^s] * status=412
END
    cases twice <<'END'
--mode ; ecr:immutable
END
}
# The same image again is as it should be.
twice() {
    pushes small:1 "$@"
    no_hang lade push "$FAULT_X/$repository:1"
    [ "$status" -eq 0 ]
    stands small:1
}

@test "modes: a repository that was not made" {
    cases missing <<'END'
--mode ; ecr:missing=t
END
}
missing() {
    options='--tries 2'
    through small:1 "$@"
    [ "$status" -eq 7 ]
    stands absent
}

@test "modes: a quota of pulls counts GET alone, and says how to go on" {
    cases pulls small:1 <<'END'
--mode ; dockerhub:pulls=1
END
    cases pull_fails 7 small:1 <<'END'
TOOMANYREQUESTS ; --mode ; dockerhub:pulls=0
END
}

@test "modes: https before, http in Location" {
    tls_make "$BATS_TEST_TMPDIR/tls"
    export SSL_CERT_FILE=$BATS_TEST_TMPDIR/tls/ca.crt
    tls="--tls ; $BATS_TEST_TMPDIR/tls/server.crt ; $BATS_TEST_TMPDIR/tls/server.key"
    cases there_and_back small:1 <<END
$tls
$tls ; --mode ; nexus
$tls ; --mode ; artifactory
$tls ; * /uploads/ * location=http
$tls ; * /uploads/ * location=relative
END
    cases push_fails 5 small:1 <<END
from https to http ; $tls ; * /uploads/ * location=other
from https to http ; $tls ; PATCH|PUT /uploads/ * redirect=307:other
from https to http ; $tls ; HEAD /blobs/ * redirect=307:other
END
    cases pull_fails 5 small:1 <<END
from https to http ; $tls ; GET /blobs/ * redirect=307:other
END
}
