# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""An HTTP server under full load, and what a request costs it."""
import subprocess

from compare import MEMORY, compare, table

TITLE = "An HTTP server under full load"
NOTE = """wrk asks for "hello world" over kept connections, as fast as it can. With one connection each request is a turn of
its own; the more there are, the more requests share one, and its traps."""

CONNECTIONS = (1, 8, 64)


def wrk(connections):
    def run(target):
        subprocess.run(["wrk", "-t1", f"-c{connections}", "-d1", f"http://127.0.0.1:{target.port}/"],
                       stdout=subprocess.DEVNULL, check=True)

    return run


def prepare(target):
    target.port = target.call("port")["port"]


def measure():
    costs = compare("server", {count: wrk(count) for count in CONNECTIONS}, prepare, without=(MEMORY,))
    lines = []
    for count in CONNECTIONS:
        lines += [f"### {count} connection{'s' if count > 1 else ''}", "", *table(costs[count], "request"), ""]
    return lines[:-1]
