#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compare what GNU tar, bsdtar and Python's tarfile find in DIR/*.tar with the lists beside them.

A list has a line for each entry, in order: type, name, mode, uid, gid, size, mtime, link, major, minor, content
and extended attributes; texts are in hex. test_tarwrite_readers.c writes them.
"""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
from datetime import datetime, timedelta
from typing import NamedTuple

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC", "TAR_OPTIONS": ""}
LETTERS = {"0": "-", "1": "h", "2": "l", "3": "c", "4": "b", "5": "d", "6": "p"}
MTREE_TYPES = {"file": "0", "link": "2", "char": "3", "block": "4", "dir": "5", "fifo": "6"}
ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "s": 32}
MTREE_KEYS = "type mode uid gid size time link device sha256".split()


class Entry(NamedTuple):
    type: str
    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    link: bytes
    device: tuple
    content: bytes
    xattrs: dict


def read_list(path):
    entries = []
    for line in path.read_text().splitlines():
        field = line.split("\t")
        unhex = bytes.fromhex
        xattrs = dict(item.split("=") for item in field[11:])
        entries.append(Entry(field[0], unhex(field[1]), int(field[2], 8), int(field[3]), int(field[4]),
                             int(field[5]), int(field[6]), unhex(field[7]), (int(field[8]), int(field[9])),
                             unhex(field[10]), {name: unhex(value) for name, value in xattrs.items()}))
    return entries


def unescape(text):
    """The bytes of a name as tar prints it: \\ooo, \\n and the like."""
    raw = text.encode("utf-8", "surrogateescape")

    def replace(match):
        code = match[1].decode()
        if code[0] in "01234567":
            return bytes([int(code, 8)])
        return bytes([ESCAPES.get(code, ord(code))])
    return re.sub(rb"\\([0-7]{3}|.)", replace, raw, flags=re.S)


def run(*command, status_matters=True):
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if status_matters and (done.returncode or done.stderr):
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape")


def mode_text(entry):
    bits = ["r" if entry.mode & 0o400 >> i and i % 3 == 0 else
            "w" if entry.mode & 0o400 >> i and i % 3 == 1 else
            "x" if entry.mode & 0o400 >> i else "-" for i in range(9)]
    for bit, place, letter in ((0o4000, 2, "s"), (0o2000, 5, "s"), (0o1000, 8, "t")):
        if entry.mode & bit:
            bits[place] = letter if bits[place] == "x" else letter.upper()
    return LETTERS[entry.type] + "".join(bits)


def by_tarfile(path, expected):
    """Everything: metadata, order, content, extended attributes."""
    found = []
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            raw = {key: value.encode("utf-8", "surrogateescape") for key, value in member.pax_headers.items()}
            xattrs = {key[len("SCHILY.xattr."):]: value for key, value in raw.items()
                      if key.startswith("SCHILY.xattr.")}
            name = member.name.encode("utf-8", "surrogateescape") + (b"/" if member.isdir() else b"")
            extra = set(raw) - {"gid", "linkpath", "mtime", "path", "size", "uid"} - {"SCHILY.xattr." + x for x in xattrs}
            assert not extra, (path, name, extra)
            assert (member.uname, member.gname) == ("", ""), (path, name)
            found.append(Entry(member.type.decode(), name, member.mode, member.uid, member.gid, member.size,
                               int(member.mtime), member.linkname.encode("utf-8", "surrogateescape"),
                               (member.devmajor, member.devminor),
                               archive.extractfile(member).read() if member.isreg() else b"", xattrs))
    return found, expected


def printed(expected):
    """What a long listing shows of the entries."""
    return [(mode_text(e), str(e.uid), str(e.gid), "%d,%d" % e.device if e.type in "34" else str(e.size),
             e.name, e.link) for e in expected]


def matched(form, line):
    found = form.fullmatch(line)
    assert found, f"another form of line: {line!r}"
    return found.groups()


def by_gnu_tar(path, expected):
    """Type, mode, owner, size, time, name and link, in order."""
    found = []
    name = r'"((?:[^"\\]|\\.)*)"'
    line_form = re.compile(rf"(\S+) (\d+)/(\d+) +([\d,]+) (\S+ \S+) {name}(?: -> {name}| link to {name})?")
    for line in run("tar", "--list", "-v", "--numeric-owner", "--full-time", "--utc", "--quoting-style=c",
                    "-f", path).splitlines():
        mode, uid, gid, size, time, entry_name, symlink, hard = matched(line_form, line)
        seconds = (datetime.fromisoformat(time) - datetime(1970, 1, 1)) // timedelta(seconds=1)
        found.append((mode, uid, gid, size, unescape(entry_name), unescape(symlink or hard or ""), seconds))
    return found, [(*line, e.mtime) for line, e in zip(printed(expected), expected)]


def by_bsdtar(path, expected):
    """Type, mode, owner, size, name and link, in order. It warns of names that are not UTF-8, and reads them right."""
    found = []
    line_form = re.compile(r"(\S+)  0 (\d+) +(\d+) +([\d,]+) \S+ +\d+ +[-\d:]+ (.*?)(?:( -> | link to )(.*))?")
    for line in run("bsdtar", "-tvf", path, status_matters=all_utf8(expected)).splitlines():
        mode, uid, gid, size, name, _, link = matched(line_form, line)
        found.append((mode, uid, gid, size, unescape(name), unescape(link or "")))
    return found, printed(expected)


def by_mtree(path, expected):
    """bsdtar once more: exact times, content and device numbers, in no order."""
    found = {}
    options = ",".join(["mtree:!all"] + ["mtree:" + key for key in MTREE_KEYS])
    for line in run("bsdtar", "--format=mtree", "--options=" + options, "-cf", "-", f"@{path}").splitlines()[1:]:
        name, *fields = line.split(" ")
        found[unescape(name)[2:]] = dict(field.split("=", 1) for field in fields)
    wanted = {}
    for e in expected:
        kind = next(key for key, value in MTREE_TYPES.items() if value == e.type)
        item = {"type": kind, "mode": f"{e.mode:o}", "uid": str(e.uid), "gid": str(e.gid), "time": f"{e.mtime}.0"}
        if kind == "file":
            item.update(size=str(e.size), sha256digest=hashlib.sha256(e.content).hexdigest())
        if kind in ("char", "block"):
            item["device"] = "native,%d,%d" % e.device
        wanted[e.name.rstrip(b"/")] = item
    return found, wanted


def all_utf8(expected):
    try:
        for e in expected:
            (e.name + e.link).decode()
    except UnicodeDecodeError:
        return False
    return True


def main():
    directory = pathlib.Path(sys.argv[1])
    tars = sorted(directory.glob("*.tar"))
    assert tars
    for path in tars:
        expected = read_list(path.with_suffix(".list"))
        readers = [by_tarfile, by_gnu_tar, by_bsdtar]
        # mtree knows no hard links.
        if all_utf8(expected) and not any(e.type in "12" for e in expected):
            readers.append(by_mtree)
        for reader in readers:
            found, wanted = reader(path, expected)
            if found == wanted:
                continue
            pairs = zip(found, wanted) if isinstance(found, list) else zip(found.items(), wanted.items())
            differing = next((pair for pair in pairs if pair[0] != pair[1]), (len(found), len(wanted)))
            sys.exit(f"{path.name}: {reader.__name__} differs\n found: {differing[0]}\nwanted: {differing[1]}")
        print(f"{path.name}: {len(expected)} entries, {len(readers)} readers agree")


main()
