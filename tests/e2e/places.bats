#!/usr/bin/env bats
# Images at every kind of place: copied, read by other tools, written by other tools, on standard input and output.

load lib

setup_file() {
    registry_start plain
}
teardown_file() { servers_stop; }
setup() {
    fresh
    name=p$BATS_TEST_NUMBER
    remote=$REGISTRY_PLAIN/$name
    mkdir context
    "$support/maketree" context/data --files 12 --bytes 40000 --kinds --seed 9
    printf '%s\n' 'FROM scratch' 'COPY data /data' 'COPY Dockerfile /' 'ENV A=b' 'LABEL say="what"' 'CMD ["/x"]' >context/Dockerfile
    digest=$(lade build -q -t app:1 context)
}

digest_of() { sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'; }
at() { lade inspect --raw "$1" | digest_of; }
config_at() { lade inspect --config "$1" | digest_of; }

@test "copy over every place keeps the bytes" {
    lade copy app:1 "docker://$remote/a:1"
    lade copy "docker://$remote/a:1" oci:layout:x
    lade copy oci:layout:x oci-archive:archive.tar:y
    lade copy oci-archive:archive.tar:y "docker://$remote/b:1"
    lade copy "docker://$remote/b:1" back:1
    lade copy back:1 - | lade copy - piped:1
    lade copy piped:1 oci:layout2
    local place
    for place in app:1 "docker://$remote/a:1" oci:layout:x oci-archive:archive.tar oci-archive:archive.tar:y "docker://$remote/b:1" \
        back:1 piped:1 oci:layout2 oci:layout2:latest "$digest"; do
        same "digests at $place" "$(at "$place")" "$digest"
        same "configs at $place" "$(config_at "$place")" "$(config_at app:1)"
    done
    "$support/sound" layout --complete
    "$support/sound" layout2 --complete
    [ "$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' layout/index.json)" = x ]
}

@test "several targets at once; a line for each that has a name" {
    run --separate-stderr lade copy app:1 "docker://$remote:1" oci:layout "docker://$remote:2" other:3
    [ "$status" -eq 0 ]
    same lines "$(sort <<<"$output")" "$(printf '%s\n' "$remote:1@$digest" "$remote:2@$digest" "other:3@$digest" | sort)"
    same digests "$(at oci:layout)" "$digest"
}

@test "docker-archive: the same config and the same diff IDs, there and back" {
    lade copy app:1 docker-archive:d.tar:app:9
    [ "$(tar xOf d.tar manifest.json | jq -r '.[0].RepoTags[0]')" = app:9 ]
    same configs "$(config_at docker-archive:d.tar)" "$(config_at app:1)"
    lade copy docker-archive:d.tar:app:9 again:1
    same configs "$(config_at again:1)" "$(config_at app:1)"
    lade copy - from-pipe:1 <d.tar
    same configs "$(config_at from-pipe:1)" "$(config_at app:1)"
    # The same archive each time.
    lade copy app:1 docker-archive:e.tar:app:9
    cmp d.tar e.tar
    lade copy app:1 oci-archive:f.tar:1
    lade copy app:1 oci-archive:g.tar:1
    cmp f.tar g.tar
    fails 4 nothing -- lade copy docker-archive:d.tar:nothing:1 x
}

@test "skopeo reads all forms" {
    lade copy app:1 oci:layout:1 oci-archive:archive.tar:1 docker-archive:docker.tar:app:1 "docker://$remote:1"
    local place
    for place in oci:layout:1 oci-archive:archive.tar:1 "docker://$remote:1"; do
        same "digests at $place" "$(skopeo inspect --tls-verify=false --raw "$place" | digest_of)" "$digest"
    done
    for place in oci:layout:1 oci-archive:archive.tar:1 docker-archive:docker.tar docker-archive:docker.tar:app:1 "docker://$remote:1"; do
        same "configs at $place" "$(skopeo inspect --tls-verify=false --config --raw "$place" | digest_of)" "$(config_at app:1)"
        skopeo copy -q --src-tls-verify=false "$place" dir:out
        rm -r out
    done
}

@test "what skopeo wrote is read" {
    lade copy app:1 oci:mine:1
    skopeo copy -q oci:mine:1 oci:layout:1
    skopeo copy -q oci:mine:1 oci-archive:archive.tar:1
    skopeo copy -q oci:mine:1 docker-archive:docker.tar:app:1
    skopeo copy -q --dest-tls-verify=false oci:mine:1 "docker://$remote:1"
    skopeo copy -q --dest-tls-verify=false --format v2s2 oci:mine:1 "docker://$remote:docker"
    local place number=0
    for place in oci:layout:1 oci-archive:archive.tar:1 docker-archive:docker.tar "docker://$remote:1" "docker://$remote:docker"; do
        number=$((number + 1))
        lade copy "$place" "taken:$number"
        lade inspect "taken:$number" >/dev/null
        same "diff IDs at $place" "$(lade inspect --config "taken:$number" | jq -c .rootfs)" "$(lade inspect --config app:1 | jq -c .rootfs)"
    done
    "$support/sound" "$LADE_STORE" --complete
}

@test "podman loads a docker-archive" {
    lade copy app:1 docker-archive:docker.tar:localhost/app:1
    local podman=(podman --root "$PWD/p-root" --runroot "$PWD/p-run" --storage-driver vfs)
    "${podman[@]}" info >/dev/null 2>&1 || skip "podman does not run here"
    "${podman[@]}" load -q -i docker.tar
    same "image IDs" "sha256:$("${podman[@]}" image inspect -f '{{.Id}}' localhost/app:1)" "$(config_at app:1)"
    "${podman[@]}" rmi -f localhost/app:1
    chmod -R u+rwX p-root || true
}

@test "inspect: the summary, the raw bytes, the config" {
    lade inspect app:1 >summary
    grep -q "$digest" summary
    same digests "$(at app:1)" "$digest"
    same configs "$(config_at app:1)" "$(lade inspect --raw app:1 | jq -r .config.digest)"
    fails 2 -- lade inspect --raw --config app:1
    fails 4 nowhere -- lade inspect nowhere
    fails 4 "$remote:nowhere" -- lade inspect "docker://$remote:nowhere"
    fails 4 no.tar -- lade inspect oci-archive:no.tar
    fails 4 nodir -- lade inspect oci:nodir
    mkdir empty
    fails 3 empty -- lade inspect oci:empty
    fails 2 -- lade inspect
}

@test "pull and push move names, not bytes" {
    lade tag app:1 "$remote/x:1"
    lade push -q "$remote/x:1"
    export LADE_STORE=$PWD/second
    same line "$(lade pull -q "$remote/x:1")" "$remote/x:1@$digest"
    same digests "$(at "$remote/x:1")" "$digest"
    lade pull -q "$remote/x@$digest"
    fails 4 "$remote/x:2" -- lade pull -q "$remote/x:2"
    "$support/sound" "$LADE_STORE" --complete
}

@test "build outputs: oci and docker, in files, in a directory and on standard output" {
    lade build -q -o type=oci,dest=oci.tar -t app:1 context >out
    same digests "$(at oci-archive:oci.tar)" "$digest"
    lade build -q -t app:1 -o type=docker,dest=docker.tar context
    same configs "$(config_at docker-archive:docker.tar:app:1)" "$(config_at app:1)"
    lade build -q -o type=oci,dest=dir,tar=false context
    same digests "$(at oci:dir)" "$digest"
    lade build -q -o type=oci context | lade copy - from-oci:1
    same digests "$(at from-oci:1)" "$digest"
    lade build -t app:1 -o type=docker,dest=- context | cmp - docker.tar
    lade build -q -t app:1 -o type=oci,dest=both.tar -o type=docker,dest=both-docker.tar context
    cmp both.tar oci.tar
    cmp both-docker.tar docker.tar
    # Nothing is left of an output that could not be written.
    fails 4 nowhere -- lade build -q -o type=oci,dest=nowhere/x.tar context
}

@test "build outputs: the files, as a directory and as a tar" {
    lade build -q -o files context
    diff -r --no-dereference context/data files/data
    [ "$(stat -c %a files/data/closed)" = 700 ]
    [ -h files/data/dangling ]
    [ "$(stat -c %h files/data/same-0)" -ge 2 ]
    lade build -q -o type=local,dest=files2 context
    diff -r --no-dereference files files2
    lade build -q -o - context >files.tar
    lade build -q -o type=tar,dest=files2.tar context
    cmp files.tar files2.tar
    mkdir unpacked
    tar xpf files.tar -C unpacked
    diff -r --no-dereference files unpacked
}

@test "--iidfile, --metadata-file, --quiet and --progress" {
    lade build -t app:1 -t "$remote:1" --iidfile iid --metadata-file metadata.json context >out 2>err
    [ ! -s out ]
    [ -s err ]
    same digests "$(cat iid)" "$digest"
    jq -e --arg d "$digest" --arg c "$(config_at app:1)" '."containerimage.digest" == $d and ."containerimage.config.digest" == $c
        and ."containerimage.descriptor".digest == $d and ."containerimage.descriptor".size > 100
        and ."containerimage.descriptor".mediaType == "application/vnd.oci.image.manifest.v1+json"
        and (."image.name" | split(",") | length) == 2' metadata.json
    run --separate-stderr lade build --quiet context
    same output "$output" "$digest"
    [ -z "$stderr" ]
    run --separate-stderr lade build --progress quiet context
    [ -z "$stderr" ]
    run --separate-stderr lade build --progress plain --push -t "$remote:2" context
    same output "$output" "$remote:2@$digest"
    [[ $stderr == *"COPY data /data"* ]]
    [[ $stderr != *$'\e'* ]]
    fails 2 progress -- lade build --progress loud context
}

@test "the context on standard input: a Dockerfile, a tar, a tar in gzip" {
    printf 'FROM scratch\nENV A=1\n' | lade build -q -t stdin:1 -
    [ "$(lade inspect --config stdin:1 | jq -r '.config.Env[-1]')" = A=1 ]
    same digests "$(tar -C context -c . | lade build -q -)" "$digest"
    same digests "$(tar -C context -cz . | lade build -q -)" "$digest"
    same digests "$(cd context && tar -c -- * | lade build -q -)" "$digest"
    mv context/Dockerfile context/Other
    sed -i 's/COPY Dockerfile/COPY Other/' context/Other
    tar -C context -c . | lade build -q -f Other -
    fails 4 Dockerfile -- lade build -q - < <(tar -C context -c .)
    # A Dockerfile alone has no files.
    fails 4 "-:2" -- lade build -q - < <(printf 'FROM scratch\nCOPY x /\n')
    fails 3 -- lade build -q - </dev/null
}

@test "-f elsewhere, and from standard input" {
    mv context/Dockerfile spec
    printf 'FROM scratch\nCOPY spec-less /\n' >context/spec
    touch context/spec-less
    sed -i '/COPY Dockerfile/d' spec
    lade build -q -f spec -t one context
    same digests "$(lade build -q -f - -t two context <spec)" "$(at one)"
    same digests "$(cd context && lade build -q -f ../spec .)" "$(at one)"
    same digests "$(cd / && lade build -q -f "$BATS_TEST_TMPDIR/work/spec" "$BATS_TEST_TMPDIR/work/context")" "$(at one)"
    # spec in the working directory wins over that in the context, which is another file.
    [ "$(lade build -q -f context/spec context)" != "$(at one)" ]
    fails 4 nowhere -- lade build -q -f nowhere context
    fails 2 -- lade build -q -f - -
    fails 4 Dockerfile -- lade build -q context
}

@test "places that cannot be are refused" {
    fails 2 "$remote" -- lade tag app:1 "docker://$remote:1"
    fails 4 "$remote" -- lade rm "docker://$remote:1"
    fails 2 -- lade copy app:1
    fails 2 "only one target" -- lade copy app:1 - docker-archive:-
    fails 3 "bad tag" -- lade copy app:1 "oci:x:bad tag"
    [ ! -e x ]
}
