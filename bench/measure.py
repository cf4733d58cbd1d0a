#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a job once and append what it took to $BENCH_RESULTS, one JSON object a line. bench/run calls it.

    measure.py time|memory WORKLOAD TOOL COMMAND ARGUMENT… [::: COMMAND ARGUMENT…]…

A job is one command or several after each other, started without a shell. Taken from outside, for all processes that it starts:
  wall    seconds from the first start to the last end
  cpu     user and system seconds of all of them (getrusage; orphans are waited for too)
  pss     peak of the sum of their PSS, bytes; only for "memory", whose other figures are not used, because looking costs time
  stored  bytes of the blobs that are new in the registry's storage ($BENCH_DATA)
  pulled  bytes of the blobs that the registry sent, by its access log ($BENCH_LOG)
  other   share of the machine's processors that neither the job nor the registry ($BENCH_REGISTRY_PID) used: noise, when it is high
"""
import ctypes
import glob
import json
import os
import re
import resource
import sys
import threading
import time

SAMPLE = 0.020  # seconds between looks at the memory; during the first FINE seconds, which are all that short jobs have, shorter
FINE_SAMPLE, FINE = 0.002, 0.2
TICK = os.sysconf("SC_CLK_TCK")
SUBREAPER = 36


def descendants(pid):
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(path, encoding="ascii") as file:
                children = file.read().split()
        except OSError:
            continue
        for child in children:
            yield child
            yield from descendants(child)


def pss_now():
    total = 0
    for pid in descendants(os.getpid()):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                match = re.search(r"^Pss:\s+(\d+) kB", file.read(), re.M)
        except OSError:  # it has ended
            continue
        total += int(match.group(1)) * 1024 if match else 0
    return total


class Watch(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.done = 0, threading.Event()

    def run(self):
        begin = time.monotonic()
        while not self.done.wait(FINE_SAMPLE if time.monotonic() - begin < FINE else SAMPLE):
            self.peak = max(self.peak, pss_now())


def blobs():
    found = {}
    for path in glob.glob(os.environ["BENCH_DATA"] + "/docker/registry/v2/blobs/sha256/*/*/data"):
        found[path] = os.stat(path).st_size
    return found


def log_at_rest():
    size = -1
    while (now := os.stat(os.environ["BENCH_LOG"]).st_size) != size:
        size = now
        time.sleep(0.03)
    return size


def pulled_since(offset):
    log_at_rest()
    with open(os.environ["BENCH_LOG"], "rb") as file:
        file.seek(offset)
        said = file.read().decode("utf-8", "replace")
    return sum(int(size) for size in re.findall(r'"GET \S+/blobs/\S+ HTTP[^"]*" 20\d (\d+) ', said))


def machine_busy():
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def registry_cpu():
    with open(f"/proc/{os.environ['BENCH_REGISTRY_PID']}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(commands, output):
    actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, output, 1),
               (os.POSIX_SPAWN_DUP2, output, 2)]
    for command in commands:
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status != 0:
            return f"exit {status}: {' '.join(command)}"
    return None


def main():
    kind, workload, tool = sys.argv[1:4]
    commands = [[]]
    for word in sys.argv[4:]:
        if word == ":::":
            commands.append([])
        else:
            commands[-1].append(word)
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    output = os.memfd_create("output")
    before, offset = blobs(), log_at_rest()
    watch = Watch()
    if kind == "memory":
        watch.start()
    busy, registry = machine_busy(), registry_cpu()
    used = children_cpu()
    begin = time.perf_counter()
    failure = run(commands, output)
    wall = time.perf_counter() - begin
    busy, registry = machine_busy() - busy, registry_cpu() - registry
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    cpu = children_cpu() - used
    watch.done.set()
    if failure:
        os.lseek(output, 0, os.SEEK_SET)
        sys.exit(f"{workload}: {tool}: {failure}\n{os.read(output, 1 << 16).decode('utf-8', 'replace')}")
    result = {
        "workload": workload, "tool": tool, "kind": kind, "wall": wall, "cpu": cpu, "pss": watch.peak,
        "stored": sum(size for path, size in blobs().items() if path not in before), "pulled": pulled_since(offset),
        "other": max(0.0, busy - registry - cpu) / wall / os.cpu_count(),
    }
    with open(os.environ["BENCH_RESULTS"], "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
