# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the kernel keeps, and what it complains about: BPF objects by their numbers, and its log."""

import ctypes
import errno
import os
import platform
import re
import time

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
GET_NEXT_ID = {"programs": 11, "maps": 12, "links": 31}
LEAK = "leaking uprobe"
OF_PROCESS = re.compile(r"uprobe: (.*):(\d+) failed")  # its name may have a colon
HOLDER = "lt-probes"


class NextId(ctypes.Structure):
    """What union bpf_attr is for these commands."""

    _fields_ = [("start_id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def bpf_ids():
    """The (kind, number) of each BPF object of the host. A number is not given away twice."""
    libc, found = ctypes.CDLL(None, use_errno=True), set()
    for kind, command in GET_NEXT_ID.items():
        attr = NextId()
        while libc.syscall(SYS_BPF, command, ctypes.byref(attr), ctypes.sizeof(attr)) == 0:
            found.add((kind, attr.next_id))
            attr.start_id = attr.next_id
        assert ctypes.get_errno() == errno.ENOENT, os.strerror(ctypes.get_errno())
    return found


def assert_vanish(before, within=60):
    """What has been made since is there no longer, or not for long: others on the host may make such objects too."""
    made = bpf_ids() - before
    deadline = time.monotonic() + within
    while made := made & bpf_ids():
        assert time.monotonic() < deadline, sorted(made)
        time.sleep(0.2)


class Log:
    """The lines of the kernel's log from now on."""

    def __init__(self):
        self._file = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._file, 0, os.SEEK_END)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self._file)

    def lines(self):
        """Those since the last call."""
        found = []
        while True:
            try:
                found.append(os.read(self._file, 8192).decode(errors="replace"))
            except BlockingIOError:
                return found
            except BrokenPipeError:  # the oldest were overwritten before they were read
                found.append("lost lines")

    def leaks(self, pids=None):
        """Probes that the kernel gave up, and whether it may have said so where we did not hear it. pids: when these
        processes put them in or took them out, or those who do it for looptop; others on the host may do as they like."""
        found = [line for line in self.lines() if LEAK in line or line == "lost lines"]
        if pids is None:
            return found
        return [line for line in found if line == "lost lines" or is_of(OF_PROCESS.search(line), pids)]


def is_of(match, pids):
    return match[1] == HOLDER or int(match[2]) in pids
