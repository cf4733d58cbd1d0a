#!/usr/bin/env bats
# Where credentials come from, where login keeps them, and where they never stand.

load lib

password=canary-5ecr3t.of-the-tests

setup_file() {
    registry_basic basic alice "$password"
    token_start --user "bob:$password" --refresh "refresh-$password"
    registry_start bearer "$token_auth"
    mkdir -p "$BATS_FILE_TMPDIR/context"
    echo 'FROM scratch' >"$BATS_FILE_TMPDIR/context/Dockerfile"
    echo 'COPY Dockerfile /' >>"$BATS_FILE_TMPDIR/context/Dockerfile"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    basic=$REGISTRY_BASIC/$BATS_TEST_NUMBER:1
    bearer=$REGISTRY_BEARER/$BATS_TEST_NUMBER:1
    lade build -q -t "$basic" -t "$bearer" "$BATS_FILE_TMPDIR/context"
    mkdir -p "$DOCKER_CONFIG" "$XDG_CONFIG_HOME/containers" "$XDG_RUNTIME_DIR/containers" bin
    PATH=$PWD/bin:$PATH
}
teardown() {
    # Nothing that lade wrote holds the secret, but for the files that are for secrets.
    if [ -n "${BATS_TEST_COMPLETED-}" ]; then
        no_secret "$LADE_STORE" "$LADE_CACHE"
    fi
}

basic64() { printf '%s' "$1:$password" | base64 -w 0; }
# auths HOST USER: a file of credentials.
auths() { printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$1" "$(basic64 "$2")"; }

# no_secret PATH…: the password stands in none of these, neither plain nor in base64.
no_secret() {
    local path
    for path in "$@"; do
        [ -e "$path" ] || continue
        if grep -rlE "$password|$(basic64 alice)|$(basic64 bob)" "$path"; then
            echo "these hold the password"
            return 1
        fi
    done
}

# pushes REF: it works, also with --debug, and nothing that is said holds the secret.
pushes() {
    lade push -D "$1" >said 2>&1 || { cat said; return 1; }
    no_secret said
}

# helper NAME: a credential helper that keeps one JSON file for each server in $PWD/secrets, and logs its calls.
helper() {
    mkdir -p secrets
    cat >"bin/docker-credential-$1" <<SCRIPT
#!/bin/bash
echo "\$1" >>'$PWD/helper-calls'
cd '$PWD/secrets' || exit 1
case \$1 in
get)
    read -r server
    name=\${server//[^a-z0-9.]/_}
    [ -e "\$name" ] || { echo 'credentials not found in native keychain'; exit 1; }
    cat "\$name" ;;
store)
    text=\$(cat)
    server=\$(jq -r .ServerURL <<<"\$text")
    echo "\$text" >"\${server//[^a-z0-9.]/_}" ;;
erase)
    read -r server
    rm -f "\${server//[^a-z0-9.]/_}" ;;
esac
SCRIPT
    chmod +x "bin/docker-credential-$1"
}
# keep HOST USER SECRET: into the helper's store.
keep() {
    jq -n --arg h "$1" --arg u "$2" --arg s "$3" '{ServerURL: $h, Username: $u, Secret: $s}' >"secrets/${1//[^a-z0-9.]/_}"
}

@test "without credentials a push is refused" {
    fails 5 "$REGISTRY_BASIC" -- lade push -q "$basic"
    fails 5 "$REGISTRY_BEARER" -- lade push -q "$bearer"
}

@test "Docker's config.json: auths" {
    auths "$REGISTRY_BASIC" alice >"$DOCKER_CONFIG/config.json"
    pushes "$basic"
    fails 5 -- lade push -q "$bearer"
    auths "http://$REGISTRY_BEARER/v1/" bob >"$DOCKER_CONFIG/config.json"
    pushes "$bearer"
    printf '{"auths":{"%s":{"username":"alice","password":"%s"}}}' "$REGISTRY_BASIC" "$password" >"$DOCKER_CONFIG/config.json"
    pushes "$basic"
}

@test "a wrong password is refused, and not said" {
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$REGISTRY_BASIC" "$(printf 'alice:wr0ng-canary' | base64)" >"$DOCKER_CONFIG/config.json"
    fails 5 "$REGISTRY_BASIC" config.json -- lade push -q "$basic"
    [[ $stderr != *wr0ng-canary* ]]
    sed -i "s/$REGISTRY_BASIC/$REGISTRY_BEARER/" "$DOCKER_CONFIG/config.json"
    fails 5 "$REGISTRY_BEARER" -- lade push -q "$bearer"
}

