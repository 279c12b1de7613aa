# SPDX-License-Identifier: GPL-2.0-only
# Copyright (c) 2026 The looptop authors
"""The doctor on services with one illness each, and on healthy ones (workloads/doctor.js).

It must be the one finding, and a healthy service must have none: an alarm that is false is as wrong
as one that is missing.
"""

import contextlib
import html.parser
import http.client
import shutil
import socketserver
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support import PATIENCE, looptop
from support.pressure import (
    CpuLimit,
    Hog,
    MemoryLimit,
    held_periods,
    one_cpu,
    pin,
    stolen_seconds,
    waited_seconds,
)

# What others take of the machine is an illness, too.
pytestmark = pytest.mark.alone

WATCH = ("-d", "2.4", "-i", "0.4", *looptop.NO_BUDGET)

# Illness → what its finding has to name: the function, the kind of task, …
NAMED = {
    "sync-javascript": "renderReport",
    "json": "parseCatalogue",
    "regexp": "checkAddress",
    "sync-crypto": "hashPassword",
    "sync-zlib": "compressPage",
    "sync-fs": "loadTemplates",
    "child-process-sync": "resizeImage",
    "sync-wait": "waitForLock",
    "next-tick-starvation": "drainQueue",
    "microtask-starvation": "followChain",
    "pool-saturated": "UV_THREADPOOL_SIZE",
    "pool-backlog": "UV_THREADPOOL_SIZE",
    "dns-slow-io": "dns",
    "slow-delivery": "",
    "gc-share": "",
    "gc-scavenge-pressure": "--max-semi-space-size",
    "gc-long-major": "",
    "heap-grows": "the heap in use",
    "memory-grows": "resident memory",
    "memory-limit": "--max-old-space-size",
    "loop-busy": "",
    "cpu-starved": "",
    "cpu-throttled": "",
    "timers-late": "",
    "uneven-loops": "",
}

# A young generation that is too small, and a collector without threads to help.
SMALL_YOUNG = ["--max-semi-space-size=1", "--single-threaded-gc"]
FLAGS = {
    "gc-long-major": ["--expose-gc"],
    "heap-grows": ["--expose-gc"],
    "memory-grows": ["--expose-gc"],
    "gc-share": SMALL_YOUNG,
    "gc-scavenge-pressure": ["--max-semi-space-size=2", "--single-threaded-gc"],
}


