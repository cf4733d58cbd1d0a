#!/usr/bin/env bats
# Every example builds, is pushed, and does what it is for.

load lib

setup_file() { registry_start plain; }
teardown_file() { servers_stop; }
setup() {
    fresh
    cp -R "$root"/examples/* .
}

@test "hello greets when a runtime runs it" {
    gcc -O2 -static -o hello/hello hello/hello.c
    lade build -t "$REGISTRY_PLAIN/hello:1" --build-arg VERSION=2.5 --push hello
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_PLAIN/hello:1" oci:copy:1
    [ "$(skopeo inspect --config oci:copy:1 | jq -r '.config | "\(.User) \(.WorkingDir) \(.Entrypoint[0]) \(.Cmd[0])"')" = "hello /home/hello /hello world" ]

    local rootless=(--rootless) user=0 change='.process.user = { uid: 0, gid: 0 }'
    if [ "$(id -u)" -eq 0 ]; then rootless=() user=1000 change=.; fi
    umoci unpack "${rootless[@]}" --image copy:1 bundle
    jq "$change | .process.terminal = false" bundle/config.json >config.json
    mv config.json bundle/config.json
    run runc --root "$PWD/state" run --bundle bundle "lade-test-$$" </dev/null
    echo "$output"
    [ "$output" = "Hello, world! This is hello 2.5, user $user in /home/hello." ]
}

@test "site holds its pages, and only those drafts that are excepted" {
    lade build -t "$REGISTRY_PLAIN/site:1" --push site
    skopeo copy -q --src-tls-verify=false "docker://$REGISTRY_PLAIN/site:1" dir:copy
    run tar tzf "copy/$(jq -r '.layers[0].digest[7:]' copy/manifest.json)"
    [ "$output" = "$(printf '%s\n' srv/ srv/www/ srv/www/index.html srv/www/news.draft srv/www/robots.txt)" ]
}
