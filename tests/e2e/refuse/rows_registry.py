# SPDX-License-Identifier: Apache-2.0
"""Registries that refuse, cannot be trusted, or do not do what they say."""
import base64
import json
import os
import socket

import makers
from liar import Liar
from world import Row

PUSH = ("push", "--tries", "1")


def own_address():
    """An address of this machine that is not loopback, or nothing. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            return ""


def built(name, *more):
    """A `make` that builds an image of that name first."""
    def make(world):
        world.write("Dockerfile", "FROM scratch\nCMD x\n")
        world.lade("build", "-q", "-t", name, "@CONTEXT")
        for step in more:
            step(world)
    return make


def password(registry, text):
    def make(world):
        auth = base64.b64encode(text.encode()).decode()
        with open(os.path.join(world.home, "config.json"), "w", encoding="ascii") as file:
            json.dump({"auths": {world.text(registry): {"auth": auth}}}, file)
    return make


def push(name, code, says, registry, *more, options=(), **fields):
    """An image that is in the store goes to a registry that does not take it. The store stays as it was."""
    image = registry + "/@NAME:1"
    return Row("push-" + name, code, says, make=built(image, *more), command=(*PUSH, *options, image), keeps_store=True, **fields)


def answers(method, path, status, headers=None, body=b"{}"):
    """The registry of lies has every blob of the image, and answers this."""
    def make(world):
        world.repo.answers[(method, path)] = (status, headers or {}, body)
        folder = os.path.join(world.store, "blobs", "sha256")
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as file:
                world.repo.blobs["sha256:" + name] = file.read()
    return make


def from_lies(name, code, says, method, path, status, headers=None, body=b"{}", options=(), **fields):
    return push(name, code, says, "@LIES", answers(method, path, status, headers, body), options=options, **fields)


def pull(name, code, says, path, status, headers=None, body=b"{}"):
    def make(world):
        makers.image(world)
        headers_here = {k: world.text(v) for k, v in (headers or {}).items()}
        for method in ("HEAD", "GET"):
            world.repo.answers[(method, path)] = (status, headers_here, body)
    return Row("pull-" + name, code, says, make=make, command=("pull", "--tries", "1", "@BASE"))


def plain_http(name, code, says):
    """A registry without TLS at an address that is not this machine's alone."""
    address = own_address()
    liar = Liar(address) if address else None
    image = f"{liar.address if liar else ''}/@NAME:1"
    return Row(name, code, says, make=built(image), command=(*PUSH, image), keeps_store=True,
               skip="" if liar else "this machine has no address but loopback")


TLS = ("--cert-dir", "@REGISTRY_AUTHORITY")
JSON = {"Content-Type": "application/json"}
DENIED = b'{"errors":[{"code":"DENIED","message":"\x1b[31mnot for \xff you"}]}'
CHALLENGE = "WWW-Authenticate"

