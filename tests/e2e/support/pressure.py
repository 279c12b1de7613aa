# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What keeps a process from running: another one on its CPU, or a limit of its cgroup."""

import os
import subprocess
from pathlib import Path

import pytest

V1 = Path("/sys/fs/cgroup/cpu")
V2 = Path("/sys/fs/cgroup")
PERIOD_US = 100000


def one_cpu():
    """A CPU that this process may use; not the first, which has the interrupts."""
    return max(os.sched_getaffinity(0))


def pin(pid, cpu):
    for tid in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(tid), {cpu})


class Hog:
    """A process that never rests, on one CPU."""

    def __init__(self, cpu):
        self.process = subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait(10)


def cgroup_parent():
    """The cgroup in which one with a CPU limit can be made, and the version; a skip if there is none."""
    if (V1 / "cpu.cfs_quota_us").exists():
        return V1, 1
    controllers = V2 / "cgroup.subtree_control"
    if (V2 / "cgroup.controllers").exists() and "cpu" in (V2 / "cgroup.controllers").read_text():
        if "cpu" not in controllers.read_text():
            controllers.write_text("+cpu")
        return V2, 2
    pytest.skip("this host has no cgroup CPU limits, neither v1 (cpu) nor v2 (cpu.max)")


class CpuLimit:
    """A process's own cgroup, with so many CPUs; and what the kernel says that it held."""

    def __init__(self, pid, cpus):
        parent, self.version = cgroup_parent()
        self.parent = parent
        self.pid = pid
        self.path = parent / f"looptop-test-{pid}"
        self.path.mkdir()
        quota = int(cpus * PERIOD_US)
        if self.version == 1:
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.path / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        (self.path / "cgroup.procs").write_text(str(pid))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for pid in (self.path / "cgroup.procs").read_text().split():
            (self.parent / "cgroup.procs").write_text(pid)
        self.path.rmdir()

    def throttled_seconds(self):
        fields = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        if self.version == 1:
            return int(fields["throttled_time"]) / 1e9
        return int(fields["throttled_usec"]) / 1e6
