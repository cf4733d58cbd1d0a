#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print what $BENCH_RESULTS (measure.py) and $BENCH_NOTES hold as Markdown; with --json FILE keep all of it there too. bench/run calls it."""
import collections
import json
import os
import statistics
import sys

TITLES = {
    "small": "`small`: 1,000 files, first build and push",
    "nodeapp": "`nodeapp`: 26,000 files, 255 MB, first build and push",
    "best": "`nodeapp` at level `best`; the peer is tar into `gzip -9`, without a push",
    "bigbin": "`bigbin`: three files, 500 MB, first build and push",
    "noop": "`nodeapp` built and pushed again, nothing changed",
    "incr": "`nodeapp` built and pushed again, one file changed",
    "split": "`nodeapp` built and pushed again, one file changed, dependencies in a layer of their own",
    "push-new": "push of 500 MB, three layers, to a registry that has nothing",
    "push-same": "push of 500 MB that is there",
    "copy-other": "copy of 500 MB to a registry that has nothing",
    "copy-same": "copy of 500 MB to another repository of the registry",
    "base-known": "`FROM` a base of 500 MB, `COPY` of 10 MB, push; the base's index known",
    "base-unknown": "`FROM` a base of 500 MB, `COPY` of 10 MB, push; the base's index not known",
    "run-true": "`RUN true` 10 times on a small base, build",
    "run-apt": "`RUN apt-get install` of five Debian packages with what they need (32 in all), build",
    "run-apt-pushed": "the same, built and pushed",
    "cache-all": "two stages of C from a shared cache that has all of it, built and pushed",
    "cache-source": "the same after one file of one stage changed",
    "run-cc": "`RUN make -j2` of 40 C files, build",
    "run-again": "`RUN make -j2` of 40 C files built again, nothing changed",
    "run-stages": "two stages that compile 20 C files each, and one that copies from both, build",
    "start": "start-up (`--version`)",
}
BUILDS = ["small", "nodeapp", "best", "bigbin", "noop", "incr", "split", "base-known", "base-unknown"]
PUSHES = ["push-new", "push-same", "copy-other", "copy-same"]
# crane is not in Debian 12. Measured beside buildah 1.28 on one machine, it took this part of buildah's time.
CRANE = {"nodeapp": 3.68 / 16.09}
MB = 1e6
QUIET = 0.15  # more of the machine's processors than this used by others is said


class Figures:
    """Medians of one tool in one workload."""

    def __init__(self, results):
        runs = [one for one in results if one["kind"] == "time"]
        memory = [one["pss"] for one in results if one["kind"] == "memory"]
        sizes = [one["stored"] for one in results if one["kind"] == "size"] or [one["stored"] for one in runs]
        self.walls = [one["wall"] for one in runs]
        self.wall, self.cpu, self.other = (statistics.median(one[key] for one in runs) for key in ("wall", "cpu", "other"))
        self.pulled = max(one["pulled"] for one in runs)
        self.stored, self.pss = statistics.median(sizes), max(memory, default=None)


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def megabytes(value):
    return "" if value is None else f"{value / MB:.3f}" if value < MB else f"{value / MB:.1f}"


def print_workload(name, tools):
    lade, floor = tools.get("lade"), tools.get("floor")
    print(f"\n### {TITLES[name]}\n")
    if name == "start":
        print("| tool | wall | min–max | its time by lade's |\n|---|---|---|---|")
    else:
        print("| tool | wall | min–max | processors | peak PSS MB | stored MB | read MB | its wall by lade's | its processors by lade's |"
              "\n|---|---|---|---|---|---|---|---|---|")
    for tool, its in tools.items():
        walls = f"{seconds(its.wall)} | {seconds(min(its.walls))}–{seconds(max(its.walls))}"
        ratio = f"{its.wall / lade.wall:.2f}" if tool != "lade" else "1"
        if name == "start":
            print(f"| {tool} | {walls} | {ratio} |")
            continue
        cpu = f"{its.cpu / lade.cpu:.2f}" if tool != "lade" and lade.cpu else "1"
        moved = " | " if tool == "floor" else f"{megabytes(its.stored)} | {megabytes(its.pulled)}"
        print(f"| {tool} | {walls} | {seconds(its.cpu)} | {megabytes(its.pss)} | {moved} | {ratio} | {cpu} |")
    if floor and lade:
        print(f"\nlade takes {lade.wall / floor.wall:.1f} times the floor.")
    noisy = max(its.other for its in tools.values())
    if noisy > QUIET:
        print(f"\nNoisy: others used up to {noisy:.0%} of the processors; processor seconds and ratios are steadier than seconds.")


