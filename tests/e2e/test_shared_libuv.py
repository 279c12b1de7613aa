# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Debian's stripped libuv.so.1 under three programs: Debian's own node, Python's uvloop, Neovim."""

import subprocess
from pathlib import Path

import pytest
from support import PATIENCE
from support.looptop import NO_BUDGET, Stat, measure, run
from support.pressure import Waited
from support.workload import WORKLOADS, Workload
from test_gc import KINDS, watch
from test_stripped import COUNTS, kinds_told

GET_DEBIAN_NODE = Path(__file__).resolve().parents[1] / "get-debian-node"

# Its usr/ is laid over the machine's own in a mount namespace: libnode.so and the modules that it
# loads have absolute paths.
IN_NAMESPACE = 'mount -t overlay overlay -o lowerdir="$0/usr":/usr /usr && exec /usr/bin/node "$@"'


class DebianNode:
    major = 18

    def __init__(self, folder):
        self.folder = folder

    def run(self, script, flags=()):
        argv = ["unshare", "-m", "sh", "-c", IN_NAMESPACE, self.folder, *flags]
        return Workload([*argv, WORKLOADS / script])


@pytest.fixture(scope="module")
def debian():
    result = subprocess.run([GET_DEBIAN_NODE], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return DebianNode(result.stdout.strip())


@pytest.fixture(scope="module")
def mixed(debian):
    with debian.run("mixed.js") as target:
        return measure(target, "start", seconds=2)


def test_debians_node_has_busy_and_phases(mixed):
    truth, process = mixed
    process.loop().assert_busy(truth)
    process.assert_phases()


def test_debians_node_is_known_for_what_it_is(mixed):
    entry = mixed[1].last
    assert entry["runtime"] == "node" and entry["runtime_version"].startswith("18.")
    assert entry["libuv_version"].startswith("1.44.")
    assert len(entry["missing"]) == 2, "classes of zlib, and names in stacks"


def test_debians_node_has_busy_from_memory(debian):
    with debian.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="memory", seconds=2)
    process.loop().assert_busy(truth, floor=0.010)


def test_debians_node_has_its_handles(debian, tmp_path):
    """Its libuv is in one file, what Node counts in another one."""
    with debian.run("handles.js") as target:
        target.call("open", path=str(tmp_path / "socket"))
        counts = target.call("resources")["counts"]
        with Stat(target.pid, tier="memory") as stat:
            stat.wait_attached()
            stat.settle()
            rows = stat.stop().of(target.pid).loop().rows
    row = [row for row in rows if row["handles"]["listening"] is not None][-1]
    assert row["handles"]["types"]["tcp"] == counts["TCPSocketWrap"] + counts["TCPServerWrap"] == 4
    assert row["handles"]["types"]["udp"] == counts["UDPWrap"]
    assert row["handles"]["active"] == sum(row["handles"]["held"].values())
    assert row["js"] == {"immediates": 0, "timers": 0, "next_tick_pending": False}


def test_debians_node_has_its_pool(debian):
    with debian.run("pool.js") as target:
        target.call("kinds", **{kind: 1 for kind in COUNTS})
        truth, process = measure(target, "kinds", **COUNTS)
    counts = kinds_told(debian, truth)
    assert process.submitted() == counts
    for kind, count in counts.items():
        assert process.kind(kind)["completed"] == count, kind
    last = process.last["pool"]
    assert last["size"] == 4 and last["queue_depth"] == 0 and last["busy"] == 0
    assert last["kinds"]["zlib"]["submitted"] is None, "counted as other, not absent"


def test_debians_node_has_its_collections(debian):
    """V8's functions are exported by libnode.so, in another file than the loop's."""
    entries, process, _ = watch(debian, "churn", seconds=1.5)
    for kind in KINDS:
        assert process.gc(kind)["count"] == sum(entry["kind"] == kind for entry in entries), kind


# --- programs that are not Node -----------------------------------------------------------------

