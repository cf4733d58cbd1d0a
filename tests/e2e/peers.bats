#!/usr/bin/env bats
# Other tools read, unpack and run what lade wrote, and the schemas of the specification fit every document.

load lib

setup_file() {
    registry_start plain
    gcc -O1 -static -o "$BATS_FILE_TMPDIR/show" -x c - <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char where[200];
    printf("user %d group %d in %s with %s:", (int)getuid(), (int)getgid(), getcwd(where, sizeof where), getenv("SHOWN"));
    for (int i = 1; i < argc; i++)
        printf(" %s", argv[i]);
    puts("");
    return 0;
}
C
}
teardown_file() { servers_stop; }
setup() {
    fresh
    # podman and buildah want the file when the directory is named.
    unset DOCKER_CONFIG
    ref=$REGISTRY_PLAIN/peers$BATS_TEST_NUMBER:1
    mkdir context
    "$support/maketree" context/data --files 30 --bytes 100000 --kinds --seed 4
    cp "$BATS_FILE_TMPDIR/show" context
    printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >context/passwd
    printf 'root:x:0:\nuser:x:1000:\n' >context/group
    cat >context/Dockerfile <<'DOCKERFILE'
FROM scratch AS tools
COPY show /bin/
FROM scratch
ARG VERSION=3
LABEL org.opencontainers.image.version=$VERSION "blank name"="a b" odd="ü \"quoted\""
COPY passwd group /etc/
COPY data /data
COPY --from=tools --chmod=755 /bin/show /bin/show
WORKDIR /home/user
USER user
ENV SHOWN="some thing" EMPTY=
EXPOSE 80 443/tcp 53/udp
VOLUME ["/home/user/state", "/v 2"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --retries=3 CMD ["/bin/show"]
SHELL ["/bin/sh", "-ec"]
ONBUILD COPY x /x
MAINTAINER nobody <n@example.com>
ENTRYPOINT ["/bin/show"]
CMD ["one", "two words"]
DOCKERFILE
    lade build -q --push -t "$ref" --annotation key=value --label more=1 context
}

# In a bundle of umoci: the command writes nothing to a terminal, and runs as the user that the machine lets it be.
unpack() {
    skopeo copy -q --src-tls-verify=false "docker://$ref" oci:copy:1
    local rootless=(--rootless) change='.process.user = { uid: 0, gid: 0 }'
    shown="user 0 group 0"
    if [ "$(id -u)" -eq 0 ]; then
        rootless=()
        change=.
        shown="user 1000 group 1000"
    fi
    umoci unpack "${rootless[@]}" --image copy:1 bundle
    jq "$change | .process.terminal = false" bundle/config.json >config.json
    mv config.json bundle/config.json
}

@test "every document fits its schema" {
    lade build -q --complete -t one --annotation a=b context
    run "$support/schema" tree "$LADE_STORE"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [ "$output" = "6 documents" ] || { echo "$output"; return 1; }
    lade copy one oci:layout:1 oci-archive:archive.tar:1
    "$support/schema" tree layout
    mkdir unpacked
    tar xf archive.tar -C unpacked
    "$support/schema" tree unpacked
    lade build -q -o type=oci,dest=out,tar=false context
    "$support/schema" tree out
    lade build -q --metadata-file metadata.json context
    jq '."containerimage.descriptor"' metadata.json >descriptor.json
    "$support/schema" descriptor descriptor.json
    # The judge is awake. An image without layers is as BuildKit makes it: the schema of 1.1.0-rc2 wants one, the text of 1.1 would only
    # like one.
    printf 'FROM scratch\n' | LADE_STORE=$PWD/second lade build -q -t empty:1 -
    run "$support/schema" tree second
    [ "$status" -ne 0 ]
    [ "$(grep -c ': layers: ' <<<"$output")" -eq "$((${#lines[@]} - 1))" ]
    echo '{"schemaVersion": "2"}' >bad.json
    run "$support/schema" manifest bad.json
    [ "$status" -ne 0 ]
}

@test "skopeo inspects and copies" {
    skopeo inspect --tls-verify=false "docker://$ref" >inspected
    jq -e '.Architecture | length > 0' inspected
    jq -e '.Labels["blank name"] == "a b" and .Labels.odd == "ü \"quoted\"" and .Labels.more == "1"' inspected
    skopeo inspect --tls-verify=false --config "docker://$ref" | jq -e '.config.User == "user" and .config.WorkingDir == "/home/user"
        and (.config.ExposedPorts | keys) == ["443/tcp", "53/udp", "80/tcp"] and (.config.Volumes | keys | length) >= 2
        and .config.StopSignal == "SIGINT" and .config.Entrypoint == ["/bin/show"] and .config.Cmd == ["one", "two words"]'
    skopeo inspect --tls-verify=false --raw "docker://$ref" | jq -e '.annotations.key == "value"'
    skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$ref" "docker://${ref%:1}:copied"
    skopeo copy -q --src-tls-verify=false --format v2s2 "docker://$ref" dir:as-docker
}

@test "podman pulls" {
    local podman=(podman --root "$PWD/p-root" --runroot "$PWD/p-run" --storage-driver vfs)
    "${podman[@]}" info >/dev/null 2>&1 || skip "podman does not run here"
    "${podman[@]}" pull -q --tls-verify=false "$ref"
    "${podman[@]}" image inspect "$ref" | jq -e '.[0].Config.User == "user" and (.[0].HealthCheck // .[0].Healthcheck // {} | .Retries) == 3' ||
        "${podman[@]}" image inspect "$ref" | jq -e '.[0].Config.User == "user"'
    local mounted
    if mounted=$("${podman[@]}" image mount "$ref" 2>/dev/null); then
        diff -r --no-dereference context/data "$mounted/data"
        "${podman[@]}" image umount "$ref"
    fi
    "${podman[@]}" rmi -f "$ref"
    chmod -R u+rwX p-root || true
}

@test "umoci unpacks the same files" {
    unpack
    diff -r --no-dereference context/data bundle/rootfs/data
    diff <(cd context/data && find . ! -type l -printf '%P %y %m\n' | sort) <(cd bundle/rootfs/data && find . ! -type l -printf '%P %y %m\n' | sort)
    [ "$(stat -c %i bundle/rootfs/data/same-0)" -eq "$(stat -c %i "bundle/rootfs/data/$(readlink bundle/rootfs/data/link-0)")" ]
    [ -d bundle/rootfs/home/user ]
    [ "$(stat -c %Y bundle/rootfs/bin/show)" -eq 315532800 ]
}

@test "runc runs it" {
    unpack
    run runc --root "$PWD/state" run --bundle bundle "lade-peers-$$" </dev/null
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    same output "$output" "$shown in /home/user with some thing: one two words"
}

@test "crun runs it" {
    unpack
    run crun --root "$PWD/state" run --bundle bundle "lade-peers-c-$$" </dev/null
    if [ "$status" -ne 0 ] && [[ $output == *cgroup* ]]; then skip "crun does not run with this machine's cgroups"; fi
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    same output "$output" "$shown in /home/user with some thing: one two words"
}

@test "buildah builds on it, and lade on what buildah made" {
    local buildah=(buildah --root "$PWD/b-root" --runroot "$PWD/b-run" --storage-driver vfs)
    "${buildah[@]}" info >/dev/null 2>&1 || skip "buildah does not run here"
    mkdir child
    echo child >child/file
    lade build -q --push -t "${ref%:1}:base" - <<<'FROM scratch'
    printf 'FROM %s\nCOPY file /file\nENV B=1\n' "${ref%:1}:base" >child/Dockerfile
    "${buildah[@]}" build -q --isolation chroot --tls-verify=false -t child child
    "${buildah[@]}" push -q --tls-verify=false child "docker://${ref%:1}:child"
    printf 'FROM %s\nCOPY file /file2\n' "${ref%:1}:child" >child/Dockerfile
    lade build -q -o out child
    cmp out/file out/file2
    chmod -R u+rwX b-root || true
}
