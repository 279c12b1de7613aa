# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the agent takes, as the kernel tells it: memory, descriptors, BPF objects, CPU time."""
import collections
import os
import pathlib
import time

Reading = collections.namedtuple("Reading", "at rss peak anon fds files maps progs links threads cpu")


def kib(path, name):
    for line in path.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {name}")


def family(pid):
    """It, and who holds its probes."""
    return [pid, *map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def infos(pid):
    """What the kernel says of each descriptor."""
    folder = pathlib.Path(f"/proc/{pid}/fdinfo")
    try:
        for name in os.listdir(folder):
            try:
                yield (folder / name).read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue  # closed between the list and the look
    except (FileNotFoundError, ProcessLookupError):
        pass  # a child that has ended


def bpf_objects(pid):
    """How many (maps, programs, links) their descriptors are, an object with several descriptors once."""
    found = {"map_id": set(), "prog_id": set(), "link_id": set()}
    for lines in (lines for member in family(pid) for lines in infos(member)):
        keys = dict(line.split(":", 1) for line in lines if ":" in line)
        for kind in ("link_id", "map_id", "prog_id"):  # a link tells of its program too
            if kind in keys:
                found[kind].add(int(keys[kind]))
                break
    return len(found["map_id"]), len(found["prog_id"]), len(found["link_id"])


def files(pid):
    """The files that it has open: those of programs, whose symbols it reads while they run."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except FileNotFoundError:
            continue
        if target.startswith("/") and not target.startswith("/dev/"):
            found.append(target)
    return found


def cpu_seconds(pid):
    folder = pathlib.Path(f"/proc/{pid}/task")
    spent = 0
    for tid in os.listdir(folder):
        try:
            spent += int((folder / tid / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # a thread that has ended
    return spent / 1e9


def read(pid):
    """Sizes in KiB. Anonymous memory is what it allocated; pages of files come and go as the kernel likes."""
    proc = pathlib.Path(f"/proc/{pid}")
    return Reading(time.monotonic(), kib(proc / "status", "VmRSS"), kib(proc / "status", "VmHWM"),
                   kib(proc / "smaps_rollup", "Anonymous"),
                   len(os.listdir(proc / "fd")), len(files(pid)), *bpf_objects(pid), len(os.listdir(proc / "task")),
                   cpu_seconds(pid))
