# SPDX-License-Identifier: Apache-2.0
"""Makers of tar bytes and of images, byte by byte, so that each can be wrong in one place."""
import gzip
import hashlib
import json
import os

BLOCK = 512
OCI = "application/vnd.oci.image."
MANIFEST, INDEX, CONFIG = OCI + "manifest.v1+json", OCI + "index.v1+json", OCI + "config.v1+json"
LAYER, LAYER_GZIP, LAYER_ZSTD = OCI + "layer.v1.tar", OCI + "layer.v1.tar+gzip", OCI + "layer.v1.tar+zstd"
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
DOCKER = "application/vnd.docker.distribution.manifest."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def number(value, width):
    """A field of digits, or the bytes that stand there instead."""
    return value if isinstance(value, bytes) else b"%0*o\0" % (width - 1, value)


def entry(name, data=b"", kind=b"0", link="", mode=0o644, size=None, uid=0, device=(0, 0), checksum=None):
    """A ustar entry, with an extended header for long names; `size` may lie, and it and `uid` may be bytes."""
    long = [(key, text) for key, text in (("path", name), ("linkpath", link)) if len(text) > 100]
    before = pax(*long) if long else b""
    name = name.encode()[:100]
    fields = [(name, 100), (number(mode, 8), 8), (number(uid, 8), 8), (number(0, 8), 8),
              (number(len(data) if size is None else size, 12), 12), (number(0, 12), 12), (b" " * 8, 8), (kind, 1),
              (link.encode()[:100], 100), (b"ustar\x0000", 8), (b"root", 32), (b"root", 32),
              (number(device[0], 8), 8), (number(device[1], 8), 8), (b"", 155), (b"", 12)]
    head = bytearray(b"".join(value.ljust(width, b"\0") for value, width in fields))
    head[148:156] = b"%06o\0 " % (sum(head) if checksum is None else checksum)
    return before + bytes(head) + pad(data)


def folder(name):
    return entry(name + "/", kind=b"5", mode=0o755)


def symlink(name, target):
    return entry(name, kind=b"2", link=target, mode=0o777)


def hardlink(name, target):
    return entry(name, kind=b"1", link=target)


def pax(*records, kind=b"x"):
    body = b""
    for key, value in records:
        rest = b" %s=%s\n" % (key.encode(), value.encode())
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        body += str(length).encode() + rest
    return entry("pax", body, kind=kind)


def tar(*entries):
    return b"".join(entries) + bytes(2 * BLOCK)


def good_layer():
    return tar(folder("etc"), entry("etc/passwd", b"root:x:0:0::/:\n"), folder("data"), entry("data/file", b"file\n"))


def pack(data):
    return gzip.compress(data, mtime=0)


def descriptor(data, media):
    return {"mediaType": media, "digest": digest(data), "size": len(data)}


def as_bytes(document):
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def image(world, layers=None, edit_layer=None, edit_config=None, edit_manifest=None, edit_blobs=None, media=LAYER_GZIP, compress=pack):
    """Put an image into the registry of lies as @BASE. edit_layer(compressed bytes) gives the layer's bytes before they are hashed;
    edit_config and edit_manifest change the document, or give another (or bytes); edit_blobs(blobs) changes what is served at
    the digests, after all is hashed. Returns the manifest's bytes."""
    layers = [good_layer()] if layers is None else layers
    packed = [compress(layer) for layer in layers]
    if edit_layer:
        packed = [edit_layer(layer) for layer in packed]
    config = {"architecture": ARCH, "os": "linux", "config": {"Env": ["PATH=/bin"]},
              "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
              "history": [{"created_by": "made for a test"} for _ in layers]}
    config = as_bytes((edit_config(config) or config) if edit_config else config)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, CONFIG),
                "layers": [descriptor(layer, media) for layer in packed]}
    manifest = as_bytes((edit_manifest(manifest) or manifest) if edit_manifest else manifest)
    blobs = {digest(blob): blob for blob in [config, *packed]}
    if edit_blobs:
        edit_blobs(blobs, digest(packed[0]) if packed else "", digest(config))
    world.repo.blobs.update(blobs)
    put_manifest(world, manifest)
    return manifest


def put_manifest(world, manifest, media=MANIFEST, tag="1"):
    manifest = as_bytes(manifest)
    world.repo.manifests[tag] = world.repo.manifests[digest(manifest)] = (manifest, media)


def layout(top, manifest, blobs):
    """An OCI layout directory with one image under the name 1."""
    manifest = as_bytes(manifest)
    os.makedirs(os.path.join(top, "blobs", "sha256"))
    for at, blob in {**blobs, digest(manifest): manifest}.items():
        with open(os.path.join(top, "blobs", *at.split(":")), "wb") as file:
            file.write(blob)
    entry_of = descriptor(manifest, MANIFEST) | {"annotations": {"org.opencontainers.image.ref.name": "1"}}
    for name, document in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [entry_of]})):
        with open(os.path.join(top, name), "w", encoding="utf-8") as file:
            json.dump(document, file)
