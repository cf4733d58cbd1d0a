# What compare.bats is made with: the same context built by lade, by buildah and by BuildKit, and what each image holds compared.
# shellcheck shell=bash disable=SC2154

image_py=$root/tests/e2e/compare/image.py

# Sockets have short names only, and mounts may be left over in it: not a directory of bats.
peers_start() {
    PEERS=$(mktemp -d /tmp/lade-compare.XXXXXX)
    export PEERS RESULTS=$BATS_FILE_TMPDIR/results DOCKER_HOST=unix://$PEERS/socket DOCKER_BUILDKIT=1 HOME=$BATS_FILE_TMPDIR/home
    mkdir -p "$RESULTS" "$HOME"
    registry_start bases
    base_make
    if dockerd_start; then export BUILDKIT=1; else export BUILDKIT=; fi
}

dockerd_start() {
    [ "$(id -u)" -eq 0 ] && command -v dockerd >"$PEERS/which" || return 1
    mkdir "$PEERS/upper" "$PEERS/work"
    # In mounts of its own: what it keeps in /etc and /run whatever it is told goes to places of ours, and its mounts end with it.
    # shellcheck disable=SC2016
    unshare --mount --propagation private sh -c 'set -e
        mount -t overlay -o "lowerdir=/etc,upperdir=$PEERS/upper,workdir=$PEERS/work" overlay /etc
        mount -t tmpfs tmpfs /run
        exec dockerd "$@"' dockerd --data-root "$PEERS/data" --exec-root "$PEERS/exec" --pidfile "$PEERS/pid" --host "$DOCKER_HOST" \
        --bridge=none --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false >"$PEERS/dockerd.log" 2>&1 3>&- &
    echo $! >"$PEERS/dockerd"
    wait_for 30 dockerd_settled && dockerd_answers || return 1
    # A docker that came from elsewhere may want a plugin to speak with BuildKit.
    mkdir "$PEERS/probe"
    echo 'FROM scratch' >"$PEERS/probe/Dockerfile"
    for DOCKER in /usr/bin/docker docker; do
        export DOCKER
        "$DOCKER" build -q "$PEERS/probe" >>"$PEERS/dockerd.log" 2>&1 && return 0
    done
    return 1
}

dockerd_settled() {
    ! kill -0 "$(<"$PEERS/dockerd")" 2>/dev/null || dockerd_answers
}

dockerd_answers() {
    curl -sf --unix-socket "$PEERS/socket" http://docker/_ping >"$PEERS/ping" 2>&1
}

peers_stop() {
    local pid
    if [ -e "$PEERS/dockerd" ]; then
        pid=$(<"$PEERS/dockerd")
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do pause; done
    fi
    servers_stop
    # What a user without privilege has stored belongs to other users of their namespace.
    if [ "$(id -u)" -eq 0 ]; then rm -rf "$PEERS"; else buildah unshare rm -rf "$PEERS"; fi
}

# buildah_do COMMAND…: with storage of our own.
buildah_do() {
    buildah --root "$PEERS/buildah" --runroot "$PEERS/buildah-run" --storage-driver vfs "$@"
}

