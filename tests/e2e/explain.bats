#!/usr/bin/env bats
# --explain-cache: a line for each kind of change, and the same for programs.

load lib

setup_file() {
    world=$BATS_FILE_TMPDIR
    export world
    mkdir -p "$world/base/bin" "$world/base/etc" "$world/base/tmp"
    cp /bin/busybox "$world/base/bin/busybox"
    for name in sh cat echo; do ln -s busybox "$world/base/bin/$name"; done
    printf 'root:x:0:0:root:/root:/bin/sh\napp:x:100:100::/:/bin/sh\n' >"$world/base/etc/passwd"
    printf 'root:x:0:\napp:x:100:\n' >"$world/base/etc/group"
    printf 'FROM scratch\nCOPY . /\n' >"$world/Dockerfile"
    export LADE_STORE=$world/store LADE_CACHE=$world/cache HOME=$world/home XDG_RUNTIME_DIR=$world/home
    mkdir -p "$HOME"
    unset SOURCE_DATE_EPOCH
    lade build -q -f "$world/Dockerfile" -t base:1 "$world/base"
    cd "$world" || return 1
    project
    lade build -q -t first --cache-to type=local,dest="$world/shared" project
    cp -a cache known
}

# One stage that makes something of files, an argument, mounts; one that takes it.
project() {
    rm -rf project
    mkdir -p project/src project/d
    echo a >project/src/main.c
    echo b >project/src/util.c
    ln -s main.c project/src/link
    echo x >project/d/x
    cat >project/Dockerfile <<'END'
FROM base:1 AS build
ARG VERSION=1
ENV MODE=fast
WORKDIR /w
COPY src src
RUN --mount=type=bind,target=/ctx,source=d --mount=type=cache,target=/cc,id=c --mount=type=secret,id=token \
    cat src/main.c > out
FROM base:1
COPY d /d
COPY --from=build /w/out /out
RUN --mount=type=bind,from=build,source=/w,target=/from echo last > /last
END
}

# What this machine knows is what the first build left.
setup() {
    fresh
    export LADE_STORE=$world/store LADE_CACHE=$BATS_TEST_TMPDIR/cache
    knows
}
knows() {
    rm -rf "$LADE_CACHE"
    cp -a "$world/known" "$LADE_CACHE"
    project
}

# row CHANGE STEP PATTERN [OPTION]…: after the change to what the first build left, the causes that are told of the step.
row() {
    local change=$1 step=$2 pattern=$3 said
    shift 3
    knows
    eval "$change"
    lade build -q --explain-cache --metadata-file meta -t now "$@" project >out 2>log || { cat log; return 1; }
    said=$(grep -F "cache: [$step]" log | sed -n 's/^.*, because: \(.*\) (compared with this machine)$/\1/p')
    if ! grep -Eqx -- "$pattern" <<<"$said"; then
        echo "after $change $*: \"$said\" and not \"$pattern\""
        cat log
        return 1
    fi
    sound
}
edit() { sed -i "$1" project/Dockerfile; }
sha='[0-9a-f]{12}'

# The metadata has its form: doc/cache.md.
sound() {
    jq -e '."lade.cache".explained as $e | ($e | length) > 3 and ([$e[] | [.stage, .number]] | . == sort) and
        all($e[]; (.step | type) == "string" and (.stage | type) == "number" and (.number | type) == "number") and
        all($e[] | select(.outcome == "taken" or .outcome == "same"); (.from | type) == "string") and
        all($e[] | select(.outcome == "run" or .outcome == "read"); (.causes | length) > 0 and (.causes | length) == (.differs | length)) and
        ([$e[].outcome] - ["taken", "same", "run", "read"] == []) and
        ([$e[].differs // [] | .[] | .kind] - ["file", "more", "variable", "command", "source", "destination", "directory", "user",
            "platform", "epoch", "flag", "hosts", "form", "version", "base", "image", "mount", "layer", "steps", "stage", "no-cache",
            "unknown", "lost"] == [])' meta >/dev/null || { jq '."lade.cache"' meta; return 1; }
}
# cause FILTER: it holds of one of the causes that were told last.
cause() {
    jq -e "[.\"lade.cache\".explained[].differs // [] | .[]] | any($1)" meta >/dev/null || { jq '."lade.cache"' meta; return 1; }
}

