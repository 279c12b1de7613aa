# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Compilations and deoptimisations against V8's own trace of them, in the same run."""

import json
import re
import time
from collections import Counter, namedtuple

import pytest
from support import PATIENCE
from support.looptop import NO_BUDGET, Running, Stat, run
from support.procfs import changed_text
from support.screen import Screen

SHOP = "/srv/shop/price.js"
LINE = 4  # of priceOf in it
ROUNDS = 12
LEAST = 4  # rounds in which V8's own threads had a CPU in time: there are more of them until then
FRESH = 400

# What V8 traced (deoptimisations by function, compiled functions by compiler, those it gave up), and what looptop saw.
Traced = namedtuple("Traced", "deopts compiled aborted")
Watched = namedtuple("Watched", "traced process")


def traced(path, skip=0):
    """What the trace has behind its first bytes."""
    text = path.read_bytes()[skip:].decode("utf-8", "replace") if path.exists() else ""
    deopts = re.findall(r"\[bailout \(kind: [^\n]*?<JSFunction ([^ >]*)", text)
    # The line that says what it took; until Node 18 it begins with another word.
    line = r"\[(?:completed compiling|optimizing) [^\n]*\(target (MAGLEV|TURBOFAN)[^\n]* - took"
    compiled = Counter(name.lower() for name in re.findall(line, text))
    return Traced(Counter(deopts), compiled, text.count("[aborted"))


class Target:
    """The workload, with its trace."""

    def __init__(self, node, folder):
        self.trace = folder / "trace"
        redirect = ("--redirect-code-traces", f"--redirect-code-traces-to={self.trace}")
        flags = ("--trace-opt", "--trace-deopt", *redirect)
        self.workload = node.run("jit.js", flags=flags)

    def __enter__(self):
        self.workload.call("ping")
        self.workload.call("calm", rounds=2)  # its own code is warm
        return self

    def __exit__(self, *exc):
        self.workload.close()

    def storm_on(self, begin, cmd="storm"):
        """More rounds until enough of them did what they are to do, by V8's own trace."""
        until = time.monotonic() + PATIENCE
        while traced(self.trace, begin).deopts["priceOf"] < LEAST:
            assert time.monotonic() < until, "the load makes no storm"
            self.workload.call(cmd, PATIENCE, rounds=ROUNDS)

    @property
    def size(self):
        return self.trace.stat().st_size if self.trace.exists() else 0


def watch(node, folder, commands, extra=("--jit",), launcher=()):
    """Runs the commands, with their arguments, one after the other."""
    with Target(node, folder) as target:
        extra = (*NO_BUDGET, *extra)
        with Stat(target.workload.pid, extra=extra, launcher=launcher) as stat:
            stat.wait_attached()
            begin = target.size
            for cmd, arguments in commands.items():
                target.workload.call(cmd, PATIENCE, **arguments)
            if "storm" in commands:
                target.storm_on(begin)
            stat.settle(PATIENCE)
            stat.settle(PATIENCE)  # names may come an interval later
            series = stat.stop(timeout=PATIENCE)
        truth = traced(target.trace, begin)
        pid = target.workload.pid
    series.assert_sound()
    return Watched(truth, series.of(pid))


def total(process, name, tid=None):
    """Of a compiler, or of deopts."""
    rows = [row["jit"] for row in process.loop(tid).rows]
    values = [row[name] if name == "deopts" else row["compiles"][name] for row in rows]
    return None if all(value is None for value in values) else sum(values)


def functions(process, tid=None):
    """How often each (name, file, line) was seen."""
    seen = Counter()
    for row in process.loop(tid).rows:
        for one in row["jit"]["functions"]:
            seen[one["function"], one["file"], one["line"]] += one["deopts"]
    return seen


def assert_same_compilations(node, watched):
    """V8 tells of what it has finished, and of what it gave up at any stage of it."""
    traced = watched.traced
    for compiler in ("maglev", "turbofan"):
        seen, truth = total(watched.process, compiler), traced.compiled[compiler]
        if compiler == "maglev" and node.major < 24:
            assert seen is None and truth == 0
        else:
            assert truth <= seen <= truth + traced.aborted, compiler


@pytest.fixture(scope="module")
def storm(node, tmp_path_factory):
    commands = {"storm": {"rounds": ROUNDS}, "fresh": {"count": FRESH}}
    return watch(node, tmp_path_factory.mktemp("storm"), commands)


def test_deopts_are_those_of_the_trace(storm):
    assert storm.traced.deopts["priceOf"] >= LEAST, "the load makes no storm"
    assert total(storm.process, "deopts") == sum(storm.traced.deopts.values())


def test_the_function_of_a_storm(storm):
    seen = functions(storm.process)
    assert seen[("priceOf", SHOP, LINE)] == storm.traced.deopts["priceOf"] >= LEAST
    by_name = Counter()
    for (name, _, _), count in seen.items():
        by_name[name] += count
    assert all(count <= storm.traced.deopts[name] for name, count in by_name.items())


def test_compilations_of_a_storm(node, storm):
    assert sum(storm.traced.compiled.values()) >= LEAST, "the load is not optimised"
    assert_same_compilations(node, storm)


def test_no_storm_without_a_reason(one_node, tmp_path):
    calm = watch(one_node, tmp_path, {"calm": {"rounds": ROUNDS}})
    assert calm.traced.deopts["priceOf"] == 0
    assert total(calm.process, "deopts") == sum(calm.traced.deopts.values())
    assert not any(name == "priceOf" for name, _, _ in functions(calm.process))
    assert_same_compilations(one_node, calm)


