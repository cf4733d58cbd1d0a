# SPDX-License-Identifier: Apache-2.0
"""A bad input as data (Row), and the world that it is tried in (World): what a refusal must be is checked here, for all rows alike."""
import dataclasses
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import typing

SUPPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support")
SANITIZER = 99  # what a sanitizer's report ends with
TIMEOUT = 60    # seconds; far more than any refusal takes: what hangs, fails


@dataclasses.dataclass
class Row:
    """One bad input. Texts may hold @CONTEXT, @STORE, @CACHE, @CANARY, @WORK, @HOME, @TARGET (the registry that is pushed to), @BASE (an image in the
    registry of lies, which `make` puts there), @LIES (that registry's address), @NAME (the row's) and @REGISTRY_… of the environment."""
    name: str
    code: int                       # the exit code
    says: tuple                     # parts of the message
    dockerfile: typing.Any = None   # its text
    files: dict = dataclasses.field(default_factory=dict)  # path in the context: text, bytes, or what makes it: function(path)
    make: typing.Any = None         # function(world): what more the row needs
    command: typing.Any = None      # default: BUILD
    options: tuple = ()             # more options of BUILD
    stdin: typing.Any = b""         # bytes, or function(world) that gives them
    env: dict = dataclasses.field(default_factory=dict)
    wrap: tuple = ()                # a command that runs lade
    keeps_store: bool = False       # not a byte of the store may change; else it must be sound and name nothing
    may_name: bool = False          # what fails is behind the build: the store is sound, and may name the image
    asks: bool = False              # the registry of lies is asked to take the manifest, and refuses or does not keep it
    after: typing.Any = None        # function(world): a list of what else is wrong
    skip: str = ""                  # why this cannot be tried here


BUILD = ("build", "--push", "-t", "@TARGET/@NAME:1", "--tries", "1")


def digest_tree(top, without=()):
    """A dictionary of all below `top`: what each path is, as far as anybody could have changed it."""
    seen = {}
    for folder, names, files in os.walk(top):
        if folder == top:
            names[:] = [n for n in names if n not in without]
            files = [f for f in files if f not in without]
        for name in names + files:
            path = os.path.join(folder, name)
            at = os.lstat(path)
            what = [at.st_mode, at.st_uid, at.st_gid, at.st_nlink, at.st_mtime_ns, at.st_rdev]
            if stat.S_ISLNK(at.st_mode):
                what.append(os.readlink(path))
            elif stat.S_ISREG(at.st_mode):
                what.append(at.st_size)
                if at.st_size < 1 << 26 and os.access(path, os.R_OK):
                    with open(path, "rb") as file:
                        what.append(hashlib.sha256(file.read()).hexdigest())
            what.append([(x, os.getxattr(path, x, follow_symlinks=False)) for x in os.listxattr(path, follow_symlinks=False)]
                        if os.access(path, os.R_OK, follow_symlinks=False) else None)
            seen[path] = what
    return seen


def changes(before, after):
    return [f"changed: {p}" for p in sorted(before.keys() | after.keys()) if before.get(p) != after.get(p)]


