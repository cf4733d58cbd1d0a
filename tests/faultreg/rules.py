# SPDX-License-Identifier: Apache-2.0
"""The script: which requests meet which faults. README.md has the grammar and says what each fault does."""
import hashlib
import re
import shlex
import threading


def size(text):
    match = re.fullmatch(r"([0-9]+)([KMG]?)", text)
    if not match:
        raise ValueError(f"not a size: {text}")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def pair(text):
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise ValueError(f"not NAME:VALUE: {text}")
    return name, value


def one_of(*names):
    def parse(text):
        if text.partition(":")[0] not in names:
            raise ValueError(f"not one of {', '.join(names)}: {text}")
        return text
    return parse


def drip(text):
    count, _, seconds = text.partition("/")
    return size(count), float(seconds)


FLAG = object()
# What each fault's value is. Those in MANY may stand several times.
FAULTS = {
    "status": int, "body": str, "code": str, "retry": str, "early": FLAG, "as": int,
    "without": str, "request": pair, "cut-up": size, "stall-up": float,
    "header": pair, "add": pair, "location": str, "digest": one_of("wrong", "none", "other", "garbage"),
    "range": str, "redirect": pair, "flip": size, "truncate": size, "swap": str, "gzip": FLAG,
    "length": str, "framing": one_of("chunked", "trailer", "close"), "bare-lf": FLAG, "http": str, "hints": int,
    "drop": FLAG, "lose": FLAG, "cut": size, "cut-head": size, "reset": FLAG,
    "stall-before": float, "stall-after": float, "stall-middle": float, "drip": drip, "slow-head": float,
    "random": FLAG,
}
MANY = ("header", "add", "without", "request")
# What "random" chooses from.
RANDOM = ("status=500", "status=502 body=html", "status=503 retry=0", "status=504 body=empty", "status=429 body=text retry=0",
          "status=500 early", "drop", "drop reset", "lose", "lose reset", "cut=0", "cut=1", "cut-up=1", "cut-up=1K reset")


def parse_faults(words):
    faults = {}
    for word in words:
        name, equals, value = word.partition("=")
        kind = FAULTS.get(name)
        if kind is None:
            raise ValueError(f"no such fault: {name}")
        if (kind is FLAG) == bool(equals):
            raise ValueError(f"{name} takes {'no' if kind is FLAG else 'a'} value")
        parsed = True if kind is FLAG else kind(value)
        if name in MANY:
            faults.setdefault(name, []).append(parsed)
        else:
            faults[name] = parsed
    return faults


def parse_turns(text):
    """*: always; 3: the first three; @3: the third; @3-5; @3-: from the third on; 5%: so many, by chance."""
    match = re.fullmatch(r"\*|(\d+)|@(\d+)(-(\d*))?|([0-9.]+)%", text)
    if not match:
        raise ValueError(f"not a number of turns: {text}")
    if match[5]:
        return None, float(match[5]) / 100
    if match[1]:
        return (1, int(match[1])), 0
    if match[2]:
        return (int(match[2]), int(match[4]) if match[4] else (None if match[3] else int(match[2]))), 0
    return (1, None), 0


class Rule:
    """METHOD REGEX TURNS FAULT…"""

    def __init__(self, text):
        words = shlex.split(text)
        if len(words) < 4:
            raise ValueError(f"not METHOD REGEX TURNS FAULT…: {text}")
        self.methods, self.path = words[0].split("|"), re.compile(words[1])
        self.turns, self.chance = parse_turns(words[2])
        self.faults = parse_faults(words[3:])
        self.seen = 0

    def matches(self, method, path):
        return ("*" in self.methods or method in self.methods) and self.path.search(path)

    def takes(self, number):
        """`number`: of 0..1, for rules that act by chance."""
        if self.turns is None:
            return number < self.chance
        self.seen += 1
        first, last = self.turns
        return self.seen >= first and (last is None or self.seen <= last)


class Script:
    """Rules are looked at in order. One that matches counts the request; the first whose turn it is acts. Chance depends on the
    seed, on what is asked, and on how often that was asked: not on the order in which requests come."""

    def __init__(self, rules, seed=""):
        self.rules = [Rule(text) for text in rules]
        self.seed = seed
        self.asked = {}
        self.lock = threading.Lock()

    def number(self, *what):
        data = "\0".join((self.seed, *map(str, what))).encode()
        return int.from_bytes(hashlib.sha256(data).digest()[:6], "big") / (1 << 48)

    def faults(self, method, path):
        what = f"{method} {re.sub('/uploads/.+', '/uploads/…', path)}"
        with self.lock:
            times = self.asked[what] = self.asked.get(what, 0) + 1
            for index, rule in enumerate(self.rules):
                if rule.matches(method, path) and rule.takes(self.number(what, times, index)):
                    break
            else:
                return {}
        if "random" not in rule.faults:
            return rule.faults
        chosen = RANDOM[int(self.number(what, times, index, "which") * len(RANDOM))]
        return parse_faults(chosen.split())
