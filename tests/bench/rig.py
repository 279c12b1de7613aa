# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What the sections share: a Node, looptop beside it, and how sure a figure is."""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOPTOP = str(ROOT / "build/looptop")
# The newest LTS: what is written for bpftrace needs entries that libuv has since 1.52.
NODE = os.environ.get("LT_BENCH_NODE") or subprocess.run(
    [ROOT / "tests/get-node", "24"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
ROUNDS = max(2, int(os.environ.get("LT_BENCH_ROUNDS", "5")))
sys.path.insert(0, str(ROOT / "tests/e2e"))  # support.workload and what it stands on

# What the loop does that is measured.
TICKER = "setInterval(()=>{},50)"


def node(script):
    return subprocess.Popen([NODE, "-e", script], stdout=subprocess.PIPE, text=True)


def stop(process):
    process.kill()
    process.wait()


def snapshots(arguments):
    done = subprocess.run([LOOPTOP, "stat", "--json", "--budget", "1000", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def attach(arguments):
    """Starts looptop and waits until its probes are live; the process and the seconds it took."""
    began = time.monotonic()
    looptop = subprocess.Popen([LOOPTOP, "stat", "--json", "--budget", "1000", *arguments],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    looptop.stderr.readline()
    return looptop, time.monotonic() - began


def detach(looptop):
    looptop.terminate()
    looptop.wait()


def floor(values):
    """Relative distance of the medians of the odd and the even rounds."""
    halves = [statistics.median(values[0::2]), statistics.median(values[1::2])]
    return abs(halves[0] - halves[1]) / statistics.median(values)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
