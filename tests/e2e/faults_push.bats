#!/usr/bin/env bats
# Pushes to registries that misbehave: the right digests stand there, or the named exit code, and the tag is as it was.

load lib
load faults

@test "push: errors that pass, on the first request of each kind" {
    cases pushes small:1 <<'END'
GET ^/v2/$ 1 status=500
GET ^/v2/$ 1 status=503 retry=0
GET ^/v2/$ 1 drop
HEAD /blobs/ 1 status=500
HEAD /blobs/ 1 status=502 body=html
HEAD /manifests/ 1 status=500
POST /uploads/ 1 status=500
POST /uploads/ 1 status=504 body=html
POST /uploads/ 1 status=429 retry=0
PATCH /uploads/ 1 status=500
PATCH /uploads/ 1 status=502 body=html
PATCH /uploads/ 1 status=503 body=empty
PUT /uploads/ 1 status=500
PUT /uploads/ 1 status=502
PUT /uploads/ 1 status=504 body=text
PUT /manifests/ 1 status=500
PUT /manifests/ 1 status=503 body=html
* . 2 status=408
* . 2 status=425
* . 2 status=499
* . 2 status=522
END
}

@test "push: errors that pass, on later requests" {
    cases pushes small:1 <<'END'
HEAD /blobs/ @2 status=503
POST /uploads/ @2 status=500
POST /uploads/ @2-3 status=503
PATCH /uploads/ @2 status=500
PATCH /uploads/ @3 drop
PUT /uploads/ @2 status=500
PUT /uploads/ @3 status=500
* /uploads/ @4 status=502 body=html
PATCH /uploads/ 1 status=404 code=BLOB_UPLOAD_UNKNOWN
PATCH /uploads/ 1 status=400 code=BLOB_UPLOAD_INVALID
PUT /uploads/ 1 status=404 code=BLOB_UPLOAD_UNKNOWN
PUT /uploads/ 1 status=400 code=BLOB_UPLOAD_INVALID
PUT /manifests/ 1 status=404 code=BLOB_UNKNOWN
PUT /manifests/ 2 status=400 code=MANIFEST_BLOB_UNKNOWN
END
}

@test "push: every kind of Retry-After" {
    cases pushes small:1 <<'END'
HEAD /blobs/ 1 status=429 retry=1
HEAD /blobs/ 1 status=429 retry=0
HEAD /blobs/ 1 status=429 retry=-5
HEAD /blobs/ 1 status=429 retry=date+1
HEAD /blobs/ 1 status=429 retry=date-100
HEAD /blobs/ 1 status=503 retry=rfc850+1
HEAD /blobs/ 1 status=503 retry=asctime+1
HEAD /blobs/ 1 status=503 retry=soon
HEAD /blobs/ 1 status=429 retry=1.5
HEAD /blobs/ 1 status=429 retry=
HEAD /blobs/ 1 status=429
PATCH /uploads/ 1 status=429 retry=1
PUT /uploads/ 1 status=503 retry=1
PUT /manifests/ 1 status=429 retry=1
POST /uploads/ 1 status=429 body=text bare-lf retry=1
HEAD /blobs/ 1 status=429 header=Retry-After:1 add=Retry-After:2
END
}

@test "push: a wait longer than the budget is not begun" {
    cases push_fails 7 small:1 <<'END'
longer than the time allowed ; HEAD /blobs/ * status=429 retry=1000000000
HTTP 429 ; PUT /manifests/ * status=429 retry=99999999999999999999
longer than the time allowed ; POST /uploads/ * status=503 retry=date+86400
END
}

@test "push: cuts, downstream" {
    cases pushes small:1 <<'END'
GET ^/v2/$ 1 cut-head=0
HEAD /blobs/ 1 cut-head=1
HEAD /blobs/ 1 cut-head=20
POST /uploads/ 1 cut-head=50
POST /uploads/ 1 lose
POST /uploads/ 1 lose reset
PATCH /uploads/ 1 lose
PATCH /uploads/ 1 lose reset
PUT /uploads/ 1 lose
PUT /uploads/ 1 lose reset
PUT /uploads/ 2 cut-head=30
PUT /manifests/ 1 lose
PUT /manifests/ 1 lose reset
PUT /manifests/ 1 cut-head=17
* . 1 drop
* . 1 drop reset
END
}

