#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a cache in a directory lie.

cache_lie.py DIR OLD NEW: all indexes of layers in it say NEW where they said OLD, which is of the same length and order; no step is known.

cache_lie.py DIR --blob OTHER: what made the last layer in it is said to have made the first layer of the cache in the directory OTHER.

cache_lie.py DIR --annotate KEY: the descriptor of its last layer has an annotation of that name.
"""
import gzip
import hashlib
import json
import os
import sys

SUM = 32
RECORDS = b"lade cache 1\n"


def put(layout, data):
    """Add a blob; the fields of its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", digest), "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def get(layout, digest):
    with open(os.path.join(layout, "blobs", digest.replace(":", "/")), "rb") as file:
        return file.read()


def read(layout):
    """The index, and the manifest that it names."""
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    return index, json.loads(get(layout, index["manifests"][0]["digest"]))


def lie_of_files(layout, manifest, old, new):
    manifest["config"].update(put(layout, RECORDS))
    for layer in manifest["layers"]:
        if not layer["mediaType"].endswith(".layer.index.v1+gzip"):
            continue
        body = gzip.decompress(get(layout, layer["digest"]))[:-SUM].replace(old.encode(), new.encode())
        layer.update(put(layout, gzip.compress(body + hashlib.sha256(body).digest())))


def form(layer):
    """Digest and size as a record has them."""
    return bytes.fromhex(layer["digest"].split(":")[1]) + layer["size"].to_bytes(8, "little")


def last_layer(manifest):
    return [layer for layer in manifest["layers"] if ".layer.v1.tar" in layer["mediaType"]][-1]


def change_records(layout, manifest, old, new):
    rest = get(layout, manifest["config"]["digest"])[len(RECORDS) :]
    out, changed = RECORDS, 0
    while rest:
        length, rest = rest.split(b"\n", 1)
        body, rest = rest[: int(length) - SUM], rest[int(length) :]
        changed += body.count(old)
        body = body.replace(old, new)
        body += hashlib.sha256(body).digest()
        out += b"%d\n" % len(body) + body
    assert changed
    manifest["config"].update(put(layout, out))


def lie_of_blob(layout, manifest, other):
    theirs = read(other)[1]["layers"][0]
    ours = last_layer(manifest)
    change_records(layout, manifest, form(ours), form(theirs))
    ours.update(put(layout, get(other, theirs["digest"])))


def annotate(layout, manifest, key):
    ours = last_layer(manifest)
    text = key.encode()
    change_records(layout, manifest, form(ours) + b"\0", form(ours) + b"\1" + (len(text).to_bytes(4, "little") + text) * 2)


def main(layout, what, with_what):
    index, manifest = read(layout)
    if what == "--blob":
        lie_of_blob(layout, manifest, with_what)
    elif what == "--annotate":
        annotate(layout, manifest, with_what)
    else:
        lie_of_files(layout, manifest, what, with_what)
    index["manifests"][0].update(put(layout, json.dumps(manifest).encode()))
    with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as file:
        json.dump(index, file)


main(*sys.argv[1:])