@test "credHelpers, for its host only" {
    helper fake
    keep "$REGISTRY_BASIC" alice "$password"
    keep "$REGISTRY_BEARER" bob "$password"
    printf '{"credHelpers":{"%s":"fake"}}' "$REGISTRY_BASIC" >"$DOCKER_CONFIG/config.json"
    pushes "$basic"
    grep -qx get helper-calls
    fails 5 -- lade push -q "$bearer"
}

@test "credsStore; an identity token in it" {
    helper all
    keep "$REGISTRY_BASIC" alice "$password"
    keep "$REGISTRY_BEARER" '<token>' "refresh-$password"
    echo '{"credsStore":"all"}' >"$DOCKER_CONFIG/config.json"
    pushes "$basic"
    pushes "$bearer"
    grep -q '^POST .*auth=refresh 200' "$TOKEN_LOG"
}

@test "a helper that is missing or fails is an error that names it" {
    echo '{"credsStore":"nowhere"}' >"$DOCKER_CONFIG/config.json"
    fails 4 docker-credential-nowhere -- lade push -q "$basic"
    printf '#!/bin/sh\necho broken inside >&2\nexit 3\n' >bin/docker-credential-broken
    chmod +x bin/docker-credential-broken
    echo '{"credsStore":"broken"}' >"$DOCKER_CONFIG/config.json"
    fails 5 docker-credential-broken -- lade push -q "$basic"
}

@test "identity token in config.json" {
    printf '{"auths":{"%s":{"auth":"%s","identitytoken":"refresh-%s"}}}' "$REGISTRY_BEARER" "$(printf '<token>:' | base64)" "$password" \
        >"$DOCKER_CONFIG/config.json"
    pushes "$bearer"
}

@test "containers' auth.json, in the runtime directory and in the configuration" {
    auths "$REGISTRY_BASIC" alice >"$XDG_RUNTIME_DIR/containers/auth.json"
    pushes "$basic"
    rm "$XDG_RUNTIME_DIR/containers/auth.json"
    fails 5 -- lade push -q "$basic"
    auths "$REGISTRY_BASIC" alice >"$XDG_CONFIG_HOME/containers/auth.json"
    pushes "$basic"
}

@test "a runtime directory of somebody else holds nothing for us" {
    # Without what root may do beyond others.
    local plain=()
    [ "$(id -u)" -ne 0 ] || plain=(setpriv --bounding-set=-all --inh-caps=-all)
    auths "$REGISTRY_BASIC" alice >"$DOCKER_CONFIG/config.json"
    chmod 0 "$XDG_RUNTIME_DIR"
    run "${plain[@]}" lade auth explain "$basic"
    "${plain[@]}" lade push -q "$basic"
    chmod 700 "$XDG_RUNTIME_DIR"
    [[ $output == *"$XDG_RUNTIME_DIR/containers/auth.json"*" in a directory of somebody else"*'user "alice"'* ]]
    # A file of ours is another matter.
    chmod 0 "$DOCKER_CONFIG/config.json"
    fails 5 "$DOCKER_CONFIG/config.json: Permission denied" -- "${plain[@]}" lade push -q "$basic"
}

@test "credentials for one repository come before those for its host" {
    printf '{"auths":{"%s":{"auth":"%s"},"%s":{"auth":"%s"}}}' "$REGISTRY_BASIC" "$(printf 'alice:wrong' | base64)" \
        "${basic%:1}" "$(basic64 alice)" >"$XDG_RUNTIME_DIR/containers/auth.json"
    pushes "$basic"
}

@test "REGISTRY_AUTH_FILE, DOCKER_AUTH_CONFIG and --authfile, each before the next" {
    auths "$REGISTRY_BASIC" mallory >"$DOCKER_CONFIG/config.json"
    fails 5 -- lade push -q "$basic"
    auths "$REGISTRY_BASIC" alice >elsewhere.json
    REGISTRY_AUTH_FILE=$PWD/elsewhere.json pushes "$basic"
    DOCKER_AUTH_CONFIG=$(auths "$REGISTRY_BASIC" alice) pushes "$basic"
    lade push --authfile elsewhere.json "$basic"
    export DOCKER_AUTH_CONFIG
    DOCKER_AUTH_CONFIG=$(auths "$REGISTRY_BASIC" mallory)
    fails 5 -- env REGISTRY_AUTH_FILE="$PWD/elsewhere.json" lade push -q "$basic"
    lade push --authfile elsewhere.json "$basic"
}

