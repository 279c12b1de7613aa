# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Which kernels, and in the end a line for each: what ran where."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from support.disturbed import Disturbed  # noqa: E402

REPORT = []
BOOTED = set()


def pytest_addoption(parser):
    parser.addoption("--kernels", default=None, help="comma-separated, instead of all")


def pytest_configure(config):
    """What is repeated is so with another boot."""
    config.pluginmanager.register(Disturbed())


def pytest_sessionstart(session):
    if os.geteuid() != 0 and not session.config.option.collectonly:
        pytest.exit("the guest reads this machine's files as this user: run the tests as root", 1)


def pytest_collection_modifyitems(config, items):
    chosen = config.getoption("--kernels")
    if chosen:
        others = [item for item in items if item.callspec.params["guest"] not in chosen.split(",")]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
        assert items, f"--kernels {chosen}: no such kernel"


def pytest_sessionfinish(session, exitstatus):
    """One kernel that cannot be had is told; if that is so of all for one machine, nothing was tested."""
    names = {item.callspec.params["guest"] for item in session.items}
    arm64 = {name for name in names if name.endswith("-arm64")}
    for machine in filter(None, (arm64, names - arm64)):
        if exitstatus == 0 and not session.config.option.collectonly and not machine & BOOTED:
            REPORT.append(f"FAILED: none of {', '.join(sorted(machine))} could be tested")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("kernels")
    for line in REPORT:
        terminalreporter.write_line(line)
