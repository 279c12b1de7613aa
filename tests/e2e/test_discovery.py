# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Processes that come and go while nobody names them: seen soon, never mixed up, at a bounded cost."""

import subprocess
import time

import pytest
from support.looptop import Stat

SEEN_WITHIN = 0.1  # seconds from the exec


LIVES = ("-e", "setInterval(() => {}, 20)")

# Loads libuv, and becomes Node when its input ends.
LOADS_LATE = """
import ctypes, os, sys
sys.stdin.readline()
ctypes.CDLL("libuv.so.1")
print("loaded", flush=True)
sys.stdin.readline()
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def everything(idle):
    """looptop on whatever is there, running."""
    with Stat(interval=0.3) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        yield stat
        stat.stop()


@pytest.fixture
def start():
    """Starts processes that end with the test: start(argv, …) is (process, Unix time of its exec)."""
    processes = []

    def begin(argv, **options):
        process = subprocess.Popen(
            [str(arg) for arg in argv],
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.DEVNULL),
            **options,
        )
        processes.append(process)
        return process, time.time()  # Popen returns when the program runs

    yield begin
    for process in processes:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def rows_of(snapshots, pid):
    return [p for snapshot in snapshots for p in snapshot["processes"] if p["pid"] == pid]


def wait_row(stat, pid, condition=lambda row: True, timeout=15):
    """The first row of a process that fulfils a condition."""

    def found(snapshots):
        return next((row for row in rows_of(snapshots, pid) if condition(row)), None)

    return stat._snapshots.wait(found, timeout, f"a row of process {pid}")


def has_loop(row):
    return row["loops"] and row["loops"][0]["turns"]


def test_an_exec_is_seen_at_once(everything, start, one_node):
    """By looptop's own timestamp; the median, for one of the five may meet a machine that is busy."""
    late = []
    for _ in range(5):
        before = time.time()
        process, executed = start([one_node.path, *LIVES])
        row = wait_row(everything, process.pid)
        assert row["seen_time"] >= before - 0.01
        assert row["runtime"] == "node" and row["runtime_version"] == one_node.version
        late.append(row["seen_time"] - executed)
    assert sorted(late)[2] < SEEN_WITHIN, late


def test_it_is_measured_from_then_on(everything, start, one_node):
    process, _ = start([one_node.path, *LIVES])
    row = wait_row(everything, process.pid, has_loop)
    assert row["tier"] == "phases"
    assert row["loops"][0]["name"] == "main"


def test_an_end_is_told_once(everything, start, one_node):
    """A last row that says so, in the interval of its end; then none."""
    process, _ = start([one_node.path, *LIVES])
    wait_row(everything, process.pid, has_loop)
    process.kill()
    process.wait(10)
    ended = time.time()
    wait_row(everything, process.pid, lambda row: row["ended"])
    everything.settle()
    with_it = [s for s in everything.snapshots if rows_of([s], process.pid)]
    last = [row["ended"] for row in rows_of(with_it, process.pid)]
    assert last == [False] * (len(last) - 1) + [True]
    # the interval in which it ended, or the next if that was just being read
    assert with_it[-1]["time"] - ended < 2 * everything.interval + 0.2


def test_a_library_that_is_loaded_later(everything, start, one_node):
    """Found without an event; and exec: the pid and the start time stay, the loop does not."""
    process, _ = start(
        ["/usr/bin/python3", "-c", LOADS_LATE, one_node.path, *LIVES],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1)
    assert rows_of(everything.snapshots, process.pid) == [], "no loop is mapped yet"
    process.stdin.write("load\n")
    process.stdin.flush()
    assert process.stdout.readline() == "loaded\n"
    before = wait_row(everything, process.pid)
    assert before["runtime"] == "libuv"
    process.stdin.close()
    after = wait_row(everything, process.pid, lambda row: row["runtime"] == "node")
    assert after["start_time"] == pytest.approx(before["start_time"], abs=0.05)
    runtimes = [(row["runtime"], row["ended"]) for row in rows_of(everything.snapshots, process.pid)]
    change = runtimes.index(("libuv", True))
    assert set(runtimes[:change]) == {("libuv", False)}
    assert set(runtimes[change + 1 :]) == {("node", False)}


@pytest.mark.parametrize("what", ["with loops", "without"])
def test_a_storm_of_short_lived_processes(everything, start, one_node, uv_tasks, what):
    """It costs little, harms nobody who is measured, and is silent; what comes after it is seen."""
    lasting, _ = start([one_node.path, *LIVES])
    wait_row(everything, lasting.pid, has_loop)
    everything.settle()
    before = len(everything.snapshots)
    begun = time.monotonic()
    for _ in range(300):
        program = [str(uv_tasks)] if what == "with loops" else ["true"]
        subprocess.run(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=20)
    everything.settle()
    elapsed = time.monotonic() - begun
    during = everything.snapshots[before:]
    rows = rows_of(during, lasting.pid)
    assert len(rows) == len(during) and not any(row["ended"] for row in rows)
    assert all(row["loops"][0]["turns"] for row in rows)
    assert all(not any(s["self"]["lost"].values()) for s in during)
    assert sum(s["self"]["cpu_seconds"] for s in during) < 0.3 * elapsed + 0.1
    assert [line for line in everything.messages if '"attached"' not in line] == []
    process, _ = start([one_node.path, *LIVES])
    wait_row(everything, process.pid)
