#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a cache in a directory lie: cache_lie.py DIR OLD NEW

All indexes of layers in it say NEW where they said OLD, which is of the same length and order; no step is known.
"""
import gzip
import hashlib
import json
import os
import sys

SUM = 32


def put(layout, data):
    """Add a blob; the fields of its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", digest), "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def get(layout, digest):
    with open(os.path.join(layout, "blobs", digest.replace(":", "/")), "rb") as file:
        return file.read()


def main(layout, old, new):
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    root = index["manifests"][0]
    manifest = json.loads(get(layout, root["digest"]))
    manifest["config"].update(put(layout, b"lade cache 1\n"))
    for layer in manifest["layers"]:
        if not layer["mediaType"].endswith(".layer.index.v1+gzip"):
            continue
        body = gzip.decompress(get(layout, layer["digest"]))[:-SUM].replace(old.encode(), new.encode())
        layer.update(put(layout, gzip.compress(body + hashlib.sha256(body).digest())))
    root.update(put(layout, json.dumps(manifest).encode()))
    with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as file:
        json.dump(index, file)


main(*sys.argv[1:])
