# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Sums over the snapshots of one run.

The targets are idle when a run begins and when it ends, so sums over all intervals need no
alignment of windows. Unknown stays None and never meets a number: a figure that is known in one
interval and not in the next fails, unless the test says that it may.
"""

import time

import pytest


def total(values, may_change=False):
    """The sum of known values; None when all are unknown."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if not may_change:
        assert len(known) == len(values), f"known in {len(known)} of {len(values)} intervals"
    return sum(known)


def largest(values):
    return max((value for value in values if value is not None), default=None)


def dist_total(dists):
    """Distributions added up: {count, sum, max}; None when none is known."""
    known = [dist for dist in dists if dist is not None and dist["count"] is not None]
    if not known:
        return None
    return {
        "count": sum(dist["count"] for dist in known),
        "sum": sum(dist["sum"] for dist in known),
        "max": largest(dist["max"] for dist in known),
    }


def is_unknown(value):
    """null, or an object of which every member is."""
    if isinstance(value, dict):
        return all(is_unknown(member) for member in value.values())
    return value is None


def kept_from_running(stall):
    return sum(stall["cause_seconds"][cause] or 0 for cause in ("runqueue", "throttled"))


class Loop:
    """All rows of one loop."""

    def __init__(self, rows):
        assert rows, "no row of this loop"
        self.rows = rows
        self.tid = rows[0]["tid"]
        self.name = rows[-1]["name"]

    def total(self, key, may_change=False):
        return total([row[key] for row in self.rows], may_change)

    def peak(self, key):
        return largest(row[key] for row in self.rows)

    def dist(self, key):
        return dist_total([row[key] for row in self.rows])

    def assert_busy(self, truth, floor=0.005):
        """Within 2 % and 5 ms of what the loop says itself. Both clocks are the process's wall clock, so preemption
        counts in both. What it was busy with beside its window, by its own account, may have been under our eyes: the
        turns that carry commands, however long the machine holds them up."""
        busy, active = self.total("busy_seconds"), truth["active"]
        low, high = active - max(0.02 * active, floor), active + max(0.02 * active, floor) + truth["beside"]
        assert low <= busy <= high, f"{busy} s, not {low} to {high}: {truth}"

    def assert_iterations(self, truth):
        """Those of the window, and at most those of the turns that carried commands."""
        iterations = self.total("iterations")
        least, most = truth["loop_count"], truth["loop_count"] + truth["loop_count_beside"]
        assert least <= iterations <= most, f"{iterations}, not {least} to {most}"

    def phase(self, name, may_change=False):
        phases = [row["phase_seconds"] for row in self.rows]
        return total([p[name] if p is not None else None for p in phases], may_change)

    @property
    def stalls(self):
        """The stalls that ended, with their final lengths."""
        return [s for row in self.rows for s in row["stalls"] or [] if not s["ongoing"]]

    def own_stalls(self, threshold=0.1):
        """Those that ended and are longer than the threshold by what the loop did. The others are turns that the
        machine kept from running."""
        return [s for s in self.stalls if s["seconds"] - kept_from_running(s) > threshold]

    @property
    def ongoing(self):
        """(stalled_seconds, the running stall's entry) of each row that shows one running."""
        return [
            (row["stalled_seconds"], stall)
            for row in self.rows
            for stall in row["stalls"] or []
            if stall["ongoing"]
        ]


