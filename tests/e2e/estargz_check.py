#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""estargz_check.py LAYOUT [REF]: an independent reader of eStargz (containerd/stargz-snapshotter, docs/estargz.md).

Every layer of the image in the OCI layout that says to be eStargz by its annotation is read as a lazy runtime would: footer, table of
contents, then each file from its own offset, inflating nothing but the member there. All of it is compared with what a reader of plain tars
sees. Prints the number of layers and entries; with --names the names of each entry, and with --any layers in other forms are passed over.

estargz_check.py --layer FILE DIGEST SIZE DIFF_ID TOC_DIGEST PLAIN_SIZE: the same for one blob.
"""

import base64
import datetime
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import zlib

TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
PLAIN_SIZE = "io.containers.estargz.uncompressed-size"
TOC_NAME = "stargz.index.json"
LANDMARK = ".no.prefetch.landmark"
FOOTER_SIZE = 51
KEYS = {
    "name", "type", "size", "modtime", "linkName", "mode", "uid", "gid", "devMajor", "devMinor", "xattrs", "digest", "offset",
    "chunkOffset", "chunkSize", "chunkDigest",
}
TYPES = {
    tarfile.REGTYPE: "reg", tarfile.LNKTYPE: "hardlink", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block", tarfile.DIRTYPE: "dir", tarfile.FIFOTYPE: "fifo",
}


class Wrong(Exception):
    pass


def want(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: {got!r} instead of {wanted!r}")


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def members(blob):
    """Where each member begins, and all plain bytes."""
    begins, plain, at = [], [], 0
    while at < len(blob):
        begins.append(at)
        data, at = member_at(blob, at)
        plain.append(data)
    return begins, b"".join(plain)


def member_at(blob, at):
    """The plain bytes of the gzip member that begins there, and where it ends."""
    want(f"gzip header at {at}", blob[at:at + 3], b"\x1f\x8b\x08")
    # A window is enough for nearly all members, and copying the rest of the blob for each is not.
    for size in (1 << 16, 1 << 22, len(blob)):
        inflater = zlib.decompressobj(31)
        window = blob[at:at + size]
        plain = inflater.decompress(window)
        if inflater.eof:
            return plain, at + len(window) - len(inflater.unused_data)
    raise Wrong(f"the member at {at} does not end")


def read_footer(blob):
    footer = blob[-FOOTER_SIZE:]
    want("footer: gzip header", footer[:10], b"\x1f\x8b\x08\x04\0\0\0\0\0\xff")
    want("footer: length of extra", struct.unpack("<H", footer[10:12])[0], 26)
    want("footer: subfield", footer[12:16], b"SG" + struct.pack("<H", 22))
    want("footer: magic", footer[32:38], b"STARGZ")
    want("footer: empty stream", footer[38:], b"\x01\0\0\xff\xff" + bytes(8))
    return int(footer[16:32], 16)


def unique(pairs):
    keys = [key for key, _ in pairs]
    want("keys of an object", len(keys), len(set(keys)))
    return dict(pairs)


def read_toc(blob, offset, digest):
    plain, end = member_at(blob, offset)
    want("what follows the table's member", len(blob) - end, FOOTER_SIZE)
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        found = tar.getmembers()
        want("what is in the table's member", [m.name for m in found], [TOC_NAME])
        text = tar.extractfile(found[0]).read()
    want("end of the tar", plain[512 + (len(text) + 511) // 512 * 512:], bytes(1024))
    want("digest of the table", sha256(text), digest)
    toc = json.loads(text, object_pairs_hook=unique)
    want("keys of the table", set(toc), {"version", "entries"})
    want("version", toc["version"], 1)
    for entry in toc["entries"]:
        want(f"{entry.get('name')}: unknown keys", set(entry) - KEYS, set())
    return toc["entries"]


def read_payloads(blob, entries, begins):
    """The files' bytes by name, read as chunks from their own members."""
    files, last, seen = {}, None, []
    for entry in entries:
        if entry["type"] == "reg":
            last = entry
            files[entry["name"]] = b""
        if entry["type"] not in ("reg", "chunk") or not last.get("size"):
            continue
        name = entry["name"]
        want(f"{name}: name of the chunk", name, last["name"])
        want(f"{name}: offset of the chunk", entry.get("chunkOffset", 0), len(files[name]))
        size = entry.get("chunkSize", 0) or last["size"] - len(files[name])
        want(f"{name}: a member begins at {entry['offset']}", entry["offset"] in begins, True)
        data = member_at(blob, entry["offset"])[0][:size]
        want(f"{name}: length of the chunk", len(data), size)
        want(f"{name}: digest of the chunk", sha256(data), entry["chunkDigest"])
        files[name] += data
        seen.append(entry["offset"])
    want("offsets that are there twice or not in order", seen, sorted(set(seen)))
    for entry in entries:
        if entry["type"] == "reg":
            data = files[entry["name"]]
            want(f"{entry['name']}: size", len(data), entry.get("size", 0))
            want(f"{entry['name']}: digest", sha256(data), entry["digest"])
    return files


