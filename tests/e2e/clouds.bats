#!/usr/bin/env bats
# The registries of Amazon, Azure and Google by their real names, with credentials as their users have them. The servers are doubles that
# check what they get (tests/support/cloudd.py). The commands are those of doc/registries.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154
load lib

ecr=123456789012.dkr.ecr.eu-west-1.amazonaws.com
public=public.ecr.aws
acr=example.azurecr.io
gar=europe-west1-docker.pkg.dev
static=AKIAIOSFODNN7EXAMPLE
role=arn:aws:iam::123456789012:role/push
tenant=72f988bf-0000-4000-8000-2d7cd011db47
client=11111111-2222-4333-8444-555555555555

setup_file() {
    # They share the servers' log and manners.
    export BATS_NO_PARALLELIZE_WITHIN_FILE=true
    registry_start plain
    cloud_start "$REGISTRY_PLAIN"
    mkdir -p "$BATS_FILE_TMPDIR/context"
    echo 'FROM scratch' >"$BATS_FILE_TMPDIR/context/Dockerfile"
    echo 'COPY Dockerfile /' >>"$BATS_FILE_TMPDIR/context/Dockerfile"
}
teardown_file() { servers_stop; }
setup() {
    fresh
    local name
    # What "fresh" says of metadata stays.
    local no_aws=$AWS_EC2_METADATA_DISABLED no_azure=$AZURE_POD_IDENTITY_AUTHORITY_HOST
    for name in $(compgen -e AWS_) $(compgen -e AZURE_) $(compgen -e GOOGLE_) $(compgen -e IDENTITY_) CLOUDSDK_CONFIG; do
        unset "$name"
    done
    export AWS_EC2_METADATA_DISABLED=$no_aws AZURE_POD_IDENTITY_AUTHORITY_HOST=$no_azure
    # The proxy refuses plain HTTP, and notes it: metadata must not come there.
    export HTTPS_PROXY=$CLOUD_PROXY http_proxy=$CLOUD_PROXY SSL_CERT_FILE=$CLOUD_CA
    rm -f "$CLOUD_DIR/mode"
    : >"$CLOUD_LOG"
    image=$BATS_TEST_NUMBER/app:1
    lade build -q -t "$ecr/$image" -t "$public/$image" -t "$acr/$image" -t "$gar/$image" "$BATS_FILE_TMPDIR/context"
}
teardown() {
    if grep -E 'LEAK|REFUSED' "$CLOUD_LOG"; then return 1; fi
    # No secret stands in anything that lade wrote.
    if [ -n "${BATS_TEST_COMPLETED-}" ] && grep -rl -e canary -e EXAMPLEKEY "$LADE_STORE" "$LADE_CACHE"; then return 1; fi
}

mode() { printf '%s\n' "$*" >>"$CLOUD_DIR/mode"; }
# logged TEXT: the servers have noted this line.
logged() { grep -qxF -- "$1" "$CLOUD_LOG" || { cat "$CLOUD_LOG"; return 1; }; }
# pushes REF: it works, also with --debug, and no secret is said.
pushes() {
    lade push -D "$1" >said 2>&1 || { cat said; return 1; }
    quiet said
}
quiet() {
    if grep -e canary -e EXAMPLEKEY "$1"; then return 1; fi
}
# refused CODE PART… -- COMMAND…: as fails, and no secret is said.
refused() {
    fails "$@"
    printf '%s' "$stderr" >said
    quiet said
}

# page NAME: the commands of a page of doc/registries.
page() {
    mkdir -p app
    cp "$BATS_FILE_TMPDIR/context/Dockerfile" app
    { echo 'set -euo pipefail'; sed -n '/^```sh$/,/^```$/{/^```/d;p}' "$root/doc/registries/$1.md"; } >commands
    [ "$(wc -l <commands)" -gt 3 ]
    bash commands >said 2>&1 || { cat said; return 1; }
    quiet said
}

aws_static() { export AWS_ACCESS_KEY_ID=$static AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY; }

# --- Amazon ---

@test "ECR: keys in the environment" {
    aws_static
    pushes "$ecr/$image"
    logged "PASSWORD ecr eu-west-1 for $static"
    # Once for all requests, tags and repositories.
    lade tag "$ecr/$image" "$ecr/$image-2" "$ecr/$BATS_TEST_NUMBER/other:1"
    : >"$CLOUD_LOG"
    lade push -q "$ecr/$image" "$ecr/$image-2" "$ecr/$BATS_TEST_NUMBER/other:1"
    [ "$(grep -c PASSWORD "$CLOUD_LOG")" -eq 1 ]
}

