#!/usr/bin/env bats
# Layers in the form eStargz: lazy readers find every file, and all others read them as gzip.

load lib

setup_file() {
    export WORLD=$BATS_FILE_TMPDIR/world
    mkdir "$WORLD"
    umask 022
    "$support/maketree" "$WORLD/context" --files 200 --bytes 2000000 --kinds --seed 9
    # Names that are not UTF-8 have a test of their own.
    python3 - "$WORLD/context" <<'PYTHON'
import os, sys
for parent, dirs, files in os.walk(os.fsencode(sys.argv[1]), topdown=False):
    for name in dirs + files:
        try:
            name.decode()
        except UnicodeDecodeError:
            os.remove(os.path.join(parent, name))
PYTHON
    head -c 5000000 /dev/urandom >"$WORLD/context/several-chunks"
    head -c 1048576 /dev/zero >"$WORLD/context/one-chunk"
    ln "$WORLD/context/several-chunks" "$WORLD/context/the-same"
    printf 'x' >"$WORLD/context/$(printf 'n%.0s' {1..200})"
    printf 'x' >"$WORLD/context/\"quoted\\ and
broken ü"
    cat >"$WORLD/context/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY . /all/
COPY --chown=1000:1000 several-chunks one-chunk /again/
DOCKERFILE
}
setup() {
    fresh
    ln -s "$WORLD/context" context
}

@test "every file is found by the table of contents, and by who does not know it" {
    lade build --estargz -t lazy:1 -o type=oci,dest=out,tar=false context/
    lade verify lazy:1
    run -0 "$root/tests/e2e/estargz_check.py" out
    [[ $output =~ ^2\ layers,\ [0-9]{3}\ entries$ ]]
}

@test "both ways to ask give the same, with any number of jobs and from anywhere" {
    local digest jobs
    digest=$(lade build -q --estargz context/)
    for jobs in 1 2 4 7; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        same digests "$digest" "$(lade build -q --compression estargz --jobs "$jobs" context/)"
        # And again, with what was remembered.
        same digests "$digest" "$(lade build -q --compression estargz --jobs "$jobs" context/)"
    done
    run -0 lade build -q context/
    [ "$output" != "$digest" ]
}

@test "another level, the same table but for offsets" {
    lade build --estargz --compression-level best -o type=oci,dest=best,tar=false context/
    lade build --estargz --compression-level fast -o type=oci,dest=fast,tar=false context/
    "$root/tests/e2e/estargz_check.py" best
    "$root/tests/e2e/estargz_check.py" fast
    [ "$(du -sb best | cut -f1)" -lt "$(du -sb fast | cut -f1)" ]
}

@test "skopeo copies and umoci unpacks them" {
    type skopeo umoci
    lade build --estargz -t lazy:1 -o type=oci,dest=out,tar=false context/
    lade build -t plain:1 -o type=oci,dest=plain,tar=false context/
    skopeo copy -q oci:out oci:copied:1
    "$root/tests/e2e/estargz_check.py" copied 1
    skopeo copy -q --dest-decompress oci:out oci:decompressed:1
    skopeo copy -q oci:plain oci:plain2:1
    umoci unpack --rootless --image copied:1 lazy-bundle
    umoci unpack --rootless --image plain2:1 plain-bundle
    [ "$(od -An -tx1 lazy-bundle/rootfs/.no.prefetch.landmark)" = " 0f" ]
    python3 -m json.tool lazy-bundle/rootfs/stargz.index.json >/dev/null
    rm -f lazy-bundle/rootfs/.no.prefetch.landmark lazy-bundle/rootfs/stargz.index.json
    chmod -R u+rX lazy-bundle plain-bundle
    diff -r --no-dereference lazy-bundle/rootfs plain-bundle/rootfs
}

@test "the annotations go to the registry and come back" {
    registry_start plain
    lade build --estargz -t "$REGISTRY_PLAIN/lazy:1" --push --plain-http context/
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_PLAIN/lazy:1" oci:back:1
    "$root/tests/e2e/estargz_check.py" back 1
    servers_stop
}

@test "a base in this form: its layers stay, its table is not taken for a file" {
    lade build --estargz -t base:1 context/
    mkdir upper
    printf 'FROM base:1 AS base\nFROM scratch\nCOPY --from=base / /\nFROM base:1\nCOPY --from=1 / /copy\nCOPY --from=1 / /\n' >upper/Dockerfile
    lade build --estargz -o type=oci,dest=out,tar=false upper
    "$root/tests/e2e/estargz_check.py" out --names >names
    [ "$(grep -c '^stargz.index.json$' names)" = 4 ]
    [ "$(grep -c '^.no.prefetch.landmark$' names)" = 4 ]
    # Elsewhere they are files like others.
    grep -q '^copy/stargz.index.json$' names
}

@test "what it cannot hold is refused" {
    mkdir bytes reserved
    printf 'FROM scratch\nCOPY . /\n' | tee bytes/Dockerfile >reserved/Dockerfile
    touch bytes/"$(printf 'latin-\xfc')"
    mkdir reserved/stargz.index.json
    fails 3 'latin-\xfc' UTF-8 hint -- lade build --estargz -q bytes
    fails 3 stargz.index.json reserved hint -- lade build --estargz -q reserved
    fails 2 estargz zstd -- lade build --estargz --compression zstd -q bytes
    lade build -q bytes
}
