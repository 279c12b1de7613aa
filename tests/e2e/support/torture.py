# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""looptop, killed at random moments while it attaches: how many probes were in by then, and whether all are out again."""

import collections
import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

from . import procfs
from .kernel import HOLDER
from .looptop import BINARY, NO_BUDGET

WAYS = {"multi": (), "perf": ("--attach", "perf"), "oldest": ("--attach", "oldest")}
PATIENCE = 20

Kill = collections.namedtuple("Kill", "moment links attached")


def children(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def guard_of(pid):
    """The process that holds the probes, None: there is none yet."""
    for child in children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{child}/comm").read_text().strip() == HOLDER:
                return child
    return None


def link_count(pid):
    """How many probes a process holds, by links or by events."""
    count = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                kind = os.readlink(f"/proc/{pid}/fd/{name}")
                count += "bpf_link" in kind or "bpf-link" in kind or "perf_event" in kind
    return count


def wait_gone(pid, within=PATIENCE):
    """Until there is no such process any more; a zombie is none."""
    deadline = time.monotonic() + within
    while True:
        try:
            if procfs.state(pid) == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.005)


def wait_clean(pids, what):
    """What stays, stays for ever; somebody else on the host may have a probe in for a while."""
    deadline = time.monotonic() + PATIENCE
    for pid in pids:
        while changed := procfs.changed_soon(pid):
            assert time.monotonic() < deadline, f"{what}: {[hex(at) for at in changed[:5]]} of {pid}"
            time.sleep(0.1)


class Attacker:
    """Starts looptop on some targets again and again, and ends it early. Several: it takes longer to attach."""

    def __init__(self, pids, way, cache, seed):
        self.pids, self.way = pids, way
        self.random = random.Random(seed)
        self.env = {**os.environ, "XDG_CACHE_HOME": str(cache)}
        self.started = set()  # the processes of all runs
        self.links, self.takes = 0, 0.0  # when all are in: how many, and seconds from the start

    def start(self):
        arguments = ("stat", "--json", "-i", "5", "--tier", "full", "--jit", *NO_BUDGET, *WAYS[self.way])
        process = subprocess.Popen(
            [str(BINARY), *arguments, *map(str, self.pids)],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.started.add(process.pid)
        return process

    def measure(self, times=3):
        """How many probes go in, and when the last one is, from the start: the window in which it is killed."""
        self.start_and_end()  # the cache is warm then
        for _ in range(times):
            begin = time.monotonic()
            with self.start() as process:
                self.wait_attached(process)
                self.takes = max(self.takes, time.monotonic() - begin)
                self.links = link_count(guard_of(process.pid))
                self.end(process)

    def wait_links(self, process, count):
        """Until so many probes are in, at the least."""
        deadline = time.monotonic() + PATIENCE
        while not ((guard := guard_of(process.pid)) and link_count(guard) >= count):
            assert process.poll() is None and time.monotonic() < deadline

    def wait_attached(self, process):
        line = process.stderr.readline()
        assert b"attached" in line, line

    def start_and_end(self):
        with self.start() as process:
            self.wait_attached(process)
            self.end(process)

    def end(self, process, signum=signal.SIGTERM):
        guard = guard_of(process.pid)
        process.send_signal(signum)
        process.wait(PATIENCE)
        if guard:
            wait_gone(guard)

    def kill(self, group=False):
        """kill -9 at a random moment, and all that it has to leave behind is gone. Three of four wait until they see a random
        part of the probes in, so that they hit attaching however long it takes to get there and through; the others hit what
        is before it, too: a calibration."""
        begin = time.monotonic()
        with self.start() as process:
            if self.random.random() < 3 / 4:
                self.wait_links(process, self.random.randint(2, self.links))
            else:
                time.sleep(self.random.uniform(0, 1.05 * self.takes))
            moment = time.monotonic() - begin
            guard = guard_of(process.pid)
            links = link_count(guard) if guard else 0
            self.started.add(guard)
            if group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait(PATIENCE)
            attached = b"attached" in process.stderr.read()
        if guard:
            wait_gone(guard)
        wait_clean(self.pids, f"killed after {moment:.4f} s")
        return Kill(moment, links, attached)