@test "ECR: the commands of its page" {
    aws_static
    page ecr
    grep -qE '^Amazon ECR \(\$AWS_ACCESS_KEY_ID\) +found: user "AWS"' said
    grep -q 'PUT https://public.ecr.aws/v2/alias/app/manifests/1 auth=Bearer 201' "$CLOUD_LOG"
}

@test "ECR: temporary keys in the environment" {
    export AWS_ACCESS_KEY_ID=ASIASESSION000000001 AWS_SECRET_ACCESS_KEY=canary/secret+of/session/keys
    export AWS_SESSION_TOKEN=canary-token+of/session==
    pushes "$ecr/$image"
    logged 'PASSWORD ecr eu-west-1 for ASIASESSION000000001'
}

# profiles: what stands on standard input becomes ~/.aws/config.
profiles() {
    mkdir -p "$HOME/.aws"
    cat >"$HOME/.aws/config"
}
static_profile() {
    printf 'aws_access_key_id = %s\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY # mine\n' "$static"
}

@test "ECR: profiles of the shared files" {
    mkdir -p "$HOME/.aws"
    { echo '[default]'; static_profile; } >"$HOME/.aws/credentials"
    pushes "$ecr/$image"
    logged "PASSWORD ecr eu-west-1 for $static"
    export AWS_PROFILE=none
    refused 4 'there is no profile "none"' 'AWS_PROFILE names it' -- lade push -q "$ecr/$image"
    mv "$HOME/.aws/credentials" keys
    printf '[none]\nregion = x\n' >"$HOME/.aws/credentials"
    refused 5 -- lade push -q "$ecr/$image"
    AWS_SHARED_CREDENTIALS_FILE=$PWD/keys AWS_PROFILE=default pushes "$ecr/$image"
}

@test "ECR: a profile that takes a role" {
    { echo '[profile base]'; static_profile
      printf '[profile push]\nrole_arn = %s\nsource_profile = base\nexternal_id = a&b\nregion = us-east-2\n' "$role"
      printf '[profile loop]\nrole_arn = %s\nsource_profile = loop2\n' "$role"
      printf '[profile loop2]\nrole_arn = %s\nsource_profile = loop\n' "$role"
      printf '[profile wrong]\nrole_arn = %s\nsource_profile = base\nexternal_id = c\n' "$role"
      printf '[profile factor]\nrole_arn = %s\nsource_profile = base\nmfa_serial = x\n' "$role"
      printf '[profile sso]\nsso_session = mine\n'; } | profiles
    AWS_PROFILE=push pushes "$ecr/$image"
    logged 'KEYS AssumeRole sts.us-east-2.amazonaws.com'
    logged 'PASSWORD ecr eu-west-1 for ASIAASSUMEDROLE00001'
    AWS_REGION=eu-central-1 AWS_PROFILE=push pushes "$ecr/$image"
    logged 'KEYS AssumeRole sts.eu-central-1.amazonaws.com'
    AWS_PROFILE=loop refused 3 'lead to each other' -- lade push -q "$ecr/$image"
    AWS_PROFILE=wrong refused 5 'AccessDenied' 'AWS profile "wrong"' -- lade push -q "$ecr/$image"
    AWS_PROFILE=factor refused 11 'second factor' 'export-credentials' -- lade push -q "$ecr/$image"
    AWS_PROFILE=sso refused 11 'IAM Identity Center' 'export-credentials' -- lade push -q "$ecr/$image"
}

@test "ECR: a profile with a credential_process" {
    cat >'my process' <<'SCRIPT'
#!/bin/sh
[ "$1" = 'a b' ] && [ "$2" = c ] || exit 3
echo '{"Version": 1, "AccessKeyId": "ASIASESSION000000001", "SecretAccessKey": "canary/secret+of/session/keys",
       "SessionToken": "canary-token+of/session=="}'
SCRIPT
    chmod +x 'my process'
    printf '[default]\ncredential_process = "%s" "a b" c\n[profile bad]\ncredential_process = "%s" x\n' "$PWD/my process" "$PWD/my process" | profiles
    pushes "$ecr/$image"
    logged 'PASSWORD ecr eu-west-1 for ASIASESSION000000001'
    AWS_PROFILE=bad refused 5 'exit status 3' -- lade push -q "$ecr/$image"
}

