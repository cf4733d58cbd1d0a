# SPDX-License-Identifier: Apache-2.0
"""Faults that are made before the answer is sent: answers that the target never gave, and changes of those that it did."""
import gzip
import time
import urllib.parse

from message import Answer
from rules import size

CODES = {401: "UNAUTHORIZED", 403: "DENIED", 405: "UNSUPPORTED", 429: "TOOMANYREQUESTS", 503: "UNAVAILABLE"}
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n"
FORMS = {"date": "%a, %d %b %Y %H:%M:%S GMT", "rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %e %H:%M:%S %Y"}
OTHER_DIGEST = "sha256:" + "0123456789abcdef" * 4


def retry_after(text):
    """date+2, rfc850+2, asctime-10: so many seconds from now. Anything else: as it is."""
    for name, form in FORMS.items():
        if text.startswith(name):
            return time.strftime(form, time.gmtime(time.time() + int(text[len(name):] or "0")))
    return text


def own_answer(faults, request):
    """What "status" says."""
    status, kind = faults["status"], faults.get("body", "json")
    answer = {
        "json": lambda: Answer.error(status, faults.get("code", CODES.get(status, "FAULT")), "as the script wants"),
        "html": lambda: Answer(status, [("Content-Type", "text/html; charset=utf-8")], PAGE),
        "text": lambda: Answer(status, [("Content-Type", "text/plain")], b"You have reached your limit\n"),
        "empty": lambda: Answer(status),
        "none": lambda: Answer(status, [("Content-Length", "0")]),
        "giant": lambda: Answer(status, [("Content-Type", "application/json"), ("Content-Length", str(64 << 20))],
                                pieces=(b"[" * 65536 for _ in range(1024))),
        "escapes": lambda: Answer(status, [("Content-Type", "application/json")],
                                  b'{"errors":[{"code":"\\u001b[2J","message":"red \\u001b[31m\\r\\nlade: done\\u0000",'
                                  b'"detail":{"x":["\\ud800"]}}]}'),
        "shape": lambda: Answer(status, [("Content-Type", "application/json")], b'{"errors":{"code":[1,{"message":null}]}}'),
    }.get(kind, lambda: Answer(status, [("Content-Type", "application/octet-stream")], kind.encode()))()
    if "retry" in faults:
        answer.headers.set("Retry-After", retry_after(faults["retry"]))
    return answer


def redirect(faults, request, world):
    """STATUS:URL, with the request's path after it. URL may be "loop", "own" or "other"."""
    status, to = faults["redirect"]
    base = {"own": request.origin, "other": world.other_origin(), "loop": ""}.get(to, to)
    return Answer(int(status), [("Location", base + request.path)])


def location(answer, how, request, world):
    url = answer.headers.get("Location")
    if how == "none":
        answer.headers.remove("Location")
    if url is None or how == "none":
        return
    parts = urllib.parse.urlsplit(urllib.parse.urljoin(request.origin, url))
    relative = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
    new = {
        "relative": lambda: relative,
        "absolute": lambda: parts.geturl(),
        "other": lambda: world.other_origin() + relative,
        "host-path": lambda: parts.netloc + relative,
        "no-query": lambda: parts._replace(query="").geturl(),
        "no-port": lambda: parts._replace(netloc=parts.hostname).geturl(),
        "http": lambda: parts._replace(scheme="http").geturl(),
        "https": lambda: parts._replace(scheme="https").geturl(),
        "upper": lambda: parts.scheme.upper() + "://" + parts.netloc.upper() + relative,
        "fragment": lambda: parts._replace(fragment="part").geturl(),
    }.get(how, lambda: how.replace("{path}", relative))()
    answer.headers.set("Location", new)


def digest(answer, how):
    value = {"wrong": OTHER_DIGEST, "garbage": "sha256:zz", "other": "sha512:" + "0123456789abcdef" * 8}.get(how)
    answer.headers.remove("Docker-Content-Digest")
    if value:
        answer.headers.add("Docker-Content-Digest", value)


def upload_range(answer, how):
    """Range of an upload: "+1", "-1": off by so much; "none"; anything else is the value."""
    value = answer.headers.get("Range")
    if how == "none":
        answer.headers.remove("Range")
    elif how[0] in "+-" and value:
        answer.headers.set("Range", f"0-{int(value.rpartition('-')[2]) + int(how)}")
    elif how[0] not in "+-":
        answer.headers.set("Range", how)


def body(answer, faults):
    if not {"flip", "truncate", "swap", "gzip"} & set(faults):
        return
    data = answer.data()
    if "swap" in faults:
        data = faults["swap"].encode()
    if "flip" in faults and data:
        at = min(faults["flip"], len(data) - 1)
        data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    if "truncate" in faults:
        data = data[:faults["truncate"]]
    if "gzip" in faults:
        data = gzip.compress(data)
        answer.headers.set("Content-Encoding", "gzip")
    answer.replace(data)


def change(answer, faults, request, world):
    if "as" in faults and 200 <= answer.status < 300:
        answer.status = faults["as"]
    if "location" in faults:
        location(answer, faults["location"], request, world)
    if "digest" in faults:
        digest(answer, faults["digest"])
    if "range" in faults:
        upload_range(answer, faults["range"])
    body(answer, faults)
    for name, value in faults.get("header", []):
        answer.headers.remove(name)
        if value:
            answer.headers.add(name, "x" * size(value[1:]) if value[0] == "#" else value)
    for name, value in faults.get("add", []):
        answer.headers.add(name, value)