def test_first_calls(storm):
    """What the commands themselves need to be compiled is little beside it."""
    assert FRESH <= total(storm.process, "ignition") <= FRESH + 100


def test_each_loop_has_its_own(node, tmp_path):
    with Target(node, tmp_path) as target:
        target.workload.call("inWorker", rounds=2)
        with Stat(target.workload.pid, extra=(*NO_BUDGET, "--jit")) as stat:
            stat.wait_attached()
            stat.settle()  # the Worker has its row
            begin = target.size
            target.workload.call("inWorker", PATIENCE, rounds=ROUNDS)
            target.storm_on(begin, "inWorker")
            stat.settle(PATIENCE)
            stat.settle(PATIENCE)
            series = stat.stop()
        truth = traced(target.trace, begin)
        process = series.of(target.workload.pid)
    worker = {row["tid"] for row in process.last["loops"] if row["name"] == "worker-1"}.pop()
    seen = functions(process, worker)[("priceOf", SHOP, LINE)]
    assert seen == truth.deopts["priceOf"] >= LEAST
    assert not any(name == "priceOf" for name, _, _ in functions(process))
    both = total(process, "deopts") + total(process, "deopts", worker)
    assert both == sum(truth.deopts.values())


def test_a_flood_is_within_the_budget(one_node, tmp_path):
    """Tens of thousands of functions a second: their probes go, those of the loop stay."""
    with Target(one_node, tmp_path) as target:
        with Stat(target.workload.pid, extra=("--jit", "--budget", "0.1")) as stat:
            stat.wait_attached()
            target.workload.send("flood", seconds=8)

            def dropped(snapshots):
                rows = [s["processes"][0] for s in snapshots]
                return [row for row in rows if any("over the budget" in t for t in row["missing"])]

            row = stat.wait_for(dropped, PATIENCE, "that the probes cost too much")[0]
            target.workload.answer("flood", PATIENCE)
            stat.stop()
    assert row["tier"] == "phases" and row["loops"][0]["jit"]["compiles"]["ignition"] is None
    assert any("garbage collection and compilation" in text for text in row["missing"])


def test_in_the_oldest_way(one_node, tmp_path):
    """Without cookies, and without stacks: the functions are named all the same."""
    extra = ("--jit", "--attach", "oldest")
    hidden = "mount --bind /dev/null /sys/kernel/btf/vmlinux"
    launcher = ("unshare", "-m", "sh", "-c", f'{hidden} && exec "$@"', "sh")
    seen = watch(one_node, tmp_path, {"storm": {"rounds": ROUNDS}}, extra, launcher)
    truth = seen.traced.deopts
    assert any("no stack" in text for text in seen.process.last["missing"])
    assert truth["priceOf"] >= LEAST and total(seen.process, "deopts") == sum(truth.values())
    assert functions(seen.process)[("priceOf", SHOP, LINE)] == truth["priceOf"]
    assert_same_compilations(one_node, seen)


def test_off_unless_asked_for(one_node, tmp_path):
    process = watch(one_node, tmp_path, {"storm": {"rounds": 2}}, extra=()).process
    for row in process.loop().rows:
        assert row["jit"]["deopts"] is None and row["jit"]["functions"] is None
        assert set(row["jit"]["compiles"].values()) == {None}
    assert not any("compilation" in text for text in process.last["missing"])


def probed(pid):
    return set(changed_text(pid))


def test_the_process_that_is_open_has_them(one_node, tmp_path):
    with Target(one_node, tmp_path) as target:

        def storm():
            target.workload.call("storm", rounds=4)

        with Screen("-i", 0.3, *NO_BUDGET, target.workload.pid) as screen:
            assert screen.shows(b"jit.js", PATIENCE)
            # The function's name alone may be there as that of a stall.
            assert not screen.shows(b"turbofan", 2, storm), "it is not open"
            closed = probed(target.workload.pid)
            screen.press("\r")
            assert screen.shows(b"turbofan", PATIENCE, storm) and screen.shows(b"most:", PATIENCE, storm)
            assert screen.shows(b"priceOf", PATIENCE, storm)
            assert probed(target.workload.pid) > closed, "they cost nothing when it is not open"
            screen.press("\x1b")
            assert screen.comes(lambda: probed(target.workload.pid) == closed, PATIENCE), "they go with the view"
            assert screen.quit() == 0


def test_check_names_the_sites(one_node, tmp_path):
    with Target(one_node, tmp_path) as target:
        said = run("check", target.workload.pid, timeout=PATIENCE).stdout
    sites = 5 if one_node.major >= 24 else 4  # Maglev
    assert len([line for line in said.splitlines() if "compilation  " in line]) == sites
    assert "Deoptimizer3New" in said


def test_doctor_names_the_storm(one_node, tmp_path):
    with Target(one_node, tmp_path) as target:
        arguments = ("doctor", "--json", "-i", 0.5, "-d", 6, *NO_BUDGET, target.workload.pid)
        with Running(*arguments, parse=json.loads) as doctor:
            doctor.wait_attached()
            begin, until = target.size, time.monotonic() + 5
            while time.monotonic() < until:
                target.workload.call("storm", PATIENCE, rounds=5)
            assert traced(target.trace, begin).deopts["priceOf"] > 40, "twice of what makes a finding"
            report = doctor.finish(timeout=PATIENCE)[0]
    storms = [finding for finding in report["findings"] if finding["id"] == "deopt-storm"]
    assert len(storms) == 1, report["findings"]
    where = storms[0]["where"]
    assert (where["function"], where["file"], where["line"]) == ("priceOf", SHOP, LINE)
    looked = [one for one in report["checked"] if "deoptimises" in one["what"]]
    assert [one["looked_at"] for one in looked] == [True]
