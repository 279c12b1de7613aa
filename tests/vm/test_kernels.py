# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""looptop on Debian's stock kernels, in emulated machines: guest.py observes there, this judges here.

Counts are exact; times are bounds, for the machines are ten to thirty times slower than real ones.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
from conftest import BOOTED, REPORT

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
# pylint: disable=wrong-import-position
from support import handles, looptop
from support.series import Series

# Several times what it takes, for the machine may do other work too.
BOOT_SECONDS = 400
BOOT_SECONDS_ARM64 = 550  # it is emulated at half of the speed
CANNOT_BE_HAD, NO_END = 77, 125
CALLED_FOR = {"scavenge": "minor", "mark_compact": "major"}

BY_LINKS, BY_ADDRESSES = "apart by their links", "apart by their addresses (before Linux 5.15)"
ATOMIC, LOCKED = "by atomic operations", "under a lock (before Linux 5.12)"
MULTI, PERF = "yes, by uprobe_multi links", "yes, by perf events"
NEEDS_LOOP = "they need bpf_loop (Linux 5.17)"
NEEDS_BTF = "they need the kernel's BTF"

# What each kernel has: by what probes are placed, told apart and counted, why it has no stacks, and the two Nodes
# that run on it: of arm64 the waits of all forms, gcc's and clang's code.
NOT_YET = "they are not read on arm64 yet"
NO_TIMERS = "Node before 18 has no count of its JavaScript timers"
NO_HEAP = r"the heap of V8 [1-9]\d*\.\d+\.\d+ is unknown: it is not read on arm64 yet"
TORN = "a loop's list of handles could not be read"
Way = namedtuple("Way", "uprobes cookies counters no_stacks majors")
WAYS = {
    "5.10": Way(PERF, BY_ADDRESSES, LOCKED, NEEDS_LOOP, (16, 22)),
    "6.1": Way(PERF, BY_LINKS, ATOMIC, None, (16, 22)),
    "6.12": Way(MULTI, BY_LINKS, ATOMIC, None, (16, 22)),
    "newest": Way(MULTI, BY_LINKS, ATOMIC, None, (16, 22)),
    "6.1-arm64": Way(PERF, BY_LINKS, ATOMIC, NOT_YET, (16, 22)),
    "6.12-arm64": Way(MULTI, BY_LINKS, ATOMIC, NOT_YET, (24, 26)),
}


def fetch(script, *arguments):
    result = subprocess.run(
        [script, *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False
    )
    if result.returncode == CANNOT_BE_HAD:
        why = result.stderr.strip().splitlines()[-1]
        REPORT.append(f"NOT TESTED: {why}")
        pytest.skip(why)
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.strip())


class Here:
    """A guest like this machine: it has this machine's files, and runs what was built for it."""

    root, prefix, boot_seconds = "/", "", BOOT_SECONDS
    looptop = looptop.BINARY
    node_options = ()


class Arm64(Here):
    """A guest with programs of its own; this machine's / is its /host."""

    prefix, boot_seconds = "/host", BOOT_SECONDS_ARM64
    looptop = looptop.BINARY.parent / "arm64" / "looptop"
    node_options = ("--arch", "arm64")

    def __init__(self):
        self.root = fetch(HERE.parents[1] / "packaging" / "get-sysroot", "arm64")


def boot(kernel, results, machine):
    """Once more only if the kernel itself fell over, which an emulated one does at times."""
    for attempt in (1, 2):
        limit = machine.boot_seconds
        command = ["setpriv", "--pdeathsig", "KILL", HERE / "boot", kernel, results, limit]
        command.append(machine.root)
        status = subprocess.run([*map(str, command)], timeout=limit + 30, check=False)
        console = (results / "console").read_text(errors="replace")
        fell_over = re.search(r"^.*(Kernel panic|Oops|BUG:).*$", console, re.M)
        if status.returncode != NO_END or not fell_over or attempt == 2:
            return status.returncode, console
        REPORT.append(f"booted again, the kernel fell over: {fell_over.group()}")
    raise AssertionError("not reached")


