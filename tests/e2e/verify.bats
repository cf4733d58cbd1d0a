#!/usr/bin/env bats
# Every way in which an image can be damaged is found and named; a repaired store is sound.

load lib

setup_file() {
    registry_start plain
}
teardown_file() { servers_stop; }
setup() {
    fresh
    mkdir context
    "$support/maketree" context/data --files 12 --bytes 40000 --kinds --seed 9
    printf '%s\n' 'FROM scratch' 'COPY data /data' 'COPY Dockerfile /' >context/Dockerfile
}

image() { lade build -q -t "$1" --build-arg x=1 "${@:2}" context >/dev/null; }
blobs() { find "$1/blobs/sha256" -type f -printf '%f\n' | sort; }
sound() {
    run -0 --separate-stderr lade verify "$@"
    [ -z "$output" ] || { echo "$output"; return 1; }
    [[ $stderr == *"verified "*" blobs"* ]]
}
# finds CODE PART… -- ARGUMENT…: this exit code, and each part on standard output.
finds() {
    local code=$1 parts=() part
    shift
    while [ "$1" != -- ]; do parts+=("$1"); shift; done
    shift
    run --separate-stderr lade verify "$@"
    for part in "${parts[@]}"; do
        [[ $output == *"$part"* ]] || { echo "not said: $part"; echo "$output"; echo "$stderr"; return 1; }
    done
    [ "$status" -eq "$code" ] || { echo "exit $status instead of $code: $stderr"; return 1; }
}

@test "a sound image has nothing said about it, at every place" {
    image app:1
    sound
    sound app:1
    lade copy app:1 oci:layout:x
    sound oci:layout
    sound oci:layout:x
    lade copy app:1 oci-archive:a.tar:x
    sound oci-archive:a.tar
    lade copy app:1 docker-archive:d.tar:app:1
    sound docker-archive:d.tar
    lade copy app:1 "docker://$REGISTRY_PLAIN/v/app:1"
    sound "docker://$REGISTRY_PLAIN/v/app:1"
    image zstd:1 -o type=oci,dest=z.tar,compression=zstd
    sound oci-archive:z.tar
}

@test "each blob that is changed, cut, or gone is found and named" {
    image app:1
    lade copy app:1 oci:layout:x
    [ "$(blobs layout | wc -l)" -eq 4 ]
    for blob in $(blobs layout); do
        file=layout/blobs/sha256/$blob
        size=$(stat -c %s "$file")
        cp "$file" kept
        printf '\xee' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
        finds 8 "broken: sha256:$blob" -- oci:layout
        finds 8 "broken: sha256:$blob" -- oci:layout:x
        cp kept "$file"
        truncate -s $((size - 1)) "$file"
        finds 8 "broken: sha256:$blob" -- oci:layout
        cp kept "$file"
        printf x >>"$file"
        finds 8 "broken: sha256:$blob" -- oci:layout
        : >"$file"
        finds 8 "broken: sha256:$blob" -- oci:layout
        rm "$file"
        finds 4 "missing: sha256:$blob" -- oci:layout
        cp kept "$file"
    done
    sound oci:layout
}

@test "what is repaired is sound" {
    image app:1
    printf 'x\n' >context/data/more
    image app:2
    lade copy app:1 oci:all:one
    lade copy app:2 oci:all:two
    for blob in $(blobs all); do
        rm -rf layout
        cp -r all layout
        printf x >>"layout/blobs/sha256/$blob"
        finds 0 "broken: sha256:$blob" "note: sha256:$blob: removed" "the image is named no more" -- --repair oci:layout
        [ ! -e "layout/blobs/sha256/$blob" ]
        run -0 --separate-stderr lade verify oci:layout
        [[ $output != *broken* && $output != *missing* ]]
        rm -rf layout
        cp -r all layout
        rm "layout/blobs/sha256/$blob"
        finds 0 "missing: sha256:$blob" "the image is named no more" -- --repair oci:layout
        run -0 lade verify oci:layout
    done
    # Only what is broken went.
    rm -rf layout
    cp -r all layout
    one=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "one").digest' layout/index.json)
    printf x >>"layout/blobs/sha256/${one#*:}"
    finds 0 "note: one: the image is named no more" -- --repair oci:layout
    sound oci:layout:two
    run -0 --separate-stderr lade verify --repair oci:layout
    [[ $output != *broken* && $output != *removed* ]]
}

