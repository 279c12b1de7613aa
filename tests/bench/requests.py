# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""An HTTP server under full load, and what a request costs it."""
import re
import statistics
import subprocess

from rig import ROUNDS, TICKER, attach, cpu_seconds, detach, floor, node, stop

TITLE = "An HTTP server under full load: CPU per request"
NOTE = "The control has the same probes placed in another process of the same binary."

SERVER = """const s=require('http').createServer((q,r)=>r.end('hello world'));
s.listen(0,'127.0.0.1',()=>console.log(s.address().port))"""


def cpu_per_request(pid, port, connections):
    before = cpu_seconds(pid)
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d2", f"http://127.0.0.1:{port}/"],
                          stdout=subprocess.PIPE, text=True, check=True)
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    return (cpu_seconds(pid) - before) / requests * 1e6


def measure():
    rows = ["| connections | none (us) | never-hit control (us) | default tier, pool, GC (us) | "
            "against the control | noise floor of the control |", "|---|---|---|---|---|---|"]
    server, other = node(SERVER), node(TICKER)
    port = int(server.stdout.readline())
    cpu_per_request(server.pid, port, 8)
    for connections in (1, 8, 64):
        cost = {"none": [], "control": [], "default": []}
        for _ in range(ROUNDS):
            for case, values in cost.items():
                looptop = None
                if case != "none":  # the control: the same probes, in another process
                    looptop, _ = attach([str(other.pid if case == "control" else server.pid)])
                values.append(cpu_per_request(server.pid, port, connections))
                if looptop:
                    detach(looptop)
        medians = {case: statistics.median(values) for case, values in cost.items()}
        rows.append(f"| {connections} | {medians['none']:.2f} | {medians['control']:.2f} | "
                    f"{medians['default']:.2f} | "
                    f"{(medians['default'] / medians['control'] - 1) * 100:+.1f} % | "
                    f"{floor(cost['control']) * 100:.1f} % |")
    stop(server)
    stop(other)
    return rows
