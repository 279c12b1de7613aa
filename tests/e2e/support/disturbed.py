# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Tests during which the host of this virtual machine took its CPUs away, as the kernel tells.

Time that is stolen passes on every clock of the guest and is in no account of a thread: a callback of 20 ms
has then taken 150, for looptop and for the process alike, and between two looks at both anything may
differ. Such a test says nothing if it fails: it is repeated, once, and the summary tells so with the time that
was taken and what failed.

Without stolen time, or with so little of it as a test of that length always meets, a failure is a failure.
"""

import time

import pytest
from _pytest.runner import runtestprotocol

from .pressure import stolen_seconds

# Two CPUs' ticks of 10 ms: less does not move any figure beyond its tolerance. A part of the time that the test took.
ENOUGH_SECONDS = 0.03
ENOUGH_PART = 0.01


def message_of(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    return (crash.message if crash else str(report.longrepr)).splitlines()[0][:300]


class Disturbed:
    """A pytest plugin."""

    def __init__(self):
        self.told = []  # (test, seconds, what failed)
        self.setups = {}  # fixture → seconds that were taken while it was made

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """Wraps it; what is shared by several tests may be where the time was taken."""
        before = stolen_seconds()
        yield
        self.setups[fixturedef] = stolen_seconds() - before

    def taken(self, item):
        definitions = [d for name in item.fixturenames for d in item._fixtureinfo.name2fixturedefs.get(name, ())]
        return sum(self.setups.get(definition, 0) for definition in definitions)

    def again(self, item, nextitem):
        item.session._setupstate.teardown_exact(None)  # with what it shares with others
        return runtestprotocol(item, nextitem=nextitem, log=False)

    def judged(self, item, nextitem, reports, seconds, took):
        """The reports that count."""
        failed = [report for report in reports if report.failed]
        if not failed or seconds < max(ENOUGH_SECONDS, ENOUGH_PART * took):
            return reports
        self.told.append((item.nodeid, seconds, message_of(failed[0])))
        return self.again(item, nextitem)

    def pytest_runtest_protocol(self, item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        before, began = stolen_seconds(), time.monotonic()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        seconds = max(stolen_seconds() - before, self.taken(item))
        for report in self.judged(item, nextitem, reports, seconds, time.monotonic() - began):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_terminal_summary(self, terminalreporter):
        if self.told:
            terminalreporter.section(f"{len(self.told)} repeated: the host had taken the CPUs away")
        for test, seconds, message in self.told:
            terminalreporter.line(f"{test}: {seconds * 1e3:.0f} ms were taken; {message}")
