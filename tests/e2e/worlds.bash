# Worlds for tests of RUN: a directory that a plain user can enter (bats' own are closed to others), with a store, a cache and a home for
# each of two users: "plain", who has no privilege and no subordinate ids, and root. Load it after lib.
# shellcheck shell=bash disable=SC2034,SC2154

plain=64321

# In setup_file. The context has busybox, and `base` is an image with it for whoever is named.
world_make() {
    world=$(mktemp -d "/tmp/lade-world.XXXXXX")
    export world
    chmod 755 "$world"
    mkdir -p "$world/base"
    cp "$(command -v busybox)" "$world/base/busybox"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1001::/home/app:/bin/sh >"$world/base/passwd"
    cat >"$world/base/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/busybox
COPY passwd /etc/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p -m 1777 /tmp
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

world_enter() {
    local here=$world/test-${BATS_TEST_NUMBER:-0}
    export HOME=$world/home-$who LADE_STORE=$world/store-$who LADE_CACHE=$world/cache-$who
    unset SOURCE_DATE_EPOCH http_proxy https_proxy HTTP_PROXY HTTPS_PROXY SSH_AUTH_SOCK
    mkdir -p "$HOME" "$LADE_STORE" "$LADE_CACHE" "$here"
    cd "$here" || return 1
    user=(env)
    if [ "$(id -u)" = 0 ] && [ "$who" = plain ]; then
        user=(setpriv --reuid="$plain" --regid="$plain" --clear-groups --bounding-set=-all --inh-caps=-all)
    fi
    own
}

# What vanishes meanwhile is what a lade of the test before still cleans up.
own() { [ "$(id -u)" != 0 ] || [ "$who" != plain ] || chown -fR "$plain:$plain" "$HOME" "$LADE_STORE" "$LADE_CACHE" . || true; }

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
