#!/usr/bin/env bats
# Pulls from registries that misbehave: everything comes with the right digest, or the named exit code, and nothing of it is kept that is not
# whole.

load lib
load faults

@test "pull: errors that pass" {
    cases pulls small:1 <<'END'
GET ^/v2/$ 1 status=500
HEAD /manifests/ 1 status=500
HEAD /manifests/ 2 status=503 retry=0
HEAD /manifests/ * status=405
GET /manifests/ 1 status=502 body=html
GET /blobs/ 1 status=500
GET /blobs/ @2 status=503 body=empty
GET /blobs/ 2 status=429 retry=0
GET /blobs/ 1 status=429 body=text bare-lf
* . 2 status=408
* . 2 status=522
* . 2 drop
* . 2 drop reset
GET /blobs/ 1 status=429 retry=date+1
END
}

@test "pull: cuts" {
    cases pulls large:1 <<'END'
GET /blobs/ 1 cut=0
GET /blobs/ 1 cut=1
GET /blobs/ 3 cut=100
GET /blobs/ 3 cut=100 reset
GET /blobs/ @3 cut=2999999
GET /blobs/ 4 cut=1M
GET /blobs/ 4 cut=1M reset
GET /blobs/ 1 cut-head=0
GET /blobs/ 1 cut-head=40
GET /blobs/ 3 cut=100 framing=chunked
GET /blobs/ 3 cut=100 framing=close
GET /blobs/ 3 truncate=100
GET /blobs/ 1 lose
GET /manifests/ 1 cut=0
GET /manifests/ 1 cut=100
GET /manifests/ 1 cut=100 framing=close
GET /manifests/ 1 truncate=100
HEAD /manifests/ 1 cut-head=30
END
}

@test "pull: after a cut, only the rest is asked for" {
    cases goes_on <<'END'
GET /blobs/ 3 cut=2000000
GET /blobs/ 3 cut=2500000 reset
GET /blobs/ 3 cut=2000000 framing=chunked
END
}
goes_on() {
    pulls large:1 "$@"
    # A reset throws away some of what was on the way.
    grep -q 'range=bytes=[0-9]*[1-9][0-9]*-' "$FAULT_X_LOG"
}

@test "pull: ranges that are not kept" {
    cases pulls large:1 <<'END'
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 without=Range
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 request=Range:bytes=1000000-
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 status=416
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 header=Content-Range:
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 header=Content-Range:bytes
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 cut=10 ; GET /blobs/ 1 cut=10 reset
GET /blobs/ 3 cut=2000000 ; GET /blobs/ 1 flip=0
GET /blobs/ 1 flip=5
END
}

@test "pull: content that is not what its digest says" {
    cases pull_fails 8 small:1 <<'END'
sha256 ; GET /blobs/ * flip=0
sha256 ; GET /blobs/ * flip=1M
sha256 ; GET /blobs/ * swap=other
sha256 ; GET /blobs/ * swap=
sha256 ; GET /manifests/ * flip=20
sha256 ; GET /manifests/ * truncate=100
sha256 ; GET /blobs/ * truncate=100
sha256 ; GET /blobs/ * length=+10
sha256 ; HEAD /manifests/ * length=+1
END
    cases pull_fails 4 small:1 <<'END'
no manifest ; HEAD /manifests/ * digest=wrong
no manifest ; HEAD /manifests/ * digest=other
END
    cases pull_fails 7 small:1 <<'END'
gave up ; GET /blobs/ * cut=50
END
}

@test "pull: lengths that are not true" {
    cases pulls small:1 <<'END'
GET /blobs/ 1 length=+10
GET /blobs/ 1 length=-10
GET /blobs/ * length=none
GET /blobs/ * framing=chunked
GET /blobs/ * framing=close
GET /blobs/ * framing=trailer
GET /blobs/ 2 length=twice
GET /blobs/ 1 length=99999999999999999999
GET /blobs/ 1 length=-0x1
HEAD /manifests/ 1 length=none
GET /manifests/ 1 length=none
GET /manifests/ 1 framing=chunked
GET /blobs/ * hints=20
END
}

