# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""What a running looptop may still do is what `looptop check` says, and the kernel holds it to that."""

import os
import re
import subprocess

import pytest
from support import PATIENCE, looptop, procfs
from support.agent import Agent, wait_for
from support.looptop import NO_BUDGET, Stat, run
from support.torture import WAYS, guard_of, link_count
from test_safety import assert_text_is_the_files

NUMBERS = {
    "CAP_DAC_READ_SEARCH": 2, "CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39,
    "CAP_CHECKPOINT_RESTORE": 40,
}  # fmt: skip


def told_by_check(*options):
    """The capabilities that a run with these options keeps, as a mask."""
    said = re.search(r"after start +keeps (.*), and (\d+) system calls", run("check", *options).stdout)
    names = re.findall(r"CAP_\w+", said[1])
    assert names and int(said[2]) < 200
    return sum(1 << NUMBERS[name] for name in names)


def assert_has_no_more(pid, kept, tids=None):
    for tid in tids or procfs.threads(pid):
        status = procfs.status(pid, tid)
        assert status["NoNewPrivs"] == "1", tid
        assert status["Seccomp"] == "2", tid
        for name in ("CapEff", "CapPrm"):
            assert int(status[name], 16) == (kept if tid == pid else 0), (tid, name)
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
        assert int(status["CapBnd"], 16) & ~kept == 0 or not can_drop_bounds()


def with_contained(kept):
    """Who has CAP_SYS_ADMIN may do what the two newer ones are for."""
    newer = 1 << NUMBERS["CAP_BPF"] | 1 << NUMBERS["CAP_PERFMON"]
    return kept | newer if kept >> NUMBERS["CAP_SYS_ADMIN"] & 1 else kept


def can_drop_bounds():
    return int(procfs.status("self")["CapEff"], 16) >> 8 & 1  # CAP_SETPCAP


@pytest.mark.parametrize("way", [(), ("--attach", "perf")], ids=["multi", "perf"])
def test_the_agent(way):
    """Its own thread keeps what attaching takes, the server's nothing at all."""
    with Agent(*way, "-n", "nobody-has-this-name") as agent:
        agent.wait_ready()
        pid = agent.process.pid
        assert len(procfs.threads(pid)) >= 2, "the server has no thread: this test would prove nothing"
        assert_has_no_more(pid, told_by_check(*way))
        agent.stop()


@pytest.mark.parametrize("way", WAYS)
def test_who_holds_the_probes(idle, way):
    """It attaches, and can do nothing else: no more than the main process may, no call that is not for that."""
    with Stat(idle.pid, tier="full", extra=(*NO_BUDGET, *WAYS[way])) as stat:
        stat.wait_attached()
        guard = guard_of(stat.process.pid)
        assert link_count(guard) > 0, "it holds no probe: this test would prove nothing"
        kept = int(procfs.status(guard)["CapEff"], 16)
        assert kept and kept & ~with_contained(told_by_check(*WAYS[way])) == 0
        assert_has_no_more(guard, kept)
        stat.stop()


def test_without_probes_less_is_kept(idle):
    """But what CAP_SYS_ADMIN contains, if it is kept for the probes, then goes by its own name."""
    with Stat(idle.pid, tier="memory") as stat:
        stat.wait_snapshots(1)
        kept = told_by_check() & ~(1 << NUMBERS["CAP_BPF"] | 1 << NUMBERS["CAP_PERFMON"])
        if kept >> NUMBERS["CAP_SYS_ADMIN"] & 1:
            kept = kept & ~(1 << NUMBERS["CAP_SYS_ADMIN"]) | 1 << NUMBERS["CAP_CHECKPOINT_RESTORE"]
        assert int(procfs.status(stat.process.pid)["CapEff"], 16) == kept
        stat.stop()


# A program that looks like looptop to the kernel is looptop: what is refused is tried from inside by
# tests/unit/util_privilege.c. Here the effect on others is what counts.