@pytest.fixture(scope="module", params=WAYS)
def guest(request, tmp_path_factory):
    """What guest.py saw on one kernel."""
    kernel = fetch(HERE / "get-kernel", request.param)
    machine = Arm64() if request.param.endswith("-arm64") else Here()
    get_node = (HERE.parent / "get-node", *machine.node_options)
    nodes = [f"{major}={machine.prefix}{fetch(*get_node, major)}" for major in WAYS[request.param].majors]
    results = tmp_path_factory.mktemp(f"kernel-{request.param}")
    guest_py = f"{machine.prefix}{HERE / 'guest.py'}"
    script = " ".join(["exec /usr/bin/python3", guest_py, "/mnt/result", *nodes])
    program = f"{machine.prefix}{machine.looptop}"
    (results / "guest").write_text(f"export LT_LOOPTOP={program}\n{script}\n")
    started = time.monotonic()
    status, console = boot(kernel, results, machine)
    log = results / "log"
    said = log.read_text(errors="replace") if log.exists() else ""
    if status != 0:
        pytest.fail(f"boot: {status}\n{said[-6000:]}\n{console[-2000:]}", pytrace=False)
    result = json.loads((results / "result").read_text())
    BOOTED.add(request.param)
    result["way"] = WAYS[request.param]
    result["name"] = request.param
    seconds = time.monotonic() - started
    REPORT.append(f"{request.param:10} {result['release']:24} {seconds:4.0f} s")
    return result


@pytest.fixture(params=(0, 1), ids=("older-node", "newer-node"))
def seen(request, guest):
    return guest["nodes"][str(guest["way"].majors[request.param])]


def lines_of(check):
    """The host's part of `check`: {what: figure}."""
    pairs = [re.split(r"  +", line.strip(), maxsplit=1) for line in check.splitlines()]
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def missing(guest, process):
    """What is missing, besides the heap on arm64 and the timers of Node 16, which must be. That a walk through the
    handles took too long may be said of any machine that others keep from running; they have tests of their own."""
    told = [line for line in process["missing"] if not line.startswith(TORN)]
    heap = [line for line in told if re.fullmatch(NO_HEAP, line)]
    timers = [line for line in told if line == NO_TIMERS]
    assert len(heap) == guest["name"].endswith("-arm64"), told
    assert len(timers) == process["runtime_version"].startswith("16."), told
    return [line for line in told if line not in heap + timers]


def process_of(seen, what):
    series = Series(seen[what]["snapshots"])
    return series, series.of(seen["pid"])


def test_it_is_that_kernel(guest):
    release = tuple(int(part) for part in guest["release"].split(".")[:2])
    name = guest["name"].removesuffix("-arm64")
    assert (name != guest["name"]) == ("arm64" in guest["release"])
    if name == "newest":
        assert release > (6, 12)
    else:
        assert release == tuple(int(part) for part in name.split("."))


def test_check_names_the_way(guest):
    check, way = guest["check"], guest["way"]
    told = lines_of(check["text"])
    assert check["status"] == 0 and check["messages"] == "", check
    assert told["BTF of the kernel"] == "yes"
    assert told["causes of busy time"] == "yes, by scheduler events"
    assert told["uprobes"].startswith(way.uprobes)
    assert told["probes are told"] == way.cookies
    assert told["shared counters"] == way.counters
    if way.no_stacks:
        assert told["stacks of stalls"] == f"no: {way.no_stacks}"
    else:
        assert told["stacks of stalls"].startswith("yes")


def test_probes_are_held_in_that_way(guest, seen):
    """By looptop's descriptors: a perf event for each breakpoint, or links that hold many each."""
    work = seen["work"]
    held = work["descriptors"]
    events = held.get("anon_inode:[perf_event]", 0)
    links = held.get("anon_inode:bpf_link", 0)
    assert work["changed"] > 10, "no breakpoints: this test would prove nothing"
    if guest["way"].uprobes == PERF:
        # one for each: an event, or the link that holds it
        assert (links if guest["way"].cookies == BY_LINKS else events) >= work["changed"]
    else:
        assert events <= 1, "the clock that samples the loop's thread"
        assert 0 < links < work["changed"]


