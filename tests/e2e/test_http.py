# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Attach to an HTTP server in the middle of its life, while it serves as fast as it can."""

import time

import pytest
from support import PATIENCE
from support.clock import unix_time
from support.looptop import Stat
from support.pressure import waited_seconds
from support.procfs import cpu_ns

CONNECTIONS = 16


def around(diary, moment):
    """The entries of the server's diary that were made before and after a moment; others may have run while one was."""
    before = [entry for entry in diary if entry[3] <= moment]
    after = [entry for entry in diary if entry[0] >= moment]
    assert before and after, "the moment is outside the diary"
    return before[-1], after[0]


def grown(diary, begin, end, which):
    """By how much a count of the diary grew between two moments, of which the earliest and the latest are known: at least
    and at most."""
    before, before_end = (around(diary, moments[0])[0] for moments in (begin, end))
    after, after_end = (around(diary, moments[1])[1] for moments in (begin, end))
    return before_end[which] - after[which], after_end[which] - before[which]


@pytest.fixture(scope="module")
def served(node):
    with node.run("http-server.js") as server, node.run("http-client.js") as client:
        port = server.call("listen")["port"]
        client.send("load", port=port, connections=CONNECTIONS, seconds=10 * PATIENCE)
        time.sleep(0.5)
        spent, waited = [cpu_ns(server.pid)], waited_seconds(server.pid, server.pid)
        with Stat(server.pid) as stat:
            stat.wait_attached()
            spent.append(cpu_ns(server.pid))
            stat.wait_snapshots(5)
            spent.append(cpu_ns(server.pid))
            stat.settle(PATIENCE)
            series = stat.stop(timeout=PATIENCE)
        spent.append(cpu_ns(server.pid))
        waited = waited_seconds(server.pid, server.pid) - waited
        client.call("stop", PATIENCE)
        load = client.answer("load", PATIENCE)
        ended = time.monotonic()
        diary = server.call("diary")
        while diary["diary"][-1][0] <= ended:  # an entry behind the last snapshot
            time.sleep(0.02)
            diary = server.call("diary")
    series.assert_sound()
    shift = unix_time(0)
    # A snapshot has the moment at which looptop began to read the process; it had ended when the snapshot was there.
    moments = [(snapshot["time"] - shift, snapshot["read_time"] - shift) for snapshot in series.snapshots]
    return {
        "process": series.of(server.pid).since(1),
        "whole": series.of(server.pid),
        "series": series,
        "diary": diary["diary"],
        "window": (moments[0], moments[-1]),
        "requests": diary["requests"],
        "asked": load["requests"],
        "waited_seconds": waited,
        "cpu_seconds": ((spent[2] - spent[1]) / 1e9, (spent[3] - spent[0]) / 1e9),
    }


def test_the_server_serves_on(served):
    assert served["requests"] == served["asked"] > CONNECTIONS


def test_busy_is_event_loop_utilization(served):
    """Windows are aligned by the clock here: the truth is between what the diary says before and after its ends. A moment
    without a CPU between looptop's clock at a wait and libuv's own is idle for the one and busy for the other: it was at
    most what the kernel counts."""
    least, most = grown(served["diary"], *served["window"], which=1)
    assert least > 0, "the server was hardly loaded"
    room = max(0.02 * most, 0.005)
    busy = served["process"].loop().total("busy_seconds")
    assert least - room <= busy <= most + room + served["waited_seconds"]


def test_figures_are_plausible(served):
    process = served["process"]
    loop = process.loop()
    turns = loop.dist("turn_seconds")
    # Each connection has one request on its way at most.
    assert turns["count"] >= grown(served["diary"], *served["window"], which=2)[0] / CONNECTIONS > 0
    for row, after in zip(loop.rows, loop.rows[1:]):
        if not row["turn_seconds"]["count"]:
            continue
        lag = row["lag_seconds"]
        # A random arrival waits for half a turn at least, weighted by length; the turn may end in the next interval.
        longest = max(row["turn_seconds"]["max"], after["turn_seconds"]["max"] or after["stalled_seconds"])
        assert 0 < lag["mean"] < lag["max"] <= longest * 1.001
    assert loop.phase("poll_callbacks") > 0.5 * loop.total("busy_seconds"), "HTTP is poll work"


def test_cpu_time_is_the_kernels(served):
    """At least what it used between the first snapshot and the last, at most with what was around; ticks of 10 ms."""
    least, most = served["cpu_seconds"]
    spent = sum(entry["cpu_seconds"] for entry in served["whole"].entries)
    assert least - 0.02 <= spent <= most + 0.02


def test_the_cost_is_told(served):
    entries = served["whole"].entries
    assert len(entries) >= 5
    assert sum(snapshot["self"]["overhead_ratio"] for snapshot in served["series"].snapshots) > 0
    assert sum(entry["probe_hits"] for entry in entries) > 0
