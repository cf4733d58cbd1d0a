# The work "run": Dockerfiles with RUN, built without a push: the result is the image in the tool's own storage. That of lade is compressed
# then and that of buildah is not, so this is buildah's better case. lade is an ordinary user without ranges of ids and emulates root;
# buildah is real root with overlay and chroot isolation, which is the fastest that it has. Both know the base, unpacked, and nothing else.
# shellcheck shell=bash disable=SC2034,SC2154 # `job` is for the caller; what bench/run sets

# shellcheck source=tests/run/debian.bash
source "$here/../tests/run/debian.bash"
kept=${XDG_CACHE_HOME:-$HOME/.cache}/lade-bench/debian
run_user=64321 # nobody has this id, and it needs no account
base_shell=base-shell:1 base_debian=base-debian:1 base_compiler=base-compiler:1
run_steps=10 run_sources=40

# --- bases and contexts ---------------------------------------------------------------------------------------------

# A shell, true, and the libraries that they need.
make_base_shell() {
    local tree=$work/base-shell file
    mkdir -p "$tree/bin" "$tree/etc" "$tree/tmp"
    chmod 1777 "$tree/tmp"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
    echo 'root:x:0:' >"$tree/etc/group"
    cp -L /bin/sh /bin/true "$tree/bin/"
    ldd /bin/sh /bin/true | grep -o '/[^ ]*' | tr -d : | sort -u | while read -r file; do
        [[ $file == *.so* ]] || continue
        mkdir -p "$tree$(dirname "$file")"
        cp -L "$file" "$tree$file"
    done
    base_push base-shell "$tree"
}

# make_debian NAME CONTEXT: build and push with a store and a cache that are thrown away.
make_debian() {
    "$lade" build --quiet --store "$work/maker/store" --cache "$work/maker/cache" -t "$registry/$1" --push "$2" >/dev/null
}

make_run_bases() {
    [ ! -e "$work/maker.done" ] || return 0
    local context=$work/maker/context set
    say "a Debian base, a repository and a compiler"
    make_base >&2
    for set in services toolchain; do
        make_repository "$set"
    done
    make_base_shell
    mkdir -p "$context"
    ln "$kept/base.tar" "$context/base.tar" 2>/dev/null || cp "$kept/base.tar" "$context/"
    printf '%s\n' 'FROM scratch' 'ADD base.tar /' >"$context/Dockerfile"
    make_debian "$base_debian" "$context"
    rm "$context/base.tar"
    cp -r "$kept/toolchain" "$context/repo"
    install_script gcc libc6-dev make >"$context/script"
    printf '%s\n' "FROM $registry/$base_debian" "$(install_line)" >"$context/Dockerfile"
    make_debian "$base_compiler" "$context"
    rm -rf "$work/maker"
    touch "$work/maker.done" "$marker"
}

install_line() {
    echo 'RUN --mount=type=bind,source=repo,target=/repo --mount=type=bind,source=script,target=/script sh /script'
}

# c_sources DIRECTORY COUNT: and a Makefile.
c_sources() {
    mkdir -p "$1"
    awk -v dir="$1" -v count="$2" 'BEGIN {
        srand(11)
        for (i = 0; i < count; i++) {
            file = sprintf("%s/part%02d.c", dir, i)
            print "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>" > file
            for (f = 0; f < 30; f++)
                printf "int part%d_%d(int n)\n{\n    char text[%d];\n    snprintf(text, sizeof text, \"%%d\", n * %d);\n" \
                       "    return (int)strlen(text) + abs(n);\n}\n", i, f, 16 + int(rand() * 99), 1 + int(rand() * 999) > file
            close(file)
        }
        file = dir "/main.c"
        for (i = 0; i < count; i++)
            printf "int part%d_0(int n);\n", i > file
        print "int main(void)\n{\n    int sum = 0;" > file
        for (i = 0; i < count; i++)
            printf "    sum += part%d_0(%d);\n", i, i > file
        print "    return sum == 0;\n}" > file
    }'
    # shellcheck disable=SC2016 # for make
    printf 'program: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\t$(CC) -o $@ $^\n' >"$1/Makefile"
}

