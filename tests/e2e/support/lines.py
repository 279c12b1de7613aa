# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The lines that a child process writes, collected as they come, with waiting that ends."""

import threading
import time


class Lines:
    """Reads a stream to its end in a thread of its own; every wait has a deadline."""

    def __init__(self, stream, parse=str.rstrip):
        self.items = []
        self.ended = False
        self.failure = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream, parse), daemon=True)
        self._thread.start()

    def _read(self, stream, parse):
        try:
            for line in stream:
                item = parse(line)
                with self._changed:
                    self.items.append(item)
                    self._changed.notify_all()
        except ValueError as err:  # of a line that is not what it should be
            self.failure = f"{err}: {line!r}"
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def wait(self, found, timeout, what):
        """The first true answer of found(items); fails at the stream's end or the deadline."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                answer = found(self.items)
                if answer:
                    return answer
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = "the stream ended" if self.ended else f"{timeout} s passed"
                    raise AssertionError(f"{what}: {why}; {self.failure or self.items[-5:]}")
                self._changed.wait(left)

    def join(self, timeout=10):
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the stream did not end"
