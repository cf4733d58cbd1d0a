#!/usr/bin/env bats
# lade inside of a container: an image that lade builds and that holds lade itself, run by podman or runc as people's CI does.
# shellcheck disable=SC2016

load lib
load worlds

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    who=root
    world=$(mktemp -d /tmp/lade-container.XXXXXX)
    export world
    cd "$world" || return 1
    mkdir -p root/bin root/inner root/empty
    cp "$LADE_BIN" root/bin/lade
    cp "$(command -v busybox)" root/bin/busybox
    cp root/bin/busybox root/inner
    # The program with the libraries that it names.
    ldd "$LADE_BIN" | grep -o '/[^ ]*' | while read -r file; do
        mkdir -p "root$(dirname "$file")"
        cp -L "$file" "root$file"
    done
    cat >root/inner/Dockerfile <<'END'
FROM scratch AS copy
COPY busybox /busybox
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir d && chown 3:4 d && mknod d/null c 1 3 && rm /bin/yes
RUN test ! -e /bin/yes && echo $(id -u) $(stat -c %u:%g d)
END
    cat >Dockerfile <<'END'
FROM scratch
COPY root /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp && mkdir /root
ENV ASAN_OPTIONS=detect_leaks=0 PATH=/bin HOME=/tmp
END
    docker_profile /usr/share/containers/seccomp.json >docker.json || rm docker.json
    export LADE_STORE=$world/store LADE_CACHE=$world/cache
    lade build -q -t inner -o type=oci,dest=image.tar . >/dev/null
    podman=(podman --root "$world/p" --runroot "$world/run" --storage-driver vfs --cgroup-manager cgroupfs)
    "${podman[@]}" load -q -i image.tar >/dev/null 2>&1 || true
    image=$("${podman[@]}" images -q 2>/dev/null | head -n 1)
    export image
}
teardown_file() { world_remove; }

# Docker's default profile, made from podman's: what podman allows, but nothing that makes or changes namespaces and mounts, no keyrings and no
# io_uring, and clone for processes and threads only.
docker_profile() {
    [ -e "$1" ] || return 1
    jq '["unshare", "mount", "umount", "umount2", "setns", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount",
        "mount_setattr", "sethostname", "setdomainname", "clone", "clone3", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
        "io_uring_setup", "io_uring_enter", "io_uring_register"] as $no
        | .defaultErrnoRet = 1 | .defaultErrno = "EPERM"
        | .syscalls |= map(if .action == "SCMP_ACT_ALLOW" then .names -= $no else . end | select(.names != []))
        | .syscalls += [{names: ["clone"], action: "SCMP_ACT_ALLOW", args: [{index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ"}]},
            {names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38}]' "$1"
}

setup() {
    [ "$(id -u)" = 0 ] || skip "needs root"
    [ -n "$image" ] || skip "podman does not run here"
    cd "$world" || return 1
}

docker_capabilities=CHOWN,DAC_OVERRIDE,FSETID,FOWNER,MKNOD,NET_RAW,SETGID,SETUID,SETFCAP,SETPCAP,NET_BIND_SERVICE,SYS_CHROOT,KILL,AUDIT_WRITE

# run_inside OPTION…: lade's report and the layers of a build in a container with these options.
run_inside() {
    local runtime
    for runtime in runc crun; do
        run podman --root "$world/p" --runroot "$world/run" --storage-driver vfs --cgroup-manager cgroupfs --runtime $runtime run --rm "$@" \
            --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --network none "$image" sh -c 'lade doctor 2>&1; echo "doctor $?"
            lade build --progress plain -o type=tar,dest=/tmp/image.tar /inner 2>&1; echo "build $?"
            busybox tar tvf /tmp/image.tar d
            lade build -q -o type=tar,dest=/tmp/copy.tar --target copy /inner; echo "copy $?"' 3>&-
        # Some runtimes do not know this machine's control groups.
        [[ $output == *doctor* ]] && break
    done
    [[ $output == *doctor* ]] || skip "podman runs no containers here: ${lines[0]}"
}

# inside WAY OPTION…: RUN works, in this way.
inside() {
    local way=$1
    run_inside "${@:2}"
    [[ $output == *"RUN works: $way ("* && $output == *"build 0"* ]] || { echo "$output" && return 1; }
    grep -E '^#[0-9]+ [0-9.]+ 0 3:4$' <<<"$output" || { echo "$output" && return 1; }
    grep -E '^drwxr-xr-x 3/4 .* d/$' <<<"$output" || { echo "$output" && return 1; }
    grep -E '^crw-r--r-- 0/0 .* d/null$' <<<"$output" || { echo "$output" && return 1; }
}

@test "podman's defaults" {
    inside single
}

@test "Docker's profile and capabilities" {
    [ -e docker.json ] || skip "there is no profile of podman"
    inside chroot --security-opt "seccomp=$world/docker.json" --cap-drop all --cap-add "$docker_capabilities"
    [[ $output == *'no   user namespace: '*'Operation not permitted'* ]] || { echo "$output" && return 1; }
}

@test "Docker's profile, as another user: COPY only" {
    [ -e docker.json ] || skip "there is no profile of podman"
    run_inside --security-opt "seccomp=$world/docker.json" --cap-drop all --user 1000:1000
    [[ $output == *'RUN cannot work on this machine'*'doctor 11'*'build 11'*'copy 0'* ]] || { echo "$output" && return 1; }
}

@test "without root" {
    inside single --user 1000:1000
}

@test "without root, capabilities and new privileges" {
    inside single --user 1000:1000 --cap-drop all --security-opt no-new-privileges
}

@test "root without capabilities is told why there is no RUN" {
    run_inside --cap-drop all --security-opt no-new-privileges
    [[ $output == *'RUN cannot work on this machine: user namespace: write /proc/self/uid_map: Operation not permitted'*'doctor 11'*'build 11'*'copy 0'* ]] || { echo "$output" && return 1; }
}

@test "all is read-only but some tmpfs" {
    inside single --read-only --tmpfs /tmp
}

@test "with all privileges" {
    inside single --privileged
}