make_run_contexts() {
    local step
    [ ! -e "$work/true" ] || return 0
    mkdir -p "$work/true" "$work/apt" "$work/cc" "$work/stages"
    # Each command is another, or it would be the same step.
    { echo "FROM $registry/$base_shell" && for ((step = 1; step <= run_steps; step++)); do echo "RUN true $step"; done; } >"$work/true/Dockerfile"
    cp -r "$kept/services" "$work/apt/repo"
    # shellcheck disable=SC2086 # words
    install_script ${packages[services]} >"$work/apt/script"
    printf '%s\n' "FROM $registry/$base_debian" "$(install_line)" >"$work/apt/Dockerfile"
    c_sources "$work/cc/app" "$run_sources"
    printf '%s\n' "FROM $registry/$base_compiler" 'WORKDIR /app' 'COPY app .' 'RUN make -j2 && ./program' >"$work/cc/Dockerfile"
    c_sources "$work/stages/one" "$((run_sources / 2))"
    c_sources "$work/stages/two" "$((run_sources / 2))"
    # Two stages of the same files are one piece of work to whoever sees that.
    echo one >"$work/stages/one/name"
    echo two >"$work/stages/two/name"
    printf '%s\n' "FROM $registry/$base_compiler AS one" 'WORKDIR /app' 'COPY one .' 'RUN make && ./program' \
        "FROM $registry/$base_compiler AS two" 'WORKDIR /app' 'COPY two .' 'RUN make && ./program' \
        "FROM $registry/$base_shell" 'COPY --from=one /app/program /bin/one' 'COPY --from=two /app/program /bin/two' 'RUN one && two' \
        >"$work/stages/Dockerfile"
    chmod -R a+rX "$work/true" "$work/apt" "$work/cc" "$work/stages"
}

# --- tools ----------------------------------------------------------------------------------------------------------

# The directories of the benchmark are nobody else's; this user comes through to its own.
run_setup() {
    chmod 711 "$work"
    as_user=(setpriv --reuid "$run_user" --regid "$run_user" --clear-groups --inh-caps=-all --bounding-set=-all
        env -i PATH=/usr/bin:/bin HOME="$work/user" LADE_STORE="$work/user/store" LADE_CACHE="$work/user/cache")
}

# run_know BASE…: both have these, unpacked.
run_know() {
    local base number=0
    rm -rf "$work/user" "$work/user-fresh"
    install -d -m 700 -o "$run_user" -g "$run_user" "$work/user"
    buildah_forget
    mkdir -p "$work/probe"
    for base in "$@"; do
        number=$((number + 1))
        printf 'FROM %s\nRUN true\n' "$registry/$base" >"$work/probe/Dockerfile"
        "${as_user[@]}" "$lade" build --quiet -t "probe:$number" "$work/probe" >/dev/null
        "${as_user[@]}" "$lade" rm "probe:$number" >/dev/null 2>&1
        buildah "${containers[@]}" pull --quiet --tls-verify=false "$registry/$base" >/dev/null
    done
    rm -rf "$work/user/cache/steps"
    ls "$work/user/cache/unpacked" >"$work/user-unpacked"
    run_bases=("$@")
    (cd "$work/user" && tar -cf "$work/user-fresh.tar" --exclude=cache/unpacked .)
}

# Everything as run_know left it; the unpacked bases themselves stay where they are, or each reset would copy them.
run_lade_reset() {
    find "$work/user/cache/unpacked" -mindepth 1 -maxdepth 1 | while read -r entry; do
        grep -qxF "${entry##*/}" "$work/user-unpacked" || rm -rf "$entry"
    done
    find "$work/user" "$work/user/cache" -mindepth 1 -maxdepth 1 ! -path "$work/user/cache" ! -path "$work/user/cache/unpacked" -exec rm -rf {} +
    tar -C "$work/user" -xpf "$work/user-fresh.tar"
}
run_buildah_reset() {
    local base id
    buildah "${containers[@]}" rm -a >/dev/null 2>&1 || true
    for base in "${run_bases[@]}"; do
        buildah "${containers[@]}" images --quiet --no-trunc "$registry/$base"
    done >"$work/buildah-bases"
    for id in $(buildah "${containers[@]}" images --all --quiet --no-trunc | sort -u); do
        grep -qxF "$id" "$work/buildah-bases" || buildah "${containers[@]}" rmi -f "$id" >/dev/null 2>&1 || true
    done
}
run_lade_job() {
    job=("${as_user[@]}" "$lade" build --quiet -t "$registry/lade:1" "$work/$1")
}
run_buildah_job() {
    job=(buildah "${containers[@]}" bud --quiet --layers --jobs 2 --isolation chroot --tls-verify=false -t "$registry/buildah:1" "$work/$1")
}

