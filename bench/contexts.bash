# What is built: contexts and base images, made below $work. The same machine makes the same ones.
# shellcheck shell=bash disable=SC2154 # what bench/run sets

# The end of every Dockerfile here, so that each tool also writes a config.
dockerfile() {
    printf 'FROM %s\nWORKDIR /app\n' "$1"
    printf '%s\n' "${@:2}" 'ENV NODE_ENV=production' 'CMD ["node", "/app/src/index.js"]'
}

# sources DIR COUNT: files as people write them, 200 bytes to 5 kB, in directories of 32.
sources() {
    awk -v dir="$1" -v count="$2" 'BEGIN {
        srand(7)
        for (i = 0; i < count; i++) {
            if (i % 32 == 0)
                system(sprintf("mkdir -p %s/part%02d", dir, i / 32))
            file = sprintf("%s/part%02d/module%04d.js", dir, i / 32, i)
            lines = 4 + int(rand() * rand() * 130)
            for (line = 0; line < lines; line++)
                printf "const value%d = require(\"../lib\").f%d(%d, \"%x\");\n", line, rand() * 99, rand() * 9999, rand() * 1e9 > file
            close(file)
        }
    }'
    echo 'module.exports = 1;' >"$1/index.js"
}

make_small() {
    [ ! -e "$work/small" ] || return 0
    mkdir -p "$work/small/app"
    sources "$work/small/app/src" "$((tiny ? 100 : 1000))"
    dockerfile "$base_small" 'COPY app .' >"$work/small/Dockerfile"
}

# node_modules of package.json. What npm installed is kept in the cache directory, because the network is slow and packages move.
make_node_modules() {
    local cache kept
    cache=${XDG_CACHE_HOME:-$real_home/.cache}/lade-bench
    kept=$cache/node_modules-$(sha256sum "$here/package.json" | cut -c1-16).tar
    if [ ! -e "$kept" ]; then
        mkdir -p "$cache" "$work/npm"
        cp "$here/package.json" "$work/npm/"
        say "npm install"
        if (cd "$work/npm" && HOME=$real_home timeout 600 npm install --ignore-scripts --no-audit --no-fund --loglevel=error) \
            >"$work/npm.log" 2>&1; then
            tar -C "$work/npm" --sort=name -cf "$kept.new" node_modules
            mv "$kept.new" "$kept"
        else
            tail -3 "$work/npm.log" >&2
        fi
        rm -rf "$work/npm"
    fi
    if [ -e "$kept" ]; then
        tar -C "$1" -xf "$kept"
        return
    fi
    note "npm has no network: node_modules is made of generated text, not of packages, and compresses otherwise than they do"
    for package in $(seq -w 1 25); do
        sources "$1/node_modules/package$package/lib" 1000
        cat "$1/node_modules/package$package"/lib/part*/*.js >"$1/node_modules/package$package/bundle.js"
    done
}

make_nodeapp() {
    [ ! -e "$work/nodeapp" ] || return 0
    mkdir -p "$work/nodeapp/app"
    sources "$work/nodeapp/app/src" "$((tiny ? 100 : 1000))"
    cp "$here/package.json" "$work/nodeapp/app/"
    make_node_modules "$work/nodeapp/app"
    if ((tiny)); then
        find "$work/nodeapp/app/node_modules" -mindepth 1 -maxdepth 1 ! -name 'a*' -exec rm -rf {} +
    fi
    dockerfile "$base_small" 'COPY app .' >"$work/nodeapp/Dockerfile"
    dockerfile "$base_small" 'COPY app/package.json ./' 'COPY app/node_modules ./node_modules' 'COPY app/src ./src' \
        >"$work/nodeapp/Dockerfile.split"
}

# binaries DIR NAME BYTES COUNT SKIP: COUNT files of BYTES each out of the largest executables and libraries of this machine's
# packages, largest first, from byte SKIP of them on.
binaries() {
    local number all=$work/binaries
    if [ ! -e "$all" ]; then
        find /usr/bin /usr/sbin /usr/lib/"$(uname -m)"-linux-gnu /usr/lib/llvm-* -xdev -type f -size +1M -printf '%s %p\n' 2>/dev/null |
            sort -k1,1rn -k2 | head -n 200 | cut -d' ' -f2- | tr '\n' '\0' | xargs -0 cat 2>/dev/null |
            head -c "$((big * 9 / 4))" >"$all" || true # head ends the others
    fi
    if [ "$(stat -c %s "$all")" -lt $(($5 + $3 * $4)) ]; then
        echo "bench: this machine has too few large programs: $(stat -c %s "$all") bytes" >&2
        exit 1
    fi
    mkdir -p "$1"
    for ((number = 0; number < $4; number++)); do
        tail -c "+$(($5 + number * $3 + 1))" "$all" | head -c "$3" >"$1/$2$((number + 1)).so" || true
        chmod 755 "$1/$2$((number + 1)).so"
    done
}

make_bigbin() {
    [ ! -e "$work/bigbin" ] || return 0
    binaries "$work/bigbin/app" library $((big / 3)) 3 0
    dockerfile "$base_small" 'COPY app .' >"$work/bigbin/Dockerfile"
    # One layer for each, for the push.
    dockerfile "$base_small" 'COPY app/library1.so ./' 'COPY app/library2.so ./' 'COPY app/library3.so ./' \
        >"$work/bigbin/Dockerfile.split"
}

make_onbase() {
    [ ! -e "$work/onbase" ] || return 0
    binaries "$work/onbase/app" addition $((big / 50)) 1 $((big * 2))
    dockerfile "$base_big" 'COPY app .' >"$work/onbase/Dockerfile"
}

# base_push NAME DIRECTORY…: an image of one layer for each, made by umoci, in the registry as $registry/NAME:1 and in $work/layout/NAME.
base_push() {
    local name=$1 part
    umoci init --layout "$work/layout/$name"
    umoci new --image "$work/layout/$name:1"
    for part in "${@:2}"; do
        umoci insert --image "$work/layout/$name:1" "$part" / >/dev/null
    done
    umoci gc --layout "$work/layout/$name" >/dev/null
    skopeo copy --quiet --dest-tls-verify=false "oci:$work/layout/$name:1" "docker://$registry/$name:1"
}

base_layers() {
    skopeo inspect --raw --tls-verify=false "docker://$registry/$1:1" | jq -r '[.layers[].digest] | join(" ")'
}

# A base of a few megabytes with what tools look for in it.
make_base_small() {
    local tree=$work/base-small
    mkdir -p "$tree/etc" "$tree/bin" "$tree/tmp" "$tree/usr/lib"
    chmod 1777 "$tree/tmp"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
    echo 'root:x:0:' >"$tree/etc/group"
    cp -L /bin/bash /bin/tar /bin/ls "$tree/bin/"
    base_push base-small "$tree"
}

# 500 MB in three layers.
make_base_big() {
    [ ! -e "$work/layout/base-big" ] || return 0
    local part
    binaries "$work/base-big" part $((big / 3)) 3 $((big / 4))
    for part in 1 2 3; do
        mkdir -p "$work/base-big/$part/opt" "$work/base-big/$part/srv" # umoci pads no last file, but a directory needs no padding
        mv "$work/base-big/part$part.so" "$work/base-big/$part/opt/"
    done
    base_push base-big "$work/base-small" "$work/base-big/1" "$work/base-big/2" "$work/base-big/3"
    rm -rf "$work/base-big"
    touch "$marker"
}
