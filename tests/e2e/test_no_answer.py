# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Targets whose memory or files do not answer, beside one that does: that one is measured as if they were not there."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import WORKLOADS, compile_c
from support.agent import Agent, get, wait_for
from support.hanging import HangingFiles
from support.looptop import Stat, run
from support.screen import Screen
from support.series import Series
from support.workload import add_beside

NOBODY = 65534
IDLE = "setInterval(() => {}, 300); console.log('ready')"


@pytest.fixture(scope="module")
def public(one_node):
    """What somebody without rights runs: Node, and what takes a page away from it. Pytest's own folders are closed."""
    with tempfile.TemporaryDirectory(prefix="looptop-no-answer-") as name:
        yield furnish(Path(name), one_node)


def furnish(folder, one_node):
    folder.chmod(0o755)
    shutil.copy(one_node.path, folder / "node")
    (folder / "node").chmod(0o755)
    compile_c(WORKLOADS / "no-answer.c", folder / "no-answer.so", "-shared", "-fPIC", "-ldl", "-lpthread")
    return folder


class Hanging:
    """A Node process of nobody; between take() and give_back() a page of it cannot be had."""

    def __init__(self, public, page, file=None):
        self.switch = public / f"now-{time.monotonic_ns()}"
        settings = {"NO_ANSWER_WHEN": self.switch, "NO_ANSWER_PAGE": page, "LD_PRELOAD": public / "no-answer.so"}
        if file:
            settings["NO_ANSWER_FILE"] = file
        right = "-all,+sys_ptrace"  # to keep a page from the kernel; it is given up at once
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={right}",
             f"--ambient-caps={right}", "env", *(f"{name}={value}" for name, value in settings.items()),
             public / "node", "-e", IDLE],
            stdout=subprocess.PIPE, cwd="/",
        )  # fmt: skip
        self.pid = self.process.pid

    def __enter__(self):
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *exc):
        self.give_back()
        self.process.kill()  # whatever it waits for
        self.process.wait(20)
        self.process.stdout.close()

    def take(self):
        self.switch.touch()
        time.sleep(0.1)

    def give_back(self):
        self.switch.unlink(missing_ok=True)


def of(snapshot, pid):
    return next((p for p in snapshot["processes"] if p["pid"] == pid), None)


def silent(snapshot, pid):
    process = of(snapshot, pid)
    return process is not None and not process["answers"]


def seconds_to_end(running):
    begin = time.monotonic()
    running.stop()
    return time.monotonic() - begin


@pytest.fixture(scope="module")
def end_seconds(one_node):
    """How long looptop takes to end when all is well: what the machine makes of that."""
    with one_node.run("mixed.js") as target, Stat(target.pid) as stat:
        stat.wait_snapshots(2)
        return seconds_to_end(stat)


@pytest.mark.parametrize("tier", ("memory", "phases"))
@pytest.mark.parametrize("page", ("loop", "handle"))
def test_others_are_measured_on(one_node, public, page, tier, end_seconds):
    """Rows of true length all the time; the one that hangs is told of, and comes back."""
    with one_node.run("mixed.js") as target, Hanging(public, page) as hanging:
        account = target.account()
        with Stat(target.pid, hanging.pid, tier=tier) as stat:
            stat.wait_for(lambda s: s and of(s[-1], hanging.pid)["loops"], 20, "its loop")
            hanging.take()
            stat.wait_for(lambda s: silent(s[-1], hanging.pid), 20, "that it does not answer")
            begin, first = time.time(), len(stat.snapshots)
            truth = target.call("start", seconds=2)
            last = stat.settle()
            during = [s for s in stat.snapshots[first:last] if s["time"] >= begin]
            process = of(during[-1], hanging.pid)
            assert not process["answers"]
            assert sum(text.startswith("does not answer") for text in process["missing"]) == 1
            hanging.give_back()
            # Asked again after 1, 2, 4 … s, and nobody knows how slow the machine is.
            stat.wait_for(lambda s: not silent(s[-1], hanging.pid), 60, "that it answers again")
            stat.wait_for(lambda s: of(s[-1], hanging.pid)["loops"], 20, "its loop again")
            series = Series(during)
            hanging.take()
            stat.wait_for(lambda s: silent(s[-1], hanging.pid), 20, "that it does not answer again")
            assert seconds_to_end(stat) < 1 + 2 * end_seconds
        add_beside(truth, account, target.account())
    gaps = [after["time"] - before["time"] for before, after in zip(during, during[1:])]
    lengths = [s["interval_seconds"] for s in during[1:]]
    assert gaps == pytest.approx(lengths, abs=0.02), "each row has the length that it says"
    busy = sum(row["busy_seconds"] or 0 for row in series.of(target.pid).loop().rows)
    assert busy == pytest.approx(truth["active"], rel=0.1, abs=0.05 + truth["beside"])


