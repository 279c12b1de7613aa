# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Processes that die while they are watched: how, and why where that is known, in every output; and the last row is true up to
the end."""

import re
import signal
import time

import pytest
from support import PATIENCE
from support.agent import Agent
from support.looptop import NO_BUDGET, Running, Stat, strict_json
from support.pressure import MemoryLimit
from support.screen import Screen

SMALL_HEAP = ("--max-old-space-size=40", "--max-semi-space-size=1")
BLOCKED = 1.5  # seconds
BEGINS = 0.5  # after that it does what it was asked to, at the latest


class Death:
    """What is asked of the process, what the test does to it, and what everybody must say."""

    def __init__(self, how, words, way=None, flags=(), kill=None, limit=None, blocked=False, reason=None, **more):
        self.ask = {"how": way, **more} if way else None
        self.flags, self.kill, self.limit, self.blocked = flags, kill, limit, blocked
        self.end = {"how": how, "code": None, "signal": None, "reason": reason}
        if how == "exit":
            self.end["code"] = int(words.rpartition(" ")[2])
        elif how == "signal":
            self.end["signal"] = re.search(r"SIG\w+", words)[0]
        self.words = words


DEATHS = {
    "exit": Death("exit", "exit status 7", way="exit", code=7),
    "in order": Death("exit", "exit status 0", way="exit", code=0),
    "uncaught exception": Death("exit", "exit status 1", way="throw"),
    "abort": Death("signal", "aborted by SIGABRT", way="abort"),
    "killed": Death("signal", "killed by SIGKILL", kill=signal.SIGKILL),
    "told to go": Death("signal", "killed by SIGTERM", kill=signal.SIGTERM),
    "crash": Death("signal", "killed by SIGSEGV", kill=signal.SIGSEGV),
    "heap": Death("signal", "aborted by SIGABRT, its heap was out of memory", flags=SMALL_HEAP, way="heap",
                  reason="heap_out_of_memory"),
    "oom killer": Death("signal", "killed by SIGKILL, by the kernel's out-of-memory killer", limit=3, way="buffers",
                        reason="oom_killer"),
    "exits in a stall": Death("exit", "exit status 0", way="block", seconds=BLOCKED, blocked=True),
    "killed in a stall": Death("signal", "killed by SIGKILL", way="hang", kill=signal.SIGKILL, blocked=True),
    "exec": Death("exec", "runs another program now", way="exec"),
}


def let_die(target, death):
    """Until it is gone."""
    if death.ask:
        target.call("end", **death.ask)
    if death.kill:
        time.sleep(BLOCKED + BEGINS if death.ask else 0)
        target.process.send_signal(death.kill)
    if death.end["how"] != "exec":
        target.process.wait(PATIENCE)


def assert_end(end, death, before):
    assert {key: end[key] for key in death.end} == death.end, end
    assert before - 0.1 <= end["time"] <= time.time() + 0.1


def row_of(snapshots, pid):
    rows = [row for snapshot in snapshots for row in snapshot["processes"] if row["pid"] == pid]
    assert [row["ended"] for row in rows] == [False] * (len(rows) - 1) + [True], "the last one, once"
    assert all((row["end"] is None) != row["ended"] for row in rows)
    return rows


def assert_blocked(rows, death):
    """The stall is as long as it was blocked, its function is named; the row's account reaches to the end."""
    stalls = [stall for row in rows for loop in row["loops"] for stall in loop["stalls"] if not stall["ongoing"]]
    cut = [stall for stall in stalls if stall["cut_short"]]
    assert len(cut) == 1, stalls
    assert cut[0]["where"]["function"] == "hold"
    assert cut[0]["seconds"] >= BLOCKED - 0.05
    assert cut[0]["start_time"] + cut[0]["seconds"] == pytest.approx(rows[-1]["end"]["time"], abs=0.05)
    last = rows[-1]["loops"][0]
    assert last["busy_seconds"] > 0 and last["lag_seconds"]["max"] >= BLOCKED - 0.05


@pytest.mark.alone  # seven of looptop at once
def test_every_output_says_how(one_node, request, death):
    words = death.words
    with one_node.run("ends.js", flags=death.flags) as target:
        if death.limit:
            request.getfixturevalue("limit")(target.pid, death.limit)
        pid = target.pid
        with Stat(pid, interval=0.25) as stat, Running("stat", "-i", "0.25", *NO_BUDGET, pid, parse=str.rstrip) as text, \
             Running("stalls", *NO_BUDGET, pid, parse=str.rstrip) as stalls, \
             Running("stalls", "--json", *NO_BUDGET, pid) as events, \
             Running("doctor", "--json", "-d", PATIENCE, "-i", "0.25", *NO_BUDGET, pid, parse=str.rstrip) as doctor, \
             Agent("-i", "0.25", pid) as agent, Screen("-i", "0.25", *NO_BUDGET, pid) as screen:
            stat.wait_attached()
            events.wait_attached()
            stat.wait_snapshots(2)
            agent.wait_ready()
            text._output.wait(lambda lines: len(lines) > 3, PATIENCE, "rows")
            assert screen.shows(b"ends.js", PATIENCE)
            before = time.time()
            let_die(target, death)
            rows = row_of(stat.finish().snapshots, pid)
            assert_end(rows[-1]["end"], death, before)
            if death.blocked:
                assert_blocked(rows, death)
            elif not death.ask or death.end["how"] == "exec":
                loops = [loop for row in rows for loop in row["loops"]]
                assert not any(stall["cut_short"] or stall["ongoing"] for loop in loops for stall in loop["stalls"])
            told = text.finish()
            assert any(re.search(rf"{re.escape(f'ends.js[{pid}]: has ended: {words}')} \(", line) for line in told), told[-5:]
            told = "\n".join(stalls.finish())
            assert f"has ended: {words}" in told
            assert "when the process ended" in told or not death.blocked
            ends = [event for event in events.finish() if event["event"] == "end"]
            assert len(ends) == 1
            assert_end(ends[0]["end"], death, before)
            finding = strict_json("\n".join(doctor.finish()))["findings"][0]
            assert finding["id"] == "ended" and words in finding["title"], finding
            assert screen.shows(words.split(",")[0].encode(), PATIENCE)
            series = {"how": death.end["how"], "reason": death.end["reason"] or ""}
            assert_counted(agent, series)
            screen.press("x")
            assert screen.comes(lambda: b"ends.js" not in screen.shown and b"No process" in screen.shown, PATIENCE)


def assert_counted(agent, series):
    deadline = time.monotonic() + PATIENCE
    while agent.metrics().value("looptop_process_ends_total", **series) != 1:
        assert time.monotonic() < deadline, series
        time.sleep(0.2)


@pytest.fixture(params=DEATHS)
def death(request):
    return DEATHS[request.param]


@pytest.fixture
def limit():
    """Puts a process under a memory limit, of so many times what it has; gone at the end."""
    limits = []

    def put(pid, times):
        limits.append(MemoryLimit(pid, times))

    yield put
    for one in limits:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("name", ["exit", "heap", "killed in a stall"])
def test_on_each_node(node, name):
    death = DEATHS[name]
    with node.run("ends.js", flags=death.flags) as target, Stat(target.pid, interval=0.25) as stat:
        stat.wait_attached()
        stat.wait_snapshots(2)
        before = time.time()
        let_die(target, death)
        rows = row_of(stat.finish().snapshots, target.pid)
    assert_end(rows[-1]["end"], death, before)
    if death.blocked:
        assert_blocked(rows, death)
