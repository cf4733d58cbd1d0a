#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Doubles of Amazon's, Azure's and Google's servers that have to do with their registries, for tests. They check what they get as the
real ones document it (signatures of AWS are computed anew here, tokens of service accounts are verified with openssl), refuse what is
wrong, and note a LEAK when a secret arrives where it has no business. Python's own library and the openssl command only.

    cloudd.py DIR --registry HOST:PORT [--log FILE]

Prints "port N" (a proxy for HTTPS_PROXY, see connectd.py: DIR/ca.crt is its authority) and "metadata N" (the metadata services of all
three clouds, plain HTTP on loopback), then serves until SIGTERM. Images go to the plain registry at HOST:PORT.

It makes in DIR what users have: web-identity-token, container-token, federated-token, google-key.json (a service account), google-user.json,
google-federation.json. The other secrets are those of SECRETS below. DIR/mode may hold lines "KEY VALUE" that change how it acts:
    skew SECONDS          AWS's clock is so far ahead
    ecr-life SECONDS      of passwords for Amazon ECR (default 43200)
    ecr-refuse CODE       GetAuthorizationToken fails with this code
    ecr-forget 1          no password is accepted
    ecr-uses N            each password is good for so many requests only
    imds off|norole|slow  no token, no role, no answer
    entra CODE            Entra ID fails with this error
    google CODE           Google's token servers fail with this error
    google-life SECONDS   of Google's tokens (default 3599)
