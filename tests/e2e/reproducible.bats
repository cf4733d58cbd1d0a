#!/usr/bin/env bats
# The same context, Dockerfile and time give the same manifest digest, whatever the machine, the user and the moment are.

load lib

setup_file() {
    # Not below the directory of bats: other users must get here.
    export WORLD
    WORLD=$(mktemp -d)
    chmod 755 "$WORLD"
    mkdir "$WORLD/bin" "$WORLD/stores" "$WORLD/caches"
    chmod 1777 "$WORLD" "$WORLD/stores" "$WORLD/caches"
    install -m 755 "$LADE_BIN" "$WORLD/bin/lade"
    umask 022
    "$support/maketree" "$WORLD/context" --files 120 --bytes 400000 --kinds --seed 7
    cat >"$WORLD/context/Dockerfile" <<'DOCKERFILE'
FROM scratch AS parts
COPY . /all/
COPY --chmod=u=rwX,go=rX f* d[0-9]* /again/
FROM scratch
ARG VERSION=1
ENV PATH=/bin VERSION=$VERSION
WORKDIR /srv
COPY --chown=1000:1000 . app/
COPY --from=parts /all /copied
ADD part.tar.gz /unpacked/
COPY <<EOT /etc/made
here
EOT
LABEL version=$VERSION
CMD ["/srv/app/start"]
DOCKERFILE
    printf '**/*.json\n!d0/**\n' >"$WORLD/context/.dockerignore"
    tar -C "$WORLD/context" --mtime=@1500000000 --owner=5 --group=6 -czf "$WORLD/part.tar.gz" empty sticky setuid
    mv "$WORLD/part.tar.gz" "$WORLD/context"
    DIGEST=$(LADE_STORE=$WORLD/stores/first LADE_CACHE=$WORLD/caches/first lade build -q "$WORLD/context")
    [[ $DIGEST =~ ^sha256:[0-9a-f]{64}$ ]]
    export DIGEST
}
teardown_file() { rm -rf "$WORLD"; }
setup() {
    fresh
    cp -a "$WORLD/context" context
}

# gives COMMAND…: it prints the digest of setup_file, from an empty store.
gives() {
    run --separate-stderr "$@"
    [ "$status" -eq 0 ] || { echo "exit $status: $stderr"; return 1; }
    same digests "$output" "$DIGEST"
}

@test "another directory and another name of it" {
    mkdir -p "deep/er directory/with blanks"
    mv context "deep/er directory/with blanks/context-2"
    gives lade build -q "deep/er directory/with blanks/context-2"
    rm -rf "$LADE_STORE"
    cd "deep/er directory/with blanks/context-2"
    gives lade build -q .
    rm -rf "$LADE_STORE"
    gives lade build -q -f ../context-2/./Dockerfile "$PWD"
}

@test "the context as a tar on standard input" {
    # As with BuildKit, what is in a tar is the context: no ignore file is looked for.
    rm context/.dockerignore
    DIGEST=$(lade build -q context)
    rm -rf "$LADE_STORE"
    gives lade build -q - < <(tar -C context -c .)
    rm -rf "$LADE_STORE"
    gives lade build -q - < <(tar -C context --sort=name --owner=77 --group=88 -cz .)
}

@test "the umask of lade" {
    local mask
    for mask in 000 077 027; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        (
            umask "$mask"
            gives lade build -q context
        )
    done
}

@test "locale and time zone" {
    local value
    for value in C POSIX C.UTF-8 xx_YY.ISO-8859-1; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        gives env LC_ALL="$value" LANG="$value" lade build -q context
    done
    for value in UTC Asia/Kathmandu America/St_Johns EST5EDT,M3.2.0,M11.1.0 nonsense; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        gives env TZ="$value" lade build -q context
    done
}

@test "--jobs, and a cache that is there already" {
    local jobs
    for jobs in 1 2 8; do
        rm -rf "$LADE_STORE"
        gives lade build -q --jobs "$jobs" context
    done
    gives lade build -q context
    gives lade build -q --no-cache context
}

@test "file times, and no HOME" {
    find context -exec touch -h -d '2001-02-03 04:05:06.789' {} +
    gives env -u HOME -u XDG_DATA_HOME -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_RUNTIME_DIR -u DOCKER_CONFIG lade build -q context
    rm -rf "$LADE_STORE"
    find context -type f -exec touch -d '2037-12-31' {} +
    gives lade build -q context
}

@test "a sparse environment" {
    gives env -i PATH="$PATH" LADE_STORE="$LADE_STORE" LADE_CACHE="$LADE_CACHE" lade build -q context
    rm -rf "$LADE_STORE"
    gives env -i LADE_STORE="$LADE_STORE" LADE_CACHE="$LADE_CACHE" "$LADE_BIN" build -q context </dev/null
}

