# SPDX-License-Identifier: Apache-2.0
"""Requests and answers, as far as a proxy has to know them."""
import json

PIECE = 65536


class Cut(Exception):
    """The body of a request ended before its end: the client went away, or the script says so."""


class Headers:
    """Names and values in their order; a name may stand several times."""

    def __init__(self, pairs=()):
        self.pairs = list(pairs)

    def get(self, name, default=None):
        for key, value in self.pairs:
            if key.lower() == name.lower():
                return value
        return default

    def remove(self, name):
        self.pairs = [pair for pair in self.pairs if pair[0].lower() != name.lower()]

    def add(self, name, value):
        self.pairs.append((name, value))

    def set(self, name, value):
        self.remove(name)
        self.add(name, value)


class Body:
    """The body of a request, read once, in pieces. `begin` is called before the first one is read: it asks the client for the
    body when that waits for a 100. `got` counts what was read."""

    def __init__(self, file=None, length=0, begin=None):
        self.file, self.length, self.begin = file, length, begin
        self.got = 0
        self.end = length  # less: it is cut there
        self.before_half = None  # called once when half of it was read

    def pieces(self):
        if self.begin and self.length:
            self.begin()
            self.begin = None
        while self.got < self.end:
            if self.before_half and self.got >= self.length // 2:
                self.before_half()
                self.before_half = None
            most = self.length // 2 - self.got if self.before_half else self.end - self.got
            try:
                piece = self.file.read1(min(PIECE, max(most, 1)))
            except OSError as error:
                raise Cut from error
            if not piece:
                raise Cut
            self.got += len(piece)
            yield piece
        if self.end < self.length:
            raise Cut

    def read(self):
        return b"".join(self.pieces())

    def is_read(self):
        return self.got == self.length


class Request:
    def __init__(self, method, path, headers, body, origin):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.origin = origin  # "http://host:port" that the client asked

    def derived(self, method, path, data=b"", headers=()):
        """Another request in the name of the same client."""
        pairs = [("Host", self.headers.get("Host", "")), *headers]
        if self.headers.get("Authorization"):
            pairs.append(("Authorization", self.headers.get("Authorization")))
        return Request(method, path, Headers(pairs), Given(data), self.origin)


class Given(Body):
    """A body that is at hand, as bytes or as a file of some length."""

    def __init__(self, data, length=None):
        super().__init__(None if isinstance(data, bytes) else data, len(data) if length is None else length)
        self.data = data

    def pieces(self):
        self.got = self.length
        if isinstance(self.data, bytes):
            if self.data:
                yield self.data
            return
        while piece := self.data.read(PIECE):
            yield piece


class Answer:
    """`pieces` is an iterable of bytes. What Content-Length promises stands in the headers."""

    def __init__(self, status, headers=(), data=b"", pieces=None):
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.pieces = [data] if pieces is None else pieces
        if pieces is None and status not in (204, 304) and self.headers.get("Content-Length") is None:
            self.headers.add("Content-Length", str(len(data)))

    def data(self):
        """All of the body; it can be read again."""
        whole = b"".join(self.pieces)
        self.pieces = [whole]
        return whole

    def replace(self, data):
        self.pieces = [data]
        self.headers.set("Content-Length", str(len(data)))

    @staticmethod
    def json(status, document, headers=()):
        return Answer(status, [("Content-Type", "application/json"), *headers], json.dumps(document).encode())

    @staticmethod
    def error(status, code, message, headers=()):
        return Answer.json(status, {"errors": [{"code": code, "message": message}]}, headers)
