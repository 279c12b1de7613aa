# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What keeps a process from running: another one on its CPU, or a limit of its cgroup."""

import os
import re
import subprocess
from pathlib import Path

import pytest

V1 = V2 = Path("/sys/fs/cgroup")
PERIOD_US = 100000


def one_cpu():
    """A CPU that this process may use; not the first, which has the interrupts."""
    return max(os.sched_getaffinity(0))


def pin(pid, cpu):
    for tid in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(tid), {cpu})


def waited_seconds(pid, only=None):
    """For how long the process' threads, or only one of them, ever wanted a CPU and had none, says the kernel."""
    tids = [only] if only else os.listdir(f"/proc/{pid}/task")
    return sum(int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[1]) for tid in tids) / 1e9


class Waited:
    """For how long the threads of a process, or one of them, want a CPU and have none while the block lasts."""

    def __init__(self, pid, only=None):
        self.of = pid, only
        self.seconds = None

    def __enter__(self):
        self.before = waited_seconds(*self.of)
        return self

    def __exit__(self, *exc):
        self.seconds = waited_seconds(*self.of) - self.before


def stolen_seconds():
    """What the host of a virtual machine ever took from its CPUs, in all."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


class Hog:
    """A process that never rests, on one CPU."""

    def __init__(self, cpu):
        self.process = subprocess.Popen(["taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait(10)


def cgroup_parent(controller):
    """The cgroup in which one with a limit can be made, and the version; a skip if there is none."""
    if (V1 / controller / "cgroup.procs").exists():
        return V1 / controller, 1
    controllers = V2 / "cgroup.subtree_control"
    if (V2 / "cgroup.controllers").exists() and controller in (V2 / "cgroup.controllers").read_text():
        if controller not in controllers.read_text():
            controllers.write_text(f"+{controller}")
        return V2, 2
    pytest.skip(f"this host has no cgroup controller {controller}, neither v1 nor v2")


def unlimited(pid):
    """Takes a process out of whatever CPU limit the tests run under: it is compared with accounts that know of none."""
    parent, _ = cgroup_parent("cpu")
    (parent / "cgroup.procs").write_text(str(pid))


def cpu_cgroups(pid):
    """The folders of the cgroups, its own and those above it, whose CPU limits hold a process."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            root = V1 / "cpu" if controllers else V2
            folder = root / name.lstrip("/")
            yield from (folder, *(parent for parent in folder.parents if parent.is_relative_to(root)))


def held_periods(pid):
    """In how many periods a CPU limit has held its cgroups so far."""
    count = 0
    for folder in cpu_cgroups(pid):
        if (folder / "cpu.stat").exists():
            found = re.search(r"^nr_throttled (\d+)", (folder / "cpu.stat").read_text(), re.M)
            count += int(found[1]) if found else 0
    return count


class Cgroup:
    """A cgroup of a process's own."""

    def __init__(self, pid, controller):
        self.parent, self.version = cgroup_parent(controller)
        self.pid = pid
        self.path = self.parent / f"looptop-test-{pid}"
        self.path.mkdir()

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(self.pid))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for pid in (self.path / "cgroup.procs").read_text().split():
            (self.parent / "cgroup.procs").write_text(pid)
        self.path.rmdir()


class CpuLimit(Cgroup):
    """So many CPUs; stat is the kernel's account of what it held."""

    def __init__(self, pid, cpus):
        super().__init__(pid, "cpu")
        self.stat = self.path / "cpu.stat"
        quota = int(cpus * PERIOD_US)
        if self.version == 1:
            (self.path / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self.path / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        self.enter()


class MemoryLimit(Cgroup):
    """So many times the memory that the process has now. Pages stay charged to where they were."""

    def __init__(self, pid, times):
        super().__init__(pid, "memory")
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        limit = int(times * pages * os.sysconf("SC_PAGESIZE"))
        name = "memory.limit_in_bytes" if self.version == 1 else "memory.max"
        (self.path / name).write_text(str(limit))
        self.enter()
