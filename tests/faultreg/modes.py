# SPDX-License-Identifier: Apache-2.0
"""Modes stand between the client and the target, and make this registry act like another one. A mode is a class with
ask(request) -> Answer that asks onward(request) for what it does not do itself; a class in `below` stands between it and the target."""
import lapses
import listings
import sessions
import vendors

MODES = {
    "sessions": sessions.Sessions, "pages": listings.Pages, "referrers": listings.Referrers, "cdn": vendors.Cdn,
    "yes": lapses.Yes, "eventual": lapses.Eventual, "stale": lapses.Stale, "liar": lapses.Liar, "forgetful": lapses.Forgetful,
    "pair": lapses.Pair,
    "acr": vendors.Acr, "artifactory": vendors.Artifactory, "dockerhub": vendors.DockerHub, "ecr": vendors.Ecr, "gar": vendors.Gar,
    "ghcr": vendors.Ghcr, "gitlab": vendors.GitLab, "harbor": vendors.Harbor, "nexus": vendors.Nexus, "quay": vendors.Quay,
    "zot": vendors.Zot,
}


def names():
    return sorted(MODES)


def build(mode, world, onward, options):
    for below in reversed(getattr(mode, "below", ())):
        onward = build(below, world, onward, options)
    return mode(world, onward, options).ask


def chain(wanted, world):
    """The first of `wanted` is next to the client, the target is last."""
    ask = world.target.ask
    for text in reversed(wanted):
        name, _, rest = text.partition(":")
        if name not in MODES:
            raise ValueError(f"no such mode: {name}")
        options = {key: value for key, _, value in (part.partition("=") for part in rest.split(",") if part)}
        ask = build(MODES[name], world, ask, options)
    return ask