# The image that cases begin with, in the registry with Docker's media types ($BASE) and with those of OCI ($OCI_BASE).
base_make() {
    local where=$PEERS/base
    export BASE=$REGISTRY_BASES/base:1 OCI_BASE=$REGISTRY_BASES/oci:1
    mkdir -p "$where"/{etc,srv/data/deep,srv/full/sub,home/app,opt,tmp}
    (
        cd "$where" || exit 1
        printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1001:App:/home/app:/bin/sh lone:x:1500:1500::/:/bin/sh >etc/passwd
        printf '%s\n' root:x:0: app:x:1001: staff:x:50:app >etc/group
        echo old >srv/data/file
        echo full >srv/full/file
        echo sub >srv/full/sub/file
        echo plain >opt/plain
        ln -s data srv/link
        ln -s /srv/data abs
        ln -s ../../opt/plain srv/data/to-plain
        ln -s /nowhere/at/all dangling
        ln -s ../../../../srv srv/up
        chmod 1777 tmp
        chmod 4755 opt/plain
        chmod 750 srv/full
        chmod 700 home/app
        tar --sort=name --owner=0 --group=0 -cf ../base-a.tar --exclude=./home/app .
        tar --sort=name --owner=1000 --group=1001 -cf ../base-b.tar ./home/app
    )
    mkdir "$PEERS/base-context"
    mv "$PEERS"/base-[ab].tar "$PEERS/base-context"
    cat >"$PEERS/base-context/Dockerfile" <<'END'
FROM scratch
ADD base-a.tar base-b.tar /
ENV PATH=/usr/bin:/bin FROM_BASE=yes TWICE="a b"
LABEL of.base=yes both=base
EXPOSE 80
VOLUME /base-volume
CMD ["base-cmd"]
WORKDIR /srv
END
    buildah_do build -q --format docker --timestamp 0 --isolation chroot -t base "$PEERS/base-context" >"$PEERS/out"
    buildah_do push -q --tls-verify=false --format v2s2 base "docker://$BASE"
    buildah_do push -q --tls-verify=false --format oci base "docker://$OCI_BASE"
}

# A case: makes ./context (by the test), then says `dockerfile`, what is known of the peers, and `agree`.
case_begin() {
    fresh
    buildah_is=agrees buildkit_is=agrees why=
    mkdir -p context "$DOCKER_CONFIG"
    echo '{}' >"$DOCKER_CONFIG/config.json"
}

# dockerfile [FILE] <<END: with BASE put for @BASE@, OCI_BASE for @OCI_BASE@, and a number for @N@ that no other case has.
dockerfile() {
    sed -e "s|@BASE@|$BASE|g; s|@OCI_BASE@|$OCI_BASE|g; s|@N@|$BATS_TEST_NUMBER|g" >"${1:-context/Dockerfile}"
}

# It builds another image than lade does, which builds that of BuildKit.
buildah_differs() { buildah_is=differs why=$1; }
# So does this one, as it is old; buildah decides.
buildkit_differs() { buildkit_is=differs why=$1; }
# Neither of them builds what lade does, on purpose: `expect` says what that is.
lade_differs() { buildah_is=differs buildkit_is=differs why=$1; }
# It does not build it.
buildah_refuses() { buildah_is=refuses why=$1; }
# The language is newer than it: `expect` says what lade must build.
buildkit_lacks() { buildkit_is=lacks why=$1; }

lade_build() {
    lade build -q --complete --plain-http -t "$1" "${@:2}" >lade.out 2>lade.err || { cat lade.err; return 1; }
}

buildah_build() {
    buildah_do build -q --format docker --timestamp 0 --isolation chroot --tls-verify=false -t "$1" "${@:2}" >buildah.out 2>buildah.err
}

buildkit_build() {
    "$DOCKER" build -q --network none -t "$1" "${@:2}" >buildkit.out 2>buildkit.err
}

# agree [OPTION…]: build ./context with these options by each builder, after ./first, as first<N>, where there is one.
agree() {
    local name=case$BATS_TEST_NUMBER failed=0
    if [ -d first ]; then lade_build "first$BATS_TEST_NUMBER" first; fi
    lade_build "$name" "$@" context
    lade_image=oci:$LADE_STORE:docker.io/library/$name:latest
    # Both are heard before the case fails.
    agree_buildah "$@" || failed=1
    [ -n "$BUILDKIT" ] || [ "$failed" -eq 0 ] || return 1
    agree_buildkit "$@" || failed=1
    [ "$failed" -eq 0 ]
}