class World:
    """The directories of one row, all in `top`. Only store, cache and temp may change."""

    def __init__(self, top, row, target, liar):
        self.top, self.row, self.target, self.liar = top, row, target, liar
        for name in ("context", "canary", "home", "work", "temp", "run"):
            setattr(self, name, os.path.join(top, name))
            os.makedirs(os.path.join(top, name))
        os.chmod(self.run, 0o700)
        self.store, self.cache = os.path.join(top, "store"), os.path.join(top, "cache")
        self.repo = liar.repo(row.name)
        self.base = f"{liar.address}/{row.name}:1"
        self.write_canary()

    def write_canary(self):
        for name in ("dir/inner", "etc"):
            os.makedirs(os.path.join(self.canary, name))
        for name in ("secret", "dir/file", "etc/passwd"):
            with open(os.path.join(self.canary, name), "w", encoding="ascii") as file:
                file.write("the canary's\n")
        os.chmod(os.path.join(self.canary, "secret"), 0o600)
        os.symlink("secret", os.path.join(self.canary, "link"))

    def text(self, text):
        for name, value in (("@CONTEXT", self.context), ("@STORE", self.store), ("@CACHE", self.cache), ("@CANARY", self.canary), ("@WORK", self.work), ("@HOME", self.home),
                            ("@TARGET", self.target), ("@BASE", self.base), ("@LIES", self.liar.address), ("@NAME", self.row.name)):
            text = text.replace(name, value)
        return re.sub(r"@(REGISTRY_\w+)", lambda found: os.environ[found[1]], text)

    def write(self, path, what):
        """A file, or what the function `what` makes there; `path` is in the context unless absolute."""
        path = os.path.join(self.context, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if callable(what):
            what(path)
            return
        with open(path, "wb") as file:
            file.write(self.text(what).encode() if isinstance(what, str) else what)

    def prepare(self):
        row = self.row
        if row.dockerfile is not None:
            self.write("Dockerfile", row.dockerfile)
        for path, what in row.files.items():
            self.write(path, what)
        if row.make:
            row.make(self)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ("SOURCE_DATE_EPOCH", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG") and not k.lower().endswith("_proxy")}
        env.update(HOME=self.home, LADE_STORE=self.store, LADE_CACHE=self.cache, TMPDIR=self.temp, DOCKER_CONFIG=self.home,
                   XDG_RUNTIME_DIR=self.run, XDG_CONFIG_HOME=self.home, XDG_DATA_HOME=self.home, XDG_CACHE_HOME=self.home)
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            env[name] = f"{env.get(name, '')}:exitcode={SANITIZER}".lstrip(":")
        env.update({k: self.text(v) for k, v in self.row.env.items()})
        return env

    def lade(self, *words, check=True):
        """For a row's `make`: lade, which must do this without a mistake."""
        done = subprocess.run([os.environ["LADE_BIN"], *map(self.text, words)], env=self.environment(), cwd=self.work,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr.decode(errors='replace')}")
        return done

    def argv(self):
        row = self.row
        command = row.command or (*BUILD, *row.options, "@CONTEXT")
        return [*map(self.text, row.wrap), os.environ["LADE_BIN"], *map(self.text, command)]

    def store_faults(self, before):
        if self.row.keeps_store:
            return changes(before, digest_tree(self.store) if os.path.isdir(self.store) else {})
        if not os.path.isdir(self.store) or not os.listdir(self.store):
            return []
        done = subprocess.run([sys.executable, os.path.join(SUPPORT, "sound"), self.store], capture_output=True, text=True, check=False)
        faults = [f"store: {line}" for line in done.stdout.splitlines()]
        if not faults and self.row.code and not self.row.may_name:
            with open(os.path.join(self.store, "index.json"), encoding="utf-8") as file:
                faults += [f"store names {entry}" for entry in json.load(file)["manifests"]]
        return faults

    def try_it(self):
        """Run the row. Returns (what is wrong, what lade said)."""
        self.prepare()
        outside = ("store", "cache", "temp")
        before = digest_tree(self.top, outside)
        store = digest_tree(self.store) if os.path.isdir(self.store) else {}
        stdin = self.row.stdin(self) if callable(self.row.stdin) else self.row.stdin
        try:
            done = subprocess.run(self.argv(), env=self.environment(), cwd=self.work, input=stdin, capture_output=True,
                                  timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return [f"does not end within {TIMEOUT} s"], ""
        said = done.stderr.decode(errors="backslashreplace")
        faults = message_faults(self.row, self.text, done, said)
        faults += changes(before, digest_tree(self.top, outside))
        faults += self.store_faults(store)
        faults += [f"left in the temporary directory: {n}" for n in os.listdir(self.temp)]
        faults += [f"published to the registry of lies: {m} {p}" for m, p in self.liar.log(self.row.name)
                   if m == "PUT" and "/manifests/" in p and not self.row.asks]
        if self.row.after:
            faults += self.row.after(self)
        return faults, said


def message_faults(row, expand, done, said):
    faults = []
    if done.returncode < 0:
        faults.append(f"killed by signal {-done.returncode}")
    elif done.returncode != row.code:
        faults.append(f"exit {done.returncode} instead of {row.code}")
    if re.search(r"Sanitizer|runtime error:|assertion|Assertion", said):
        faults.append("a report of a sanitizer or an assertion")
    faults += [f"not said: {part}" for part in map(expand, row.says) if part not in said]
    if row.code and not re.search(r"^(lade: )?(error: )?\S", said, re.M):
        faults.append("says nothing")
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said):
        faults.append("control characters in the message")
    if row.code and done.stdout:
        faults.append(f"standard output: {done.stdout[:200]!r}")
    return faults
