#!/usr/bin/env bats
# Caches in services that are no registries: type=s3 and type=gha.

load lib

setup_file() {
    # The doubles misbehave for all tests, and count for all.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    s3_start cache
    gha_start
    mkdir -p "$BATS_FILE_TMPDIR/bin"
    cp /bin/busybox "$BATS_FILE_TMPDIR/bin/busybox"
    for name in sh cat; do ln -s busybox "$BATS_FILE_TMPDIR/bin/$name"; done
}
teardown_file() { servers_stop; }

setup() {
    fresh
    rm -f "$S3_DIR/mode" "$GHA_DIR/mode"
    unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE
    mkdir -p project
    cp -r "$BATS_FILE_TMPDIR/bin" project/bin
    echo source >project/main
    printf 'FROM scratch\nCOPY bin /bin\nRUN echo one > /one\nCOPY main /main\nRUN cat /one /main > /two\n' >project/Dockerfile
    machine 1
}

# machine NAME: from now on another machine: nothing is there.
machine() {
    export HOME=$BATS_TEST_TMPDIR/$1
    export LADE_STORE=$HOME/store LADE_CACHE=$HOME/cache XDG_RUNTIME_DIR=$HOME
    mkdir -p "$HOME"
}

# build [OPTION]…: the digest; what happened is in log.
build() {
    lade build --progress plain -t app --iidfile iid --metadata-file meta "$@" project >out 2>log || { cat log; return 1; }
    cat iid
}
# How many steps were taken from a cache.
taken() { jq '.["lade.cache"].cached' meta; }
s3() { echo "type=s3,bucket=cache,region=us-east-1,endpoint_url=$S3_URL,use_path_style=true,prefix=t$BATS_TEST_NUMBER/"; }
objects() { (cd "$S3_DIR/objects" && find . -name "t$BATS_TEST_NUMBER%2F$1*" | wc -l); }
mode() { printf '%s\n' "$@" >"$S3_DIR/mode"; }
gha() { echo "type=gha,scope=t$BATS_TEST_NUMBER"; }
gha_mode() { printf '%s\n' "$@" >"$GHA_DIR/mode"; }
indexes() { (cd "$GHA_DIR/entries" && find . -name "lade-index-1-t$BATS_TEST_NUMBER%23*" | wc -l); }

@test "s3: another machine takes every step, and what is there is not sent again" {
    one=$(build --cache-to "$(s3),mode=max")
    same taken "$(taken)" 0
    [ "$(objects manifests)" -eq 1 ]
    puts=$(requests "$S3_LOG" '^PUT ')
    machine 2
    same digests "$(build --cache-from "$(s3)" --cache-to "$(s3),mode=max")" "$one"
    same taken "$(taken)" 2
    same "sent: the name alone" "$(requests "$S3_LOG" '^PUT ')" $((puts + 1))
    lade verify app
    run -1 compgen -G "$S3_DIR/*new-*"
}

@test "s3: the bucket in the host's name, names with signs, a region and a bucket from the environment, temporary keys" {
    url=${S3_URL/127.0.0.1/localhost}
    export AWS_ACCESS_KEY_ID=ASIASESSION000000001 AWS_SECRET_ACCESS_KEY=canary/secret+of/session/keys
    export AWS_SESSION_TOKEN=canary-token+of/session== AWS_REGION=us-east-1
    at="type=s3,endpoint_url=$url,prefix=t$BATS_TEST_NUMBER/a b+c//é/"
    one=$(AWS_BUCKET=cache build --cache-to "$at,name=main;branch=1" --debug)
    ! grep -q warning log || false
    ! grep -q canary log || false
    [ "$(objects 'a%20b%2Bc%2F%2F%C3%A9%2Fmanifests%2F')" -eq 2 ]
    machine 2
    same digests "$(AWS_BUCKET=cache build --cache-from "$at,name=other;branch=1")" "$one"
    same taken "$(taken)" 2
    grep -q "there is nothing yet" log
}

@test "s3: a large blob goes up in parts, of which one is sent again" {
    head -c 70000000 /dev/urandom >project/main
    mode 'slow 1'
    one=$(build --cache-to "$(s3)")
    ! grep -q warning log || false
    [ "$(requests "$S3_LOG" '^PUT .*partNumber=3.* 200')" -gt 0 ]
    [ "$(requests "$S3_LOG" '^PUT .*partNumber=1.* 500')" -gt 0 ]
    machine 2
    same digests "$(build --cache-from "$(s3)")" "$one"
    same taken "$(taken)" 2
    lade verify app
}

@test "s3: what passes is waited for" {
    mode 'fail PUT 503 2 1' 'fail HEAD 500 2'
    one=$(build --cache-to "$(s3)")
    ! grep warning log || false
    machine 2
    mode 'fail GET 429 1 1' 'cut 2'
    same digests "$(build --cache-from "$(s3)")" "$one"
    same taken "$(taken)" 2
    machine 3
    mode 'skew 5000'
    same digests "$(build --cache-from "$(s3)" --cache-to "$(s3)")" "$one"
    same taken "$(taken)" 2
    ! grep warning log || false
}

