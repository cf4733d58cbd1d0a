#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Doubles of registries that people use, by their real names, in front of a plain docker-registry, for tests of the commands in
doc/registries. Each asks for credentials as the real one does (realm, service, scopes, life of tokens), and has those of its manners that
clients stumble over. They note a LEAK when credentials arrive where they have no business. Python's own library and the openssl command only.

    registriesd.py DIR --registry HOST:PORT [--secret WORD] [--log FILE]

Prints "port N" (a proxy for HTTPS_PROXY, see connectd.py: DIR/ca.crt is its authority), then serves until SIGTERM. WORD (default
"canary-secret") is the password or token of every account.
"""
import argparse
import base64
import json
import sys
import threading
import time
import urllib.parse
import uuid

import connectd


class Tokens:
    """Bearer tokens that were given out: what they allow, and until when."""

    def __init__(self):
        self.lock = threading.Lock()
        self.known = {}

    def give(self, host, scopes, life):
        token = "t-" + uuid.uuid4().hex
        with self.lock:
            self.known[token] = (host, scopes, time.monotonic() + life)
        return token

    def allows(self, token, host, wanted):
        with self.lock:
            where, scopes, end = self.known.get(token, ("", set(), 0))
        return where == host and time.monotonic() < end and (not wanted or wanted in scopes)


def actions(scopes):
    """The single rights in ["repository:a/b:pull,push"], each as "repository:a/b:pull"."""
    found = set()
    for scope in " ".join(scopes).split():
        what, _, rights = scope.rpartition(":")
        found.update(f"{what}:{right}" for right in rights.split(","))
    return found


def basic_of(value):
    """The name and the password in an Authorization header, or two times None."""
    scheme, _, rest = (value or "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    user, _, password = base64.b64decode(rest).decode().partition(":")
    return user, password


class Registry(connectd.Site):
    """Bearer tokens from `realm`, for `service`; what subclasses do not say is as with distribution."""
    service = ""
    life = 300
    users = None  # names that there are; None: any
    first = ()    # the first part of names of repositories that there are; empty: any

    def realm(self):
        return f"https://{self.name}/token"

    def wanted(self):
        """The right that a request needs, as "repository:a/b:pull"; "" for the ping."""
        path = urllib.parse.urlsplit(self.path).path
        for part in ("/blobs/", "/manifests/", "/tags/", "/referrers/"):
            if part in path:
                right = "pull" if self.command in ("GET", "HEAD") and "/uploads/" not in path else "push"
                right = "delete" if self.command == "DELETE" and "/uploads/" not in path else right
                return f"repository:{path[len('/v2/'):path.index(part)]}:{right}"
        return ""

    def challenge(self, wanted):
        value = f'Bearer realm="{self.realm()}",service="{self.service}"'
        return value + (f',scope="{wanted if not wanted.endswith("push") else wanted[:-4] + "pull,push"}"' if wanted else "")

    def refuse(self, wanted, code="UNAUTHORIZED", status=401):
        body = {"errors": [{"code": code, "message": "authentication required", "detail": None}]}
        self.drain()
        self.say(status, json.dumps(body).encode(), headers=[("WWW-Authenticate", self.challenge(wanted))] if status == 401 else [])

    def drain(self):
        for _ in self.pieces():
            pass

    def is_known(self, user, password):
        return password == self.server.secret and (self.users is None or user in self.users)

    def allowed(self, wanted):
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        return scheme == "Bearer" and self.server.tokens.allows(token, self.name, wanted)

    def answer(self):
        path = urllib.parse.urlsplit(self.path).path
        if not path.startswith("/v2/"):
            self.say(404)
            return
        wanted = self.wanted()
        if not self.allowed(wanted):
            self.refuse(wanted)
        elif wanted and self.first and wanted.split(":")[1].split("/")[0] not in self.first:
            self.drain()
            self.say(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"project not found"}]}')
        else:
            self.serve(path)

    def serve(self, path):
        del path
        self.forward(self.server.registry, drop=("authorization",))


class TokenServer(connectd.Site):
    """GET with Basic or nothing; `registry` is the class it gives tokens for, `host` its name."""
    registry = None
    host = ""
    path_of_tokens = "/token"
    post = False  # POST is 404

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if url.path != self.path_of_tokens or self.command != "GET":
            self.body()
            self.say(404)
            return
        user, password = basic_of(self.headers.get("Authorization"))
        if query.get("service", [""])[0] != self.registry.service.replace("{name}", self.host or self.name):
            self.say(400, b'{"details":"unknown service"}')
        elif user is not None and (password != self.server.secret or (self.registry.users and user not in self.registry.users)):
            self.say(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}')
        elif user is not None and query.get("account", [user])[0] != user:
            self.say(400, b'{"details":"account is another one"}')
        else:
            self.give(query.get("scope", []) if user is not None else [])

    def give(self, scopes):
        token = self.server.tokens.give(self.host or self.name, actions(scopes), self.registry.life)
        answer = {"token": token, "access_token": token, "expires_in": self.registry.life,
                  "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        self.say(200, json.dumps(answer).encode())


def one_host(registry, tokens):
    """Both behind one name."""
    class Both(registry):
        def answer(self):
            if urllib.parse.urlsplit(self.path).path == tokens.path_of_tokens:
                tokens.answer(self)
            else:
                super().answer()

        give = tokens.give
    Both.registry, Both.host, Both.path_of_tokens = registry, "", tokens.path_of_tokens
    return Both


class Hub(Registry):
    service = "registry.docker.io"
    users = ("me",)

    def realm(self):
        return "https://auth.docker.io/token"

    def give_back(self, reply):
        # What is left of the pulls stands in the answers about manifests.
        if "/manifests/" in self.path and self.command == "GET":
            reply.headers["ratelimit-limit"] = "100;w=21600"
            reply.headers["ratelimit-remaining"] = "99;w=21600"
        super().give_back(reply)


class HubTokens(TokenServer):
    registry, host = Hub, "registry-1.docker.io"


class Ghcr(Registry):
    """No chunks above 4 MiB, no mounts."""
    service = "ghcr.io"

    def serve(self, path):
        size = int(self.headers.get("Content-Length") or 0)
        if self.command == "PATCH" and self.headers.get("Content-Range") and size > 4 << 20:
            self.drain()
            self.say(416, b'{"errors":[{"code":"REQUESTED_RANGE_NOT_SATISFIABLE","message":"maximum permissible limit of 4.00MiB"}]}')
            return
        if self.command == "POST" and "mount=" in self.path:
            self.path = self.path.split("?")[0]
        super().serve(path)


class GhcrTokens(TokenServer):
    registry = Ghcr


class Gitlab(Registry):
    """Blobs are at a CDN, also for HEAD."""
    service = "container_registry"

    def realm(self):
        return "https://gitlab.com/jwt/auth"

    def serve(self, path):
        if self.command in ("GET", "HEAD") and "/blobs/" in path and "/uploads/" not in path:
            self.say(307, headers=[("Location", "https://cdn.registry.gitlab-static.net" + path + "?signature=x")])
        else:
            super().serve(path)


class GitlabTokens(TokenServer):
    registry, host, path_of_tokens = Gitlab, "registry.gitlab.com", "/jwt/auth"


class Cdn(connectd.Site):
    def answer(self):
        if self.headers.get("Authorization"):
            self.server.note(f"LEAK {self.command} https://{self.name}{self.path}")
        self.path = self.path.split("?")[0]
        self.forward(self.server.registry, drop=("authorization",))


class Quay(Registry):
    """Robots have a plus in their names."""
    service = "quay.io"
    users = ("acme+ci", "me", "$oauthtoken")

    def realm(self):
        return "https://quay.io/v2/auth"


class QuayTokens(TokenServer):
    registry, path_of_tokens = Quay, "/v2/auth"


class Harbor(Registry):
    """Robots have a dollar sign in their names, and projects have to be there."""
    service = "harbor-registry"
    life = 1800
    users = ("robot$team+ci", "me")
    first = ("team", "library")

    def realm(self):
        return f"https://{self.name}/service/token"


class HarborTokens(TokenServer):
    registry, path_of_tokens = Harbor, "/service/token"


def by_plain_http(reply):
    """Where HTTPS ends before the registry, and nobody tells it."""
    location = reply.headers.get("Location")
    if location:
        reply.headers.replace_header("Location", location.replace("https://", "http://"))


class Artifactory(Registry):
    """A realm for each repository key; Locations by plain HTTP; no Accept of manifests for blobs."""
    service = "acme.jfrog.io"
    first = ("docker-local", "docker-remote")

    def realm(self):
        key = (self.wanted() or ":docker-local/").split(":")[1].split("/")[0]
        return f"https://{self.name}/artifactory/api/docker/{key}/v2/token"

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path.endswith("/v2/token") and self.command == "POST":
            self.body()
            self.say(401)
        elif url.path.endswith("/v2/token"):
            self.path_of_tokens = url.path
            ArtifactoryTokens.answer(self)
        elif "/blobs/" in url.path and "manifest" in (self.headers.get("Accept") or ""):
            self.drain()
            self.say(406)
        else:
            super().answer()

    def give(self, scopes):
        ArtifactoryTokens.give(self, scopes)

    host = ""

    def give_back(self, reply):
        by_plain_http(reply)
        super().give_back(reply)


class ArtifactoryTokens(TokenServer):
    registry = Artifactory


Artifactory.registry = Artifactory


class Plain(Registry):
    """Basic, and no tokens: docker-registry with htpasswd."""
    text = "Registry Realm"

    def challenge(self, wanted):
        return f'Basic realm="{self.text}"'

    def allowed(self, wanted):
        return self.is_known(*basic_of(self.headers.get("Authorization")))


class Zot(Plain):
    """Locations are relative."""
    text = "Authorization Required"

    def give_back(self, reply):
        location = reply.headers.get("Location")
        if location and "://" in location:
            parts = urllib.parse.urlsplit(location)
            reply.headers.replace_header("Location", parts.path + ("?" + parts.query if parts.query else ""))
        super().give_back(reply)


class Nexus(Plain):
    """Locations by plain HTTP, as behind a proxy that says nothing of HTTPS."""
    text = "Sonatype Nexus Repository Manager"

    def give_back(self, reply):
        by_plain_http(reply)
        super().give_back(reply)


SITES = {
    "registry-1.docker.io": Hub,
    "auth.docker.io": HubTokens,
    "ghcr.io": one_host(Ghcr, GhcrTokens),
    "registry.gitlab.com": Gitlab,
    "gitlab.com": GitlabTokens,
    "cdn.registry.gitlab-static.net": Cdn,
    "quay.io": one_host(Quay, QuayTokens),
    "harbor.example.com": one_host(Harbor, HarborTokens),
    "registry.example.com": Plain,
    "zot.example.com": Zot,
    "nexus.example.com": Nexus,
    "acme.jfrog.io": Artifactory,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--registry", required=True)
    parser.add_argument("--secret", default="canary-secret")
    parser.add_argument("--log", default="")
    options = parser.parse_args()
    proxy = connectd.Proxy(options.directory, SITES.get, options.log)
    proxy.registry, proxy.secret, proxy.tokens = options.registry, options.secret, Tokens()
    proxy.run()


if __name__ == "__main__":
    sys.exit(main())
