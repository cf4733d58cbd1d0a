#!/usr/bin/env bats
# RUN in poor and locked-down environments (tests/support/env_like): which way it takes there, that owners, modes and devices are right all
# the same, or that exit 11 names what was tried; and that a Dockerfile without RUN needs none of it.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() {
    world=$(mktemp -d /tmp/lade-ways.XXXXXX)
    export world
    chmod 755 "$world"
    gcc -std=c17 -O1 -o "$world/env_like" "$support/env_like.c"
    mkdir "$world/context"
    cp "$(command -v busybox)" "$world/context/busybox"
    cat >"$world/context/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir d && echo x >d/f && ln d/f d/hard && chown 12:34 d/f && chmod 4750 d/f && ln -s f d/soft && chown -h 5:6 d/soft && mknod d/null c 1 3 && mkdir e && touch e/old
RUN rm /d/hard && echo $(id -u) $(stat -c %u:%g /d/f) && mv /bin/yes /bin/no && test -c /dev/null && rm -r e && mkdir e && touch e/new
RUN echo $(ls e) $(ls -d /d/hard /bin/yes /bin/no 2>/dev/null)
END
    printf 'FROM scratch\nCOPY busybox /bin/busybox\nWORKDIR /w\n' >"$world/context/copy"
}
teardown_file() { world_remove; }

setup() {
    [ "$(id -u)" = 0 ] || skip "needs root to make the environment"
    export here=$world/test-$BATS_TEST_NUMBER
    mkdir -m 1777 "$here"
    export HOME=$here LADE_STORE=$here/store LADE_CACHE=$here/cache
    cd "$world" || return 1
}
teardown() { cd / && rm -rf "$here"; }

in_it() { "$world/env_like" "${options[@]}" "$LADE_BIN" "$@"; }

# Without RUN an image is the same everywhere.
copies() {
    in_it build -q -f "$world/context/copy" "$world/context" >"$here-copied"
    LADE_STORE=$here/other LADE_CACHE=$here/other lade build -q -f "$world/context/copy" "$world/context" >"$here-expected"
    cmp "$here-copied" "$here-expected"
}

# runs WAY [PART…]: this way is found, doctor says these parts, and the layers are as real root makes them.
runs() {
    local way=$1 part
    shift
    in_it doctor >"$here-doctor" || { cat "$here-doctor" && return 1; }
    for part in "RUN works: $way (" "$@"; do
        grep -qF -- "$part" "$here-doctor" || { echo "not said: $part" && cat "$here-doctor" && return 1; }
    done
    in_it build --progress plain -o type=tar,dest=- "$world/context" >"$here-image" 2>"$here-log" || { cat "$here-log" && return 1; }
    tar -tv --numeric-owner -f "$here-image" | awk '{ print $1, $2, $6, $7, $8 }' | sed 's/ *$//' >"$here-files"
    [ "$way" = fake ] || right
    grep -q '^#[0-9]* [0-9.]* new /bin/no$' "$here-log" || { cat "$here-log" && return 1; }
    run ! grep -E ' (bin/yes|d/hard|e/old|dev/.+|proc/.+|etc/.*)$' "$here-files"
    copies
}

right() {
    grep -q '^#[0-9]* [0-9.]* 0 12:34$' "$here-log" || { cat "$here-log" && return 1; }
    diff - <(grep ' d/' "$here-files") <<'END'
drwxr-xr-x 0/0 d/
-rwsr-x--- 12/34 d/f
crw-r--r-- 0/0 d/null
lrwxrwxrwx 5/6 d/soft -> f
END
}

# refuses PART…: RUN ends with 11 and these words, once each.
refuses() {
    local part
    fails 11 'RUN cannot work on this machine' "$@" -- in_it build -q "$world/context"
    for part in "$@"; do
        same "how often it says $part" "$(grep -oF -- "$part" <<<"${stderr%%hint:*}" | wc -l)" 1
    done
    run in_it doctor
    [ "$status" -eq 11 ]
    [[ $output == *"RUN cannot work on this machine"* ]]
    copies
}

@test "a plain user" {
    options=(--user "$plain")
    runs single 'yes  supervisor'
}

@test "a plain user who can gain no privileges" {
    options=(--user "$plain" --nnp)
    runs single
}

@test "root" {
    options=()
    runs single
}

@test "a container of Docker, whose files are on an overlay" {
    options=(--overlay "$here" --caps docker --filter docker)
    runs chroot 'no   user namespace: create a user namespace: Operation not permitted' 'yes  chroot' 'layers are copied for each stage'
}

@test "what chroot cannot keep is refused" {
    options=(--caps docker --filter docker)
    mkdir "$here/context"
    cp "$world/context/busybox" "$here/context"
    echo hidden >"$here/secret"
    local row part
    while IFS='|' read -r row part; do
        printf '%s\n' 'FROM scratch' 'COPY busybox /bin/busybox' "RUN $row [\"/bin/busybox\", \"true\"]" >"$here/context/Dockerfile"
        fails 11 "$part" -- in_it build -q --secret "id=s,src=$here/secret" "$here/context"
    done <<'END'
--mount=type=secret,id=s|mount /run/secrets/s: a secret, which must never be on a disk, needs mounts
--mount=type=tmpfs,target=/t|mount /t: a tmpfs needs mounts, and this machine allows chroot only
--network=none|Operation not permitted
END
}

