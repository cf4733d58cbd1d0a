# SPDX-License-Identifier: Apache-2.0
"""Base images that are not what they say. READ reads the base's files, KEEP only names it, and its
blobs go from registry to registry while the push is under way: the build is done then, and keeps its name in the local store."""
import json

import makers
from makers import DOCKER, INDEX, LAYER, LAYER_ZSTD, MANIFEST, digest, entry, folder, hardlink, pack, symlink, tar
from world import BUILD, Row

READ = "FROM @BASE AS base\nFROM scratch\nCOPY --from=base /data /data\n"
KEEP = "FROM @BASE\nCMD [\"/x\"]\n"


def base(name, code, says, text=READ, command=None, **edits):
    return Row("base-" + name, code, says, dockerfile=text, command=command, may_name=name.endswith("-kept"),
               make=lambda world: makers.image(world, **edits))


def layer(name, code, says, bad, **more):
    return base("layer-" + name, code, ("Dockerfile:",) + says, layers=[makers.good_layer(), bad], **more)


def packed(name, code, says, edit, **more):
    """The layer's bytes are damaged, and its digest is that of the damaged bytes."""
    return base("layer-" + name, code, says, edit_layer=edit, **more)


def served(change, of_config=False):
    """Serve other bytes than those that the digest is of."""
    def edit(blobs, layer_digest, config_digest):
        at = config_digest if of_config else layer_digest
        blobs[at] = change(blobs[at])
    return edit


def flip(data):
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


def lost(of_config=False):
    def edit(blobs, layer_digest, config_digest):
        del blobs[config_digest if of_config else layer_digest]
    return edit


def config(**changes):
    return lambda document: document | changes


def inner_config(**changes):
    return lambda document: document | {"config": document["config"] | changes}


def manifest(**changes):
    return lambda document: document | changes


def of_layer(**changes):
    return lambda document: document | {"layers": [document["layers"][0] | changes]}


def size_plus(more):
    return lambda document: document | {"layers": [document["layers"][0] | {"size": document["layers"][0]["size"] + more}]}


def of_config(**changes):
    return lambda document: document | {"config": document["config"] | changes}


def other(document, media, **more):
    """The registry has this document instead of an image."""
    def make(world):
        makers.image(world)
        makers.put_manifest(world, document, media)
    return make


def raw(name, code, says, document, media=MANIFEST):
    return Row("base-" + name, code, says, dockerfile=KEEP, make=other(document, media))


def wrong_digest(world):
    """Other bytes than those that FROM names by digest."""
    made = makers.image(world)
    name = digest(made + b" ")
    world.repo.manifests[name] = (made, MANIFEST)
    world.write("Dockerfile", f"FROM {world.base.rsplit(':', 1)[0]}@{name}\nCMD x\n")


def index(*platforms):
    def make(world):
        made = makers.image(world)
        makers.put_manifest(world, {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
            makers.descriptor(made, MANIFEST) | {"platform": {"os": "linux", "architecture": p}} for p in platforms]}, INDEX)
    return make


def endless_index(world):
    """Each index names the next, deeper than anything real."""
    document = makers.image(world)
    media = MANIFEST
    for _ in range(20):
        document = makers.as_bytes({"schemaVersion": 2, "mediaType": INDEX, "manifests": [makers.descriptor(document, media)]})
        media = INDEX
        makers.put_manifest(world, document, media)


SCHEMA1 = {"schemaVersion": 1, "name": "x", "tag": "1", "architecture": "amd64", "fsLayers": [], "history": [], "signatures": []}
HUGE = json.dumps({"a": "x" * (5 << 20)}).encode()
DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
PLAIN = makers.good_layer()

