#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A double of Amazon S3 for tests. It computes each signature (Version 4) anew from what arrived, refuses what is wrong as S3 documents
it, and keeps objects as files. Python's own library only.

    s3d.py DIR --bucket NAME [--region NAME] [--log FILE]

Prints "port N", then serves until SIGTERM. Objects are DIR/objects/<percent-encoded key>. Of DIR/mode each line "KEY VALUE" changes how it
acts:
    fail WORD STATUS COUNT [RETRY-AFTER]  so many requests whose method and path hold the word fail
    cut COUNT                             so many answers to GET of blobs end in the middle
    flip 1                                GET of blobs gives other bytes
    redirect URL                          every answer that has bytes leads there instead
    huge BYTES                            … says that it has so many
    endless 1                             … never ends
    skew SECONDS                          its clock is so far ahead
    slow 1                                every first part of a multipart upload is lost with a 500
"""
import argparse
import datetime
import email.utils
import hashlib
import hmac
import os
import re
import time
import urllib.parse
import uuid
import xml.sax.saxutils

import double
from double import Refusal

KEYS = {  # id: (secret, token of temporary keys)
    "AKIAIOSFODNN7EXAMPLE": ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None),
    "ASIASESSION000000001": ("canary/secret+of/session/keys", "canary-token+of/session=="),
}
PART_MIN = 5 << 20
WHOLE_MAX = 5 << 30
UNSIGNED = "UNSIGNED-PAYLOAD"


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


class Handler(double.Store):
    server_version = "s3d"

    def now(self):
        skew = self.mode("skew")
        return time.time() + (int(skew[0]) if skew else 0)

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(self.now() if timestamp is None else timestamp, usegmt=True)

    def refuse(self, r, extra=()):
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{r.code}</Code><Message>{r.message}</Message>'
                f"<RequestId>{uuid.uuid4().hex}</RequestId></Error>").encode()
        self.close_connection = True
        self.reply(r.status, [("Content-Type", "application/xml"), ("Connection", "close"), *extra], body)

    def verify(self, hash_of_body):
        h = self.headers
        fields = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?"
                              r"Signature=([0-9a-f]{64})", h.get("Authorization", ""))
        if not fields:
            raise Refusal(403, "AccessDenied", "Access Denied")
        key, day, region, service, names, signature = fields.groups()
        secret, token = KEYS.get(key, (None, None))
        if not secret:
            raise Refusal(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        if h.get("X-Amz-Security-Token") != token:
            raise Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
        if service != "s3" or region != self.server.region:
            raise Refusal(400, "AuthorizationHeaderMalformed",
                          f"The authorization header is malformed; the region '{region}' is wrong; expecting '{self.server.region}'")
        date = h.get("X-Amz-Date", "")
        when = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if abs(when - self.now()) > 900 or not date.startswith(day):
            raise Refusal(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        names = names.split(";")
        must = {"host"} | {n.lower() for n in h if n.lower().startswith("x-amz-")} | ({"content-type"} & {n.lower() for n in h})
        if names != sorted(names) or not must <= set(names):
            raise Refusal(403, "AccessDenied", "There were headers present in the request which were not signed")
        path, _, query = self.path.partition("?")
        pairs = sorted(tuple(p.partition("=")[::2]) for p in query.split("&") if p)
        lines = [self.command, quote(urllib.parse.unquote(path), "/"),
                 "&".join(f"{quote(urllib.parse.unquote(k))}={quote(urllib.parse.unquote(v))}" for k, v in pairs)]
        lines += [f"{n}:{' '.join(h.get(n, '').split())}" for n in names]
        lines += ["", ";".join(names), hash_of_body]
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
        mac = ("AWS4" + secret).encode()
        for part in (day, region, "s3", "aws4_request"):
            mac = hmac.new(mac, part.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(hmac.new(mac, text.encode(), hashlib.sha256).hexdigest(), signature):
            raise Refusal(403, "SignatureDoesNotMatch",
                          "The request signature we calculated does not match the signature you provided.")

    def object(self, key):
        return os.path.join(self.server.directory, "objects", quote(key))

    def where(self):
        """Bucket and key, of either style."""
        path = urllib.parse.unquote(self.path.partition("?")[0]).lstrip("/")
        host = self.headers["Host"].rsplit(":", 1)[0]
        if host.endswith(".localhost"):
            return host[:-len(".localhost")], path
        bucket, _, key = path.partition("/")
        return bucket, key

    def receive(self):
        """The body, in a file, and its digest."""
        left = int(self.headers.get("Content-Length", "0"))
        path = os.path.join(self.server.directory, "new-" + uuid.uuid4().hex)
        digest, tag = hashlib.sha256(), hashlib.md5()
        with open(path, "wb") as f:
            while left > 0:
                data = self.rfile.read(min(left, 1 << 20))
                if not data:
                    raise ConnectionError("cut")
                digest.update(data)
                tag.update(data)
                f.write(data)
                left -= len(data)
        return path, digest.hexdigest(), tag.hexdigest()

    def handle_any(self):
        body = None
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # http.server has sent it
        try:
            fail = self.mode("fail")
            body, digest, tag = self.receive()
            if fail:
                extra = [("Retry-After", fail[3])] if len(fail) > 3 else []
                self.refuse(Refusal(int(fail[1]), {503: "SlowDown", 403: "AccessDenied"}.get(int(fail[1]), "InternalError")), extra)
                return
            told = self.headers.get("X-Amz-Content-Sha256")
            if not told:
                raise Refusal(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
            self.verify(told)
            if told not in (UNSIGNED, digest):
                raise Refusal(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
            bucket, key = self.where()
            if bucket != self.server.bucket:
                raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
            self.serve(key, body, tag)
        except Refusal as r:
            self.refuse(r, [("x-amz-bucket-region", self.server.region)] if r.code == "AuthorizationHeaderMalformed" else ())
        except ConnectionError:
            self.close_connection = True
        finally:
            if body and os.path.exists(body):
                os.unlink(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def serve(self, key, body, tag):
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        if self.command in ("GET", "HEAD"):
            self.get(key)
        elif self.command == "PUT" and "uploadId" in query:
            self.part(query, body, tag)
        elif self.command == "PUT" and self.headers.get("X-Amz-Copy-Source"):
            source = urllib.parse.unquote(self.headers["X-Amz-Copy-Source"])
            if source != f"/{self.server.bucket}/{key}" or self.headers.get("X-Amz-Metadata-Directive") != "REPLACE":
                raise Refusal(400, "InvalidRequest", "This copy request is illegal")
            os.utime(self.object(key))
            self.reply(200, [], b"<CopyObjectResult><ETag>&quot;x&quot;</ETag></CopyObjectResult>")
        elif self.command == "PUT":
            if os.path.getsize(body) > WHOLE_MAX:
                raise Refusal(400, "EntityTooLarge")
            os.replace(body, self.object(key))
            self.reply(200, [("ETag", f'"{tag}"')])
        elif self.command == "POST" and "uploads" in query:
            upload = uuid.uuid4().hex + "+/="
            self.server.uploads[upload] = (key, {})
            self.reply(200, [], f'<?xml version="1.0" encoding="UTF-8"?><InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                       f"<Bucket>{self.server.bucket}</Bucket><Key>{xml.sax.saxutils.escape(key)}</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        elif self.command == "POST" and "uploadId" in query:
            self.complete(query, key, body)
        elif self.command == "DELETE" and "uploadId" in query:
            for path, _ in self.upload(query, key)[1].values():
                os.unlink(path)
            del self.server.uploads[query["uploadId"]]
            self.reply(204)
        else:
            raise Refusal(405, "MethodNotAllowed")

    def upload(self, query, key):
        found = self.server.uploads.get(query["uploadId"])
        if not found or found[0] != key:
            raise Refusal(404, "NoSuchUpload", "The specified upload does not exist.")
        return found

    def part(self, query, body, tag):
        number = int(query["partNumber"])
        _, parts = self.upload(query, self.where()[1])
        if not 1 <= number <= 10000:
            raise Refusal(400, "InvalidArgument")
        if self.mode("slow") and (query["uploadId"], number) not in self.server.seen:
            self.server.seen.add((query["uploadId"], number))
            raise Refusal(500, "InternalError", "We encountered an internal error. Please try again.")
        os.replace(body, body + ".part")
        parts[number] = (body + ".part", tag)
        self.reply(200, [("ETag", f'"{tag}"')])

    def complete(self, query, key, body):
        _, parts = self.upload(query, key)
        with open(body, encoding="utf-8") as f:
            told = re.findall(r'<Part><PartNumber>(\d+)</PartNumber><ETag>"?([0-9a-f]+)"?</ETag></Part>', f.read())
        if not told or [int(n) for n, _ in told] != sorted(parts) or any(parts[int(n)][1] != tag for n, tag in told):
            raise Refusal(400, "InvalidPart", "One or more of the specified parts could not be found.")
        sizes = [os.path.getsize(parts[int(n)][0]) for n, _ in told]
        if min(sizes[:-1], default=PART_MIN) < PART_MIN:
            raise Refusal(400, "EntityTooSmall")
        with open(body, "wb") as out:
            for number, _ in told:
                with open(parts[int(number)][0], "rb") as f:
                    out.write(f.read())
                os.unlink(parts[int(number)][0])
        os.replace(body, self.object(key))
        del self.server.uploads[query["uploadId"]]
        self.reply(200, [], b"<CompleteMultipartUploadResult><ETag>&quot;x-2&quot;</ETag></CompleteMultipartUploadResult>")

    def get(self, key):
        try:
            with open(self.object(key), "rb") as f:
                data = f.read()
        except FileNotFoundError:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.") from None
        headers = [("ETag", f'"{hashlib.md5(data).hexdigest()}"'), ("Content-Type", "binary/octet-stream"),
                   ("Last-Modified", email.utils.formatdate(os.path.getmtime(self.object(key)), usegmt=True))]
        self.give(data, headers, "sha256:" in key and self.command == "GET")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--log", default=os.devnull)
    options = parser.parse_args()
    os.makedirs(os.path.join(options.directory, "objects"), exist_ok=True)
    server = double.Server(Handler, options.log)
    server.directory, server.bucket, server.region = options.directory, options.bucket, options.region
    server.uploads, server.seen = {}, set()
    server.run()


main()