"""
import argparse
import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid

import connectd
import double

AWS_KEYS = {  # id: (secret, token of temporary keys)
    "AKIAIOSFODNN7EXAMPLE": ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
    "ASIASESSION000000001": ("canary/secret+of/session/keys", "canary-token+of/session=="),
    "ASIAWEBIDENTITY00001": ("canary/secret+of/web/identity", "canary-token+of/web/identity=="),
    "ASIAASSUMEDROLE00001": ("canary/secret+of/assumed/role", "canary-token+of/assumed/role=="),
    "ASIACONTAINER0000001": ("canary/secret+of/container", "canary-token+of/container=="),
    "ASIAINSTANCE00000001": ("canary/secret+of/instance", "canary-token+of/instance=="),
}
AWS_ROLE = "arn:aws:iam::123456789012:role/push"
TENANT, CLIENT = "72f988bf-0000-4000-8000-2d7cd011db47", "11111111-2222-4333-8444-555555555555"
IDENTITY_HEADER = "canary-identity-header"
CLIENT_SECRET = "canary~client.secret/with+signs&more"
GOOGLE_EMAIL = "push@project.iam.gserviceaccount.com"
GOOGLE_USER = {"client_id": "user.apps.googleusercontent.com", "client_secret": "canary-google-client-secret",
               "refresh_token": "1//canary-google-refresh", "type": "authorized_user"}
GOOGLE_POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/github"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
ZERO = "00000000-0000-0000-0000-000000000000"


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class World:
    """What all servers know: secrets and where they may arrive, what was given out and until when."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.secrets = {}   # secret: kinds of places where it may arrive
        self.used = {}      # password: how often
        self.given = {}     # (kind, secret): (end, note)
        self.write("web-identity-token", "canary-web.identity.token", "sts")
        self.write("container-token", "canary-container-token", "container")
        self.write("federated-token", "canary-federated.token", "entra", "google-sts")
        for secret, token in AWS_KEYS.values():
            self.secrets[secret] = set()
            if token:
                self.secrets[token] = {"ecr-api", "sts"}
        self.secrets.update({CLIENT_SECRET: {"entra"}, IDENTITY_HEADER: {"app"}, "canary-request-token": {"issuer"}, GOOGLE_USER["client_secret"]: {"google"},
                             GOOGLE_USER["refresh_token"]: {"google"}})
        self.google_files()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text, *places):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text + "\n")
        self.secrets[text] = set(places)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read().strip()

    def google_files(self):
        connectd.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path("google.pem"))
        connectd.openssl("pkey", "-in", self.path("google.pem"), "-pubout", "-out", self.path("google.pub"))
        pem = self.read("google.pem") + "\n"
        self.secrets[pem.splitlines()[5]] = {"gar"}
        self.key = {"type": "service_account", "project_id": "project", "private_key_id": "key1", "private_key": pem,
                    "client_email": GOOGLE_EMAIL, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token"}
        pool = {"type": "external_account", "audience": GOOGLE_POOL, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token", "credential_source": {"file": self.path("federated-token")},
                "service_account_impersonation_url":
                f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{GOOGLE_EMAIL}:generateAccessToken"}
        for name, document in (("google-key.json", self.key), ("google-user.json", GOOGLE_USER), ("google-federation.json", pool)):
            with open(self.path(name), "w", encoding="utf-8") as f:
                json.dump(document, f, indent=2)

    def mode(self, key, default=""):
        try:
            with open(self.path("mode"), encoding="utf-8") as f:
                words = dict(line.split(None, 1) for line in f if line.strip())
        except OSError:
            words = {}
        return words.get(key, default).strip()

    def now(self):
        return time.time() + float(self.mode("skew", "0"))

    def give(self, kind, life, *places, note=""):
        """A new secret that is good for `kind`, and may arrive at `places`."""
        secret = f"canary-{kind}-{uuid.uuid4()}"
        with self.lock:
            self.secrets[secret] = set(places)
            self.given[kind, secret] = (time.time() + life, note)
        return secret

    def good(self, kind, secret):
        """The note of a secret, or None."""
        end, note = self.given.get((kind, secret), (0, None))
        return note if end > time.time() else None

    def strangers(self, text, place):
        """Secrets in a text that have no business at a place."""
        with self.lock:
            return [s for s, places in self.secrets.items() if s in text and place not in places]


class Refused(Exception):
    def __init__(self, status, body, headers=(), kind="application/json"):
        super().__init__(status)
        self.args = (status, body, headers, kind)


def aws_json(code, message):
    return Refused(400, json.dumps({"__type": code, "message": message}).encode(), kind="application/x-amz-json-1.1")


def aws_xml(code, message, status=403):
    text = (f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>{code}</Code>'
            f"<Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>")
    return Refused(status, text.encode(), kind="text/xml")


def oauth(status, code, message):
    return Refused(status, json.dumps({"error": code, "error_description": message}).encode())


def verify_sigv4(request, data, region, service, error):
    """AWS's side of Signature Version 4, from its documentation: the id of the key that signed."""
    world, h = request.world, request.headers
    fields = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), "
                          r"Signature=([0-9a-f]{64})", h.get("Authorization", ""))
    if not fields:
        raise error("IncompleteSignatureException", "Authorization header is not one of AWS4-HMAC-SHA256")
    key, day, its_region, its_service, names, signature = fields.groups()
    secret, token = AWS_KEYS.get(key, (None, None))
    if not secret:
        raise error("UnrecognizedClientException", "The security token included in the request is invalid.")
    if h.get("X-Amz-Security-Token") != token:
        raise error("ExpiredTokenException", "The security token included in the request is expired")
    date = h.get("X-Amz-Date", "")
    sent = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
    if abs(sent - world.now()) > 300:
        raise error("InvalidSignatureException", f"Signature expired: {date} is now earlier than the server's time (5 min.)")
    if (day, its_region, its_service) != (date[:8], region, service):
        raise error("InvalidSignatureException", "Credential should be scoped to a valid region and service.")
    signed = names.split(";")
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if token else set()) | ({"x-amz-target"} & {n.lower() for n in h})
    if signed != sorted(signed) or not needed <= set(signed):
        raise error("InvalidSignatureException", "headers that must be signed are not")
    path, _, query = request.path.partition("?")
    pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                   for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
    lines = [request.command, urllib.parse.quote(path, safe="/-_.~"), "&".join(f"{k}={v}" for k, v in pairs)]
    lines += [f"{n}:{','.join(' '.join(v.split()) for v in h.get_all(n, []))}" for n in signed]
    lines += ["", names, hashlib.sha256(data).hexdigest()]
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    mac = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        mac = hmac.new(mac, part.encode(), hashlib.sha256).digest()
    right = hmac.new(mac, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right, signature):
        raise error("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check "
                    "your AWS Secret Access Key and signing method.\n\nThe Canonical String for this request should have been\n"
                    + "\n".join(lines))
    return key


def verify_rs256(world, token):
    head, claims, signature = token.split(".")
    with tempfile.NamedTemporaryFile() as f:
        f.write(unb64(signature))
        f.flush()
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", world.path("google.pub"), "-signature", f.name],
                              input=f"{head}.{claims}".encode(), capture_output=True, check=False)
    if done.returncode != 0 or json.loads(unb64(head)) != {"alg": "RS256", "typ": "JWT", "kid": "key1"}:
        raise oauth(400, "invalid_grant", "Invalid JWT Signature.")
    return json.loads(unb64(claims))


