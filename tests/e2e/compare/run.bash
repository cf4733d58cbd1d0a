# What compare_run.bats and compare_mount.bats have besides lib.bash: a base in which commands run, and lade as a user without any privilege.
# shellcheck shell=bash disable=SC2154

plain=64321

# The base: busybox, a few users, and every place that a builder mounts something on.
base_make() {
    local where=$PEERS/base name
    export BASE=$REGISTRY_BASES/base:1 TMPDIR=$PEERS/tmp
    chmod 755 "$PEERS"
    mkdir -p "$TMPDIR" "$PEERS/base-context" "$where"/{bin,dev,proc,sys,run,etc,tmp,root,var,mnt/{a,b,c},home/app,opt/data/sub}
    (
        cd "$where" || exit 1
        cp "$(command -v busybox)" bin/busybox
        for name in sh [ ash awk base64 basename cat chgrp chmod chown cmp cp cut date dd df dirname env expr false find grep \
            gunzip gzip head hostname id ip ln ls mkdir mkfifo mknod mount mv od printf ps pwd readlink rm rmdir sed seq sha256sum sleep sort stat su \
            sync tail tar tee test touch tr true umount uname uniq wc whoami xargs yes; do
            ln -s busybox "bin/$name"
        done
        printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1001:App:/home/app:/bin/sh guest:x:405:100::/nowhere:/bin/sh >etc/passwd
        printf '%s\n' root:x:0: app:x:1001: staff:x:50:app audio:x:60:app users:x:100: >etc/group
        touch etc/hosts etc/resolv.conf etc/hostname
        echo one >opt/data/one
        ln -s ../one opt/data/sub/soft
        echo set >opt/set
        chmod 1777 tmp
        chmod 700 root home/app
        chmod 4755 opt/set
        tar --sort=name --owner=0 --group=0 -cf ../base-context/a.tar --exclude=./home/app .
        tar --sort=name --owner=1000 --group=1001 -cf ../base-context/b.tar ./home/app
    )
    printf '%s\n' 'FROM scratch' 'ADD a.tar b.tar /' 'ENV PATH=/usr/bin:/bin FROM_BASE=yes' >"$PEERS/base-context/Dockerfile"
    buildah_do build -q --format docker --timestamp 0 --isolation chroot -t base "$PEERS/base-context" >"$PEERS/out"
    buildah_do push -q --tls-verify=false --format v2s2 base "docker://$BASE"
}

# A directory of its own that others may look into, as those of bats are not.
case_begin() {
    fresh
    # shellcheck disable=SC2034
    buildah_is=agrees buildkit_is=agrees why=
    mkdir -p "$DOCKER_CONFIG"
    echo '{}' >"$DOCKER_CONFIG/config.json"
    export LADE_STORE=$PEERS/lade/store LADE_CACHE=$PEERS/lade/cache
    mkdir -p "$PEERS"/lade/{home,store,cache} "$PEERS/case-$BATS_TEST_NUMBER/context"
    cd "$PEERS/case-$BATS_TEST_NUMBER" || return 1
}

lade() {
    if [ "$(id -u)" -eq 0 ]; then
        # Not what is in them: a new owner takes set-user-ID away.
        chown $plain:$plain "$PEERS"/lade/*
        chown -R $plain:$plain context
        HOME=$PEERS/lade/home XDG_CONFIG_HOME='' XDG_RUNTIME_DIR='' DOCKER_CONFIG='' setpriv --reuid=$plain --regid=$plain --clear-groups --bounding-set=-all \
            --inh-caps=-all "$LADE_BIN" "$@"
    else
        "$LADE_BIN" "$@"
    fi
}
