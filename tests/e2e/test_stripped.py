# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Node binaries without their symbols: what is measured is right, what is lost is named."""

import subprocess

import pytest
from conftest import NodeBinary
from support.looptop import NO_BUDGET, measure, run
from support.stalls import Matrix
from test_gc import KINDS, watch

COUNTS = {"fs": 200, "dns": 20, "crypto": 20, "random": 10, "zlib": 10}


@pytest.fixture(scope="module")
def stripped(node, tmp_path_factory):
    path = tmp_path_factory.mktemp("stripped") / "node"
    subprocess.run(["strip", "-o", path, node.path], check=True, timeout=120)
    yield NodeBinary(node.major, path)
    path.unlink()


@pytest.fixture(scope="module")
def mixed(stripped):
    with stripped.run("mixed.js") as target:
        return measure(target, "start", seconds=2)


def test_tier_phases_has_busy_and_phases(mixed):
    truth, process = mixed
    assert {entry["tier"] for entry in process.entries} == {"phases"}
    process.loop().assert_busy(truth)
    process.assert_phases()


def test_iterations_are_loop_count(mixed, stripped):
    truth, process = mixed
    if truth["loop_count"] is None:
        pytest.skip(f"Node {stripped.version} does not tell its loop count")
    process.loop().assert_iterations(truth)


def test_tier_memory_has_busy(stripped):
    with stripped.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="memory", seconds=2)
    process.loop().assert_busy(truth, floor=0.010)


def kinds_told(stripped, truth):
    """Without symbols, Node before 20 does not tell its zlib tasks from others."""
    counts = {kind: told["count"] for kind, told in truth["kinds"].items()}
    if stripped.major < 20:
        counts["other"] = counts.get("other", 0) + counts.pop("zlib")
    return counts


def test_tasks_of_the_pool_are_exact(stripped):
    with stripped.run("pool.js") as target:
        target.call("kinds", **{kind: 1 for kind in COUNTS})
        truth, process = measure(target, "kinds", **COUNTS)
    counts = kinds_told(stripped, truth)
    assert process.submitted() == counts
    for kind, count in counts.items():
        record = process.kind(kind)
        assert record["started"] == record["completed"] == count, kind
        assert record["wait_seconds"]["count"] == record["run_seconds"]["count"] == count
    if stripped.major < 20:
        for kind in ("zlib", "napi"):
            hidden = process.last["pool"]["kinds"][kind]
            assert hidden["submitted"] is None and hidden["run_seconds"]["count"] is None
    last = process.last["pool"]
    assert last["size"] == 4 and last["queue_depth"] == 0 and last["busy"] == 0
    assert any("zlib" in text for text in process.last["missing"]) == (stripped.major < 20)


def test_collections_are_counted_or_said_to_be_unknown(stripped):
    entries, process, _ = watch(stripped, "churn", seconds=1.5)
    last = process.last
    if stripped.major < 24:
        for kind in KINDS:
            expected = sum(entry["kind"] == kind for entry in entries)
            assert process.gc(kind)["count"] == expected, kind
        assert not any("garbage" in text for text in last["missing"])
        return
    assert len(entries) > 5
    assert not last["gc"]["kinds"], "neither collections nor zeros"
    assert any("garbage collection pauses are unknown" in text for text in last["missing"])
    for row in process.loop().rows:
        assert row["cause_seconds"]["gc"] is None


def test_compilations_are_counted_or_said_to_be_unknown(stripped):
    """V8 exports what tells them until Node 22. Who has not asked for them hears nothing of it."""
    told = {}
    with stripped.run("jit.js") as target:
        for extra in ((), ("--jit",)):
            _, process = measure(target, "fresh", extra=(*NO_BUDGET, *extra), count=200)
            counts = [row["jit"] for row in process.loop().rows]
            told[extra] = counts, [t for t in process.last["missing"] if "are not counted" in t]
    counts, missing = told[()]
    assert all(one["deopts"] is None and one["functions"] is None for one in counts)
    assert not any("compile" in text or "deoptimisations" in text for text in missing), missing
    counts, missing = told[("--jit",)]
    if stripped.major < 24:
        assert sum(one["compiles"]["ignition"] for one in counts) >= 200
        assert all(one["deopts"] is not None for one in counts)
        assert not any("compile" in text or "deoptimisations" in text for text in missing), missing
        return
    assert all(one["deopts"] is None and set(one["compiles"].values()) == {None} for one in counts)
    for what in ("bytecode", "Sparkplug", "TurboFan", "deoptimisations"):
        assert any(what in text for text in missing), what


def test_check_says_that_it_is_stripped(stripped):
    with stripped.run("mixed.js") as target:
        result = run("check", target.pid)
    assert result.returncode == 0, result.stderr
    assert "stripped" in result.stdout and "uv__io_poll+0x" in result.stdout


def test_stalls_have_their_function(one_node, tmp_path):
    """V8's constants are exported; the table that lines of baseline code need is not since Node 24."""
    path = tmp_path / "node"
    subprocess.run(["strip", "-o", path, one_node.path], check=True, timeout=120)
    matrix = Matrix(NodeBinary(one_node.major, path))
    path.unlink()
    assert len(matrix.cases) >= 35
    aspects = ("count", "where", "callers", "foreign") if one_node.major < 24 else ("count", "where")
    for aspect in aspects:
        assert matrix.mistakes(aspect) == [], aspect