class Aims:
    """What lade wants to be, and whether it is."""

    def __init__(self, all_tools):
        self.tools, self.rows = all_tools, []

    def row(self, name, want, have, met):
        self.rows.append((TITLES[name] if name in TITLES else name, want, have, "met" if met else "**not met**"))

    def has(self, name, *tools):
        return all(tool in self.tools.get(name, {}) for tool in ("lade", *tools))

    def faster(self, name, peer, times):
        if self.has(name, peer):
            lade, its = self.tools[name]["lade"], self.tools[name][peer]
            ratio = its.wall / lade.wall
            self.row(name, f"{times:g} × as fast as {peer}", f"{ratio:.2f} × (processors {its.cpu / lade.cpu:.2f} ×)", ratio >= times)

    def faster_than_crane(self, name, times):
        if self.has(name, "buildah"):
            ratio = CRANE[name] * self.tools[name]["buildah"].wall / self.tools[name]["lade"].wall
            self.row(name, f"{times:g} × as fast as crane, estimated from buildah", f"{ratio:.2f} ×", ratio >= times)

    def less(self, name, *peers):
        """Of everything."""
        for peer in peers:
            if self.has(name, peer):
                lade, its = self.tools[name]["lade"], self.tools[name][peer]
                ratios = [getattr(its, key) / getattr(lade, key) for key in ("wall", "cpu", "pss")]
                self.row(name, f"less time, processor time and memory than {peer}", " ×, ".join(f"{ratio:.2f}" for ratio in ratios) + " ×",
                         min(ratios) > 1)

    def no_larger(self, name, *peers):
        for peer in peers:
            if self.has(name, peer):
                ratio = self.tools[name]["lade"].stored / self.tools[name][peer].stored
                self.row(name, f"no larger than {peer}", f"{ratio:.3f} of its size", ratio <= 1)

    def memory(self, what, names, limit):
        peaks = [(self.tools[name]["lade"].pss, name) for name in names if self.has(name) and self.tools[name]["lade"].pss is not None]
        if peaks:
            peak, name = max(peaks)
            self.row(f"peak memory of {what}", f"below {limit} MB", f"{peak / MB:.1f} MB ({name})", peak < limit * MB)

    def moved(self):
        if self.has("base-known"):
            lade = self.tools["base-known"]["lade"]
            moved = lade.stored + lade.pulled
            self.row("base-known", "moves below 11 MB", f"{moved / MB:.2f} MB", moved < 11 * MB)
        if self.has("base-unknown", "buildah"):
            # What buildah reads is the base once.
            ratio = self.tools["base-unknown"]["lade"].pulled / self.tools["base-unknown"]["buildah"].pulled
            self.row("base-unknown", "reads the base once", f"{ratio:.3f} times", 0 <= ratio <= 1.01)

    def check(self):
        self.faster("nodeapp", "umoci", 2)
        self.faster_than_crane("nodeapp", 2)
        self.faster("nodeapp", "buildah", 10)
        self.no_larger("nodeapp", "umoci", "buildah")
        self.faster("best", "gzip", 3)
        self.no_larger("best", "gzip")
        self.faster("bigbin", "umoci", 1.4)
        self.faster("bigbin", "buildah", 3)
        self.no_larger("bigbin", "umoci", "buildah")
        self.faster("small", "umoci", 3)
        self.faster("noop", "buildah", 50)
        self.faster("incr", "buildah", 20)
        self.faster("split", "buildah", 30)
        self.faster("push-new", "skopeo", 1.5)
        self.faster("push-same", "skopeo", 3)
        for name in PUSHES:
            self.less(name, "skopeo", "podman")
        self.moved()
        self.faster("base-known", "buildah", 20)
        self.faster("base-unknown", "buildah", 2)
        self.faster("run-true", "buildah", 5)
        self.faster("run-apt", "buildah", 1.5)
        self.faster("run-apt-pushed", "buildah", 1.5)
        self.faster("cache-all", "buildah", 20)
        self.faster("cache-source", "buildah", 2)
        for name in ("run-cc", "run-again", "run-stages"):
            self.faster(name, "buildah", 1)
        self.memory("builds", BUILDS, 48)
        self.memory("pushes", PUSHES, 16)
        print("\n### Aims\n\n| work | lade is to be | is | |\n|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(row) + " |")
        met = sum(row[3] == "met" for row in self.rows)
        print(f"\n{met} of {len(self.rows)} met.")


def main():
    with open(os.environ["BENCH_RESULTS"], encoding="utf-8") as file:
        results = [json.loads(line) for line in file]
    with open(os.environ["BENCH_NOTES"], encoding="utf-8") as file:
        notes = file.read().splitlines()
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for one in results:
        if one["kind"] != "warm":
            found[one["workload"]][one["tool"]].append(one)
    order = ["lade", "umoci", "skopeo", "buildah", "podman", "gzip", "floor"]
    tools = {name: {tool: Figures(found[name][tool]) for tool in order if tool in found[name]} for name in TITLES if name in found}
    for note in notes:
        print(f"- {note}")
    for name, its in tools.items():
        print_workload(name, its)
    Aims(tools).check()
    if len(sys.argv) == 3 and sys.argv[1] == "--json":
        medians = {name: {tool: {key: value for key, value in vars(its).items() if key != "walls"} for tool, its in all_its.items()}
                   for name, all_its in tools.items()}
        with open(sys.argv[2], "w", encoding="utf-8") as file:
            json.dump({"notes": notes, "medians": medians, "runs": results}, file, indent=1)


main()
