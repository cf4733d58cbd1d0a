# SPDX-License-Identifier: Apache-2.0
"""Stores, layouts and archives that are damaged, foreign, closed or full."""
import io
import json
import os
import subprocess
import tarfile

import makers
from world import BUILD, Row, SANITIZER

FINE = {"Dockerfile": "FROM scratch\nCOPY file /\n", "file": "text\n" * 1000}
IMAGE = "@TARGET/@NAME:1"
PUSH = ("push", "--tries", "1", IMAGE)
AS_NOBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
# A store of one megabyte, which is gone when the command ends; what lade leaves there must be sound. As root in a mount namespace, as others with
# a user namespace around it.
UNSHARE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
CAN_MOUNT = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0
SOUND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support", "sound")
SMALL = f"""
mkdir -p "$LADE_STORE" && mount -t tmpfs -o size=1m tmpfs "$LADE_STORE" || exit {SANITIZER}
"$@"
code=$?
python3 '{SOUND}' "$LADE_STORE" >&2 || exit {SANITIZER}
exit $code
"""


def built(world):
    world.lade("build", "-q", "-t", IMAGE, "@CONTEXT")


def then(change):
    """Build an image, then damage the store."""
    def make(world):
        built(world)
        change(world)
    return make


def store(name, code, says, change, command=PUSH, **more):
    return Row("store-" + name, code, says, files=FINE, make=then(change), command=command, keeps_store=True, **more)


def write(path, text):
    return lambda world: world.write(os.path.join(world.store, path), text)


def instead(path, maker):
    def change(world):
        os.unlink(os.path.join(world.store, path))
        maker(os.path.join(world.store, path))
    return change


def blob(world, number):
    """The layer (0), config (1) or manifest (2)."""
    with open(os.path.join(world.store, "index.json"), encoding="utf-8") as file:
        name = json.load(file)["manifests"][0]["digest"]
    path = os.path.join(world.store, "blobs", *name.split(":"))
    if number == 2:
        return path
    with open(path, encoding="utf-8") as file:
        manifest = json.load(file)
    name = (manifest["layers"][0] if number == 0 else manifest["config"])["digest"]
    return os.path.join(world.store, "blobs", *name.split(":"))


def of_blob(number, maker):
    """Another file in the blob's place."""
    def change(world):
        path = blob(world, number)
        with open(path, "rb") as file:
            data = file.read()
        os.unlink(path)
        maker(world, path, data)
    return change


def put(edit):
    def maker(_world, path, data):
        with open(path, "wb") as file:
            file.write(edit(data))
    return maker


def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def closed(world):
    os.makedirs(world.store)
    os.chmod(world.store, 0o500)


def file_store(world):
    with open(world.store, "w", encoding="ascii") as file:
        file.write("a file")


def fill(world):
    world.write("large", os.urandom(4 << 20))


def layout(name, code, says, change=None, manifest=None):
    """An OCI layout that somebody else made."""
    def make(world):
        layer = makers.pack(makers.good_layer())
        config = makers.as_bytes({"os": "linux", "architecture": makers.ARCH,
                                  "rootfs": {"type": "layers", "diff_ids": [makers.digest(makers.good_layer())]}})
        document = {"schemaVersion": 2, "mediaType": makers.MANIFEST, "config": makers.descriptor(config, makers.CONFIG),
                    "layers": [makers.descriptor(layer, makers.LAYER_GZIP)]} | (manifest or {})
        top = os.path.join(world.work, "layout")
        makers.layout(top, document, {makers.digest(layer): layer, makers.digest(config): config})
        if change:
            change(world, os.path.join(top, "blobs", *makers.digest(layer).split(":")), top)
    return Row("layout-" + name, code, says, make=make, command=("copy", "--tries", "1", "oci:@WORK/layout:1", "docker://" + IMAGE))


def replace(maker):
    def change(world, path, _top):
        os.unlink(path)
        maker(world, path)
    return change


def archive(name, code, says, kind, *members, cut=None):
    """A docker-archive or oci-archive of these (name, content, link)."""
    def make(world):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path, content, link in members:
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                if link:
                    entry.type, entry.linkname = tarfile.SYMTYPE, link
                tar.addfile(entry, io.BytesIO(content))
        world.write(os.path.join(world.work, "x.tar"), out.getvalue()[:cut])
    return Row("archive-" + name, code, says, make=make, command=("copy", "--tries", "1", f"{kind}:@WORK/x.tar", "docker://" + IMAGE))


def saved(layer):
    return json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": [layer]}]).encode()


SAVED_CONFIG = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode()