@test "s3: blobs that grow old are renewed" {
    build --cache-to "$(s3)" >/dev/null
    find "$S3_DIR/objects" -name "t$BATS_TEST_NUMBER*" -exec touch -d '2 days ago' {} +
    build --cache-to "$(s3),touch_refresh=72h" >/dev/null
    [ "$(find "$S3_DIR/objects" -name "t$BATS_TEST_NUMBER%2Fblobs*" -mtime -1 | wc -l)" -eq 0 ]
    build --cache-to "$(s3)" >/dev/null
    [ "$(find "$S3_DIR/objects" -name "t$BATS_TEST_NUMBER%2Fblobs*" -mtime +0 | wc -l)" -eq 0 ]
}

@test "s3: what cannot be written is a warning, unless it must be" {
    one=$(build)
    mode 'fail PUT 403 1'
    same digests "$(build --cache-to "$(s3)")" "$one"
    grep -q 'warning: cache to s3://cache/t.*HTTP 403 AccessDenied.*the image is not affected' log
    jq -e '.["lade.cache"].exported[0].error' meta
    mode 'fail PUT 503 9'
    build --tries 1 --cache-to "$(s3)" >/dev/null
    grep -q 'warning: cache to s3://cache/t.*HTTP 503' log
    mode 'fail PUT 403 1'
    fails 5 "cache to s3://cache/t" "AccessDenied" "s3:PutObject" -- lade build -q --cache-to "$(s3),ignore-error=false" project
    fails 3 "NoSuchBucket" "make the bucket" -- lade build -q --cache-to "$(s3),bucket=other,ignore-error=false" project
    fails 3 "AuthorizationHeaderMalformed" "region=us-east-1" -- lade build -q --cache-to "$(s3),region=eu-west-1,ignore-error=false" project
    AWS_SECRET_ACCESS_KEY=other fails 5 "SignatureDoesNotMatch" "\$AWS_ACCESS_KEY_ID" -- lade build -q --cache-to "$(s3),ignore-error=false" project
    AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' fails 5 "there are no keys of AWS" -- lade build -q --cache-to "$(s3),ignore-error=false" project
}

@test "s3: a cache that cannot be read, or is not what it was, costs time only" {
    one=$(build --cache-to "$(s3)")
    machine 2
    same digests "$(AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' build --cache-from "$(s3)")" "$one"
    grep -q 'warning: cache from s3://.* is not used: .*there are no keys of AWS' log
    machine 3
    mode 'flip 1'
    same digests "$(build --cache-from "$(s3)")" "$one"
    grep -q 'warning: cache from s3://.* is not used' log
    machine 4
    mode 'fail GET 403 1'
    same digests "$(build --cache-from "$(s3)")" "$one"
    grep -q 'warning: cache from s3://.* is not used: .*HTTP 403' log
    machine 5
    rm "$S3_DIR/mode"
    for object in "$S3_DIR/objects/t$BATS_TEST_NUMBER"*manifests*; do echo '{"mediaType":"text/plain"}' >"$object"; done
    same digests "$(build --cache-from "$(s3)")" "$one"
    grep -q 'warning: cache from s3://.* is not used: .*no manifest' log
}

@test "s3: layers that are gone from the bucket are made again" {
    one=$(build --cache-to "$(s3)")
    for object in "$S3_DIR/objects/t$BATS_TEST_NUMBER"*blobs*; do
        [ "$(head -c 2 "$object" | od -An -tx1)" != " 1f 8b" ] || rm "$object"
    done
    machine 2
    same digests "$(build --cache-from "$(s3)")" "$one"
}

@test "what may stand in type=s3 and type=gha" {
    fails 2 "bucket is missing" -- lade build -q --cache-to type=s3 project
    fails 2 "region is missing" -- lade build -q --cache-to type=s3,bucket=b,ignore-error=false project
    fails 2 "secret_access_key is not taken from the command line" "AWS_SECRET_ACCESS_KEY" -- lade build -q --cache-to "$(s3),secret_access_key=x" project
    fails 2 "token is not taken from the command line" "ACTIONS_RUNTIME_TOKEN" -- lade build -q --cache-to type=gha,token=x project
    fails 2 'unknown key "ref"' -- lade build -q --cache-to "$(s3),ref=x" project
    fails 2 'unknown key "scope"' -- lade build -q --cache-from "$(s3),scope=x" project
    fails 2 "true or false" -- lade build -q --cache-to "$(s3),use_path_style=2" project
    fails 2 "a number from 1 to 64" -- lade build -q --cache-to "$(s3),upload_parallelism=0" project
    fails 2 "the first version" -- lade build -q --cache-to type=gha,version=1 project
}

