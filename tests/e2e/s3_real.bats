#!/usr/bin/env bats
# type=s3 against servers and a client that nobody wrote for lade: OpenStack Swift, which verifies signatures, and s3cmd, which reads what lade
# wrote and writes what lade reads. s3cmd also proves that the double of cache_stores.bats verifies as it should.

load lib

setup_file() {
    # Requests are counted, and one server is for all.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    swift_start
    faults_begin
    client_of "$SWIFT" test:tester lade/secret+of/tests== eu-central-1
    client mb s3://cache
    mkdir -p "$BATS_FILE_TMPDIR/bin"
    cp /bin/busybox "$BATS_FILE_TMPDIR/bin/busybox"
    for name in sh cat; do ln -s busybox "$BATS_FILE_TMPDIR/bin/$name"; done
}
teardown_file() { servers_stop; }

setup() {
    fresh
    unset AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_PROFILE AWS_BUCKET AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
    export AWS_ACCESS_KEY_ID=test:tester AWS_SECRET_ACCESS_KEY=lade/secret+of/tests==
    client_of "$SWIFT" test:tester lade/secret+of/tests== eu-central-1
    mkdir -p project
    cp -r "$BATS_FILE_TMPDIR/bin" project/bin
    echo source >project/main
    printf 'FROM scratch\nCOPY bin /bin\nRUN echo one > /one\nCOPY main /main\nRUN cat /one /main > /two\n' >project/Dockerfile
    machine 1
}

# client_of HOST:PORT KEY SECRET REGION: whom `client` asks from now on, and as whom.
client_of() {
    S3CFG=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/s3cfg
    echo '[default]' >"$S3CFG"
    printf '%s = %s\n' access_key "$2" secret_key "$3" host_base "$1" host_bucket "$1" bucket_location "$4" use_https False signature_v2 False \
        max_retries 1 progress_meter False >>"$S3CFG"
}
client() { s3cmd -c "$S3CFG" "$@"; }

machine() {
    export HOME=$BATS_TEST_TMPDIR/$1
    export LADE_STORE=$HOME/store LADE_CACHE=$HOME/cache XDG_RUNTIME_DIR=$HOME
    mkdir -p "$HOME"
}

