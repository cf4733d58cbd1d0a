# A Debian root file system and repositories of packages for it, kept in $kept so that they are fetched once. Needs root, mmdebstrap,
# dpkg-dev and a Debian mirror by this machine's apt; $work is for what does not last.
# shellcheck shell=bash disable=SC2154 # what the caller sets

declare -A packages=(
    [services]='openssh-client man-db cron postgresql-common dbus'
    [toolchain]='systemd exim4-daemon-light sudo python3 gcc libc6-dev make iputils-ping'
)

# root_run DIRECTORY COMMAND…: as real root in a root file system, with /proc, a few devices, and the network of the machine.
root_run() {
    # shellcheck disable=SC2016 # for the shell that it starts
    unshare --mount --pid --fork --kill-child bash -euc '
        root=$1; shift
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=755 dev "$root/dev"
        for name in null zero full random urandom tty; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
        ln -s /proc/self/fd "$root/dev/fd"
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SOURCE_DATE_EPOCH=315532800 chroot "$root" "$@"' - "$@" </dev/null
}

# $kept/base.tar
make_base() {
    [ -e "$kept/base.tar" ] && return
    mkdir -p "$kept"
    mmdebstrap --variant=minbase --quiet bookworm "$kept/base.new.tar"
    mv "$kept/base.new.tar" "$kept/base.tar"
}

# make_repository SET: $kept/SET, the packages of a set with all that they need, as a repository that needs no key.
make_repository() {
    local set=$1 root=$work/fetch
    [ -e "$kept/$set/Packages" ] && return
    mkdir -p "$root" "$kept/$set.new"
    tar -C "$root" -xf "$kept/base.tar"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # shellcheck disable=SC2086 # words
    root_run "$root" sh -ec 'apt-get -qq update; apt-get -qq -y --no-install-recommends --download-only install "$@"' - ${packages[$set]} >&2
    mv "$root"/var/cache/apt/archives/*.deb "$kept/$set.new/"
    rm -rf "$root"
    (cd "$kept/$set.new" && dpkg-scanpackages . 2>/dev/null >Packages)
    chmod -R a+rX "$kept/$set.new"
    mv "$kept/$set.new" "$kept/$set"
}

# install_script PACKAGE…: what RUN does, and real root: from the repository in /repo alone.
install_script() {
    cat <<SCRIPT
set -e
export DEBIAN_FRONTEND=noninteractive
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/repo ./' >/etc/apt/sources.list
apt-get -qq update
apt-get -qq -y --no-install-recommends install $*
SCRIPT
}