# remake FILTER: a layout whose config, manifest and index fit together, with the config changed by a jq filter.
remake() {
    rm -rf layout
    lade copy app:1 oci:layout:x
    local manifest config new
    manifest=$(jq -r '.manifests[0].digest' layout/index.json)
    config=$(jq -r .config.digest "layout/blobs/sha256/${manifest#*:}")
    jq -c "$1" "layout/blobs/sha256/${config#*:}" >new-config
    new=$(sha256sum <new-config | cut -d' ' -f1)
    cp new-config "layout/blobs/sha256/$new"
    jq -c --arg d "sha256:$new" --argjson s "$(stat -c %s new-config)" "(.config |= (.digest = \$d | .size = \$s)) | ${2:-.}" \
        "layout/blobs/sha256/${manifest#*:}" >new-manifest
    new=$(sha256sum <new-manifest | cut -d' ' -f1)
    cp new-manifest "layout/blobs/sha256/$new"
    jq -c --arg d "sha256:$new" --argjson s "$(stat -c %s new-manifest)" '.manifests[0] |= (.digest = $d | .size = $s)' \
        layout/index.json >new-index
    cp new-index layout/index.json
}

@test "documents that contradict each other are found" {
    image app:1
    other=$(printf 0%.0s {1..64})
    remake .
    run -0 --separate-stderr lade verify oci:layout
    remake ".rootfs.diff_ids[1] = \"sha256:$other\""
    finds 8 "layer 2 of x: its plain bytes have the digest sha256:" "the config says sha256:$other" -- oci:layout
    remake '.rootfs.diff_ids = .rootfs.diff_ids[:1]'
    finds 8 "x has 2 layers, but its config has 1 diff IDs" -- oci:layout
    remake '.rootfs.diff_ids = 5'
    finds 8 "config of x: config" -- oci:layout
    remake . '.layers[0].size += 1'
    finds 8 "layer 1 of x" -- oci:layout
    remake . '.layers[0].mediaType = "application/vnd.oci.image.layer.v1.tar+zstd"'
    finds 8 "layer 1 of x" -- oci:layout
    remake . '.layers = 5'
    finds 8 "broken: sha256:" ": x: " -- oci:layout
    # Good bytes are not removed for a descriptor that lies about them.
    remake . '.layers[0].size += 1'
    before=$(blobs layout)
    finds 0 "note: x: the image is named no more" -- --repair oci:layout
    same blobs "$before" "$(blobs layout)"
}

@test "entries of the index that are none are found and removed" {
    image app:1
    lade copy app:1 oci:layout:x
    jq -c '.manifests += [{"digest": "md5:1", "size": 3}, 7]' layout/index.json >new
    cp new layout/index.json
    finds 8 "broken: index.json: 2 of its entries are no descriptors" -- oci:layout
    finds 0 "note: index.json: 2 entries removed" -- --repair oci:layout
    sound oci:layout
}

@test "what nothing refers to is noted, and has to be what its name says" {
    image app:1
    lade copy app:1 oci:layout:x
    digest=$(printf hello | sha256sum | cut -d' ' -f1)
    printf hello >"layout/blobs/sha256/$digest"
    printf junk >layout/blobs/sha256/junk
    finds 0 "note: blobs/sha256/$digest: nothing refers to it (5 B)" "note: blobs/sha256/junk is no blob" -- oci:layout
    printf hellO >"layout/blobs/sha256/$digest"
    finds 8 "broken: sha256:$digest: referred to by nothing" -- oci:layout
    finds 0 "note: sha256:$digest: removed" -- --repair oci:layout
    finds 0 "note: blobs/sha256/junk is no blob" -- oci:layout
}

@test "layers that were left at their base's registry are fetched, noted, or missing" {
    image base:1
    lade copy base:1 "docker://$REGISTRY_PLAIN/v/base:1"
    mkdir top
    printf 'FROM %s/v/base:1\nLABEL a=b\n' "$REGISTRY_PLAIN" >top/Dockerfile
    LADE_STORE=$PWD/other lade build -q -t top:1 top
    LADE_STORE=$PWD/other sound
    LADE_STORE=$PWD/other sound top:1
    LADE_STORE=$PWD/other finds 0 "note: sha256:" "not here, but at $REGISTRY_PLAIN/v/base" -- --local
    LADE_STORE=$PWD/other finds 0 "note: sha256:" -- --repair
    LADE_STORE=$PWD/other sound top:1
    # A layer that can be had again costs no name.
    layer=$(lade inspect --raw base:1 | jq -r '.layers[0].digest')
    printf x >"other/blobs/sha256/${layer#*:}"
    LADE_STORE=$PWD/other finds 8 "broken: $layer" -- top:1
    LADE_STORE=$PWD/other finds 0 "note: $layer: removed" -- --repair
    LADE_STORE=$PWD/other sound top:1
    sed -i 's/base/gone/' other/lade/origin/sha256/*
    LADE_STORE=$PWD/other finds 4 "missing: sha256:" -- top:1
    rm -r other/lade
    LADE_STORE=$PWD/other finds 4 "missing: sha256:" -- --local
    LADE_STORE=$PWD/other finds 0 "the image is named no more" -- --repair
}

@test "only a whole store can be repaired" {
    image app:1
    fails 2 "--repair takes a whole store" -- lade verify --repair app:1
    fails 2 "--repair takes a whole store" -- lade verify --repair oci:layout:x
    fails 4 "nothing:1" -- lade verify nothing:1
}
