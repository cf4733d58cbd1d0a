# SPDX-License-Identifier: Apache-2.0
"""What is not refused. Without the first rows, all others could pass because nothing ever works; the rest lead out of the image by a link or a
name, as real images do, and are taken as a process would that sees nothing but the image. Nothing may be written where they point."""
import os

import makers
from makers import entry, folder, hardlink, symlink, tar
from world import BUILD, Row

READ = "FROM @BASE AS base\nFROM scratch\nCOPY --from=base / /\n"
UNPACK = (*BUILD, "-o", "type=local,dest=@CACHE/out", "@CONTEXT")


def through_links(world):
    """Links to the canary, absolute and by "..", and what goes through them."""
    up = "../" * 20 + world.canary.lstrip("/")
    return tar(symlink("absolute", world.canary), entry("absolute/planted", b"x"), symlink("up", up), entry("up/planted", b"x"),
               symlink("file", world.canary + "/secret"), entry("file", b"x"), entry(world.canary + "/planted", b"x"),
               folder("d"), hardlink("d/hard", world.canary + "/planted"))


def planted(world):
    """Nothing but what the image's own directories got."""
    found = [os.path.join(folder, name) for folder, _, names in os.walk(world.canary) for name in names if name == "planted"]
    return [f"written: {path}" for path in found]


def contained(name, text, make, **more):
    return Row("contained-" + name, 0, ("built sha256:",), dockerfile=text, make=make, after=planted, **more)


def archive(world):
    world.write("x.tar", through_links(world))


def base(world):
    makers.image(world, layers=[through_links(world)])


def two_layers(world):
    makers.image(world, layers=[tar(symlink("link", world.canary)), tar(folder("link"), entry("link/planted", b"x"), entry("link/.wh.secret"))])


ROWS = [
    Row("control-scratch", 0, ("built sha256:",), dockerfile="FROM scratch\nCOPY file /\n", files={"file": "x"}),
    Row("control-base", 0, ("built sha256:",), make=makers.image, files={"file": "x"},
        dockerfile="FROM @BASE AS base\nFROM scratch\nCOPY --from=base / /\nCOPY file /data/\n"),
    Row("control-base-layers", 0, ("built sha256:",), make=makers.image, dockerfile="FROM @BASE\nCMD [\"/x\"]\n"),
    contained("archive", "FROM scratch\nADD x.tar /\n", archive),
    contained("archive-unpacked", "FROM scratch\nADD x.tar /\n", archive, command=UNPACK),
    contained("base", READ, base),
    contained("base-unpacked", READ, base, command=UNPACK),
    contained("base-of-two-layers-unpacked", "FROM @BASE\nCOPY file /link/\n", two_layers, files={"file": "x"}, command=UNPACK),
    contained("destination", "FROM @BASE\nCOPY file /absolute/planted\nCOPY file /up/planted\nWORKDIR /absolute/made\n", base,
              files={"file": "x"}, command=UNPACK),
    contained("device", "FROM scratch\nADD x.tar /\n", lambda world: world.write("x.tar", tar(entry("zero", kind=b"3", device=(1, 5))))),
]