@test "files of a COPY, by what is otherwise about them" {
    row 'echo c >project/src/main.c' 'build 4/4' "w/src/main.c: content $sha → $sha"
    cause '.kind == "file" and .name == "w/src/main.c" and .what == "content" and ([.old, .new] | all(test("^sha256:[0-9a-f]{64}$")))'
    row 'chmod 755 project/src/main.c' 'build 4/4' 'w/src/main.c: mode 0644 → 0755'
    cause '.kind == "file" and .what == "mode" and .old == "0644" and .new == "0755"'
    row 'chmod 600 project/src/util.c; echo c >project/src/util.c' 'build 3/4' \
        "w/src/util.c: content $sha → $sha; w/src/util.c: mode 0644 → 0600"
    row 'ln -sfn util.c project/src/link' 'build 4/4' 'w/src/link: the link leads elsewhere'
    row 'mv project/src/util.c project/src/other.c' 'build 4/4' 'w/src/other.c: new; w/src/util.c: gone'
    row 'rm project/src/link; mkdir project/src/link' 'build 4/4' 'w/src/link: link → directory'
    row "edit 's/^COPY src/COPY --chown=1:2 src/'" 'build 4/4' '.*w/src/main.c: owner 0:0 → 1:2.*'
    row '(cd project/src && touch new1 new2 new3 new4 new5 new6 new7 new8 new9 new10 new11)' 'build 4/4' '.*; w/src/new8: new; and 1 more'
    if setfattr -n user.x -v y project/src/main.c 2>/dev/null; then
        row 'setfattr -n user.x -v y project/src/main.c' 'build 4/4' 'w/src/main.c: other extended attributes'
    fi
}

@test "stages that begin alike: files are compared with those of the same COPY" {
    printf '%s\n' 'FROM base:1 AS one' 'COPY src /one' 'RUN cat /one/main.c' 'FROM base:1' 'COPY d /two' 'RUN cat /two/x' 'COPY --from=one /one /three' \
        >project/Dockerfile
    lade build -q -t now project
    echo c >project/src/main.c
    echo y >project/d/x
    lade build -q --explain-cache -t now project 2>log
    grep -Eq "cache: \[one 2/3\] .*: read, because: one/main.c: content $sha → $sha \(compared" log
    grep -Eq "cache: \[stage-1 2/4\] .*: read, because: two/x: content $sha → $sha \(compared" log
}

@test "what mounts show, and the mounts" {
    row 'echo y >project/d/x' 'build 4/4' "mount /ctx: x: content $sha → $sha"
    cause '.kind == "file" and .mount == "/ctx" and .name == "x" and .what == "content"'
    row 'mv project/d/x project/d/z; chmod 700 project/d' 'build 4/4' \
        'mount /ctx: mode 0755 → 0700; mount /ctx: x: gone; mount /ctx: z: new'
    row 'echo c >project/src/util.c' 'stage-1 4/4' "mount /from: src/util.c: content $sha → $sha"
    row "edit 's/source=d/source=d,rw/'" 'build 4/4' 'mount /ctx: read-write, was read-only'
    row "edit 's/,id=c / /'" 'build 4/4' 'mount /cc: id /cc, was any'
    row "edit 's,^RUN --mount,RUN --mount=type=tmpfs\,target=/a --mount,'" 'build 4/4' 'mount /a \(type=tmpfs\) is new'
    cause '.kind == "mount" and .name == "/a" and .what == "new"'
    row "edit 's/--mount=type=cache[^ ]*//'" 'build 4/4' 'mount /cc \(type=cache\) is gone'
    row "edit 's,target=/ctx,target=/other,'" 'build 4/4' 'mount /other: target /other, was /ctx'
    row "edit 's,type=cache\,target=/cc\,id=c,type=tmpfs\,target=/cc,'" 'build 4/4' 'mount /cc: type tmpfs, was cache'
}

@test "arguments, variables, the command, flags: no values of variables" {
    row true 'build 4/4' 'VERSION has another value' --build-arg VERSION=s3cret
    row "edit 's/VERSION=1/VERSION=s3cret/'" 'build 4/4' 'VERSION has another value'
    row "edit 's/MODE=fast/MODE=s3cret/'" 'build 4/4' 'MODE has another value'
    cause '.kind == "variable" and .name == "MODE" and .what == "value"'
    run ! grep s3cret meta log
    row "edit '/^ENV/d'" 'build 4/4' 'MODE is no longer set'
    row "edit 's/^ENV.*/&\nENV MORE=s3cret/'" 'build 4/4' 'MORE is set'
    row "edit 's/> out/>out/'" 'build 4/4' 'the command is another one'
    row "edit 's/^WORKDIR.*/&\nSHELL [\"\/bin\/sh\", \"-ec\"]/'" 'build 4/4' 'the command is another one'
    row "edit 's/^COPY d.*/&\nUSER app/'" 'stage-1 4/4' 'user: 100:100, was 0:0'
    row "edit 's,^COPY d.*,&\nWORKDIR /tmp,'" 'stage-1 5/5' 'directory: /tmp, was /'
    row "edit 's/^RUN --mount=type=bind,from/RUN --network=none --mount=type=bind,from/'" 'stage-1 4/4' 'network: none, was host'
    row "edit 's/^RUN --mount=type=bind,from/RUN --security=insecure --mount=type=bind,from/'" 'stage-1 4/4' \
        'security: insecure, was sandbox' --allow security.insecure
    row true 'build 4/4' 'the host names \(--add-host\) are not what they were' --add-host a:1.2.3.4
    row true 'build 4/4' 'SOURCE_DATE_EPOCH: 1700000000, was 315532800' --source-date-epoch 1700000000
    row 'echo c >project/src/main.c' 'build 4/4' "w/src/main.c: content $sha → $sha; VERSION has another value" --build-arg VERSION=2
    row "edit 's/^COPY --from/COPY --chmod=700 --link --from/'" 'stage-1 3/4' '--chmod: 700, was \(none\); --link: yes, was no'
    row "edit 's,/w/out /out,/w/src/main.c /else,'" 'stage-1 3/4' \
        'source: /w/src/main.c, was /w/out; destination: /else, was /out'
    row true 'stage-1 4/4' 'layers are now to be in the form of estargz' --compression estargz
}

