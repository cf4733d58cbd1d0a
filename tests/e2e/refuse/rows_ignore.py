# SPDX-License-Identifier: Apache-2.0
"""Ignore files that cannot be obeyed."""
import os

from world import Row

COPY = "FROM scratch\nCOPY . /\n"


def bad(name, code, says, ignore, **more):
    return Row("ignore-" + name, code, says, dockerfile=COPY, files={".dockerignore": ignore, "file": "x"}, **more)


def link_out(world):
    os.symlink(os.path.join(world.canary, "secret"), os.path.join(world.context, ".dockerignore"))


def huge(path):
    with open(path, "wb") as file:
        file.truncate(100 << 20)


ROWS = [
    bad("class-open", 3, (".dockerignore:2", "a["), "# first\na[\n"),
    bad("class-empty", 3, (".dockerignore:1",), "a[]\n"),
    bad("class-range", 3, (".dockerignore:1",), "a[z-a]\n"),
    bad("backslash-last", 3, (".dockerignore:1",), "a\\\n"),
    bad("lone-exception", 3, (".dockerignore:1", "!"), "!\n"),
    bad("many", 10, (".dockerignore", "10000"), "".join(f"p{i}\n" for i in range(10001))),
    bad("large", 10, (".dockerignore", "1048576"), huge),
    bad("line", 10, (".dockerignore",), "x" * 70000 + "\n"),
    bad("fifo", 3, (".dockerignore", "not a regular file"), os.mkfifo),
    bad("directory", 3, (".dockerignore", "directory"), os.mkdir),
    Row("ignore-link-out", 3, (".dockerignore is a link that leads out",), dockerfile=COPY, make=link_out),
    Row("ignore-beside-dockerfile", 3, ("Dockerfile.dockerignore:1",), dockerfile=COPY,
        files={"Dockerfile.dockerignore": "[\n", ".dockerignore": "fine\n"}),
    Row("ignore-hides-source", 4, ("Dockerfile:2", "file", ".dockerignore"), dockerfile="FROM scratch\nCOPY file /\n",
        files={".dockerignore": "file\n", "file": "x"}),
]
