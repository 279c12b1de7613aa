#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Runs in the guest: looptop on real Node processes, told as JSON to the host, which judges.

    guest.py RESULT MAJOR=BINARY...
"""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
from support import looptop, procfs
from support.clock import unix_time
from support.looptop import NO_BUDGET, Stat
from support.stalls import Follow
from support.workload import node_workload

SLOW = 150  # seconds that anything may take in an emulated machine, whose host may do other work too
WORK = {
    "immediates": 200,
    "stats": 40,
    "lookups": 6,
    "hashes": 5,
    "streams": 7,
    "minor": 3,
    "major": 2,
    "fresh": 50,
}
BLOCK_MS = 600
FLOOD = 30
HELD = {"immediates": 5, "timers": 3, "ms": 4000}
WITHOUT_BTF = "mount --bind /dev/null /sys/kernel/btf/vmlinux"


def descriptors(pid):
    """What the descriptors of looptop and of its processes are, and how many of each: tells by what probes are held."""
    kinds = {}
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    for one in (pid, *children):
        for name in os.listdir(f"/proc/{one}/fd"):
            try:
                kind = os.readlink(f"/proc/{one}/fd/{name}")
            except FileNotFoundError:  # a file that it read just now
                continue
            kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def breakpoints(pid):
    """How many instructions are not those of the files."""
    size = 4 if platform.machine() == "aarch64" else 1  # of a breakpoint
    return len({address // size for address in procfs.changed_text(pid)})


def text_is_back(pid, within=SLOW):
    """Seconds until a process's text is that of its files again, None if it is not in time."""
    start = time.monotonic()
    while procfs.changed_text(pid):
        if time.monotonic() - start > within:
            return None
        time.sleep(0.2)
    return time.monotonic() - start


def watched_work(target):
    """One run of work under `stat`: what the process says and what looptop says. Of the collections those that it
    must have seen, and those that it may have seen, for V8 makes some when it has nothing else to do."""
    begin = time.monotonic()
    target.call("begin", SLOW)
    with Stat(target.pid, tier="full", extra=(*NO_BUDGET, "--jit")) as stat:
        stat.wait_attached(SLOW)
        live = time.monotonic()
        during = {
            "changed": breakpoints(target.pid),
            "descriptors": descriptors(stat.process.pid),
        }
        truth = target.call("work", SLOW, **WORK)
        end = time.monotonic()
        stat.settle(SLOW)
        snapshots = stat.stop(timeout=SLOW).snapshots
    answer = target.call("entries", SLOW)
    told = answer["entries"]
    return {
        **during,
        "asked": WORK,
        "truth": truth,
        "loop_count": answer["loop_count"],
        "collections": [entry for entry in told if live <= entry["start"] <= end],
        "possible": [entry for entry in told if begin <= entry["start"]],
        "snapshots": snapshots,
        "text_is_back": text_is_back(target.pid),
    }


def stalls(target):
    """One block under `stalls`."""
    with Follow(target.pid) as follow:
        follow.wait_attached(SLOW)
        truth = target.call("block", SLOW, ms=BLOCK_MS)
        stall = follow.wait_ended(unix_time(truth["start"] + truth["seconds"] / 2), SLOW)
        follow.stop(timeout=SLOW)
    return {"truth": truth, "told": stall, "text_is_back": text_is_back(target.pid)}


def killed(target):
    """kill -9 of looptop in the middle of work: what is left in the target, and does it live?"""
    with Stat(target.pid, tier="full") as stat:
        stat.wait_attached(SLOW)
        changed = breakpoints(target.pid)
        target.send("work", **WORK)
        stat.process.send_signal(signal.SIGKILL)
        stat.process.wait(SLOW)
    back = text_is_back(target.pid)
    truth = target.answer("work", SLOW)
    return {"changed": changed, "text_is_back": back, "truth": truth}


def handles(binary, kind):
    """Handles in the main loop or in a Worker's, then a blocked loop with work in store, read from memory alone."""
    arguments = ("worker",) if kind == "worker" else ()
    with node_workload(binary, "handles.js", *arguments, patience=SLOW) as target:
        target.call("open", SLOW, path=f"{os.environ['TMPDIR']}/{kind}-{target.pid}")
        with Stat(target.pid, tier="memory", interval=0.5) as stat:
            stat.wait_attached(SLOW)
            begin = stat.settle(SLOW)
            idle = target.call("resources", SLOW)
            end = stat.settle(SLOW)
            held = target.call("hold", SLOW, **HELD)
            held["blocked"] = [unix_time(moment) for moment in held["blocked"]]
            stat.settle(SLOW)
            snapshots = stat.stop(timeout=SLOW).snapshots
    return {"kind": kind, "idle": idle, "held": held, "idle_in": [begin, end], "snapshots": snapshots}


def standing(binary):
    """A pool in which nothing ends when looptop comes; then it goes on."""
    with node_workload(binary, "pool.js", patience=SLOW) as target:
        target.call("flood", SLOW, n=FLOOD, held=4, iterations=1)
        with Stat(target.pid, interval=0.5) as stat:
            stat.wait_attached(SLOW)
            stat.wait_snapshots(2, SLOW)
            held = stat.snapshots[-1]
            target.call("drain", SLOW)
            stat.settle(SLOW)
            snapshots = stat.stop(timeout=SLOW).snapshots
    return {"held": held, "snapshots": snapshots}


def without_btf(pid):
    """check and one snapshot where the kernel's BTF is hidden."""

    def run(*arguments):
        command = f'{WITHOUT_BTF} && exec "$@"'
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", command, "sh", looptop.BINARY, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=SLOW,
            check=False,
        )

    check = run("check")
    stat = run("stat", "--json", "-c", 2, "-i", 0.5, *NO_BUDGET, pid)
    return {
        "check": check.stdout,
        "status": [check.returncode, stat.returncode],
        "messages": check.stderr + stat.stderr,
        "snapshots": [json.loads(line) for line in stat.stdout.splitlines()],
    }


def observe(binary, kind):
    started = time.monotonic()
    with node_workload(binary, "kernel.js", flags=["--expose-gc"], patience=SLOW) as target:
        # Once before, so that nothing is loaded lazily.
        target.call("work", SLOW, **{key: 1 for key in WORK})
        result = {
            "pid": target.pid,
            "work": watched_work(target),
            "stalls": stalls(target),
            "killed": killed(target),
            "without_btf": without_btf(target.pid),
            "alive": target.alive,
        }
    result["handles"] = handles(binary, kind)
    result["standing"] = standing(binary)
    result["seconds"] = time.monotonic() - started
    return result


def main():
    check = looptop.run("check", timeout=SLOW)
    result = {
        "release": platform.release(),
        "uptime": time.clock_gettime(time.CLOCK_BOOTTIME),
        "check": {"text": check.stdout, "status": check.returncode, "messages": check.stderr},
        "nodes": {},
    }
    # Handles of one loop in each Node: emulated time is dear.
    for argument, kind in zip(sys.argv[2:], ("main", "worker"), strict=True):
        major, binary = argument.split("=", 1)
        result["nodes"][major] = observe(binary, kind)
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(result, file)


main()