@test "a broken file of credentials is an error, not nobody" {
    echo '{"auths":[' >"$DOCKER_CONFIG/config.json"
    fails 3 config.json -- lade push -q "$basic"
    unset DOCKER_AUTH_CONFIG
    fails 3 DOCKER_AUTH_CONFIG -- env DOCKER_AUTH_CONFIG="{\"auths\": \"$password\"" lade push -q "$basic"
    [[ $stderr != *"$password"* ]]
}

@test "login keeps what works, for others too; logout forgets it" {
    printf '{"detachKeys":"ctrl-x","auths":{"other.example":{"auth":"b3RoZXI6b3RoZXI="}}}' >"$DOCKER_CONFIG/config.json"
    run lade login -u alice --password-stdin "$REGISTRY_BASIC" <<<"$password"
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *"$DOCKER_CONFIG/config.json"* ]]
    [[ $output != *"$password"* ]]
    [ "$(stat -c %a "$DOCKER_CONFIG/config.json")" = 600 ]
    [ "$(jq -r .detachKeys "$DOCKER_CONFIG/config.json")" = ctrl-x ]
    same auth "$(jq -r ".auths[\"$REGISTRY_BASIC\"].auth" "$DOCKER_CONFIG/config.json")" "$(basic64 alice)"
    pushes "$basic"
    skopeo inspect --tls-verify=false --authfile "$DOCKER_CONFIG/config.json" "docker://$basic" >/dev/null
    lade logout "$REGISTRY_BASIC"
    [ "$(jq -r '.auths | keys[]' "$DOCKER_CONFIG/config.json")" = other.example ]
    fails 5 -- lade push -q "$basic"
    run lade logout "$REGISTRY_BASIC"
    [ "$status" -eq 0 ]
}

@test "login checks first: a wrong password is kept nowhere" {
    fails 5 "$REGISTRY_BASIC" -- lade login -u alice --password-stdin "$REGISTRY_BASIC" <<<wrong
    fails 5 "$REGISTRY_BEARER" -- lade login -u bob --password-stdin "$REGISTRY_BEARER" <<<wrong
    [ ! -e "$DOCKER_CONFIG/config.json" ]
    fails 11 password -- lade login -u alice -p "$password" "$REGISTRY_BASIC"
    [[ $stderr != *"$password"* ]]
}

@test "login to a registry with tokens, into a credential store, and out of it" {
    helper all
    echo '{"credsStore":"all"}' >"$DOCKER_CONFIG/config.json"
    lade login -u bob --password-stdin "$REGISTRY_BEARER" <<<"$password"
    no_secret "$DOCKER_CONFIG"
    [ "$(jq -r .Username secrets/*)" = bob ]
    pushes "$bearer"
    lade logout "$REGISTRY_BEARER"
    [ -z "$(ls secrets)" ]
}

@test "login --authfile, and into a home that has nothing yet" {
    lade login --authfile new.json -u alice --password-stdin "$REGISTRY_BASIC" <<<"$password"
    [ ! -e "$DOCKER_CONFIG/config.json" ]
    lade push --authfile new.json "$basic"
    rm -rf "$DOCKER_CONFIG"
    lade login -u alice --password-stdin "$REGISTRY_BASIC" <<<"$password"
    [ "$(stat -c %a "$DOCKER_CONFIG")" = 700 ]
    pushes "$basic"
}

@test "podman's login is lade's" {
    REGISTRY_AUTH_FILE=$PWD/podman.json skopeo login --tls-verify=false -u alice --password-stdin "$REGISTRY_BASIC" <<<"$password"
    REGISTRY_AUTH_FILE=$PWD/podman.json pushes "$basic"
}

@test "one token serves a whole push; what is public needs none of ours" {
    auths "$REGISTRY_BEARER" bob >"$DOCKER_CONFIG/config.json"
    local name=public/$BATS_TEST_NUMBER
    lade tag "$bearer" "$REGISTRY_BEARER/$name:1"
    pushes "$REGISTRY_BEARER/$name:1"
    [ "$(grep -c "scope=repository:$name:.* 200\$" "$TOKEN_LOG")" -le 2 ]
    rm "$DOCKER_CONFIG/config.json"
    LADE_STORE=$PWD/second lade pull -q "$REGISTRY_BEARER/$name:1"
    # What is there needs no right; another name does.
    lade push -q "$REGISTRY_BEARER/$name:1"
    lade tag "$REGISTRY_BEARER/$name:1" "$REGISTRY_BEARER/$name:2"
    fails 5 -- lade push -q "$REGISTRY_BEARER/$name:2"
}

