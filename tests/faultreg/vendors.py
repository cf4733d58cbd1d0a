# SPDX-License-Identifier: Apache-2.0
"""Modes that act like registries which are not to be had here, as far as clients have met it. README.md says where each fact is from."""
import re
import urllib.parse
import uuid

from listings import Referrers
from message import Answer, Cut
from route import Routed, read_json, without_query
from rules import size
from sessions import Sessions

DOCKER = "application/vnd.docker."
OCI = "application/vnd.oci."


def refuse(request, *error):
    request.body.read()
    return Answer.error(*error)


class Cdn(Routed):
    """Blobs are not given here: a redirect leads to a signed URL elsewhere, where Authorization is an error and HEAD is not allowed.
    head: HEAD is redirected too, and allowed there. uses=N: a signed URL works N times. status=N: of the redirect."""

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        self.signed = {}

    def ask(self, request):
        if request.path.startswith("/signed/"):
            return self.serve(request)
        return super().ask(request)

    def blob(self, request, place):
        methods = ("GET", "HEAD") if "head" in self.options else ("GET",)
        if request.method not in methods:
            return self.onward(request)
        there = self.onward(request.derived("HEAD", request.path))
        if there.status != 200:
            return there if request.method == "HEAD" else self.onward(request)
        name = uuid.uuid4().hex
        self.signed[name] = request.derived("GET", request.path)
        return Answer(int(self.options.get("status", 307)),
                      [("Location", f"{self.world.other_origin()}/signed/{name}?X-Signature=a%2Fb%2Bc%3D&response=x+y")])

    def serve(self, request):
        name, _, query = request.path.removeprefix("/signed/").partition("?")
        signed = self.signed.get(name)
        if request.headers.get("Authorization"):
            return Answer(400, [("Content-Type", "application/xml")],
                          b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>")
        wrong = not signed or query != "X-Signature=a%2Fb%2Bc%3D&response=x+y" or (
            request.method != "GET" and "head" not in self.options)
        if wrong or ("uses" in self.options and not self.turn("uses", name)):
            return Answer(403, [("Content-Type", "application/xml")], b"<Error><Code>AccessDenied</Code></Error>")
        ranges = [("Range", request.headers.get("Range"))] if request.headers.get("Range") else []
        answer = self.onward(signed.derived(request.method, signed.path, headers=ranges))
        answer.headers.remove("Docker-Content-Digest")
        return answer


class Ghcr(Routed):
    """limit=SIZE: of a chunk, 4M. unsure=N: the first N commits are done but said to be unknown. lost=N: the first N commits are lost."""
    below = (Sessions,)

    def open(self, request, place):
        return self.onward(without_query(request, "mount", "from"))

    def session(self, request, place):
        limit = size(self.options.get("limit", "4M"))
        if request.headers.get("Content-Range") and request.body.length > limit:
            return refuse(request, 416, "REQUESTED_RANGE_NOT_SATISFIABLE",
                          f"Range exceeds the maximum permissible limit of {limit / (1 << 20):.2f}MiB")
        if request.method == "PUT" and self.turn("lost"):
            self.onward(request.derived("DELETE", request.path))
            return refuse(request, 404, "BLOB_UNKNOWN", "blob unknown to registry")
        answer = self.onward(request)
        if request.method == "PUT" and answer.status == 201 and self.turn("unsure"):
            return Answer.error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return answer

    def referrers(self, request, place):
        return Answer(404, [("Content-Type", "text/plain")], b"404 page not found\n")


class Ecr(Routed):
    """min=SIZE: of a chunk that is not the last, 5M. missing=REGEX: repositories that were not created. immutable: tags are."""
    below = (Cdn, Sessions)

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        self.first, self.short = {}, set()

    def ask(self, request):
        if "missing" in self.options and re.match(r"/v2/" + self.options["missing"], request.path) and request.method != "HEAD":
            raise Cut
        return super().ask(request)

    def open(self, request, place):
        answer = self.onward(without_query(request, "mount", "from"))
        if answer.status == 202:
            answer.headers.set("Location", urllib.parse.urljoin(request.origin, answer.headers.get("Location")))
        return answer

    def session(self, request, place):
        name, ranged = place.reference, request.headers.get("Content-Range")
        if request.method == "PATCH" and name in self.short:
            return refuse(request, 400, "BLOB_UPLOAD_INVALID", "part size is smaller than the minimum part size")
        if request.method == "PUT" and name in self.first and not request.body.length:
            return refuse(request, 500, "UNKNOWN", "InternalServerError")
        answer = self.onward(request)
        if request.method == "PATCH" and answer.status == 202:
            answer.status = 201
            if ranged:
                answer.headers.set("Range", self.first.setdefault(name, answer.headers.get("Range")))
                if request.body.length < size(self.options.get("min", "5M")):
                    self.short.add(name)
        return answer

    def manifest(self, request, place):
        if request.method != "PUT":
            return self.onward(request)
        if not read_json(request).get("mediaType"):
            return Answer.error(405, "UNSUPPORTED", "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
        if "immutable" in self.options and ":" not in place.reference and \
                self.onward(request.derived("HEAD", request.path, headers=[("Accept", OCI + "image.manifest.v1+json, "
                                                                            + OCI + "image.index.v1+json")])).status == 200:
            return Answer.error(400, "TAG_INVALID", f"The image tag '{place.reference}' already exists in the '{place.repository}' "
                                "repository and cannot be overwritten because the tag is immutable.")
        return self.onward(request)

    def tags(self, request, place):
        if int(place.query.get("n", 0)) > 1000:
            return Answer.error(400, "UNSUPPORTED", "Invalid parameter at 'maxResults'")
        return self.onward(request)


class Gar(Routed):
    """No chunks; uploads go to a long signed path elsewhere on the host; a 401 has its challenge on /v2/ only."""
    below = (Sessions, Referrers)
    SIGNATURE = "upload_id=" + "AbC-_%2B%2F%3D" * 80

    def ask(self, request):
        path, _, query = request.path.partition("?")
        if path.startswith("/artifacts-uploads/"):
            rest, wanted = path.removeprefix("/artifacts-uploads/"), self.SIGNATURE
            if query != wanted and not query.startswith(wanted + "&digest="):
                return refuse(request, 403, "DENIED", "the signature of this URL is not valid")
            if request.headers.get("Content-Range"):
                return refuse(request, 400, "UNSUPPORTED", "chunked uploads are not supported")
            request.path = "/v2/" + rest + "?" + query.removeprefix(wanted).removeprefix("&")
        answer = super().ask(request)
        location = urllib.parse.urlsplit(answer.headers.get("Location", ""))
        if "/blobs/uploads/" in location.path:
            answer.headers.set("Location", f"{request.origin}/artifacts-uploads/{location.path.removeprefix('/v2/')}?{self.SIGNATURE}")
        if answer.status == 401 and path != "/v2/":
            answer.headers.remove("WWW-Authenticate")
        return answer


class Acr(Routed):
    """limit=SIZE: of a body without Content-Range, 20M."""
    below = (Cdn, Sessions, Referrers)

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        self.used = set()

    def session(self, request, place):
        ranged = request.headers.get("Content-Range")
        if request.method in ("PUT", "PATCH") and request.headers.get("Content-Length") is None:
            return refuse(request, 400, "CONTENT_LENGTH_INVALID", "the Content-Length header is missing")
        if ranged and not re.fullmatch(r"[0-9]+-[0-9]+", ranged):
            return refuse(request, 400, "BLOB_UPLOAD_INVALID", "the Content-Range header format is invalid")
        if not ranged and request.body.length > size(self.options.get("limit", "20M")):
            return Answer(413, [("Content-Type", "text/html")], b"<html><h1>413 Request Entity Too Large</h1></html>")
        if not ranged and request.body.length and place.reference in self.used:
            return refuse(request, 416, "RANGE_INVALID", "the session has data already")
        if request.method == "PATCH":
            self.used.add(place.reference)
        return self.onward(request)


class Quay(Routed):
    """Its own ideas of Range; families of media types are not mixed. artifacts: no others than images are taken."""
    below = (Cdn, Sessions)

    def open(self, request, place):
        answer = self.onward(request if "from" in place.query else without_query(request, "mount"))
        if answer.status == 202:
            answer.headers.set("Range", "bytes=0--1")
        return answer

    def session(self, request, place):
        answer = self.onward(request)
        last = int((answer.headers.get("Range") or "0-0").rpartition("-")[2])
        if request.method == "GET":
            answer.headers.set("Range", f"bytes=0-{last + 1 if last else 0}")
            answer.headers.remove("Location")
        elif answer.status == 416:
            answer.headers.set("Range", f"0-{last + 1}")
        return answer

    def blob(self, request, place):
        if request.method == "DELETE":
            return Answer.error(405, "UNSUPPORTED", "The operation is unsupported.")
        return self.onward(request)

    def manifest(self, request, place):
        if request.method == "PUT" and (reason := self.mixed(read_json(request))):
            return Answer.error(400, "MANIFEST_INVALID", reason)
        return self.onward(request)

    def mixed(self, manifest):
        own = manifest.get("mediaType", "")
        inner = [manifest.get("config", {}), *manifest.get("layers", []), *manifest.get("manifests", [])]
        for entry in inner:
            if (own.startswith(OCI) and entry.get("mediaType", "").startswith(DOCKER)) or \
                    (own.startswith(DOCKER) and entry.get("mediaType", "").startswith(OCI)):
                return f"'{entry['mediaType']}' is not one of the media types of {own}"
        if "artifacts" in self.options and (manifest.get("artifactType") or "empty" in manifest.get("config", {}).get("mediaType", "")):
            return "artifact types are not enabled"
        return None


class Harbor(Routed):
    """mount=STATUS: answers to mounts of other projects. quota: a PUT with a body fails. duplicate=N: the first N commits meet another
    one in the database, and are done. finalize=N: the first N commits are lost."""
    below = (Referrers,)

    def open(self, request, place):
        source = place.query.get("from", "")
        if source and "mount" in self.options and source.split("/")[0] != place.repository.split("/")[0]:
            return refuse(request, int(self.options["mount"]), "NOT_FOUND", f"project {source.split('/')[0]} not found")
        return self.onward(request)

    def session(self, request, place):
        if request.method != "PUT":
            return self.onward(request)
        if "quota" in self.options and request.body.length:
            return refuse(request, 500, "UNKNOWN", "internal server error")
        if self.turn("finalize"):
            self.onward(request.derived("DELETE", request.path)).data()
            return refuse(request, 500, "UNKNOWN", "s3aws: InternalError: please try again")
        answer = self.onward(request)
        if self.turn("duplicate"):
            return Answer.error(500, "UNKNOWN", "duplicate key value violates unique constraint \"artifact_blob\"")
        return answer


class DockerHub(Routed):
    """pulls=N: that many manifests may be got; HEAD does not count."""

    def manifest(self, request, place):
        limit = int(self.options.get("pulls", 100))
        if request.method == "GET" and not self.turn("pulls") and "pulls" in self.options:
            return Answer.error(429, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate limit. "
                                "https://www.docker.com/increase-rate-limit", [("ratelimit-limit", f"{limit};w=21600"),
                                                                              ("ratelimit-remaining", "0;w=21600")])
        answer = self.onward(request)
        answer.headers.add("ratelimit-limit", f"{limit};w=21600")
        answer.headers.add("ratelimit-remaining", f"{max(self.left.get(('pulls', ''), limit), 0)};w=21600")
        return answer

    def open(self, request, place):
        if "origin" in place.query:
            return refuse(request, 400, "UNSUPPORTED", "invalid origin")
        return self.onward(request)


class Artifactory(Routed):
    """A PUT with a body is unknown. sporadic=N: the first N PATCHes are too."""

    def answer(self, answer, request):
        location = answer.headers.get("Location")
        if location:
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(request.origin, location))
            answer.headers.set("Location", parts._replace(scheme="http").geturl())
        return answer

    def open(self, request, place):
        return self.answer(self.onward(request), request)

    def session(self, request, place):
        if (request.method == "PUT" and request.body.length) or (request.method == "PATCH" and self.turn("sporadic")):
            return refuse(request, 404, "BLOB_UNKNOWN", "blob unknown to registry")
        return self.answer(self.onward(request), request)

    def blob(self, request, place):
        if "manifest" in request.headers.get("Accept", ""):
            return Answer(406)
        return self.onward(request)


class Nexus(Routed):
    """Behind a proxy that it does not know of: Location says http."""
    open = session = lambda self, request, place: Artifactory.answer(self, self.onward(request), request)


class GitLab(Routed):
    """Blobs lie elsewhere, for HEAD too; mounts work within a group."""
    below = (Cdn,)

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        options["head"] = ""

    def open(self, request, place):
        if place.query.get("from", "").split("/")[0] != place.repository.split("/")[0]:
            request = without_query(request, "mount", "from")
        return self.onward(request)


class Zot(Routed):
    """Relative Location; a cut ends an upload; a wrong range is told without the right one; no media types of Docker."""
    below = (Sessions, Referrers)

    def __init__(self, world, onward, options):
        super().__init__(world, onward, options)
        options["fragile"] = ""

    def session(self, request, place):
        answer = self.onward(request)
        if answer.status == 416:
            answer.headers.remove("Range")
        return answer

    def manifest(self, request, place):
        if request.method == "PUT" and DOCKER in request.headers.get("Content-Type", ""):
            return refuse(request, 415, "MANIFEST_INVALID", "docker media types are not enabled")
        return self.onward(request)
