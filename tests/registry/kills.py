#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rounds of tests/registry/kills, which made what they need: kills.py LADE WORK MODE COUNT SEED"""
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

SESSION = re.compile(r"/blobs/uploads/([0-9a-f-]{36})")
DIGEST = re.compile(r"[?&]digest=sha256(?::|%3A)([0-9a-f]{64})")
JOURNAL = 4 << 20  # of smaller blobs lade does not remember the upload


class Wrong(Exception):
    pass


class Wire:
    """What a part of the log says of uploads."""

    def __init__(self, lines):
        self.got, self.done, self.gone_on = collections.Counter(), {}, 0
        for line in lines:
            method, path, *rest = line.split(" ")
            status = next(word for word in rest if "=" not in word)
            got = next((word[4:] for word in rest if word.startswith("got=")), 0)
            session, digest = SESSION.search(path), DIGEST.search(path)
            if not session:
                continue
            self.got[session[1]] += int(got)
            if method == "PUT" and status == "201":
                self.done[session[1]] = digest[1]
            if method == "GET" and status == "204":
                self.gone_on += 1


class Rounds:
    def __init__(self, lade, work, mode):
        self.lade, self.work, self.mode = lade, work, mode
        self.plain = f"{os.environ['REGISTRY_PLAIN']}/kills:tag"
        self.remote = f"{os.environ['FAULT_X']}/kills:tag"
        self.log = os.environ["FAULT_X_LOG"]
        self.images = [self.read("old").strip(), self.read("new").strip()]
        manifest = json.loads(self.read("store/blobs/" + self.images[1].replace(":", "/")))
        self.sizes = {one["digest"].split(":")[1]: one["size"] for one in [manifest["config"], *manifest["layers"]]}
        self.total = sum(self.sizes.values())

    def read(self, name):
        with open(f"{self.work}/{name}", encoding="ascii") as file:
            return file.read()

    def push(self, store):
        return subprocess.Popen([self.lade, "push", "--quiet", "--store", f"{self.work}/{store}", self.remote],
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def push_all(self, store="store"):
        process = self.push(store)
        said = process.communicate(timeout=120)[1]
        if process.returncode != 0:
            raise Wrong(f"a push that is not killed fails: {said.decode()}")

    def tag(self):
        """Its digest; all that it leads to is there."""
        done = subprocess.run([f"{os.path.dirname(__file__)}/../support/remote_whole", self.plain], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"the tag leads to what is not whole: {done.stderr}")
        return done.stdout.strip()

    def rest(self):
        """Until the log has come to rest."""
        size = -1
        while (now := os.stat(self.log).st_size) != size:
            size = now
            time.sleep(0.15)

    def reset(self):
        """The registry has the old image and nothing else, and the log nothing."""
        self.rest()
        data = os.environ["REGISTRY_PLAIN_DATA"] + "/docker/registry/v2"
        for name in ("blobs", "repositories"):
            shutil.rmtree(f"{data}/{name}", ignore_errors=True)
        self.push_all("old-store")
        self.rest()
        os.truncate(self.log, 0)

    def lines(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def round(self, wait, settle):
        self.reset()
        process = self.push("store")
        try:
            process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
        said = process.communicate()[1]
        if process.returncode not in (0, -9):
            raise Wrong(f"exit {process.returncode} by itself: {said.decode()}")
        if settle:
            self.rest()
            found = self.tag()
            if found not in self.images:
                raise Wrong(f"the tag is {found}, neither the old nor the new")
        first = self.lines()
        self.push_all()
        if self.tag() != self.images[1]:
            raise Wrong("after the second push the tag is not the new image")
        self.rest()
        return process.returncode == -9, *self.judge(first, settle)

    def judge(self, first, settle):
        """Bytes of both pushes, and uploads that were gone on with."""
        every = self.lines()
        one, two, both = Wire(first), Wire(every[len(first):]), Wire(every)
        missing = {digest: size for digest, size in self.sizes.items() if digest not in one.done.values()}
        # Of uploads that it did not finish, the second push knows nothing: they are late lines of the first.
        sent = sum(two.got[session] for session in two.done)
        again = sum(both.got[session] for session in both.done) - self.total
        if sent > sum(missing.values()):
            raise Wrong(f"{sent} bytes are sent of {sum(missing.values())} that are missing")
        if again != 0 or sorted(both.done.values()) != sorted(self.sizes):
            raise Wrong(f"{again} bytes too many, {len(both.done)} uploads of {len(self.sizes)} blobs")
        lost = sum(both.got.values()) - sum(both.got[session] for session in both.done)
        small = sum(size for size in missing.values() if size < JOURNAL)
        if settle and self.mode != "plain" and lost > small:
            raise Wrong(f"{lost} bytes that had arrived are sent again")
        return sum(one.got.values()), sent, two.gone_on, lost


def tell(rounds, mode, seed, results, whole, begin):
    killed, first, second, gone_on, lost = (sum(column) for column in zip(*results))
    count = len(results)
    print(f"{mode}: {count} pushes of {rounds.total} bytes in {len(rounds.sizes)} blobs, {killed} killed within {whole:.2f} s: on average "
          f"{first // count} bytes had arrived, {second // count} were sent by the next push, {lost // count} twice; {gone_on} uploads gone on "
          f"with; seed {seed}; {time.monotonic() - begin:.0f} s", flush=True)


def main():
    lade, work, mode, count, seed = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
    chance, rounds = random.Random(seed), Rounds(lade, work, mode)
    rounds.reset()
    begin = time.monotonic()
    rounds.push_all()
    whole = time.monotonic() - begin
    results, begin = [], time.monotonic()
    for number in range(count):
        subprocess.run([*os.environ.get("SOAK_RUN", "").split(), "true"], check=True)
        wait, settle = chance.uniform(0, 1.1 * whole), number % 2 == 0
        try:
            results.append(rounds.round(wait, settle))
        except Wrong as wrong:
            print(f"kill {number} after {wait:.3f} s{' and a pause' if settle else ''}: {wrong}", file=sys.stderr)
            print("\n".join(re.sub(r"_state=[^& ]*", "_state=…", line) for line in rounds.lines()), file=sys.stderr)
            sys.exit(1)
        if number % 50 == 49 and number + 1 < count:
            tell(rounds, mode, seed, results, whole, begin)
    tell(rounds, mode, seed, results, whole, begin)


main()
