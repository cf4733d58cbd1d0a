#!/usr/bin/env python3
"""Show an image as lines of text, or compare two images line by line.

    image.py show IMAGE             every property of the config and every file, sorted, one a line
    image.py compare IMAGE IMAGE    what differs, as a unified diff; exit 1 when anything does

IMAGE is oci:DIR:NAME, dir:DIR (as skopeo and buildah write it) or tar:FILE (as `docker save` writes it). The layers are applied to each other
as a runtime would do it. Of the history only the commands of RUN are shown, without what each builder writes around them. Times are not
shown, nor how many layers there are, nor ArgsEscaped, which nothing reads; a working directory / is the same as none.
"""
import difflib
import gzip
import hashlib
import io
import json
import pathlib
import posixpath
import sys
import tarfile

SHOWN_CONTENT = 60


class Node:
    """One inode. Two names of it are one Node."""

    def __init__(self, kind, mode, owner, value="", content=b"", xattrs=None):
        self.kind, self.mode, self.owner, self.value = kind, mode, owner, value
        self.content, self.xattrs = content, xattrs or {}


def oci_image(place):
    directory, name = place.split(":", 1)
    root = pathlib.Path(directory)

    def blob(descriptor):
        algorithm, digest = descriptor["digest"].split(":")
        return (root / "blobs" / algorithm / digest).read_bytes()

    index = json.loads((root / "index.json").read_text())
    named = [one for one in index["manifests"] if name in one.get("annotations", {}).get("org.opencontainers.image.ref.name", name)]
    manifest = json.loads(blob(named[0]))
    assert len(named) == 1, f"{len(named)} images have the name {name}"
    return json.loads(blob(manifest["config"])), [blob(one) for one in manifest["layers"]]


def dir_image(place):
    root = pathlib.Path(place)

    def blob(descriptor):
        return (root / descriptor["digest"].split(":")[1]).read_bytes()

    manifest = json.loads((root / "manifest.json").read_text())
    return json.loads(blob(manifest["config"])), [blob(one) for one in manifest["layers"]]


def tar_image(place):
    with tarfile.open(place) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))
        return config, [archive.extractfile(one).read() for one in manifest["Layers"]]


def check_layers(config, layers):
    """Layers as plain tars, which must be those that the config promises."""
    plain = [gzip.decompress(one) if one[:2] == b"\x1f\x8b" else one for one in layers]
    found = ["sha256:" + hashlib.sha256(one).hexdigest() for one in plain]
    assert found == (config["rootfs"]["diff_ids"] or []), "the diff IDs are not those of the layers"
    return plain


def remove(tree, path, keep_directory=False):
    below = path.rstrip("/") + "/"
    for one in [one for one in tree if one.startswith(below) and one != "/"]:
        del tree[one]
    if not keep_directory:
        tree.pop(path, None)


def add_parents(tree, path):
    parent = posixpath.dirname(path)
    if parent == path:
        return
    add_parents(tree, parent)
    node = tree.get(parent)
    assert node is None or node.kind == "dir", f"{path}: a layer has it below a {node.kind}"
    if node is None:
        tree[parent] = Node("dir", 0o755, "0:0")


def node_of(archive, member):
    owner = f"{member.uid}:{member.gid}"
    mode = member.mode & 0o7777
    xattrs = {
        key.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
        for key, value in member.pax_headers.items()
        if key.startswith("SCHILY.xattr.")
    }
    if member.isdir():
        return Node("dir", mode, owner, xattrs=xattrs)
    if member.issym():
        return Node("link", 0o777, owner, "-> " + member.linkname, xattrs=xattrs)
    if member.isreg():
        return Node("file", mode, owner, content=archive.extractfile(member).read(), xattrs=xattrs)
    if member.isfifo():
        return Node("fifo", mode, owner, xattrs=xattrs)
    assert member.ischr() or member.isblk(), f"{member.name}: an entry of type {member.type}"
    return Node("char" if member.ischr() else "block", mode, owner, f"{member.devmajor},{member.devminor}", xattrs=xattrs)


