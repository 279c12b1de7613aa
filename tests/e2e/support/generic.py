# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Servers that are neither Node.js nor libuv, and the ways in which looptop sees their waits."""

import socket
import struct
import subprocess
import time

from . import procfs
from .looptop import run

# Tracepoints by name need tracefs, which containers rarely have mounted: looptop gets its own where there is none.
WITH_TRACEFS = (
    "unshare",
    "-m",
    "sh",
    "-c",
    '[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"',
    "sh",
)

WAYS = {"fentry": (), "tracepoint": WITH_TRACEFS, "raw_tracepoint": ()}


def host_has_fentry():
    """Some platforms let nobody attach to kernel functions; looptop says so."""
    lines = [line for line in run("check").stdout.splitlines() if "any epoll loop" in line]
    assert len(lines) == 1
    return "by fentry" in lines[0]


class Account:
    """What asyncio-blocks.py keeps: (selects begun, seconds between them)."""

    FORMAT = struct.Struct("=qd")

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(self.FORMAT.size))

    def read(self):
        return self.FORMAT.unpack(self.path.read_bytes())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server on a port of its own, up when the constructor returns."""

    def __init__(self, argv, port, cwd):
        self.port = port
        self.process = subprocess.Popen(
            [str(arg) for arg in argv],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self.pid = self.process.pid
        try:
            self.connect(10).close()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def child(self, patience):
        """The one child that it has, or will have soon."""
        deadline = time.monotonic() + patience
        while True:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as file:
                pids = file.read().split()
            if len(pids) == 1:
                return int(pids[0])
            assert time.monotonic() < deadline, pids
            time.sleep(0.02)

    def connect(self, patience=0.0):
        deadline = time.monotonic() + patience
        while True:
            try:
                client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return client
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)


def ask(client, request, end=b"\r\n", times=1):
    """Sends a request and reads its answer up to that end, one after the other."""
    answer = b""
    for _ in range(times):
        client.sendall(request)
        answer = b""
        while not answer.endswith(end):
            part = client.recv(65536)
            assert part, "the server hung up"
            answer += part
    return answer


def hold(pid, seconds):
    """Stops a process for a while: how long at the least, and at the most."""
    begin = time.monotonic()
    with procfs.stopped(pid):
        since = time.monotonic()
        time.sleep(seconds)
        until = time.monotonic()
    return until - since, time.monotonic() - begin