@test "another user, who owns the files" {
    [ "$(id -u)" -eq 0 ] || skip "only root can be another user"
    mkdir "$WORLD/nobody"
    chown 65534:65534 "$WORLD/nobody"
    nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }
    export LADE_STORE=$WORLD/stores/nobody LADE_CACHE=$WORLD/caches/nobody
    tar -C context -c . | nobody tar -C "$WORLD/nobody" -xp
    cd "$WORLD/nobody"
    [ "$(stat -c %u Dockerfile)" -eq 65534 ]
    gives nobody "$WORLD/bin/lade" build -q .
}

@test "the order in which a directory is read" {
    [ -w /dev/fuse ] || skip "no /dev/fuse for this user"
    local way
    mkdir mount
    for way in --reverse-dirents=yes --shuffle-dirents=yes --sort-dirents=yes; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        disorderfs -q --multi-user=no "$way" context mount 3>&- || skip "no FUSE here"
        run lade build -q --progress quiet mount
        fusermount -u mount
        same digests "$output" "$DIGEST"
    done
}

@test "the clock" {
    local when
    for when in '1999-12-31 23:59:59' '2040-06-01 00:00:00'; do
        rm -rf "$LADE_STORE" "$LADE_CACHE"
        # The sanitizers want to be loaded first, which faketime does not know.
        gives env ASAN_OPTIONS=verify_asan_link_order=0 faketime -f "$when" lade build -q context
    done
    # The clock is what lade sees: without a fixed time, it stands in the image.
    env ASAN_OPTIONS=verify_asan_link_order=0 faketime -f "$when" lade build -q -t clock --source-date-epoch none context
    [[ $(lade inspect --config clock | jq -r .created) == 2040-06-01T00:00:00* ]]
}

@test "another time is another image; each way to say it is the same" {
    local digest
    digest=$(lade build -q --source-date-epoch 1700000000 -t a context)
    [ "$digest" != "$DIGEST" ]
    [ "$(lade inspect --config a | jq -r .created)" = 2023-11-14T22:13:20Z ]
    same digests "$(SOURCE_DATE_EPOCH=1700000000 lade build -q context)" "$digest"
    same digests "$(lade build -q --build-arg SOURCE_DATE_EPOCH=1700000000 context)" "$digest"
    same digests "$(SOURCE_DATE_EPOCH=5 lade build -q --source-date-epoch 1700000000 context)" "$digest"
    same digests "$(lade build -q --source-date-epoch 315532800 context)" "$DIGEST"
    fails 2 SOURCE_DATE_EPOCH -- env SOURCE_DATE_EPOCH=tomorrow lade build -q context
}

@test "--source-date-epoch git is the time of the commit, wherever it is checked out" {
    git init -q repository
    mv context/* context/.dockerignore repository/
    (
        cd repository
        rm -rf empty # git keeps no empty directories
        mkdir empty
        git -c user.name=a -c user.email=a@b add -A
        GIT_AUTHOR_DATE='1600000000 +0200' GIT_COMMITTER_DATE='1600000000 +0200' \
            git -c user.name=a -c user.email=a@b commit -q -m one
    )
    lade build -q -t a --source-date-epoch git repository
    [ "$(lade inspect --config a | jq -r .created)" = 2020-09-13T12:26:40Z ]
        echo 'FROM scratch' >repository/empty/Dockerfile
    lade build -q -t b --source-date-epoch git repository/empty
    [ "$(lade inspect --config b | jq -r .created)" = 2020-09-13T12:26:40Z ]
    mkdir plain
    echo 'FROM scratch' >plain/Dockerfile
    fails 3 "not a git repository" -- env GIT_CEILING_DIRECTORIES="$PWD" lade build --source-date-epoch git plain
}

@test "--source-date-epoch git runs no program that the repository names" {
    git init -q repository
    echo 'FROM scratch' >repository/Dockerfile
    printf '#!/bin/sh\ntouch %q\n' "$PWD/ran" >program
    chmod +x program
    (
        cd repository
        git add -A
        git -c user.name=a -c user.email=a@b commit -q -m one
        commit=$(git cat-file commit HEAD |
            sed '/^committer/a gpgsig -----BEGIN PGP SIGNATURE-----\n \n a\n -----END PGP SIGNATURE-----' |
            git hash-object -t commit -w --stdin)
        git update-ref HEAD "$commit"
        git config log.showSignature true
        git config gpg.program "$OLDPWD/program"
        git log -1 >/dev/null 2>&1 || true
    )
    [ -e ran ] # else this test shows nothing
    rm ran
    lade build -q --source-date-epoch git repository
    [ ! -e ran ]
}

@test "--source-date-epoch none keeps the real times of files" {
    echo 'FROM scratch' >context/Dockerfile
    echo 'COPY f* /' >>context/Dockerfile
    echo >context/first
    touch -d @1234567890 context/first
    lade build -q -t a --source-date-epoch none -o - context | tar tv --full-time --utc first | grep 2009-02-13
}
