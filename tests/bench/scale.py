# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The agent's own cost by the number of processes: the load for it, and how it is measured.

Most of the processes are a small program with four libuv loops (tests/workloads/uv-loops.c); one in twelve is
Node with three Workers. Each loop has a timer of one second, and one process in fifty is a few percent busy.
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import urllib.request

from rig import NODE

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOOPTOP = os.environ.get("LT_LOOPTOP", str(ROOT / "build/looptop"))
LOOPS = 4  # of each process
NODE_EVERY = 12
BUSY_EVERY = 50
COUNTS = [int(count) for count in os.environ.get("LT_BENCH_COUNTS", "1,10,50,200,500").split(",")]
SETTLE_SECONDS = 20  # until all is found that is looked for at the beginning
SLICES, SLICE_SECONDS = 12, 5

TITLE = "The agent by the number of processes, none named, at 1 s"
NOTE = ("`looptop agent`. One process in twelve is Node with three Workers, the others are libuv programs with four loops "
        "(tests/workloads/uv-loops.c); each loop has a timer of 1 s, one process in fifty is a few percent busy. 60 s "
        "after the first 20, in slices of 5 s.")

NODE_SCRIPT = """
const { Worker } = require('worker_threads');
let n = +process.argv[1];
for (let i = 0; i < n; i++)
  new Worker(`require('worker_threads').parentPort.postMessage(0); setInterval(() => {}, 1000)`, { eval: true })
    .on('message', () => { if (--n == 0) console.log('ready'); });
setInterval(() => { const end = Date.now() + +process.argv[2]; while (Date.now() < end); }, 1000);
process.stdin.on('end', () => process.exit()).resume();
"""


class Load:
    """So many processes, that end with this one."""

    def __init__(self, count, node, folder, node_every=NODE_EVERY):
        self.processes = []
        program = pathlib.Path(folder) / "uv-loops"
        if not program.exists():
            subprocess.run(["cc", "-O2", str(ROOT / "tests/workloads/uv-loops.c"), "-o", str(program),
                            "-l:libuv_a.a", "-lpthread", "-ldl", "-lrt"], check=True)
        # One pipe for all: they end when it does, whatever becomes of us.
        self.input, self.output = os.pipe()
        for i in range(count):
            busy_ms = 5 if i % BUSY_EVERY == BUSY_EVERY // 2 else 0
            if node_every and i % node_every == 0:
                self.start([node, "-e", NODE_SCRIPT, str(LOOPS - 1), str(busy_ms)])
            else:
                self.start([str(program), str(LOOPS), "1000", str(busy_ms * 1000)])

    def start(self, command):
        process = subprocess.Popen(command, stdin=self.input, stdout=subprocess.PIPE, text=True)
        if not process.stdout.readline().startswith("ready"):
            sys.exit(f"{command[0]} did not start")
        process.stdout.close()
        self.processes.append(process)

    def stop(self):
        os.close(self.output)
        for process in self.processes:
            process.wait()
        os.close(self.input)


class Agent:
    """looptop agent without a target, once it serves."""

    def __init__(self):
        self.process = subprocess.Popen([LOOPTOP, "agent", "-v", "--listen", "127.0.0.1:0"],
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "serving metrics on port" in line:
                self.port = int(line.rsplit(" ", 1)[1])
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def cpu_seconds(self):
        """By the scheduler's own account, of all threads."""
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def rss_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def scrape(self):
        """CPU time of a scrape, and the page."""
        before = self.cpu_seconds()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as page:
            text = page.read().decode()
        return self.cpu_seconds() - before, text

    def stop(self):
        self.process.terminate()
        self.process.wait()


def shares(agent):
    """CPU of the agent in slices of time, share of a core each."""
    values = []
    for _ in range(SLICES):
        cpu, now = agent.cpu_seconds(), time.monotonic()
        time.sleep(SLICE_SECONDS)
        values.append((agent.cpu_seconds() - cpu) / (time.monotonic() - now))
    return values


def row(count, node, folder):
    load = Load(count, node, folder)
    agent = Agent()
    time.sleep(SETTLE_SECONDS)
    cpu = shares(agent)
    rss = agent.rss_mib()
    scrapes = []
    for _ in range(5):
        seconds, page = agent.scrape()
        scrapes.append(seconds * 1e3)
        time.sleep(1.1)
    targets = int(re.search(r"^looptop_self_targets (\d+)", page, re.M).group(1))
    lines = len(re.findall(r"^[^#]", page, re.M))
    fds = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
    median = statistics.median(cpu)
    floor = abs(statistics.median(cpu[0::2]) - statistics.median(cpu[1::2])) / median
    rss_after = agent.rss_mib()
    agent.stop()
    load.stop()
    return (f"| {count} | {targets} | {median * 100:.2f} % | {floor * 100:.0f} % | {rss:.0f} MiB | "
            f"{rss_after:.0f} MiB | {fds} | {statistics.median(scrapes):.0f} ms | {lines} |")


def agent_cost(node):
    rows = ["| processes, of 4 loops each | targets found | CPU, share of a core | noise floor | resident memory | "
            "after scrapes | descriptors | CPU of a scrape | series |", "|---|---|---|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            rows.append(row(count, node, folder))
    return rows


def key_times(seconds):
    """How long the dashboard takes to answer a key, from the moment that its screen is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(LOOPTOP, [LOOPTOP, "top"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began = time.monotonic()
    os.read(terminal, 65536)
    first, times = time.monotonic() - began, []
    while time.monotonic() - began < seconds:
        while select.select([terminal], [], [], 0)[0]:
            os.read(terminal, 65536)
        pressed = time.monotonic()
        os.write(terminal, b"?")  # help comes, or goes
        select.select([terminal], [], [], 10)
        times.append(time.monotonic() - pressed)
        time.sleep(0.07)
    os.kill(pid, signal.SIGTERM)
    while True:  # what it still writes must be taken, or it waits
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:
            break
    os.waitpid(pid, 0)
    os.close(terminal)
    return first, times


def dashboard(node):
    rows = ["| processes | first screen | key to answer, median | 95 of 100 | longest |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS[-1:]:
            load = Load(count, node, folder)
            first, times = key_times(20)
            load.stop()
            times.sort()
            rows.append(f"| {count} | {first * 1e3:.0f} ms | {statistics.median(times) * 1e3:.1f} ms | "
                        f"{times[int(len(times) * 0.95)] * 1e3:.0f} ms | {times[-1] * 1e3:.0f} ms |")
    return rows


def measure():
    rows = agent_cost(NODE)
    return [*rows, "", "`looptop top` on the last of them; a key is pressed 13 times a second from its first screen on, while it finds "
            "the processes.", "", *dashboard(NODE)]
