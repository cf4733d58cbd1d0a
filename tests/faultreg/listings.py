# SPDX-License-Identifier: Apache-2.0
"""Lists that the real registry does not give in this form: referrers, and tags and the catalog in pages."""
import hashlib
import json
import re
import threading
import urllib.parse

from message import Answer, Given

INDEX = "application/vnd.oci.image.index.v1+json"


def cut_page(entries, key, query, size):
    """The entries after `last`, at most n, and the query of the next page or None."""
    last = query.get("last")
    if last is not None:
        entries = [entry for entry in entries if key(entry) > last]
    most = min(int(query.get("n", size)), size)
    if len(entries) <= most:
        return entries, None
    return entries[:most], urllib.parse.urlencode({"n": most, "last": key(entries[most - 1])})


class Pages:
    """tags/list and _catalog in pages of SIZE (default 2). Options: absolute: Link is a whole URL. loop: the last page leads to the first.
    null: a page without tags says null. away: Link leads to another origin. limit=N: n larger than that is refused, as ECR does."""

    def __init__(self, world, onward, options):
        self.world, self.onward, self.options = world, onward, options
        self.size = int(options.get("size", 2))

    def ask(self, request):
        parts = urllib.parse.urlsplit(request.path)
        name = "tags" if re.fullmatch(r"/v2/.+/tags/list", parts.path) else \
            "repositories" if parts.path == "/v2/_catalog" else None
        if request.method != "GET" or not name:
            return self.onward(request)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if int(query.get("n", 0)) > int(self.options.get("limit", 1 << 30)):
            return Answer.error(400, "UNSUPPORTED", "invalid parameter at 'maxResults'")
        answer = self.onward(request.derived("GET", parts.path + ("?n=1000" if name == "repositories" else "")))
        if answer.status != 200:
            return answer
        document = json.loads(answer.data())
        entries, following = cut_page(sorted(document[name] or []), str, query, self.size)
        document[name] = None if "null" in self.options and not entries else entries
        return Answer.json(200, document, self.link(request, parts.path, following))

    def link(self, request, path, following):
        if following is None and "loop" in self.options:
            following = f"n={self.size}"
        if following is None:
            return []
        base = request.origin if "absolute" in self.options else self.world.other_origin() if "away" in self.options else ""
        return [("Link", f'<{base}{path}?{following}>; rel="next"')]


class Referrers:
    """The referrers API, of what was put through this proxy. Options: size=N: in pages of N. nofilter: artifactType is ignored, and not
    said to be applied."""

    def __init__(self, world, onward, options):
        self.onward, self.options = onward, options
        self.known = {}  # (repository, subject) -> {digest: descriptor}
        self.lock = threading.Lock()

    def ask(self, request):
        parts = urllib.parse.urlsplit(request.path)
        if match := re.fullmatch(r"/v2/(.+)/referrers/([^/]+)", parts.path):
            return self.list(match[1], match[2], parts, dict(urllib.parse.parse_qsl(parts.query)))
        if match := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", parts.path):
            if request.method == "PUT":
                return self.put(request, match[1])
            if request.method == "DELETE":
                self.forget(match[1], match[2])
        return self.onward(request)

    def put(self, request, repository):
        data = request.body.read()
        request.body = Given(data)
        answer = self.onward(request)
        try:
            manifest = json.loads(data)
            subject = manifest["subject"]["digest"]
        except (ValueError, KeyError, TypeError):
            return answer
        if answer.status == 201:
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            entry = {"mediaType": manifest.get("mediaType"), "digest": digest, "size": len(data),
                     "artifactType": manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")}
            if "annotations" in manifest:
                entry["annotations"] = manifest["annotations"]
            with self.lock:
                self.known.setdefault((repository, subject), {})[digest] = entry
            answer.headers.set("OCI-Subject", subject)
        return answer

    def forget(self, repository, digest):
        with self.lock:
            for (name, _), entries in self.known.items():
                if name == repository:
                    entries.pop(digest, None)

    def list(self, repository, subject, parts, query):
        with self.lock:
            entries = sorted(self.known.get((repository, subject), {}).values(), key=lambda entry: entry["digest"])
        headers = [("Content-Type", INDEX)]
        wanted = query.get("artifactType")
        if wanted and "nofilter" not in self.options:
            entries = [entry for entry in entries if entry["artifactType"] == wanted]
            headers.append(("OCI-Filters-Applied", "artifactType"))
        entries, following = cut_page(entries, lambda entry: entry["digest"], query, int(self.options.get("size", 1 << 20)))
        if following:
            kept = f"&{urllib.parse.urlencode({'artifactType': wanted})}" if wanted else ""
            headers.append(("Link", f'<{parts.path}?{following}{kept}>; rel="next"'))
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return Answer(200, headers, json.dumps(document).encode())