def describe(entry):
    """A table's entry in the words of compare_tar."""
    time = entry.get("modtime")
    moment = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc) if time else None
    return {
        "name": entry["name"].rstrip("/"), "type": entry["type"], "size": entry.get("size", 0), "mode": entry["mode"],
        "uid": entry["uid"], "gid": entry["gid"], "link": entry.get("linkName", ""),
        "mtime": int(moment.timestamp()) if moment else 0,
        "device": (entry.get("devMajor", 0), entry.get("devMinor", 0)),
        "xattrs": {key: base64.b64decode(value, validate=True) for key, value in entry.get("xattrs", {}).items()},
    }


def xattrs_of(info):
    prefix = "SCHILY.xattr."
    return {
        key[len(prefix):]: value.encode("utf-8", "surrogateescape")
        for key, value in info.pax_headers.items() if key.startswith(prefix)
    }


def compare_tar(plain, entries, files):
    with tarfile.open(fileobj=io.BytesIO(plain), encoding="utf-8", errors="surrogateescape") as tar:
        infos = tar.getmembers()
        want("last entry of the tar", infos[-1].name, TOC_NAME)
        wanted = [entry for entry in entries if entry["type"] != "chunk"]
        want("number of entries", len(infos) - 1, len(wanted))
        for info, entry in zip(infos, wanted):
            device = (info.devmajor, info.devminor) if info.type in (tarfile.CHRTYPE, tarfile.BLKTYPE) else (0, 0)
            seen = {
                "name": info.name, "type": TYPES[info.type], "size": info.size if info.isreg() else 0, "mode": info.mode,
                "uid": info.uid, "gid": info.gid, "link": info.linkname, "mtime": int(info.mtime), "device": device,
                "xattrs": xattrs_of(info),
            }
            want(f"{info.name}: the table's entry", describe(entry), seen)
            if info.isreg():
                want(f"{info.name}: bytes", files[entry["name"]], tar.extractfile(info).read())
            if info.isdir():
                want(f"{info.name}: name of a directory", entry["name"][-1:], "/")
        return [info.name + ("/" if info.isdir() else "") for info in infos]


def compare_gnu_tar(path, names):
    listed = subprocess.run(["tar", "--quoting-style=literal", "-tzf", path], check=True, capture_output=True)
    want("GNU tar's list", listed.stdout, "".join(name + "\n" for name in names).encode())


def check_layer(path, desc, diff_id):
    with open(path, "rb") as file:
        blob = file.read()
    want("media type", desc["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip")
    want("digest", sha256(blob), desc["digest"])
    want("size", len(blob), desc["size"])
    offset = read_footer(blob)
    entries = read_toc(blob, offset, desc["annotations"][TOC_DIGEST])
    begins, plain = members(blob)
    want("plain bytes by another reader", gzip.GzipFile(fileobj=io.BytesIO(blob)).read(), plain)
    want("diff ID", sha256(plain), diff_id)
    want("size of the plain bytes", desc["annotations"][PLAIN_SIZE], str(len(plain)))
    want("the table's member", offset, begins[-2])
    want("first entry", entries[0]["name"], LANDMARK)
    files = read_payloads(blob, entries, set(begins))
    want("landmark", files[LANDMARK], b"\x0f")
    names = compare_tar(plain, entries, files)
    compare_gnu_tar(path, names)
    return names


def blob_path(layout, digest):
    return os.path.join(layout, "blobs", *digest.split(":"))


def load(layout, digest):
    with open(blob_path(layout, digest), "rb") as file:
        return json.load(file)


def find(layout, ref):
    with open(os.path.join(layout, "index.json"), "rb") as file:
        found = json.load(file)["manifests"]
    if ref:
        found = [m for m in found if m.get("annotations", {}).get("org.opencontainers.image.ref.name") == ref]
    want("manifests", len(found), 1)
    return load(layout, found[0]["digest"])


def check_file(path, digest, size, diff_id, toc_digest, plain_size):
    desc = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": int(size),
        "annotations": {TOC_DIGEST: toc_digest, PLAIN_SIZE: plain_size},
    }
    check_layer(path, desc, diff_id)


def main(args):
    if args[:1] == ["--layer"]:
        check_file(*args[1:])
        return
    options = {arg for arg in args if arg.startswith("--")}
    layout, ref = ([arg for arg in args if not arg.startswith("--")] + [None])[:2]
    manifest = find(layout, ref)
    diff_ids = load(layout, manifest["config"]["digest"])["rootfs"]["diff_ids"]
    want("number of diff IDs", len(diff_ids), len(manifest["layers"]))
    layers, count = 0, 0
    for desc, diff_id in zip(manifest["layers"], diff_ids):
        if TOC_DIGEST not in desc.get("annotations", {}) and "--any" in options:
            continue
        names = check_layer(blob_path(layout, desc["digest"]), desc, diff_id)
        layers += 1
        count += len(names)
        if "--names" in options:
            sys.stdout.buffer.write("".join(name + "\n" for name in names).encode())
    print(f"{layers} layers, {count} entries")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Wrong, KeyError) as error:
        sys.exit(f"estargz_check: {error}")
