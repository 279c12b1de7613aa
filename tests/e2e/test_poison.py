# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What one user's file says must not decide where a probe goes in another's process. An attacker runs a copy of
Node in which one symbol is moved: into the middle of `mov %rdx,-0x28(%rbp)`, whose third byte is that of
`push %rbp`, in a function that every turn calls, or every finished task. With a breakpoint there it is
`mov %rcx,%rsp` and ends the process. Build-id, size and the byte at the site are those of the genuine Node."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import compile_c
from support.elf import Elf
from support.looptop import NO_BUDGET, Stat, measure, run
from support.workload import WORKLOADS, Workload, node_workload
from test_safety import assert_works

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
MOVED = "uv__getnameinfo_done"
WAYS = {"multi": NO_BUDGET, "perf": (*NO_BUDGET, "--attach", "perf")}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request):
    return request.param


@pytest.fixture
def public():
    """A folder on a disk that everybody may look into."""
    folder = Path(tempfile.mkdtemp(prefix="looptop-test-poison-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


STORE = b"\x48\x89\x55"


def inside_of_store(path):
    with Elf(path, "rb") as elf:
        for _, begin, size in elf.symbols(["uv__run_check", "uv__work_done"]).values():
            at = elf.read(elf.offset(begin), size).find(STORE)
            if at > 0:
                return begin + at + 2
    raise AssertionError("there is no such store: this test would prove nothing")


@contextmanager
def attacker(node, folder):
    """The lying copy, which nobody owns and runs. He keeps his input, which is what his Node waits for."""
    path = folder / "node"
    shutil.copy(node.path, path)
    with Elf(path) as elf:
        # where it was: another instruction, or an honest entry would seem to be good for the copy, and stay
        _, begin, _ = elf.symbols([MOVED])[MOVED]
        assert elf.read(elf.offset(begin), 1) == b"\x55"
        elf.write(elf.offset(begin), b"\x53")
        elf.move_symbol(MOVED, inside_of_store(path))
    os.chown(path, 65534, 65534)
    path.chmod(0o755)
    script = folder / "wait.js"
    script.write_text("setInterval(() => {}, 200);"
                      "console.log(JSON.stringify({ event: 'ready', pid: process.pid }));"
                      "process.stdin.on('end', () => process.exit()).resume();")
    with Workload([*NOBODY, path, script], env={"HOME": "/"}) as workload:
        yield workload


def entries(cache):
    return {path.name: path.read_bytes() for path in (cache / "looptop").glob("*")}


def assert_genuine_is_measured(node, way):
    with node.run("mixed.js") as target:
        truth, process = measure(target, "start", tier="wait", extra=way, seconds=1)
        assert target.alive
        process.loop().assert_busy(truth)
        assert process.kind("fs")["completed"] == truth["timers"], "one fs.stat for each timer"
        assert_works(target)


@pytest.mark.parametrize("first", ["attacker-first", "honest-first"])
def test_a_lying_copy(one_node, way, first, public, tmp_path, monkeypatch):
    """It is looked into, as every process is, and the next genuine Node is measured as if it had not been."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    if first == "honest-first":
        assert_genuine_is_measured(one_node, way)
        assert len(entries(cache)) == 1, "nothing was kept: this test would prove less"
    before = entries(cache)
    with attacker(one_node, public) as evil:
        with Stat(tier="memory", extra=way) as stat:  # all processes with a loop
            stat.wait_attached()
            stat.wait_for(
                lambda snapshots: any(
                    process["pid"] == evil.pid for s in snapshots for process in s["processes"]
                ),
                20,
                "the attacker's process was not looked at",
            )
            stat.stop()
        kept = entries(cache)
        inode = f"-{(public / 'node').stat().st_ino:x}-"
        assert not any(inode in name for name in kept), list(kept)
        assert {name: kept.get(name) for name in before} == before, "an entry has changed"
        assert_genuine_is_measured(one_node, way)


def test_every_version_keeps_its_own(node, public, tmp_path, monkeypatch):
    """The same in the other versions, once, by looking at the one process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with attacker(node, public) as evil:
        result = run("check", evil.pid)
    assert MOVED in result.stdout, result.stdout
    assert not entries(tmp_path), "what nobody's file says was kept"
    assert_genuine_is_measured(node, NO_BUDGET)
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: os.chown(path, 65534, 65534),
        lambda path: path.chmod(0o775),
        lambda path: path.chmod(0o757),
    ],
    ids=["owner", "group", "others"],
)
def test_who_may_write_is_not_kept(one_node, harm, public, tmp_path, monkeypatch):
    """The genuine Node's bytes, in a file that others than root can make something else of."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = public / "node"
    shutil.copy(one_node.path, path)
    path.chmod(0o755)
    harm(path)
    with node_workload(path, "mixed.js") as target:
        truth, process = measure(target, "start", tier="full", seconds=0.5)
    process.loop().assert_busy(truth)
    assert not entries(tmp_path)


LIBUV = next(Path("/usr/lib").glob("*/libuv.so.1"))


def call_of_epoll_pwait(path):
    """Only loops that block SIGPROF wait by it; the others have a site there all the same."""
    told = subprocess.run(["objdump", "-d", path], capture_output=True, text=True, check=True)
    found = re.search(r"^ *([0-9a-f]+):.*call .*<epoll_pwait@plt>$", told.stdout, re.MULTILINE)
    return int(found.group(1), 16)


def test_a_file_that_is_written_to_in_place(public):
    """Between two attaches to one process: its library is the same inode, analysed once, with other contents. The
    budget takes the probes out, and would put them back."""
    shutil.copy(LIBUV.resolve(), public / LIBUV.name)
    program = compile_c(WORKLOADS / "uv-spin.c", public / "uv-spin", "-luv")
    unused = call_of_epoll_pwait(public / LIBUV.name)
    with Workload([program], env={"LD_LIBRARY_PATH": str(public)}) as target:
        with Stat(target.pid, extra=("--budget", "1")) as stat:
            stat.wait_attached()
            stat.wait_for(lambda told: told and tier_of(told[-1]) == "memory", 30, "over the budget")
            with Elf(public / LIBUV.name) as elf:
                elf.write(elf.offset(unused), b"\x06")  # no instruction
            target.call("calm")
            told = stat.wait_message("was changed", 60)
            count = len(stat.snapshots)
            stat.wait_snapshots(count + 3)
            assert {tier_of(snapshot) for snapshot in stat.snapshots[count + 1 :]} == {"memory"}
            stat.stop()
        assert target.alive
    assert len(told) == 1 and f"attach to pid {target.pid}" in told[0], told
    assert str(public / LIBUV.name) in told[0] and "uv__io_poll+0x" in told[0], told


def tier_of(snapshot):
    return snapshot["processes"][0]["tier"] if snapshot["processes"] else None