@test "ECR: web identity, as on EKS" {
    export AWS_ROLE_ARN=$role AWS_WEB_IDENTITY_TOKEN_FILE=$CLOUD_DIR/web-identity-token
    pushes "$ecr/$image"
    logged 'KEYS AssumeRoleWithWebIdentity sts.eu-west-1.amazonaws.com'
    logged 'PASSWORD ecr eu-west-1 for ASIAWEBIDENTITY00001'
    echo 'canary-web.identity.tokem' >wrong
    AWS_WEB_IDENTITY_TOKEN_FILE=wrong refused 5 InvalidIdentityToken 'WEB_IDENTITY' -- lade push -q "$ecr/$image"
    AWS_WEB_IDENTITY_TOKEN_FILE=none refused 4 none -- lade push -q "$ecr/$image"
    unset AWS_ROLE_ARN
    refused 2 'AWS_ROLE_ARN is not' -- lade push -q "$ecr/$image"
}

@test "ECR: a container's metadata, as on ECS and with EKS Pod Identity" {
    export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://$CLOUD_METADATA/container
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$CLOUD_DIR/container-token pushes "$ecr/$image"
    logged 'PASSWORD ecr eu-west-1 for ASIACONTAINER0000001'
    AWS_CONTAINER_AUTHORIZATION_TOKEN=canary-container-token pushes "$ecr/$image"
    refused 5 'HTTP 401' 'FULL_URI' -- lade push -q "$ecr/$image"
    AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/x refused 5 'not this machine' -- lade push -q "$ecr/$image"
}

@test "ECR: an instance's metadata" {
    unset AWS_EC2_METADATA_DISABLED
    export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://$CLOUD_METADATA/
    pushes "$ecr/$image"
    logged 'PASSWORD ecr eu-west-1 for ASIAINSTANCE00000001'
    mode imds norole
    refused 5 'no credentials' -- lade push -q "$ecr/$image"
    rm "$CLOUD_DIR/mode"
    mode imds off
    refused 5 'no credentials' -- lade push -q "$ecr/$image"
    AWS_EC2_METADATA_DISABLED=true refused 5 'no credentials' -- lade push -q "$ecr/$image"
}

@test "ECR: metadata that does not answer costs a moment only" {
    unset AWS_EC2_METADATA_DISABLED
    # A port that takes no connection: its queue is full.
    python3 - >port 3>&- <<'PYTHON' &
import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(0)
port = s.getsockname()[1]
others = [socket.socket() for _ in range(4)]
for o in others:
    o.setblocking(False)
    o.connect_ex(("127.0.0.1", port))
print(port, flush=True)
time.sleep(60)
PYTHON
    local pid=$!
    wait_for 10 test -s port
    local begin=$SECONDS
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:$(cat port) refused 5 'no credentials' -- lade push -q "$ecr/$image"
    kill "$pid"
    [ $((SECONDS - begin)) -le 4 ]
    # One who accepts, and then says nothing.
    mode imds slow
    begin=$SECONDS
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://$CLOUD_METADATA refused 5 'no credentials' -- lade push -q "$ecr/$image"
    [ $((SECONDS - begin)) -le 13 ]
}

@test "ECR: wrong keys, keys without the right, half of them" {
    aws_static
    AWS_SECRET_ACCESS_KEY=wrong refused 5 'does not match the signature' 'keys are from $AWS_ACCESS_KEY_ID' -- lade push -q "$ecr/$image"
    # The rest of that message repeats the request.
    [[ $stderr != *'Canonical String'* ]]
    AWS_ACCESS_KEY_ID=AKIANOBODY refused 5 UnrecognizedClientException -- lade push -q "$ecr/$image"
    AWS_ACCESS_KEY_ID=ASIASESSION000000001 AWS_SECRET_ACCESS_KEY=canary/secret+of/session/keys AWS_SESSION_TOKEN=old \
        refused 5 ExpiredTokenException -- lade push -q "$ecr/$image"
    mode ecr-refuse AccessDeniedException
    refused 5 AccessDeniedException 'ecr:GetAuthorizationToken' -- lade push -q "$ecr/$image"
    unset AWS_SECRET_ACCESS_KEY
    refused 2 'only AWS_ACCESS_KEY_ID is set' -- lade push -q "$ecr/$image"
}