@test "push: cuts, upstream" {
    cases pushes large:1 <<'END'
PATCH /uploads/ 1 cut-up=0
PATCH /uploads/ 1 cut-up=1
PATCH /uploads/ 3 cut-up=100
PATCH /uploads/ 1 cut-up=100 reset
PATCH /uploads/ @1-2 cut-up=1M reset
PUT /manifests/ 1 cut-up=10
PUT /manifests/ 1 cut-up=10 reset
--mode ; sessions ; PATCH /uploads/ 1 cut-up=1
--mode ; sessions ; PATCH /uploads/ 3 cut-up=1M
--mode ; sessions ; PATCH /uploads/ 3 cut-up=1M reset
--mode ; sessions ; PATCH /uploads/ 3 lose
--mode ; sessions ; PATCH /uploads/ 1 cut-up=100 ; GET /uploads/ 1 status=500
--mode ; sessions ; PATCH /uploads/ 1 cut-up=100 ; GET /uploads/ * status=404 code=BLOB_UPLOAD_UNKNOWN
--mode ; sessions:fragile ; PATCH /uploads/ 1 cut-up=100
END
}

@test "push: with a session that survives, only what is missing is sent again" {
    cases resumes <<'END'
PATCH /uploads/ 3 cut-up=2M
PATCH /uploads/ 3 cut-up=2M reset
PATCH /uploads/ 3 cut-up=2900K ; GET /uploads/ 1 status=503
END
}
resumes() {
    local got
    pushes large:1 --mode sessions "$@"
    got=$(sed -nE 's/^PATCH .* got=([0-9]+) .*/\1/p' "$FAULT_X_LOG" | paste -sd + | bc)
    echo "bytes sent: $got"
    cat "$FAULT_X_LOG"
    [ "$got" -lt 4500000 ]
}

@test "push: slow, and not at once" {
    cases pushes small:1 <<'END'
* . 3 stall-before=0.5
* . 3 stall-after=0.5
PATCH /uploads/ 2 stall-up=0.5
PUT /uploads/ * stall-after=0.5
PUT /manifests/ 1 stall-after=1
HEAD /manifests/ * slow-head=0.002
POST /uploads/ 1 slow-head=0.002
POST /uploads/ * hints=20
END
}

@test "push: Location in every form" {
    cases pushes small:1 <<'END'
* /uploads/ * location=relative
* /uploads/ * location=absolute
* /uploads/ * location=other
* /uploads/ * location=host-path
* /uploads/ * location=upper
* /uploads/ * location=fragment
--mode ; sessions ; PATCH /uploads/ * location=none
POST /uploads/ 1 location=http://127.0.0.1:1{path}
PATCH /uploads/ 1 location=http://127.0.0.1:1{path}
--mode ; sessions ; * /uploads/ * location=no-query
END
}

@test "push: Location that leads nowhere" {
    cases push_fails 3 small:1 <<'END'
Location ; POST /uploads/ * location=none
Location ; POST /uploads/ * location=file:///etc/passwd
Location ; POST /uploads/ * location=ftp://127.0.0.1{path}
Location ; POST /uploads/ * location=http://[::bad{path}
Location ; POST /uploads/ * location=http://user:secret@127.0.0.1{path}
END
    cases push_fails 7 small:1 <<'END'
connect ; POST /uploads/ * location=http://127.0.0.1:1{path}
connect ; POST /uploads/ * location=no-port
END
}

