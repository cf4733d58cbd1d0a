# How each tool does each job. A job is the commands that are timed, as words, those that follow each other parted by ":::"; what must be
# as it was before every run is put back by "…_reset", which is not timed. Every tool gets an image name of its own.
# shellcheck shell=bash disable=SC2034,SC2154 # `job` is for the caller; what bench/run sets

# The containers tools find these in HOME; nothing of them touches the machine's own images.
tools_setup() {
    local driver
    export HOME=$work/home XDG_RUNTIME_DIR=$work/run
    unset XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME DOCKER_CONFIG REGISTRY_AUTH_FILE DOCKER_AUTH_CONFIG SOURCE_DATE_EPOCH
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
    export LADE_STORE=$work/lade/store LADE_CACHE=$work/lade/cache
    mkdir -p "$HOME/.config/containers" "$XDG_RUNTIME_DIR" "$work/layout"
    chmod 700 "$XDG_RUNTIME_DIR"
    echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
    for driver in overlay vfs; do
        containers=(--root "$work/containers/$driver" --runroot "$work/run/containers-$driver" --storage-driver "$driver")
        if buildah "${containers[@]}" from --name probe scratch >/dev/null 2>&1 &&
            buildah "${containers[@]}" mount probe >/dev/null 2>&1; then
            break
        fi
    done
    buildah "${containers[@]}" rm -a >/dev/null 2>&1 || true
    storage_driver=$driver
}

# --- lade -----------------------------------------------------------------------------------------------------------

# A store and a cache that know the base, as after any earlier build from it, and nothing else.
lade_know() {
    rm -rf "$work/lade" "$work/lade-fresh"
    mkdir -p "$work/probe"
    echo probe >"$work/probe/file"
    printf 'FROM %s\nWORKDIR /app\nCOPY file .\n' "$1" >"$work/probe/Dockerfile"
    "$lade" build --quiet -t "$registry/probe:1" "$work/probe" >/dev/null
    "$lade" rm "$registry/probe:1" >/dev/null 2>&1 || true
    mv "$work/lade" "$work/lade-fresh"
}
lade_reset() {
    rm -rf "$work/lade"
    [ ! -e "$work/lade-fresh" ] || cp -a "$work/lade-fresh" "$work/lade"
}
# lade_job CONTEXT DOCKERFILE [OPTION…]
lade_job() {
    job=("$lade" build --quiet -t "$registry/lade:1" --push -f "$1/$2" "${@:3}" "$1")
}

# --- buildah --------------------------------------------------------------------------------------------------------

buildah_know() {
    buildah_forget
    buildah "${containers[@]}" pull --quiet --tls-verify=false "$1" >/dev/null
}
buildah_forget() {
    buildah "${containers[@]}" rm -a >/dev/null 2>&1 || true
    buildah "${containers[@]}" rmi -a -f >/dev/null 2>&1 || true
}
buildah_reset() {
    local id base
    base=$(buildah "${containers[@]}" images --quiet --no-trunc "$base_small")
    for id in $(buildah "${containers[@]}" images --all --quiet --no-trunc | sort -u); do
        [ "$id" = "$base" ] || buildah "${containers[@]}" rmi -f "$id" >/dev/null 2>&1 || true
    done
}
# buildah_job CONTEXT DOCKERFILE [OPTION…]
buildah_job() {
    job=(buildah "${containers[@]}" bud --quiet --isolation chroot --tls-verify=false -t "$registry/buildah:1" -f "$1/$2" "${@:3}" "$1"
        ::: buildah "${containers[@]}" push --quiet --tls-verify=false "$registry/buildah:1")
}

# --- umoci and skopeo: no Dockerfile, one insert for each COPY -------------------------------------------------------

umoci_reset() {
    rm -rf "$work/layout/umoci"
    cp -a "$work/layout/${1:-base-small}" "$work/layout/umoci"
}
# umoci_job SOURCE
umoci_job() {
    job=(umoci insert --image "$work/layout/umoci:1" "$1" /app
        ::: umoci config --image "$work/layout/umoci:1" --config.workingdir /app --config.env NODE_ENV=production
        --config.cmd node --config.cmd /app/src/index.js
        ::: skopeo copy --quiet --dest-tls-verify=false "oci:$work/layout/umoci:1" "docker://$registry/umoci:1")
}