ROWS = [
    push("no-credentials", 5, ("@REGISTRY_BASIC", "lade login"), "@REGISTRY_BASIC"),
    push("wrong-password", 5, ("@REGISTRY_BASIC",), "@REGISTRY_BASIC", password("@REGISTRY_BASIC", "tester:wrong")),
    push("password-without-name", 3, ("config.json",), "@REGISTRY_BASIC", password("@REGISTRY_BASIC", "no colon")),
    push("unknown-authority", 5, ("@REGISTRY_TLS", "certificate"), "@REGISTRY_TLS"),
    push("other-host", 5, ("@REGISTRY_ALIEN", "certificate"), "@REGISTRY_ALIEN", options=TLS),
    push("expired", 5, ("@REGISTRY_EXPIRED", "certificate"), "@REGISTRY_EXPIRED", options=TLS),
    push("cert-dir-missing", 4, ("nowhere",), "@REGISTRY_TLS", options=("--cert-dir", "@WORK/nowhere")),
    plain_http("push-plain-http", 7, ("TLS",)),
    push("nobody-listens", 7, ("127.0.0.1:9", "Connection refused"), "127.0.0.1:9"),
    push("unknown-host", 7, ("registry.invalid",), "registry.invalid"),
    from_lies("manifest-denied", 5, ("PUT", "403", "DENIED"), "PUT", "/manifests/", 403, JSON, DENIED, asks=True),
    from_lies("manifest-invalid", 3, ("PUT", "400"), "PUT", "/manifests/", 400, JSON, b'{"errors":[{"code":"MANIFEST_INVALID"}]}', asks=True),
    from_lies("manifest-tag-immutable", 6, ("PUT", "409", "tag"), "PUT", "/manifests/", 409, asks=True),
    from_lies("manifest-500", 7, ("PUT", "500"), "PUT", "/manifests/", 500, asks=True),
    from_lies("manifest-500-twice", 7, ("PUT", "503"), "PUT", "/manifests/", 503, options=("--tries", "2"), asks=True),
    from_lies("manifest-too-many", 7, ("PUT", "429"), "PUT", "/manifests/", 429, {"Retry-After": "3600"},
              options=("--tries", "3", "--retry-budget", "2s"), asks=True),
    from_lies("manifest-taken-not-kept", 8, ("is this a registry",), "PUT", "/manifests/", 201, asks=True),
    from_lies("manifest-other-digest", 8, ("instead of",), "PUT", "/manifests/", 201, {"Docker-Content-Digest": "sha256:" + "0" * 64}, asks=True),
    from_lies("blob-denied", 5, ("403",), "HEAD", "/blobs/", 403, JSON, DENIED),
    push("blob-upload-refused", 11, ("405",), "@LIES"),
    push("blob-upload-nowhere", 3, ("Location",), "@LIES",
         lambda world: world.repo.answers.update({("POST", "/uploads/"): (202, {}, b"")})),
    push("blob-upload-to-file", 3, ("file:",), "@LIES",
         lambda world: world.repo.answers.update({("POST", "/uploads/"): (202, {"Location": "file:///etc/passwd"}, b"")})),
    pull("redirect-loop", 3, ("redirect",), "/manifests/", 307, {"Location": "http://@LIES/v2/@NAME/manifests/1"}),
    pull("redirect-to-file", 3, ("file:",), "/manifests/", 307, {"Location": "file:///etc/passwd"}),
    pull("redirect-nowhere", 3, ("307",), "/manifests/", 307),
    pull("realm-is-file", 5, ("realm",), "/manifests/", 401, {CHALLENGE: 'Bearer realm="file:///etc/passwd",service="x"'}),
    pull("realm-missing", 5, ("realm",), "/manifests/", 401, {CHALLENGE: 'Bearer service="x"'}),
    pull("realm-answers-html", 3, ("token",), "/manifests/", 401, {CHALLENGE: 'Bearer realm="http://@LIES/v2/",service="x"'}),
    pull("unknown-scheme", 5, ("401",), "/manifests/", 401, {CHALLENGE: "Negotiate"}),
    pull("teapot", 3, ("418",), "/manifests/", 418),
    Row("pull-absent", 4, ("@LIES/@NAME:1",), command=("pull", "--tries", "1", "@BASE")),
    Row("login-wrong-password", 5, ("@REGISTRY_BASIC",), command=("login", "-u", "tester", "--password-stdin", "@REGISTRY_BASIC"), stdin=b"wrong\n"),
    Row("login-no-terminal", 2, ("--password-stdin",), command=("login", "-u", "tester", "@REGISTRY_BASIC")),
    Row("login-empty-password", 2, ("password",), command=("login", "-u", "tester", "--password-stdin", "@REGISTRY_BASIC"), stdin=b""),
    Row("config-not-json", 3, ("config.json",), command=(*PUSH, "@REGISTRY_BASIC/@NAME:1"),
        make=built("@REGISTRY_BASIC/@NAME:1", lambda world: world.write(os.path.join(world.home, "config.json"), "{")), keeps_store=True),
    Row("config-fifo", 3, ("config.json",), command=(*PUSH, "@REGISTRY_BASIC/@NAME:1"),
        make=built("@REGISTRY_BASIC/@NAME:1", lambda world: os.mkfifo(os.path.join(world.home, "config.json"))), keeps_store=True),
    Row("helper-missing", 4, ("docker-credential-nowhere",), command=(*PUSH, "@REGISTRY_BASIC/@NAME:1"), keeps_store=True,
        make=built("@REGISTRY_BASIC/@NAME:1", lambda world: world.write(os.path.join(world.home, "config.json"), '{"credsStore":"nowhere"}'))),
    Row("helper-path", 3, ("../x",), command=(*PUSH, "@REGISTRY_BASIC/@NAME:1"), keeps_store=True,
        make=built("@REGISTRY_BASIC/@NAME:1", lambda world: world.write(os.path.join(world.home, "config.json"), '{"credsStore":"../x"}'))),
]
