#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The internet for tests: a proxy (CONNECT) that answers for the names of real servers with certificates from an authority of its own, and
passes the requests on to plain servers on loopback. So a command with a real host name runs as it is written, with
HTTPS_PROXY=http://127.0.0.1:PORT and SSL_CERT_FILE=DIR/ca.crt. Python's own library and the openssl command only.

    connectd.py DIR [--log FILE] NAME=HOST:PORT…      prints "port N" when ready; ends with SIGTERM

NAME is a host name, or "*.example.com" for all names below. CONNECT to other names or ports than 443 gets 502, any request that is not
CONNECT gets 403. The log has one line for each request: METHOD https://NAME/PATH auth=Basic|Bearer|none STATUS, or
REFUSED METHOD TARGET.

Tests that need a server with a will of its own import this file: Proxy(directory, site, log), where site(name) gives a subclass of Site
for a name, or None.
"""
import argparse
import http.client
import os
import ssl
import subprocess
import sys
import tempfile
import threading

import double

PIECE = 1 << 16
HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Authority:
    """Certificates for names, made when they are first needed."""

    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.contexts = {}
        os.makedirs(directory, exist_ok=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=test authority", "-keyout", self.path("ca.key"), "-out", self.path("ca.crt"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=tests", "-keyout",
                self.path("server.key"), "-out", self.path("server.csr"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def make(self, name):
        with tempfile.TemporaryDirectory() as place:
            certificate, extension = os.path.join(place, "crt"), os.path.join(place, "ext")
            with open(extension, "w", encoding="ascii") as f:
                f.write(f"subjectAltName=DNS:{name}\n")
            openssl("x509", "-req", "-in", self.path("server.csr"), "-CA", self.path("ca.crt"), "-CAkey", self.path("ca.key"),
                    "-set_serial", str(int.from_bytes(os.urandom(8), "big")), "-days", "2", "-extfile", extension, "-out", certificate)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, self.path("server.key"))
            return context

    def context(self, name):
        with self.lock:
            if name not in self.contexts:
                self.contexts[name] = self.make(name)
            return self.contexts[name]


class Site(double.Handler):
    """One server behind a name. Subclasses say in answer() what they do; `name` is the host that the client asked for."""
    name = ""
    taken = False  # the body of this request was read

    def answer(self):
        raise NotImplementedError

    def note(self, status):
        how = (self.headers.get("Authorization") or "none").split(" ")[0]
        self.server.note(f"{self.command} https://{self.name}{self.path} auth={how} {status}")

    def body(self):
        self.taken = True
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def say(self, status, data=b"", kind="application/json", headers=()):
        """The whole answer."""
        self.send_response(status)
        if data or status not in (204, 304):
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
        for key, value in headers:
            self.send_header(key, value)
        self.note(status)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def pieces(self):
        self.taken = True
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            data = self.rfile.read(min(left, PIECE))
            if not data:
                return
            left -= len(data)
            yield data

    def forward(self, target, drop=()):
        """Pass the request on to a plain server, and its answer back. Headers in `drop` are left out."""
        upstream = http.client.HTTPConnection(target, timeout=120)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers.items():
                if key.lower() not in HOP and key.lower() not in drop and key.lower() != "expect":
                    upstream.putheader(key, value)
            upstream.putheader("X-Forwarded-Proto", "https")
            upstream.endheaders()
            for data in self.pieces():
                upstream.send(data)
            self.give_back(upstream.getresponse())
        finally:
            upstream.close()

    def give_back(self, reply):
        self.send_response_only(reply.status, reply.reason)
        for key, value in reply.getheaders():
            if key.lower() not in HOP:
                self.send_header(key, value)
        bare = self.command == "HEAD" or reply.status in (204, 304)
        if not bare and reply.length is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        # Before the answer: who has got it finds the line in the log.
        self.note(reply.status)
        self.end_headers()
        while not bare:
            data = reply.read(PIECE)
            if not data:
                break
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = lambda self: self.answer()


class Door(double.Handler):
    """The proxy itself."""

    def refuse(self, status):
        self.server.note(f"REFUSED {self.command} {self.path}")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def do_CONNECT(self):
        name, _, port = self.path.rpartition(":")
        kind = self.server.site(name) if port == "443" else None
        if not kind:
            self.refuse(502)
            return
        context = self.server.authority.context(name)
        self.send_response_only(200, "Connection established")
        self.end_headers()
        self.close_connection = True
        try:
            with context.wrap_socket(self.connection, server_side=True) as inside:
                type("Named", (kind,), {"name": name})(inside, self.client_address, self.server)
        except OSError:
            pass

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = lambda self: self.refuse(403)


class Proxy(double.Server):
    def __init__(self, directory, site, log=""):
        super().__init__(Door, log)
        self.authority = Authority(directory)
        self.site = site

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def routes(words):
    """The site() of a Proxy that passes everything on: ["ghcr.io=127.0.0.1:5000", "*.azurecr.io=…"]"""
    table = dict(word.split("=", 1) for word in words)

    def find(name):
        parts = name.split(".")
        keys = [name] + ["*." + ".".join(parts[i:]) for i in range(1, len(parts))]
        target = next((table[key] for key in keys if key in table), None)
        return target and type("Passing", (Site,), {"answer": lambda self: self.forward(target)})
    return find


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("route", nargs="*")
    parser.add_argument("--log", default="")
    options = parser.parse_intermixed_args()
    Proxy(options.directory, routes(options.route), options.log).run()


if __name__ == "__main__":
    sys.exit(main())
