# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""`looptop stalls`, and its stacks against those that a process tells of itself (workloads/stalls.js).

A mistake is a sentence; a comparison returns all that it finds, so that one run shows them all.
"""

import re
import time

from .looptop import NO_BUDGET, Running, strict_json

SAMPLE_HZ = 99
RAW_FRAMES_MAX = 96  # of a stack as it is sampled: a deeper one is cut off at its outer end
FEW_SAMPLES = 10  # fewer than this say where the thread was at those moments, and little of where it was mostly
INSTRUMENT = "/lib/own-stack.js"  # which functions call to tell of themselves
NO_FILE_NAMES = {"anonymous", "(anonymous)", "eval"}  # of code that has no name of its own


def stamped(line):
    """An event, with the moment at which it could be read."""
    return {**strict_json(line), "read_time": time.time()}


class Follow(Running):
    """`looptop stalls --json` on some processes: in the end, all stalls that it told."""

    def __init__(self, *pids, extra=NO_BUDGET, env=None):
        super().__init__("stalls", "--json", *extra, *pids, parse=stamped, env=env)

    @property
    def events(self):
        return [event for event in self._output.items if event["event"] == "stall"]

    def told(self):
        return self.events

    def wait_ended(self, moment, timeout=10):
        """Waits until the stall that was running at this moment has been told with its length."""

        def told(events):
            return [e for e in events if e["event"] == "stall" and not e["ongoing"] and covers(e, moment)]

        return self._output.wait(told, timeout, f"the end of the stall at {moment}")[0]


def covers(stall, moment):
    return stall["start_time"] <= moment <= stall["start_time"] + stall["seconds"]


def path_of(file):
    """A script's file: ES modules are URLs for V8, and may have a query."""
    return file and re.sub(r"\?.*$", "", re.sub(r"^file://", "", file))


def name_of(function):
    """Accessors have their prefix in the function's own name only."""
    return re.sub(r"^[gs]et ", "", function)


def is_user(frame):
    """Of looptop's frames: code of the application."""
    file = frame["file"] or ""
    return frame["type"] == "js" and not file.startswith("node:") and not file.endswith(INSTRUMENT)


def own_user(stack):
    """Of the process's own frames; a builtin is in no file and was not evaluated."""
    return [f for f in stack if f["eval"] or f["file"] and not f["file"].startswith("node:")]


def show(frame):
    return f"{frame['function']} ({frame['file']}:{frame['line']}:{frame['column']})"


def same_function(frame, truth):
    if truth["eval"] and not truth["file"]:
        return frame["function"] in {truth["function"], *NO_FILE_NAMES}
    return (name_of(frame["function"]), path_of(frame["file"])) == (
        name_of(truth["function"]),
        path_of(truth["file"]),
    )


def same_frame(frame, truth, inlined=False):
    """Whether a caller is where the process says that it is: to the column. Of calls that V8 has inlined into the code
    of a loop it may have the loop's own column: then to the line."""
    if not same_function(frame, truth):
        return False
    if truth["eval"] and not truth["file"]:
        return True
    return frame["line"] == truth["line"] and (inlined or frame["column"] == truth["column"])


