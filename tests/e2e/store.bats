#!/usr/bin/env bats
# The local store: several lade at once, a kill at any moment, names and what nothing names any more.

load lib

setup() {
    fresh
    "$support/maketree" context --files 40 --bytes 300000 --kinds --seed 3
    printf '%s\n' 'FROM scratch AS a' 'COPY d0 /d0' 'FROM scratch' 'COPY . /all' 'COPY --from=a /d0 /again' 'CMD ["/x"]' >context/Dockerfile
}

sound() { "$support/sound" "$LADE_STORE" "$@"; }
blobs() { find "$LADE_STORE/blobs" -type f | wc -l; }

# image NAME: a small image that only this name has.
image() {
    mkdir -p small
    echo "$1" >small/file
    printf 'FROM scratch\nCOPY file /\n' >small/Dockerfile
    lade build -q -t "$1" small
}

@test "builds at once into one store" {
    local i pids=()
    for i in {1..6}; do
        cp -R context "context$i"
        echo "$i" >"context$i/number"
        lade build -q -t "at-once:$i" "context$i" >"digest$i" 2>"said$i" &
        pids+=($!)
        lade build -q -t "same:$i" context >"same$i" 2>"said-same$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || { cat said*; return 1; }
    done
    sound --complete
    [ "$(lade ls -q | wc -l)" -eq 12 ]
    [ "$(cat same? | sort -u | wc -l)" -eq 1 ]
    [ "$(cat digest? | sort -u | wc -l)" -eq 6 ]
    for i in {1..6}; do
        same digests "$(lade inspect --raw "at-once:$i" | sha256sum | cut -d ' ' -f 1)" "$(cut -d : -f 2 "digest$i")"
    done
}

@test "names are changed at once, and none is lost" {
    local i pids=()
    image first
    for i in {1..12}; do
        lade tag first "name:$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
    [ "$(lade ls -q | wc -l)" -eq 13 ]
    sound --complete
}

@test "killed at many moments: the store is sound and the next build is the same" {
    local digest begin took i
    digest=$(lade build -q -t whole context)
    rm -rf "$LADE_STORE" "$LADE_CACHE"
    begin=$(date +%s%N)
    lade build -q -t whole context >/dev/null
    took=$((($(date +%s%N) - begin) / 1000)) # microseconds
    RANDOM=11
    for i in {1..16}; do
        # From the first moment to the last one; every fourth time into a store that is not there yet.
        [ $((i % 4)) -ne 0 ] || rm -rf "$LADE_STORE" "$LADE_CACHE"
        echo "$i" >context/number
        timeout -s KILL "$(printf '0.%06d' $((took * (i - 1) / 16 + RANDOM % (took / 16 + 1))))" \
            lade build -q -t "killed:$i" -t moved context >/dev/null 2>&1 || true
        if [ -e "$LADE_STORE/index.json" ]; then sound; fi
        rm context/number
        same "digests after kill $i" "$(lade build -q -t whole context)" "$digest"
        sound --complete
    done
    # What the killed ones left is swept.
    lade rm --force killed:1 whole moved
    [ -z "$(find "$LADE_STORE" -name '.new-*')" ]
    sound --complete
}

@test "killed while names move: a name is the old image or the new one" {
    local one two i now
    image one
    image two
    one=$(lade inspect --raw one | sha256sum)
    two=$(lade inspect --raw two | sha256sum)
    lade tag one moving
    for i in {1..9}; do
        timeout -s KILL "0.0$i" lade tag two moving 2>/dev/null || true
        now=$(lade inspect --raw moving | sha256sum)
        [ "$now" = "$one" ] || [ "$now" = "$two" ]
        sound --complete
        lade tag one moving
    done
}

@test "killed while rm sweeps: what is named stays whole" {
    local i
    for i in {1..6}; do
        lade build -q -t "gone:$i" context
        image "stays:$i"
        timeout -s KILL "0.0$((i + 1))" lade rm "gone:$i" 2>/dev/null || true
        sound --complete
    done
    lade rm --force gone:{1..6}
    [ "$(lade ls -q | wc -l)" -eq 6 ]
    [ "$(blobs)" -eq 18 ]
}

@test "rm sweeps what nothing names any more, and nothing else" {
    image a
    image b
    lade tag a a2
    [ "$(blobs)" -eq 6 ]
    lade rm a
    [ "$(blobs)" -eq 6 ]
    lade rm a2
    [ "$(blobs)" -eq 3 ]
    sound --complete
    fails 4 nowhere -- lade rm nowhere
    lade rm --force nowhere
    lade rm "$(lade inspect --raw b | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')"
    [ "$(blobs)" -eq 0 ]
    [ -z "$(lade ls -q)" ]
    sound --complete
}

@test "a build without a name, and an image whose name moved, last until the next rm" {
    image a
    lade build -q context
    [ "$(blobs)" -gt 3 ]
    lade rm --force none
    [ "$(blobs)" -eq 3 ]
    image b
    lade tag b a
    lade rm b
    [ "$(blobs)" -eq 3 ]
}

@test "rm waits for those who build; builders wait for nobody but rm" {
    image a
    image b
    local rm
    exec 5<"$LADE_STORE"
    flock -s 5
    lade rm a 2>/dev/null 5>&- &
    rm=$!
    # The kernel says that it waits.
    wait_for 20 grep -q -- "-> FLOCK *ADVISORY *WRITE $rm " /proc/locks
    [ "$(blobs)" -eq 6 ]
    exec 5<&-
    wait "$rm"
    [ "$(blobs)" -eq 3 ]
}

@test "tag and ls" {
    image a
    lade tag a localhost:5000/team/b:1 c:v2
    lade ls -q >names
    sort names | diff - <(printf '%s\n' a:latest c:v2 localhost:5000/team/b:1)
    lade ls --digests | grep -c "$(lade inspect --raw a | sha256sum | cut -d ' ' -f 1)" | grep -qx 3
    image other
    lade tag other c:v2
    same digests "$(lade inspect --raw c:v2)" "$(lade inspect --raw other)"
    lade tag "$(lade inspect --raw a | sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/')" by-digest
    same digests "$(lade inspect --raw by-digest)" "$(lade inspect --raw a)"
    fails 4 nowhere -- lade tag nowhere x
    fails 3 UPPER -- lade tag a UPPER
    sound --complete
}

@test "an empty store, one that is not there, and one that is something else" {
    [ -z "$(lade ls -q)" ]
    [ ! -e "$LADE_STORE" ]
    fails 4 a -- lade inspect a
    fails 4 a -- lade push -q localhost:1/a
    echo text >"$PWD/file"
    fails 3 "$PWD/file" -- lade build -q --store "$PWD/file" context
    mkdir layout
    echo '{"imageLayoutVersion":"9.0.0"}' >layout/oci-layout
    fails 3 9.0.0 -- lade ls --store layout
}

@test "a blob that somebody changed is found when it is used" {
    image a
    local layer
    layer=$(lade inspect --raw a | jq -r '.layers[0].digest[7:]')
    printf 'X' | dd of="$LADE_STORE/blobs/sha256/$layer" bs=1 seek=5 conv=notrunc status=none
    fails 8 "${layer:0:12}" -- lade copy a oci:out:1
    fails 8 "${layer:0:12}" -- lade copy a oci-archive:out.tar:1
    [ ! -e out.tar ]
    # Building it again mends nothing silently, or mends it: what is there afterwards is sound.
    rm "$LADE_STORE/blobs/sha256/$layer"
    image a
    sound --complete
}