BLOCKS = {"blocks": 12, "block_ms": 30, "tasks": 20}
PROGRAMS = {
    "uvloop": (["/usr/bin/python3", WORKLOADS / "uvloop-blocks.py"], "dns"),
    "nvim": (
        ["sh", "-c", 'exec nvim --headless -u NONE -c "luafile $0" 3<&0 </dev/null']
        + [WORKLOADS / "nvim-blocks.lua"],
        "fs",
    ),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request):
    argv, kind = PROGRAMS[request.param]
    with Workload(argv) as target:
        yield target, kind


@pytest.fixture(scope="module")
def blocks(program):
    target, kind = program
    target.call("start", blocks=1, block_ms=1, tasks=1)
    with Stat(target.pid, extra=(*NO_BUDGET, "--stall", "15")) as stat:
        stat.wait_attached()
        with Waited(target.pid) as without_cpu:
            truth = target.call("start", **BLOCKS)
        stat.settle()
        # What a loop holds is looked through once a second, its count is of now: at rest they come to agree.
        stat.wait_for(at_rest, PATIENCE, "a walk through the handles of a loop at rest")
        series = stat.stop()
    series.assert_sound()
    return truth, series.of(target.pid), kind, without_cpu.seconds


def at_rest(snapshots):
    handles = snapshots[-1]["processes"][0]["loops"][0]["handles"]
    return handles["active"] is not None and handles["active"] == sum(handles["held"].values())


def test_blocks_are_stalls_and_timers(blocks):
    truth, process, _, waited = blocks
    loop = process.loop()
    # Others are turns that were kept from running.
    stalls = [stall for stall in loop.stalls if stall["seconds"] >= BLOCKS["block_ms"] / 1e3]
    assert truth["blocks"] <= len(stalls) and len(loop.own_stalls(BLOCKS["block_ms"] / 2e3)) <= truth["blocks"]
    blocked = truth["blocked_seconds"]
    lengths = sum(stall["seconds"] for stall in stalls)
    # the rest of such a turn: a millisecond of the interpreter, at the most
    assert blocked - 0.001 <= lengths <= blocked * 1.02 + 0.001 * truth["blocks"] + waited
    assert blocked - 0.001 <= loop.phase("timers") <= blocked * 1.02 + 0.020 + waited


def test_busy_and_idle_are_all_the_time(blocks):
    process = blocks[1].since(1)
    loop = process.loop()
    known = loop.total("busy_seconds") + loop.total("idle_seconds")
    assert known == pytest.approx(process.elapsed, rel=0.01)


def test_handles_of_any_libuv_are_known(blocks):
    """In a loop that is not the default one too; of those that keep it alive libuv has its own count."""
    rows = [row for row in blocks[1].loop().rows if row["handles"]["listening"] is not None]
    for row in rows:
        handles = row["handles"]
        for kind, held in handles["held"].items():
            assert 0 <= held <= handles["types"][kind], kind
        # libuv's count is of now, ours of the last walk: a timer may have gone meanwhile.
        assert abs(handles["active"] - sum(handles["held"].values())) <= 2
        assert row["streams"]["blocked"] == 0
        assert row["js"] == {"immediates": None, "timers": None, "next_tick_pending": None}
    assert rows[-1]["handles"]["active"] == sum(rows[-1]["handles"]["held"].values()) > 0, "at rest"


def test_tasks_are_exact(blocks):
    truth, process, kind, _ = blocks
    record = process.kind(kind)
    assert record["submitted"] == record["started"] == record["completed"] == truth["tasks"]
    assert process.last["pool"]["size"] == 4


def test_there_is_no_garbage_collector(blocks):
    assert blocks[1].last["runtime"] == "libuv"
    assert not blocks[1].last["gc"]["kinds"], "neither collections nor zeros"


def test_tier_memory_says_why_it_has_nothing(program):
    result = run("stat", "--json", "--tier", "memory", "-i", "0.3", "-c", "2", program[0].pid)
    assert result.returncode == 0
    assert "utilization needs probes" in result.stdout


def test_check_says_that_libuv_is_stripped(program):
    result = run("check", program[0].pid)
    assert result.returncode == 0, result.stderr
    assert "stripped" in result.stdout and "uv__io_poll+0x" in result.stdout