class Case:
    """One block, what the process tells about it, and the stalls that looptop told for it."""

    def __init__(self, scenario, block, told, stalls):
        self.name = scenario["name"]
        self.scenario = scenario
        self.block = block
        self.told = told or {}
        self.stalls = stalls

    @property
    def stall(self):
        return self.stalls[0] if len(self.stalls) == 1 else None

    def mistake(self, text):
        return f"{self.name}: {text}"

    def count(self):
        if len(self.stalls) != 1:
            return [self.mistake(f"{len(self.stalls)} stalls instead of one")]
        return []

    def truth_of(self, frame):
        """What the process told about a frame's function; None if it never told of it."""
        for truth in self.told.values():
            if same_function(frame, truth):
                return truth
        return None

    def enough(self):
        """So many samples at least. A thread is sampled as it runs: half as often as it should, after 20 ms,
        but three times if it had its CPU."""
        if self.scenario["asleep"]:
            return 1
        causes = self.stall["cause_seconds"]
        ran = causes["cpu"] + (causes["gc"] or 0)  # of a stripped Node collections may be unknown
        return min(3, int((ran - 0.02) * SAMPLE_HZ / 2))

    def innermost(self):
        """The function that is told to have blocked; the instrument in it is a part of it."""
        where = self.stall["where"]
        if where and (where["file"] or "").endswith(INSTRUMENT):
            return next(iter(self.user_frames()), None)
        return where

    def may_block(self, name):
        """Whether it is one of those that block, or, where a few samples are all that the machine gave it time for, one
        that called them."""
        expected = self.scenario["expected"]
        if name in expected or self.stall["samples"] >= FEW_SAMPLES:
            return name in expected
        callers = [f for e in expected if e in self.told for f in own_user(self.told[e]["stack"])]
        return name in {name_of(frame["function"]) for frame in callers}

    def where(self):
        """The function that blocked, its file, a line inside of it; from enough samples."""
        if not self.stall:
            return []
        where, samples = self.innermost(), self.stall["samples"]
        if samples < self.enough():
            return [self.mistake(f"only {samples} samples in {self.stall['cause_seconds']}")]
        if not where:
            return [self.mistake(f"no function; {samples} samples")] if samples > 0 else []
        truth = self.truth_of(where)
        if not truth or not self.may_block(name_of(where["function"])):
            return [self.mistake(f"{show(where)} instead of {self.scenario['expected']}")]
        first, last = truth["range"] or (0, float("inf"))
        if not self.scenario["no_file"] and not (where["line"] and first <= where["line"] <= last):
            return [self.mistake(f"line {where['line']} is outside of {first} to {last}")]
        return []

    def user_frames(self):
        return [frame for frame in (self.stall or {}).get("stack") or [] if is_user(frame)]

    def callers(self):
        """From the function that blocked outwards, frame by frame as the process tells it."""
        if not self.stall or not self.stall["where"]:
            return []
        truth = self.truth_of(self.innermost() or self.stall["where"])
        frames = self.user_frames()
        inner = [i for i, frame in enumerate(frames) if truth and same_function(frame, truth)]
        if not inner:
            return [self.mistake("the function that blocked is not in the stack")]
        seen, own = frames[inner[0] + 1 :], own_user(truth["stack"])[1:]
        for n, (frame, expected) in enumerate(zip(seen, own)):
            if not same_frame(frame, expected, self.scenario.get("inlined")):
                return [self.mistake(f"caller {n + 1} {show(frame)}, not {show(expected)}")]
        whole = len(self.stall["stack"]) < RAW_FRAMES_MAX - 6
        if len(seen) > len(own) or whole and len(seen) < len(own):
            return [self.mistake(f"{len(seen)} callers instead of {len(own)}")]
        return []

    def can_be_on_stack(self, frame):
        """Whether the process's own list has this function, at a line that it can be at."""
        truth = self.truth_of(frame)
        if truth:
            first, last = truth["range"] or (0, float("inf"))
            return not frame["line"] or first <= frame["line"] <= last or truth["range"] is None
        stacks = [truth["stack"] for truth in self.told.values()]
        return any(
            same_function(frame, own) and frame["line"] in (own["line"], 0, None)
            for stack in stacks
            for own in stack
        )

    def foreign(self):
        """User functions in any of the stacks that cannot have been on the stack."""
        frames = [f for stall in self.stalls for f in stall["stack"] or [] if is_user(f)]
        frames += [stall["where"] for stall in self.stalls if stall["where"] and is_user({"type": "js", **stall["where"]})]
        return [
            self.mistake(f"{show(frame)} cannot be on the stack")
            for frame in frames
            if not self.can_be_on_stack(frame)
        ]

    def below(self):
        """What the function called is seen under it, where it has a name for sure."""
        if not self.stall or not self.stall["samples"] or not self.scenario.get("below"):
            return []
        names = []
        for frame in self.stall["stack"] or []:
            if is_user(frame):
                break
            names.append(frame["function"])
        if not re.search(self.scenario["below"], " ".join(names), re.IGNORECASE):
            return [self.mistake(f"nothing like {self.scenario['below']!r} in {names}")]
        return []

    def original(self):
        """The place that the source map names, for the function and its callers."""
        wanted = self.scenario.get("original")
        if not self.stall:
            return []
        mistakes = []
        for frame in self.user_frames():
            original = frame.get("original") or {}
            file, line = original.get("file"), original.get("line")
            truth = self.truth_of(frame)
            mapped = wanted and truth and truth["file"].endswith(wanted["file"].replace(".ts", ".js"))
            if not mapped:
                if file or line:
                    mistakes.append(self.mistake(f"{show(frame)} has no original {file}:{line}"))
                continue
            expected = wanted["line_of_1"] + wanted["lines_per_line"] * (frame["line"] - 1)
            if not (file or "").endswith(wanted["file"]) or line != expected:
                told = f"{file}:{line}, not {wanted['file']}:{expected}"
                mistakes.append(self.mistake(f"{show(frame)} was written at {told}"))
        return mistakes


class Matrix:
    """All scenarios in one Node: run with looptop beside them, then asked for their truth."""

    def __init__(self, node, ms=200, gap_ms=20, names=None):
        self.version = node.version
        with node.run("stalls.js") as target:
            scenarios = target.call("names")["scenarios"]
            target.call("prepare")
            with Follow(target.pid) as follow:
                follow.wait_attached()
                answer = target.call("block", timeout=120, ms=ms, gap_ms=gap_ms, names=names)
                blocks = answer["blocks"]
                follow.wait_ended(blocks[-1]["end"] - 0.03)
                self.events = follow.stop()
            # Only now: whoever has asked V8 for a line leaves the script's line table behind.
            told = target.call("tell", timeout=60, names=names)["told"]
            self.pid = target.pid
        self.ended = [event for event in self.events if not event["ongoing"]]
        by_name = {scenario["name"]: scenario for scenario in scenarios}
        self.cases = [
            Case(by_name[block["name"]], block, told[block["name"]], self.stalls_of(block))
            for block in blocks
        ]

    def stalls_of(self, block):
        """Those that reach into a block by more than what the timer's turn does around it."""
        return [
            stall
            for stall in self.ended
            if stall["tid"] == block["tid"]
            and stall["start_time"] < block["end"] - 0.01
            and stall["start_time"] + stall["seconds"] > block["start"] + 0.01
        ]

    def left_over(self):
        """Stalls that belong to no block."""
        taken = [id(stall) for case in self.cases for stall in case.stalls]
        return [stall for stall in self.ended if id(stall) not in taken]

    def mistakes(self, comparison):
        return [mistake for case in self.cases for mistake in getattr(case, comparison)()]
