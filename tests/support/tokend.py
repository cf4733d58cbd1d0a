#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A token server for tests, whose bearer tokens docker-registry accepts. Python's own library and the openssl command only.

    tokend.py keys DIR                    make DIR/token.key and DIR/token.crt (RSA, self-signed)
    tokend.py serve DIR [options]         serve GET and POST /token, print "port N" when ready; ends with SIGTERM

Options of serve:
    --port N            default 0: any free one
    --issuer NAME       default "tests"
    --service NAME      default "registry"; what docker-registry must have as auth.token.service
    --user NAME:PASS    these may do everything; others, and nobody, may pull from --public only
    --public PREFIX     repositories that anybody may pull from; default "public/"
    --ttl SECONDS       of tokens, default 300. The registry allows 60 s more, so -57 is a token that ends in 3 s
    --say-ttl SECONDS   what expires_in says; default: the same as --ttl; "none" leaves it out
    --refresh TOKEN     accept this as a refresh token (POST grant_type=refresh_token), with all rights
    --no-post           answer POST with 404, as older servers do
    --field NAME        "token" (default), "access_token"
    --fail N            answer the first N requests with 429 and Retry-After: 0
    --log FILE          one line for each request: METHOD scope=… account=… auth=basic|refresh|none status
    --tls CERT KEY      serve HTTPS

docker-registry's part of the configuration:
    auth:
      token:
        realm: http://127.0.0.1:PORT/token
        service: registry
        issuer: tests
        rootcertbundle: DIR/token.crt

The token is a JWT (RS256) with the certificate in its header ("x5c"), which the registry finds in rootcertbundle.
"""
import argparse
import base64
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.parse
import uuid

import double


def make_keys(directory):
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=tests",
                    "-keyout", os.path.join(directory, "token.key"), "-out", os.path.join(directory, "token.crt")],
                   check=True, capture_output=True)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    def __init__(self, directory):
        self.key = os.path.join(directory, "token.key")
        with open(os.path.join(directory, "token.crt"), encoding="ascii") as f:
            self.der = "".join(line.strip() for line in f if "-----" not in line)

    def sign(self, claims):
        header = {"typ": "JWT", "alg": "RS256", "x5c": [self.der]}
        text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True,
                              capture_output=True)
        return text + "." + b64(made.stdout)


def granted(scopes, known, public):
    access = []
    for scope in " ".join(scopes).split():
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        actions = actions.split(",")
        if not known:
            actions = [a for a in actions if a == "pull" and name.startswith(public)]
        if actions:
            access.append({"type": kind, "name": name, "actions": actions})
    return access


class Handler(double.Handler):
    def reply(self, status, body, **headers):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)
        self.server.note(f"{self.command} {self.note} {status}")

    def basic(self):
        value = self.headers.get("Authorization", "")
        if not value.startswith("Basic "):
            return None
        return base64.b64decode(value[6:]).decode()

    def handle_one(self, scopes, account, how, ok, known):
        o = self.server.options
        self.note = f"scope={' '.join(scopes)} account={account} auth={how}"
        with self.server.lock:
            self.server.asked += 1
            early = self.server.asked <= o.fail
        if early:
            self.reply(429, {"errors": [{"code": "TOOMANYREQUESTS", "message": "slow down"}]}, Retry_After="0")
        elif not ok:
            self.reply(401, {"errors": [{"code": "UNAUTHORIZED", "message": "wrong user or password"}]})
        else:
            now = int(time.time())
            token = self.server.signer.sign({"iss": o.issuer, "sub": account, "aud": o.service, "exp": now + o.ttl,
                                             "nbf": now - 3600, "iat": now - 3600, "jti": str(uuid.uuid4()),
                                             "access": granted(scopes, known, o.public)})
            answer = {o.field: token, "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))}
            if o.say_ttl != "none":
                answer["expires_in"] = int(o.say_ttl) if o.say_ttl else o.ttl
            self.reply(200, answer)

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        given = self.basic()
        self.handle_one(query.get("scope", []), query.get("account", [""])[0], "basic" if given else "none",
                        given is None or given == self.server.options.user, given is not None)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        self.note = "post"
        if self.server.options.no_post:
            self.reply(404, {"error": "not here"})
            return
        token = form.get("refresh_token", [""])[0]
        ok = form.get("grant_type") == ["refresh_token"] and bool(token) and token == self.server.options.refresh
        self.handle_one(form.get("scope", []), "", "refresh", ok, True)


def serve(options):
    server = double.Server(Handler, options.log, options.port)
    server.options = options
    server.signer = Signer(options.directory)
    server.asked = 0
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.run()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["keys", "serve"])
    parser.add_argument("directory")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--issuer", default="tests")
    parser.add_argument("--service", default="registry")
    parser.add_argument("--user", default="alice:secret")
    parser.add_argument("--public", default="public/")
    parser.add_argument("--ttl", type=int, default=300)
    parser.add_argument("--say-ttl", default="")
    parser.add_argument("--refresh", default="")
    parser.add_argument("--no-post", action="store_true")
    parser.add_argument("--field", default="token")
    parser.add_argument("--fail", type=int, default=0)
    parser.add_argument("--log", default="")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options = parser.parse_args()
    if options.command == "keys":
        make_keys(options.directory)
    else:
        serve(options)


if __name__ == "__main__":
    sys.exit(main())