build() {
    lade build --progress plain -t app --iidfile iid --metadata-file meta "$@" project >out 2>log || { cat log; return 1; }
    cat iid
}
taken() { jq '.["lade.cache"].cached' meta; }
# at [PREFIX]: the cache of this test.
at() { echo "type=s3,bucket=cache,region=eu-central-1,endpoint_url=http://${SWIFT_AT:-$SWIFT},use_path_style=true,prefix=t$BATS_TEST_NUMBER/${1-}"; }
# A layer that goes up in parts.
large() {
    head -c 70000000 /dev/urandom >project/main
    sed -i 's|cat /one /main|cat /one|' project/Dockerfile
}
uploads() { client multipart s3://cache | grep -c "t$BATS_TEST_NUMBER/" || true; }

# read_back PREFIX: s3cmd gets all of it, and each blob is what its name says.
read_back() {
    local file hex
    rm -rf back && mkdir back
    client get --recursive "s3://cache/$1" back/ >said
    [ "$(find back -type f -name 'sha256:*' | wc -l)" -ge 5 ]
    while IFS= read -r file; do
        hex=$(sha256sum <"$file")
        same "$file" "${file##*/sha256:}" "${hex%% *}"
    done < <(find back -type f -name 'sha256:*')
    [ -n "$(find back -type f -path '*/manifests/*')" ]
}

# tag_of PREFIX FILE: the ETag of a blob that was read back, and what it must be.
tag_of() {
    client info "s3://cache/$1blobs/${2##*/}" | sed -n 's/ *MD5 sum: *//p'
    /usr/bin/python3 - "$2" <<'END'
import hashlib, sys
data = open(sys.argv[1], "rb").read()
parts = [hashlib.md5(data[at:at + (32 << 20)]) for at in range(0, len(data), 32 << 20)]
whole = len(data) <= 64 << 20
print(parts[0].hexdigest() if whole else hashlib.md5(b"".join(p.digest() for p in parts)).hexdigest() + f"-{len(parts)}")
END
}

@test "another machine takes every step, what is there is not sent again, and s3cmd reads the same" {
    one=$(build --cache-to "$(at),mode=max")
    ! grep warning log || false
    puts=$(requests "$SWIFT_LOG" '^PUT ')
    machine 2
    same digests "$(build --cache-from "$(at)" --cache-to "$(at),mode=max")" "$one"
    same taken "$(taken)" 2
    same "sent: the name alone" "$(requests "$SWIFT_LOG" '^PUT ')" $((puts + 1))
    lade verify app
    read_back "t$BATS_TEST_NUMBER/"
    tags=$(tag_of "t$BATS_TEST_NUMBER/" "$(find back -name 'sha256:*' -size -4k | head -n 1)")
    same ETags "${tags%$'\n'*}" "${tags#*$'\n'}"
}

@test "all signs in a prefix and a name, the bucket in the path or in the host's name" {
    prefix="a b+ü~//(x)'*!&=%41/@:;\$é?#[]^|\`/"
    one=$(build --cache-to "$(at "$prefix"),name=main;feature/ä b+c")
    ! grep warning log || false
    same named "$(client ls --recursive "s3://cache/t$BATS_TEST_NUMBER/${prefix}manifests/" | sed 's/.*manifests//' | sort | tr '\n' ' ')" '/feature/ä b+c /main '
    machine 2
    host=$(at "$prefix" | sed 's/127.0.0.1/localhost/; s/use_path_style=true,//')
    same digests "$(build --cache-from "$host,name=feature/ä b+c" --cache-to "$host,name=third")" "$one"
    same taken "$(taken)" 2
    ! grep warning log || false
    same named "$(client ls --recursive "s3://cache/t$BATS_TEST_NUMBER/${prefix}manifests/" | grep -c /manifests/)" 3
    read_back "t$BATS_TEST_NUMBER/$prefix"
}

@test "a large blob goes up in parts, and lost requests and answers change nothing" {
    large
    fault_start parts "$SWIFT" 'PUT partNumber=1 1 drop' 'PUT partNumber=2 1 lose' 'PUT partNumber=3 1 cut-up=1M' 'POST uploadId= 2 lose' 'POST uploads= 1 status=500'
    one=$(SWIFT_AT=$FAULT_PARTS build --cache-to "$(SWIFT_AT=$FAULT_PARTS at)")
    ! grep warning log || false
    [ "$(requests "$SWIFT_LOG" "^PUT .*t$BATS_TEST_NUMBER/.*partNumber=3.* 200")" -gt 0 ]
    read_back "t$BATS_TEST_NUMBER/"
    tags=$(tag_of "t$BATS_TEST_NUMBER/" "$(find back -name 'sha256:*' -size +60M)")
    same ETags "${tags%$'\n'*}" "${tags#*$'\n'}"
    fault_start down "$SWIFT" 'GET blobs 2 cut=100'
    machine 2
    same digests "$(build --cache-from "$(SWIFT_AT=$FAULT_DOWN at)")" "$one"
    same taken "$(taken)" 2
    lade verify app
}

@test "an upload that fails is aborted; what a killed one leaves is in nobody's way" {
    large
    fault_start refuse "$SWIFT" 'PUT partNumber=2 * status=403'
    one=$(build --cache-to "$(SWIFT_AT=$FAULT_REFUSE at)")
    grep -q 'warning: cache to s3://cache/t.*HTTP 403.*the image is not affected' log
    same uploads "$(uploads)" 0
    [ "$(requests "$SWIFT_LOG" "^DELETE .*uploadId=.* 204")" -gt 0 ]
    fault_start stall "$SWIFT" 'PUT partNumber=2 * stall-up=30'
    lade build -q --cache-to "$(SWIFT_AT=$FAULT_STALL at killed/)" project &
    pid=$!
    wait_for 60 grep -q 'killed/.*partNumber=1.* 200' "$SWIFT_LOG"
    kill -9 $pid
    wait $pid 2>/dev/null || true
    [ "$(uploads)" -gt 0 ]
    same digests "$(build --cache-to "$(at killed/)")" "$one"
    ! grep warning log || false
    machine 2
    same digests "$(build --cache-from "$(at killed/)")" "$one"
    same taken "$(taken)" 2
}

@test "what the server refuses is a warning with its reason, unless it must be written" {
    one=$(build)
    refused=$(at),ignore-error=false
    AWS_SECRET_ACCESS_KEY=other build --cache-from "$(at)" --cache-to "$(at)" >/dev/null
    same digests "$(cat iid)" "$one"
    grep -q 'warning: cache from s3://.* is not used: .*HTTP 403 SignatureDoesNotMatch' log
    grep -q 'warning: cache to s3://.*HTTP 403 SignatureDoesNotMatch.*the image is not affected' log
    jq -e '.["lade.cache"].exported[0].error' meta
    AWS_SECRET_ACCESS_KEY=other fails 5 SignatureDoesNotMatch "is the secret the one that belongs to the key" -- lade build -q --cache-to "$refused" project
    AWS_ACCESS_KEY_ID=test:nobody fails 5 "HTTP 403" "\$AWS_ACCESS_KEY_ID" -- lade build -q --cache-to "$refused" project
    AWS_ACCESS_KEY_ID=test:reader AWS_SECRET_ACCESS_KEY=another+secret fails 5 AccessDenied s3:PutObject -- lade build -q --cache-to "$refused" project
    fails 3 AuthorizationHeaderMalformed "the bucket is in another region: region=eu-central-1" -- lade build -q --cache-to "$refused,region=eu-west-1" project
    fails 3 NoSuchBucket "make the bucket" -- lade build -q --cache-to "$refused,bucket=other" project
    fails 3 InvalidBucketName -- lade build -q --cache-to "$refused,bucket=Other_1" project
    same digests "$(build --cache-from "$(at),bucket=other")" "$one"
    client ls "s3://cache/t$BATS_TEST_NUMBER/" >listed
    ! grep . listed || false
}

@test "a clock that is wrong is put right by the server's" {
    one=$(build)
    machine 2
    # The sanitizers want to be loaded first, which faketime does not know.
    env ASAN_OPTIONS=verify_asan_link_order=0 faketime -f +3h lade build --progress plain --iidfile iid --cache-to "$(at)" project 2>log
    same digests "$(cat iid)" "$one"
    ! grep warning log || false
    [ "$(requests "$SWIFT_LOG" "^HEAD /cache/t$BATS_TEST_NUMBER/.* 403")" -gt 0 ]
    machine 3
    env ASAN_OPTIONS=verify_asan_link_order=0 faketime -f -2h lade build --progress plain --iidfile iid --metadata-file meta --cache-from "$(at)" project 2>log
    same digests "$(cat iid)" "$one"
    same taken "$(taken)" 2
}

@test "a blob that grows old is renewed, of one part and of several" {
    large
    one=$(build --cache-to "$(at)")
    before=$(requests "$SWIFT_LOG" '^POST .*uploads=')
    sleep 2
    same digests "$(build --cache-to "$(at),touch_refresh=1s" --debug)" "$one"
    ! grep -E 'warning|renew ' log || false
    [ "$(requests "$SWIFT_LOG" "^PUT /cache/t$BATS_TEST_NUMBER/blobs/[^?]* 200")" -gt 10 ]
    same "sent in parts" "$(requests "$SWIFT_LOG" '^POST .*uploads=')" "$before"
    machine 2
    same digests "$(build --cache-from "$(at)")" "$one"
    same taken "$(taken)" 2
}

@test "what another client wrote is read, and what is wrong there is written anew" {
    head -c 7000000 /dev/urandom >project/main
    one=$(build --cache-to "$(at)")
    read_back "t$BATS_TEST_NUMBER/"
    # In parts of another size, with attributes of its own, and objects that are not of the cache.
    client put --recursive --multipart-chunk-size-mb=5 back/ "s3://cache/t$BATS_TEST_NUMBER/again/" >said
    echo else >other
    client put other "s3://cache/t$BATS_TEST_NUMBER/again/" >said
    client put other "s3://cache/t$BATS_TEST_NUMBER/again/blobs/sha256:else" >said
    machine 2
    same digests "$(build --cache-from "$(at again/)" --cache-to "$(at again/)")" "$one"
    same taken "$(taken)" 2
    ! grep warning log || false
    # A blob is cut short, then the manifest is something else.
    blob=$(find back -name 'sha256:*' -size +60k -size -4M)
    client put other "s3://cache/t$BATS_TEST_NUMBER/again/blobs/${blob##*/}" >said
    machine 3
    same digests "$(build --cache-to "$(at again/)")" "$one"
    client get "s3://cache/t$BATS_TEST_NUMBER/again/blobs/${blob##*/}" new >said
    cmp "$blob" new
    client put other "s3://cache/t$BATS_TEST_NUMBER/again/manifests/lade" >said
    machine 4
    same digests "$(build --cache-from "$(at again/)" --cache-to "$(at again/)")" "$one"
    grep -q 'warning: cache from s3://.* is not used' log
    machine 5
    same digests "$(build --cache-from "$(at again/)")" "$one"
    same taken "$(taken)" 2
}

@test "the double verifies what another client signs, and knows an end that was lost" {
    s3_start cache
    client_of "${S3_URL#http://}" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" us-east-1
    head -c 16000000 /dev/urandom >large
    key="s3://cache/a b+ü~//(x)'!&=%41/@:;"
    for file in large project/main; do
        client put --multipart-chunk-size-mb=5 "$file" "$key" >said
        client get "$key" back --force >said
        cmp "$file" back
    done
    [ "$(requests "$S3_LOG" '^PUT .*partNumber=4.* 200')" -eq 1 ]
    client_of "${S3_URL#http://}" "$AWS_ACCESS_KEY_ID" other us-east-1
    client put project/main "$key" 2>said || true
    grep SignatureDoesNotMatch said
    [ "$(requests "$S3_LOG" '^PUT .* 403')" -gt 0 ]
    large
    fault_start end "${S3_URL#http://}" 'POST uploadId= 1 lose'
    build --cache-to "type=s3,bucket=cache,endpoint_url=http://$FAULT_END,use_path_style=true" >/dev/null
    ! grep warning log || false
    [ "$(requests "$S3_LOG" '^POST .*uploadId=.* 404')" -gt 0 ]
}