class Cloud(connectd.Site):
    """A server of a cloud. `place` is the kind of place that it is, for secrets."""
    place = ""
    world = None

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.world.now() if timestamp is None else timestamp)

    def basic(self):
        how, _, value = self.headers.get("Authorization", "").partition(" ")
        return tuple(base64.b64decode(value).decode().split(":", 1)) if how == "Basic" else (None, None)

    def bearer(self):
        how, _, value = self.headers.get("Authorization", "").partition(" ")
        return value if how == "Bearer" else None

    def look(self, data=b""):
        """Refuse a request with a secret that has no business here."""
        text = "\n".join([self.path, urllib.parse.unquote_plus(self.path), *self.headers.values(), data.decode("utf-8", "replace"),
                          urllib.parse.unquote_plus(data.decode("utf-8", "replace")), ":".join(p or "" for p in self.basic())])
        for _ in self.world.strangers(text, self.place):
            self.server.note(f"LEAK at {self.place}: {self.command} {self.path.split('?')[0]}")
            raise Refused(400, b"{}")

    def form(self, data):
        if not self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            raise oauth(400, "invalid_request", "not a form")
        pairs = urllib.parse.parse_qsl(data.decode(), keep_blank_values=True, strict_parsing=True)
        if len(dict(pairs)) != len(pairs):
            raise oauth(400, "invalid_request", "a field stands twice")
        return dict(pairs)

    def answer(self):
        self.taken = False
        try:
            self.serve()
        except Refused as e:
            status, body, headers, kind = e.args
            if not self.taken:
                self.body()  # or it would be taken for the next request
            self.say(status, body, kind, headers)

    def serve(self):
        raise NotImplementedError

    def say_json(self, document, kind="application/json"):
        self.say(200, json.dumps(document).encode(), kind)