@test "push: headers that are wrong, missing, double or giant" {
    cases pushes small:1 <<'END'
PUT /manifests/ * digest=none
PUT /manifests/ * digest=other
PUT /manifests/ * digest=garbage
HEAD /manifests/ * digest=none
PUT /uploads/ * digest=wrong
HEAD /blobs/ * digest=wrong
* /uploads/ * range=none
PATCH /uploads/ * range=0-0
PATCH /uploads/ * range=bytes=0--1
PATCH /uploads/ * range=+1
PATCH /uploads/ * range=-10
PATCH /uploads/ * range=999999999999999999999-x
* . * add=X-Same:1 add=X-Same:2
* . * add=Docker-Distribution-Api-Version:registry/2.0
POST /uploads/ 1 header=X-Giant:#20K
GET ^/v2/$ 1 http=HTTP/1.0
GET ^/v2/$ * header=Docker-Distribution-Api-Version:
POST /uploads/ * length=none
PUT /manifests/ * framing=chunked
PUT /uploads/ * framing=trailer
END
}

@test "push: statuses that are near enough" {
    cases pushes small:1 <<'END'
PATCH /uploads/ * as=201
PATCH /uploads/ * as=200
PATCH /uploads/ * as=204
POST /uploads/ * as=201
POST /uploads/ * as=200
PUT /uploads/ * as=200
PUT /uploads/ * as=202
PUT /uploads/ * as=204
PUT /manifests/ * as=200
PUT /manifests/ * as=202
END
}

@test "push: refusals are final, and say why" {
    cases push_fails 5 small:1 <<'END'
DENIED ; POST /uploads/ * status=403
DENIED ; PATCH /uploads/ * status=403
DENIED ; PUT /uploads/ * status=403
DENIED ; PUT /manifests/ * status=403
HTTP 401 ; PUT /manifests/ * status=401
HTTP 403 ; POST /uploads/ * status=403 body=html
END
    cases push_fails 10 small:1 <<'END'
HTTP 413 ; PATCH|PUT /uploads/ * status=413 early
HTTP 413 ; PATCH|PUT /uploads/ * status=413 body=html
HTTP 413 ; PUT /manifests/ * status=413
END
    cases push_fails 3 small:1 <<'END'
MANIFEST_INVALID ; PUT /manifests/ * status=400 code=MANIFEST_INVALID
HTTP 415 ; PUT /manifests/ * status=415
NAME_INVALID ; POST /uploads/ * status=400 code=NAME_INVALID
END
    cases push_fails 6 small:1 <<'END'
HTTP 409 ; PUT /manifests/ * status=409
TAG_INVALID ; PUT /manifests/ * status=400 code=TAG_INVALID
HTTP 412 ; PUT /manifests/ * status=412
END
}

@test "push: what does not pass ends within its budget" {
    cases push_fails 7 small:1 <<'END'
HTTP 500 ; HEAD /blobs/ * status=500
HTTP 503 ; POST /uploads/ * status=503 body=html
HTTP 502 ; PATCH|PUT /uploads/ * status=502
HTTP 500 ; PUT /uploads/ * status=500
HTTP 429 ; PUT /manifests/ * status=429 body=text bare-lf
HTTP 504 ; PUT /manifests/ * status=504 body=giant
closed ; PUT /uploads/ * drop
reset ; PATCH|PUT /uploads/ * drop reset
gave up ; PATCH|PUT /uploads/ * cut-up=10
HTTP 404 ; PUT /uploads/ * status=404 code=BLOB_UPLOAD_UNKNOWN
MANIFEST_BLOB_UNKNOWN ; PUT /manifests/ * status=400 code=MANIFEST_BLOB_UNKNOWN
not HTTP ; HEAD /blobs/ * http=SMTP
END
}

