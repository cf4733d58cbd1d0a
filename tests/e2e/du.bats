#!/usr/bin/env bats
# What the cache and the store take, what prune removes of it, and the limit that the cache keeps to; also while others build.

load lib
load worlds

setup_file() { world_make; }
teardown_file() { world_remove; }

setup() {
    world_begin_alone
    echo one >context/file
    cat >context/Dockerfile <<'END'
FROM base
COPY file /file
RUN head -c 300000 /dev/zero >/made
RUN --mount=type=cache,target=/c head -c 200000 /dev/zero >/c/kept
END
    lade build -q -t app context
}
teardown() { cd / && rm -rf "$here"; }

# entries JQ-CONDITION [OPTION…]: how many entries there are of which it holds
entries() {
    local condition=$1
    shift
    lade du --format json "$@" | jq "[.entries[] | select($condition)] | length"
}
# used KIND AGE: all of the kind was used so long ago, as touch has it
used() { find "$LADE_CACHE/$1" \( -name boot -o -type f -path "*/$1/*" -prune \) -exec touch -h -d "$2" {} +; }

@test "du counts each kind, and says what is shared" {
    # shellcheck disable=SC2094 # json is also a word
    lade du --format json >json
    for kind in layers steps listings unpacked mounts blobs; do
        jq -e --arg k $kind '.kinds[] | select(.kind == $k) | .entries > 0 and .size > 0' json
    done
    jq -e '.total.size == ([.entries[].size] | add) and .total.entries == (.entries | length)' json
    jq -e '[.kinds[].size] | add == $total' --argjson total "$(jq .total.size json)" json
    jq -e '[.entries[] | select(.kind == "unpacked" and .shared)] | length > 0' json
    jq -e '[.entries[] | select(.kind == "mounts")] | length == 1 and .[0].size >= 200000 and .[0].mutable and .[0].reclaimable' json
    jq -e '[.entries[] | select(.description // "" | contains("/made"))] | length == 1' json
    # Both images have the base; all blobs are needed.
    jq -e '[.entries[] | select(.kind == "blobs" and .shared)] | length > 0' json
    jq -e '[.entries[] | select(.kind == "blobs" and .reclaimable)] | length == 0' json
    run lade du
    [[ ${lines[0]} =~ ^KIND\ +ENTRIES\ +SIZE\ +RECLAIMABLE\ +LAST\ USED$ ]]
    [[ $output == *"Reclaimable:"*"Total:"* ]]
    run lade du -v --filter type=exec.cachemount
    [[ ${lines[0]} =~ ^ID\ +TYPE\ +RECLAIMABLE\ +SHARED\ +SIZE\ +LAST\ USED\ +DESCRIPTION$ ]]
    [[ ${lines[1]} =~ ^mounts/[0-9a-f]{12}\ +exec.cachemount\ +true\ +false ]]
    # An id as it is shown finds the entry.
    same entries 1 "$(entries true --filter "id=$(awk '{ print $1 }' <<<"${lines[1]}")")"
    run ! grep ' $' <(lade du -v)
}

@test "a file with many names is counted once" {
    printf '%s\n' 'FROM base' 'RUN head -c 1000000 /dev/zero >/a && ln /a /b && ln /a /c && ln /a /d' 'RUN echo' >context/Dockerfile
    lade du --format json >before
    lade build -q -t linked context
    size=$(lade du --format json | jq '[.entries[] | select(.kind == "unpacked").size] | add')
    size=$((size - $(jq '[.entries[] | select(.kind == "unpacked").size] | add' before)))
    [ "$size" -ge 1000000 ]
    [ "$size" -lt 1200000 ]
}

@test "du of nothing, and filters that cannot be" {
    run lade du --cache "$here/none" --store "$LADE_STORE"
    same exit 0 "$status"
    same entries 0 "$(LADE_STORE=$here/nostore entries true --cache "$here/none")"
    fails 2 'unknown key "typ"' 'did you mean "type"' -- lade du --filter typ=regular
    fails 2 'there is no "exec.cachemunt"' -- lade du --filter type=exec.cachemunt
    fails 2 'until=TIME' -- lade prune --filter until=yesterday
    fails 2 'twice' -- lade prune --filter type=steps --filter type=index
    fails 2 'the same' -- lade prune --keep-storage 1 --reserved-space 1
    fails 2 '--max-used-space' -- lade prune --max-used-space lots
}