class EcrApi(Cloud):
    place = "ecr-api"

    def serve(self):
        data = self.body()
        self.look(data)
        public = self.name.startswith("api.ecr-public.")
        region = re.search(r"ecr(?:-public|-fips)?\.([a-z0-9-]+)\.", self.name)[1]
        target = "SpencerFrontendService" if public else "AmazonEC2ContainerRegistry_V20150921"
        key = verify_sigv4(self, data, region, "ecr-public" if public else "ecr", aws_json)
        if (self.command, self.path, self.headers.get("Content-Type")) != ("POST", "/", "application/x-amz-json-1.1") or \
                self.headers.get("X-Amz-Target") != target + ".GetAuthorizationToken" or json.loads(data) != {}:
            raise aws_json("UnknownOperationException", "no such operation")
        if self.world.mode("ecr-refuse"):
            raise aws_json(self.world.mode("ecr-refuse"), f"User: {key} is not authorized to perform: ecr:GetAuthorizationToken")
        life = int(self.world.mode("ecr-life", "43200"))
        kind = "public" if public else "ecr"
        password = self.world.give("password-" + kind, life, kind, note=key)
        one = {"authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(), "expiresAt": self.world.now() + life}
        self.server.note(f"PASSWORD {kind} {region} for {key}")
        self.say_json({"authorizationData": one if public else [dict(one, proxyEndpoint="https://x")]}, "application/x-amz-json-1.1")


class EcrRegistry(Cloud):
    place = "ecr"

    def serve(self):
        self.look()
        user, password = self.basic()
        with self.world.lock:
            used = self.world.used[password] = self.world.used.get(password, 0) + 1
        spent = used > int(self.world.mode("ecr-uses", "1000000")) or self.world.mode("ecr-forget")
        if user != "AWS" or spent or self.world.good("password-ecr", password) is None:
            challenge = f'Basic realm="https://{self.name}/",service="ecr.amazonaws.com"'
            raise Refused(401, b"Not Authorized\n", [("Www-Authenticate", challenge)], "text/plain; charset=utf-8")
        self.forward(self.target, {"authorization"})


class Bearers(Cloud):
    """A registry that wants a bearer token of its own token server."""
    realm = "/token"
    scope = None

    def serve(self):
        path = self.path.split("?")[0]
        if path == self.realm or not path.startswith("/v2"):
            data = self.body()
            self.look(data)
            self.exchange(path, data)
            return
        self.look()
        token = self.bearer()
        rights = self.world.good("token-" + self.place, token)
        if rights is None:
            scope = f',scope="{self.scope}"' if self.scope else ""
            challenge = f'Bearer realm="https://{self.name}{self.realm}",service="{self.name}"{scope}'
            raise Refused(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
                          [("Www-Authenticate", challenge)])
        if rights == "pull" and self.command not in ("GET", "HEAD"):
            raise Refused(403, b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}')
        self.forward(self.target, {"authorization"})

    def exchange(self, path, data):
        raise NotImplementedError

    def token(self, rights):
        return self.world.give("token-" + self.place, 300, self.place, note=rights)


class EcrPublic(Bearers):
    place = "public"
    realm = "/token/"
    scope = "aws"

    def exchange(self, path, data):
        user, password = self.basic()
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        if path != self.realm or query.get("service") != self.name:
            raise Refused(404, b"{}")
        if user is not None and (user != "AWS" or self.world.good("password-public", password) is None):
            raise Refused(401, b'{"message":"bad credentials"}')
        self.say_json({"token": self.token("push" if user else "pull")})


class Sts(Cloud):
    place = "sts"

    def serve(self):
        data = self.body()
        self.look(data)
        form = self.form(data)
        action = form.get("Action")
        if form.get("Version") != "2011-06-15" or form.get("RoleArn") != AWS_ROLE or not form.get("RoleSessionName"):
            raise aws_xml("ValidationError", "1 validation error detected", 400)
        if action == "AssumeRoleWithWebIdentity":
            if self.headers.get("Authorization"):
                raise aws_xml("IncompleteSignature", "this is not signed", 400)
            if form.get("WebIdentityToken") != "canary-web.identity.token":
                raise aws_xml("InvalidIdentityToken", "The web identity token that was passed is not valid &lt;" +
                              form.get("WebIdentityToken", "")[:5] + "&gt;", 400)
            key = "ASIAWEBIDENTITY00001"
        elif action == "AssumeRole":
            verify_sigv4(self, data, self.name.split(".")[1], "sts", aws_xml)
            if form.get("ExternalId", "a&b") != "a&b":
                raise aws_xml("AccessDenied", "is not authorized to perform: sts:AssumeRole")
            key = "ASIAASSUMEDROLE00001"
        else:
            raise aws_xml("InvalidAction", "no such action", 400)
        self.server.note(f"KEYS {action} {self.name}")
        secret, token = AWS_KEYS[key]
        self.say(200, (f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><AssumedRoleUser><Arn>x</Arn>'
                       f"</AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
                       f"<SessionToken>{token}</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration></Credentials></{action}Result>"
                       f"<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{action}Response>").encode(), "text/xml")


class Entra(Cloud):
    place = "entra"

    def serve(self):
        data = self.body()
        self.look(data)
        form = self.form(data)
        if self.world.mode("entra"):
            raise oauth(401, self.world.mode("entra"), "AADSTS700082: The token has expired.\r\nTrace ID: 1")
        if self.path != f"/{TENANT}/oauth2/v2.0/token":
            raise oauth(400, "invalid_request", f"AADSTS90002: Tenant not found. {self.path}")
        if form.get("grant_type") != "client_credentials" or form.get("scope") != "https://containerregistry.azure.net/.default":
            raise oauth(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.")
        if form.get("client_id") != CLIENT:
            raise oauth(400, "unauthorized_client", "AADSTS700016: Application not found in the directory.")
        by_secret = form.get("client_secret") == CLIENT_SECRET
        by_token = form.get("client_assertion") == "canary-federated.token" and \
            form.get("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        if by_secret == by_token:
            raise oauth(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1")
        how = "secret" if by_secret else "assertion"
        self.server.note(f"ENTRA {how} {self.name}")
        token = self.world.give("entra", 3599, "acr", note=how)
        self.say_json({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token})


class Acr(Bearers):
    place = "acr"
    realm = "/oauth2/token"

    def exchange(self, path, data):
        form = self.form(data) if self.command == "POST" else {}
        service = form.get("service") == self.name
        if (self.command, path) == ("POST", "/oauth2/exchange"):
            identity = self.world.good("entra", form.get("access_token"))
            if not service or form.get("grant_type") != "access_token" or form.get("tenant", TENANT) != TENANT or identity is None:
                raise Refused(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
            self.server.note(f"EXCHANGE {identity} tenant={form.get('tenant', '')}")
            self.say_json({"refresh_token": self.world.give("acr-refresh", 10800, "acr", note=identity)})
        elif (self.command, path) == ("POST", self.realm):
            if not service or form.get("grant_type") != "refresh_token" or self.world.good("acr-refresh", form.get("refresh_token")) is None:
                raise Refused(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
            self.say_json({"access_token": self.token("push")})
        elif (self.command, path) == ("GET", self.realm):
            user, password = self.basic()
            if user != ZERO or self.world.good("acr-refresh", password) is None:
                raise Refused(401, b"{}")
            self.say_json({"access_token": self.token("push")})
        else:
            raise Refused(404, b"{}")


class Google(Cloud):
    place = "google"

    def serve(self):
        data = self.body()
        self.look(data)
        form = self.form(data)
        if self.world.mode("google"):
            raise oauth(400, self.world.mode("google"), "Token has been expired or revoked.")
        if (self.command, self.path) != ("POST", "/token"):
            raise Refused(404, b"{}")
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            claims = verify_rs256(self.world, form.get("assertion", "..") or "..")
            if abs(claims["iat"] - self.world.now()) > 300 or not 0 < claims["exp"] - claims["iat"] <= 3600:
                raise oauth(400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
            if (claims["iss"], claims["aud"], claims["scope"]) != (GOOGLE_EMAIL, f"https://{self.name}/token", SCOPE):
                raise oauth(400, "invalid_grant", "Invalid JWT: claims")
            how = "account"
        elif form == dict({k: v for k, v in GOOGLE_USER.items() if k != "type"}, grant_type="refresh_token"):
            how = "user"
        else:
            raise oauth(400, "invalid_grant", "Bad Request")
        self.server.note(f"GOOGLE {how}")
        life = int(self.world.mode("google-life", "3599"))
        self.say_json({"access_token": self.world.give("google", life, "gar", note=how), "expires_in": life, "token_type": "Bearer"})


class GoogleSts(Cloud):
    place = "google-sts"

    def serve(self):
        data = self.body()
        self.look(data)
        if self.form(data) != {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": GOOGLE_POOL, "scope": SCOPE,
                               "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                               "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "subject_token": "canary-federated.token"}:
            raise oauth(400, "invalid_request", "Invalid value for \"audience\".")
        self.say_json({"access_token": self.world.give("federated", 3599, "iam"), "token_type": "Bearer", "expires_in": 3599,
                       "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})


class GoogleIam(Cloud):
    place = "iam"

    def serve(self):
        data = self.body()
        self.look(data)
        if self.path != f"/v1/projects/-/serviceAccounts/{GOOGLE_EMAIL}:generateAccessToken" or json.loads(data) != {"scope": [SCOPE]} or \
                self.world.good("federated", self.bearer()) is None:
            raise Refused(403, b'{"error":{"code":403,"message":"Permission \'iam.serviceAccounts.getAccessToken\' denied","status":'
                          b'"PERMISSION_DENIED"}}')
        self.server.note("GOOGLE federation")
        self.say_json({"accessToken": self.world.give("google", 3600, "gar", note="federation"), "expireTime": "2036-01-01T00:00:00Z"})


class Gar(Bearers):
    place = "gar"
    realm = "/v2/token"

    def exchange(self, path, data):
        user, password = self.basic()
        key = {"_json_key": lambda: password, "_json_key_base64": lambda: base64.b64decode(password)}.get(user)
        if key:
            good = json.loads(key()) == self.world.key
        else:
            good = user == "oauth2accesstoken" and self.world.good("google", password) is not None
        if user is not None and not good:
            raise Refused(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"failed authentication"}]}')
        if user:
            self.server.note(f"GAR {user}")
        self.say_json({"token": self.token("push" if user else "pull"), "expires_in": 300})


class Metadata(Cloud):
    """Plain HTTP, for programs that run in a cloud."""
    name = "metadata"

    def note(self, status):
        self.server.note(f"METADATA {self.command} {self.path.split('?')[0]} {status}")

    def aws(self, key):
        secret, token = AWS_KEYS[key]
        self.say_json({"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                       "Expiration": "2036-01-01T00:00:00Z"})

    def ec2(self, path):
        mode = self.world.mode("imds")
        if mode == "slow":
            time.sleep(30)
        if path == "/latest/api/token":
            if mode == "off" or self.command != "PUT" or self.headers.get("X-aws-ec2-metadata-token-ttl-seconds") != "21600":
                raise Refused(403, b"")
            self.say(200, self.world.give("imds", 21600, "").encode(), "text/plain")
            return
        if self.world.good("imds", self.headers.get("X-aws-ec2-metadata-token")) is None:
            raise Refused(401, b"")
        role = path.partition("/latest/meta-data/iam/security-credentials/")[2]
        if mode == "norole":
            raise Refused(404, b"")
        if role:
            self.aws("ASIAINSTANCE00000001")
        else:
            self.say(200, b"push-role", "text/plain")

    def azure(self, path, query):
        app = path == "/msi/token"
        secret = self.headers.get("X-IDENTITY-HEADER") == IDENTITY_HEADER if app else self.headers.get("Metadata") == "true"
        version = "2019-08-01" if app else "2018-02-01"
        if not secret or query.get("api-version") != version or query.get("resource") != "https://containerregistry.azure.net":
            raise oauth(400, "invalid_request", "Required metadata header not specified")
        if query.get("client_id", CLIENT) != CLIENT:
            raise oauth(400, "invalid_request", "Identity not found")
        how = "app" if app else "machine"
        self.say_json({"access_token": self.world.give("entra", 3599, "acr", note=how), "expires_on": str(int(time.time()) + 3599),
                       "resource": query["resource"], "token_type": "Bearer"})

    def serve(self):
        path, _, query = self.path.partition("?")
        self.place = {"/container": "container", "/msi/token": "app", "/federated": "issuer"}.get(path, "")
        self.look(self.body())
        if path.startswith("/latest/"):
            self.ec2(path)
        elif path == "/container":
            if self.headers.get("Authorization") != "canary-container-token":
                raise Refused(401, b"{}")
            self.aws("ASIACONTAINER0000001")
        elif path == "/federated":
            if self.headers.get("Authorization") != "bearer canary-request-token":
                raise Refused(401, b"{}")
            self.say_json({"value": "canary-federated.token"})
        elif path in ("/metadata/identity/oauth2/token", "/msi/token"):
            self.azure(path, dict(urllib.parse.parse_qsl(query)))
        elif path == "/computeMetadata/v1/instance/service-accounts/default/token":
            if self.headers.get("Metadata-Flavor") != "Google":
                raise Refused(403, b"")
            life = int(self.world.mode("google-life", "3599"))
            token = self.world.give("google", life, "gar", note="machine")
            self.say(200, json.dumps({"access_token": token, "expires_in": life, "token_type": "Bearer"}).encode(),
                     headers=[("Metadata-Flavor", "Google")])
        else:
            raise Refused(404, b"")


SITES = [
    (r"api\.ecr(-public)?\.[a-z0-9-]+\.amazonaws\.com|ecr-fips\.[a-z0-9-]+\.amazonaws\.com", EcrApi),
    (r"\d{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com", EcrRegistry),
    (r"public\.ecr\.aws", EcrPublic),
    (r"sts\.[a-z0-9-]+\.amazonaws\.com", Sts),
    (r"login\.microsoftonline\.(com|us)", Entra),
    (r"[a-z0-9]+\.azurecr\.(io|us)", Acr),
    (r"oauth2\.googleapis\.com", Google),
    (r"sts\.googleapis\.com", GoogleSts),
    (r"iamcredentials\.googleapis\.com", GoogleIam),
    (r"[a-z0-9-]+-docker\.pkg\.dev|gcr\.io", Gar),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--registry", required=True)
    parser.add_argument("--log", default="")
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    world = World(options.directory)

    def site(name):
        kind = next((kind for pattern, kind in SITES if re.fullmatch(pattern, name)), None)
        return kind and type("Known", (kind,), {"world": world, "target": options.registry})

    proxy = connectd.Proxy(options.directory, site, options.log)
    metadata = double.Server(type("Known", (Metadata,), {"world": world}))
    metadata.note = proxy.note
    threading.Thread(target=metadata.serve_forever, daemon=True).start()
    print(f"metadata {metadata.server_address[1]}")
    proxy.run()


if __name__ == "__main__":
    sys.exit(main())
