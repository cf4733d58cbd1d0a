#!/usr/bin/env bats
# A secret in each source of credentials in turn: lade pushes, pulls, builds and fails with it, and it is then looked for in all that was
# said and written, and in the arguments and the environment of every process that lade started.

# shellcheck disable=SC2016,SC2154
load lib

secret=c4nary+s3cret/of=tests

setup_file() {
    registry_basic basic alice "$secret"
    token_start --user "alice:$secret" --refresh "$secret"
    registry_start bearer "$token_auth"
    faults_begin
    mkdir -p "$BATS_FILE_TMPDIR/base"
    cp "$(command -v busybox)" "$BATS_FILE_TMPDIR/base/busybox"
    printf '%s\n' 'FROM scratch' 'COPY busybox /bin/busybox' 'RUN ["/bin/busybox", "--install", "-s", "/bin"]' >"$BATS_FILE_TMPDIR/base/Dockerfile"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    local name
    for name in $(compgen -e CI_) $(compgen -e GITHUB_) GITLAB_CI; do unset "$name"; done
    export TMPDIR=$PWD/tmp ASAN_OPTIONS=detect_leaks=0
    mkdir -p "$DOCKER_CONFIG" "$XDG_CONFIG_HOME/containers" "$XDG_RUNTIME_DIR/containers" bin tmp secrets context
    PATH=$PWD/bin:$PATH
    lade build -q -t base "$BATS_FILE_TMPDIR/base"
    printf '%s\n' 'FROM base' 'COPY Dockerfile /' 'RUN env; cat /proc/self/environ /proc/*/environ /proc/*/cmdline | tr "\0" "\n" || true; cp /Dockerfile /copy' >context/Dockerfile
}