class SlowNameServer(socketserver.ThreadingUDPServer):
    """Answers every question for an address with one, after a while; only on this machine."""

    daemon_threads = True
    address = "127.0.0.77"

    def __init__(self, delay_seconds):
        super().__init__((self.address, 53), self.Handler)
        self.delay_seconds = delay_seconds

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            query, socket = self.request
            time.sleep(self.server.delay_seconds)
            end = query.index(b"\0", 12) + 5
            is_address = query[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x0a\0\0\1" if is_address else b""
            counts = b"\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0"
            socket.sendto(query[:2] + b"\x81\x80" + counts + query[12:end] + answer, self.client_address)


@contextlib.contextmanager
def slow_names(folder):
    """A launcher of processes whose name server is slow; theirs alone."""
    config = folder / "resolv.conf"
    config.write_text(f"nameserver {SlowNameServer.address}\n")
    mount = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    with SlowNameServer(0.06) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("unshare", "--mount", "--propagation", "private", "sh", "-c", mount, config)
        server.shutdown()


def options_of(illness, stack, request, tmp_path):
    options = {"flags": FLAGS.get(illness, [])}
    if illness in ("pool-saturated", "pool-backlog"):
        options["env"] = {"LT_POOL_ADDON": str(request.getfixturevalue("pool_addon"))}
    if illness == "dns-slow-io":
        options["launcher"] = stack.enter_context(slow_names(tmp_path))
    return options


def surround(illness, target, stack):
    """What makes it ill from outside."""
    if illness == "cpu-starved":
        cpu = one_cpu()
        pin(target.pid, cpu)
        stack.enter_context(Hog(cpu))
    elif illness == "cpu-throttled":
        # Less than others of this machine would leave it.
        stack.enter_context(CpuLimit(target.pid, 0.1))
    elif illness == "memory-limit":
        stack.enter_context(MemoryLimit(target.pid, 1.1))
    elif illness == "timers-late":
        # The kernel may let a timer of this thread be so late, to save power.
        Path(f"/proc/{target.pid}/timerslack_ns").write_text("60000000")


# A leak takes its time to tell.
LEAK_WATCH = ("-d", "10", "-i", "1", *looptop.NO_BUDGET)
LONGER = {"heap-grows": LEAK_WATCH, "memory-grows": LEAK_WATCH}
ASKS_FOR_COLLECTIONS = {"gc-long-major", *LONGER}


def examine(pid, *extra, watch=WATCH):
    result = looptop.run("doctor", "--json", *watch, *extra, pid, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    return looptop.strict_json(result.stdout)


def ids(report):
    return [finding["id"] for finding in report["findings"]]


def summary(report, held):
    """What a failing assertion has to say."""
    findings = [(f["id"], f["title"], f["seen"], f["weight_seconds"]) for f in report["findings"]]
    unseen = [one for one in report["checked"] if not one["looked_at"]]
    lines = [*findings, *report["processes"][0]["loops"], *report["notes"], *unseen, vars(held)]
    return "\n".join(map(str, lines))


# What says why a loop has no time, so that the rest is not said of it any more (agent/doctor: a loop that is busy, timers
# that are late, what waits to be delivered; who is throttled is not starved besides; long collections are not in
# the share of all).
GIVES_WAY = {
    "gc-long-major": {"gc-share"},
    "cpu-throttled": {"cpu-starved", "timers-late", "loop-busy", "slow-delivery"},
    "cpu-starved": {"timers-late", "loop-busy", "slow-delivery"},
}


class Held:
    """What the kernel says: for which share of a time the process' threads, and those beside the main thread, wanted a CPU
    and had none, which part of what the main thread wanted it did not get, how much was taken from all CPUs by the host
    of this machine; and whether a CPU limit held it."""

    def __init__(self, pid):
        self.pid = pid

    def read(self):
        ran, main_waited, _ = Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()
        return waited_seconds(self.pid), int(main_waited) / 1e9, int(ran) / 1e9, stolen_seconds(), held_periods(self.pid)

    def __enter__(self):
        self.before, self.began = self.read(), time.monotonic()
        return self

    def __exit__(self, *exc):
        seconds = time.monotonic() - self.began
        waited, main_waited, ran, stolen, periods = (now - before for now, before in zip(self.read(), self.before))
        self.share = waited / seconds
        self.helpers_share = (waited - main_waited) / seconds
        self.part = main_waited / (main_waited + ran) if main_waited else 0
        self.stolen_share = stolen / seconds
        self.by_limit = periods > 0


def surroundings(illness, held):
    """Findings that are true of a machine that others use too, where the kernel says so as well."""
    others = set()
    if held.share > 0.03:
        # the wait stretches collections as well, and whoever wakes late for it has late timers
        others |= {"cpu-starved", "gc-long-major", "timers-late"}
    if held.by_limit:
        others.add("cpu-throttled")
    if held.helpers_share > 0.03:
        others.add("sync-wait")  # before a collection the loop's thread waits for helpers, and those for a CPU
        if illness in ASKS_FOR_COLLECTIONS:
            others.add("sync-javascript")  # or whoever asked for it does their part
    if held.stolen_share > 0.01:
        others.add("timers-late")
    return others - {illness}


def may_be_outweighed(illness, report, held):
    """May an illness be less than it takes to be told? All loads are as ill as it takes several times over. Who got less
    than half of the CPU that it wanted is as much less ill; or the doctor says what is worse. Either way it says so."""
    worse = set(ids(report)) & surroundings(illness, held) & set(GIVES_WAY)
    return any(held.part > 0.5 or illness in GIVES_WAY[finding] for finding in worse)


@pytest.mark.parametrize("illness", list(NAMED))
def test_an_illness_is_found(one_node, request, tmp_path, illness):
    with contextlib.ExitStack() as stack:
        options = options_of(illness, stack, request, tmp_path)
        target = stack.enter_context(one_node.run("doctor.js", **options))
        surround(illness, target, stack)
        target.call("start", PATIENCE, illness=illness)
        time.sleep(0.5)  # what it does first, to start, is none of the illness
        with Held(target.pid) as held:
            report = examine(target.pid, watch=LONGER.get(illness, WATCH))
    found = [finding for finding in report["findings"] if finding["id"] not in surroundings(illness, held)]
    if not found and may_be_outweighed(illness, report, held):
        pytest.skip(f"the machine's own illness is worse: {held.part:.2f} of the CPU was not to be had")
    assert [finding["id"] for finding in found] == [illness], summary(report, held)
    assert NAMED[illness] in str(found[0]), summary(report, held)


class LightLoad(threading.Thread):
    """Some forty requests in a second, one after the other."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.stopped = threading.Event()
        self.requests = 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        while not self.stopped.wait(0.02):
            connection.request("GET", "/")
            connection.getresponse().read()
            self.requests += 1
        connection.close()


@pytest.mark.parametrize("service", ["idle", "light-timers", "light-http"])
def test_a_healthy_service_has_no_finding(one_node, service):
    with one_node.run("doctor.js") as target:
        answer = target.call("start", illness=service)
        load = LightLoad(answer["port"]) if service == "light-http" else None
        if load:
            load.start()
        with Held(target.pid) as held:
            report = examine(target.pid)
        if load:
            load.stopped.set()
            load.join(PATIENCE)
            assert load.requests > 0
    assert set(ids(report)) <= surroundings(service, held), summary(report, held)


def test_the_text_says_the_same(one_node):
    with one_node.run("doctor.js") as target:
        target.call("start", illness="sync-javascript")
        time.sleep(0.3)
        result = looptop.run("doctor", *WATCH, target.pid, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    assert "renderReport" in result.stdout
    assert "doctor.js:" in result.stdout


def test_the_text_of_a_healthy_service_says_what_was_checked(one_node):
    with one_node.run("doctor.js") as target:
        target.call("start", illness="idle")
        result = looptop.run("doctor", *WATCH, target.pid, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) > 10, result.stdout


def test_a_report_that_cannot_be_written(one_node):
    with one_node.run("doctor.js") as target:
        arguments = ("-d", "0.5", "--html", "/nowhere/report.html", target.pid)
        result = looptop.run("doctor", *arguments, timeout=PATIENCE)
    looptop.assert_says_why(result, 1, "/nowhere/report.html")


class Page(html.parser.HTMLParser):
    """What a page is made of: its elements, its text, and what it wants from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.links = []
        self.words = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        wants = ("src", "href", "action", "poster", "data")
        self.links += [value for name, value in attrs if name in wants and value]

    def handle_data(self, data):
        self.words += data.split()


def in_browser(path, folder):
    """The page as Chromium has it after loading; fails if anything on it failed."""
    browser = shutil.which("chromium")
    assert browser, "chromium is needed to open the report (Debian: apt-get install chromium)"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr")
    result = subprocess.run(
        [browser, *options, f"--user-data-dir={folder}/profile", "--dump-dom", f"file://{path}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 0, result.stderr
    failures = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    assert failures == []
    return Page(result.stdout)


@pytest.mark.parametrize("illness", ["sync-javascript", "idle"])
def test_the_page_in_a_browser(one_node, tmp_path, illness):
    report = tmp_path / "report.html"
    with one_node.run("doctor.js") as target:
        target.call("start", illness=illness)
        time.sleep(0.3)
        findings = ids(examine(target.pid, "--html", report))
    page = in_browser(report, tmp_path)
    for element in ("title", "h1", "svg", "style"):
        assert element in page.elements, element
    assert not [link for link in page.links if not link.startswith(("#", "data:"))], "one file alone"
    assert "script" not in page.elements and "link" not in page.elements
    assert ("renderReport" in " ".join(page.words)) == (illness == "sync-javascript") == bool(findings)
