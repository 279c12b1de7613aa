# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The ways to measure a process from outside that are compared: each is there for the length of a `with`."""
import json
import pathlib
import signal
import subprocess
import sys
import time

from rig import LOOPTOP, NODE
from support.lines import Lines

BPFTRACE = pathlib.Path(__file__).with_name("phases.bt")
INTERVAL = 0.25


class Nothing:
    """Nobody measures: the process as it is."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def hits(self):
        """How often probes were hit since the last call; None: nobody counts."""
        return None


class Looptop(Nothing):
    options = ()

    def __enter__(self):
        self.process = subprocess.Popen(
            [LOOPTOP, "stat", "--json", "--budget", "1000", "-i", str(INTERVAL), *self.options, str(self.pid)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.snapshots = Lines(self.process.stdout, json.loads)
        self.taken = 0
        if not self.process.stderr.readline().startswith('{"event"'):
            sys.exit(f"looptop did not attach to process {self.pid}")
        return self

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def hits(self):
        """Waits for an interval that began after the call, so that all hits before are in one."""
        now = time.time()

        def later(snapshots):
            return snapshots and snapshots[-1]["time"] - snapshots[-1]["interval_seconds"] >= now

        self.snapshots.wait(later, 10, "a whole interval")
        fresh = self.snapshots.items[self.taken:]
        self.taken += len(fresh)
        return sum(shot["processes"][0]["probe_hits"] for shot in fresh)


def tier(name):
    """One tier, and no other probes."""
    return type("Tier", (Looptop,), {"options": ("--tier", name, "--no-pool", "--no-gc")})


class Bpftrace(Nothing):
    def __enter__(self):
        script = BPFTRACE.read_text().replace("NODE", NODE)
        self.process = subprocess.Popen(["bpftrace", "-B", "line", "-p", str(self.pid), "-e", script],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.counts = Lines(self.process.stdout)
        self.before = 0
        self.next_count()  # it has begun; it places its probes before that, one after the other
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.process.stdout.close()

    def next_count(self):
        """The number of hits, told after the call."""
        told = [line for line in self.counts.items if line.startswith("@hits:")]

        def more(lines):
            now = [line for line in lines if line.startswith("@hits:")]
            return now[-1] if len(now) > len(told) + 1 else None

        return int(self.counts.wait(more, 20, "bpftrace's count").split()[1])

    def hits(self):
        count = self.next_count()
        fresh, self.before = count - self.before, count
        return fresh
