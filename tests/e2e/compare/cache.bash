# What compare_cache.bats has besides lib.bash and run.bash. A case is a Dockerfile, and builds of it with changes between them. Each build
# is done by lade, buildah and BuildKit, which have caches of their own, and the commands that it ran are compared with those that the case
# says. A command makes itself known by what it prints: `echo =a=`.
# shellcheck shell=bash disable=SC2034,SC2154

# peers_start, and a second daemon, which is BuildKit's other machine.
machines_start() {
    peers_start
    BUILDAH_DRIVER=vfs
    if [ "$(id -u)" -eq 0 ] && buildah --root "$PEERS/probe-overlay" --runroot "$PEERS/probe-run" --storage-driver overlay images >"$PEERS/out" 2>&1; then
        BUILDAH_DRIVER=overlay
    fi
    export BUILDAH_DRIVER SECOND=$PEERS/second
    # What every machine begins with: it takes longer to get the base than to copy it.
    buildah --root "$PEERS/begin" --runroot "$PEERS/begin-run" --storage-driver "$BUILDAH_DRIVER" pull -q --tls-verify=false "$BASE" >"$PEERS/out"
    mkdir "$SECOND"
    [ -z "$BUILDKIT" ] || second_start || BUILDKIT=
}

second_start() {
    local -x PEERS=$SECOND DOCKER_HOST=unix://$SECOND/socket
    dockerd_start
}

machines_stop() {
    local pid
    if [ -e "$SECOND/dockerd" ]; then
        pid=$(<"$SECOND/dockerd")
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do pause; done
    fi
    # A build that fails leaves its container mounted.
    if [ "$(id -u)" -eq 0 ]; then
        awk -v place="$PEERS/" 'index($2, place "cache-") == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n 1 umount -l
    fi
    peers_stop
}

# A case begins: where it is from, and as which test.
# of PROJECT 'FILE: TEST'
of() {
    origin=$1
}

case_begin() {
    fresh
    origin='' lade_is=agrees buildah_is=agrees buildkit_is=agrees machine=one
    declare -gA images=() instead=()
    mkdir -p "$DOCKER_CONFIG" "$PEERS/cache-$BATS_TEST_NUMBER"/{context,shared}
    echo '{}' >"$DOCKER_CONFIG/config.json"
    cd "$PEERS/cache-$BATS_TEST_NUMBER" || return 1
    [ "$(id -u)" -ne 0 ] || chown "$plain:$plain" shared
    machine_enter one
}

case_end() {
    [ -n "$BATS_TEST_COMPLETED" ] || return 0
    echo "$origin" >"$RESULTS/$BATS_TEST_NUMBER.origin"
    echo "$lade_is" >"$RESULTS/$BATS_TEST_NUMBER.lade"
    echo "$buildah_is" >"$RESULTS/$BATS_TEST_NUMBER.buildah"
    if [ -z "$BUILDKIT" ] && [ "$buildkit_is" != lacks ]; then buildkit_is=skipped; fi
    if [ "$buildkit_is" = lacks ] && [ "$origin" = BuildKit ]; then buildkit_is=told; fi
    echo "$buildkit_is" >"$RESULTS/$BATS_TEST_NUMBER.buildkit"
}

machine_enter() {
    machine=$1
    export LADE_STORE=$PWD/lade-$machine/store LADE_CACHE=$PWD/lade-$machine/cache
    mkdir -p "lade-$machine"/{store,cache,home}
    [ "$(id -u)" -ne 0 ] || chown "$plain:$plain" "lade-$machine"/{store,cache,home}
    if [ "$(id -u)" -eq 0 ]; then
        [ -e "buildah-$machine" ] || cp -a "$PEERS/begin" "buildah-$machine"
    else
        [ -e "buildah-$machine" ] || buildah unshare cp -a "$PEERS/begin" "buildah-$machine"
    fi
    case $machine in
    one) buildkit_host=unix://$PEERS/socket ;;
    *) buildkit_host=unix://$SECOND/socket ;;
    esac
}

# elsewhere [NAME]: the next builds are on another machine, where nothing is yet. BuildKit has two only.
elsewhere() { machine_enter "${1:-two}"; }

lade() {
    local home=$PWD/lade-$machine/home
    if [ "$(id -u)" -eq 0 ]; then
        chown -R "$plain:$plain" context
        HOME=$home XDG_CONFIG_HOME='' XDG_RUNTIME_DIR='' DOCKER_CONFIG='' setpriv --reuid="$plain" --regid="$plain" --clear-groups --bounding-set=-all \
            --inh-caps=-all "$LADE_BIN" "$@"
    else
        HOME=$home "$LADE_BIN" "$@"
    fi
}

