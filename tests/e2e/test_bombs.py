# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""Files of an unprivileged user that would take gigabytes or minutes to be read, beside a server that is measured."""

import http.client
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from conftest import NodeBinary
from support import bombs
from support.agent import Agent, get, wait_for
from support.looptop import BINARY, run

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
MIB = 1 << 20

# sanitizers take memory of their own
SANITIZED = "/san/" in str(BINARY)


@pytest.fixture
def open_folder():
    """A folder that everybody may look into."""
    folder = Path(tempfile.mkdtemp(prefix="looptop-bombs-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Run:
    """Programs of nobody, gone at the end."""

    def __init__(self):
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for process in self.processes:
            process.kill()
            process.wait(10)

    def start(self, *argv):
        process = subprocess.Popen([*NOBODY, *map(str, argv)], stdout=subprocess.DEVNULL)
        self.processes.append(process)
        return process.pid


def status_kib(pid, name):
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
    return int(found.group(1)) if found else 0


def children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += (task / "children").read_text().split()
        except FileNotFoundError:
            pass
    return found


class Watcher(threading.Thread):
    """Asks /healthz all the time, and adds up what the agent and its children take."""

    def __init__(self, agent):
        super().__init__()
        self.agent, self.slowest, self.asked, self.most_kib, self.failures = agent, 0, 0, 0, []
        self.ended = threading.Event()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.ended.set()
        self.join()

    def run(self):
        pid = self.agent.process.pid
        while not self.ended.wait(0.02):
            begun = time.monotonic()
            try:
                status, _, text = get(self.agent.url + "/healthz", timeout=30)
                if status != 200:
                    self.failures.append(text)
            except (http.client.HTTPException, OSError) as failure:
                self.failures.append(repr(failure))
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.asked += 1
            both = [pid, *children(pid)]
            self.most_kib = max(self.most_kib, sum(status_kib(one, "RssAnon") + status_kib(one, "RssShmem")
                                                   for one in both))


def refused(agent):
    return [line for line in agent.messages if ": refused: " in line]


@pytest.mark.alone
def test_bombs_beside_a_server(one_node, open_folder):
    """Each is refused by one line; the server is measured all the time, the exporter answers, memory stays."""
    node = NodeBinary(one_node.major, Path(shutil.copy(one_node.path, open_folder / "node")))
    files = [bombs.many_sections(open_folder / "sections"), bombs.large_table(open_folder / "table"),
             bombs.many_frames(open_folder / "frames"), bombs.many_symbols(open_folder / "symbols")]
    script = bombs.source_map(open_folder)
    with one_node.run("mixed.js") as server, Agent("-i", "0.5", "--stall-functions", "5") as agent, Run() as hostile:
        agent.wait_ready()
        with Watcher(agent) as calm:
            time.sleep(3)
        with Watcher(agent) as watcher:
            for path in files:
                hostile.start(path)
            blocker = hostile.start(node.path, script)
            server.send("start", seconds=20)
            wait_for(lambda: len(refused(agent)) >= 4, 90, "four refusals")
            # one that begins now is found all the same
            with one_node.run("mixed.js") as late:
                wait_for(lambda: agent.metrics().values("looptop_process_info", pid=str(late.pid)), 30,
                         "a process that came later")
            metrics = agent.metrics()
        for name in ("sections", "table", "frames", "big.js.map"):
            lines = [line for line in refused(agent) if str(open_folder / name) in line]
            assert len(lines) == 1, (name, agent.messages)
            assert re.search(r"refused: more .*; .*(not measured|generated file alone)$", lines[0]), lines
        assert metrics.value("looptop_self_refused_files_total") == 4
        assert metrics.values("looptop_process_info", pid=str(blocker)), "a process is more than its source map"
        assert metrics.value("looptop_loop_iterations_total", pid=str(server.pid), loop="main") > 5
        assert metrics.value("looptop_self_target_memory_bytes") <= 64 * MIB
        # a machine that is slow is so without bombs too
        assert not watcher.failures and watcher.asked > 20
        assert watcher.slowest < max(1, 3 * calm.slowest), (watcher.slowest, calm.slowest)
        if not SANITIZED:
            assert metrics.value("looptop_self_peak_rss_bytes") < 100 * MIB
            assert status_kib(agent.process.pid, "VmHWM") < 100 << 10
            assert watcher.most_kib < 256 << 10, watcher.most_kib
        agent.stop()
        assert subprocess.run(["kill", "-0", str(server.pid)], check=False).returncode == 0


@pytest.mark.parametrize("bomb", [bombs.many_sections, bombs.large_table, bombs.many_frames])
def test_a_named_bomb(open_folder, bomb):
    """Whoever names such a process is told why it is not measured."""
    with Run() as hostile:
        pid = hostile.start(bomb(open_folder / "bomb"))
        wait_for(lambda: Path(f"/proc/{pid}/exe").resolve().name == "bomb", 10, "its program")
        for command in ("stat", "check"):
            result = run(command, pid, timeout=60)
            assert 0 < result.returncode <= 5, result.returncode
            said = result.stderr + result.stdout
            assert f"{open_folder}/bomb: refused: more " in said, said
            assert "runs no event loop" in said, said
