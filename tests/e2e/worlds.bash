# Worlds for tests of RUN: a directory that a plain user can enter (bats' own are closed to others), with a store, a cache and a home for
# each of two users: "plain", who has no privilege and no subordinate ids, and root. Load it after lib.
# shellcheck shell=bash disable=SC2034,SC2154

plain=64321

# In setup_file. `base` is an image of busybox for whoever is named.
world_make() {
    world=$(mktemp -d "/tmp/lade-world.XXXXXX")
    export world
    chmod 755 "$world"
    mkdir -p "$world/base"
    cp "$(command -v busybox)" "$world/base/busybox"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1001::/home/app:/bin/sh >"$world/base/passwd"
    printf '%s\n' root:x:0: app:x:1001: >"$world/base/group"
    cat >"$world/base/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
COPY passwd group /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 tmp && mkdir -p root home/app && chown app:app home/app
END
    for who in "$@"; do
        world_enter
        lade build -q -t base "$world/base" >/dev/null
    done
}

world_remove() {
    cd / || return 1
    [ -z "${world:-}" ] || rm -rf "$world"
}

# In setup: `who` is root for tests whose names begin with "root:".
world_begin() {
    who=plain
    [[ $BATS_TEST_DESCRIPTION != root:* ]] || who=root
    [ "$who" = plain ] || [ "$(id -u)" = 0 ] || skip "needs root"
    world_enter
    mkdir -p context
}

# The same with a store and a cache that nothing else is in, also when tests run at once; always "plain". `here` is where it is.
world_begin_alone() {
    who=plain
    here=$world/test-$BATS_TEST_NUMBER
    world_enter "$here"
    mkdir context
    lade build -q -t base "$world/base"
}

# world_enter [DIR]: the store, the cache and the home are there, not those of all tests.
world_enter() {
    local here=$world/test-${BATS_TEST_NUMBER:-0} kept=${1:-$world}
    export HOME=$kept/home-$who LADE_STORE=$kept/store-$who LADE_CACHE=$kept/cache-$who
    unset SOURCE_DATE_EPOCH LADE_CACHE_LIMIT http_proxy https_proxy HTTP_PROXY HTTPS_PROXY SSH_AUTH_SOCK
    mkdir -p "$HOME" "$LADE_STORE" "$LADE_CACHE" "$here"
    cd "$here" || return 1
    user=(env)
    if [ "$(id -u)" = 0 ] && [ "$who" = plain ]; then
        user=(setpriv --reuid="$plain" --regid="$plain" --clear-groups --bounding-set=-all --inh-caps=-all)
    fi
    own
}

# What vanishes meanwhile is what a lade of the test before still cleans up; what is theirs already is not touched, since it may be in use.
own() { [ "$(id -u)" != 0 ] || [ "$who" != plain ] || chown -fR --from=0 "$plain:$plain" "$HOME" "$LADE_STORE" "$LADE_CACHE" . || true; }

# The command as that user: as COMMAND… To start it in the background, so that $! is it and no shell: "${user[@]}" COMMAND… &
as() { "${user[@]}" "$@"; }

lade() {
    own
    as "$LADE_BIN" "$@"
}

dockerfile() { printf '%s\n' 'FROM base' "$@" >context/Dockerfile; }

# What the steps of `build --progress plain` wrote, from its standard input.
said() { sed -nE 's/^#[0-9]+ [0-9]+\.[0-9]+ //p'; }

# All there is to know of a tree, in one text.
portrait() {
    (cd "$1" && find . -printf '%p %y %m %U %G %s %T@ %C@ %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}