# dockerfile [FILE] <<END: with BASE put for @BASE@, and what commands print made the case's own. buildah may lose what is printed at a command's
# end.
dockerfile() {
    sed -E "s|@BASE@|$BASE|g; s|@N@|$BATS_TEST_NUMBER|g; s/echo =([^=$]*)=/echo =\1.$BATS_TEST_NUMBER=/g
        s/echo =([^=]*[$][^=]*)=/echo =\1.$BATS_TEST_NUMBER=; sleep 0.1/g" >"${1:-context/Dockerfile}"
}

# In the next build lade does otherwise than where the case is from, on purpose.
# departs RAN IMAGE WHY
departs() { lade_is=departs instead[lade]=$1 instead[lade-image]=$2; }
# It has not what the case is about.
buildah_cannot() { buildah_is=cannot; }
# Debian's is too old for what the case is about.
buildkit_lacks() { buildkit_is=lacks; }
# In the next build it runs these commands, and makes this image, and why.
# buildah_instead RAN IMAGE WHY
buildah_instead() {
    buildah_is=differs instead[buildah]=$1 instead[buildah-image]=$2
}
buildkit_instead() {
    buildkit_is=differs instead[buildkit]=$1 instead[buildkit-image]=$2
}

# built RAN IMAGE [OPTION…]: what a build must run, in any order, after "!" when it fails then; and a letter for its image: builds of one
# machine or several that have the same letter make the same image, others others; "-" is any. Options are those of all builders, and
#   --to KIND[:NAME][,KEY=VALUE…]    leave a cache: registry, local or inline
#   --from KIND[:NAME]               take from it
#   --epoch N
built() {
    local ran=$1 image=$2 failed=0
    shift 2
    options lade "$@"
    built_by lade "${instead[lade]-$ran}" "${instead[lade-image]-$image}"
    if [ "$buildah_is" != cannot ]; then
        options buildah "$@"
        built_by buildah "${instead[buildah]-$ran}" "${instead[buildah-image]-$image}" || failed=1
    fi
    if [ -n "$BUILDKIT" ] && [ "$buildkit_is" != lacks ]; then
        options buildkit "$@"
        built_by buildkit "${instead[buildkit]-$ran}" "${instead[buildkit-image]-$image}" || failed=1
    fi
    instead=()
    return $failed
}

options() {
    local builder=$1
    shift
    given=() push=''
    while [ $# -gt 0 ]; do
        case $1 in
        --to | --from)
            "${builder}_cache" "${1#--}" "$2"
            shift
            ;;
        --epoch)
            case $builder in
            lade) given+=(--source-date-epoch "$2") ;;
            buildah) given+=(--timestamp "$2") ;;
            esac
            shift
            ;;
        *) given+=("$1") ;;
        esac
        shift
    done
}

# Where a cache is: KIND[:NAME] and the keys that stand behind it, which begin with a comma.
place() {
    local kind=${1%%,*}
    keys=${1#"$kind"}
    name=${kind#*:} kind_of=${kind%%:*}
    [ "$name" != "$kind" ] || name=cache
}

lade_cache() {
    local keys name kind_of
    place "$2"
    case $1-$kind_of in
    to-registry | from-registry) given+=("--cache-$1" "type=registry,ref=$REGISTRY_BASES/lade$BATS_TEST_NUMBER:$name$keys") ;;
    to-local) given+=(--cache-to "type=local,dest=$PWD/shared/$name$keys") ;;
    from-local) given+=(--cache-from "type=local,src=$PWD/shared/$name$keys") ;;
    to-inline)
        push=$REGISTRY_BASES/lade$BATS_TEST_NUMBER:$name
        given+=(--cache-to type=inline --push)
        ;;
    from-inline) given+=(--cache-from "$REGISTRY_BASES/lade$BATS_TEST_NUMBER:$name") ;;
    *) return 1 ;;
    esac
}

buildah_cache() {
    local keys name kind_of
    place "$2"
    [ "$kind_of" = registry ] || { echo "buildah has no caches of kind $kind_of"; return 1; }
    given+=("--cache-$1" "$REGISTRY_BASES/buildah$BATS_TEST_NUMBER-$name")
}

# In images only: they are caches of the result's steps, as those of registries are, where the origin does not ask for more.
buildkit_cache() {
    local keys name kind_of
    place "$2"
    [ "$kind_of$keys" = inline ] || [ "$kind_of$keys" = registry ] || { echo "dockerd has no caches of kind $kind_of$keys"; return 1; }
    case $1 in
    to)
        given+=(--build-arg BUILDKIT_INLINE_CACHE=1 -t "$REGISTRY_BASES/buildkit$BATS_TEST_NUMBER:$name")
        push=$REGISTRY_BASES/buildkit$BATS_TEST_NUMBER:$name
        ;;
    from) given+=(--cache-from "$REGISTRY_BASES/buildkit$BATS_TEST_NUMBER:$name") ;;
    esac
}