ROWS = [
    Row("store-is-file", 3, ("@STORE", "Not a directory"), files=FINE, command=("build", "@CONTEXT"), make=file_store, keeps_store=True,
        after=lambda world: [] if os.path.isfile(world.store) else ["the file is gone"]),
    Row("store-closed", 5, ("@STORE",), files=FINE, command=("build", "@CONTEXT"), make=closed, wrap=AS_NOBODY, keeps_store=True),
    Row("cache-is-file", 4, ("@WORK/cache", "Not a directory"), files={"Dockerfile": "FROM @BASE\nCOPY file /data/\n", "file": "x"},
        make=lambda world: (makers.image(world), world.write(os.path.join(world.work, "cache"), "x")),
        command=(*BUILD, "--cache", "@WORK/cache", "@CONTEXT")),
    store("index-not-json", 3, ("index.json",), write("index.json", "{")),
    store("index-not-object", 3, ("index.json",), write("index.json", "[]")),
    store("index-fifo", 3, ("index.json",), instead("index.json", os.mkfifo)),
    store("index-is-directory", 3, ("index.json",), instead("index.json", os.mkdir)),
    store("version", 3, ("oci-layout", "9.0.0"), write("oci-layout", '{"imageLayoutVersion":"9.0.0"}')),
    store("version-not-json", 3, ("oci-layout",), write("oci-layout", "1.0.0")),
    store("version-missing", 3, ("oci-layout",), lambda world: os.unlink(os.path.join(world.store, "oci-layout"))),
    store("layer-cut", 8, ("sha256:",), of_blob(0, put(lambda data: data[:-1]))),
    store("layer-flipped", 8, ("sha256:",), of_blob(0, put(flip))),
    store("layer-gone", 4, ("sha256:",), of_blob(0, lambda world, path, data: None)),
    store("layer-link", 3, ("blobs/sha256/", "symbolic link"), of_blob(0, lambda world, path, data: os.symlink(os.path.join(world.canary, "secret"), path))),
    store("layer-fifo", 3, ("sha256:", "no regular file"), of_blob(0, lambda world, path, data: os.mkfifo(path))),
    store("config-flipped", 8, ("sha256:",), of_blob(1, put(flip))),
    store("manifest-flipped", 8, ("sha256:",), of_blob(2, put(flip))),
    store("manifest-gone", 4, ("sha256:",), of_blob(2, lambda world, path, data: None)),
    Row("store-full", 10, ("No space left",), files=FINE | {"Dockerfile": "FROM scratch\nCOPY . /\n"}, make=fill,
        wrap=(*UNSHARE, "bash", "-c", SMALL, "small"), skip="" if CAN_MOUNT else "no file system can be mounted here"),
    Row("store-few-files", 10, ("Too many open files",), files=FINE, command=("build", "@CONTEXT"), wrap=("prlimit", "--nofile=5")),
    layout("layer-cut", 8, ("sha256:",), replace(lambda world, path: world.write(path, b"short"))),
    layout("layer-link", 3, ("blobs/sha256/", "symbolic link"), replace(lambda world, path: os.symlink(os.path.join(world.canary, "secret"), path))),
    layout("layer-gone", 4, ("sha256:",), replace(lambda world, path: None)),
    layout("digest-path", 3, ("digest",), manifest={"layers": [{"mediaType": makers.LAYER, "digest": "sha256:../../index.json", "size": 1}]}),
    archive("empty", 3, ("x.tar",), "docker-archive"),
    archive("no-manifest", 3, ("x.tar", "manifest.json"), "docker-archive", ("file", b"x", "")),
    archive("manifest-link-out", 3, ("x.tar",), "docker-archive", ("manifest.json", b"", "/etc/passwd")),
    archive("manifest-not-json", 3, ("manifest.json",), "docker-archive", ("manifest.json", b"{", "")),
    archive("layer-missing", 3, ("layer.tar",), "docker-archive", ("manifest.json", saved("layer.tar"), ""), ("c.json", SAVED_CONFIG, "")),
    archive("layer-above", 3, ("../layer.tar",), "docker-archive", ("manifest.json", saved("../layer.tar"), ""), ("c.json", SAVED_CONFIG, "")),
    archive("layer-other-bytes", 8, ("sha256:",), "docker-archive", ("manifest.json", saved("layer.tar"), ""), ("c.json", SAVED_CONFIG, ""),
            ("layer.tar", makers.good_layer(), "")),
    archive("cut", 3, ("cut off",), "docker-archive", ("manifest.json", saved("layer.tar"), ""), ("layer.tar", bytes(5000), ""), cut=3000),
    archive("oci-no-index", 3, ("index.json",), "oci-archive", ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', "")),
    archive("oci-blob-lies", 8, ("sha256:",), "oci-archive", ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}', ""),
            ("index.json", json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": makers.MANIFEST, "digest": "sha256:" + "1" * 64, "size": 2}]}).encode(), ""),
            ("blobs/sha256/" + "1" * 64, b"{}", "")),
]