@test "ECR: a clock that is wrong by an hour" {
    aws_static
    mode skew 3600
    pushes "$ecr/$image"
    rm "$CLOUD_DIR/mode"
    mode skew -3600
    pushes "$ecr/$image"
    [ "$(grep -c 'POST https://api.ecr' "$CLOUD_LOG")" -eq 4 ]
}

@test "ECR: a password that ends is replaced, one that is refused too" {
    aws_static
    mode ecr-life 20
    pushes "$ecr/$image"
    [ "$(grep -c PASSWORD "$CLOUD_LOG")" -gt 1 ]
    rm "$CLOUD_DIR/mode"
    mode ecr-uses 3
    : >"$CLOUD_LOG"
    lade tag "$ecr/$image" "$ecr/$image-new"
    pushes "$ecr/$image-new"
    [ "$(grep -c PASSWORD "$CLOUD_LOG")" -gt 1 ]
    grep -q 'auth=Basic 401' "$CLOUD_LOG"
    rm "$CLOUD_DIR/mode"
    mode ecr-forget 1
    : >"$CLOUD_LOG"
    refused 5 'Amazon ECR ($AWS_ACCESS_KEY_ID)' -- lade push -q "$ecr/$image"
}

@test "ECR: FIPS, and the region that the name says" {
    aws_static
    local ref=123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/$image
    lade tag "$ecr/$image" "$ref"
    AWS_REGION=eu-west-3 pushes "$ref"
    logged "PASSWORD ecr us-gov-west-1 for $static"
    grep -q 'POST https://ecr-fips.us-gov-west-1.amazonaws.com/' "$CLOUD_LOG"
}

@test "ECR Public: anybody may pull, with keys one pushes" {
    refused 5 -- lade push -q "$public/$image"
    aws_static
    AWS_REGION=eu-west-1 pushes "$public/$image"
    logged "PASSWORD public us-east-1 for $static"
    # Keys for something else do not hinder.
    mode ecr-refuse AccessDeniedException
    lade rm "$public/$image"
    lade pull -q "$public/$image"
    AWS_SECRET_ACCESS_KEY=wrong lade pull -q "$public/$image"
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    lade pull -q "$public/$image"
}

@test "ECR: other sources go first, and no cloud is asked for other registries" {
    aws_static
    export AWS_ACCESS_KEY_ID=AKIANOBODY
    lade tag "$ecr/$image" "$REGISTRY_PLAIN/$image"
    lade push -q "$REGISTRY_PLAIN/$image"
    mkdir -p "$DOCKER_CONFIG"
    printf '{"auths":{"%s":{"username":"AWS","password":"stored"}}}' "$ecr" >"$DOCKER_CONFIG/config.json"
    refused 5 'config.json' -- lade push -q "$ecr/$image"
    [ "$(grep -c 'api.ecr' "$CLOUD_LOG")" -eq 0 ]
}

# --- Azure ---

principal() { export AZURE_TENANT_ID=$tenant AZURE_CLIENT_ID=$client AZURE_CLIENT_SECRET='canary~client.secret/with+signs&more'; }

@test "ACR: a service principal" {
    principal
    pushes "$acr/$image"
    logged 'ENTRA secret login.microsoftonline.com'
    logged "EXCHANGE secret tenant=$tenant"
    AZURE_CLIENT_SECRET=wrong refused 5 AADSTS7000215 'AZURE_CLIENT_SECRET' -- lade push -q "$acr/$image"
    [[ $stderr != *'Trace ID'* ]]
    AZURE_CLIENT_ID=someone refused 5 AADSTS700016 -- lade push -q "$acr/$image"
    AZURE_TENANT_ID='../x' refused 2 AZURE_TENANT_ID -- lade push -q "$acr/$image"
    AZURE_TENANT_ID='' refused 2 'AZURE_TENANT_ID is not' -- lade push -q "$acr/$image"
    mode entra invalid_client
    refused 5 AADSTS700082 -- lade push -q "$acr/$image"
}

@test "ACR: the commands of its page" {
    principal
    page acr
    grep -qE '^Azure \(\$AZURE_CLIENT_SECRET\) +found: ' said
    grep -q "PUT https://$acr/v2/team/app/manifests/1 auth=Bearer 201" "$CLOUD_LOG"
}

