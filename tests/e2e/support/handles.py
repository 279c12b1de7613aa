# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Rows with handles, and what the process itself calls them (tests/workloads/handles.js)."""

# What getActiveResourcesInfo() calls the handles that people open; each of them is referenced here.
RESOURCES = {
    "tcp": ("TCPSocketWrap", "TCPServerWrap"),
    "pipe": ("PipeWrap", "PipeServerWrap"),
    "udp": ("UDPWrap",),
    "process": ("ProcessWrap",),
    "fs_event": ("FSEventWrap",),
}
LISTENING = 3  # of those that `open` makes
NONE_BLOCKED = {"blocked": 0, "queued_bytes": 0, "longest_blocked_seconds": 0, "worst": None}


def rows_of(snapshots, kind):
    """The rows of the loop that has the handles."""
    rows = [
        row
        for snapshot in snapshots
        for process in snapshot["processes"]
        for row in process["loops"]
        if (row["name"] == "main") == (kind == "main")
    ]
    assert rows, "no row of that loop"
    return rows


def has_figures(row):
    return row["handles"]["types"]["tcp"] is not None


def assert_told(row, counts):
    """A row of an idle loop, against the process's own counts."""
    handles = row["handles"]
    for name, wraps in RESOURCES.items():
        assert handles["types"][name] == sum(counts.get(wrap, 0) for wrap in wraps), name
    assert handles["listening"] == LISTENING
    # libuv's own count, and ours of what it counts.
    assert handles["active"] == sum(handles["held"].values())
    assert row["streams"] == NONE_BLOCKED
