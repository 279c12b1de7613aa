# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""`looptop top` on a terminal of its own, and the keys that somebody presses there."""

import os
import select
import subprocess
import termios
import time

from .looptop import BINARY

ROWS, COLUMNS = 40, 120


class Screen:
    def __init__(self, *arguments):
        self.terminal, end = os.openpty()
        termios.tcsetwinsize(end, (ROWS, COLUMNS))
        self.process = subprocess.Popen(
            [str(BINARY), "top", *map(str, arguments)],
            stdin=end,
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        os.close(end)
        self.shown = b""  # since the latest key, or the start

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self.terminal)

    def read(self):
        """Takes what it draws, so that it never waits for us."""
        while select.select([self.terminal], [], [], 0)[0]:
            try:
                self.shown += os.read(self.terminal, 65536)
            except OSError:  # it has ended
                return

    def comes(self, condition, seconds, meanwhile=lambda: None):
        """Whether the condition is fulfilled in time."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline and self.process.poll() is None:
            meanwhile()
            time.sleep(0.05)
            self.read()
        return bool(condition())

    def wait(self, condition, seconds, what):
        assert self.comes(condition, seconds), f"no {what}: {self.shown[-2000:]}"

    def shows(self, text, seconds, meanwhile=lambda: None):
        return self.comes(lambda: text in self.shown, seconds, meanwhile)

    def press(self, keys):
        self.shown = b""
        os.write(self.terminal, keys.encode())

    def quit(self, seconds=10):
        """By its own key; the status that it ends with."""
        self.press("q")
        self.comes(lambda: self.process.poll() is not None, seconds)
        return self.process.wait(1)
