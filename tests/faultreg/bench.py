# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share: a real docker-registry, proxies in this process, and a client that hides nothing."""
import atexit
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import faultreg
import proxy

DOCKER_REGISTRY = shutil.which("docker-registry", path=os.environ.get("PATH", "") + ":/usr/bin")
CONFIG = """version: 0.1
storage: {{ filesystem: {{ rootdirectory: {0} }}, delete: {{ enabled: true }} }}
http: {{ addr: "127.0.0.1:{1}", secret: tests }}
"""
started = {}


def registry():
    """Its address; one for all tests."""
    if not started:
        directory = tempfile.TemporaryDirectory(prefix="faultreg-test-")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        path = os.path.join(directory.name, "config.yml")
        with open(path, "w", encoding="ascii") as f:
            f.write(CONFIG.format(directory.name, port))
        process = subprocess.Popen([DOCKER_REGISTRY, "serve", path], env={"PATH": "/usr/bin"}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        started.update(address=f"127.0.0.1:{port}", directory=directory)
        atexit.register(lambda: (process.kill(), process.wait(), directory.cleanup()))
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.02)
    return started["address"]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@unittest.skipUnless(DOCKER_REGISTRY, "docker-registry is missing")
class Case(unittest.TestCase):
    def proxy(self, *arguments):
        self.world = proxy.World(faultreg.parse([registry(), *arguments]))
        self.repository = f"r{id(self)}"
        return self.world

    def ask(self, method, path, body=None, port=None, **headers):
        """Status, headers and body, as they came."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.world.own.port, timeout=10)
        connection.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def raw(self, text, port=None):
        """All that comes until the connection ends."""
        with socket.create_connection(("127.0.0.1", port or self.world.own.port), timeout=10) as s:
            s.sendall(text)
            came = b""
            while piece := s.recv(65536):
                came += piece
            return came

    def get_raw(self, path="/v2/"):
        return self.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    def open(self, **query):
        parameters = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self.ask("POST", f"/v2/{self.repository}/blobs/uploads/{parameters}", Content_Length="0")

    def path_of(self, headers):
        return urllib.parse.urlsplit(headers["Location"])._replace(scheme="", netloc="").geturl()

    def commit(self, path, data, body=None):
        mark = "&" if "?" in path else "?"
        return self.ask("PUT", f"{path}{mark}digest={urllib.parse.quote(sha256(data))}", body=body)

    def push(self, data):
        _, headers, _ = self.open()
        _, headers, _ = self.ask("PATCH", self.path_of(headers), body=data)
        return self.commit(self.path_of(headers), data)

    def has(self, data):
        return self.ask("HEAD", f"/v2/{self.repository}/blobs/{sha256(data)}")[0] == 200