@test "push: foreign text comes out harmless" {
    cases push_fails 7 small:1 <<'END'
HTTP 500 ; PUT /manifests/ * status=500 body=escapes
HTTP 500 ; PUT /manifests/ * status=500 body=shape
HTTP 500 ; PUT /manifests/ * status=500 body=giant
END
    ! grep -rlP '\x1b' "$BATS_TEST_TMPDIR"/*.out || false
    [ "$(stat -c %s "$BATS_TEST_TMPDIR"/1.out)" -lt 20000 ]
}

@test "push: headers without measure" {
    cases push_fails 10 small:1 <<'END'
headers ; POST /uploads/ * header=X-Giant:#70K
headers ; POST /uploads/ * header=X-Giant:#1M
headers ; HEAD /blobs/ * hints=1000
END
}

@test "push: early refusals are read, not waited for" {
    cases push_fails 10 large:1 <<'END'
HTTP 413 ; PATCH|PUT /uploads/ * status=413 early
HTTP 413 ; PATCH|PUT /uploads/ * status=413 early body=html
END
    cases pushes large:1 <<'END'
PATCH /uploads/ 1 status=503 early
PATCH /uploads/ 1 status=503 early reset
PUT /manifests/ 1 status=500 early
END
}

@test "push: redirects" {
    cases pushes small:1 <<'END'
HEAD /blobs/ * redirect=307:other
HEAD /blobs/ * redirect=301:other
HEAD /blobs/ * redirect=302:other
HEAD /blobs/ * redirect=303:other
HEAD /blobs/ * redirect=308:other
POST /uploads/ 3 redirect=307:other
POST /uploads/ 3 redirect=308:other
PATCH /uploads/ 2 redirect=307:other
PUT /uploads/ 2 redirect=307:other
PUT /manifests/ 1 redirect=307:other
PUT /manifests/ 1 redirect=301:own
POST /uploads/ 2 redirect=301:own
PATCH /uploads/ 2 redirect=302:own
END
    cases push_fails 3 small:1 <<'END'
redirect ; HEAD /blobs/ * redirect=307:loop
redirect ; POST /uploads/ * redirect=307:loop
redirect ; PATCH|PUT /uploads/ * redirect=307:loop
redirect ; PUT /manifests/ * redirect=307:file://
redirect ; PUT /manifests/ * redirect=307:javascript:x
redirect ; PUT /manifests/ * redirect=307:ftp://127.0.0.1
END
}

@test "push: what the registry says is not what it has" {
    cases pushes small:1 <<'END'
--mode ; eventual:n=1
--mode ; eventual:n=2
--mode ; liar:n=1
--mode ; forgetful:n=1
--mode ; stale:n=1
--mode ; liar:n=3
--mode ; forgetful:n=3
PUT /uploads/ 1 digest=wrong
END
}

# For `cases`: `pushes` under another tag than the one that names the image.
pushes_known() {
    lade tag "$1" "$REGISTRY_PLAIN/$repository:known"
    lade push -q "$REGISTRY_PLAIN/$repository:known"
    pushes "$@"
    grep -q '^HEAD .*/blobs/' "$FAULT_X_LOG"
}

@test "push: what a registry says of the manifest is a help, not a condition" {
    local none=sha256:4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a
    options='--tries 2'
    cases pushes small:1 <<END
HEAD /manifests/sha256 * status=200 header=Docker-Content-Digest:$none header=Content-Type:application/vnd.oci.image.manifest.v1+json length=9
HEAD /manifests/sha256 * status=200 body=html
HEAD /manifests/sha256 * status=403
HEAD /manifests/sha256 * status=405
HEAD /manifests/sha256 * status=500
END
    # Who has lost a blob may say so in other words.
    cases pushes_known small:1 <<END
PUT /manifests/ 1 status=400 code=MANIFEST_INVALID
PUT /manifests/ 1 status=404 body=html
PUT /manifests/ 1 status=422
HEAD /manifests/sha256 * digest=wrong
END
}

@test "push: a registry that never tells the truth is found out" {
    cases push_fails 8 small:1 <<'END'
is this a registry ; PUT /manifests/ * status=200 body=html
END
    # It took the image, and says that it did not.
    after=small:1
    cases push_fails 8 small:1 <<'END'
stored ; PUT /manifests/ * digest=wrong
stored ; PUT|HEAD /manifests/ * digest=wrong
END
    unset after
    cases push_fails 3 small:1 <<'END'
registry ; --mode ; yes
END
    cases push_fails 7 small:1 <<'END'
MANIFEST_BLOB_UNKNOWN ; --mode ; forgetful:n=999
END
}
