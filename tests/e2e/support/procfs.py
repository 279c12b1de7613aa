# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the kernel says about a process: its text, its descriptors, how often it slept."""

import array
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

from . import PATIENCE


def threads(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def wakeups(pid):
    """How often the threads of a process have gone to sleep by themselves, in all."""
    count = 0
    for tid in threads(pid):
        status = Path(f"/proc/{pid}/task/{tid}/status").read_text()
        for line in status.splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count


def cpu_ns(pid):
    """CPU time of all threads, from the scheduler's own account."""
    return sum(
        int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[0])
        for tid in threads(pid)
    )


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@contextmanager
def stopped(pid):
    """A process stands still for as long as the block lasts."""
    deadline = time.monotonic() + 10
    os.kill(pid, signal.SIGSTOP)
    try:
        while state(pid) != "T":
            assert time.monotonic() < deadline, f"process {pid} does not stop"
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def fd_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def map_count(pid):
    return len(Path(f"/proc/{pid}/maps").read_text().splitlines())


def text_maps(pid):
    """(start, end, file offset, map_files path) of the executable mappings of files."""
    found = []
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) < 6 or "x" not in fields[1] or int(fields[4]) == 0:
            continue
        start, end = (int(part, 16) for part in fields[0].split("-"))
        found.append((start, end, int(fields[2], 16), f"/proc/{pid}/map_files/{start:x}-{end:x}"))
    assert found, f"process {pid} has no executable mapping of a file"
    return found


def changed_text(pid):
    """Addresses at which a process's text differs from its files': where breakpoints are."""
    changed = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, offset, path in text_maps(pid):
            with open(path, "rb", buffering=0) as file:
                changed += changed_range(memory, file, start, end, offset)
    return changed


def own_pages(pid, start, end):
    """The addresses of the pages between that are not the file's any more: only those can differ from it."""
    page = os.sysconf("SC_PAGE_SIZE")
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        entries = array.array("Q", os.pread(file.fileno(), (end - start) // page * 8, start // page * 8))
    there, of_a_file = 3 << 62, 1 << 61  # in memory or swapped out
    return [start + i * page for i, entry in enumerate(entries) if entry & there and not entry & of_a_file]


def changed_soon(pid):
    """As changed_text(), but looks only where something may have changed: for who asks a thousand times."""
    page = os.sysconf("SC_PAGE_SIZE")
    changed = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, offset, path in text_maps(pid):
            pages = own_pages(pid, start, end)
            with open(path, "rb", buffering=0) as file:
                for at in pages:
                    changed += changed_range(memory, file, at, at + page, offset + at - start)
    return changed


def wait_text_back(pid):
    """Waits until a process's text is that of its files again: whoever looks at the host's links holds each for a moment,
    so that it may outlive looptop by that."""
    deadline = time.monotonic() + PATIENCE
    while changed := changed_text(pid):
        assert time.monotonic() < deadline, f"breakpoints stay in process {pid}: {changed}"
        time.sleep(0.02)


def changed_range(memory, file, start, end, offset):
    step = 1 << 20
    changed = []
    for at in range(start, end, step):
        size = min(step, end - at)
        ours = os.pread(memory.fileno(), size, at)
        theirs = os.pread(file.fileno(), size, offset + at - start)
        theirs += b"\0" * (len(ours) - len(theirs))  # a last page that the file does not fill
        assert len(ours) == size, f"text at {at:x} could not be read"
        if ours != theirs:
            changed += [at + i for i in range(size) if ours[i] != theirs[i]]
    return changed


def status(pid, tid=None):
    """The lines of /proc/PID/status, or of one of its threads'."""
    path = f"/proc/{pid}/task/{tid}/status" if tid else f"/proc/{pid}/status"
    lines = (line.partition(":") for line in Path(path).read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}
