# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""A target process that answers commands with the truth about itself (tests/workloads)."""

import json
import os
import subprocess
from pathlib import Path

from .lines import Lines

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"


class Workload:
    """A running workload: ready, and its command path warm, when the constructor returns."""

    def __init__(self, argv, env=None, patience=30):
        self.process = subprocess.Popen(
            [str(arg) for arg in argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self._answers = Lines(self.process.stdout, json.loads)
        self._taken = 0
        try:
            self.pid = self._next("ready", patience)["pid"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _next(self, event, timeout):
        index = self._taken
        what = f"{self.process.args}: no {event!r}"
        try:
            self._answers.wait(lambda items: len(items) > index, timeout, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; status {self.process.poll()}") from None
        answer = self._answers.items[index]
        self._taken += 1
        assert answer["event"] == event, answer
        return answer

    def send(self, cmd, **arguments):
        self.process.stdin.write(json.dumps({"cmd": cmd, **arguments}) + "\n")
        self.process.stdin.flush()

    def answer(self, cmd, timeout=30):
        """Waits for a command's end; the truth that it told."""
        done = self._next("done", timeout)
        assert done["cmd"] == cmd, done
        return done["truth"]

    def call(self, cmd, timeout=30, **arguments):
        self.send(cmd, **arguments)
        return self.answer(cmd, timeout)

    def account(self):
        """How long a Node loop was busy since it began, and how often it went round, as it says itself."""
        return self.call("ping")


    @property
    def alive(self):
        return self.process.poll() is None

    def close(self):
        """The end of its input ends a workload; one that does not hear is killed, by its pid."""
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self._answers.join()
        self.process.stdout.close()


NOTHING = {"active": 0, "loop_count": 0}  # what a loop has done when it begins


def add_beside(truth, before, after):
    """Adds to the truth about a command what the loop did beside it between two of its accounts: the turns that carry
    commands, and whatever held them up. looptop may have seen all of it, or nothing."""
    truth["beside"] = after["active"] - before["active"] - truth.get("active", 0)
    if truth.get("loop_count") is not None:
        truth["loop_count_beside"] = after["loop_count"] - before["loop_count"] - truth["loop_count"]


def node_workload(node, script, *arguments, flags=(), env=None, launcher=(), patience=30):
    """A script of tests/workloads in the given Node binary."""
    return Workload([*launcher, node, *flags, WORKLOADS / script, *arguments], env, patience)
