# SPDX-License-Identifier: Apache-2.0
"""A registry that serves whatever it is given, true or not, and takes nothing. Real registries refuse most of these images."""
import dataclasses
import http.server
import re
import threading


@dataclasses.dataclass
class Repo:
    manifests: dict = dataclasses.field(default_factory=dict)  # tag or digest: (bytes, media type)
    blobs: dict = dataclasses.field(default_factory=dict)      # digest: bytes
    answers: dict = dataclasses.field(default_factory=dict)    # (method, regex of the path): (status, headers, bytes), before all else
    log: list = dataclasses.field(default_factory=list)        # (method, path)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def find(self):
        asked = re.match(r"/v2/(.+?)/(manifests|blobs)/([^?]*)", self.path)
        if not asked:
            return 200, {}, b"{}"
        name, kind, what = asked.groups()
        repo = self.server.repos.get(name, Repo())
        repo.log.append((self.command, self.path))
        for (method, path), answer in repo.answers.items():
            if method == self.command and re.search(path, self.path):
                return answer
        if self.command not in ("GET", "HEAD"):
            return 405, {}, b'{"errors":[{"code":"UNSUPPORTED","message":"nothing is taken here"}]}'
        if kind == "manifests" and what in repo.manifests:
            body, media = repo.manifests[what]
            return 200, {"Content-Type": media}, body
        if kind == "blobs" and what in repo.blobs:
            return 200, {"Content-Type": "application/octet-stream"}, repo.blobs[what]
        code = "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN"
        return 404, {"Content-Type": "application/json"}, b'{"errors":[{"code":"%s","message":"not here"}]}' % code.encode()

    def any(self):
        length = int(self.headers.get("Content-Length") or "0")
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
        else:
            self.rfile.read(length)
        self.answer(*self.find())

    do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = do_DELETE = any


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """lade may hang up when it has heard enough."""


class Liar:
    def __init__(self, ip="127.0.0.1"):
        self.server = Server((ip, 0), Handler)
        self.server.daemon_threads = True
        self.server.repos = {}
        self.address = f"{ip}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def repo(self, name):
        return self.server.repos.setdefault(name, Repo())

    def log(self, name):
        return list(self.repo(name).log)