@contextmanager
def hanging_files(public, files):
    if not os.path.exists("/dev/fuse"):
        pytest.skip("this kernel has no FUSE")
    folder = public / "files"
    folder.mkdir(exist_ok=True)
    with HangingFiles(folder, files) as server:
        yield server


def readers_in_fuse():
    """Those that wait for it, in whichever state."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = Path(f"/proc/{pid}/comm").read_text()
            where = Path(f"/proc/{pid}/wchan").read_text()
        except OSError:
            continue
        if name == "looptop-reader\n" and re.search("request_wait|folio|fuse", where):
            found.add(int(pid))
    return found


def stuck_readers():
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                _, _, rest = file.read().partition("(looptop-reader) ")
        except OSError:
            continue
        if rest.startswith("D"):
            found.add(int(pid))
    return found


def test_page_that_is_not_handed_out(one_node, public, end_seconds):
    """Of a file that a program in user space serves: the exporter answers, and ends when it is told to."""
    (public / "zeros").write_bytes(bytes(4096))
    with hanging_files(public, {"page": public / "zeros"}) as files:
        with one_node.run("mixed.js") as target, Hanging(public, "handle", files.folder / "page") as hanging:
            with Agent(target.pid, hanging.pid) as agent:
                agent.wait_ready()
                wait_for(lambda: agent.metrics().values("looptop_process_info"), 20, "the targets")
                slowest = max(timed(lambda: get(agent.url + "/healthz")) for _ in range(5))
                files.hang(only_reads=True)
                hanging.take()
                wait_for(readers_in_fuse, 60, "a reader that hangs")
                for _ in range(10):
                    assert timed(lambda: get(agent.url + "/healthz")) < 1 + 5 * slowest
                    assert agent.metrics().value("looptop_process_info", pid=str(target.pid), name="mixed.js",
                                                 runtime="node", tier="phases") == 1  # fmt: skip
                    time.sleep(0.3)
                assert seconds_to_end(agent) < 1 + 2 * end_seconds
            files.answer()


def timed(function):
    begin = time.monotonic()
    function()
    return time.monotonic() - begin


def test_program_of_another_file_system(public, one_node):
    """It is not read, whether that file system answers or not. Who asks is in the kernel then, and cannot be killed: the
    reader stays, looptop does not."""
    before = stuck_readers()
    with hanging_files(public, {"sleep": shutil.which("sleep")}) as files:
        with subprocess.Popen([files.folder / "sleep", "600"]) as process:
            wait_for(lambda: os.readlink(f"/proc/{process.pid}/exe").endswith("files/sleep"), 10, "its start")
            refused = run("stat", "-c", "1", process.pid)
            files.hang()
            silent_one = run("stat", "-c", "1", process.pid)
            assert stuck_readers() - before, "it was killed after all: this tests nothing"
            with one_node.run("mixed.js") as target:
                found = run("list", "-n", "mixed.js", timeout=120)
                assert str(target.pid) in found.stdout
            files.answer()
            wait_for(lambda: not stuck_readers() - before, 20, "the end of the readers")
            process.kill()
    assert refused.returncode and "file system that may never answer" in refused.stderr
    assert silent_one.returncode and "does not answer" in silent_one.stderr


def test_list_doctor_and_screen(one_node, public):
    with one_node.run("mixed.js") as target, Hanging(public, "loop") as hanging:
        with Screen("--tier", "memory", target.pid, hanging.pid) as screen:
            screen.wait(lambda: b"mixed.js" in screen.shown, 20, "the target")
            hanging.take()
            # Blanks that were there already are not drawn again.
            screen.wait(lambda: re.search(rb"no.{1,9}answer", screen.shown), 20, "word of it")
            screen.shown = b""
            assert screen.shows(b"mixed.js", 20) or screen.shown, "it draws on"
        listed = run("list", target.pid, hanging.pid)
        doctor = run("doctor", "-c", "2", target.pid, hanging.pid)
        lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
        assert lines[str(hanging.pid)].endswith("does not answer")
        assert "does not answer" not in lines[str(target.pid)]
        assert "does not answer" in doctor.stdout