ROWS = [
    # Digests and sizes
    base("layer-other-bytes", 8, ("sha256:",), edit_blobs=served(flip)),
    base("layer-other-bytes-kept", 8, ("sha256:",), KEEP, edit_blobs=served(flip)),
    base("layer-short", 8, ("sha256:",), edit_blobs=served(lambda data: data[:-1])),
    base("layer-short-kept", 8, ("sha256:",), KEEP, edit_blobs=served(lambda data: data[:-1])),
    base("layer-long", 8, ("sha256:",), edit_blobs=served(lambda data: data + b"x")),
    base("layer-long-kept", 8, ("sha256:",), KEEP, edit_blobs=served(lambda data: data + b"x")),
    base("layer-size-less", 8, ("sha256:",), edit_manifest=size_plus(-1)),
    base("layer-size-more", 8, ("sha256:",), edit_manifest=size_plus(1)),
    base("layer-size-more-kept", 8, ("sha256:",), KEEP, edit_manifest=size_plus(1)),
    base("layer-lost", 4, ("sha256:",), edit_blobs=lost()),
    base("layer-lost-kept", 4, ("sha256:",), KEEP, edit_blobs=lost()),
    base("config-lost", 4, ("sha256:",), KEEP, edit_blobs=lost(of_config=True)),
    base("config-other-bytes", 8, ("sha256:",), KEEP, edit_blobs=served(flip, of_config=True)),
    base("config-size", 8, ("config",), KEEP, edit_manifest=of_config(size=9)),
    base("layer-diff-id", 8, ("diff",), edit_config=config(rootfs={"type": "layers", "diff_ids": ["sha256:" + "0" * 64]})),
    Row("base-manifest-digest", 8, ("sha256:",), make=wrong_digest),
    # Documents
    base("config-not-object", 3, ("config",), KEEP, edit_config=lambda document: b"[]"),
    base("config-not-json", 3, ("config",), KEEP, edit_config=lambda document: b"{"),
    base("config-env-type", 3, ("Env",), KEEP, edit_config=inner_config(Env="PATH=/bin")),
    base("config-cmd-type", 3, ("Cmd",), KEEP, edit_config=inner_config(Cmd="x")),
    base("config-labels-type", 3, ("Labels",), KEEP, edit_config=inner_config(Labels=["x"])),
    base("config-history-type", 3, ("history",), KEEP, edit_config=config(history="long")),
    base("config-rootfs-absent", 3, ("0 layers", "manifest 1"), KEEP, edit_config=config(rootfs=None)),
    base("config-diff-ids-count", 3, ("1", "2"), KEEP, edit_config=lambda d: d | {"rootfs": {"type": "layers", "diff_ids": d["rootfs"]["diff_ids"] * 2}}),
    base("config-diff-id-text", 3, ("diff",), KEEP, edit_config=config(rootfs={"type": "layers", "diff_ids": ["../../etc/passwd"]})),
    base("config-large", 10, ("config",), KEEP, edit_config=inner_config(Labels={"a": "x" * (5 << 20)})),
    base("config-twice-a-key", 3, ("os",), KEEP, edit_config=lambda d: json.dumps(d).encode().replace(b'"os"', b'"os": "plan9", "os"')),
    base("config-nul", 3, ("NUL",), KEEP, edit_config=inner_config(WorkingDir="a\0b")),
    base("onbuild-broken", 3, ("ONBUILD",), KEEP, edit_config=inner_config(OnBuild=["NOTHING x"])),
    base("onbuild-from", 3, ("FROM",), KEEP, edit_config=inner_config(OnBuild=["FROM scratch"])),
    base("manifest-both", 3, ("manifest",), KEEP, edit_manifest=manifest(manifests=[])),
    base("manifest-media-type", 3, ("image.index.v1+json",), KEEP, edit_manifest=manifest(mediaType=INDEX)),
    base("manifest-layers-type", 3, ("layers",), KEEP, edit_manifest=manifest(layers={})),
    base("manifest-no-config", 3, ("config",), KEEP, edit_manifest=manifest(config=None)),
    base("manifest-digest-path", 3, ("digest",), KEEP, edit_manifest=of_layer(digest="sha256:../../../../etc/passwd")),
    base("manifest-digest-kind", 11, ("md5",), KEEP, edit_manifest=of_layer(digest="md5:d41d8cd98f00b204e9800998ecf8427e")),
    base("manifest-size-negative", 3, ("size",), KEEP, edit_manifest=of_layer(size=-1)),
    base("manifest-size-text", 3, ("size",), KEEP, edit_manifest=of_layer(size="12")),
    base("manifest-size-fraction", 3, ("size",), KEEP, edit_manifest=of_layer(size=1.5)),
    base("manifest-size-huge", 3, ("size",), KEEP, edit_manifest=of_layer(size=1 << 62)),
    base("manifest-layers-many", 10, ("layers",), KEEP, edit_manifest=lambda d: d | {"layers": d["layers"] * 600}),
    base("manifest-layer-kind", 11, ("application/x-unknown",), edit_manifest=of_layer(mediaType="application/x-unknown")),
    base("manifest-encrypted-layer", 11, ("encrypted",), edit_manifest=of_layer(mediaType=makers.LAYER_GZIP + "+encrypted")),
    base("artifact", 3, ("application/vnd.example",), KEEP, edit_manifest=of_config(mediaType="application/vnd.example+json")),
    raw("schema1", 11, ("schema",), SCHEMA1, DOCKER.replace("manifest.", "manifest.v1+json")),
    raw("html", 3, ("web page",), b"<html>Welcome</html>", "text/html"),
    raw("manifest-empty", 3, ("manifest",), b""),
    raw("manifest-large", 10, ("manifest",), HUGE),
    raw("manifest-deep", 3, ("manifest",), DEEP),
    raw("manifest-utf8", 3, ("manifest",), b'{"schemaVersion":2,"mediaType":"\xff"}'),
    Row("base-index-other-platform", 4, ("linux/s390x", "linux/riscv64"), dockerfile="FROM --platform=linux/s390x @BASE\nCMD x\n",
        make=index("riscv64", "mips64le")),
    Row("base-index-deep", 3, ("index",), dockerfile=KEEP, make=endless_index),
    Row("base-tag-absent", 4, ("@LIES/@NAME:nowhere",), dockerfile="FROM @LIES/@NAME:nowhere\nCMD x\n", make=makers.image),
    Row("base-registry-absent", 7, ("127.0.0.1:9",), dockerfile="FROM 127.0.0.1:9/x\nCMD x\n"),
    # Layers
    packed("crc", 3, ("gzip",), lambda data: data[:-8] + b"\0\0\0\0" + data[-4:]),
    packed("gzip-size", 3, ("gzip",), lambda data: data[:-1] + b"\1"),
    packed("gzip-cut", 3, ("gzip",), lambda data: data[:-30]),
    packed("gzip-junk", 3, ("gzip",), lambda data: data + b"junk"),
    packed("gzip-half-member", 3, ("gzip",), lambda data: data + pack(b"x")[:8]),
    packed("empty", 3, ("gzip",), lambda data: b""),
    base("layer-not-gzip", 3, ("gzip",), compress=lambda data: data),
    base("layer-not-zstd", 3, ("zstd",), media=LAYER_ZSTD),
    base("layer-gzip-as-plain", 3, ("layer",), media=LAYER),
    base("layer-gzip-twice", 3, ("layer",), layers=[pack(PLAIN)]),
    layer("zip", 3, ("not a tar",), b"PK\3\4" + bytes(1020)),
    layer("above", 3, ("../canary/planted",), tar(entry("../canary/planted", b"x"))),
    layer("dots", 3, ("..",), tar(folder(".."))),
    layer("root-link", 3, ("root",), tar(symlink("./", "/canary"))),
    layer("hardlink-out", 3, ("../../canary/secret",), tar(hardlink("data/x", "../../canary/secret"))),
    layer("hardlink-absent", 3, ("data/x",), tar(hardlink("data/x", "/canary/secret"))),
    layer("whiteout-of-nothing", 3, (".wh.",), tar(entry("data/.wh."))),
    layer("whiteout-of-here", 3, (".wh..",), tar(entry("data/.wh.."))),
    layer("whiteout-of-parent", 3, (".wh...",), tar(entry("data/.wh..."))),
    layer("cut", 3, ("cut off",), tar(entry("x", b"x" * 5000))[:3000]),
    layer("checksum", 3, ("checksum",), tar(entry("a"), entry("b", checksum=1))),
    layer("size-lies", 3, ("cut off",), tar(entry("a", b"x", size=1 << 30))),
    layer("name-long", 10, ("too long",), tar(makers.pax(("path", "x/" * 3000)), entry("x"))),
    layer("pax-large", 10, ("extended header",), tar(makers.pax(("comment", "x" * (2 << 20))), entry("x"))),
    layer("pax-broken", 3, ("extended header",), tar(entry("pax", b"99 path=x\n", kind=b"x"), entry("x"))),
    # The same through other commands
    base("pull-other-bytes", 8, ("sha256:",), command=("pull", "--tries", "1", "@BASE"), edit_blobs=served(flip)),
    base("pull-lost", 4, ("sha256:",), command=("pull", "--tries", "1", "@BASE"), edit_blobs=lost()),
    base("copy-other-bytes", 8, ("sha256:",), command=("copy", "--tries", "1", "docker://@BASE", "docker://@TARGET/@NAME:1"),
         edit_blobs=served(flip)),
    base("complete-other-bytes", 8, ("sha256:",), KEEP, edit_blobs=served(flip), command=(*BUILD, "--complete", "@CONTEXT")),
]
