#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry and a token server in one, for tests of what a client does with challenges and tokens. It has one image, and checks nothing
but the Authorization header. Python's own library only.

    authd.py [--log FILE] RULE…      prints "port N" when ready; ends with SIGTERM

Rules; {port} in them stands for the port, and of those that may be repeated the last one counts from then on:
    accept=VALUE         an Authorization header that opens /v2/; repeat. Without one, everything is open
    once=VALUE           the same, but for one request only; repeat
    challenge=VALUE      a WWW-Authenticate header of each 401; repeat for several
    ping=VALUE           the same, on /v2/ alone: other requests get 401 without any
    open-ping            /v2/ answers 200 to everybody
    get=STATUS BODY      what GET /token answers; repeat: in turn. With a status of 3xx BODY is the Location
    post=STATUS BODY     the same of POST
    lead=URL             blobs are elsewhere (307): URL

The log has one line for each request: METHOD PATH AUTHORIZATION, with Basic decoded, and the body of a POST to /token behind it.
"""
import argparse
import base64
import hashlib
import sys

import double

CONFIG = b"{}"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


MANIFEST = ('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":'
            f'"application/vnd.oci.image.config.v1+json","digest":"{digest(CONFIG)}","size":{len(CONFIG)}}},"layers":[]}}').encode()


class Handler(double.Handler):
    def rules(self, kind):
        return [value.replace("{port}", str(self.server.server_address[1])) for name, value in self.server.rules if name == kind]

    def note(self, body=""):
        value = self.headers.get("Authorization") or "nobody"
        scheme, _, rest = value.partition(" ")
        if scheme == "Basic":
            value = "Basic " + base64.b64decode(rest).decode()
        self.server.note(f"{self.command} {self.path} {value}{' ' if body else ''}{body}")

    def say(self, status, data=b"", headers=()):
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def token(self, kind):
        answers = self.rules(kind)
        with self.server.lock:
            turn = self.server.turns.get(kind, 0)
            self.server.turns[kind] = turn + 1
        status, _, body = (answers[min(turn, len(answers) - 1)] if answers else "404 ").partition(" ")
        if status.startswith("3"):
            self.say(int(status), headers=[("Location", body)])
        else:
            self.say(int(status), body.encode(), [("Content-Type", "application/json")])

    def is_open(self):
        value = self.headers.get("Authorization")
        if self.path == "/v2/" and ("open-ping", "") in self.server.rules:
            return True
        if not self.rules("accept") and not self.rules("once"):
            return True
        with self.server.lock:
            if value in self.rules("once") and value not in self.server.used:
                self.server.used.add(value)
                return True
        return value in self.rules("accept")

    def registry(self):
        if not self.is_open():
            asked = self.rules("challenge") + (self.rules("ping") if self.path == "/v2/" else [])
            self.say(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', [("WWW-Authenticate", value) for value in asked])
        elif self.path == "/v2/":
            self.say(200, b"{}")
        elif "/manifests/" in self.path:
            self.say(200, MANIFEST, [("Content-Type", "application/vnd.oci.image.manifest.v1+json"),
                                     ("Docker-Content-Digest", digest(MANIFEST))])
        elif self.rules("lead") and "/blobs/" in self.path:
            self.say(307, headers=[("Location", self.rules("lead")[0])])
        else:
            self.say(200, CONFIG)

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        at_token = self.path.split("?")[0].startswith("/token")
        self.note(body if at_token else "")
        if at_token:
            self.token(self.command.lower())
        else:
            self.registry()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rule", nargs="*")
    parser.add_argument("--log", default="")
    options = parser.parse_intermixed_args()
    server = double.Server(Handler, options.log)
    server.rules = [(name, value) for name, _, value in (rule.partition("=") for rule in options.rule)]
    server.turns = {}
    server.used = set()
    server.run()


if __name__ == "__main__":
    sys.exit(main())
