# SPDX-License-Identifier: Apache-2.0
"""COPY and ADD that ask for what cannot be, and archives for ADD that mean harm."""
import bz2
import gzip
import lzma
import random

import makers
from makers import entry, folder, hardlink, pax, symlink, tar
from world import Row


def copy(name, code, says, *lines, **more):
    """Instructions after FROM scratch, with `file` in the context."""
    return Row("copy-" + name, code, says, dockerfile="\n".join(("FROM scratch", *lines)) + "\n", files={"file": "x"}, **more)


def add(name, code, says, archive):
    return Row("add-" + name, code, says, dockerfile="FROM scratch\nADD x.tar /\n", files={"x.tar": archive})


def damage(data):
    middle = len(data) // 2
    return data[:middle] + bytes(b ^ 0xff for b in data[middle:middle + 8]) + data[middle + 8:]


GZIP = gzip.compress(makers.good_layer(), mtime=0)
BIG = tar(entry("data", random.Random(1).randbytes(400000)))

ROWS = [
    copy("chown-number", 3, ("Dockerfile:2", "4294967296"), "COPY --chown=4294967296 file /"),
    copy("chown-three", 3, ("Dockerfile:2", "a:b:c"), "COPY --chown=a:b:c file /"),
    copy("chown-name", 4, ("Dockerfile:2", "nobody"), "COPY --chown=nobody file /"),
    copy("chown-group", 4, ("Dockerfile:2", "nogroup"), "COPY --chown=0:nogroup file /"),
    copy("chmod-number", 3, ("Dockerfile:2", "9999"), "COPY --chmod=9999 file /"),
    copy("chmod-large", 3, ("Dockerfile:2", "77777"), "COPY --chmod=77777 file /"),
    copy("chmod-symbols", 3, ("Dockerfile:2", "u+q"), "COPY --chmod=u+q file /"),
    copy("from-self", 3, ("Dockerfile:3:13", "self"), "FROM scratch AS self", "COPY --from=self /x /"),
    copy("from-later", 3, ("later",), "COPY --from=later /x /", "FROM scratch AS later"),
    copy("from-number", 3, ("Dockerfile:2", "9"), "COPY --from=9 /x /"),
    copy("from-missing", 4, ("Dockerfile:3", "/nothing"), "FROM scratch", "COPY --from=0 /nothing /"),
    copy("from-bad-name", 3, ("Dockerfile:2", "Bad/Name:"), "COPY --from=Bad/Name: /x /"),
    copy("onto-directory", 3, ("Dockerfile:4",), "COPY file /d/file", "COPY file /a/", "COPY file /d/file/below"),
    copy("exclude-bad", 3, ("Dockerfile:2", "["), "COPY --exclude=[ file /"),
    copy("checksum", 3, ("Dockerfile:2", "--checksum"), "COPY --checksum=sha256:00 file /"),
    copy("add-url", 11, ("Dockerfile:2", "http"), "ADD http://@LIES/x /"),
    copy("add-git", 11, ("Dockerfile:2", "git"), "ADD git@example.com:x/y.git /"),
    copy("add-checksum-of-file", 3, ("Dockerfile:2:16", "--checksum requires"), "ADD --checksum=sha256:" + "0" * 64 + " file /"),
    add("above", 3, ("Dockerfile:2", "x.tar", "../canary/planted"), tar(entry("../canary/planted", b"x"))),
    add("above-inside", 3, ("Dockerfile:2", "x.tar", "a/../../canary/planted"), tar(entry("a/../../canary/planted", b"x"))),
    add("root-is-link", 3, ("Dockerfile:2", "x.tar"), tar(symlink("./", "/canary"), entry("planted", b"x"))),
    add("hardlink-above", 3, ("Dockerfile:2", "x.tar"), tar(hardlink("x", "../../canary/secret"))),
    add("hardlink-absent", 3, ("Dockerfile:2", "x.tar"), tar(hardlink("x", "/etc/shadow"))),
    add("hardlink-self", 3, ("Dockerfile:2", "x.tar"), tar(hardlink("x", "x"))),
    add("hardlink-directory", 3, ("Dockerfile:2", "x.tar"), tar(folder("d"), hardlink("x", "d"))),
    add("link-loop-parent", 3, ("Dockerfile:2", "x.tar"), tar(symlink("a", "b"), symlink("b", "a"), entry("a/x", b"x"))),
    add("cut-in-data", 3, ("Dockerfile:2", "x.tar"), BIG[:200000]),
    add("cut-in-header", 3, ("Dockerfile:2", "x.tar"), tar(entry("a"))[:512] + entry("b")[:100]),
    add("gzip-crc", 3, ("Dockerfile:2", "x.tar"), GZIP[:-8] + b"\0\0\0\0" + GZIP[-4:]),
    add("gzip-size", 3, ("Dockerfile:2", "x.tar"), GZIP[:-4] + b"\1\0\0\0"),
    add("bzip2-damaged", 3, ("Dockerfile:2", "x.tar"), damage(bz2.compress(BIG, 1))),
    add("xz-damaged", 3, ("Dockerfile:2", "x.tar"), damage(lzma.compress(BIG))),
    add("xz-cut", 3, ("Dockerfile:2", "x.tar"), lzma.compress(BIG)[:300000]),
    add("gzip-cut", 3, ("Dockerfile:2", "x.tar"), gzip.compress(BIG)[:200000]),
    add("whiteout", 3, ("Dockerfile:2", ".wh.file"), tar(entry(".wh.file"))),
    add("name-nul", 3, ("Dockerfile:2", "x.tar"), tar(entry("a"), pax(("path", "a\0b")), entry("b"))),
    add("two-sizes", 3, ("Dockerfile:2", "x.tar"), tar(pax(("size", "1")), pax(("size", "2")), entry("b", b"xx"))),
    add("link-with-data", 3, ("Dockerfile:2", "x.tar"), tar(entry("a"), entry("b", b"x" * 600, kind=b"2", link="a"))),
    add("number-garbage", 3, ("Dockerfile:2", "x.tar"), tar(entry("a"), entry("b", uid=b"zzzzzzz\0"))),
    add("bytes-behind-end", 3, ("Dockerfile:2", "x.tar"), tar(entry("a")) + b"x" * 512),
    add("lone-zero-block", 3, ("Dockerfile:2", "x.tar"), tar(entry("a"), bytes(512), entry("b"))),
]