class Process:
    """All that was said about one process."""

    def __init__(self, pid, entries, times):
        assert entries, f"process {pid} is in no snapshot"
        self.pid = pid
        self.entries = entries
        self.times = times  # (time, interval_seconds) of the snapshots that have it
        self.last = entries[-1]

    def since(self, index):
        """From the snapshot with this index on."""
        return Process(self.pid, self.entries[index:], self.times[index:])

    def until(self, index):
        return Process(self.pid, self.entries[:index], self.times[:index])

    @property
    def elapsed(self):
        return sum(interval for _, interval in self.times)

    def loop(self, tid=None):
        """The rows of one loop, the main thread's unless told otherwise."""
        tid = self.pid if tid is None else tid
        return Loop([row for entry in self.entries for row in entry["loops"] if row["tid"] == tid])

    @property
    def tids(self):
        return {row["tid"] for entry in self.entries for row in entry["loops"]}

    def assert_phases(self):
        """The phases of tier `phases` are all the time. The first interval is left out: it may begin
        in the middle of a wait of which nobody saw the beginning."""
        later = self.since(1)
        names = ("timers", "poll_wait", "poll_callbacks", "check")
        phases = sum(later.loop().phase(name) for name in names)
        expected = pytest.approx(later.elapsed, rel=0.01)
        assert phases == expected, f"{phases} s, not {expected}"

    def pool(self, key):
        return [entry["pool"][key] for entry in self.entries]

    def kind(self, kind):
        """A kind's counts and distributions added up; None if the kind never came up."""
        found = [(entry["pool"]["kinds"] or {}).get(kind) for entry in self.entries]
        found = [record for record in found if record is not None]
        if not found:
            return None
        counts = ("submitted", "started", "completed", "cancelled")
        spans = ("wait_seconds", "run_seconds", "delivery_seconds")
        result = {key: total([record[key] for record in found]) for key in counts}
        result.update({key: dist_total([record[key] for record in found]) for key in spans})
        return result

    def submitted(self):
        """Tasks submitted, for every kind that had any."""
        kinds = {kind for entry in self.entries for kind in entry["pool"]["kinds"] or {}}
        counts = {kind: self.kind(kind)["submitted"] for kind in kinds}
        return {kind: count for kind, count in counts.items() if count}

    def sync_fs(self, key):
        return total([(entry["sync_fs"] or {}).get(key) for entry in self.entries])

    def gc(self, kind):
        """{count, seconds, max_seconds} of a kind of collection, added up; zeros if none came."""
        found = [(entry["gc"]["kinds"] or {}).get(kind) for entry in self.entries]
        found = [record for record in found if record is not None]
        return {
            "count": sum(record["count"] for record in found),
            "seconds": sum(record["seconds"] for record in found),
            "max_seconds": largest(record["max_seconds"] for record in found),
        }


class Series:
    """Every snapshot of one run."""

    def __init__(self, snapshots):
        self.snapshots = snapshots

    def __len__(self):
        return len(self.snapshots)

    def of(self, pid):
        found = [
            (entry, (snapshot["time"], snapshot["interval_seconds"]))
            for snapshot in self.snapshots
            for entry in snapshot["processes"]
            if entry["pid"] == pid
        ]
        return Process(pid, [entry for entry, _ in found], [times for _, times in found])

    def lost(self):
        """What was lost, by cause."""
        causes = {}
        for snapshot in self.snapshots:
            for cause, count in snapshot["self"]["lost"].items():
                causes[cause] = causes.get(cause, 0) + (count or 0)
        return causes

    def assert_sound(self):
        """What holds for every run: the schema, an unbroken clock, nothing lost, shares in 0…1."""
        assert self.snapshots, "no snapshot"
        now = time.time()
        for before, after in zip(self.snapshots, self.snapshots[1:]):
            gap = after["time"] - after["interval_seconds"] - before["time"]
            assert abs(gap) < 0.01, f"{gap} s between two intervals"
        for snapshot in self.snapshots:
            assert snapshot["schema"] == 1
            assert now - 600 < snapshot["time"] <= now + 1
            for entry in snapshot["processes"]:
                for row in entry["loops"]:
                    check_row(row, snapshot["interval_seconds"])
        lost = self.lost()
        when = [i for i, snapshot in enumerate(self.snapshots) if any(snapshot["self"]["lost"].values())]
        assert not any(lost.values()), f"lost: {lost}, in snapshots {when} of {len(self.snapshots)}"


def check_row(row, interval):
    """No figure of one loop's row may be out of the range that its meaning gives it."""
    if row["utilization"] is not None:
        assert 0 <= row["utilization"] <= 1, row
    for key in ("busy_seconds", "idle_seconds", "iterations", "turns", "stalled_seconds"):
        assert row[key] is None or row[key] >= 0, (key, row)
    if row["busy_seconds"] is not None and row["idle_seconds"] is not None:
        assert row["busy_seconds"] + row["idle_seconds"] <= interval * 1.01 + 0.01, row
    for key in ("turn_seconds", "timer_lateness_seconds"):
        dist = row[key]
        if dist and dist["count"]:
            assert dist["p50"] <= dist["p90"] <= dist["p99"] <= dist["max"], (key, dist)
    lag = row["lag_seconds"]
    if lag and lag["max"] is not None:
        assert lag["p50"] <= lag["p90"] <= lag["p99"] <= lag["p999"] <= lag["max"], lag