@test "a build's secret surroundings stay out of image, store, cache and messages" {
    auths "$REGISTRY_BEARER" bob >"$DOCKER_CONFIG/config.json"
    cp -R "$BATS_FILE_TMPDIR/context" context
    lade build -D --progress plain --push -t "$bearer" context >said 2>&1
    echo "FROM $bearer" >context/Dockerfile
    LADE_STORE=$PWD/second lade build -D --push -t "$bearer" -t "$REGISTRY_BEARER/x:1" -o type=oci,dest=out.tar context >>said 2>&1
    no_secret said out.tar second "$LADE_CACHE"
    # The values that are not passwords are said: where they came from.
    grep -q config.json said
}

@test "--username with --password-stdin, on every command, for what it names" {
    lade push -q -u alice --password-stdin "$basic" <<<"$password"
    lade push -q --username bob --password-stdin "$bearer" <<<"$password"
    LADE_STORE=$PWD/second lade pull -q -u alice --password-stdin "$basic" <<<"$password"
    lade inspect -u alice --password-stdin "docker://$basic" <<<"$password" >/dev/null
    lade verify -u alice --password-stdin "docker://$basic" <<<"$password"
    lade copy -q -u alice --password-stdin "docker://$basic" "docker://${basic%:1}:2" <<<"$password"
    lade copy -q -u alice --password-stdin "docker://$basic" oci:out <<<"$password"
    lade build -q --push -u alice --password-stdin -t "$basic" "$BATS_FILE_TMPDIR/context" <<<"$password"
    lade tag -u alice --password-stdin "docker://$basic" "docker://${basic%:1}:3" <<<"$password"
    [ "$(lade ls -u alice --password-stdin "docker://${basic%:1}" <<<"$password" | grep -c '[123]')" -ge 3 ]
    no_secret second out
    # It comes before every other source.
    auths "$REGISTRY_BASIC" mallory >"$DOCKER_CONFIG/config.json"
    lade push -q -u alice --password-stdin "$basic" <<<"$password"
}

@test "--username is for one registry, and goes to no other" {
    fails 2 "for one registry" "$REGISTRY_BASIC" -- lade push -u alice --password-stdin "$basic" "$bearer" <<<"$password"
    fails 2 "for one registry" -- lade copy -u alice --password-stdin "docker://$basic" "docker://$bearer" <<<"$password"
    fails 2 "for one registry" -- lade build -u alice --password-stdin -t "$basic" -t "$bearer" . <<<"$password"
    fails 2 "no registry is named" -- lade inspect -u alice --password-stdin "$basic" <<<"$password"
    fails 2 "needs --password-stdin" -- lade push -u alice "$basic"
    fails 2 "needs --username" -- lade push --password-stdin "$basic" <<<"$password"
    fails 2 "standard input" -- lade copy -u alice --password-stdin - "docker://$basic" <<<"$password"
    fails 2 "standard input" -- lade build -u alice --password-stdin -t "$basic" -f - . <<<"$password"
    fails 2 "the password is empty" -- lade push -u alice --password-stdin "$basic" </dev/null
    fails 2 "unknown option --password" -- lade push -u alice --password "$password" "$basic"
    [[ $stderr != *"$password"* ]]
    # The base image's registry gets nothing of it.
    lade push -q -u bob --password-stdin "$bearer" <<<"$password"
    mkdir other
    printf 'FROM %s\nCOPY Dockerfile /\n' "$bearer" >other/Dockerfile
    fails 5 "no credentials found for $REGISTRY_BEARER" -- lade build -q --pull -u alice --password-stdin -t "$basic" other <<<"$password"
}

@test "auth explain: which source counts, which were looked at, and no secret" {
    auths "$REGISTRY_BASIC" alice >"$DOCKER_CONFIG/config.json"
    printf '{"auths":{"%s/team":{"auth":"%s"}}}' "$REGISTRY_BASIC" "$(basic64 bob)" >"$XDG_CONFIG_HOME/containers/auth.json"
    lade auth explain "$basic" >said
    grep -qx "\$DOCKER_AUTH_CONFIG  *not set" said
    grep -qx "$XDG_RUNTIME_DIR/containers/auth.json  *no such file" said
    grep -qx "$XDG_CONFIG_HOME/containers/auth.json  *no entry for $REGISTRY_BASIC" said
    grep -qx "$DOCKER_CONFIG/config.json  *found: user \"alice\" with a password" said
    [ "$(tail -1 said)" = "$REGISTRY_BASIC: user \"alice\" with the password from $DOCKER_CONFIG/config.json (auths: $REGISTRY_BASIC)" ]
    lade auth explain --format json "$REGISTRY_BASIC/team/app" >said.json
    same user "$(jq -r '[.registry, .repository, .found, .username, .kind] | join(" ")' said.json)" "$REGISTRY_BASIC team/app true bob password"
    [ "$(jq -r '.looked[-1].source' said.json)" = "$XDG_CONFIG_HOME/containers/auth.json" ]
    lade auth explain "$REGISTRY_BEARER" | tail -1 | grep -qx "no credentials for $REGISTRY_BEARER: lade asks as nobody"
    [ "$(lade auth explain --format json alpine:3 | jq -r '.registry + "/" + .repository')" = docker.io/library/alpine ]
    helper fake
    keep "$REGISTRY_BEARER" '<token>' "refresh-$password"
    printf '{"credHelpers":{"%s":"fake"}}' "$REGISTRY_BEARER" >"$DOCKER_CONFIG/config.json"
    lade auth explain "$bearer" >>said
    tail -1 said | grep -qx "$REGISTRY_BEARER: as whom it names with the identity token from docker-credential-fake ($DOCKER_CONFIG/config.json)"
    echo '{"auths":[' >"$DOCKER_CONFIG/config.json"
    fails 3 config.json "no entry for $REGISTRY_BEARER" -- lade auth explain "$bearer"
    fails 2 explain -- lade auth exlain "$bearer"
    no_secret said said.json
}

@test "the credentials are those of the place that the configuration file says" {
    mkdir -p "$XDG_CONFIG_HOME/lade"
    echo "{\"registries\": {\"moved.example.com\": {\"location\": \"$REGISTRY_BASIC/team\"}}}" >"$XDG_CONFIG_HOME/lade/config.json"
    lade tag "$basic" "moved.example.com/$BATS_TEST_NUMBER:1"
    # From the command line: they are for the registry that it names, wherever that is.
    lade push -q -u alice --password-stdin "moved.example.com/$BATS_TEST_NUMBER:1" <<<"$password"
    lade inspect -u alice --password-stdin "docker://$REGISTRY_BASIC/team/$BATS_TEST_NUMBER:1" <<<"$password" >/dev/null
    # From a file: they are for the place.
    auths moved.example.com alice >"$DOCKER_CONFIG/config.json"
    lade auth explain moved.example.com/a >said
    grep -qx "moved.example.com/a is at $REGISTRY_BASIC/team/a by the configuration file" said
    grep -qx "no credentials for $REGISTRY_BASIC: lade asks as nobody" said
    auths "$REGISTRY_BASIC" alice >"$DOCKER_CONFIG/config.json"
    same place "$(lade auth explain --format json moved.example.com/a | jq -r .location)" "$REGISTRY_BASIC/team/a"
    lade auth explain moved.example.com/a | grep -q "^$REGISTRY_BASIC: user \"alice\" with the password"
    lade ls "docker://moved.example.com/$BATS_TEST_NUMBER" | grep -qx 1
}

@test "a secret of Kubernetes, mounted as Docker's directory" {
    printf '{"auths":{"127.0.0.*:%s":{"username":"alice","password":"%s"}}}' "${REGISTRY_BASIC#*:}" "$password" >"$DOCKER_CONFIG/.dockerconfigjson"
    pushes "$basic"
    mkdir mounted
    mv "$DOCKER_CONFIG/.dockerconfigjson" mounted
    fails 5 "no credentials found for $REGISTRY_BASIC in " "$DOCKER_CONFIG/.dockerconfigjson" -- lade push -q "$basic"
    lade push -q --authfile mounted/.dockerconfigjson "$basic"
    DOCKER_CONFIG=$PWD/mounted pushes "$basic"
}

@test "variables of GitLab CI, for their registry alone" {
    export GITLAB_CI=true CI_REGISTRY=$REGISTRY_BASIC CI_REGISTRY_USER=alice CI_REGISTRY_PASSWORD=$password
    pushes "$basic"
    fails 5 "no credentials found for $REGISTRY_BEARER" -- lade push -q "$bearer"
    # The first that is refused makes place for the next.
    CI_REGISTRY_PASSWORD=refused CI_DEPLOY_USER=alice CI_DEPLOY_PASSWORD=$password CI_JOB_TOKEN=refused pushes "$basic"
}
