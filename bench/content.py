#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does an image hold what it should? bench/run asks once for each tool, so that nobody is fast by leaving something out.

    content.py HOST:PORT REPOSITORY:TAG DIRECTORY…
    content.py HOST:PORT REPOSITORY:TAG --as REPOSITORY:TAG

Counts the regular files, and their bytes, of those layers of the image that its base (the layers that $BENCH_BASE_LAYERS names) does not
have, and compares them with those of the directories. With --as it compares the names that all layers have together with another image's,
but for what tools make to mount on and how they say that something is gone. Says nothing when they agree.
"""
import gzip
import io
import json
import os
import re
import sys
import tarfile
import urllib.request

TYPES = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"]
# Mount points, whiteouts, and links with the hash of a certificate that packages make anew.
MAY_DIFFER = re.compile(r"etc/(resolv\.conf|hosts|hostname)|script|run/\.containerenv|(.*/)?\.wh\..*|etc/ssl/certs/[0-9a-f]{8}\.0")


class Padded(io.RawIOBase):
    """A stream with zeros behind it: umoci leaves out what ends a tar."""

    def __init__(self, stream):
        super().__init__()
        self.stream, self.zeros = stream, 2 * tarfile.RECORDSIZE

    def read(self, size=-1):
        part = self.stream.read(size)
        if not part:
            part = bytes(min(size, self.zeros))
            self.zeros -= len(part)
        return part


def entries(host, name, base):
    """Of the layers that the base does not have."""
    repository, tag = name.split(":")
    url = f"http://{host}/v2/{repository}"
    request = urllib.request.Request(f"{url}/manifests/{tag}", headers={"Accept": ", ".join(TYPES)})
    with urllib.request.urlopen(request) as answer:
        manifest = json.load(answer)
    for layer in manifest["layers"]:
        if layer["digest"] in base:
            continue
        with urllib.request.urlopen(f"{url}/blobs/{layer['digest']}") as answer:
            stream = gzip.GzipFile(fileobj=answer) if layer["mediaType"].endswith("gzip") else answer
            with tarfile.open(fileobj=Padded(stream), mode="r|") as tar:
                yield from tar


def compare_images(host, name, other):
    names = [{entry.name.strip("./") for entry in entries(host, one, []) if not entry.isdir()} for one in (name, other)]
    differ = sorted(path for path in names[0] ^ names[1] if not MAY_DIFFER.fullmatch(path))
    if differ:
        sys.exit(f"{name} and {other} differ in {len(differ)} entries: {' '.join(differ[:20])}")


def main():
    host, name, directories = sys.argv[1], sys.argv[2], sys.argv[3:]
    base = os.environ.get("BENCH_BASE_LAYERS", "").split()
    if directories[0] == "--as":
        compare_images(host, name, directories[1])
        return
    have = [0, 0]
    for entry in entries(host, name, base):
        if entry.isreg():
            have = [have[0] + 1, have[1] + entry.size]
    want = [0, 0]
    for directory in directories:
        for parent, _, files in os.walk(directory):
            for file in files:
                path = os.path.join(parent, file)
                if not os.path.islink(path):
                    want = [want[0] + 1, want[1] + os.stat(path).st_size]
    if have != want:
        sys.exit(f"{name} holds {have[0]} files of {have[1]} bytes; the context {want[0]} of {want[1]}")


main()
