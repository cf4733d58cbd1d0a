# SPDX-License-Identifier: Apache-2.0
"""Modes: each stands between the client and the target, and makes this registry act like another one. A mode is a class with
ask(request) -> Answer that asks onward(request) for what it does not do itself; what the reference of each is stands in README.md."""
from listings import Pages, Referrers
from sessions import Sessions

MODES = {"sessions": Sessions, "pages": Pages, "referrers": Referrers}


def names():
    return sorted(MODES)


def chain(wanted, world):
    """The first of `wanted` is next to the client, the target is last."""
    ask = world.target.ask
    for text in reversed(wanted):
        name, _, rest = text.partition(":")
        if name not in MODES:
            raise ValueError(f"no such mode: {name}")
        options = dict((part.split("=", 1) + [""])[:2] for part in rest.split(",") if part)
        ask = MODES[name](world, ask, options).ask
    return ask