basic64() { printf '%s' "$1" | base64 -w 0; }
# forms: how the secret may look, one a line.
forms() {
    printf '%s\n' "$secret" "$(basic64 "alice:$secret")" "$(basic64 "$secret")" c4nary%2Bs3cret%2Fof%3Dtests c4nary%2Bs3cret/of%3Dtests \
        'c4nary+s3cret\/of=tests' Y2FuYXJ5 NG5hcnkrczNjcmV0
}
# no_secret PATH…: in none of these, the names of files included.
no_secret() {
    if grep -raFlf <(forms) "$@" || find "$@" | grep -Ff <(forms); then
        echo "these hold the secret"
        return 1
    fi
}
auths() { printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$1" "$(basic64 "alice:$secret")"; }

# Where the secret is, for a registry's host. Each leaves `flags` for commands that name the registry; `input` goes to them.
from_flags() { flags=(-u alice --password-stdin); }
from_authfile() {
    auths "$1" >secrets/file
    flags=(--authfile "$PWD/secrets/file")
}
from_environment() { export DOCKER_AUTH_CONFIG && DOCKER_AUTH_CONFIG=$(auths "$1"); }
from_variable_file() {
    auths "$1" >secrets/file
    export REGISTRY_AUTH_FILE=$PWD/secrets/file
}
from_containers() { auths "$1" >"$XDG_RUNTIME_DIR/containers/auth.json"; }
from_docker() { auths "$1" >"$DOCKER_CONFIG/config.json"; }
from_words() { printf '{"auths":{"%s":{"username":"alice","password":"%s"}}}' "$1" "$secret" >"$DOCKER_CONFIG/config.json"; }
from_identity() { printf '{"auths":{"%s":{"identitytoken":"%s"}}}' "$1" "$secret" >"$DOCKER_CONFIG/config.json"; }
from_bearer() { printf '{"auths":{"%s":{"registrytoken":"%s"}}}' "$1" "$secret" >"$DOCKER_CONFIG/config.json"; }
from_helper() {
    printf '{"Username":"alice","Secret":"%s"}' "$secret" >secrets/answer
    printf '#!/bin/sh\ncat %q/secrets/answer\ntr "\\0" "\\n" </proc/$$/environ >>%q/children\ntr "\\0" " " </proc/$$/cmdline >>%q/children\n' "$PWD" "$PWD" "$PWD" \
        >bin/docker-credential-canary
    chmod +x bin/docker-credential-canary
    printf '{"credHelpers":{"%s":"canary"}}' "$1" >"$DOCKER_CONFIG/config.json"
}
from_kubernetes() { auths "$1" >"$DOCKER_CONFIG/.dockerconfigjson"; }
from_gitlab() { export GITLAB_CI=true CI_REGISTRY=$1 CI_REGISTRY_USER=alice CI_REGISTRY_PASSWORD=$secret; }

# says CODE COMMAND…: ends with that code; what it says is kept. The shell that reads the password is no child of lade.
says() {
    local code=$1 got=0
    shift
    "$@" >>said 2>&1 <<<"$secret" || got=$?
    [ "$got" -eq "$code" ] || { echo "exit $got instead of $code: $*"; tail -30 said; return 1; }
}
# watched COMMAND…: the same with 0, and the programs that it starts are written down with their arguments and environments.
watched() {
    says 0 strace -f -qq -v -s 100000 -e trace=execve,execveat -e signal=none -o trace "$@"
    # The first is lade itself, whose environment is ours.
    tail -n +2 trace >>children
}

# travel SOURCE REGISTRY CODE: through all that may happen. CODE: how a push there ends, whose credentials may be none.
travel() {
    local source=$1 host=$2 good=$3 other=$REGISTRY_BEARER name
    [ "$host" != "$other" ] || other=$REGISTRY_BASIC
    local flags=() ref=$host/canary/$BATS_TEST_NUMBER:1
    : >said
    : >children
    "from_$source" "$host"
    says "$good" lade build -D --progress plain --no-cache -t "$ref" --push "${flags[@]}" context
    says "$good" lade push -D "${flags[@]}" "$ref"
    if [ "$good" -eq 0 ]; then
        watched lade push -D "${flags[@]}" "$ref"
        says 0 lade pull -D --store "$PWD/second" "${flags[@]}" "$ref"
        watched lade copy -D "${flags[@]}" "docker://$ref" oci-archive:out.tar
        says 0 lade inspect -D "${flags[@]}" "docker://$ref"
    fi
    # Somebody else's registry, an image that is not there, a registry that fails or refuses.
    says 5 lade inspect -D "docker://$other/canary/none:1"
    [ "$good" -ne 0 ] || says 4 lade inspect -D "${flags[@]}" "docker://$host/canary/none:1"
    fault_start "down$BATS_TEST_NUMBER" "$host" 'POST uploads 99 status=500'
    fault_start "closed$BATS_TEST_NUMBER" "$host" 'POST uploads 99 status=401'
    for name in "FAULT_DOWN$BATS_TEST_NUMBER" "FAULT_CLOSED$BATS_TEST_NUMBER"; do
        "from_$source" "${!name}"
        lade tag "$ref" "${!name}/canary/x:1"
        if lade push -D --tries 2 "${flags[@]}" "${!name}/canary/x:1" >>said 2>&1 <<<"$secret"; then return 1; fi
        lade auth explain "${!name}" >>said 2>&1
    done
    mkdir -p unpacked second
    [ ! -e out.tar ] || tar -xf out.tar -C unpacked
    find unpacked -type f -exec sh -c 'gzip -dc <"$1" >"$1.plain" 2>/dev/null || true' sh {} \;
    # Secrets that the user has in the environment are in ours, and so in that of helpers, but for the document that is for lade.
    no_secret said children context bin tmp unpacked "$LADE_STORE" "$LADE_CACHE" second
    grep -q -- 'canary/' said
}

@test "the forms of the secret are found where it stands" {
    from_docker x
    if no_secret "$DOCKER_CONFIG"; then return 1; fi
    from_identity x
    if no_secret "$DOCKER_CONFIG"; then return 1; fi
}

@test "--username and --password-stdin" { travel flags "$REGISTRY_BASIC" 0; }
@test "--authfile" { travel authfile "$REGISTRY_BEARER" 0; }
@test "DOCKER_AUTH_CONFIG" { travel environment "$REGISTRY_BASIC" 0; }
@test "REGISTRY_AUTH_FILE" { travel variable_file "$REGISTRY_BEARER" 0; }
@test "containers' auth.json" { travel containers "$REGISTRY_BASIC" 0; }
@test "Docker's config.json, auth" { travel docker "$REGISTRY_BEARER" 0; }
@test "Docker's config.json, username and password" { travel words "$REGISTRY_BASIC" 0; }
@test "an identity token" { travel identity "$REGISTRY_BEARER" 0; }
@test "a registry token that is refused" { travel bearer "$REGISTRY_BEARER" 5; }
@test "a credential helper" { travel helper "$REGISTRY_BASIC" 0; }
@test "a secret of Kubernetes" { travel kubernetes "$REGISTRY_BEARER" 0; }
@test "variables of GitLab CI" { travel gitlab "$REGISTRY_BASIC" 0; }

@test "a helper does not get the document that is in the environment" {
    from_helper "$REGISTRY_BASIC"
    : >children
    : >said
    export DOCKER_AUTH_CONFIG
    DOCKER_AUTH_CONFIG=$(auths other.example)
    says 0 lade push -D --progress plain "$(lade tag base "$REGISTRY_BASIC/canary/helper:1" && echo "$REGISTRY_BASIC/canary/helper:1")"
    grep -q docker-credential-canary children
    no_secret children said
}
