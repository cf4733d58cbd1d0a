# SPDX-License-Identifier: Apache-2.0
"""What a request is for, by the endpoints of the distribution specification."""
import json
import re
import threading
import urllib.parse

from message import Given

ENDPOINTS = [
    ("ping", r"/v2/"),
    ("open", r"/v2/(?P<repository>.+)/blobs/uploads/"),
    ("session", r"/v2/(?P<repository>.+)/blobs/uploads/(?P<reference>.+)"),
    ("blob", r"/v2/(?P<repository>.+)/blobs/(?P<reference>[^/]+)"),
    ("manifest", r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)"),
    ("tags", r"/v2/(?P<repository>.+)/tags/list"),
    ("referrers", r"/v2/(?P<repository>.+)/referrers/(?P<reference>[^/]+)"),
]


class Place:
    def __init__(self, path):
        parts = urllib.parse.urlsplit(path)
        self.path, self.query = parts.path, dict(urllib.parse.parse_qsl(parts.query))
        self.kind, self.repository, self.reference = "other", "", ""
        for kind, pattern in ENDPOINTS:
            if match := re.fullmatch(pattern, parts.path):
                self.kind = kind
                self.repository = match.groupdict().get("repository", "")
                self.reference = urllib.parse.unquote(match.groupdict().get("reference", ""))
                break


class Routed:
    """A mode with a method for each kind of endpoint that it cares for: open(request, place) and so on."""

    def __init__(self, world, onward, options):
        self.world, self.onward, self.options = world, onward, options
        self.lock = threading.Lock()
        self.left = {}

    def ask(self, request):
        place = Place(request.path)
        return getattr(self, place.kind, lambda request, place: self.onward(request))(request, place)

    def turn(self, name, key=""):
        """Is this one of the first N, as the option of this name says?"""
        with self.lock:
            left = self.left.setdefault((name, key), int(self.options.get(name, 0)))
            self.left[name, key] = left - 1
        return left > 0


def read_json(request):
    """The body of a manifest, which can be sent on nevertheless; {} when it is not JSON."""
    data = request.body.read()
    request.body = Given(data)
    try:
        document = json.loads(data)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def without_query(request, *names):
    """The same request without these parts of its query."""
    parts = urllib.parse.urlsplit(request.path)
    kept = [part for part in parts.query.split("&") if part and part.partition("=")[0] not in names]
    request.path = parts._replace(query="&".join(kept)).geturl()
    return request