lade_builds() {
    lade build --plain-http --progress plain -t "${push:-case$BATS_TEST_NUMBER}" "${given[@]}" context >lade.out 2>&1 || return 1
    sed -n 's/^built \(sha256:[0-9a-f]*\).*/\1/p' lade.out | tail -n 1 >lade.id
}

buildah_builds() {
    local storage=$PWD/buildah-$machine
    # buildah takes a relative Dockerfile from the context, and what it has heard on standard error is mixed with what commands print.
    buildah --root "$storage" --runroot "$storage-run" --storage-driver "$BUILDAH_DRIVER" build --layers --format docker --isolation chroot \
        --tls-verify=false --iidfile buildah.id -t "case$BATS_TEST_NUMBER" "${given[@]}" context >buildah.out 2>&1
}

buildkit_builds() {
    "$DOCKER" --host "$buildkit_host" build --progress plain --network none --iidfile buildkit.id -t "case$BATS_TEST_NUMBER" "${given[@]}" context \
        >buildkit.out 2>&1 || return 1
    [ -z "$push" ] || "$DOCKER" --host "$buildkit_host" push "$push" >>buildkit.out 2>&1
}

# ran_by BUILDER: what its commands printed; of buildah, whose output may lack it, which steps it did not take from somewhere.
ran_by() {
    if [ "$1" = buildah ]; then
        awk -v end="\\.$BATS_TEST_NUMBER=" 'function say() { if (step != "") print step; step = "" }
            /STEP [0-9]+\/[0-9]+: ONBUILD/ { say(); next }
            /^(\[[0-9\/]*\] )?STEP / { say(); if (match($0, "echo =[^=$]*" end)) step = substr($0, RSTART + 6, RLENGTH - 5 - length(end)) }
            /^--> (Using cache|Cache pulled)/ { step = "" }
            /^COMMIT|^-->/ { say() }
            match($0, "^=[^=]*" end "$") && step == "" { print substr($0, 2, length($0) - length(end)) }
            END { say() }' "$1.out"
    else
        sed -nE "s/^(#[0-9]+ [0-9.]+ +)?=([^= ]*)\\.$BATS_TEST_NUMBER=\$/\\2/p" "$1.out"
    fi
}

# built_by BUILDER RAN IMAGE
built_by() {
    local expected found built=yes label
    rm -f "$1.id"
    "$1_builds" || built=no
    found=$(ran_by "$1" | sort | paste -sd ' ')
    expected=$(tr ' ' '\n' <<<"${2#"! "}" | sort | paste -sd ' ')
    if [ "$built" = no ] && [[ $2 != '! '* ]]; then
        echo "$1 does not build it:"
        cat "$1.out"
        return 1
    fi
    if [ "$built" = yes ] && [[ $2 == '! '* ]]; then
        echo "$1 builds it, and should not"
        return 1
    fi
    if [ "$found" != "$expected" ]; then
        echo "$1 has run: $found, and not: $expected"
        cat "$1.out"
        return 1
    fi
    [ "$3" != - ] || return 0
    for label in "${!images[@]}"; do
        [[ $label == "$1 "* ]] || continue
        if [ "$label" = "$1 $3" ] && [ "${images[$label]}" != "$(<"$1.id")" ]; then
            echo "$1 makes another image than the build $3"
            return 1
        fi
        if [ "$label" != "$1 $3" ] && [ "${images[$label]}" = "$(<"$1.id")" ]; then
            echo "$1 makes the image of the build $label"
            return 1
        fi
    done
    images["$1 $3"]=$(<"$1.id")
}

summary_cache() {
    local count
    count=$(find "$RESULTS" -name '*.origin' | wc -l)
    echo "# compare cache: $count cases, of BuildKit $(counted BuildKit origin), buildah $(counted buildah origin), kaniko $(counted kaniko origin);" \
        "lade does what their tests expect in $(counted agrees lade), differs on purpose in $(counted departs lade);" \
        "buildah agrees in $(counted agrees buildah), differs in $(counted differs buildah), cannot $(counted cannot buildah);" \
        "BuildKit agrees in $(counted agrees buildkit), differs in $(counted differs buildkit), is too old here for $(counted lacks buildkit)" \
        "and known by its own tests only in $(counted told buildkit), skipped in $(counted skipped buildkit)" >&3
}