agree_buildah() {
    local name=case$BATS_TEST_NUMBER built=0
    if [ -d first ]; then buildah_build "first$BATS_TEST_NUMBER" first; fi
    buildah_build "$name" "$@" context || built=$?
    if [ $built -ne 0 ] && [ "$buildah_is" != refuses ]; then
        echo "buildah: exit $built"
        cat buildah.err
        return 1
    fi
    if [ $built -eq 0 ] && [ "$buildah_is" = refuses ]; then
        echo "buildah builds it, and should not: $why"
        return 1
    fi
    if [ $built -eq 0 ]; then
        buildah_do push -q "localhost/$name" "dir:$PWD/buildah" 2>buildah.err || { cat buildah.err; return 1; }
        compare_images buildah "dir:$PWD/buildah" "$buildah_is" || return 1
    fi
    echo "$buildah_is" >"$RESULTS/$BATS_TEST_NUMBER.buildah"
}

agree_buildkit() {
    local name=case$BATS_TEST_NUMBER
    if [ -z "$BUILDKIT" ]; then
        echo skipped >"$RESULTS/$BATS_TEST_NUMBER.buildkit"
        [ "$buildah_is:$buildkit_is" != agrees:agrees ] || return 0
        [ "$buildkit_is" != agrees ] || skip "dockerd does not run here, and buildah differs: $why"
        return 0
    fi
    if [ "$buildkit_is" != lacks ]; then
        if [ -d first ]; then buildkit_build "first$BATS_TEST_NUMBER" first; fi
        buildkit_build "$name" "$@" context || { cat buildkit.err; return 1; }
        "$DOCKER" save -o buildkit.tar "$name" 2>buildkit.err || { cat buildkit.err; return 1; }
        compare_images BuildKit "tar:$PWD/buildkit.tar" "$buildkit_is" || return 1
    fi
    echo "$buildkit_is" >"$RESULTS/$BATS_TEST_NUMBER.buildkit"
}

# compare_images PEER IMAGE agrees|differs
compare_images() {
    local said status=0
    said=$("$image_py" compare "$lade_image" "$2") || status=$?
    if [ $status -gt 1 ] || { [ "$3" = agrees ] && [ $status -ne 0 ]; }; then
        echo "lade (-) and $1 (+) differ:"
        echo "$said"
        return 1
    fi
    if [ "$3" = differs ] && [ $status -eq 0 ]; then
        echo "$1 agrees, and should not: $why"
        return 1
    fi
}

# expect <<END: exactly what lade's image holds, but for its platform and its PATH.
expect() {
    local found=lade.show
    "$image_py" show "$lade_image" | grep -vE '^(architecture|variant|os|Env PATH=)' >$found || true
    diff --label expected --label lade -U 0 - $found
}

# none_builds CODE PART: lade fails like this, and neither of the others builds it.
none_builds() {
    local name=case$BATS_TEST_NUMBER
    fails "$1" "$2" -- lade build -q --plain-http -t "$name" context
    if buildah_build "$name" context; then
        [ "$buildah_is" = differs ] || { echo "buildah builds it"; return 1; }
    fi
    echo "$buildah_is" >"$RESULTS/$BATS_TEST_NUMBER.buildah"
    if [ -z "$BUILDKIT" ]; then
        echo skipped >"$RESULTS/$BATS_TEST_NUMBER.buildkit"
    elif buildkit_build "$name" context; then
        echo "BuildKit builds it"
        return 1
    else
        echo agrees >"$RESULTS/$BATS_TEST_NUMBER.buildkit"
    fi
}

# summary [NAME]
summary() {
    local count agrees differs refuses buildkit lacks skipped
    count=$(find "$RESULTS" -name '*.buildah' | wc -l)
    agrees=$(counted agrees buildah) differs=$(counted differs buildah) refuses=$(counted refuses buildah)
    buildkit=$(counted agrees buildkit) lacks=$(counted lacks buildkit) skipped=$(counted skipped buildkit)
    echo "# compare${1:+ $1}: $count cases; buildah agrees in $agrees, differs on purpose in $differs, cannot build $refuses;" \
        "BuildKit agrees in $buildkit, differs on purpose in $(counted differs buildkit), is too old for $lacks, skipped in $skipped" >&3
}

counted() {
    find "$RESULTS" -name "*.$2" -exec grep -lx "$1" {} + | wc -l
}
