#!/usr/bin/env bats
# Two machines that have nothing in common but a registry: other users, homes, places, owners, times and order of files, umasks, time zones,
# locales, host names, environments and ways to be root. The second takes all from the first one's cache; then one thing after another changes.

# shellcheck disable=SC2016 # what other shells and the builds expand

load lib

first=64321 second=64325 # users
# Few to move, and quickly: with sanitizers all takes several times as long.
moved_max=1000000
second_user=(setpriv --reuid="$second" --regid="$second" --clear-groups --inh-caps=-all) second_way=()
if command -v newuidmap >/dev/null; then
    second_way=(--userns subuid)
else
    second_user+=(--bounding-set=-all)
fi

# The steps; those above a source; those that take what it comes to into the image.
all="check compile copy-large copy-linked copy-packed large link pack script tool"
built="check compile copy-linked copy-packed link script"

setup_file() {
    [ "$(id -u)" = 0 ] || return 0 # skipped: nobody else can be two users
    world=$(mktemp -d /tmp/lade-machines.XXXXXX)
    export world
    chmod 755 "$world"
    registry_start machines
    export BASE=$REGISTRY_MACHINES/base CACHE=$REGISTRY_MACHINES/shared/cache:1
    locales_make
    ids_make
    bases_push
    project_make "$world/project"
    leave "$world/one" "$world/project" "$CACHE" -t "$REGISTRY_MACHINES/one/app:1" --push
    machine_two
}
teardown_file() {
    servers_stop
    [ -z "${world:-}" ] || rm -rf "$world"
}

setup() {
    [ "$(id -u)" = 0 ] || skip "needs root, to be two users"
    cd "$world" || return 1
    project=project cache=$CACHE
}

# A locale that sorts in another way than C, where there are the sources of one.
locales_make() {
    mkdir -p "$world/locales"
    [ ! -d /usr/lib/locale ] || cp -r /usr/lib/locale/. "$world/locales"
    export LOCALE=C.UTF-8
    ! localedef -i en_US -f UTF-8 "$world/locales/en_US.utf8" 2>/dev/null || LOCALE=en_US.UTF-8
}

# base:plain; base:label is another manifest of the same layers; base:env has a variable more; base:layer a layer more.
bases_push() {
    local dir=$world/base tag
    mkdir -p "$dir"
    cp "$(command -v busybox)" "$dir/busybox"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1000::/:/bin/sh >"$dir/passwd"
    cat >"$dir/Dockerfile" <<'END'
FROM scratch AS plain
COPY busybox /bin/busybox
COPY passwd /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp
FROM plain AS label
LABEL of=nothing
FROM plain AS env
ENV WEIGHT=1
FROM plain AS layer
COPY passwd /etc/more
END
    for tag in plain label env layer; do
        LADE_STORE=$world/base-store LADE_CACHE=$world/base-cache lade build -q --target "$tag" -t "$BASE:$tag" --push "$dir" >/dev/null
    done
}