def apply_layer(tree, layer):
    lower = dict(tree)
    seen = set()
    for member in layer:
        path = posixpath.normpath("/" + member.name.lstrip("/"))
        parent, name = posixpath.split(path)
        if name == ".wh..wh..opq":
            for one in [one for one in tree if one.startswith(parent.rstrip("/") + "/") and one in lower and one not in seen]:
                del tree[one]
            continue
        if name.startswith(".wh."):
            remove(tree, posixpath.join(parent, name.removeprefix(".wh.")))
            continue
        add_parents(tree, path)
        seen.add(path)
        if member.islnk():
            first = tree[posixpath.normpath("/" + member.linkname.lstrip("/"))]
            remove(tree, path)
            tree[path] = first
            continue
        node = node_of(layer, member)
        if path in tree and not (node.kind == "dir" and tree[path].kind == "dir"):
            remove(tree, path)
        tree[path] = node


def content_shown(content):
    text = content.decode("utf-8", "surrogateescape")
    if len(content) <= SHOWN_CONTENT and (text.replace("\n", " ").isprintable() or not text):
        return json.dumps(text, ensure_ascii=False)
    return f"{len(content)} bytes {hashlib.sha256(content).hexdigest()[:16]}"


def tree_lines(tree):
    names = {}
    for path in sorted(tree):
        names.setdefault(id(tree[path]), []).append(path)
    for path, node in sorted(tree.items()):
        words = [node.kind, f"{node.mode:04o}", node.owner, json.dumps(path)[1:-1]]
        if node.kind == "file":
            words.append(content_shown(node.content))
        elif node.value:
            words.append(node.value)
        words += [f"{key}={value.hex()}" for key, value in sorted(node.xattrs.items())]
        if len(names[id(node)]) > 1:
            words.append("= " + names[id(node)][0])
        if path != "/" or (node.mode, node.owner, node.xattrs) != (0o755, "0:0", {}):
            yield " ".join(words)


CONFIG = (
    "User ExposedPorts Env Entrypoint Cmd Volumes WorkingDir Labels StopSignal Healthcheck OnBuild Shell StopTimeout NetworkDisabled"
).split()


def config_lines(document):
    for key in ("architecture", "variant", "os", "author"):
        if document.get(key):
            yield f"{key} {document[key]}"
    config = document.get("config") or {}
    for key in CONFIG:
        value = config.get(key)
        if key == "Labels" and value:
            value = {one: text for one, text in value.items() if one != "io.buildah.version"}
        if not value or (key, value) == ("WorkingDir", "/"):
            continue
        if isinstance(value, list) and key in ("Env", "OnBuild"):
            yield from (f"{key} {one}" for one in value)
        elif isinstance(value, dict):
            yield from (f"{key} {one} {json.dumps(value[one])}" for one in sorted(value))
        else:
            yield f"{key} {json.dumps(value)}"


def command_lines(document):
    """The commands of RUN: "RUN COMMAND # buildkit", or COMMAND alone where everything else is marked as no operation."""
    for one in document.get("history") or []:
        text = one.get("created_by", "")
        if text.startswith("RUN "):
            text = text.removeprefix("RUN ").removesuffix(" # buildkit")
        elif not text or "#(nop)" in text or text.split(" ", 1)[0].isupper():
            continue
        before, found, words = text.partition("/bin/sh -c [")
        if found and words.endswith("]"):
            text = before + " ".join(json.loads("[" + words))
        yield f"RUN {text}"


def show(image):
    kind, place = image.split(":", 1)
    config, layers = {"oci": oci_image, "dir": dir_image, "tar": tar_image}[kind](place)
    tree = {}
    for layer in check_layers(config, layers):
        with tarfile.open(fileobj=io.BytesIO(layer), encoding="utf-8", errors="surrogateescape") as archive:
            apply_layer(tree, archive)
    return [*config_lines(config), *command_lines(config), *tree_lines(tree)]


def main(command, *images):
    texts = [show(one) for one in images]
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if command == "show":
        print("\n".join(texts[0]))
        return 0
    names = [one.split(":", 1)[0] + ":…" for one in images]
    difference = list(difflib.unified_diff(texts[0], texts[1], *names, lineterm="", n=0))
    print("\n".join(one for one in difference if not one.startswith("@@")))
    return 1 if difference else 0


if __name__ == "__main__":
    if len(sys.argv) != {"show": 3, "compare": 4}.get(sys.argv[1] if len(sys.argv) > 1 else ""):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