@test "pull: headers that are wrong or missing" {
    cases pulls small:1 <<'END'
HEAD /manifests/ * digest=none
HEAD /manifests/ * digest=garbage
HEAD /manifests/ * header=Content-Type:
HEAD /manifests/ * header=Content-Type:text/plain
GET /manifests/ * digest=none
GET /manifests/ * digest=other
GET /manifests/ * "header=Content-Type:application/vnd.oci.image.manifest.v1+json; charset=utf-8"
GET|HEAD /manifests/ * header=Content-Type:APPLICATION/VND.OCI.IMAGE.MANIFEST.V1+JSON
GET|HEAD /manifests/ * digest=none header=Content-Type:application/json
GET /blobs/ * digest=wrong
GET /blobs/ * header=Content-Type:text/html
GET /blobs/ * digest=none add=X-Same:1 add=X-Same:2
GET /blobs/ 2 http=HTTP/1.0
GET /blobs/ 1 header=X-Giant:#20K
END
    cases pull_fails 10 small:1 <<'END'
headers ; GET /blobs/ * header=X-Giant:#70K
headers ; GET /manifests/ * header=X-Giant:#1M
END
}

@test "pull: a body that a proxy compressed on the way" {
    cases pulls small:1 <<'END'
GET /blobs/ * gzip
GET /manifests/ * gzip
GET /blobs/ 1 gzip
GET /blobs/ * gzip
GET /manifests/ * gzip
END
}

@test "pull: what is no registry" {
    cases pull_fails 3 small:1 <<'END'
registry ; --mode ; yes
web page ; HEAD|GET /manifests/ * status=200 body=html
neither ; HEAD|GET /manifests/ * status=200 body={}
END
    cases pull_fails 4 small:1 <<'END'
HTTP 404 ; GET /blobs/ * status=404 code=BLOB_UNKNOWN
no ; HEAD|GET /manifests/ * status=404
no ; GET|HEAD /manifests/ * status=404 body=html
END
    cases pull_fails 5 small:1 <<'END'
DENIED ; GET /blobs/ * status=403
401 ; GET|HEAD /manifests/ * status=401
END
}

@test "pull: what does not pass ends within its budget" {
    cases pull_fails 7 small:1 <<'END'
HTTP 500 ; HEAD|GET /manifests/ * status=500
HTTP 503 ; GET /blobs/ * status=503 body=html
TOOMANYREQUESTS ; --mode ; dockerhub:pulls=0
longer than the time allowed ; GET /blobs/ * status=429 retry=1000000000
closed ; GET /blobs/ * drop
reset ; GET /blobs/ * drop reset
cut short ; GET /blobs/ * cut=10
not HTTP ; GET /blobs/ * http=ICY
HTTP 504 ; GET /blobs/ * status=504 body=giant
END
}

@test "pull: slow" {
    cases pulls small:1 <<'END'
* . * stall-before=0.1
GET /blobs/ * stall-middle=0.5
GET /blobs/ * drip=1K/0.01
GET /manifests/ * drip=100/0.05
GET /manifests/ * slow-head=0.001
GET /blobs/ * stall-after=0.5
END
}

@test "pull: redirects" {
    cases pulls large:1 <<'END'
GET /blobs/ * redirect=307:other
GET /blobs/ * redirect=301:other
GET /blobs/ * redirect=302:other
GET /blobs/ * redirect=303:other
GET /blobs/ * redirect=308:other
HEAD|GET /manifests/ * redirect=307:other
--mode ; cdn
--mode ; cdn:head
--mode ; cdn:uses=1
--mode ; cdn ; GET ^/signed/ 1 status=403
--mode ; cdn ; GET ^/signed/ 2 status=500
--mode ; cdn:uses=1 ; GET ^/signed/ 4 cut=1000
--mode ; cdn:uses=1 ; GET ^/signed/ 4 cut=2000000 reset
--mode ; cdn ; GET ^/signed/ 2 drop reset
END
    cases pull_fails 3 small:1 <<'END'
redirect ; GET /blobs/ * redirect=307:loop
redirect ; HEAD|GET /manifests/ * redirect=301:loop
redirect ; GET /blobs/ * redirect=307:file:///etc/passwd?
redirect ; GET /blobs/ * redirect=307:ftp://127.0.0.1
END
    cases pull_fails 7 small:1 <<'END'
connect ; GET /blobs/ * redirect=307:http://127.0.0.1:1
END
}

@test "pull: two registries behind one name, one of which lacks the image" {
    registry_start second
    cases pull_fails 4 small:1 <<END
no image ; --mode ; pair:with=$REGISTRY_SECOND
END
}

@test "pull: a name whose first address is dead" {
    fault_start x "$REGISTRY_PLAIN"
    getent ahosts localhost | grep -q ::1 || skip "localhost has one address here"
    cp -r "$FAULT_STORE" "$LADE_STORE"
    lade pull "localhost:${FAULT_X##*:}/images/small1:1"
}