@test "a dry run says exactly what a run removes, and removes nothing" {
    local before
    lade build -q -t app --build-arg X=1 --label a=b context # blobs without a name
    for options in '--filter type=steps' '--filter until=30m' '--keep-storage 400kb' '--all' ''; do
        used unpacked '1 hour ago'
        before=$(find "$LADE_CACHE" "$LADE_STORE" -type f | sort)
        # shellcheck disable=SC2086
        lade prune --dry-run --format json $options >dry 2>said
        grep -q '^would free ' said
        same files "$before" "$(find "$LADE_CACHE" "$LADE_STORE" -type f | sort)"
        # shellcheck disable=SC2086
        lade prune --format json $options >wet
        same "what goes with $options" "$(jq -c '[.entries[].id]' dry)" "$(jq -c '[.entries[].id]' wet)"
        jq -r '.entries[] | select(.kind != "blobs") | .id' wet | while read -r id; do
            case $id in mounts/*) [ ! -e "$LADE_CACHE/$id/0" ] ;; *) [ ! -e "$LADE_CACHE/$id" ] ;; esac
        done
    done
    same "what is left of the cache" 0 "$(entries '.kind != "blobs"')"
    same "what images do not need" 0 "$(entries '.reclaimable')"
    lade verify
    same digests "$(lade build -q context)" "$(lade build -q --no-cache context)"
}

@test "nothing outside of the cache goes, whatever links to it" {
    local folder outside=$here/outside
    mkdir -p "$outside/d"
    echo precious >"$outside/d/f"
    printf 'FROM base\nRUN --mount=type=cache,id=l,target=/c ln -s %s /c/l; ln -s %s /l\n' "$outside" "$outside" >context/links
    lade build -q -f context/links context
    for folder in index layers steps listings unpacked mounts bases uploads; do
        mkdir -p "$LADE_CACHE/$folder"
        ln -s "$outside" "$LADE_CACHE/$folder/ours-sha256-$(printf %064d 1)"
        ln -s "$outside/d/f" "$LADE_CACHE/$folder/$(printf %064d 2)"
        ln -s "$outside" "$LADE_CACHE/$folder/.new-x"
    done
    lade prune --all
    [ "$(cat "$outside/d/f")" = precious ]
    for folder in index layers steps listings unpacked mounts bases uploads; do
        lade build -q context
        mkdir -p "$LADE_CACHE/$folder"
        mv "$LADE_CACHE/$folder" "$outside/$folder"
        ln -s "$outside/$folder" "$LADE_CACHE/$folder"
        find "$outside" | sort >before
        lade du >/dev/null
        lade prune --all
        same "what is in a folder elsewhere" "$(cat before)" "$(find "$outside" | sort)"
        rm "$LADE_CACHE/$folder"
    done
}

@test "a damaged cache is shown and removed" {
    local file digest
    digest=$(lade build -q context)
    for file in "$LADE_CACHE"/{steps,layers,listings}/* "$LADE_CACHE"/unpacked/*/index; do head -c 300 /dev/urandom >"$file"; done
    rm -r "$LADE_CACHE"/mounts/*/*
    echo >"$LADE_CACHE/bases/index.json"
    lade du
    lade prune --all
    [ -z "$(find "$LADE_CACHE" -mindepth 2 -type f ! -name trimmed)" ]
    same digests "$digest" "$(lade build -q context)"
    for file in index layers steps listings unpacked mounts uploads; do
        rm -rf "${LADE_CACHE:?}/$file"
        echo >"$LADE_CACHE/$file"
    done
    lade du
    lade prune --all
}

@test "filters by age and type, with sizes" {
    local mounts
    used unpacked '3 days ago'
    lade prune --filter until=96h
    [ "$(entries '.kind == "unpacked"')" -gt 0 ]
    lade prune --filter until=24h
    same unpacked 0 "$(entries '.kind == "unpacked"')"
    [ "$(entries '.kind == "steps"')" -gt 0 ] # used later, and their blobs are there
    mounts=$(entries '.kind == "mounts"')
    lade prune --filter until=0s
    same "caches of RUN" "$mounts" "$(entries '.kind == "mounts"')"
    lade prune --filter type=exec.cachemount --keep-storage 100mb
    same "caches of RUN" "$mounts" "$(entries '.kind == "mounts"')"
    lade prune --filter type=exec.cachemount
    same "caches of RUN" 0 "$(entries '.kind == "mounts"')"
    lade build -q --no-cache context
    lade prune --filter type!=exec.cachemount --max-used-space 0
    same "the rest" 0 "$(entries '.kind != "mounts" and .kind != "blobs" and .type != "internal"')"
    same "caches of RUN" 1 "$(entries '.kind == "mounts"')"
    lade build -q context
    lade prune --min-free-space 1 # there is as much
    [ "$(entries '.kind == "unpacked"')" -gt 0 ]
    lade prune --min-free-space 1000000tb --reserved-space 100mb
    [ "$(entries '.kind == "unpacked"')" -gt 0 ]
    lade prune --min-free-space 1000000tb
    same unpacked 0 "$(entries '.kind == "unpacked"')"
}

@test "a type of the cache does not wait for the store" {
    exec 8<"$LADE_STORE"
    flock -s 8
    timeout 20 "${user[@]}" "$LADE_BIN" prune --filter type=unpacked
    timeout 20 "${user[@]}" "$LADE_BIN" prune --dry-run --all
    exec 8<&-
    same unpacked 0 "$(entries '.kind == "unpacked"')"
}

@test "the cache keeps to its limit by itself, and a build never fails by it" {
    local digest
    digest=$(lade build -q context)
    [ -s "$LADE_CACHE/limit" ]
    [ "$(entries '.kind == "unpacked"')" -gt 0 ]
    same digests "$digest" "$(LADE_CACHE_LIMIT=300k lade build -q context)"
    [ "$(lade du --format json | jq '[.entries[] | select(.kind != "blobs") | .size] | add')" -lt 307200 ]
    # After an hour it is looked at again.
    touch -d '2 hours ago' "$LADE_CACHE/limit"
    same digests "$digest" "$(LADE_CACHE_LIMIT=300k lade build -q context)"
    [ -z "$(find "$LADE_CACHE/limit" -mmin +60)" ]
    # Nothing may stay, or be written there.
    same digests "$digest" "$(LADE_CACHE_LIMIT=0 lade build -q context)"
    same "what is left" 0 "$(entries '.kind != "blobs" and .kind != "bases"')"
    rm "$LADE_CACHE/limit"
    mkdir "$LADE_CACHE/limit"
    same digests "$digest" "$(LADE_CACHE_LIMIT=0 lade build -q context)"
    same digests "$digest" "$(LADE_CACHE_LIMIT=none lade build -q context)"
    fails 2 LADE_CACHE_LIMIT much -- env LADE_CACHE_LIMIT=much "${user[@]}" "$LADE_BIN" build -q context
}

@test "two builds and a prune at once, all with a limit of nothing" {
    local digest i pids=()
    digest=$(lade build -q context)
    for i in 1 2; do
        (for _ in 1 2 3; do LADE_CACHE_LIMIT=0 lade build -q context || echo failed; done) >"out.$i" 2>"err.$i" &
        pids+=($!)
    done
    for _ in 1 2 3 4 5 6; do
        lade prune --filter type=unpacked
        lade prune --filter type=exec.cachemount
        lade prune --filter type=steps
    done
    wait "${pids[@]}"
    cat err.*
    same "what came out" "$digest" "$(sort -u out.1 out.2)"
    lade verify
}

@test "killed in the middle, again and again, prune leaves what can be used" {
    local digest i
    digest=$(lade build -q context)
    cat >many <<'END'
FROM base
RUN --mount=type=cache,id=many,target=/c for i in $(seq 1 400); do mkdir /c/$i && echo $i >/c/$i/f; done; mkdir /m && cp -r /c /m/
END
    cat >count <<'END'
FROM base
RUN --mount=type=cache,id=many,target=/c ls /c | wc -l >/count; [ $(cat /count) = 400 ] || [ $(cat /count) = 0 ]
END
    for i in 0.01 0.02 0.03 0.05 0.08; do
        lade build -q --no-cache -f many context >/dev/null
        timeout -s KILL "$i" "${user[@]}" "$LADE_BIN" prune --all || true
        # All of it, or nothing.
        lade build -q --no-cache -f count context >/dev/null
        same digests "$digest" "$(lade build -q context)"
        lade prune --all
        same "what is left over" '' "$(find "$LADE_CACHE" -name '.new-*')"
    done
    lade verify
}