# --- works ----------------------------------------------------------------------------------------------------------

run_first() { # TOOL CONTEXT
    "run_$1_reset"
    "run_$1_job" "$2"
}
run_true_lade() { run_first lade true; }
run_true_buildah() { run_first buildah true; }
run_apt_lade() { run_first lade apt; }
run_apt_buildah() { run_first buildah apt; }
run_cc_lade() { run_first lade cc; }
run_cc_buildah() { run_first buildah cc; }
# The same, until it is in the registry: there the layer is compressed by both.
run_pushed() { # TOOL CONTEXT
    "run_$1_reset"
    registry_reset
    "run_$1_pushed_job" "$2"
}
run_lade_pushed_job() {
    job=("${as_user[@]}" "$lade" build --quiet --push -t "$registry/lade:1" "$work/$1")
}
run_buildah_pushed_job() { # CONTEXT [OPTION…]
    job=(buildah "${containers[@]}" bud --quiet --layers --jobs 2 --isolation chroot --tls-verify=false "${@:2}" -t "$registry/buildah:1" "$work/$1"
        ::: buildah "${containers[@]}" push --quiet --tls-verify=false "$registry/buildah:1")
}
run_apt_pushed_lade() { run_pushed lade apt; }
run_apt_pushed_buildah() { run_pushed buildah apt; }
run_again_lade() { run_lade_job cc; }
run_again_buildah() { run_buildah_job cc; }
run_stages_lade() { run_first lade stages; }
run_stages_buildah() { run_first buildah stages; }

# The images of both have the same files.
run_compare() {
    "${as_user[@]}" "$lade" push --quiet "$registry/lade:1" >/dev/null
    buildah "${containers[@]}" push --quiet --tls-verify=false "$registry/buildah:1" 2>/dev/null
    "$here/content.py" "$registry" lade:1 --as buildah:1
    registry_reset
}

# run_both CONTEXT BASE…
run_both() {
    local tool
    run_know "${@:2}"
    for tool in lade buildah; do
        "run_$1_$tool"
        timed warm "run-$1" "$tool"
    done
    run_compare
    rounds "run-$1" lade buildah
}

run_run() {
    make_run_bases
    make_run_contexts
    run_setup
    run_both true "$base_shell"
    run_both apt "$base_debian"
    rounds run-apt-pushed lade buildah
    registry_reset
    run_both cc "$base_compiler"
    rounds run-again lade buildah
    run_both stages "$base_compiler" "$base_shell"
    buildah_forget
    rm -rf "$work/user"
    note "run: lade as a user without privilege (root is emulated), buildah as root with --layers --jobs 2 --isolation chroot; pushed only where it is said"
}

# --- a cache that another machine left ------------------------------------------------------------------------------

# Both build two stages of C on a machine that has nothing, not even the base, from the cache in the registry, and push.
cache_clean() {
    registry_reset
    rm -rf "$work/user"
    install -d -m 700 -o "$run_user" -g "$run_user" "$work/user"
    buildah_forget
}
cache_job_lade() { # CONTEXT
    job=("${as_user[@]}" "$lade" build --quiet --push -t "$registry/lade:1" "--$2" "type=registry,ref=$registry/lade-cache:1" "$work/$1")
}
cache_job_buildah() {
    run_buildah_pushed_job "$1" "--$2" "$registry/buildah-cache"
}
cache_all_lade() {
    cache_clean
    cache_job_lade stages cache-from
}
cache_all_buildah() {
    cache_clean
    cache_job_buildah stages cache-from
}
cache_source_lade() {
    cache_clean
    cache_job_lade changed cache-from
}
cache_source_buildah() {
    cache_clean
    cache_job_buildah changed cache-from
}

run_cache() {
    local tool
    make_run_bases
    make_run_contexts
    run_setup
    rm -rf "$work/changed"
    cp -r "$work/stages" "$work/changed"
    echo 'int changed;' >>"$work/changed/two/main.c"
    for tool in lade buildah; do
        cache_clean
        "cache_job_$tool" stages cache-to
        timed warm cache-write "$tool"
        touch "$marker"
    done
    rounds cache-all lade buildah
    rounds cache-source lade buildah
    buildah_forget
    rm -rf "$work/user"
    note "cache: built and pushed on a machine without base and images, from a cache in the registry that another one left"
}