@test "gha: another job takes every step; the same is not written twice, what is new gets a new key" {
    one=$(build --cache-to "$(gha),mode=max" --debug)
    ! grep -q canary log || false
    same taken "$(taken)" 0
    machine 2
    puts=$(requests "$GHA_LOG" '^PUT ')
    same digests "$(build --cache-from "$(gha)" --cache-to "$(gha),mode=max")" "$one"
    same taken "$(taken)" 2
    same "sent" "$(requests "$GHA_LOG" '^PUT ')" "$puts"
    same indexes "$(indexes)" 1
    lade verify app
    machine 3
    echo other >project/main
    two=$(build --cache-from "$(gha)" --cache-to "$(gha)")
    same taken "$(taken)" 1
    same indexes "$(indexes)" 2
    machine 4
    same digests "$(build --cache-from "$(gha)")" "$two"
    same taken "$(taken)" 2
    ! grep -q LEAK "$GHA_LOG" || false
}

@test "gha: a large layer goes up in blocks" {
    head -c 70000000 /dev/urandom >project/main
    one=$(build --cache-to "$(gha)")
    ! grep warning log || false
    machine 2
    gha_mode 'cut 2'
    same digests "$(build --cache-from "$(gha)")" "$one"
    same taken "$(taken)" 2
    lade verify app
}

@test "gha: throttling and faults that pass are waited for, URLs that have expired are asked for again" {
    gha_mode 'fail CreateCacheEntry 429 1 1' 'fail PUT/storage 503 1' 'fail Finalize 500 1'
    one=$(build --cache-to "$(gha)")
    ! grep warning log || false
    machine 2
    gha_mode 'fail GetCacheEntry 429 1 1' 'cut 2' 'expire 1'
    same digests "$(build --cache-from "$(gha)")" "$one"
    same taken "$(taken)" 2
    ! grep warning log || false
}

@test "gha: what cannot be written or read is a warning, unless it must be" {
    one=$(build)
    gha_mode 'fail CreateCacheEntry 429 9 3600'
    same digests "$(build --cache-to "$(gha),timeout=2s")" "$one"
    grep -q 'warning: cache to gha:t.*asks to wait 3600 s.*HTTP 429.*the image is not affected' log
    gha_mode 'fail CreateCacheEntry 403 9'
    fails 5 "cache to gha:t" "HTTP 403" -- lade build -q --cache-to "$(gha),ignore-error=false" project
    rm "$GHA_DIR/mode"
    ACTIONS_RUNTIME_TOKEN='' build --cache-from "$(gha)" --cache-to "$(gha)" >/dev/null
    grep -q 'warning: cache from gha:t.* is not used: ACTIONS_RUNTIME_TOKEN is not set' log
    grep -q 'warning: cache to gha:t.*: ACTIONS_RUNTIME_TOKEN is not set' log
    ACTIONS_RESULTS_URL='' fails 5 "ACTIONS_RESULTS_URL is not set" "ghaction-github-runtime" -- lade build -q --cache-to "$(gha),ignore-error=false" project
    ACTIONS_RUNTIME_TOKEN=other fails 5 "HTTP 401 unauthenticated" -- lade build -q --cache-to "$(gha),ignore-error=false" project
    machine 2
    build --cache-to "$(gha)" >/dev/null
    machine 3
    gha_mode 'flip 1'
    same digests "$(build --cache-from "$(gha)")" "$one"
    grep -q 'warning: cache from gha:t.* is not used' log
    machine 4
    gha_mode 'fail GetCacheEntry 500 99'
    same digests "$(build --tries 1 --cache-from "$(gha)")" "$one"
    grep -q 'warning: cache from gha:t.* is not used: .*HTTP 500' log
}

# bounded WHAT FROM: the build is the same without the cache, soon, and says so.
bounded() {
    local begin=$SECONDS
    machine "$1"
    same digests "$(build --tries 2 --cache-from "$2")" "$one"
    same "taken with $1" "$(taken)" 0
    grep -q "warning: cache from .*:" log || { cat log; return 1; }
    [ $((SECONDS - begin)) -lt 30 ]
}

@test "a service that lies, leads elsewhere or never ends costs time only, and not much" {
    local lie from at
    one=$(build --cache-to "$(s3)" --cache-to "$(gha)")
    for lie in 'huge 9223372036854775807' 'endless 1' "redirect $S3_URL/canary" 'fail GET 500 999' 'fail GET 503 999 3600'; do
        mode "$lie"
        bounded "s3-${lie//\//-}" "$(s3)"
        gha_mode "${lie/GET/POST}"
        bounded "gha-${lie//\//-}" "$(gha)"
    done
    rm "$S3_DIR/mode"
    for lie in '{"ok":true}' '[]' '{"ok":true,"matched_key":7,"signed_download_url":{}}' \
        "{\"ok\":true,\"matched_key\":\"lade-index-1-x#9-sha256:0\",\"signed_download_url\":\"file:///etc/passwd\"}"; do
        gha_mode "answer $lie"
        machine "gha-${#lie}"
        same digests "$(build --tries 2 --cache-from "$(gha)")" "$one"
        grep -q 'cache from gha:' log
    done
    for from in S3_LOG GHA_LOG; do
        at=${!from}
        ! grep canary "$at" || false
        sed -n 's/^endless: //p' "$at" | while read -r bytes _; do [ "$bytes" -lt 100000000 ]; done
        grep -q endless "$at"
    done
}