@test "the base, the steps before, other caches, and none" {
    echo more >"$world/base/more"
    lade build -q -f "$world/Dockerfile" -t base:2 "$world/base"
    row "edit 's/base:1/base:2/'" 'build 4/4' 'the base image is another one: base:1 sha256:[0-9a-f]+ → base:2 sha256:[0-9a-f]+'
    cause '.kind == "base" and .name == "base:2" and ([.old, .new] | all(test("^sha256:[0-9a-f]{64}$")))'
    row "edit 's/base:1/base:2/'; echo c >project/src/main.c" 'build 4/4' "the base image.*base:2 sha256:[0-9a-f]+; w/src/main.c: content .*"
    row "edit '/^FROM base:1\$/s/1/2/'" 'stage-1 3/4' 'the base image is another one: base:1 .*'
    row "edit '/AS build/s/1/2/'; echo c >project/src/main.c" 'stage-1 3/4' 'the base image of the stage that it takes files from is another one: base:1 .*'
    row "edit 's/^RUN --mount=type=bind,target/RUN echo >new\n&/'" 'build 5/5' 'a step before it is new'
    row "edit '/^COPY d/d'" 'stage-1 3/3' 'a step before it is gone'
    row "edit 's/^COPY src.*/COPY d else\n&/'" 'build 5/5' 'a step before it is new: COPY d else'
    row "edit 's/cat src.main.c/echo b/'" 'stage-1 3/4' 'a step of the stage that it takes files from made another layer'
    knows
    edit 's/AS build/AS other/; s/from=build/from=other/'
    lade build -q --explain-cache -t now project 2>log
    [ "$(grep -c ': taken from this machine$' log)" -eq 3 ]
    [ "$(grep -c ': the same files as this machine knows$' log)" -eq 2 ]
    lade build -q --explain-cache --metadata-file meta --no-cache-filter other -t now project 2>&1 |
        grep 'other 4/4.*caches are not to be used for it (--no-cache, --no-cache-filter)'
    sound
    # A name that leads elsewhere now.
    lade build -q -f "$world/Dockerfile" -t base:3 "$world/base"
    project && edit 's/base:1/base:3/'
    lade build -q -t now project
    echo still more >"$world/base/more"
    lade build -q -f "$world/Dockerfile" -t base:3 "$world/base"
    lade build -q --explain-cache -t now project 2>&1 |
        grep 'build 4/4.*the base image is another one: base:3 sha256:[0-9a-f]* → sha256:[0-9a-f]* (compared'
}

@test "what a cache of others knows is told in the same words" {
    rm -rf "$LADE_CACHE"
    echo y >project/d/x
    chmod 755 project/src/main.c
    lade build -q --explain-cache --metadata-file meta --cache-from type=local,src="$world/shared" -t now project 2>log
    grep "build 3/4.*: read, because: w/src/main.c: mode 0644 → 0755 (compared with $world/shared" log
    grep "build 4/4.*: run, because: w/src/main.c: mode 0644 → 0755; mount /ctx: x: content .* (compared with $world/shared" log
    grep 'stage-1 4/4.*mount /from: src/main.c: mode 0644 → 0755' log
    sound
    rm -rf "$LADE_CACHE"
    project
    lade build -q --explain-cache --metadata-file meta --cache-from type=local,src="$world/shared" -t now project 2>log
    [ "$(grep -c ": taken from $world/shared" log)" -eq 3 ]
    sound
    rm -rf "$LADE_CACHE"
    lade build -q --explain-cache --cache-from type=local,src="$world/shared" --compression zstd -t now project 2>&1 |
        grep 'stage-1 4/4.*the cache has its layer as lade-deflate/[0-9.]* default only, and it is to be zstd/'
    rm -rf "$LADE_CACHE"
    lade build -q --explain-cache --metadata-file meta -t now project 2>log
    [ "$(grep -c ': run, because: no cache knows a step like it$' log)" -eq 3 ]
    [ "$(grep -c ': read, because: no cache knows files like these$' log)" -eq 2 ]
    sound
}

@test "a build that fails is explained too" {
    edit 's/> out/> out; cat nothing/'
    run ! lade build -q --explain-cache -t now project
    [[ $output == *'build 4/4'*'run, because: the command is another one'* ]]
}
