#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A double of the cache service of GitHub Actions (version 2) and of the Azure storage behind it, for tests: it speaks as the clients
actions/toolkit and go-actions-cache expect, refuses what is wrong, and notes a LEAK when the job's token arrives at the storage. Python's
own library only.

    ghad.py DIR --token TOKEN [--log FILE]

Prints "port N", then serves until SIGTERM. Entries are DIR/entries/<percent-encoded key>. Of DIR/mode each line changes how it acts:
    fail WORD STATUS COUNT [RETRY-AFTER]  so many requests whose method and path hold the word fail
    cut COUNT                             so many downloads end in the middle
    flip 1                                downloads are other bytes
    redirect URL                          every answer that has bytes leads there instead
    huge BYTES                            … says that it has so many
    endless 1                             … never ends
    answer TEXT                           what the service says to every question
    expire COUNT                          so many signed URLs have expired when they are used
"""
import argparse
import base64
import hmac
import json
import os
import re
import urllib.parse
import uuid

import double
from double import Refusal

SERVICE = "/twirp/github.actions.results.api.v1.CacheService/"
FIELDS = {"CreateCacheEntry": {"key", "version"}, "FinalizeCacheEntryUpload": {"key", "version", "size_bytes"},
          "GetCacheEntryDownloadURL": {"key", "version", "restore_keys"}}
WHOLE_MAX, BLOCK_MAX = 5000 << 20, 4000 << 20


class Handler(double.Store):
    def handle_any(self):
        try:
            data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            fail = self.mode("fail")
            if fail:
                raise Refusal(int(fail[1]), "resource_exhausted" if fail[1] == "429" else "unavailable", fail[3] if len(fail) > 3 else "")
            if self.path.startswith(SERVICE):
                self.service(data)
            else:
                self.storage(data)
        except Refusal as r:
            self.close_connection = True
            headers = [("Connection", "close")]
            if r.message.isdigit():
                headers.append(("Retry-After", r.message))
            if self.path.startswith(SERVICE):
                body = json.dumps({"code": r.code, "msg": r.message}).encode()
            else:
                body = f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{r.code}</Code><Message>{r.message}</Message></Error>'.encode()
            self.reply(r.status, headers, body)

    do_GET = do_PUT = do_POST = handle_any

    def service(self, data):
        method = self.path[len(SERVICE):]
        token = self.headers.get("Authorization", "")
        if not hmac.compare_digest(token, "Bearer " + self.server.token):
            raise Refusal(401, "unauthenticated", "invalid token")
        if self.command != "POST" or self.headers.get("Content-Type") != "application/json" or method not in FIELDS:
            raise Refusal(404, "bad_route")
        q = json.loads(data)
        if set(q) != FIELDS[method] or not re.fullmatch("[0-9a-f]{64}", q["version"]):
            raise Refusal(400, "invalid_argument", "malformed request")
        for key in [q["key"], *q.get("restore_keys", [])]:
            if not isinstance(key, str) or not key or len(key) > 512 or "," in key:
                raise Refusal(400, "invalid_argument", "key")
        if self.mode("answer"):
            self.reply(200, [("Content-Type", "application/json")], " ".join(self.mode("answer")).encode())
            return
        with self.server.lock:
            answer = getattr(self, method)(q)
        self.reply(200, [("Content-Type", "application/json")], json.dumps(answer).encode())

    def sign(self, key):
        signature = uuid.uuid4().hex
        self.server.signed[signature] = key
        return f"http://127.0.0.1:{self.server.server_address[1]}/storage/{uuid.uuid4().hex}?sv=2021&sig={signature}%2B%3D"

    def path_of(self, key):
        return os.path.join(self.server.directory, "entries", urllib.parse.quote(key, safe=""))

    def CreateCacheEntry(self, q):
        key = (q["key"], q["version"])
        if key in self.server.entries:
            raise Refusal(409, "already_exists", "cache entry with the same key, version, and scope already exists")
        self.server.entries[key] = None
        return {"ok": True, "signed_upload_url": self.sign(q["key"])}

    def FinalizeCacheEntryUpload(self, q):
        path = self.path_of(q["key"])
        if self.server.entries.get((q["key"], q["version"]), 0) is not None:
            raise Refusal(404, "not_found")
        if not os.path.exists(path) or os.path.getsize(path) != int(q["size_bytes"]):
            raise Refusal(400, "invalid_argument", "size")
        self.server.entries[(q["key"], q["version"])] = len(self.server.entries)
        return {"ok": True, "entry_id": "7"}

    def GetCacheEntryDownloadURL(self, q):
        ready = [(when, key) for (key, version), when in self.server.entries.items() if when is not None and version == q["version"]
                 and os.path.exists(self.path_of(key))]
        for prefix, exact in [(q["key"], True)] + [(k, False) for k in q["restore_keys"]]:
            found = [(when, key) for when, key in ready if (key == prefix if exact else key.startswith(prefix))]
            if found:
                key = max(found)[1]
                return {"ok": True, "signed_download_url": self.sign(key), "matched_key": key}
        return {"ok": False, "signed_download_url": "", "matched_key": ""}

    def storage(self, data):
        if self.headers.get("Authorization"):
            self.server.note("LEAK of the token")
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        key = self.server.signed.get(query.get("sig", "")[:-2])
        if key is None or query["sig"][-2:] != "+=" or self.mode("expire"):
            raise Refusal(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        path = self.path_of(key)
        if self.command == "GET":
            with open(path, "rb") as f:
                self.give(f.read(), spoil="index" not in path)
            return
        if "comp" not in query:
            if self.headers.get("x-ms-blob-type") != "BlockBlob" or len(data) > WHOLE_MAX:
                raise Refusal(400, "MissingRequiredHeader", "An HTTP header that is mandatory for this request is not specified.")
        elif query["comp"] == "block":
            if len(data) > BLOCK_MAX or not data or len(base64.b64decode(query["blockid"], validate=True)) > 64:
                raise Refusal(400, "InvalidBlockId")
            self.server.blocks[(key, query["blockid"])] = data
            self.reply(201)
            return
        elif query["comp"] == "blocklist":
            names = re.findall("<Latest>([^<]+)</Latest>", data.decode())
            if not names or any((key, n) not in self.server.blocks for n in names) or len({len(n) for n in names}) != 1:
                raise Refusal(400, "InvalidBlockList")
            data = b"".join(self.server.blocks.pop((key, n)) for n in names)
        with open(path, "wb") as f:
            f.write(data)
        self.reply(201)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--token", required=True)
    parser.add_argument("--log", default=os.devnull)
    options = parser.parse_args()
    os.makedirs(os.path.join(options.directory, "entries"), exist_ok=True)
    server = double.Server(Handler, options.log)
    server.directory, server.token = options.directory, options.token
    server.entries, server.signed, server.blocks = {}, {}, {}
    server.run()


main()
