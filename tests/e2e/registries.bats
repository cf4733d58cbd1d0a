#!/usr/bin/env bats
# Registries that people use, by their real names: the commands of doc/registries run as they stand there. The servers are doubles that ask
# for credentials as the real ones do (tests/support/registriesd.py), in front of docker-registry.

# shellcheck disable=SC2013,SC2016,SC2030,SC2031,SC2154
load lib

secret=canary-5ecr3t.of-the-registries

setup_file() {
    # They share the servers' log.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    local dir port
    registry_start plain
    dir=$(servers_dir)/registries
    double_start registriesd.py "$dir" --registry "$REGISTRY_PLAIN" --secret "$secret" --log "$dir/log"
    export REGISTRIES_PROXY=http://127.0.0.1:$port REGISTRIES_CA=$dir/ca.crt REGISTRIES_LOG=$dir/log
}
teardown_file() { servers_stop; }
setup() {
    fresh
    local name
    for name in $(compgen -e CI_) $(compgen -e GITHUB_) GITLAB_CI; do unset "$name"; done
    export HTTPS_PROXY=$REGISTRIES_PROXY SSL_CERT_FILE=$REGISTRIES_CA
    : >"$REGISTRIES_LOG"
    mkdir app
    printf 'FROM scratch\nCOPY Dockerfile /\nLABEL test=%s\n' "$BATS_TEST_NUMBER" >app/Dockerfile
}
teardown() {
    if grep -E 'LEAK|REFUSED' "$REGISTRIES_LOG"; then return 1; fi
    if [ -n "${BATS_TEST_COMPLETED-}" ] && grep -rlF "$secret" "$LADE_STORE" "$LADE_CACHE" said; then return 1; fi
}

# page NAME VARIABLE…: the commands of a page, with the secret in the variables that they read.
page() {
    local name=$1 variable
    shift
    for variable in "$@"; do export "$variable=$secret"; done
    { echo 'set -euo pipefail'; sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$root/doc/registries/$name.md"; } >commands
    [ "$(wc -l <commands)" -gt 2 ]
    grep -q '\$' commands
    bash commands >said 2>&1 || { cat said; return 1; }
}
# asked PATTERN: the log has such a line.
asked() { grep -qE -- "$1" "$REGISTRIES_LOG" || { cat "$REGISTRIES_LOG"; return 1; }; }

@test "Docker Hub" {
    page docker-hub DOCKER_TOKEN
    asked '^GET https://auth.docker.io/token\?account=me&client_id=lade&scope=repository%3Ame%2Fapp%3Apull%2Cpush&service=registry.docker.io auth=Basic 200'
    asked '^PUT https://registry-1.docker.io/v2/me/app/manifests/2 auth=Bearer 201'
    [ "$(jq -r '.auths | keys[]' "$DOCKER_CONFIG/config.json")" = https://index.docker.io/v1/ ]
}

@test "GitHub" {
    page github GITHUB_TOKEN
    asked '^GET https://ghcr.io/token\?account=octocat&.*auth=Basic 200'
    asked '^PUT https://ghcr.io/v2/octocat/app/manifests/1 auth=Bearer 201'
    asked '^PUT https://ghcr.io/v2/octocat/app/manifests/2 auth=Bearer 201'
    grep -q 'GitHub Actions (\$GITHUB_TOKEN) *found: user "octocat"' said
}

@test "GitLab" {
    page gitlab TOKEN
    asked '^GET https://gitlab.com/jwt/auth\?account=gitlab-ci-token&.*service=container_registry auth=Basic 200'
    asked '^GET https://gitlab.com/jwt/auth\?account=gitlab%2Bdeploy-token-1&.* auth=Basic 200'
    asked '^HEAD https://cdn.registry.gitlab-static.net/v2/group/project/blobs/sha256:[0-9a-f]* auth=none 404'
    lade copy -q docker://registry.gitlab.com/group/project:3 oci:out
    asked '^GET https://cdn.registry.gitlab-static.net/v2/group/project/blobs/sha256:[0-9a-f]* auth=none 200'
    asked '^PUT https://registry.gitlab.com/v2/group/project/manifests/3 auth=Bearer 201'
}

@test "Quay" {
    page quay ROBOT_TOKEN OAUTH_TOKEN
    asked '^GET https://quay.io/v2/auth\?account=acme%2Bci&.*scope=repository%3Aacme%2Fapp%3Apull%2Cpush&service=quay.io auth=Basic 200'
    asked '^GET https://quay.io/v2/auth\?account=%24oauthtoken&.* auth=Basic 200'
}

@test "Harbor" {
    page harbor ROBOT_SECRET
    asked '^GET https://harbor.example.com/service/token\?account=robot%24team%2Bci&.*service=harbor-registry auth=Basic 200'
    lade tag harbor.example.com/team/app:1 harbor.example.com/nowhere/app:1
    fails 4 "project not found" -- lade push -q harbor.example.com/nowhere/app:1
}

@test "docker-registry" {
    page distribution REGISTRY_PASSWORD
    asked '^PUT https://registry.example.com/v2/team/app/manifests/1 auth=Basic 201'
    grep -qx 1 said
}

@test "zot" {
    page zot ZOT_PASSWORD
    asked '^PUT https://zot.example.com/v2/team/app/manifests/1 auth=Basic 201'
}

@test "Nexus" {
    page nexus NEXUS_PASSWORD
    asked '^PUT https://nexus.example.com/v2/team/app/manifests/1 auth=Basic 201'
}

@test "Artifactory" {
    page artifactory JFROG_TOKEN
    asked '^GET https://acme.jfrog.io/artifactory/api/docker/docker-local/v2/token\?account=me&.* auth=Basic 200'
    asked '^PUT https://acme.jfrog.io/v2/docker-remote/app/manifests/1 auth=Bearer 201'
}

@test "each page of doc/registries stands in its index" {
    local page name
    for page in "$root"/doc/registries/*.md; do
        name=${page##*/}
        [ "$name" = README.md ] || grep -qF "($name)" "$root/doc/registries/README.md" || { echo "$name"; return 1; }
    done
    for name in $(sed -nE 's/.*\(([a-z-]+)\.md\).*/\1/p' "$root/doc/registries/README.md"); do
        [ -e "$root/doc/registries/$name.md" ] || { echo "$name"; return 1; }
    done
}

@test "the wrong password, at each of them: exit code 5, and what to do" {
    local name
    for name in docker.io/me ghcr.io/octocat registry.gitlab.com/group quay.io/acme harbor.example.com/team registry.example.com/team \
        zot.example.com/team nexus.example.com/team acme.jfrog.io/docker-local; do
        fails 5 "HTTP 401" -- lade login -u me --password-stdin "${name%%/*}" <<<wr0ng-canary
        [[ $stderr != *wr0ng-canary* ]]
        lade build -q -t "$name/none:1" app
        fails 5 "no credentials found for ${name%%/*} in " "does not exist" -- lade push -q --tries 1 "$name/none:1"
    done
}

@test "credentials given for the target go to the target alone" {
    printf 'FROM quay.io/acme/base:1\nCOPY Dockerfile /\n' >app/Dockerfile
    fails 5 "no credentials found for quay.io in " -- lade build -q --tries 1 -u octocat --password-stdin -t ghcr.io/octocat/app:1 --push app <<<"$secret"
    if grep -E 'quay.io.*auth=Basic' "$REGISTRIES_LOG"; then return 1; fi
}
