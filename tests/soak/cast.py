# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Who comes and goes: each actor has a thread of its own and plays its act again and again."""
import collections
import itertools
import json
import shutil
import subprocess
import threading
import time
import traceback

from support.workload import WORKLOADS, Workload, node_workload


class Stage:
    """What actors share. Whatever an act throws ends the run: a soak whose targets fail proves nothing."""

    def __init__(self, nodes, uv_tasks, folder, tier_of):
        self.nodes, self.uv_tasks, self.folder = nodes, uv_tasks, folder
        self.tier_of = tier_of  # pid → the tier on the latest page, None: not on it
        self.over = threading.Event()
        self.started = collections.Counter()
        self.failures = []
        self.spinners = []  # of each: (second, tier) when its tier changed, and the end
        self._lock = threading.Lock()
        self._threads = []

    def rest(self, seconds):
        """False when the run is over."""
        return not self.over.wait(seconds)

    def note(self, what, count=1):
        with self._lock:
            self.started[what] += count

    def _play(self, act):
        try:
            for turn in itertools.count():
                if self.over.is_set():
                    return
                act(self, turn)
        except BaseException:  # also an assertion of a workload
            self.failures.append(f"{act.__name__}: {traceback.format_exc()}")
            self.over.set()

    def begin(self):
        for act in ACTS:
            thread = threading.Thread(target=self._play, args=(act,), name=act.__name__)
            thread.start()
            self._threads.append(thread)

    def end(self):
        self.over.set()
        for thread in self._threads:
            thread.join(60)
            if thread.is_alive():
                self.failures.append(f"{thread.name}: does not end")

    def node(self, turn):
        majors = sorted(self.nodes)
        return self.nodes[majors[turn % len(majors)]]


def leave(stage, workload, turn):
    """Every second time by the kill that nobody hears coming."""
    if turn % 2:
        workload.process.kill()
        stage.note("killed")


# Some work of each kind: (script, commands with their arguments)
PLAYS = (
    ("mixed.js", [("start", {"seconds": 2})]),
    ("gc.js", [("churn", {"seconds": 1.5})]),
    ("pool.js", [("kinds", {"fs": 100, "dns": 10, "crypto": 20, "random": 10, "zlib": 5})]),
    ("blocks.js", [("start", {"blocks": [[150, 4], [30, 10]], "gap_ms": 40})]),
)


def servers(stage, turn):
    """Node of each major in turn, with one kind of work each."""
    script, commands = PLAYS[turn % len(PLAYS)]
    with node_workload(stage.node(turn // len(PLAYS)), script) as workload:
        stage.note("servers")
        for command, arguments in commands:
            workload.call(command, **arguments)
        stage.rest(0.5)
        leave(stage, workload, turn)
    stage.rest(0.5)


def stallers(stage, turn):
    """Blocks in functions of every kind, whose stacks are to be read: names, positions, source maps."""
    with node_workload(stage.node(turn), "stalls.js") as workload:
        stage.note("stallers")
        scenarios = [s["name"] for s in workload.call("names")["scenarios"] if not s["asleep"]]
        workload.call("prepare")
        workload.call("block", names=scenarios[turn % 3::3], ms=130, gap_ms=60, timeout=60)
        stage.rest(0.5)
    stage.rest(3)


def workers(stage, turn):
    with node_workload(stage.node(turn), "workers.js") as workload:
        stage.note("processes with workers")
        for _ in range(2):
            workload.call("spawn", names=["a", "b", ""])
            stage.note("workers", 3)
            workload.call("start", loads=[0.05, 0.1, 0.0], seconds=2)
            workload.call("end")
        leave(stage, workload, turn)
    stage.rest(2)


def clusters(stage, turn):
    """A cluster that loses a worker every second, and forks another; what it says of that is no matter."""
    argv = [str(stage.node(turn)), str(WORKLOADS / "cluster.js"), "2"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as primary:
        stage.note("clusters")
        for _ in range(2 + 6):
            event = json.loads(primary.stdout.readline())
            while event["event"] != "online":
                event = json.loads(primary.stdout.readline())
            stage.note("forks")
            stage.rest(1)
            subprocess.run(["kill", "-KILL", str(event["pid"])], check=True)
        primary.stdin.close()
    stage.rest(3)


def passers(stage, turn):
    """Processes that end before anybody can attach to them, and programs without a loop."""
    argv = [str(stage.node(turn)), "-e", "0"]
    for process in [subprocess.Popen(argv) for _ in range(4)]:
        process.wait(60)
    for process in [subprocess.Popen(["true"]) for _ in range(30)]:
        process.wait(60)
    stage.note("passers", 4)
    stage.rest(4)


def libuv_programs(stage, turn):
    """A libuv program that is not Node; each time of a file of its own, which is gone while it runs."""
    program = stage.folder / f"program-{turn}"
    shutil.copy(stage.uv_tasks, program)
    with Workload([program]) as workload:
        program.unlink()
        stage.note("libuv programs")
        workload.call("start")
        stage.rest(1)
        leave(stage, workload, turn)
    stage.rest(2)


def spinners(stage, turn):
    """A loop that turns as fast as it can: its probes would cost a core, so it must lose them."""
    seconds = 15
    with node_workload(stage.node(turn), "spin.js") as workload:
        stage.note("spinners")
        workload.send("immediates", seconds=seconds)
        begin = time.monotonic()
        tiers = []
        while time.monotonic() < begin + seconds - 0.5 and stage.rest(0.25):
            tier = stage.tier_of(workload.pid)
            if tier and (not tiers or tiers[-1][1] != tier):
                tiers.append((time.monotonic() - begin, tier))
        tiers.append((time.monotonic() - begin, "end"))
        stage.spinners.append(tiers)
        workload.answer("immediates", timeout=60)
    stage.rest(15)


ACTS = (servers, stallers, workers, clusters, passers, libuv_programs, spinners)