def test_counts_are_exact(seen):
    work = seen["work"]
    truth = work["truth"]
    series, process = process_of(seen, "work")
    series.assert_sound()
    assert process.submitted() == truth["kinds"]
    for kind, count in truth["kinds"].items():
        record = process.kind(kind)
        assert record["started"] == record["completed"] == count, kind
        assert record["cancelled"] == 0
        for span in ("wait_seconds", "run_seconds", "delivery_seconds"):
            assert record[span]["count"] == count, (kind, span)
    for kind, called_for in CALLED_FOR.items():
        certain, possible = (
            sum(entry["kind"] == kind for entry in work[which]) for which in ("collections", "possible")
        )
        assert work["asked"][called_for] <= certain <= process.gc(kind)["count"] <= possible, kind
    assert process.last["pool"]["busy"] == process.last["pool"]["queue_depth"] == 0
    assert max(process.pool("busy_max")) == 4, "of 18 tasks at once"


def test_what_was_there_at_attach(seen):
    """Found in memory, told to the programs in the kernel, and counted by them when it ends."""
    pool = seen["standing"]["held"]["processes"][0]["pool"]
    assert (pool["busy"], pool["queue_depth"]) == (4, 30)
    assert pool["kinds"]["crypto"]["queued"] == 30 and pool["kinds"]["fs"]["running"] == 4
    assert pool["oldest_queued_seconds"] > 0 and pool["oldest_running_seconds"] > 0
    process = Series(seen["standing"]["snapshots"]).of(seen["standing"]["held"]["processes"][0]["pid"])
    assert process.kind("crypto")["started"] == process.kind("crypto")["completed"] == 30
    assert process.kind("crypto")["submitted"] == 0 and process.kind("fs")["completed"] == 4
    assert process.last["pool"]["busy"] == process.last["pool"]["queue_depth"] == 0
    assert process.last["pool"]["oldest_queued_seconds"] == 0


def test_turns_are_exact(seen):
    """One immediate an iteration, one turn an iteration. V8's own tasks wake the loop besides, before and after too:
    there are no more iterations than the process counts from before looptop came until after it went."""
    truth = seen["work"]["truth"]
    tasks = sum(truth["kinds"].values())
    loop = process_of(seen, "work")[1].loop()
    iterations, turns = loop.total("iterations"), loop.total("turns")
    assert truth["immediates"] <= turns <= iterations
    if truth["loop_count"] is None:  # each task may be delivered in an iteration of its own
        assert iterations <= truth["immediates"] + tasks + 60
    else:
        assert truth["loop_count"] <= iterations <= seen["work"]["loop_count"] + 1


def test_compilations_are_counted(seen):
    """What the work itself needs to be compiled comes besides."""
    rows = [row["jit"] for row in process_of(seen, "work")[1].loop().rows]
    assert 50 <= sum(row["compiles"]["ignition"] for row in rows) <= 200
    for name in ("sparkplug", "turbofan"):
        assert all(row["compiles"][name] is not None for row in rows), name
    assert all(row["deopts"] is not None for row in rows)


def test_times_are_within_bounds(seen):
    truth, asked = seen["work"]["truth"], seen["work"]["asked"]
    _, process = process_of(seen, "work")
    loop = process.loop()
    busy, idle = loop.total("busy_seconds"), loop.total("idle_seconds")
    assert truth["active"] * 0.98 - 0.005 <= busy
    assert busy + idle == pytest.approx(process.elapsed, rel=0.02)
    causes = [sum(row["cause_seconds"].values()) for row in loop.rows]
    assert sum(causes) == pytest.approx(busy, rel=0.01, abs=0.001)
    for kind, called_for in CALLED_FOR.items():
        pauses = process.gc(kind)
        # V8 may make more than it is called for; none is outside of the loop's turns.
        within = truth["gc_seconds"][kind] if pauses["count"] == asked[called_for] else busy
        assert 0 < pauses["max_seconds"] <= pauses["seconds"] <= within, kind