@pytest.mark.parametrize("extra", [(), ("--attach", "perf"), ("--attach", "oldest"), ("--jit",)])
def test_tiers_come_and_go(one_node, extra):
    """Attaching, to what begins later, and detaching go on afterwards; nothing stays. One is there from the start, so
    that there is something to see."""
    title = f"lt-come-{os.getpid()}"
    with (
        one_node.run("mixed.js", flags=[f"--title={title}"]) as first,
        Stat(extra=(*NO_BUDGET, *extra, "--tier", "full", "-n", title)) as stat,
    ):
        stat.wait_for(lambda found: tier_of(found, first.pid) == "full", PATIENCE, "its probes")
        with one_node.run("mixed.js", flags=[f"--title={title}"]) as target:
            stat.wait_for(lambda found: tier_of(found, target.pid) == "full", PATIENCE, "its probes")
            assert procfs.changed_text(target.pid), "no breakpoint: this test would prove nothing"
            target.call("start", seconds=0.5)
            stat.settle()
            stat.stop()
            assert_text_is_the_files(target.pid)


def tier_of(snapshots, pid):
    for process in snapshots[-1]["processes"] if snapshots else ():
        if process["pid"] == pid:
            return process["tier"]
    return None


@pytest.mark.parametrize("way", ["tracepoint", "raw_tracepoint"])
def test_programs_without_sites(tmp_path, way):
    script = tmp_path / "loop.py"
    script.write_text(
        "import asyncio, time\n"
        "async def main():\n"
        "    while True:\n"
        "        time.sleep(0.02)\n"
        "        await asyncio.sleep(0.05)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(["/usr/bin/python3", script]) as process:
        try:
            wait_for(lambda: has_epoll(process.pid), 10, "an event loop")
            options = ("--json", "-c", "2", "-i", "0.5", "--waits", way)
            told = subprocess.run(
                [*with_tracefs(), looptop.BINARY, "stat", *options, str(process.pid)],
                capture_output=True, text=True, timeout=60,
            )  # fmt: skip
        finally:
            process.kill()
    assert told.returncode == 0, told.stderr
    last = looptop.strict_json(told.stdout.splitlines()[-1])
    assert last["processes"][0]["loops"][0]["utilization"] > 0.05


def with_tracefs():
    """It is not mounted everywhere; here it is, for looptop alone."""
    mount = 'mount -t tracefs none /sys/kernel/tracing; exec "$@"'
    return ["unshare", "-m", "sh", "-c", mount, "sh"]


def has_epoll(pid):
    links = (f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))
    return any(os.readlink(link) == "anon_inode:[eventpoll]" for link in links)


def test_a_report_where_only_root_may_write(one_node, tmp_path):
    """The folder is another user's: who watches may no longer write there, root's report is there all the same."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o755)
    os.chown(folder, 65534, 65534)
    with one_node.run("mixed.js") as target:
        report = folder / "report.html"
        told = run("doctor", "-d", "0.5", "--html", report, target.pid)
    assert told.returncode == 0, told.stderr
    assert report.read_text().rstrip().endswith("</html>")


def test_all_are_kept_by_wish():
    """For whoever looks for a fault in this: a documented way to be without it."""
    with looptop.Running(
        "stat", "-v", "-n", "nobody-has-this-name", env={"LT_KEEP_PRIVILEGES": "1"}, parse=str.rstrip
    ) as running:
        running.wait_message("privileges of the main process: all kept")
        status = procfs.status(running.process.pid)
        assert status["CapEff"] == procfs.status("self")["CapEff"]
        assert status["NoNewPrivs"] == procfs.status("self")["NoNewPrivs"]


def test_verbose_says_what_is_kept(idle):
    told = run("stat", "-v", "-c", "1", "-i", "0.2", idle.pid)
    assert told.returncode == 0
    line = re.search(r"privileges of the main process: (\d+) capabilities given up, kept (.*?);", told.stderr)
    assert line, told.stderr
    assert sum(1 << NUMBERS[name] for name in re.findall(r"CAP_\w+", line[2])) == told_by_check()
