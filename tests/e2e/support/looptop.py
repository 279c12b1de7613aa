# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The program under test, as a child process."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from . import PATIENCE
from .lines import Lines
from .series import Series
from .workload import add_beside

BINARY = Path(
    os.environ.get("LT_LOOPTOP", Path(__file__).resolve().parents[3] / "build" / "looptop")
)

# The probes of a test may cost what they cost: a target that the budget takes down to a lower
# tier in the middle of a test would prove nothing. The budget has a test of its own.
NO_BUDGET = ("--budget", "100")

INTERVAL = 0.4


def strict_json(line):
    """JSON as the standard has it: no NaN, no Infinity, no key twice."""

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"a key twice in {keys}")
        return dict(pairs)

    return json.loads(line, parse_constant=refuse, object_pairs_hook=unique)


def run(*arguments, timeout=PATIENCE, **options):
    """looptop to its end: the CompletedProcess, with what it said."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        **options,
    )


def assert_says_why(result, status, *words):
    """Ended with that status and a short explanation on stderr, not with a crash or a flood."""
    statuses = status if isinstance(status, tuple) else (status,)
    assert result.returncode in statuses, (result.returncode, result.stderr)
    said = result.stderr.strip()
    assert 0 < len(said.splitlines()) <= 3, said
    for word in words:
        assert word.lower() in said.lower(), f"no {word!r} in: {said}"


class Running:
    """looptop, running: what it writes is read line by line, and at the end of the block it is gone."""

    def __init__(self, *arguments, parse=strict_json, env=None, launcher=()):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*launcher, str(BINARY), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self._output = Lines(self.process.stdout, parse)
        self._messages = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._output.join()
        self._messages.join()
        self.process.stdout.close()
        self.process.stderr.close()

    @property
    def messages(self):
        return list(self._messages.items)

    def wait_attached(self, timeout=PATIENCE):
        """Waits until the probes of all targets are live; how long the program took for that."""

        def attached(messages):
            return [line for line in messages if '"event":"attached"' in line.replace(" ", "")]

        line = self._messages.wait(attached, timeout, "looptop did not attach")[0]
        assert strict_json(line)["event"] == "attached"
        return time.monotonic() - self.started

    def wait_message(self, text, timeout=PATIENCE):
        """Waits for a line on stderr that has this text; all that have it."""

        def with_text(messages):
            return [line for line in messages if text in line]

        return self._messages.wait(with_text, timeout, f"looptop does not say {text!r}")

    def stop(self, signum=signal.SIGTERM, status=0, timeout=PATIENCE):
        """Ends the program as a user would; fails if that is no normal end."""
        self.process.send_signal(signum)
        return self.finish(status, timeout)

    def finish(self, status=0, timeout=PATIENCE):
        """Waits for the program's end; what it told."""
        code = self.process.wait(timeout)
        self._output.join()
        self._messages.join()
        assert self._output.failure is None, self._output.failure
        assert code == status, (code, self.messages[-5:])
        return self.told()

    def told(self):
        return list(self._output.items)


def stamped(line):
    """A snapshot, with the moment at which it could be read: what it tells was read in the target before."""
    return {**strict_json(line), "read_time": time.time()}


class Stat(Running):
    """`looptop stat --json` on some processes: in the end, the series of all its snapshots."""

    def __init__(
        self, *pids, tier=None, interval=INTERVAL, extra=NO_BUDGET, env=None, launcher=()
    ):
        tiers = ("--tier", tier) if tier else ()
        arguments = ("stat", "--json", "-i", interval, *extra, *tiers, *pids)
        super().__init__(*arguments, parse=stamped, env=env, launcher=launcher)
        self.interval = interval

    @property
    def snapshots(self):
        return list(self._output.items)

    def told(self):
        return Series(self.snapshots)

    def wait_snapshots(self, count, timeout=PATIENCE):
        def enough(snapshots):
            return len(snapshots) >= count

        self._output.wait(enough, timeout + count * self.interval, f"{count} snapshots")

    def wait_for(self, found, timeout, what):
        """The first true answer of found(snapshots)."""
        return self._output.wait(found, timeout, what)

    def settle(self, timeout=PATIENCE):
        """Waits for a whole interval that began after this call: all that was, is counted then."""
        now = time.time()

        def later(snapshots):
            return snapshots and snapshots[-1]["time"] - snapshots[-1]["interval_seconds"] >= now

        self._output.wait(later, timeout + 4 * self.interval, "a whole interval")
        return len(self._output.items)


def measure(target, cmd, tier=None, interval=INTERVAL, extra=NO_BUDGET, **arguments):
    """Watches a workload's command from before its start to after its end: (truth, process). The truth also has what
    the loop did beside the command, from before looptop came until it was gone."""
    before = target.account()
    with Stat(target.pid, tier=tier, interval=interval, extra=extra) as stat:
        stat.wait_attached()
        truth = target.call(cmd, **arguments)
        stat.settle()
        series = stat.stop()
    add_beside(truth, before, target.account())
    series.assert_sound()
    return truth, series.of(target.pid)
