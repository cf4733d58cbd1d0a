# SPDX-License-Identifier: Apache-2.0
"""What is not refused: without these, the other rows could pass because nothing ever works."""
import makers
from world import Row

ROWS = [
    Row("control-scratch", 0, ("built sha256:",), dockerfile="FROM scratch\nCOPY file /\n", files={"file": "x"}),
    Row("control-base", 0, ("built sha256:",), make=makers.image, files={"file": "x"},
        dockerfile="FROM @BASE AS base\nFROM scratch\nCOPY --from=base / /\nCOPY file /data/\n"),
    Row("control-base-layers", 0, ("built sha256:",), make=makers.image, dockerfile="FROM @BASE\nCMD [\"/x\"]\n"),
]
