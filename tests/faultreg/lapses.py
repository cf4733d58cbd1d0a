# SPDX-License-Identifier: Apache-2.0
"""Modes of registries that say what is not so, for a while or for ever."""
from message import Answer
from route import Routed


class Yes(Routed):
    """A web server that answers 200 to everything."""

    def ask(self, request):
        request.body.read()
        return Answer(200, [("Content-Type", "text/html")], b"<html>welcome</html>")


class Eventual(Routed):
    """n=N: after the commit of a blob, the first N looks at it find nothing, and the first N manifests are told that a blob is unknown."""

    def blob(self, request, place):
        if request.method == "HEAD" and place.reference in self.committed() and self.turn("n", place.reference):
            return Answer(404)
        return self.onward(request)

    def committed(self):
        return self.__dict__.setdefault("fresh", set())

    def session(self, request, place):
        answer = self.onward(request)
        if request.method == "PUT" and answer.status == 201:
            self.committed().add(place.query.get("digest"))
        return answer

    def manifest(self, request, place):
        if request.method == "PUT" and self.turn("n"):
            request.body.read()
            return Answer.error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        return self.onward(request)


class Stale(Routed):
    """n=N: the first N looks at a tag after it was put see what stood there before."""

    def manifest(self, request, place):
        if ":" in place.reference:
            return self.onward(request)
        old = self.__dict__.setdefault("old", {})
        if request.method == "PUT":
            before = self.onward(request.derived("GET", request.path, headers=[("Accept", "*/*, " + ACCEPT)]))
            before.data()
            old[place.reference] = before
            self.left.pop(("n", place.reference), None)
        elif place.reference in old and self.turn("n", place.reference):
            before = old[place.reference]
            return Answer(before.status, list(before.headers.pairs), pieces=[b""] if request.method == "HEAD" else [before.data()])
        return self.onward(request)


ACCEPT = ", ".join(["application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
                    "application/vnd.docker.distribution.manifest.list.v2+json",
                    "application/vnd.docker.distribution.manifest.v2+json"])


class Liar(Routed):
    """n=N (all): the first N blobs that are not there are said to be there by HEAD."""

    def blob(self, request, place):
        answer = self.onward(request)
        if request.method == "HEAD" and answer.status == 404 and ("n" not in self.options or self.turn("n")):
            return Answer(200, [("Docker-Content-Digest", place.reference)], pieces=[b""])
        return answer


class Forgetful(Routed):
    """n=N: the first N blobs that are sent are acknowledged, and lost."""

    def session(self, request, place):
        if request.method == "PUT" and self.turn("n"):
            request.body.read()
            digest = place.query.get("digest", "")
            return Answer(201, [("Docker-Content-Digest", digest), ("Location", f"/v2/{place.repository}/blobs/{digest}")])
        return self.onward(request)


class Pair(Routed):
    """with=HOST:PORT: two registries behind one name; every second reading request goes to the other one."""

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        self.second = type(world.target)(options["with"]).ask
        self.count = 0

    def ask(self, request):
        if request.method not in ("GET", "HEAD"):
            return self.onward(request)
        with self.lock:
            self.count += 1
            second = self.count % 2 == 0
        return (self.second if second else self.onward)(request)
