# SPDX-License-Identifier: Apache-2.0
"""Upload sessions of our own, as those of distribution 3: they survive a connection that is cut, GET tells how much is there, a chunk at
the wrong place is refused without harm, and what is finished goes to the real registry in the name of the client."""
import hashlib
import re
import tempfile
import threading
import urllib.parse
import uuid

from message import Answer, Cut, Given

UPLOADS = re.compile(r"^/v2/(.+)/blobs/uploads/$")
SESSION = re.compile(r"^/v2/(.+)/blobs/uploads/([0-9a-f-]{36})$")


class Session:
    def __init__(self):
        self.file = tempfile.TemporaryFile(prefix="faultreg-")
        self.size = 0
        self.lock = threading.Lock()

    def add(self, body):
        """What came before a cut stays."""
        self.file.seek(self.size)
        try:
            for piece in body.pieces():
                self.file.write(piece)
                self.size += len(piece)
        finally:
            self.file.flush()


class Sessions:
    """Options: least=BYTES says OCI-Chunk-Min-Length. fragile: a cut ends the session, as that of distribution 2 and zot."""

    def __init__(self, world, onward, options):
        self.onward, self.options = onward, options
        self.sessions = {}

    def ask(self, request):
        parts = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if match := UPLOADS.match(parts.path):
            if request.method == "POST":
                return self.open(request, match[1], query)
        elif match := SESSION.match(parts.path):
            return self.use(request, match[1], match[2], query)
        return self.onward(request)

    def open(self, request, repository, query):
        # The real registry says whether this client may, and whether it has what is to be mounted.
        answer = self.onward(request)
        if answer.status != 202:
            return answer
        self.onward(request.derived("DELETE", urllib.parse.urlsplit(answer.headers.get("Location"))._replace(
            scheme="", netloc="").geturl())).data()
        name = str(uuid.uuid4())
        self.sessions[name] = Session()
        return self.state(202, repository, name, 0)

    def state(self, status, repository, name, size):
        headers = [("Location", f"/v2/{repository}/blobs/uploads/{name}?_state={size:x}-{name[:8]}"),
                   ("Docker-Upload-UUID", name), ("Range", f"0-{max(size - 1, 0)}")]
        if "least" in self.options:
            headers.append(("OCI-Chunk-Min-Length", self.options["least"]))
        return Answer(status, headers)

    def use(self, request, repository, name, query):
        session = self.sessions.get(name)
        if not session:
            request.body.read()
            return Answer.error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        with session.lock:
            try:
                return {"GET": self.tell, "PATCH": self.patch, "PUT": self.put, "DELETE": self.cancel}[request.method](
                    request, repository, name, session, query)
            except Cut:
                if "fragile" in self.options:
                    self.sessions.pop(name, None)
                raise
            except KeyError:
                return Answer.error(405, "UNSUPPORTED", "not for uploads")

    def tell(self, request, repository, name, session, query):
        return self.state(204, repository, name, session.size)

    def patch(self, request, repository, name, session, query):
        given = request.headers.get("Content-Range")
        if given:
            match = re.fullmatch(r"([0-9]+)-([0-9]+)", given)
            wrong = not match and (400, "SIZE_INVALID", f"Content-Range: {given}")
            wrong = wrong or int(match[1]) != session.size and (416, "RANGE_INVALID", f"not at {session.size}")
            wrong = wrong or int(match[2]) - int(match[1]) + 1 != request.body.length and (400, "SIZE_INVALID", "other length")
            if wrong:
                request.body.read()
                told = self.state(wrong[0], repository, name, session.size).headers.pairs
                return Answer.error(*wrong, headers=told)
        session.add(request.body)
        return self.state(202, repository, name, session.size)

    def put(self, request, repository, name, session, query):
        session.add(request.body)
        session.file.seek(0)
        digest = query.get("digest", "")
        algorithm, _, value = digest.partition(":")
        if algorithm not in ("sha256", "sha512") or hashlib.file_digest(session.file, algorithm).hexdigest() != value:
            return Answer.error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        answer = self.store(request, repository, digest, session)
        if 200 <= answer.status < 300:
            del self.sessions[name]
            answer.headers.set("Location", f"/v2/{repository}/blobs/{digest}")
        return answer

    def store(self, request, repository, digest, session):
        opened = self.onward(request.derived("POST", f"/v2/{repository}/blobs/uploads/", headers=[("Content-Length", "0")]))
        if opened.status != 202:
            return opened
        parts = urllib.parse.urlsplit(opened.headers.get("Location"))
        path = f"{parts.path}?{parts.query}&digest={urllib.parse.quote(digest)}"
        session.file.seek(0)
        put = request.derived("PUT", path, headers=[("Content-Type", "application/octet-stream"),
                                                    ("Content-Length", str(session.size))])
        put.body = Given(session.file, session.size)
        return self.onward(put)

    def cancel(self, request, repository, name, session, query):
        del self.sessions[name]
        return Answer(204)