@test "ACR: another cloud, another authority" {
    principal
    lade tag "$acr/$image" "example.azurecr.us/$image"
    pushes "example.azurecr.us/$image"
    logged 'ENTRA secret login.microsoftonline.us'
    AZURE_AUTHORITY_HOST=https://login.microsoftonline.us/ pushes "$acr/$image"
    AZURE_AUTHORITY_HOST=http://login.microsoftonline.us/ refused 5 https:// -- lade push -q "$acr/$image"
}

@test "ACR: workload identity, as on AKS" {
    export AZURE_TENANT_ID=$tenant AZURE_CLIENT_ID=$client AZURE_FEDERATED_TOKEN_FILE=$CLOUD_DIR/federated-token
    export AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/
    pushes "$acr/$image"
    logged 'ENTRA assertion login.microsoftonline.com'
    logged "EXCHANGE assertion tenant=$tenant"
    AZURE_FEDERATED_TOKEN_FILE=none refused 4 none -- lade push -q "$acr/$image"
}

@test "ACR: managed identity, of an app and of a machine" {
    export IDENTITY_ENDPOINT=http://$CLOUD_METADATA/msi/token IDENTITY_HEADER=canary-identity-header
    pushes "$acr/$image"
    logged 'EXCHANGE app tenant='
    AZURE_CLIENT_ID=other refused 5 'Identity not found' -- lade push -q "$acr/$image"
    unset IDENTITY_ENDPOINT IDENTITY_HEADER
    export AZURE_POD_IDENTITY_AUTHORITY_HOST=http://$CLOUD_METADATA
    pushes "$acr/$image"
    logged 'EXCHANGE machine tenant='
    AZURE_CLIENT_ID=$client pushes "$acr/$image"
    AZURE_CLIENT_ID=other refused 5 'no credentials' -- lade push -q "$acr/$image"
    AZURE_POD_IDENTITY_AUTHORITY_HOST=http://127.0.0.1:1 refused 5 'no credentials' -- lade push -q "$acr/$image"
}

@test "ACR: the refresh token that az gives" {
    # What "az acr login --expose-token" prints is what the exchange gives.
    local token
    token=$(curl -sS -x "$CLOUD_PROXY" --cacert "$CLOUD_CA" -d grant_type=client_credentials -d client_id="$client" \
        --data-urlencode 'client_secret=canary~client.secret/with+signs&more' -d scope=https://containerregistry.azure.net/.default \
        "https://login.microsoftonline.com/$tenant/oauth2/v2.0/token" | jq -r .access_token)
    token=$(curl -sS -x "$CLOUD_PROXY" --cacert "$CLOUD_CA" -d grant_type=access_token -d service="$acr" -d access_token="$token" \
        "https://$acr/oauth2/exchange" | jq -r .refresh_token)
    lade login --username 00000000-0000-0000-0000-000000000000 --password-stdin "$acr" <<<"$token"
    pushes "$acr/$image"
}

# --- Google ---

@test "GAR: the key of a service account" {
    export GOOGLE_APPLICATION_CREDENTIALS=$CLOUD_DIR/google-key.json
    pushes "$gar/$image"
    logged 'GOOGLE account'
    logged 'GAR oauth2accesstoken'
    mode google invalid_grant
    refused 5 invalid_grant 'expired or revoked' -- lade push -q "$gar/$image"
    GOOGLE_APPLICATION_CREDENTIALS=none refused 4 none -- lade push -q "$gar/$image"
    jq '.private_key = "no key"' "$CLOUD_DIR/google-key.json" >broken
    GOOGLE_APPLICATION_CREDENTIALS=broken refused 3 'private key cannot be read' broken -- lade push -q "$gar/$image"
    jq '.token_uri = "https://evil.example.org/token"' "$CLOUD_DIR/google-key.json" >evil
    GOOGLE_APPLICATION_CREDENTIALS=evil refused 5 'not a server of Google' -- lade push -q "$gar/$image"
    echo '{' >broken
    GOOGLE_APPLICATION_CREDENTIALS=broken refused 3 'not a JSON object' -- lade push -q "$gar/$image"
    echo '{"type": "gdch"}' >broken
    GOOGLE_APPLICATION_CREDENTIALS=broken refused 11 gdch -- lade push -q "$gar/$image"
}

@test "GAR: the commands of its page" {
    ACCESS_TOKEN=$(curl -sS --noproxy '*' -H 'Metadata-Flavor: Google' "http://$CLOUD_METADATA/computeMetadata/v1/instance/service-accounts/default/token" |
        jq -r .access_token)
    export ACCESS_TOKEN KEY=$CLOUD_DIR/google-key.json
    page gar
    grep -qE '^Google Cloud \(\$GOOGLE_APPLICATION_CREDENTIALS\) +found: user "oauth2accesstoken"' said
    grep -q "PUT https://$gar/v2/project/repository/app/manifests/1 auth=Bearer 201" "$CLOUD_LOG"
    logged 'GAR _json_key'
    logged 'GAR _json_key_base64'
}

