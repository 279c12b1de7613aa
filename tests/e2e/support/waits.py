# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The waits for events that a server's threads count of themselves (workloads/count-waits.c)."""

import struct

ACCOUNT = struct.Struct("=qqq")


class Waits:
    """The account of one server, which `argv` begins."""

    def __init__(self, library, path):
        self.path = path
        self.argv = ["env", f"LD_PRELOAD={library}", f"LT_WAITS={path}"]

    def read(self):
        """{tid: (waits that have ended, those of them that brought nothing at once)}"""
        accounts = ACCOUNT.iter_unpack(self.path.read_bytes())
        return {tid: (waits, empty) for tid, waits, empty in accounts if tid}


class Window:
    """Accounts before looptop came, when it was attached, before it ended, and after."""

    def __init__(self, before, begin, end, after):
        self.before, self.begin, self.end, self.after = before, begin, end, after

    def bounds(self, tid):
        """How many turns there must be at least, and can be at most. A wait that brings nothing at once may belong to
        the one behind it."""

        def count(accounts, i):
            return accounts.get(tid, (0, 0))[i]

        waits, empty = (count(self.end, i) - count(self.begin, i) for i in range(2))
        return waits - empty, count(self.after, 0) - count(self.before, 0)

    def assert_turns(self, loop, unseen=1):
        """unseen: so many waits may have begun before looptop was there."""
        turns = loop.total("turns", may_change=True)
        least, most = self.bounds(loop.tid)
        assert least - unseen <= turns <= most + 1, f"{loop.name}: {turns} turns, not {least} to {most}"