# Commands say their name first. All but `pack` make something else each time they are run, so that who stands on them has to be run too.
project_make() {
    mkdir -p "$1/src/deep" "$1/data" "$1/docs" "$1/unread"
    echo 'int main(void) { return 0; }' >"$1/src/main.c"
    echo '#define DEEP' >"$1/src/deep/deep.h"
    echo 'built here' >"$1/src/Zed.txt"
    echo row >"$1/data/table"
    printf '%s\n' '# title' manual >"$1/docs/manual"
    echo nobody >"$1/unread/file"
    echo '**/*.log' >"$1/.dockerignore"
    cat >"$1/Dockerfile" <<END
# Two stages that need nothing of each other, a third of tools, and what is made of them.
FROM $BASE:plain AS tools
RUN : tool; head -c 2500000 /dev/urandom >/tool

FROM $BASE:plain AS build
ARG LEVEL=2
ENV FLAGS=-g
WORKDIR /src
COPY src .
RUN --mount=type=cache,target=/objects --mount=type=secret,id=token --mount=type=bind,from=tools,source=/tool,target=/tool \\
    : compile; { md5sum /tool; find . -type f | xargs cat; echo "\$LEVEL \$FLAGS"; head -c 8 /dev/urandom; } >/program && echo x >>/objects/count
RUN --mount=type=bind,source=data,target=/data : link; { cat /program /data/*; head -c 8 /dev/urandom; } >/linked
ARG STAMP=0
RUN --mount=type=tmpfs,target=/scratch,size=1m --network=none : check; { wc -c </linked; echo "\$STAMP"; head -c 8 /dev/urandom; } >/checked

FROM $BASE:plain AS docs
COPY docs /docs
RUN : pack; grep -v '^#' /docs/* >/packed
RUN : large; head -c 2500000 /dev/urandom >/large

FROM $BASE:plain
WORKDIR /app
COPY --from=build /linked program
COPY --from=docs /packed manual
COPY --link --from=docs /large ./
USER app
RUN <<TEXT
: script
wc -c /*/program >/tmp/sizes
TEXT
ARG CHANNEL=stable
LABEL channel=\$CHANNEL
CMD ["/bin/cat", "/app/program"]
END
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -type f -exec chmod 644 {} +
}

# checkout FROM TO OWNER TIME ORDER: a copy with other owners and times, whose files were made in this order (an option of sort).
checkout() {
    local name
    mkdir -p "$2"
    (cd "$1" && find . -mindepth 1 -type d | sort "$5" | (cd "$2" && xargs mkdir -p))
    (cd "$1" && find . -type f | sort "$5") | while read -r name; do cat "$1/$name" >"$2/$name"; done
    (cd "$1" && find . -printf '%m %p\0') | while IFS=' ' read -r -d '' mode name; do chmod "$mode" "$2/$name"; done
    chown -R "$3" "$2"
    find "$2" -exec touch -h -d "$4" {} +
}

# on_first HOME COMMAND…, on_second HOME COMMAND…: as that machine's user in $HOME/checkout. Store and cache are below HOME.
on_first() {
    local home=$1
    shift
    (umask 022 && cd "$home/checkout" && machine_env "$home" LC_ALL=C TZ=UTC TERM=dumb \
        setpriv --reuid=$first --regid=$first --clear-groups --bounding-set=-all --inh-caps=-all "$@")
}
# It has a host name and locales of its own, and subordinate ids where there is somebody to give them.
on_second() {
    local home=$1
    shift
    (umask 077 && cd "$home/checkout" && machine_env "$home" LC_ALL="$LOCALE" LANG=tr_TR.UTF-8 TZ=Asia/Kathmandu CI=true GIT_SHA=0badc0de COLUMNS=40 \
        TMPDIR="$home/tmp" unshare --mount --uts sh -ec 'cd "$1" && hostname other-machine && touch /etc/subuid /etc/subgid && mount --bind passwd /etc/passwd &&
            mount --bind ids /etc/subuid && mount --bind ids /etc/subgid && { [ ! -d /usr/lib/locale ] || mount --bind locales /usr/lib/locale; } &&
            cd "$2" && shift 2 && exec "$@"' sh "$world" "$home/checkout" "${second_user[@]}" "$@")
}
machine_env() {
    local home=$1
    shift
    env -i PATH="$PATH" HOME="$home" LADE_STORE="$home/store" LADE_CACHE="$home/cache" XDG_RUNTIME_DIR="$home/run" token="${TOKEN-}" "$@"
}
machine_make() {
    mkdir -p "$1/store" "$1/cache" "$1/run" "$1/tmp"
    chmod 700 "$1/run"
    chown "$2:$2" "$1" "$1"/*
}
# ids_make: the second machine's /etc/passwd and its subordinate ids.
ids_make() {
    cp /etc/passwd "$world/passwd"
    echo "ladesecond:x:$second:$second::/:/bin/sh" >>"$world/passwd"
    echo 'ladesecond:400000:65536' >"$world/ids"
    chmod 644 "$world/passwd" "$world/ids"
}

# leave HOME PROJECT CACHE [OPTION]…: the first user builds a project and leaves the cache.
leave() {
    local home=$1 from=$2 to=$3
    shift 3
    checkout "$from" "$home/checkout" $first:$first 2024-05-06 -d
    machine_make "$home" $first
    TOKEN=one on_first "$home" "$LADE_BIN" build --progress plain --userns single --secret id=token,env=token --cache-to "type=registry,ref=$to,mode=max" \
        --iidfile "$home/iid" --metadata-file "$home/meta" "$@" . >"$home/log" 2>&1 || { cat "$home/log"; return 1; }
}

# Nobody else asks the registry meanwhile: what it sends and gets is counted.
machine_two() {
    local home=$world/elsewhere/on/the/second begin
    mkdir -p "$world/elsewhere/on/the"
    checkout "$world/project" "$home/checkout" 4242:4243 1999-12-31 -r
    machine_make "$home" $second
    ln -s "$home" "$world/two"
    wc -l <"$REGISTRY_MACHINES_LOG" >"$world/before"
    begin=$(date +%s%3N)
    TOKEN=two on_second "$home" "$LADE_BIN" build --progress plain "${second_way[@]}" --secret id=token,env=token -t "$REGISTRY_MACHINES/two/app:1" --push \
        --cache-from "type=registry,ref=$CACHE" --explain-cache --iidfile "$home/iid" --metadata-file "$home/meta" . >"$home/log" 2>&1 ||
        { cat "$home/log"; return 1; }
    echo $(($(date +%s%3N) - begin)) >"$world/took"
    requests_list "$REGISTRY_MACHINES_LOG" >/dev/null # when the log is at rest
    tail -n "+$(($(cat "$world/before") + 1))" "$REGISTRY_MACHINES_LOG" >"$world/requests"
}

# ran HOME: the steps that were run, by name, as the log has it.
ran() {
    sed -nE 's/^#([0-9]+) \[[^]]*\] (RUN|COPY .*--from=).*/\1/p' "$1/log" | sort -nu | while read -r id; do
        grep -q "^#$id CACHED" "$1/log" || sed -nE "s/^#$id (\[[^]]*\] .*)/\1/p" "$1/log" | head -1
    done | names | sort | paste -sd ' '
}
# The steps' names in what is said of them, at the beginning of each line.
names() {
    sed -E 's/^\[[^]]*\] RUN <<TEXT[^\t]*/script/; s/^\[[^]]*\] RUN [^\t]*: ([a-z]+); [^\t]*/\1/; s/^\[[^]]*\] COPY [^\t]*--from=[a-z]+ \/([a-z]+)[^\t]*/copy-\1/'
}

# explained HOME: a line "step cause" for each cause of those that were run, as the metadata have it; the text must say the same.
explained() {
    local line
    jq -r '.["lade.cache"].explained[] | select(.outcome == "run") |
        "cache: \(.step): run, because: \(.causes | join("; "))\(if .from then " (compared with \(.from))" else "" end)"' "$1/meta" >"$1/lines"
    while read -r line; do
        grep -qxF "$line" "$1/log" || { echo "not said: $line"; return 1; }
    done <"$1/lines"
    jq -r '.["lade.cache"].explained[] | select(.outcome == "run") | .step as $step | .causes[] | "\($step)\t\(.)"' "$1/meta" | names |
        sed -E 's/\t/ /; s/[0-9a-f]{12}/H/g'
}

# What follows from a step below, or from one whose files are shown, that was run.
follows='a step (before it|of the stage that it takes files from) made another layer|app/[a-z]*: content H → H|mount /tool: content H → H|what mount 2 shows.*'

# row WHAT CHANGE STEPS [STEP CAUSE] [OPTION]…: another machine without anything, where CHANGE was made to the project, runs exactly STEPS.
# Of STEP it says CAUSE, an ERE, and of none anything else but that or what follows. Of `$project`, from the cache `$cache`.
row() {
    local what=$1 change=$2 steps=$3 step=${4-} cause=${5-nothing} home said
    shift $(($# < 5 ? $# : 5))
    home=$(mktemp -d "$world/row.XXXXXX")
    chmod 755 "$home"
    cp -a "$project" "$home/project"
    (cd "$home/project" && eval "$change")
    checkout "$home/project" "$home/checkout" $second:4243 1999-12-31 -r
    machine_make "$home" $second
    TOKEN=${token-two} on_second "$home" "$LADE_BIN" build --progress plain "${second_way[@]}" --secret id=token,env=token --secret id=other,env=token \
        --cache-from "type=registry,ref=$cache" --explain-cache --iidfile "$home/iid" --metadata-file "$home/meta" "$@" . >"$home/log" 2>&1 ||
        { echo "$what:"; cat "$home/log"; return 1; }
    same "$what: steps" "$(ran "$home")" "$steps"
    said=$(explained "$home") || { echo "$what: $said"; return 1; }
    if [ -n "$step" ] && ! grep -qE "^$step ($cause)\$" <<<"$said" || grep -vE "^[a-z-]+ ($cause|$follows)\$" <<<"${said:-none nothing}"; then
        echo "$what: $said"
        return 1
    fi
    rm -rf "$home"
}

@test "the second machine runs nothing, and makes the same image" {
    same "what the first one ran" "$(ran one)" "$all"
    same "what the second one ran" "$(ran two)" ""
    same digests "$(cat two/iid)" "$(cat one/iid)"
    same "steps" "$(jq -r '[.["lade.cache"].explained[] | select(.outcome == "run")] | length' two/meta)" 0
    same "from where" "$(jq -r '[.["lade.cache"].explained[] | select(.outcome == "taken") | .from] | unique | join(" ")' two/meta)" "$CACHE"
    same "lines" "$(grep -c "^cache: .*: taken from $CACHE\$" two/log)" 10
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_MACHINES/two/app:1" "oci:$BATS_TEST_TMPDIR/whole:1"
    "$support/sound" "$BATS_TEST_TMPDIR/whole" --complete
}

@test "the second machine moves less than 1 MB of several, within the time" {
    local got sent limit=1000 layers
    layers=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY_MACHINES/two/app:1" | jq '[.layers[].size] | add')
    [ "$layers" -gt 3000000 ]
    # What it sends is the image's config and its manifest; the layers are mounted.
    got=$(requests_bytes requests '^(GET|HEAD|POST|PUT|PATCH) ')
    sent=$(skopeo inspect --raw --tls-verify=false "docker://$REGISTRY_MACHINES/two/app:1" | tee "$BATS_TEST_TMPDIR/manifest" | jq .config.size)
    sent=$((sent + $(wc -c <"$BATS_TEST_TMPDIR/manifest")))
    same "blobs sent" "$(jq '.["lade.published"][0].blobs.sent' two/meta)" 1
    same "uploads" "$(requests requests '^PUT .*/uploads/.* 201 ')" 1
    same "manifests sent" "$(requests requests '^PUT .*/manifests/.* 20[0-9] ')" 1
    echo "# $got bytes came in $(requests requests .) answers, $sent were sent; it took $(cat took) ms" >&3
    [ $((got + sent)) -lt $moved_max ]
    ! grep -q __asan_init "$LADE_BIN" || limit=5000
    [ "$(cat took)" -lt $limit ]
}

# What BuildKit runs again: what stands on a step whose definition or whose files by content (mode, owner and bytes; no times) are others; COPY and bind
# mounts look at the content of what they name, so that what shows the same goes on to be known (ExecOp.CacheMap and fileOp.CacheMap, with
# ComputeDigestFunc). The sets below are its; where lade runs less it is said.

@test "files" {
    local content='content H → H'
    row "a source" 'echo "/* */" >>src/main.c' "$built" compile "src/main.c: $content"
    row "the mode of a source" 'chmod 755 src/main.c' "$built" compile 'src/main.c: mode 0644 → 0755'
    row "a new source" 'echo >src/deep/new.c' "$built" compile 'src/deep/new.c: new'
    row "files that nobody reads" 'echo x >unread/file; echo x >src/deep/x.log; echo x >other' ""
    # pack makes another file, which stands below the others of its stage and is copied below what follows but --link.
    row "what is packed" 'echo more >>docs/manual' "copy-large copy-packed large pack script" pack "docs/manual: $content"
    row "a source that comes to the same" 'echo "# more" >>docs/manual' "copy-large large pack script" pack "docs/manual: $content"
    row "a file that a mount shows" 'echo more >>data/table' "check copy-linked copy-packed link script" link \
        "mount /data: table: $content|what mount 0 shows is not what it was"
    row "a mode that a mount shows" 'chmod 755 data/table' "check copy-linked copy-packed link script" link \
        'mount /data: table: mode 0644 → 0755|what mount 0 shows is not what it was'
    row "a checkout under another umask" 'chmod -R go-rwx docs' "copy-large large pack script" pack \
        'docs(/manual)?: mode 07?[45][45] → 0[67]00|docs/manual: mode 0644 → 0600'
}

@test "arguments, variables, hosts" {
    row "an ARG" : "$built" compile 'LEVEL has another value' --build-arg LEVEL=3
    row "an ARG that only the last step of a stage sees" : "check" check 'STAMP has another value' --build-arg STAMP=3
    row "an ARG that no step sees" : "" "" nothing --build-arg CHANNEL=edge
    row "an ARG that is not declared" : "" "" nothing --build-arg UNKNOWN=3
    row "ENV" 'sed -i s/FLAGS=-g/FLAGS=-O/ Dockerfile' "$built" compile 'FLAGS has another value'
    row "a host" : "$all" tool 'the host names .* are not what they were|hosts: .*' --add-host x:10.0.0.1
}

@test "the base" {
    local other='the base image( of the stage that it takes files from)? is another one(: .*)?'
    row "the same layers" 'sed -i s/base:plain/base:label/ Dockerfile' ""
    row "another layer" 'sed -i s/base:plain/base:layer/ Dockerfile' "$all" tool "$other"
    row "a variable" 'sed -i s/base:plain/base:env/ Dockerfile' "$all" tool 'WEIGHT is set'
    row "of one stage" 'sed -i "s/base:plain AS docs/base:layer AS docs/" Dockerfile' "copy-large large pack script" pack "$other"
    row "of the last stage" 'sed -i "s/base:plain\$/base:layer/" Dockerfile' "copy-linked copy-packed script" copy-linked "$other"
}

@test "secrets and mounts" {
    token=another row "a secret" : ""
    row "a secret's name" 'sed -i s/id=token/id=other/ Dockerfile' "$built" compile 'mount /run/secrets/(other|token) .*|mount 1 .*'
    row "a secret's place" 'sed -i s,id=token,id=token\\,target=/t, Dockerfile' "$built" compile 'mount (/t|/run/secrets/token) .*|mount 1 .*'
    row "a secret that must be" 'sed -i s/id=token/id=token\\,required/ Dockerfile' "$built" compile 'mount (1|/run/secrets/token): .*required.*'
    row "a cache of another name than its place" 'sed -i s,target=/objects,id=x\\,target=/objects, Dockerfile' "$built" compile 'mount (0|/objects).* any, was /*objects'
    row "a cache that is locked" 'sed -i s,target=/objects,sharing=locked\\,target=/objects, Dockerfile' "$built" compile 'mount (0|/objects).* any, was /*objects'
    row "a cache's place" 'sed -i s,/objects,/other,g Dockerfile' "$built" compile 'the command is another one|mount (0|/other|/objects) .*'
    row "a cache's mode" 'sed -i s,target=/objects,mode=0700\\,target=/objects, Dockerfile' "$built" compile 'mount (0|/objects): .*mode.*'
    row "a tmpfs's size" 'sed -i s,size=1m,size=2m, Dockerfile' "check" check 'mount (0|/scratch): .*size.*'
    row "what a mount shows of a stage" 'sed -i "s/: tool;/: tool; true;/" Dockerfile' "$built tool" tool 'the command is another one'
    row "what it does not show" 'sed -i "s,>/tool\$,&\nCOPY unread /unread," Dockerfile' ""
    row "a mount that may be written" 'sed -i s,source=data,source=data\\,rw, Dockerfile' "check copy-linked copy-packed link script" link \
        'mount /data: read-write, was read-only|mount 0: .*'
}

@test "words of the Dockerfile" {
    # BuildKit runs large, what copies it and script too. Here the next step stands on the same layer as before.
    row "a command that comes to the same" 'sed -i "s/: pack;/: pack; true;/" Dockerfile' "pack" pack 'the command is another one'
    row "network" 'sed -i "s/--network=none/--network=default/" Dockerfile' "check" check 'network: host, was none'
    row "user" 'sed -i "s/USER app/USER root/" Dockerfile' "script" script '(HOME|user).*'
    # BuildKit runs script. Here a user is who it is.
    row "the same user by number" 'sed -i "s/USER app/USER 1000/" Dockerfile' ""
    row "directory" 'sed -i "s,WORKDIR /app,WORKDIR /opt,; s,/app/\*,/*/program," Dockerfile' "copy-large copy-linked copy-packed script" copy-linked \
        'directory: /opt, was /app|a step before it made another layer|the command is another one|(app|opt)(/[a-z]+)?: (new|gone)'
    row "a comment" 'sed -i "s/^# Two.*/# Another/; s/^WORKDIR/# here\n&/" Dockerfile' ""
    row "another order of stages" \
        'stages=$(sed -n "/AS docs/,/large;/p" Dockerfile); sed -i "/AS docs/,/large;/d" Dockerfile; printf "%s\n" "$stages" "$(cat Dockerfile)" >Dockerfile' ""
    row "a stage's name" 'sed -i "s/AS docs/AS manual/; s/from=docs/from=manual/" Dockerfile' ""
    row "a here-document" 'sed -i "s/^wc -c/wc -l/" Dockerfile' "script" script 'the command is another one'
    row "labels and the command of the image" 'sed -i "s/^LABEL/LABEL a=b/; s,/bin/cat,/bin/wc," Dockerfile' ""
}

@test "which cache a named one is, and a host's address" {
    cp -a project named
    sed -i 's,target=/objects,id=one\,target=/objects,' named/Dockerfile
    leave "$world/named-one" named "$CACHE-named" --add-host here:10.0.0.1
    project=named cache=$CACHE-named
    row "the name of a cache" 'sed -i s/id=one/id=two,sharing=locked/ Dockerfile' "" "" nothing --add-host here:10.0.0.1
    row "an address" : "" "" nothing --add-host here:10.0.0.2
}