def test_what_is_missing_is_said(guest, seen):
    _, process = process_of(seen, "work")
    expected = []
    if guest["way"].no_stacks:
        expected = [f"stalls have no stack and no function: {guest['way'].no_stacks}"]
    assert missing(guest, process.last) == expected


def test_stall(guest, seen):
    """As long as the block at least, and no longer than from one turn's moment before to the next one's after."""
    truth, stall = seen["stalls"]["truth"], seen["stalls"]["told"]
    assert truth["seconds"] <= stall["seconds"] <= truth["after"] - truth["before"]
    if guest["way"].no_stacks:
        assert stall["where"] is None and stall["stack"] == []
    else:
        assert stall["where"]["function"] == truth["innermost"]
        callers = [frame for frame in stall["stack"] if frame["function"] == truth["caller"]]
        assert callers and os.path.basename(callers[0]["file"]) == "kernel.js", stall["stack"]


@pytest.mark.parametrize("end", ["work", "stalls", "killed"])
def test_nothing_stays_in_the_text(seen, end):
    if end != "stalls":
        assert seen[end]["changed"] > 10, "no breakpoints: this test would prove nothing"
    assert seen[end]["text_is_back"] is not None
    assert seen["killed"]["truth"]["kinds"] == seen["work"]["truth"]["kinds"], "it works on"
    assert seen["alive"]


def test_handles_are_those_of_the_process(guest, seen):
    """From memory alone, where a loop's fields and its addresses are those of the machine."""
    told = seen["handles"]
    rows = handles.rows_of(told["snapshots"][slice(*told["idle_in"])], told["kind"])
    rows = [row for row in rows if handles.has_figures(row)]
    assert rows
    for row in rows:
        handles.assert_told(row, told["idle"]["counts"])
        assert row["js"]["immediates"] == 0 and row["js"]["next_tick_pending"] is False
        heap = row["heap"]["used_bytes"] if row["heap"] else None
        assert (heap is None) == guest["name"].endswith("-arm64")
        assert heap is None or 1 << 20 < heap < 1 << 28


def test_what_javascript_has_in_store(seen):
    told = seen["handles"]
    snapshots = told["snapshots"][told["idle_in"][1] :]
    begin, end = told["held"]["blocked"]
    # What a snapshot tells was read between its moment and that of the next.
    during = [now for now, after in zip(snapshots, snapshots[1:]) if begin <= now["time"] and after["time"] <= end]
    for row in handles.rows_of(during, told["kind"]) if during else []:
        assert row["js"]["immediates"] in (5, None) and row["js"]["next_tick_pending"] in (True, None)
    rows = handles.rows_of(snapshots, told["kind"])
    rows = [row for row in rows if row["js"]["immediates"] == 5]
    rows = [row for row in rows if row["js"]["next_tick_pending"] is True]
    assert rows, "not one reading while it was blocked"
    for row in rows:
        assert row["js"]["timers"] in (told["held"]["timers"], None)
    overdue = [row["handles"]["timer_overdue_seconds"] for row in rows]
    assert overdue == sorted(overdue) and 0 < overdue[-1] < told["held"]["seconds"]
    assert rows[-1]["handles"]["next_timer_seconds"] == 0


def test_without_btf_the_rest_works(guest, seen):
    """The kernel's BTF is hidden from looptop: no causes, no stacks, and all else as before."""
    hidden = seen["without_btf"]
    told = lines_of(hidden["check"])
    assert hidden["status"] == [0, 0], hidden["messages"]
    assert told["BTF of the kernel"] == "no"
    assert told["causes of busy time"] == told["stacks of stalls"] == f"no: {NEEDS_BTF}"
    series, process = process_of(seen, "without_btf")
    series.assert_sound()
    assert missing(guest, process.last) == [
        f"causes of busy time are unknown: {NEEDS_BTF}",
        f"stalls have no stack and no function: {NEEDS_BTF}",
    ]
    row = process.loop().rows[-1]
    assert set(row["cause_seconds"].values()) == {None}
    assert row["idle_seconds"] > 0 and row["turns"] is not None