@test "a pod without root and without privilege" {
    options=(--user "$plain" --nnp --filter docker)
    refuses 'user namespace: create a user namespace: Operation not permitted' 'change of owner: give a file to somebody else: Operation not permitted'
}

@test "a pod of Kubernetes with root, no filter, and a masked /proc" {
    options=(--caps docker --mask-proc)
    runs single 'no   process file system: mount a file system of type proc: Operation not permitted' '/proc is masked here'
}

@test "a pod of Kubernetes without root, with a masked /proc" {
    options=(--user "$plain" --nnp --mask-proc)
    runs single '/proc is masked here'
}

@test "a container of CRI-O" {
    options=(--caps crio --filter docker)
    refuses 'user namespace: create a user namespace: Operation not permitted' 'chroot: change the root directory: Operation not permitted'
}

@test "no user namespaces, as a plain user" {
    options=(--no-userns --user "$plain")
    refuses 'user namespace: create a user namespace: No space left on device'
    [[ $stderr == *'hint: allow user namespaces (sysctl user.max_user_namespaces'* ]]
}

@test "no user namespaces, as root of one" {
    options=(--no-userns)
    runs subuid 'no   user namespace: create a user namespace: No space left on device' 'no   device files'
}

@test "user namespaces without power" {
    options=(--filter mounts --user "$plain")
    refuses 'user namespace: make the mounts private: Operation not permitted'
    [[ $stderr == *apparmor_restrict_unprivileged_userns* ]]
}

@test "all is on an overlay, as a plain user" {
    options=(--overlay "$here" --user "$plain")
    runs single 'no   overlay: mount an overlay on' 'layers are copied for each stage'
}

@test "all is on an overlay, as root" {
    options=(--overlay "$here")
    runs single 'no   overlay: mount an overlay on' 'layers are copied for each stage'
}

@test "all is read-only but a tmpfs" {
    options=(--read-only "$here" --user "$plain")
    runs single
    options=(--read-only "$here" --caps docker --filter docker)
    runs chroot
}

@test "a supervisor stands above already, as a plain user: owners are lost, and that is said" {
    options=(--listener --user "$plain")
    runs fake 'no   supervisor: load a filter with a listener: this process has a supervisor already (EBUSY)' 'all files of layers are root'
    [[ $(cat "$here-log") == *'warning: RUN cannot keep owners on this machine'* ]]
    [[ $(cat "$here-log") == *"warning: Dockerfile:4: owners or devices that the command made are root's files in the image"* ]]
    run ! grep -vE '^.{10} 0/0 ' "$here-files"
    # It is not remembered.
    in_it build --progress plain -o type=tar,dest=- "$world/context" 2>"$here-log" >/dev/null
    run ! grep CACHED "$here-log"
    # Nor do others get it: of the layers only the copied one is in the manifest of a cache.
    in_it build -q --cache-to "type=local,dest=$here/shared,mode=max" "$world/context" >/dev/null
    manifest=$(grep -rlF application/vnd.lade.cache.v1 "$here/shared/blobs")
    same layers 1 "$(grep -oF application/vnd.oci.image.layer "$manifest" | wc -l)"
}

@test "a supervisor stands above already, as root" {
    options=(--listener)
    runs host 'yes  device files'
}

@test "no filters, as root: chroot has its container's" {
    options=(--filter filters --caps docker)
    runs chroot 'no   supervisor: load a filter: Operation not permitted'
}

@test "no filters, as a plain user" {
    options=(--filter filters --user "$plain")
    refuses 'supervisor: load a filter: Operation not permitted'
}

@test "subordinate ids" {
    cp /etc/passwd "$here/passwd"
    echo "laderange:x:$plain:$plain::/:/bin/sh" >>"$here/passwd"
    echo 'laderange:300000:65536' >"$here/ids"
    chmod 644 "$here/passwd" "$here/ids"
    # shellcheck disable=SC2317 # called by runs
    in_it() {
        unshare --mount sh -ec 'cd "$1" && mount --bind passwd /etc/passwd && touch /etc/subuid /etc/subgid && mount --bind ids /etc/subuid &&
            mount --bind ids /etc/subgid && shift && exec "$@"' sh "$here" "$world/env_like" "${options[@]}" "$LADE_BIN" "$@" "${extra[@]}"
    }
    options=(--user "$plain") extra=(--userns subuid)
    copies() { :; }
    runs subuid
    # Without the helper's privilege there is none.
    options=(--user "$plain" --nnp)
    fails 11 newuidmap -- in_it build -q "$world/context"
}

@test "the way that is asked for, or none" {
    options=(--user "$plain")
    fails 11 'RUN cannot work on this machine' 'namespaces without a user namespace' -- in_it build -q --userns host "$world/context"
    fails 11 'has no range of 65536 ids' -- in_it build -q --userns subuid "$world/context"
    options=(--listener --user "$plain")
    fails 11 'this process has a supervisor already' -- in_it build -q --userns single "$world/context"
}
