#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry whose lists are hostile or odd, for tests. The repository says how. Python's own library only; prints "port N" when ready.

The first argument is a log with one line for each request: METHOD path.
"""
import json
import sys

import double

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SUBJECT = "sha256:" + "5" * 64
ODD = ["good", "a\x1b[2J\x07", "b\nnewline", "‮rtl", "", "x" * 129, "-dash", "sp ace", "../../up", 7, None, ["nested"], "z.1-OK_"]


def entry(digest="sha256:" + "a" * 64, **more):
    return {"mediaType": MANIFEST, "digest": digest, "size": 3, "artifactType": "text/kind"} | more


REFERRERS = [
    entry(annotations={"k\x1b]0;title\x07": "v\nforged line"}, artifactType="text/good"),
    entry("sha256:short"), entry("md5:" + "a" * 32), entry(None), entry(size=-1), entry(size=1 << 60), entry(size="3"), entry(mediaType="a b"),
    entry(annotations={"k": 7}), 7, None, {}, entry("sha256:" + "b" * 64, artifactType="text/good"),
]


class Handler(double.Handler):
    def answer(self, status, body, kind="application/json", link=None, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if link:
            self.send_header("Link", link)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def flood(self, kind):
        """100 MB of one document, as fast as they are taken."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(100 << 20))
        self.end_headers()
        self.close_connection = True
        try:
            self.wfile.write(b'{"tags":["')
            for _ in range(100):
                self.wfile.write(b"a" * (1 << 20))
        except OSError:
            pass

    def error(self, status, code):
        self.answer(status, {"errors": [{"code": code, "message": "as the test wants"}]})

    def page(self, how, key, kind="application/json"):
        """The lists that go wrong in the same way whatever is in them."""
        turn = int(self.path.partition("turn=")[2] or 0)
        onward = f'<{self.path.partition("?")[0]}?turn={turn + 1}>; rel="next"'
        item = entry("sha256:%064d" % turn) if key == "manifests" else f"item-{turn}"
        if how == "endless":
            self.answer(200, {key: []}, kind, onward)
        elif how == "long":
            self.answer(200, {key: [item]}, kind, onward)
        elif how == "huge":
            self.flood(kind)
        elif how == "deep":
            self.answer(200, b'{"%s":' % key.encode() + b"[" * 100000 + b"]" * 100000 + b"}", kind)
        elif how == "links":
            links = ["file:///etc/passwd", "http://user:secret@127.0.0.1/", "javascript:x", "//example.invalid/", "gopher://x/", "http:///", "x" * 20000]
            self.answer(200, {key: [item]}, kind, f'<{links[self.server.turn % len(links)]}>; rel="next"')
            self.server.turn += 1
        elif how == "null":
            self.answer(200, {key: None}, kind)
        elif how == "none":
            self.answer(200, {}, kind)
        elif how == "array":
            self.answer(200, [1], kind)
        elif how == "wrong":
            self.answer(200, {key: 5}, kind)
        elif how == "breaks" and turn == 0:
            self.answer(200, {key: [item]}, kind, onward)
        elif how == "breaks":
            self.error(404, "NAME_UNKNOWN")
        else:
            return False
        return True

    def manifest(self, how):
        tag = self.path.rpartition("/")[2]
        if tag.startswith("sha256-") and how == "fallback-huge":
            self.flood(INDEX)
        elif tag.startswith("sha256-") and how == "fallback-many":
            self.answer(200, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": "a"}] * 20000}, INDEX)
        elif tag.startswith("sha256-"):
            self.answer(200, {"schemaVersion": 2, "mediaType": INDEX, "manifests": REFERRERS}, INDEX)
        else:
            self.answer(200, b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"%s","size":2},"layers":[]}' % SUBJECT.encode(), MANIFEST,
                        Docker_Content_Digest="sha256:" + "d" * 64)

    def do_GET(self):
        self.server.note(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].split("/")  # "", "v2", repository, …
        how = parts[2] if len(parts) > 3 else ""
        if self.path == "/v2/":
            self.answer(200, {})
        elif parts[2] == "_catalog":
            self.answer(200, {"repositories": ODD + ["team/app", "UPPER", "a//b", "host.invalid/x:1"]})
        elif self.path.partition("?")[0].endswith("/tags/list"):
            if how == "odd":
                self.answer(200, {"tags": ODD})
            elif how == "picky" and "n=" in self.path:
                self.error(400, "UNSUPPORTED")
            elif how == "page":
                self.answer(200, b"<html>Welcome</html>", "text/html")
            elif not self.page(how, "tags"):
                self.answer(200, {"tags": ["b", "a", "b"]})
        elif "/referrers/" in self.path:
            status = {"gone": 404, "bad": 400, "unacceptable": 406, "denied": 405, "nothing": 501}.get(how)
            if status:
                self.answer(status, b"no such page", "text/plain")
            elif how == "web":
                self.answer(200, b"<html>Welcome</html>", "text/html")
            elif how.startswith("fallback"):
                self.answer(404, b"")
            elif not self.page(how, "manifests", INDEX):
                self.answer(200, {"schemaVersion": 2, "mediaType": INDEX, "manifests": REFERRERS}, INDEX)
        elif "/manifests/" in self.path:
            self.manifest(how)
        else:
            self.error(404, "UNKNOWN")

    do_HEAD = do_GET

    def do_DELETE(self):
        how = self.path.split("/")[2]
        if how == "unsupported":
            self.error(400, "UNSUPPORTED")
        elif how == "away":
            self.answer(307, b"", Location="http://localhost:1/v2/")
        else:
            self.answer(404 if how == "gone" else 202, b"")


def main():
    server = double.Server(Handler, sys.argv[1])
    server.turn = 0
    server.run()


if __name__ == "__main__":
    sys.exit(main())
