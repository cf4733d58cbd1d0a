# SPDX-License-Identifier: Apache-2.0
"""Contexts that lead elsewhere, cannot be read, or are none."""
import gzip
import os
import random
import socket

import makers
from makers import entry, tar
from world import BUILD, Row

STDIN = (*BUILD, "-")
# Root reads everything unless this is taken from it.
AS_NOBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def link(name, target):
    """A link in the context to the canary's `target`."""
    return lambda world: os.symlink(os.path.join(world.canary, target), os.path.join(world.context, name))


def linked_parent(world):
    os.symlink("../canary", os.path.join(world.context, "up"))


def listen(path):
    parent = os.open(os.path.dirname(path), os.O_PATH)  # A socket's name is short.
    socket.socket(socket.AF_UNIX).bind(f"/proc/self/fd/{parent}/{os.path.basename(path)}")
    os.close(parent)


def closed(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("secret")
    os.chmod(path, 0)


def closed_folder(path):
    os.mkdir(path)
    os.chmod(path, 0)


def source(name, code, says, word, **more):
    return Row("context-" + name, code, says, dockerfile=f"FROM scratch\nCOPY {word} /x\n", **more)


def stdin(name, code, says, data, **more):
    return Row("stdin-" + name, code, says, command=STDIN, stdin=data, **more)


DOCKERFILE = entry("Dockerfile", b"FROM scratch\nCOPY . /\n")
WHOLE = tar(DOCKERFILE, entry("data", random.Random(1).randbytes(40000)))

ROWS = [
    Row("context-missing", 4, ("@CONTEXT/nowhere",), command=(*BUILD, "@CONTEXT/nowhere")),
    Row("context-is-file", 4, ("@CONTEXT/file",), files={"file": "x"}, command=(*BUILD, "@CONTEXT/file")),
    Row("context-url", 11, ("URL",), command=(*BUILD, "https://example.com/x.git")),
    Row("context-closed", 5, ("context",), command=(*BUILD, "@WORK/closed"), wrap=AS_NOBODY,
        make=lambda world: closed_folder(os.path.join(world.work, "closed"))),
    source("source-missing", 4, ("Dockerfile:2", "nothing.txt"), "nothing.txt"),
    source("pattern-bad", 3, ("Dockerfile:2",), "a[", files={"a": "x"}),
    source("source-above", 4, ("Dockerfile:2", "canary/secret"), "../canary/secret"),
    source("source-absolute", 4, ("Dockerfile:2", "canary/secret"), "@CANARY/secret"),
    source("source-link-out", 4, ("Dockerfile:2", "out"), "out", make=link("out", "secret")),
    source("source-link-up", 4, ("Dockerfile:2", "up/secret"), "up/secret", make=linked_parent),
    source("source-parent-link-out", 4, ("Dockerfile:2", "out/inner"), "out/inner", make=link("out", "dir")),
    source("source-link-loop", 3, ("Dockerfile:2", "loop"), "loop", files={"loop": lambda path: os.symlink("loop", path)}),
    source("source-socket", 4, ("Dockerfile:2", "socket"), "socket", files={"socket": listen}),
    source("file-closed", 5, ("Dockerfile:2", "closed"), "closed", files={"closed": closed}, wrap=AS_NOBODY),
    source("folder-closed", 5, ("Dockerfile:2", "closed"), "closed", files={"closed": closed_folder}, wrap=AS_NOBODY),
    source("reserved-name", 3, ("Dockerfile:2", ".wh.file"), ".", files={".wh.file": "x"}),
    stdin("empty", 3, ("Dockerfile",), b""),
    stdin("no-tar", 3, ("Dockerfile",), bytes(range(256)) * 8),
    stdin("no-dockerfile", 4, ("Dockerfile",), tar(entry("file", b"x"))),
    Row("stdin-no-tar-but-file", 3, ("no tar", "Dockerfile"), command=(*BUILD, "-f", "Dockerfile", "-"), stdin=b"FROM scratch\n"),
    Row("stdin-twice", 2, ("standard input",), command=(*BUILD, "-f", "-", "-"), stdin=WHOLE),
    stdin("cut-in-data", 3, ("standard input",), WHOLE[:20000]),
    stdin("cut-in-header", 3, ("standard input",), WHOLE[:1024 + 200]),
    stdin("cut-gzip", 3, ("standard input",), gzip.compress(WHOLE)[:20000]),
    stdin("checksum", 3, ("standard input",), tar(DOCKERFILE, entry("x", checksum=1))),
    stdin("above", 3, ("standard input", "../canary/planted"), tar(DOCKERFILE, entry("../canary/planted", b"x"))),
    stdin("bomb-members", 10, ("standard input",), gzip.compress(WHOLE) + gzip.compress(b"") * 200000),
    stdin("long-name", 10, ("standard input",), tar(DOCKERFILE, makers.pax(("path", "x/" * 3000)), entry("x"))),
    stdin("two-names", 3, ("standard input",), tar(DOCKERFILE, makers.pax(("path", "a")), makers.pax(("path", "b")), entry("x"))),
    stdin("negative-size", 3, ("standard input",), tar(DOCKERFILE, entry("x", size=b"-0000000001\0"))),
    stdin("socket-kind", 11, ("standard input",), tar(DOCKERFILE, entry("x", kind=b"s"))),
]