@test "GAR: a key whose account does not know it" {
    local key
    key=$(openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null)
    jq --arg k "$key" '.private_key = $k' "$CLOUD_DIR/google-key.json" >other
    GOOGLE_APPLICATION_CREDENTIALS=other refused 5 'Invalid JWT Signature' -- lade push -q "$gar/$image"
}

@test "GAR: a login of gcloud" {
    mkdir -p "$HOME/.config/gcloud" other
    cp "$CLOUD_DIR/google-user.json" "$HOME/.config/gcloud/application_default_credentials.json"
    pushes "$gar/$image"
    logged 'GOOGLE user'
    mv "$HOME/.config/gcloud/application_default_credentials.json" other
    CLOUDSDK_CONFIG=$PWD/other pushes "$gar/$image"
    # One that has ended does not hinder those who need none.
    mode google invalid_grant
    lade tag "$gar/$image" "$gar/$image-new"
    CLOUDSDK_CONFIG=$PWD/other refused 5 -- lade push -q "$gar/$image-new"
    CLOUDSDK_CONFIG=$PWD/other lade pull -q "$gar/$image"
}

@test "GAR: workload identity federation, as in GitHub's and GitLab's pipelines" {
    GOOGLE_APPLICATION_CREDENTIALS=$CLOUD_DIR/google-federation.json pushes "$gar/$image"
    logged 'GOOGLE federation'
    echo '{"value": "canary-federated.token"}' >token
    jq --arg f "$PWD/token" '.credential_source = {file: $f, format: {type: "json", subject_token_field_name: "value"}}' \
        "$CLOUD_DIR/google-federation.json" >json
    GOOGLE_APPLICATION_CREDENTIALS=json pushes "$gar/$image"
    jq --arg u "http://$CLOUD_METADATA/federated" '.credential_source = {url: $u, headers: {Authorization: "bearer canary-request-token"},
        format: {type: "json", subject_token_field_name: "value"}}' "$CLOUD_DIR/google-federation.json" >url
    GOOGLE_APPLICATION_CREDENTIALS=url pushes "$gar/$image"
    jq '.credential_source.url = "http://issuer.example.org/"' url >plain
    GOOGLE_APPLICATION_CREDENTIALS=plain refused 5 'not asked without TLS' -- lade push -q "$gar/$image"
    jq '.audience = "other"' "$CLOUD_DIR/google-federation.json" >wrong
    GOOGLE_APPLICATION_CREDENTIALS=wrong refused 5 'HTTP 400' audience -- lade push -q "$gar/$image"
}

@test "GAR: the metadata of a machine" {
    export GCE_METADATA_HOST=$CLOUD_METADATA
    pushes "$gar/$image"
    logged 'GAR oauth2accesstoken'
    mode google-life 20
    pushes "$gar/$image"
    lade tag "$gar/$image" "$gar/$image-new"
    GCE_METADATA_HOST=127.0.0.1:1 refused 5 -- lade push -q "$gar/$image-new"
    # Somebody else's web server is not Google.
    GCE_METADATA_HOST=$REGISTRY_PLAIN refused 5 -- lade push -q "$gar/$image-new"
}

@test "GAR: keys as passwords, and access tokens" {
    lade login --username _json_key --password-stdin "$gar" <"$CLOUD_DIR/google-key.json"
    pushes "$gar/$image"
    logged 'GAR _json_key'
    base64 -w 0 "$CLOUD_DIR/google-key.json" | lade login --username _json_key_base64 --password-stdin "$gar"
    pushes "$gar/$image"
    logged 'GAR _json_key_base64'
    lade logout "$gar"
    # "gcloud auth print-access-token"
    curl -sS --noproxy '*' -H 'Metadata-Flavor: Google' "http://$CLOUD_METADATA/computeMetadata/v1/instance/service-accounts/default/token" |
        jq -r .access_token | lade login --username oauth2accesstoken --password-stdin "$gar"
    pushes "$gar/$image"
    echo ya29.wrong | refused 5 -- lade login --username oauth2accesstoken --password-stdin "$gar"
}
