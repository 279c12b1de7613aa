# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The systemd unit: how far it shuts the agent in, and that the agent works so."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from support import looptop, procfs
from support.agent import free_port, get, wait_for
from support.exposition import Exposition
from support.unit import Unit
from test_safety import assert_text_is_the_files

UNIT = Path(__file__).resolve().parents[2] / "packaging" / "systemd" / "looptop-agent.service"
EXPOSURE_MAX = 3.0


def test_how_exposed_it_is():
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", UNIT],
        capture_output=True, text=True,
    )  # fmt: skip
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert level, told.stderr
    assert float(level[1]) <= EXPOSURE_MAX


def test_all_its_lines_are_known():
    """A word that systemd does not know is a warning, and no restriction."""
    told = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True)
    said = [line for line in told.stderr.splitlines() if "looptop" in line]
    said = [line for line in said if "is not executable" not in line and "man " not in line]
    assert said == []


@pytest.fixture
def installed():
    """The program where the unit can see it: /tmp is its own there."""
    with tempfile.TemporaryDirectory(dir="/var/lib", prefix="looptop-test-") as folder:
        yield shutil.copy(looptop.BINARY, folder)


def test_the_agent_under_it(one_node, tmp_path, installed):
    """Each restriction at once, by systemd itself. What begins later has probes, its stalls have names, and
    nothing of it stays."""
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ("agent", "--listen", url.removeprefix("http://"), *looptop.NO_BUDGET)
    options = ("-n", "blocks.js", "--stall", "50", "--stall-functions", "9")
    with Unit(UNIT, tmp_path, installed, *arguments, *options) as unit:
        pid = unit.wait_pid()
        assert pid, unit.read("manager.log") + unit.read("messages")
        # Before that it may still be systemd's child, which has not become the agent.
        wait_for(lambda: get(url + "/readyz")[0] == 200, 30, "ready")
        status = procfs.status(pid)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        # Its filter and systemd's, which has more than one.
        assert int(status["Seccomp_filters"]) >= 2
        with one_node.run("blocks.js") as target:
            block_thrice(url, target)
            assert unit.stop() == "success", unit.read("messages")
            assert_text_is_the_files(target.pid)


def block_thrice(url, target):
    """A target that begins later is seen, and then that it blocks, and in which function."""
    loop = {"pid": str(target.pid), "loop": "main"}

    def metrics():
        return Exposition(get(url + "/metrics")[2])

    def blocked():
        told = metrics()
        busy = told.values("looptop_loop_time_seconds_total", state="busy", **loop)
        where = told.values("looptop_stall_function_seconds_total", function="burn")
        return sum(busy) >= 3 * 0.15 and sum(where) >= 0.15

    wait_for(lambda: metrics().values("looptop_loop_turn_seconds_count", **loop), 30, "the target")
    target.call("start", blocks=[[150, 3]], gap_ms=50)
    wait_for(blocked, 30, "three stalls and their function")
