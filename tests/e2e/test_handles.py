# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Handles, streams and JavaScript's counters, read from memory, against what the process says of itself."""

import socket
import struct
import time

import pytest
from support.handles import NONE_BLOCKED, assert_told, has_figures, rows_of
from support.looptop import Stat, run

HELD = ("async", "check", "idle", "prepare", "timer")  # the runtime's own: few of them hold the loop
KINDS = ("main", "worker")


class Sink:
    """Takes a connection and reads nothing from it."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


def watch(target, interval=0.25):
    return Stat(target.pid, tier="memory", interval=interval)


def assert_possible(row, most):
    """No figure that cannot be, whatever the target was doing."""
    handles, streams = row["handles"], row["streams"]
    if handles["active"] is not None:
        assert 0 <= handles["active"] <= most
        assert 0 <= handles["requests"] <= most
    for kind, count in handles["types"].items():
        if count is not None:
            assert 0 <= handles["held"][kind] <= count <= most, kind
    if streams["blocked"] is None:
        assert streams["queued_bytes"] is None and streams["worst"] is None
    else:
        assert (streams["blocked"] > 0) == (streams["worst"] is not None)
        assert (streams["blocked"] > 0) == (streams["queued_bytes"] > 0)
        assert 0 <= streams["longest_blocked_seconds"] < 1000


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def target(node, kind, tmp_path):
    arguments = ("worker",) if kind == "worker" else ()
    with node.run("handles.js", *arguments) as workload:
        workload.call("open", path=str(tmp_path / "socket"))
        yield workload


def test_handles_are_those_of_the_process(target, kind):
    before = target.call("resources")
    with watch(target) as stat:
        stat.wait_attached()
        end = stat.settle()
        series = stat.stop()
    after = target.call("resources")
    assert before["counts"] == after["counts"], "it was idle meanwhile"
    rows = [row for row in rows_of(series.snapshots[:end], kind) if has_figures(row)]
    assert rows
    for row in rows:
        handles = row["handles"]
        assert_told(row, before["counts"])
        for name in HELD:
            assert handles["held"][name] <= 1, name
        if before["requests"] is not None:
            assert handles["requests"] == before["requests"]
        assert_possible(row, 1000)


def test_backpressure_names_who_does_not_read(target, kind):
    with Sink() as sink, watch(target) as stat:
        stat.wait_attached()
        begun = time.monotonic()
        truth = target.call("flood", port=sink.port, chunks=5)
        begin = stat.settle()

        def for_long(snapshots):
            return rows_of(snapshots[-1:], kind)[-1]["streams"]["longest_blocked_seconds"]

        # By then there were two walks, a second from each other.
        stat.wait_for(lambda snapshots: (for_long(snapshots) or 0) > 0.9, 60, "a second walk")

        def has_peer(snapshots):
            worst = rows_of(snapshots[-1:], kind)[-1]["streams"]["worst"]
            return worst and worst["peer"]

        # A search goes on over several intervals where the host has many sockets.
        stat.wait_for(has_peer, 60, "the peer")
        end = stat.settle()
        held = time.monotonic() - begun
        target.call("drop")
        stat.wait_for(
            lambda snapshots: rows_of(snapshots[-1:], kind)[-1]["streams"]["blocked"] == 0, 30,
            "the end of the blockade",
        )
        series = stat.stop()
    for row in filter(has_figures, rows_of(series.snapshots, kind)):
        assert_possible(row, 1000)
    rows = [
        row
        for row in rows_of(series.snapshots[begin:end], kind)
        if has_figures(row) and row["streams"]["blocked"]
    ]
    assert rows, "nobody saw it"
    for row in rows:
        streams = row["streams"]
        assert streams["blocked"] == 1
        assert streams["queued_bytes"] == truth["queued"] > 0
        assert streams["worst"]["queued_bytes"] == truth["queued"]
        assert streams["worst"]["fd"] == truth["fd"]
    assert rows[-1]["streams"]["worst"]["peer"] == truth["address"]
    # Since the first walk that saw it: never longer than it was, and it grows.
    longest = [row["streams"]["longest_blocked_seconds"] for row in rows]
    assert longest == sorted(longest)
    assert longest[-1] <= held
    last = rows_of(series.snapshots, kind)[-1]["streams"]
    assert last == NONE_BLOCKED


def test_what_javascript_has_in_store(target, kind, node):
    """While the loop is blocked in a callback of its poll phase nothing of it can be done."""
    with watch(target, interval=0.2) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        truth = target.call("hold", immediates=5, timers=3, ms=1200)
        end = stat.settle()
        series = stat.stop()
    rows = [row for row in rows_of(series.snapshots[:end], kind) if row["js"]["immediates"] == 5]
    # When the callback is over, the ticks come before the immediates: a moment, which one reading may hit.
    after = [row for row in rows if row["js"]["next_tick_pending"] is not True]
    assert len(after) <= 1 and after == rows[len(rows) - len(after) :]
    rows = rows[: len(rows) - len(after)]
    assert len(rows) >= 2, "it was blocked for six intervals"
    for row in rows:
        if node.major >= 18:
            assert row["js"]["timers"] == truth["timers"]
        else:
            assert row["js"]["timers"] is None
    # A timer of 100 ms was set just before it.
    overdue = [row["handles"]["timer_overdue_seconds"] for row in rows]
    assert overdue == sorted(overdue)
    assert overdue[0] < overdue[-1] <= truth["seconds"] - 0.1 + 0.002
    assert rows[-1]["handles"]["next_timer_seconds"] == 0
    if node.major < 18:
        assert any("timers" in sentence for sentence in series.snapshots[-1]["processes"][0]["missing"])
    idle = rows_of(series.snapshots[end - 1 :], kind)[-1]
    assert idle["js"]["immediates"] == 0 and idle["js"]["next_tick_pending"] is False
    # With no timer there, it is known for certain while the loop waits only.
    assert not idle["handles"]["timer_overdue_seconds"]


def test_no_closed_handle_is_counted_in_a_storm(node):
    """Connections that come and go all the time. Never more sockets than there were, none is left over."""
    with node.run("handles.js") as target:
        port = target.call("serve")["port"]
        with watch(target, interval=0.2) as stat:
            stat.wait_attached()
            enough, made = time.monotonic() + 2.5, 0
            while time.monotonic() < enough or made < 400:
                clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
                made += len(clients)
                for client in clients:
                    assert client.recv(1) == b"x"
                    # With a reset: thousands in TIME_WAIT would be in the way of others.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
            while target.call("served")["now"]:
                time.sleep(0.05)
            # A leftover would stay.
            stat.wait_for(
                lambda snapshots: rows_of(snapshots[-1:], "main")[-1]["handles"]["types"]["tcp"] == 1,
                30, "the listening socket alone",
            )
            series = stat.stop()
        most = target.call("served")["most"]
    rows = rows_of(series.snapshots, "main")
    assert sum(map(has_figures, rows)) >= 2
    for row in rows:
        assert_possible(row, 20 * most + 100)
        if has_figures(row):
            # One that closed and one that opened while the list was read may both be in it.
            assert row["handles"]["types"]["tcp"] <= 1 + 2 * most
    assert rows[-1]["handles"]["types"]["tcp"] == 1 == rows[-1]["handles"]["listening"]


def own_cpu_share(stat):
    """What looptop itself uses in eight intervals, by its own account, and its snapshots of them."""
    begin = stat.settle()
    stat.wait_snapshots(begin + 8)
    snapshots = stat.snapshots[begin:]
    elapsed = sum(snapshot["interval_seconds"] for snapshot in snapshots)
    return sum(snapshot["self"]["cpu_seconds"] for snapshot in snapshots) / elapsed, snapshots


def test_ten_thousand_handles_cost_little(one_node):
    """Walks are made so rarely that they take half a percent of the time, however slow the machine is."""
    with one_node.run("handles.js") as target:
        with watch(target, interval=1) as stat:
            stat.wait_attached()
            without, _ = own_cpu_share(stat)
            target.call("many", n=10000)

            def known(snapshots):
                row = rows_of(snapshots[-1:], "main")[-1] if snapshots else None
                return row and has_figures(row) and row["handles"]["types"]["async"] >= 10000

            stat.wait_for(known, 60, "figures of 10,000 handles")
            share, snapshots = own_cpu_share(stat)
            stat.stop()
    rows = [row for row in rows_of(snapshots, "main") if has_figures(row)]
    assert len(rows) > len(snapshots) / 2
    for row in rows:
        assert 10000 <= row["handles"]["types"]["async"] <= 10010
    # Twice that: the last walk of the eight intervals has its pause behind them.
    assert share - without < 0.010, (share, without)


def test_check_says_what_can_be_read(one_node):
    with one_node.run("handles.js") as target:
        result = run("check", target.pid)
    assert result.returncode == 0
    lines = [line for line in result.stdout.splitlines() if line.strip().startswith("handles")]
    assert len(lines) == 1 and "yes" in lines[0]
